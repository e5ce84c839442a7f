/** What a lane keeps while originals are looked for: connections to the copy and to the source, and what rules want. */
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { quoteLiteral } from '../../sources/postgres/quote.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import type { CellEncoding } from '../byte-column.ts';
import { ProgramPool } from '../copy/programs.ts';
import type { TableTransform } from '../copy/table-transform.ts';
import { readWholeColumns, type WholeColumns } from '../copy/whole-columns.ts';

/** One moment of a database, which all lanes see alike. Survives structured cloning. */
export interface SharedSnapshot {
  connection: PostgresConnection;
  exportedSnapshot: string;
}

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
const programsKey = 'leaks programs';
const wholeKey = 'leaks whole columns';

function keepSession(
  lane: LaneContext,
  key: string,
  { connection, exportedSnapshot }: SharedSnapshot,
  failure: 'could-not-verify' | 'source-failed',
): Promise<Session> {
  return lane.keep(
    key,
    async () => {
      const session = await openSession(connection, { applicationName: 'holdfast pseudonymize', failure });
      await session.run(
        `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
         SET TRANSACTION SNAPSHOT ${quoteLiteral(exportedSnapshot)}`,
        'Could not use the exported snapshot of the database.',
      );
      return session;
    },
    (session) => session.close(),
  );
}

/** How the server writes COPY text for us. */
export function encodingOf({ encoding }: Session): CellEncoding {
  return encoding === 'SQL_ASCII' ? 'latin1' : 'utf8';
}

/** @throws HoldfastError `could-not-verify`, as everything that the session is asked */
export function copySession(lane: LaneContext, snapshot: SharedSnapshot): Promise<Session> {
  return keepSession(lane, copyKey, snapshot, 'could-not-verify');
}

/** @throws HoldfastError `source-failed`, as everything that the session is asked */
export function originalsSession(lane: LaneContext, snapshot: SharedSnapshot): Promise<Session> {
  return keepSession(lane, originalsKey, snapshot, 'source-failed');
}

export function keptPrograms(lane: LaneContext): Promise<ProgramPool> {
  return lane.keep(
    programsKey,
    async () => new ProgramPool(),
    (pool) => pool[Symbol.asyncDispose](),
  );
}

/** Of the relation that the lane is at: its parts follow each other. @throws HoldfastError */
export async function keptWholeColumns(
  lane: LaneContext,
  source: Session,
  relation: { oid: number; schema: string; name: string },
  transform: TableTransform,
): Promise<WholeColumns> {
  const none = async () => ({ oid: 0, columns: new Map() as WholeColumns });
  const kept = await lane.keep(wholeKey, none, async () => {});
  if (kept.oid !== relation.oid) {
    kept.columns = new Map();
    kept.columns = await readWholeColumns(source, relation, transform);
    kept.oid = relation.oid;
  }
  return kept.columns;
}

/** Ends what a lane keeps for the search: a database with connections gets no other name. */
export const leaveLeaksTask = 'pseudonymize-leaks-leave';

export const leaveLeaksTasks = {
  [leaveLeaksTask]: async (lane: LaneContext) => {
    for (const key of [copyKey, originalsKey, programsKey, wholeKey]) await lane.discard(key);
  },
} satisfies Record<string, LaneTask>;
