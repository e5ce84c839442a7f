import { HoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import { smallYoungHeap } from '../base/memory.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { copyMissing } from '../repository/copy-missing.ts';
import type { IgnoredObject } from '../repository/ignored-object.ts';
import { graceMs } from '../repository/parameters.ts';
import { readPins } from '../repository/pins.ts';
import { newestProven, proofPause, readProofs, removeOutlivedProofs } from '../repository/proofs.ts';
import {
  type Keep,
  type KeepReason,
  planRetention,
  type RetentionPause,
  unusualContent,
} from '../repository/retention.ts';
import type { RunSites } from '../repository/run-sites.ts';
import { type KnownSnapshot, listSnapshots, type SnapshotListing } from '../repository/snapshot.ts';
import { alignSource } from '../repository/source-copies.ts';
import { type OpenedSource, openSource, readSourceRecord } from '../repository/source-record.ts';
import { prepareSweep, type Swept, sweep } from '../repository/sweep.ts';
import { makeTombstone } from '../repository/tombstones.ts';
import { warnOfIgnored } from './ignored-warnings.ts';
import { beginAtEachSite, type SiteReport, siteReports } from './run-begin.ts';

export interface PruneRequest {
  sources: readonly { name: string; keep: Keep }[];
  timeZone: string;
  /** Plan only. */
  dryRun: boolean;
  /** Goes on although the newest snapshot holds far less than usual. */
  evenIfUnusual?: boolean;
}

export interface PrunedSnapshot {
  id: string;
  sequence: number;
  time: string;
  /** Why it is kept; empty: it is dropped by this run. */
  reasons: KeepReason[];
}

export interface PruneSourceReport {
  source: string;
  /** The newest first. */
  snapshots: PrunedSnapshot[];
  /** Dropped earlier, and there for the grace period: until when. */
  waiting: { id: string; time: string; until: string }[];
  /** Nothing was dropped or removed, and why. */
  pause?: RetentionPause;
  /** What was removed, or would be, at each site. */
  sites: Swept[];
  error?: PlainError;
}

export interface PruneReport {
  outcome: 'done' | 'partial' | 'failed';
  dryRun: boolean;
  sources: PruneSourceReport[];
  /** Sites that failed, and are as they were. */
  dropped: SiteReport[];
}

/**
 * Drops the snapshots that retention does not keep, and removes from each reachable site what has been dropped for the
 * grace period. Needs a host key, and no key to the data.
 *
 * @throws HoldfastError when nothing can be begun
 */
export async function prune(access: RepositoryAccess, request: PruneRequest): Promise<PruneReport> {
  using _small = smallYoungHeap();
  const sites = await beginAtEachSite(access);
  const sources: PruneSourceReport[] = [];
  for (const { name, keep } of request.sources) {
    access.signal.throwIfAborted();
    access.emit({ type: 'step', text: `Pruning ${name}` });
    try {
      const report = await pruneSource(access, sites, name, keep, request);
      if (report) sources.push(report);
    } catch (error) {
      access.signal.throwIfAborted();
      sources.push({ source: name, snapshots: [], waiting: [], sites: [], error: toPlainError(error) });
    }
  }
  const dropped = siteReports(sites).filter(({ error }) => error !== undefined);
  const failed = sources.filter(({ error }) => error !== undefined).length;
  const whole = failed === 0 && dropped.length === 0;
  const outcome = whole ? 'done' : failed > 0 && failed === sources.length ? 'failed' : 'partial';
  return { outcome, dryRun: request.dryRun, sources, dropped };
}

async function pruneSource(
  access: RepositoryAccess,
  sites: RunSites,
  name: string,
  keep: Keep,
  request: PruneRequest,
): Promise<PruneSourceReport | undefined> {
  if (!request.dryRun) await alignSource(access, name);
  if ((await readSourceRecord(access, name)) === undefined) return undefined;
  const source = await openSource(access, name);
  const listing = await listSnapshots(access, source, sites);
  const ignoredProofs: IgnoredObject[] = [];
  const proofs = await readProofs(access, sites, source, ignoredProofs);
  warnOfIgnored(access.emit, name, [...listing.ignored, ...ignoredProofs]);
  const { decisions, pause } = planRetention({
    snapshots: listing.snapshots,
    keep,
    timeZone: request.timeZone,
    now: access.clock.now(),
    pinned: await readPins(access, sites, source, []),
    proven: newestProven(listing.snapshots, proofs),
    pause:
      rollbackPause(listing) ?? proofPause(proofs) ?? (request.evenIfUnusual ? undefined : unusual(listing.snapshots)),
  });
  const report: PruneSourceReport = {
    source: name,
    snapshots: decisions.map(({ snapshot, reasons }) => ({
      id: snapshot.id,
      sequence: snapshot.sequence,
      time: snapshot.time,
      reasons,
    })),
    waiting: [],
    sites: [],
  };
  if (pause) return { ...report, pause };
  const going = decisions.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot);
  if (!request.dryRun) await dropSnapshots(access, sites, source, going);
  // What is dropped now stays for the grace period, so the listing from before still tells what is needed.
  const prepared = await prepareSweep(access, sites, source, listing, { remember: !request.dryRun });
  for (const { id, time } of listing.tombstoned) {
    const since = Date.parse(listing.tombstones.get(id)!.time);
    if (access.clock.now() - since <= graceMs) {
      report.waiting.push({ id, time, until: new Date(since + graceMs).toISOString() });
    }
  }
  report.sites = request.dryRun
    ? prepared.map(({ site, plan, locked }) => ({
        site: site.name,
        snapshots: plan.snapshots.length,
        indexes: plan.indexes.length,
        packs: plan.packs.length,
        bytes: plan.bytes,
        ...(locked && { locked }),
      }))
    : await sweep(access, sites, source, prepared);
  if (!request.dryRun) await removeOutlivedProofs(access, sites, source, proofs, listing);
  return report;
}

/** Signs tombstones at each site, and brings to each the ones it missed. */
async function dropSnapshots(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  going: readonly KnownSnapshot[],
): Promise<void> {
  const { host, signal } = access;
  if (!host && going.length > 0) {
    throw new HoldfastError('wrong-key', 'Dropping snapshots needs the host key of this machine.', {
      hint: 'Run it on a host of the configuration; --dry-run needs none.',
    });
  }
  for (const snapshot of going) {
    signal.throwIfAborted();
    const { name, bytes } = makeTombstone(access, host!, source, snapshot);
    await sites.each((site) => site.create(source.layout.tombstones + name, bytes));
  }
  await copyMissing(sites, source.layout.tombstones, { signal });
}

/** Sites that show less than this machine has seen hide something: what is newest cannot be told. */
function rollbackPause({ rollback }: SnapshotListing): RetentionPause | undefined {
  if (!rollback) return undefined;
  const why = `This machine has seen snapshot number ${rollback.known.sequence}, and no site shows it.`;
  return { because: 'rollback', why };
}

function unusual(snapshots: readonly KnownSnapshot[]): RetentionPause | undefined {
  return unusualContent([...snapshots].reverse());
}
