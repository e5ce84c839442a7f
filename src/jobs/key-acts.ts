/** What acts of owners on the keys of sources have in common. */
import { HoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import { accessTo, type RepositoryAccess } from '../repository/access.ts';
import type { RunSites } from '../repository/run-sites.ts';
import type { PartyRole } from '../repository/trust.ts';
import { publishTrust } from './init.ts';
import { beginAtEachSite, type SiteReport, siteReports } from './run-begin.ts';

/** A party that got keys, or would get them. */
export interface GrantedKeys {
  party: string;
  role: PartyRole;
  generations: number[];
}

/** What became of one source. */
export interface SourceAct {
  source: string;
  /** `not-begun`: it gets its keys at its first backup. */
  result: 'changed' | 'unchanged' | 'not-begun' | 'failed';
  granted: GrantedKeys[];
  /** The newest generation now. */
  generation?: number;
  error?: PlainError;
}

export interface KeyActReport<S extends SourceAct = SourceAct> {
  outcome: 'done' | 'partial' | 'failed';
  dryRun: boolean;
  sources: S[];
  /** Sites that the act went on without; they get it later, by a backup or `sync`. */
  dropped: SiteReport[];
}

export interface KeyActRequest {
  /** Names of sources. */
  sources: readonly string[];
  /** Plan only. */
  dryRun: boolean;
}

/**
 * Does an act for each source, at every site; one source that fails does not keep the others from theirs. What every source
 * would fail of is thrown.
 *
 * @throws HoldfastError when no site can be used, or no identity is at hand
 */
export async function actOnSources<S extends SourceAct>(
  access: RepositoryAccess,
  { sources, dryRun }: KeyActRequest,
  act: (access: RepositoryAccess, source: string) => Promise<S | SourceAct>,
): Promise<KeyActReport<S | SourceAct>> {
  if (access.identities.length === 0) {
    throw new HoldfastError('wrong-key', 'Only an owner changes the keys of sources, and none is at hand.', {
      hint: 'Give the identity file of one: --identity FILE',
    });
  }
  let changed = false;
  const sites: RunSites = await beginAtEachSite(access, async (atSite) => {
    if (!dryRun && (await publishTrust(atSite))) changed = true;
  });
  if (changed) {
    access.emit({
      type: 'warning',
      text: 'The parties of the configuration have changed, and trust.json on the site with them.',
      hint: 'Print new escrow sheets: holdfast keys export',
    });
  }
  const acts: (S | SourceAct)[] = [];
  for (const source of sources) {
    access.signal.throwIfAborted();
    try {
      acts.push(await act(accessTo(access, sites), source));
    } catch (error) {
      access.signal.throwIfAborted();
      acts.push({ source, result: 'failed', granted: [], error: toPlainError(error) });
    }
  }
  const dropped = siteReports(sites).filter(({ error }) => error !== undefined);
  const failed = acts.filter(({ result }) => result === 'failed');
  const whole = failed.length === 0 && dropped.length === 0;
  const outcome = whole ? 'done' : failed.length === acts.length && acts.length > 0 ? 'failed' : 'partial';
  return { outcome, dryRun, sources: acts, dropped };
}
