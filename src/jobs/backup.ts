import { availableParallelism } from 'node:os';
import { HoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { openLanes } from '../repository/lanes.ts';
import { SourceLayout } from '../repository/layout.ts';
import { defaultLeaseTtlMs, type Lease, takeLease } from '../repository/lease.ts';
import { isAlive, thisProcess } from '../repository/lease-holder.ts';
import { LocalState } from '../repository/local-state.ts';
import type { KnownSnapshot } from '../repository/snapshot.ts';
import { SnapshotWriter } from '../repository/snapshot-writer.ts';
import { rowKeyOf } from '../repository/source-keys.ts';
import { type OpenedSource, openOrCreateSource } from '../repository/source-record.ts';
import type { BackupContext, BackupOutcome, Shortfall } from '../sources/source.ts';
import { assertRepository, publishRecovery, publishTrust } from './init.ts';
import { ownersWithoutAnswer } from './keys.ts';
import { laneEntry } from './lane-entry.ts';
import type { Environment, SourceSettings } from './source-settings.ts';

export interface BackupRequest {
  sources: readonly SourceSettings[];
  tags: string[];
  env: Environment;
  /** Milliseconds; for tests. */
  leaseTtlMs?: number;
}

export interface SourceReport {
  source: string;
  type: SourceSettings['type'];
  /** `degraded`: there is a snapshot, and it lacks something that should be in it. */
  outcome: 'done' | 'degraded' | 'failed';
  snapshot?: { id: string; sequence: number; time: string };
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
  sources: SourceReport[];
}

/**
 * Makes a snapshot of each source, one after the other; a failing one does not keep the others from theirs.
 *
 * @throws HoldfastError when nothing can be begun: no repository, another one, an interruption
 */
export async function backup(access: RepositoryAccess, request: BackupRequest): Promise<BackupReport> {
  await assertRepository(access);
  if (await publishTrust(access)) {
    access.emit({
      type: 'warning',
      text: 'The parties of the configuration have changed, and trust.json on the site with them.',
      hint: 'Print new escrow sheets: holdfast keys export',
    });
  }
  await publishRecovery(access);
  const sources: SourceReport[] = [];
  for (const settings of request.sources) {
    const report = await backupSource(access, settings, request);
    access.signal.throwIfAborted();
    sources.push(report);
  }
  const whole = sources.filter(({ outcome }) => outcome === 'done').length;
  const failed = sources.filter(({ outcome }) => outcome === 'failed').length;
  const outcome = whole === sources.length ? 'done' : failed === sources.length ? 'failed' : 'partial';
  return { outcome, sources };
}

async function backupSource(
  access: RepositoryAccess,
  settings: SourceSettings,
  request: BackupRequest,
): Promise<SourceReport> {
  const { clock, emit } = access;
  const started = clock.monotonic();
  emit({ type: 'step', text: `Backing up ${settings.name}` });
  const report: SourceReport = {
    source: settings.name,
    type: settings.type,
    outcome: 'failed',
    totals: {},
    shortfalls: [],
    storedBytes: 0,
    durationMs: 0,
    unansweredOwners: [],
  };
  try {
    await using lease = await leaseOf(access, settings.name, request.leaseTtlMs ?? defaultLeaseTtlMs);
    const source = await openOrCreateSource(access, settings.name);
    const writer = await SnapshotWriter.open(access, source, ({ object, why }) =>
      emit({ type: 'warning', source: settings.name, text: `${object} does not count: ${why}` }),
    );
    const { rollback } = writer.before;
    if (rollback) {
      report.shortfalls.push({
        object: `site ${access.site.name}`,
        reason: `It was rolled back: this machine knows snapshot ${rollback.known.sequence}, the site shows ${rollback.shown?.sequence ?? 'none'}.`,
        degrades: true,
      });
    }
    const { snapshot, outcome } = await fill(access, source, writer, settings, request, lease);
    report.snapshot = { id: snapshot.id, sequence: snapshot.sequence, time: snapshot.time };
    report.totals = outcome.totals;
    report.shortfalls.push(...outcome.shortfalls);
    report.storedBytes = writer.storedBytes;
    report.unansweredOwners = await ownersWithoutAnswer(access, source);
    report.outcome = report.shortfalls.some(({ degrades }) => degrades) ? 'degraded' : 'done';
  } catch (error) {
    access.signal.throwIfAborted();
    report.error = toPlainError(error);
  }
  report.durationMs = clock.monotonic() - started;
  return report;
}

async function fill(
  access: RepositoryAccess,
  source: OpenedSource,
  writer: SnapshotWriter,
  settings: SourceSettings,
  request: BackupRequest,
  lease: Lease,
): Promise<{ snapshot: KnownSnapshot; outcome: BackupOutcome }> {
  const { emit, clock, signal } = access;
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const lanes = openLanes({
    entry: laneEntry(),
    count: (settings.type === 'postgres' ? settings.jobs : undefined) ?? availableParallelism(),
    writing: writer.ingestSettings,
    port: writer,
    signal,
  });
  try {
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
    const content = { type: settings.type, tags: request.tags, totals: outcome.totals, shortfalls: outcome.shortfalls };
    return { snapshot: await writer.commit(content, lease), outcome };
  } catch (error) {
    await writer.abandon();
    throw error;
  } finally {
    await lanes[Symbol.asyncDispose]();
  }
}

async function backupBy(settings: SourceSettings, env: Environment, context: BackupContext): Promise<BackupOutcome> {
  switch (settings.type) {
    case 'postgres': {
      const { backupPostgres } = await import('../sources/postgres/backup.ts');
      return backupPostgres(context, { ...settings, env });
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
async function leaseOf(access: RepositoryAccess, name: string, ttlMs: number): Promise<Lease> {
  const { site, trust, host, clock } = access;
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
