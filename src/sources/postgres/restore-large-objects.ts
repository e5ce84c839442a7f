import { HoldfastError } from '../../base/errors.ts';
import type { LaneContext } from '../../repository/lane.ts';
import type { StoredStream } from '../../repository/stored-stream.ts';
import { AccessLists } from './access-lists.ts';
import { BinaryRows } from './binary-rows.ts';
import { copyIn } from './copy-in.ts';
import type { LargeObjectsLine } from './manifest.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import type { Session } from './session.ts';

export interface LargeObjectsLoad {
  stream: StoredStream;
  objects: LargeObjectsLine['objects'];
}

/** Bytes of one COPY, at least, unless it is the last: bounds the temporary table. */
const pieceBytes = 64 * 1024 * 1024;
/** Statements of one transaction: each takes a lock on its object, and the lock table is small. */
const batch = 500;

/**
 * Makes the large objects: their stream goes into a temporary table as it is, piece by piece, and the server makes the
 * objects from there. A call for each of them would take a round trip each.
 *
 * @throws HoldfastError
 */
export async function loadLargeObjects(lane: LaneContext, session: Session, load: LargeObjectsLoad): Promise<void> {
  const what = 'Could not restore the large objects.';
  await session.run(
    `CREATE TEMPORARY TABLE holdfast_large_objects (id oid, content bytea);
     ALTER TABLE pg_temp.holdfast_large_objects ALTER content SET STORAGE EXTERNAL`,
    what,
  );
  const rows = new BinaryRows(counted(lane, load.stream), pieceBytes);
  let made = 0;
  while (await rows.more()) {
    const sql = 'BEGIN; COPY pg_temp.holdfast_large_objects FROM STDIN WITH (FORMAT binary)';
    try {
      made += await copyIn(session, sql, rows.piece());
    } catch (error) {
      throw session.fail(error, what);
    }
    await session.run(
      `SELECT pg_catalog.count(pg_catalog.lo_from_bytea(id, content)) FROM pg_temp.holdfast_large_objects;
       TRUNCATE pg_temp.holdfast_large_objects; COMMIT`,
      what,
    );
  }
  await session.run('DROP TABLE pg_temp.holdfast_large_objects', what);
  if (made !== load.objects.length) {
    throw new HoldfastError('target-failed', what, {
      why: `The stream holds ${made} objects, the manifest lists ${load.objects.length}.`,
    });
  }
  await giveRights(session, load.objects);
}

async function giveRights(session: Session, objects: LargeObjectsLoad['objects']): Promise<void> {
  const what = 'Could not restore the owners and privileges of large objects.';
  const lists = await AccessLists.parse(session, new Set(objects.map(({ acl }) => acl)));
  let statements: string[] = [];
  const flush = async () => {
    if (statements.length > 0) await session.run(['BEGIN', ...statements, 'COMMIT'].join('; '), what);
    statements = [];
  };
  for (const { oid, owner, acl, comment } of objects) {
    const object = `LARGE OBJECT ${Math.trunc(oid)}`;
    if (owner !== session.connection.user) statements.push(`ALTER ${object} OWNER TO ${quoteIdentifier(owner)}`);
    statements.push(...lists.statements(object, owner, acl));
    if (comment !== null) statements.push(`COMMENT ON ${object} IS ${quoteLiteral(comment)}`);
    if (statements.length >= batch) await flush();
  }
  await flush();
}

async function* counted(lane: LaneContext, stream: StoredStream): AsyncGenerator<Buffer> {
  for await (const piece of lane.reader.read(stream)) {
    yield piece;
    lane.progress(piece.length);
  }
}
