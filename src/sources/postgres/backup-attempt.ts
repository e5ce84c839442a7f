import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import type { StoredStream } from '../../repository/stored-stream.ts';
import type { BackupContext, BackupOutcome, Shortfall } from '../source.ts';
import { type BackupPlan, planBackup } from './backup-plan.ts';
import { type CopiedLargeObjects, leaveTask, type SnapshotSource } from './backup-tasks.ts';
import { readDatabase } from './catalog-database.ts';
import { type Relation, readColumns } from './catalog-relations.ts';
import type { PostgresConnection } from './connection.ts';
import { CopyProgress } from './copy-progress.ts';
import { type DumpProgram, dumpArchive, type Environment, findDump } from './dump-archive.ts';
import { FeedSink } from './feed-sink.ts';
import { type HeldSnapshot, hasLockWaiters, holdSnapshot } from './held-snapshot.ts';
import { joinLargeObjects, type LargeObjectRights, largeObjectsSize, readLargeObjectRights } from './large-objects.ts';
import type { ArchiveLine, OmittedLine, PostgresLine, SequenceLine, TableLine } from './manifest.ts';
import { assertReadable, examineServer, lockTableWarning } from './preflight.ts';
import { displayName, quoteQualified } from './quote.ts';
import { readSequences, sequenceGone } from './sequences.ts';
import { openSession, type Session } from './session.ts';
import { Superseded } from './superseded.ts';
import { type TableJob, TableLanes } from './table-lanes.ts';
import { TablePatterns } from './table-patterns.ts';

export interface PostgresBackupSettings {
  /** Of the source, for messages. */
  name: string;
  connection: PostgresConnection;
  /** Patterns of tables whose rows are left out: see TablePatterns. */
  excludeTables: string[];
  /** Path of the pg_dump to use; found by itself when left out. */
  pgDump?: string | undefined;
  env: Environment;
  /** Milliseconds to wait for a lock that somebody else holds or waits for; default 30,000. */
  lockTimeout?: number | undefined;
}

/** All lines of a manifest, in their order. */
export interface BackupResult {
  lines: PostgresLine[];
  outcome: BackupOutcome;
}

const defaultLockTimeout = 30_000;
/**
 * What holds pg_dump up is somebody who waits for us, so patience is of no use; and everybody else waits behind them.
 */
const dumpLockTimeout = 2_000;

/** What the catalogs tell besides tables. */
interface CatalogPart {
  database: Awaited<ReturnType<typeof readDatabase>>;
  sequences: SequenceLine[];
  largeObjects: LargeObjectRights[];
  /** Members of extensions that hold something we do not carry. */
  members: Shortfall[];
}

/** One try at a snapshot of a database. */
export class BackupAttempt {
  readonly #context: BackupContext;
  readonly #settings: PostgresBackupSettings;
  readonly #scope = new AbortController();
  readonly #signal: AbortSignal;

  constructor(context: BackupContext, settings: PostgresBackupSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#signal = AbortSignal.any([context.signal, this.#scope.signal]);
  }

  /** @throws HoldfastError, Superseded; then nothing of the attempt goes on, but what the lanes have in hand */
  async run(): Promise<BackupResult> {
    try {
      return await this.#attempt();
    } catch (error) {
      this.#scope.abort(error);
      throw error;
    }
  }

  async #attempt(): Promise<BackupResult> {
    await using coordinator = await this.#open();
    const { name: source, env, pgDump, excludeTables } = this.#settings;
    const { emit, clock } = this.#context;
    const dump = await findDump(coordinator.serverVersion, env, pgDump);
    if (dump.major > Math.floor(coordinator.serverVersion / 10_000)) {
      emit({ type: 'note', source, text: `pg_dump is of version ${dump.major}, newer than the server.` });
    }
    const findings = await examineServer(coordinator);
    for (const text of findings.notes) emit({ type: 'note', source, text });

