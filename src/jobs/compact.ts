import { type PlainError, toPlainError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import {
  type Compacted,
  compact,
  compactorOf,
  type PreparedCompaction,
  prepareCompaction,
} from '../repository/compact.ts';
import { graceMs } from '../repository/parameters.ts';
import type { RunSites } from '../repository/run-sites.ts';
import { listSnapshots } from '../repository/snapshot.ts';
import { alignSource } from '../repository/source-copies.ts';
import { openSource, readSourceRecord } from '../repository/source-record.ts';
import { beginAtEachSite, type SiteReport, siteReports } from './run-begin.ts';

export interface CompactRequest {
  sources: readonly string[];
  /** From 0 to 1: packs of which a larger share is dead are rewritten. */
  deadShare: number;
  /** Plan only. */
  dryRun: boolean;
  /** Live bytes that one index object replaces; for tests. */
  groupBytes?: number;
}

export interface CompactSourceReport {
  source: string;
  /** Packs that live snapshots need: how many, bytes, and of these bytes those that none refers to. */
  packs: number;
  bytes: number;
  deadBytes: number;
  /** What is worth rewriting: packs, their bytes, and bytes of what in them is live. */
  rewrite: { packs: number; bytes: number; liveBytes: number };
  /** What was done; missing when nothing was to be. */
  done?: Compacted;
  /** When prune may remove what was replaced; missing when nothing was. */
  removableFrom?: string;
  /** Snapshots that could not be read; the packs they need stay as they are. */
  unread: { snapshot: string; why: string }[];
  error?: PlainError;
}

export interface CompactReport {
  outcome: 'done' | 'partial' | 'failed';
  dryRun: boolean;
  sources: CompactSourceReport[];
  /** Sites that failed; sync brings them what they lack. */
  dropped: SiteReport[];
}

/**
 * Rewrites packs of which little is live any more. Needs the identity of an owner or a verifier, and no right to delete:
 * what was replaced goes with a prune, after the grace period.
 *
 * @throws HoldfastError when nothing can be begun
 */
export async function compactSources(access: RepositoryAccess, request: CompactRequest): Promise<CompactReport> {
  const sites = await beginAtEachSite(access);
  const sources: CompactSourceReport[] = [];
  for (const name of request.sources) {
    access.signal.throwIfAborted();
    access.emit({ type: 'step', text: `Compacting ${name}` });
    const report: CompactSourceReport = {
      source: name,
      packs: 0,
      bytes: 0,
      deadBytes: 0,
      rewrite: { packs: 0, bytes: 0, liveBytes: 0 },
      unread: [],
    };
    try {
      if (await compactSource(access, sites, name, request, report)) sources.push(report);
    } catch (error) {
      access.signal.throwIfAborted();
      sources.push({ ...report, error: toPlainError(error) });
    }
  }
  const dropped = siteReports(sites).filter(({ error }) => error !== undefined);
  const failed = sources.filter(({ error }) => error !== undefined).length;
  const isWhole = sources.every(({ unread, done }) => unread.length === 0 && (done?.damaged ?? []).length === 0);
  const outcome =
    failed > 0 && failed === sources.length
      ? 'failed'
      : failed === 0 && dropped.length === 0 && isWhole
        ? 'done'
        : 'partial';
  return { outcome, dryRun: request.dryRun, sources, dropped };
}

/** @returns false before the source's first backup */
async function compactSource(
  access: RepositoryAccess,
  sites: RunSites,
  name: string,
  request: CompactRequest,
  report: CompactSourceReport,
): Promise<boolean> {
  if (!request.dryRun) await alignSource(access, name);
  if ((await readSourceRecord(access, name)) === undefined) return false;
  const source = await openSource(access, name);
  compactorOf(access, source);
  // Before the packs: a snapshot that is made meanwhile is not among those that were read, and keeps what it names.
  const listing = await listSnapshots(access, source, sites);
  const prepared = await prepareCompaction(access, sites, source, listing.snapshots, request);
  describe(prepared, report);
  if (request.dryRun || prepared.plan.groups.length === 0) return true;
  report.done = await compact(access, sites, source, prepared);
  if (report.done.indexes > 0) report.removableFrom = new Date(access.clock.now() + graceMs).toISOString();
  return true;
}

function describe({ plan, unread }: PreparedCompaction, report: CompactSourceReport): void {
  const { packs, bytes, deadBytes, rewrite } = plan;
  Object.assign(report, { packs, bytes, deadBytes, rewrite });
  report.unread = unread.map(({ id, error }) => ({ snapshot: id, why: error.why ?? error.message }));
}
