import { HoldfastError } from '../../base/errors.ts';
import { formatCount } from '../../base/units.ts';
import type { Relation } from './catalog-relations.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';

/**
 * Room in the server's lock table. All sessions share it: a backup that fills it fails, and so does everybody else who
 * asks for a lock at that moment.
 */
export interface LockRoom {
  /** Locked things it is made for. The server adds a tenth and some slack, which is left to others. */
  total: number;
  /** Locked things now. */
  held: number;
  /** Who holds or wants them: several sessions share the entry of a thing, each with an entry of its own of these. */
  holders: number;
  /** max_locks_per_transaction */
  perTransaction: number;
  /** Sessions, background processes and prepared transactions: `total` divided by `perTransaction`. */
  slots: number;
  /** Views and materialized views, which pg_dump locks besides what `Relation`s tell. */
  views: number;
}

/** What lanes and catalog queries take for moments: TOAST tables and indexes of what is being read. */
const passing = 100;

/** @throws HoldfastError also when it is so full that it cannot even be looked at */
export async function readLockRoom(session: Session): Promise<LockRoom> {
  try {
    return await askLockRoom(session);
  } catch (error) {
    if (sqlstateOf(error) !== sqlstate.outOfMemory) throw error;
    throw new HoldfastError(session.failure, "The server's lock table is full.", {
      why: 'Other sessions hold all the locks that it has room for.',
      hint: 'Raise max_locks_per_transaction and restart the server, or run it when fewer locks are held.',
      cause: error,
    });
  }
}

async function askLockRoom(session: Session): Promise<LockRoom> {
  // As the server works it out (NLOCKENTS). autovacuum_worker_slots came with PostgreSQL 18.
  const [row] = await session.query<LockRoom>(
    `WITH setting AS (
       SELECT current_setting('max_locks_per_transaction')::int4 AS "perTransaction",
              current_setting('max_connections')::int4 + current_setting('max_prepared_transactions')::int4
              + coalesce(current_setting('autovacuum_worker_slots', true),
                         current_setting('autovacuum_max_workers'))::int4 + 1
              + current_setting('max_worker_processes')::int4 + current_setting('max_wal_senders')::int4 AS slots
     ), held AS (
       SELECT count(*)::int4 AS holders,
              count(DISTINCT (locktype, database, relation, page, tuple, virtualxid, transactionid::text, classid, objid,
                              objsubid))::int4 AS held
       FROM pg_locks WHERE NOT fastpath AND mode <> 'SIReadLock'
     )
     SELECT setting.*, held.*, "perTransaction" * slots AS total,
            (SELECT count(*)::int4 FROM pg_class WHERE relkind IN ('v', 'm') AND oid >= 16384) AS views
     FROM setting, held`,
    [],
    "Could not look at the server's lock table.",
  );
  return row!;
}

/** How many locks a backup holds at the same time: the coordinator and pg_dump lock the same things. */
export function locksNeeded(relations: readonly Relation[], room: LockRoom): number {
  return relations.filter(({ readable }) => readable).length + room.views + passing;
}

/**
 * Refuses before anything is locked.
 *
 * @returns a warning when the backup fits, but takes more than half
 * @throws HoldfastError with the session's code
 */
export function assertLockRoom(session: Session, relations: readonly Relation[], room: LockRoom): string | undefined {
  const needed = locksNeeded(relations, room);
  if (needed > room.total - room.held || 2 * needed > 2 * room.total - room.holders) {
    throw lockTableFull(session, relations, room);
  }
  if (needed <= room.total / 2) return undefined;
  return (
    `The backup takes ${formatCount(needed)} of the ${formatCount(room.total)} locks that the server is made for: ` +
    `raise max_locks_per_transaction to ${enough(needed, room)} and restart it.`
  );
}

/** The same words, whether the room is too small or has run out. */
export function lockTableFull(
  session: Session,
  relations: readonly Relation[],
  room: LockRoom,
  cause?: unknown,
): HoldfastError {
  const needed = locksNeeded(relations, room);
  const { total, held } = room;
  const message =
    `${formatCount(relations.length + room.views)} tables, views and sequences need ${formatCount(needed)} locks, ` +
    'and the server has no room for them.';
  return new HoldfastError(session.failure, message, {
    why: `Its lock table is made for ${formatCount(total)}, of which ${formatCount(held)} were held when the backup began.`,
    hint: lockHint(needed, room),
    ...(cause !== undefined && { cause }),
  });
}

/** @param needed locks of the backup */
export function lockHint(needed: number, room: LockRoom): string {
  const raise = `Raise max_locks_per_transaction from ${room.perTransaction} to ${enough(needed, room)} and restart the server`;
  // What was held when it began is not all there can be; but where that alone was the trouble, waiting helps too.
  return needed <= room.total - passing ? `${raise}, or run it when fewer locks are held.` : `${raise}.`;
}

/** With a quarter to spare, and never less than what is set. */
function enough(needed: number, { held, slots, perTransaction }: LockRoom): number {
  const wanted = Math.ceil(((needed + held) * 1.25) / slots);
  return Math.ceil(Math.max(wanted, perTransaction + 1) / 16) * 16;
}