    emit({ type: 'step', text: 'Locking tables' });
    const patterns = new TablePatterns(excludeTables);
    const plan = (relations: readonly Relation[]) => planBackup(relations, patterns, coordinator.inRecovery);
    const held = await holdSnapshot(coordinator, {
      clock,
      signal: this.#signal,
      lockTimeout: this.#lockTimeout,
      needsLock,
      inspect: (relations) => {
        const { tables, roots, sequences } = plan(relations);
        // Sequences too: pg_dump reads them even where it dumps no values.
        assertReadable(coordinator, [...tables.map(({ relation }) => relation), ...roots, ...sequences]);
      },
    });
    for (const pattern of patterns.unused()) {
      emit({ type: 'warning', source, text: `exclude.tables: ${pattern} fits no table.` });
    }
    const warning = await lockTableWarning(coordinator, held.relations.filter(needsLock).length);
    if (warning !== undefined) emit({ type: 'warning', source, text: warning });

    emit({ type: 'step', text: 'Copying tables' });
    const done = await this.#readAll(coordinator, held, plan(held.relations), dump);
    return {
      lines: done.lines,
      outcome: { ...done.outcome, shortfalls: [...findings.shortfalls, ...done.outcome.shortfalls] },
    };
  }

  get #lockTimeout(): number {
    return this.#settings.lockTimeout ?? defaultLockTimeout;
  }

  #open(): Promise<Session> {
    return openSession(this.#settings.connection, { applicationName: 'holdfast backup', signal: this.#signal });
  }

  /** Everything that is read under the snapshot, side by side. */
  async #readAll(coordinator: Session, held: HeldSnapshot, plan: BackupPlan, dump: DumpProgram): Promise<BackupResult> {
    const { lanes, emit, clock, rowKey } = this.#context;
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    this.#signal.addEventListener('abort', () => Atomics.store(cancelled, 0, 1), { once: true });
    const source: SnapshotSource = {
      connection: coordinator.connection,
      exportedSnapshot: held.exportedSnapshot,
      cancelled,
    };
    // At once: until pg_dump has its locks, somebody who wants an exclusive one gets ahead of it.
    const archive = this.#dump(coordinator, held, plan, dump);
    archive.catch(() => {});
    const columns = await readColumns(
      coordinator,
      plan.tables.map(({ relation }) => relation.oid),
    );
    const jobs: TableJob[] = plan.tables.map((planned) => ({ planned, columns: columns.get(planned.relation.oid)! }));
    const objects = await largeObjectsSize(coordinator);
    const total = jobs.reduce((sum, job) => sum + job.columns.size, objects ?? 0);
    const progress = new CopyProgress(emit, clock, total);

    const catalog = this.#readCatalog(coordinator, plan);
    const copies = new TableLanes(lanes, source, rowKey, progress).copy(jobs, objects, async () => {
      await catalog;
      return coordinator;
    });
    const branches = [catalog, copies, archive] as const;
    try {
      const [catalogPart, copied, archiveLine] = await Promise.all(branches);
      return assemble(plan, jobs, dump, catalogPart, copied, archiveLine);
    } catch (error) {
      this.#scope.abort(error);
      // Before the next attempt the lanes must have let go of this one; a failure is passed on without waiting.
      if (error instanceof Superseded) await Promise.allSettled(branches);
      throw error;
    } finally {
      if (!this.#signal.aborted || this.#signal.reason instanceof Superseded) {
        await lanes.runInEach(leaveTask, held.exportedSnapshot);
      }
    }
  }

  /** What the session that holds the locks reads itself, one after the other. */
  async #readCatalog(session: Session, plan: BackupPlan): Promise<CatalogPart> {
    let sequences: SequenceLine[];
    try {
      sequences = await readSequences(session, plan.sequences);
    } catch (error) {
      if (sequenceGone(error)) throw new Superseded('A sequence was dropped or moved meanwhile.', error);
      throw error;
    }
    return {
      sequences,
      database: await readDatabase(session),
      largeObjects: await readLargeObjectRights(session),
      members: await this.#memberContents(session, plan.members),
    };
  }

  /** Tables and sequences of extensions whose content does not come back with CREATE EXTENSION. */
  async #memberContents(session: Session, members: readonly Relation[]): Promise<Shortfall[]> {
    const found: Shortfall[] = [];
    const add = ({ schema, name, extension }: Relation, reason: string) =>
      found.push({
        object: displayName(schema, name),
        reason: `It belongs to extension ${extension}, which does not mark it as configuration: ${reason}`,
        degrades: false,
      });
    const readable = members.filter((member) => member.readable && !member.hidesRows);
    const tables = readable.filter(({ kind }) => kind === 'r');
    for (const member of members) {
      if (member.kind === 'r' && !readable.includes(member)) add(member, 'this role cannot see whether it has rows.');
    }
    for (const table of tables) {
      const [row] = await session.query<{ full: boolean }>(
        `SELECT EXISTS (SELECT FROM ONLY ${quoteQualified(table.schema, table.name)}) AS full`,
      );
      if (row!.full) add(table, 'its rows are not carried.');
    }
    const sequences = readable.filter(({ kind }) => kind === 'S');
    for (const [i, value] of (await readSequences(session, sequences)).entries()) {
      if (value.isCalled) add(sequences[i]!, 'its value is not carried.');
    }
    return found;
  }

  async #dump(session: Session, held: HeldSnapshot, plan: BackupPlan, program: DumpProgram): Promise<ArchiveLine> {
    const { env: environment, name } = this.#settings;
    const sink = new FeedSink(this.#context.lanes);
    const options = {
      program,
      exportedSnapshot: held.exportedSnapshot,
      lockTimeout: Math.min(this.#lockTimeout, dumpLockTimeout),
      exclude: plan.withoutSchema,
      environment,
      signal: this.#signal,
    };
    let stream: StoredStream;
    try {
      const warnings = await dumpArchive(session, options, (bytes) => sink.write(bytes));
      for (const text of warnings) this.#context.emit({ type: 'note', source: name, text });
      stream = await sink.end();
    } catch (error) {
      sink.fail();
      if (isHoldfastError(error, 'source-failed') && !this.#signal.aborted && (await this.#othersWait(held))) {
        throw new Superseded('Somebody waits for a lock, and pg_dump waits behind them.', error);
      }
      throw error;
    }
    if (stream.size === 0) throw new HoldfastError('source-failed', 'pg_dump wrote nothing.');
    return { kind: 'archive', stream };
  }

  /** Asked in a session of its own: the other one may be in the middle of a table. */
  async #othersWait(held: HeldSnapshot): Promise<boolean> {
    try {
      await using session = await this.#open();
      return await hasLockWaiters(session, held.relations.filter(needsLock));
    } catch {
      return false;
    }
  }
}

