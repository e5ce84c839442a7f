import { availableParallelism } from 'node:os';
import { HoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import { MiB } from '../base/units.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import { type RepositoryAccess, withEmit } from '../repository/access.ts';
import { LanePool } from '../repository/lane-pool.ts';
import { SourceLayout } from '../repository/layout.ts';
import { defaultLeaseTtlMs, type Lease, takeLease } from '../repository/lease.ts';
import { isAlive, thisProcess } from '../repository/lease-holder.ts';
import { LocalState } from '../repository/local-state.ts';
import { extendRootLocks } from '../repository/root-locks.ts';
import type { RunSites } from '../repository/run-sites.ts';
import type { KnownSnapshot } from '../repository/snapshot.ts';
import { SnapshotWriter } from '../repository/snapshot-writer.ts';
import { alignSource } from '../repository/source-copies.ts';
import { rowKeyOf } from '../repository/source-keys.ts';
import { type OpenedSource, openOrCreateSource } from '../repository/source-record.ts';
import type { BackupContext, BackupOutcome, Shortfall } from '../sources/source.ts';
import { backupCluster, type ClusterReport } from './cluster-backup.ts';
import { IgnoredWarnings } from './ignored-warnings.ts';
import { publishRecovery, publishTrust } from './init.ts';
import { KeyNotices } from './key-notices.ts';
import { ownersWithoutAnswer } from './keys.ts';
import { laneEntry } from './lane-entry.ts';
import { beginAtEachSite, lostASite, type SiteReport, siteReports } from './run-begin.ts';
import { snapshotSince } from './snapshot-since.ts';
import type { BackupSettings, Environment, SourceSettings } from './source-settings.ts';

export interface BackupRequest {
  sources: readonly BackupSettings[];
  tags: string[];
  env: Environment;
  /** Milliseconds since 1970: a source that has a snapshot from then or later is left alone, whoever made it. */
  unlessSince?: number;
  /** Milliseconds; for tests. */
  leaseTtlMs?: number;
}

export interface SourceReport {
  source: string;
  type: SourceSettings['type'];
  /** `degraded`: there is a snapshot, and it lacks something that should be in it. */
  outcome: 'done' | 'degraded' | 'failed';
  snapshot?: { id: string; sequence: number; time: string };
  /** Nothing was done: the snapshot was there, made by this host. See `BackupRequest.unlessSince`. */
  already?: { host: string };
  /** Names of the sites that have the snapshot. */
  sites: string[];
  totals: Record<string, number>;
  shortfalls: Shortfall[];
  /** Bytes of the objects that this run added to the site. */
  storedBytes: number;
  durationMs: number;
  error?: PlainError;
  /** Owners of the source who have not shown yet that they can open it. */
  unansweredOwners: string[];
}

export interface BackupReport {
  outcome: 'done' | 'partial' | 'failed';
  /** Of a cluster, one for each database. */
  sources: SourceReport[];
  /** What else there is to tell of each cluster whose databases could be listed. */
  clusters: ClusterReport[];
  /** Every site of the run; it counts as partly done when it went on without one. */
  sites: SiteReport[];
}

/** What the sources of one run share. */
interface Run {
  request: BackupRequest;
  pool: LanePool;
  sites: RunSites;
  notices: KeyNotices;
}

/**
 * Makes a snapshot of each source, one after the other; a failing one does not keep the others from theirs.
 *
 * @throws HoldfastError when nothing can be begun: no repository, another one, an interruption
 */
export async function backup(access: RepositoryAccess, request: BackupRequest): Promise<BackupReport> {
  let changed = false;
  const sites = await beginAtEachSite(access, async (atSite) => {
    if (await publishTrust(atSite)) changed = true;
    await publishRecovery(atSite);
    await extendRootLocks(atSite);
  });
  if (changed) {
    access.emit({
      type: 'warning',
      text: 'The parties of the configuration have changed, and trust.json on the site with them.',
      hint: 'Print new escrow sheets: holdfast keys export',
    });
  }
  await using pool = new LanePool();
  const run: Run = { request, pool, sites, notices: new KeyNotices() };
  const sources: SourceReport[] = [];
  const clusters: ClusterReport[] = [];
  for (const settings of request.sources) {
    if (settings.type === 'postgres-cluster') {
      const { cluster, reports } = await backupCluster(access, settings, {
        run: (member) => backupSource(quietly(access, member.name), member, run),
        fail: (source, error) => ({ ...emptyReport(source, 'postgres'), error: toPlainError(error) }),
      });
      if (cluster) clusters.push(cluster);
      sources.push(...reports);
    } else {
      sources.push(await backupSource(access, settings, run));
    }
    access.signal.throwIfAborted();
  }
  run.notices.tell(access.emit);
  const reports = siteReports(sites);
  return { outcome: outcomeOf(sources, clusters, reports), sources, clusters, sites: reports };
}

/** Bytes of a database below which its own progress is over before anybody could read it. */
const worthProgress = 64 * MiB;

/** Of each of a cluster's databases only what somebody should read: its steps would be thousands of lines. */
function quietly(access: RepositoryAccess, source: string): RepositoryAccess {
  const emit: RepositoryAccess['emit'] = (event) => {
    if (event.type === 'step') return;
    if (event.type !== 'progress') access.emit(event);
    else if ((event.total ?? 0) >= worthProgress) access.emit({ ...event, activity: `${source}: ${event.activity}` });
  };
  return withEmit(access, emit);
}

/** What the outcomes of sources, clusters and sites make together. */
export function outcomeOf(
  sources: readonly SourceReport[],
  clusters: readonly ClusterReport[],
  sites: readonly SiteReport[],
): BackupReport['outcome'] {
  const whole =
    sources.every(({ outcome }) => outcome === 'done') &&
    clusters.every((one) => one.notTaken.length === 0) &&
    sites.every(({ error }) => error === undefined);
  if (whole) return 'done';
  return sources.every(({ outcome }) => outcome === 'failed') ? 'failed' : 'partial';
}

/** Of a source of which nothing was done yet. */
export function emptyReport(source: string, type: SourceSettings['type']): SourceReport {
  return {
    source,
    type,
    outcome: 'failed',
    sites: [],
    totals: {},
    shortfalls: [],
    storedBytes: 0,
    durationMs: 0,
    unansweredOwners: [],
  };
}

/** Begins again when a site was lost that everything hung on, with those that are left. */
async function backupSource(access: RepositoryAccess, settings: SourceSettings, run: Run): Promise<SourceReport> {
  const started = access.clock.monotonic();
  for (;;) {
    const report = emptyReport(settings.name, settings.type);
    const droppedBefore = run.sites.dropped.length;
    try {
      await backupInto(report, access, settings, run);
    } catch (error) {
      access.signal.throwIfAborted();
      if (await lostASite(run.sites, error, droppedBefore)) {
        access.emit({
          type: 'note',
          source: settings.name,
          text: 'The backup begins anew with the sites that are left.',
        });
        continue;
      }
      report.error = toPlainError(error);
    }
    report.durationMs = access.clock.monotonic() - started;
    return report;
  }
}

async function backupInto(
  report: SourceReport,
  access: RepositoryAccess,
  settings: SourceSettings,
  run: Run,
): Promise<void> {
  const { emit } = access;
  const begin = () => emit({ type: 'step', text: `Backing up ${settings.name}` });
  if (await isDoneAlready(report, access, settings, run)) return;
  // What may turn out to be needless is told once it is begun.
  if (run.request.unlessSince === undefined) begin();
  await using lease = await leaseOf(access, run.sites, settings.name, run.request.leaseTtlMs ?? defaultLeaseTtlMs);
  // Whoever had the lease until now may have done it.
  if (await isDoneAlready(report, access, settings, run)) return;
  if (run.request.unlessSince !== undefined) begin();
  await alignSource(access, settings.name);
  const source = await openOrCreateSource(access, settings.name);
  await alignSource(access, settings.name);
  run.notices.note(access.trust, source);
  const warnings = new IgnoredWarnings(emit, settings.name);
  const writer = await SnapshotWriter.open(access, source, warnings.ignore);
  warnings.rest();
  const { rollback } = writer.before;
  if (rollback) {
    report.shortfalls.push({
      object: `site ${access.site.name}`,
      reason: `It was rolled back: this machine knows snapshot ${rollback.known.sequence}, the site shows ${rollback.shown?.sequence ?? 'none'}.`,
      degrades: true,
    });
  }
  const { snapshot, outcome } = await fill(access, source, writer, settings, run, lease);
  report.snapshot = { id: snapshot.id, sequence: snapshot.sequence, time: snapshot.time };
  report.sites = [...(snapshot.sites ?? [])];
  report.totals = outcome.totals;
  report.shortfalls.push(...outcome.shortfalls);
  report.storedBytes = writer.storedBytes;
  report.unansweredOwners = await ownersWithoutAnswer(access, source);
  report.outcome = report.shortfalls.some(({ degrades }) => degrades) ? 'degraded' : 'done';
}

/** Whether there is a snapshot that makes another one needless; then the report tells of it. */
async function isDoneAlready(
  report: SourceReport,
  access: RepositoryAccess,
  { name }: SourceSettings,
  { request }: Run,
): Promise<boolean> {
  if (request.unlessSince === undefined) return false;
  const found = await snapshotSince(access, name, request.unlessSince);
  if (found === undefined) return false;
  report.already = { host: found.signer };
  report.snapshot = { id: found.id, sequence: found.sequence, time: found.time };
  report.sites = [...(found.sites ?? [])];
  report.totals = found.totals;
  report.shortfalls.push(...found.shortfalls);
  report.outcome = found.shortfalls.some(({ degrades }) => degrades) ? 'degraded' : 'done';
  return true;
}

async function fill(
  access: RepositoryAccess,
  source: OpenedSource,
  writer: SnapshotWriter,
  settings: SourceSettings,
  { request, pool }: Run,
  lease: Lease | undefined,
): Promise<{ snapshot: KnownSnapshot; outcome: BackupOutcome }> {
  const { emit, clock, signal } = access;
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const laneSettings = {
    entry: laneEntry(),
    count: (settings.type === 'postgres' ? settings.jobs : undefined) ?? availableParallelism(),
    writing: writer.ingestSettings,
    port: writer,
    signal,
  };
  return pool.with(laneSettings, async (lanes) => {
    try {
      lanes.expect(writer.before.snapshots.at(-1)?.totals.bytes ?? 0);
      const outcome = await backupBy(settings, request.env, {
        lanes,
        writeLine: (line) => writer.writeLine(line),
        reuse: (ids) => writer.reuse(ids),
        rowKey: rowKeyOf(source.keys[0]!),
        cacheDirectory: await state.cacheDirectory(source.layout.id),
        emit,
        clock,
        signal,
      });
      await lanes.flush();
      const { totals, shortfalls } = outcome;
      return {
        snapshot: await writer.commit({ type: settings.type, tags: request.tags, totals, shortfalls }, lease),
        outcome,
      };
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  });
}

async function backupBy(settings: SourceSettings, env: Environment, context: BackupContext): Promise<BackupOutcome> {
  switch (settings.type) {
    case 'postgres': {
      const { backupPostgres } = await import('../sources/postgres/backup.ts');
      return backupPostgres(context, { ...settings, env });
    }
    case 'postgres-globals': {
      const { backupGlobals } = await import('../sources/postgres-globals/backup.ts');
      return backupGlobals(context, settings);
    }
    case 'files': {
      const { backupFiles } = await import('../sources/files/backup.ts');
      return backupFiles(context, settings);
    }
    case 'command': {
      const { backupCommand } = await import('../sources/command/backup.ts');
      return backupCommand(context, { ...settings, env });
    }
  }
}

/** Keeps two runs from doing one source twice; safety does not depend on it. */
async function leaseOf(
  access: RepositoryAccess,
  sites: RunSites,
  name: string,
  ttlMs: number,
): Promise<Lease | undefined> {
  const { trust, host, clock } = access;
  const site = sites.arbiter;
  if (!site) return undefined;
  if (!host) throw new HoldfastError('wrong-key', 'A backup needs the host key of this machine.');
  const layout = new SourceLayout(trust.sourceId(name));
  return takeLease({
    site,
    source: layout.id,
    prefix: layout.leases,
    holder: thisProcess(host.name),
    ttlMs,
    clock,
    sign: (payload) =>
      signEnvelope(
        { ...payload, kind: 'lease', repository: trust.repositoryId, source: layout.id, signer: host.name },
        host,
      ),
    verify: (bytes) => {
      try {
        return { ...trust.verify(bytes, { kind: 'lease', source: name, roles: ['backup'] }) };
      } catch {
        return undefined;
      }
    },
    isAlive,
    what: 'backup',
    signal: access.signal,
  });
}
