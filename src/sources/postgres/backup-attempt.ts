import type { BackupContext, BackupOutcome, Shortfall } from '../source.ts';
import { type BackupPlan, planBackup } from './backup-plan.ts';
import { leaveTask, type SnapshotSource } from './backup-tasks.ts';
import { readDatabase } from './catalog-database.ts';
import { type Relation, readColumns } from './catalog-relations.ts';
import type { PostgresConnection } from './connection.ts';
import { CopyProgress } from './copy-progress.ts';
import { type DumpProgram, type Environment, findDump } from './dump-archive.ts';
import { type HeldSnapshot, holdSnapshot } from './held-snapshot.ts';
import {
  joinLargeObjects,
  type LargeObjectRights,
  largeObjectRanges,
  largeObjectsSize,
  readLargeObjectRights,
} from './large-objects.ts';
import type { ArchiveLine, OmittedLine, PostgresLine, SequenceLine, TableLine } from './manifest.ts';
import { assertReadable, examineServer } from './preflight.ts';
import { assertLockRoom, type LockRoom, lockHint, locksNeeded, lockTableFull } from './preflight-locks.ts';
import { recoveryConflict, type Standby } from './preflight-standby.ts';
import { displayName, quoteQualified } from './quote.ts';
import { dumpSchema } from './schema-dump.ts';
import { readSequences, sequenceGone } from './sequences.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import { openSession, type Session } from './session.ts';
import { Superseded } from './superseded.ts';
import { type AllLargeObjects, type TableJob, TableLanes } from './table-lanes.ts';
import type { PartSizes } from './table-parts.ts';
import { TablePatterns } from './table-patterns.ts';

export interface PostgresBackupSettings {
  /** Of the source, for messages. */
  name: string;
  connection: PostgresConnection;
  /** Patterns of tables whose rows are left out: see TablePatterns. */
  excludeTables: string[];
  /** Whether those are for several databases: then one that fits nothing here is no mistake. */
  sharedExcludes?: boolean | undefined;
  /** Path of the pg_dump to use; found by itself when left out. */
  pgDump?: string | undefined;
  env: Environment;
  /** Milliseconds to wait for a lock that somebody else holds or waits for; default 30,000. */
  lockTimeout?: number | undefined;
  /** Which tables are read in parts by several lanes; the usual ones unless a test says otherwise. */
  partSizes?: PartSizes | undefined;
}

/** All lines of a manifest, in their order. */
export interface BackupResult {
  lines: PostgresLine[];
  outcome: BackupOutcome;
}

const defaultLockTimeout = 30_000;

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
  /** As when the attempt began; undefined on a primary. */
  #standby: Standby | undefined;

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
      const interrupted = this.#context.signal.aborted;
      this.#scope.abort(error);
      if (interrupted || this.#standby === undefined) throw error;
      // In a session that does not end with the attempt.
      const { signal } = this.#context;
      const conflict = await recoveryConflict(error, this.#standby, () => this.#open(signal));
      throw conflict ?? error;
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
    this.#standby = findings.standby;
    for (const text of findings.notes) emit({ type: 'note', source, text });
    for (const warning of findings.warnings) emit({ type: 'warning', source, ...warning });

    emit({ type: 'step', text: 'Locking tables' });
    const patterns = new TablePatterns(excludeTables);
    const plan = (relations: readonly Relation[]) => planBackup(relations, patterns, coordinator.inRecovery);
    let listed: readonly Relation[] = [];
    let lockWarning: string | undefined;
    const held = await holdSnapshot(coordinator, {
      clock,
      signal: this.#signal,
      lockTimeout: this.#lockTimeout,
      needsLock,
      inspect: (relations) => {
        const { tables, roots, sequences } = plan(relations);
        // Sequences too: pg_dump reads them even where it dumps no values.
        assertReadable(coordinator, [...tables.map(({ relation }) => relation), ...roots, ...sequences]);
        listed = relations;
        lockWarning = assertLockRoom(coordinator, relations, findings.locks);
      },
    }).catch((error) => {
      // Others have filled it since it was looked at.
      if (sqlstateOf(error) !== sqlstate.outOfMemory) throw error;
      throw lockTableFull(coordinator, listed, findings.locks, error);
    });
    for (const pattern of this.#settings.sharedExcludes ? [] : patterns.unused()) {
      emit({ type: 'warning', source, text: `exclude.tables: ${pattern} fits no table.` });
    }
    if (lockWarning !== undefined) emit({ type: 'warning', source, text: lockWarning });

    emit({ type: 'step', text: 'Copying tables' });
    const done = await this.#readAll(coordinator, held, plan(held.relations), dump, findings.locks);
    return {
      lines: done.lines,
      outcome: { ...done.outcome, shortfalls: [...findings.shortfalls, ...done.outcome.shortfalls] },
    };
  }

  get #lockTimeout(): number {
    return this.#settings.lockTimeout ?? defaultLockTimeout;
  }

  #open(signal: AbortSignal = this.#signal): Promise<Session> {
    return openSession(this.#settings.connection, { applicationName: 'holdfast backup', signal });
  }

  /** Everything that is read under the snapshot, side by side. */
  async #readAll(
    coordinator: Session,
    held: HeldSnapshot,
    plan: BackupPlan,
    dump: DumpProgram,
    locks: LockRoom,
  ): Promise<BackupResult> {
    const { lanes, emit, clock, rowKey } = this.#context;
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    this.#signal.addEventListener('abort', () => Atomics.store(cancelled, 0, 1), { once: true });
    const source: SnapshotSource = {
      connection: coordinator.connection,
      exportedSnapshot: held.exportedSnapshot,
      cancelled,
    };
    // At once: until pg_dump has its locks, somebody who wants an exclusive one gets ahead of it.
    const archive = this.#dump(coordinator, held, plan, dump, locks);
    archive.catch(() => {});
    const columns = await readColumns(
      coordinator,
      plan.tables.map(({ relation }) => relation.oid),
    );
    const jobs: TableJob[] = plan.tables.map((planned) => ({ planned, columns: columns.get(planned.relation.oid)! }));
    const size = await largeObjectsSize(coordinator);
    const objects = size === undefined ? undefined : { size, ranges: await largeObjectRanges(coordinator, size) };
    const total = jobs.reduce((sum, job) => sum + job.columns.size, size ?? 0);
    this.#context.lanes.expect(total);
    const progress = new CopyProgress(emit, clock, total);

    const catalog = this.#readCatalog(coordinator, plan);
    const { partSizes } = this.#settings;
    const tables = new TableLanes(lanes, source, rowKey, progress, partSizes);
    const copies = tables.copy(jobs, objects, coordinator.serverVersion, async () => {
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

  async #dump(
    session: Session,
    held: HeldSnapshot,
    plan: BackupPlan,
    program: DumpProgram,
    locks: LockRoom,
  ): Promise<ArchiveLine> {
    const { env: environment, name: source } = this.#settings;
    const { lanes, clock, emit } = this.#context;
    return dumpSchema(session, {
      program,
      exportedSnapshot: held.exportedSnapshot,
      lockTimeout: this.#lockTimeout,
      exclude: plan.withoutSchema,
      environment,
      signal: this.#signal,
      lockHint: lockHint(locksNeeded(held.relations, locks), locks),
      lanes,
      clock,
      open: () => this.#open(),
      locked: held.relations.filter(needsLock),
      warned: (text) => emit({ type: 'note', source, text }),
    });
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
  copied: { tables: TableLine[]; largeObjects: AllLargeObjects | undefined },
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