/** What pg_dump locks, and what we look into. */
function needsLock({ kind, readable }: Relation): boolean {
  return (kind === 'r' || kind === 'p') && readable;
}

function assemble(
  plan: BackupPlan,
  jobs: readonly TableJob[],
  dump: DumpProgram,
  catalog: CatalogPart,
  copied: { tables: TableLine[]; largeObjects: CopiedLargeObjects | undefined },
  archive: ArchiveLine,
): BackupResult {
  const shortfalls = [...plan.shortfalls, ...catalog.members];
  const omitted: OmittedLine[] = [
    ...plan.omitted,
    ...catalog.members.map(({ object, reason }) => ({ kind: 'omitted' as const, object, reason })),
  ];
  for (const { planned, columns } of jobs) {
    for (const column of columns.unloadable) {
      const object = `${displayName(planned.relation.schema, planned.relation.name)}, column ${column}`;
      const reason = 'No server accepts values of its type as input.';
      omitted.push({ kind: 'omitted', object, reason });
      shortfalls.push({ object, reason, degrades: true });
    }
  }
  const lines: PostgresLine[] = [
    { ...catalog.database, dumpVersion: dump.version },
    archive,
    ...copied.tables,
    ...catalog.sequences,
  ];
  const { largeObjects } = copied;
  if (largeObjects !== undefined) {
    const objects = joinLargeObjects(catalog.largeObjects, largeObjects.contents);
    lines.push({ kind: 'large-objects', stream: largeObjects.stream, objects });
  }
  const sum = (of: (table: TableLine) => number) => copied.tables.reduce((total, table) => total + of(table), 0);
  const totals = {
    tables: copied.tables.length,
    rows: sum(({ stream }) => stream.rows!.rows),
    sequences: catalog.sequences.length,
    largeObjects: largeObjects?.contents.length ?? 0,
    bytes: sum(({ stream }) => stream.size) + archive.stream.size + (largeObjects?.stream.size ?? 0),
  };
  return { lines: [...lines, ...omitted], outcome: { totals, shortfalls } };
}
