/** What a lane keeps while originals are looked for: connections to the copy and to the source, and what rules want. */
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { Session } from '../../sources/postgres/session.ts';
import { keptSnapshot, type SharedSnapshot } from '../copy/kept.ts';

/** @param session in a transaction, which must stay open for as long as lanes use the snapshot */
export async function shareSnapshot(session: Session): Promise<SharedSnapshot> {
  const [row] = await session.query<{ id: string }>(
    'SELECT pg_catalog.pg_export_snapshot() AS id',
    [],
    'Could not export a snapshot of the database.',
  );
  return { connection: session.connection, exportedSnapshot: row!.id };
}

const copyKey = 'leaks copy';
const originalsKey = 'leaks originals';
export const programsKey = 'leaks programs';
export const wholeKey = 'leaks whole columns';

/** @throws HoldfastError `could-not-verify`, as everything that the session is asked */
export function copySession(lane: LaneContext, snapshot: SharedSnapshot): Promise<Session> {
  return keptSnapshot(lane, copyKey, snapshot, 'could-not-verify');
}

/** @throws HoldfastError `source-failed`, as everything that the session is asked */
export function originalsSession(lane: LaneContext, snapshot: SharedSnapshot): Promise<Session> {
  return keptSnapshot(lane, originalsKey, snapshot);
}

/** Ends what a lane keeps for the search: a database with connections gets no other name. */
export const leaveLeaksTask = 'pseudonymize-leaks-leave';

export const leaveLeaksTasks = {
  [leaveLeaksTask]: async (lane: LaneContext) => {
    for (const key of [copyKey, originalsKey, programsKey, wholeKey]) await lane.discard(key);
  },
} satisfies Record<string, LaneTask>;
