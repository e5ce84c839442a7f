/** Which snapshot is to be proven, and whether the site shows what it should: signed by who may, and nothing older. */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { sha256Hex } from '../../crypt/secrets.ts';
import type { RepositoryAccess } from '../../repository/access.ts';
import type { IgnoredObject } from '../../repository/ignored-object.ts';
import { promisedHash, SourceLayout } from '../../repository/layout.ts';
import { LocalState } from '../../repository/local-state.ts';
import { readIfWhole } from '../../repository/object-hashes.ts';
import { listAcross } from '../../repository/objects-across-sites.ts';
import { isSiteFailure, RunSites } from '../../repository/run-sites.ts';
import { type KnownSnapshot, listSnapshots, type SnapshotListing } from '../../repository/snapshot.ts';
import { type OpenedSource, openSource } from '../../repository/source-record.ts';
import type { Site } from '../../sites/site.ts';
import type { Check } from '../../sources/source.ts';
import { assertRepository } from '../init.ts';
import { byDateOrId } from '../snapshots.ts';
import { type Answer, verdictOfFindings } from './check-list.ts';

export interface Located {
  source: OpenedSource;
  /** Undefined when the site shows none, and should. */
  snapshot: KnownSnapshot | undefined;
  answer: Omit<Answer, 'durationMs'>;
}

/**
 * Finds the snapshot of an address at one site, and holds what the site shows against what this machine remembers and what
 * the other sites list. Nothing but names, and snapshots that this site lacks, is read at those.
 *
 * @param access to the one site
 * @param others that can be asked
 * @throws HoldfastError what keeps the source from being opened; `not-found` when there is no such snapshot, and nobody
 *   knows of one; `usage` for an address that names none
 */
export async function locateSnapshot(
  access: RepositoryAccess,
  others: readonly Site[],
  address: string,
): Promise<Located> {
  const at = address.lastIndexOf('@');
  const [name, which] = at < 0 ? [address, 'latest'] : [address.slice(0, at), address.slice(at + 1)];
  await assertRepository(access);
  const source = await openSource(access, name).catch((error) => lost(access, others, name, error));
  const listing = await listSnapshots(access, source);
  const findings = await damagedAmong(access, listing.ignored);
  const { snapshots } = listing;
  const snapshot = which === 'latest' ? snapshots.at(-1) : byDateOrId(snapshots, name, which);
  // Whoever names one by its id wants that one, whatever else there is.
  const wantsNewest = which === 'latest' || which.includes('-');
  const known = wantsNewest ? await newerElsewhere(access, others, source, listing) : undefined;
  if (known?.newer) {
    const { sequence, time, where } = known.newer;
    const shown = snapshots.at(-1);
    findings.push({
      kind: 'rollback',
      object: `snapshot number ${sequence} of ${time}`,
      verdict: 'differs',
      detail: `${where}, and this site does not show it${shown ? `: its newest is number ${shown.sequence} of ${shown.time}` : ''}.`,
    });
  }
  if (snapshot === undefined && findings.length === 0) {
    const refused = refusedAmong(source, listing, which);
    if (refused !== undefined) {
      throw new HoldfastError('not-trusted', `No snapshot ${address} at the site "${access.site.name}" counts.`, {
        why: `${refused.object}: ${refused.why}`,
        hint: 'Find out who put it there. Prove another site, or have a host of the configuration make a new one.',
      });
    }
    throw new HoldfastError('not-found', `There is no snapshot ${address} at the site "${access.site.name}".`, {
      why: snapshots.length === 0 ? 'It shows none of this source.' : `It shows ${snapshots.length} others.`,
      hint: `Make one: holdfast backup ${name}`,
    });
  }
  const isKnown = listing.freshnessKnown || (known?.asked ?? 0) > 0;
  const verdict = verdictOfFindings(findings);
  return {
    source,
    snapshot,
    answer: {
      verdict,
      equal: verdict === 'pass' ? 1 : 0,
      figures: { snapshots: snapshots.length, otherSites: known?.asked ?? 0 },
      findings,
      ...(verdict === 'pass' &&
        wantsNewest &&
        !isKnown && {
          why: 'This machine sees the source for the first time, and no other site could be asked: nobody here can tell whether it is the newest.',
        }),
    },
  };
}

