/** What lanes keep from task to task, each under a name of its own: sessions in a snapshot, and what rules want beside it. */
import type { LaneContext } from '../../repository/lane.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { quoteLiteral } from '../../sources/postgres/quote.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import type { CellEncoding } from '../byte-column.ts';
import { ProgramPool } from './programs.ts';
import type { TableTransform } from './table-transform.ts';
import { readWholeColumns, type WholeColumns } from './whole-columns.ts';

/** One moment of a database, which all lanes see alike. Survives structured cloning. */
export interface SharedSnapshot {
  connection: PostgresConnection;
  exportedSnapshot: string;
}

/** @throws HoldfastError of the code `failure`, as everything that the session is asked */
export function keptSnapshot(
  lane: LaneContext,
  name: string,
  { connection, exportedSnapshot }: SharedSnapshot,
  failure: 'could-not-verify' | 'source-failed' = 'source-failed',
): Promise<Session> {
  return lane.keep(
    name,
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

export function keptPrograms(lane: LaneContext, name: string): Promise<ProgramPool> {
  return lane.keep(
    name,
    async () => new ProgramPool(),
    (pool) => pool[Symbol.asyncDispose](),
  );
}

/** Of the relation that the lane is at: its parts follow each other. @throws HoldfastError */
export async function keptWholeColumns(
  lane: LaneContext,
  name: string,
  source: Session,
  { relation, transform }: { relation: { oid: number; schema: string; name: string }; transform: TableTransform },
): Promise<WholeColumns> {
  const none = async () => ({ oid: 0, columns: new Map() as WholeColumns });
  const kept = await lane.keep(name, none, async () => {});
  if (kept.oid !== relation.oid) {
    kept.columns = new Map();
    kept.columns = await readWholeColumns(source, relation, transform);
    kept.oid = relation.oid;
  }
  return kept.columns;
}

/** How the server writes COPY text for us. */
export function encodingOf({ encoding }: Pick<Session, 'encoding'>): CellEncoding {
  return encoding === 'SQL_ASCII' ? 'latin1' : 'utf8';
}
