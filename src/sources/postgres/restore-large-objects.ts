import { HoldfastError } from '../../base/errors.ts';
import type { LaneContext } from '../../repository/lane.ts';
import type { AnyStream } from '../../repository/stored-stream.ts';
import { AccessLists } from './access-lists.ts';
import { BinaryRows } from './binary-rows.ts';
import type { LargeObjectsLine } from './manifest.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import type { Session } from './session.ts';

export interface LargeObjectsLoad {
  stream: AnyStream;
  objects: LargeObjectsLine['objects'];
}

/** Objects of one statement, at most, and their bytes. Bounds memory, here and in the server. */
const batchObjects = 256;
const batchBytes = 4 * 1024 * 1024;
/** Statements of one transaction: each takes a lock on its object, and the lock table is small. */
const rightsBatch = 500;

/**
 * Makes the large objects, many in one statement where they are small, and in several where one is large.
 *
 * @param options `inTransaction`: the session has one open, which is not to be ended
 * @throws HoldfastError
 */
export async function loadLargeObjects(
  lane: Pick<LaneContext, 'reader' | 'progress'>,
  session: Session,
  load: LargeObjectsLoad,
  { inTransaction = false }: { inTransaction?: boolean } = {},
): Promise<void> {
  const what = 'Could not restore the large objects.';
  const rows = new BinaryRows(counted(lane, load.stream));
  const batch: { oid: number; content: Buffer }[] = [];
  let bytes = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    const pairs = batch.map((_, i) => `pg_catalog.lo_from_bytea($${2 * i + 1}, $${2 * i + 2})`);
    // A buffer goes over as it is, without being written out as text.
    await session.query(
      `SELECT ${pairs.join(', ')}`,
      batch.flatMap(({ oid, content }) => [oid, content]),
      what,
    );
    batch.length = 0;
    bytes = 0;
  };
  for (const expected of load.objects) {
    const found = (await rows.more()) ? await rows.object() : undefined;
    if (found === undefined || found.oid !== expected.oid || found.size !== expected.size) {
      throw new HoldfastError(
        'object-damaged',
        'The large objects of the snapshot are not those that its manifest lists.',
      );
    }
    if (found.size > batchBytes) {
      await makeInPieces(session, found, what);
      continue;
    }
    if (bytes + found.size > batchBytes || batch.length === batchObjects) await flush();
    const pieces: Buffer[] = [];
    for await (const piece of found.content) pieces.push(piece);
    batch.push({ oid: found.oid, content: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces) });
    bytes += found.size;
  }
  await flush();
  if (await rows.more()) {
    throw new HoldfastError('object-damaged', 'The snapshot holds more large objects than its manifest lists.');
  }
  await giveRights(session, load.objects, inTransaction ? [] : ['BEGIN', 'COMMIT']);
}

async function makeInPieces(
  session: Session,
  { oid, content }: { oid: number; content: AsyncIterable<Buffer> },
  what: string,
): Promise<void> {
  await session.query('SELECT pg_catalog.lo_create($1)', [oid], what);
  let offset = 0;
  let gathered: Buffer[] = [];
  let length = 0;
  const flush = async () => {
    if (length === 0) return;
    await session.query('SELECT pg_catalog.lo_put($1, $2, $3)', [oid, offset, Buffer.concat(gathered)], what);
    offset += length;
    gathered = [];
    length = 0;
  };
  for await (const piece of content) {
    gathered.push(piece);
    length += piece.length;
    if (length >= batchBytes) await flush();
  }
  await flush();
}

/** @param around the statements of a transaction, if they are to have one of their own */
async function giveRights(
  session: Session,
  objects: LargeObjectsLoad['objects'],
  [begin, commit]: string[],
): Promise<void> {
  const what = 'Could not restore the owners and privileges of large objects.';
  const lists = await AccessLists.parse(session, new Set(objects.map(({ acl }) => acl)));
  let statements: string[] = [];
  const flush = async () => {
    const all = [begin, ...statements, commit].filter((statement) => statement !== undefined);
    if (statements.length > 0) await session.run(all.join('; '), what);
    statements = [];
  };
  for (const { oid, owner, acl, comment } of objects) {
    const object = `LARGE OBJECT ${Math.trunc(oid)}`;
    if (owner !== session.connection.user) statements.push(`ALTER ${object} OWNER TO ${quoteIdentifier(owner)}`);
    statements.push(...lists.statements(object, owner, acl));
    if (comment !== null) statements.push(`COMMENT ON ${object} IS ${quoteLiteral(comment)}`);
    if (statements.length >= rightsBatch) await flush();
  }
  await flush();
}

async function* counted(lane: Pick<LaneContext, 'reader' | 'progress'>, stream: AnyStream): AsyncGenerator<Buffer> {
  for await (const piece of lane.reader.read(stream)) {
    yield piece;
    lane.progress(piece.length);
  }
}
