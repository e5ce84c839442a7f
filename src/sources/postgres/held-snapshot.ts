import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { type Relation, readRelations } from './catalog-relations.ts';
import { displayName, quoteQualified } from './quote.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';

/**
 * The snapshot that all sessions of a backup read, and the locks that make it worth reading. A table is locked before the
 * snapshot is taken: TRUNCATE, an ALTER that rewrites, and a drop with a rename over it are not held back by snapshots, and a
 * table they touched between the two would read as empty, without an error.
 */
export interface HeldSnapshot {
  /** For SET TRANSACTION SNAPSHOT and pg_dump; valid while the session's transaction lives. */
  exportedSnapshot: string;
  /** The relations as the snapshot shows them. */
  relations: Relation[];
}

export interface HoldOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Which relations must be locked; others are left alone. */
  needsLock: (relation: Relation) => boolean;
  /** Called with the list before anything is locked; may throw to end it. */
  inspect: (relations: Relation[]) => void;
  /** Milliseconds to wait for locks in all, in several goes; default 30,000. */
  lockTimeout?: number;
  /** How often tables may appear or vanish between listing and locking before we give up. */
  attempts?: number;
}

/** Names in one LOCK statement. */
const batch = 500;
/**
 * Milliseconds of one wait for locks, at most. While we wait, others wait behind us; and the locks we have by then may be
 * what the one who holds the next waits for. The server looks for such deadlocks after a second (`deadlock_timeout`), and
 * ends whoever looks; by then we have let go, so that it is never the other one.
 */
const lockPatience = 800;

/** What may happen to a relation between the list and the lock. */
const vanished: readonly (string | undefined)[] = [
  sqlstate.undefinedTable,
  sqlstate.undefinedSchema,
  sqlstate.wrongObjectType,
  sqlstate.deadlock,
];

/**
 * Begins a transaction in `session`, locks, then exports its snapshot.
 *
 * @throws HoldfastError with the code of the session
 */
export async function holdSnapshot(session: Session, options: HoldOptions): Promise<HeldSnapshot> {
  const { clock, signal, attempts = 40, lockTimeout = 30_000 } = options;
  const patience = Math.min(lockTimeout, lockPatience);
  let waited = 0;
  for (let attempt = 1; attempt <= attempts; ) {
    const listed = await readRelations(session);
    options.inspect(listed);
    try {
      await lock(session, listed.filter(options.needsLock), patience);
      const held = await exportSnapshot(session);
      const unlocked = await missingLocks(session, held.relations.filter(options.needsLock));
      if (unlocked.length === 0) {
        options.inspect(held.relations);
        return held;
      }
    } catch (error) {
      const state = sqlstateOf(error);
      const isWait = state === sqlstate.lockNotAvailable;
      if (isWait) waited += patience;
      if (isWait ? waited >= lockTimeout : !vanished.includes(state)) throw error;
      // These have a limit of their own.
      if (isWait) attempt--;
    }
    await session.run('ROLLBACK');
    attempt++;
    // Ever longer, so that a loop of DDL elsewhere is not met at the same point each time; those who waited for us go first.
    await clock.sleep(Math.min(5 * attempt, 200), signal);
  }
  throw new HoldfastError(session.failure, 'Could not lock the tables of the database.', {
    why: `In each of ${attempts} attempts a table appeared or vanished between listing and locking.`,
    hint: 'Run it when fewer tables are made and dropped.',
  });
}

async function lock(session: Session, relations: readonly Relation[], timeout: number): Promise<void> {
  // Neither of these takes a snapshot; set_config() would.
  await session.run(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = ${timeout}`);
  for (let at = 0; at < relations.length; at += batch) {
    const part = relations.slice(at, at + batch);
    const names = part.map(({ schema, name }) => `ONLY ${quoteQualified(schema, name)}`).join(', ');
    const first = part[0]!;
    const some = `${displayName(first.schema, first.name)}${part.length > 1 ? ` and ${part.length - 1} more tables` : ''}`;
    await session.run(`LOCK TABLE ${names} IN ACCESS SHARE MODE`, `Could not lock ${some}.`);
  }
  await session.run('SET LOCAL lock_timeout = 0');
}

async function exportSnapshot(session: Session): Promise<HeldSnapshot> {
  const [row] = await session.query<{ id: string }>(
    'SELECT pg_export_snapshot() AS id',
    [],
    'Could not export a snapshot of the database.',
  );
  return { exportedSnapshot: row!.id, relations: await readRelations(session) };
}

/** Those that the session holds no lock on, by oid: a name may have come to mean another relation. */
async function missingLocks(session: Session, relations: readonly Relation[]): Promise<Relation[]> {
  const rows = await session.query<{ relation: number }>(
    `SELECT relation FROM pg_locks
     WHERE locktype = 'relation' AND granted AND mode = 'AccessShareLock' AND pid = pg_backend_pid()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  const held = new Set(rows.map(({ relation }) => relation));
  return relations.filter(({ oid }) => !held.has(oid));
}

/** Whether somebody waits for a lock on one of the relations: then others who ask for one wait too. */
export async function hasLockWaiters(session: Session, relations: readonly { oid: number }[]): Promise<boolean> {
  const [row] = await session.query<{ waits: boolean }>(
    `SELECT EXISTS (
       SELECT FROM pg_locks l
       WHERE l.locktype = 'relation' AND NOT l.granted AND l.relation = ANY ($1::oid[])
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS waits`,
    [relations.map(({ oid }) => oid)],
  );
  return row!.waits;
}