/** One that does not count in the place of what was asked for: there is something, and not what should be. */
function refusedAmong(
  { layout }: OpenedSource,
  { ignored, snapshots }: SnapshotListing,
  which: string,
): IgnoredObject | undefined {
  const wanted = layout.snapshots + (snapshots.length === 0 ? '' : which);
  return ignored.find(({ object, isDisowned }) => !isDisowned && object.startsWith(wanted));
}

/** A source that is gone is damage where anybody knows that it was there. */
async function lost(access: RepositoryAccess, others: readonly Site[], name: string, error: unknown): Promise<never> {
  if (!isHoldfastError(error, 'not-found')) throw error;
  const layout = new SourceLayout(access.trust.sourceId(name));
  const memory = await new LocalState(access.stateDirectory, access.trust.repositoryId).read(layout.id);
  let where = memory.pin === undefined ? undefined : 'This machine has seen it';
  for (const site of where === undefined ? others : []) {
    const there = await site.stat(layout.source).catch((failure) => {
      if (isSiteFailure(failure)) return undefined;
      throw failure;
    });
    if (there !== undefined) where ??= `The site "${site.name}" has it`;
  }
  if (where === undefined) throw error;
  throw new HoldfastError('object-missing', `The site "${access.site.name}" shows nothing of the source "${name}".`, {
    why: `${where}.`,
    hint: 'Run `holdfast sync`, and find out who removed it.',
    cause: error,
  });
}

/** Of what does not count, what is not even what its name says. What nobody trusted has signed is somebody else's. */
export async function damagedAmong(access: RepositoryAccess, ignored: readonly IgnoredObject[]): Promise<Check[]> {
  const findings: Check[] = [];
  for (const { object, why, isDisowned } of ignored) {
    const bytes = await readIfWhole(access.site, object);
    if (bytes === undefined || sha256Hex(bytes) !== promisedHash(object)) {
      findings.push({ kind: 'object', object, verdict: 'differs', detail: 'Its bytes do not hash to its name.' });
    } else if (!isDisowned) access.emit({ type: 'warning', text: `${object} does not count: ${why}` });
  }
  return findings;
}

interface Elsewhere {
  /** How many other sites answered. */
  asked: number;
  newer?: { sequence: number; time: string; where: string };
}

async function newerElsewhere(
  access: RepositoryAccess,
  others: readonly Site[],
  source: OpenedSource,
  listing: SnapshotListing,
): Promise<Elsewhere> {
  const { rollback, snapshots, tombstoned } = listing;
  const elsewhere: Elsewhere = { asked: 0 };
  if (rollback) {
    const { sequence, time } = rollback.known;
    elsewhere.newer = { sequence, time, where: 'This machine has seen it' };
  }
  if (others.length === 0) return elsewhere;
  const sites = new RunSites(others, {
    clock: access.clock,
    onDrop: ({ site, error }) =>
      access.emit({ type: 'note', text: `The site "${site.name}" was not asked for newer ones: ${error.message}` }),
  });
  try {
    const prefix = source.layout.snapshots;
    const own = new Set([...snapshots, ...tombstoned].map(({ id }) => prefix + id));
    const held = await listAcross(sites, prefix);
    elsewhere.asked = sites.live.length;
    if (held.every(({ name }) => own.has(name))) return elsewhere;
    const theirs = (await listSnapshots(access, source, sites)).snapshots.at(-1);
    const newest = Math.max(elsewhere.newer?.sequence ?? 0, [...snapshots, ...tombstoned].at(-1)?.sequence ?? 0);
    if (theirs === undefined || theirs.sequence <= newest) return elsewhere;
    // A backup that runs now may have got here meanwhile.
    if ((await access.site.stat(prefix + theirs.id)) !== undefined) return elsewhere;
    const { sequence, time, sites: holders = [] } = theirs;
    elsewhere.newer = { sequence, time, where: `The site "${holders[0]}" has it` };
  } catch (error) {
    if (!isSiteFailure(error)) throw error;
  }
  return elsewhere;
}
