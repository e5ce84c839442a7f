import type { MessagePort } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import type { IngestStream } from '../../repository/ingest.ts';
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { RowSum } from '../../repository/row-hash.ts';
import { directChunksOfPart, type StoredStream } from '../../repository/stored-stream.ts';
import { BinaryMiddle, type LargeObjectContent, LargeObjectDigests } from './binary-copy.ts';
import type { PostgresConnection } from './connection.ts';
import { type CopySink, copyOut } from './copy-out.ts';
import { receiveFeed } from './lane-feed.ts';
import { type LargeObjectRange, largeObjectsStatement } from './large-objects.ts';
import { displayName, quoteLiteral, quoteQualified } from './quote.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import { openSession, type Session } from './session.ts';
import {
  assertSameRelation,
  copyStatement,
  fingerprint,
  generatedStatement,
  rowsError,
  type TableFingerprint,
  type TableRows,
} from './table-copy.ts';

/** What lanes do for a backup, and for comparing: all of it reads. */

/** A database as of one exported snapshot; a lane keeps its session for it. */
export interface SnapshotSource {
  connection: PostgresConnection;
  exportedSnapshot: string;
  /** Shared memory; not 0 once nobody wants the result any more. */
  cancelled: Int32Array;
}

export interface TableToCopy extends TableRows {
  oid: number;
  /** Stored generated columns. */
  generated: string[];
}

export interface CopyTablesInput {
  source: SnapshotSource;
  /** 16 bytes, hex. */
  rowKey: string;
  tables: TableToCopy[];
}

/** `busy`: somebody waits for a lock that excludes ours. `moved`: the name means something else by now, or nothing. */
export type CopiedTable = { state: 'copied'; stream: StoredStream; generated?: RowSum } | { state: 'busy' | 'moved' };

export interface LargeObjectsInput {
  source: SnapshotSource;
  range: LargeObjectRange;
}

export interface CopiedLargeObjects {
  stream: StoredStream;
  contents: LargeObjectContent[];
}

export interface FeedInput {
  port: MessagePort;
  /** Takes the fingerprint of rows too. */
  rowKey?: string;
  /** It is a part of a stream. */
  part?: boolean;
}

export interface FingerprintInput {
  connection: PostgresConnection;
  rowKey: string;
  table: TableRows;
  /** Stored generated columns to fingerprint too. */
  generated?: string[];
  /** Bytes of each part, where the rows were stored in parts. */
  parts?: number[] | undefined;
}

export interface FingerprintOutput extends TableFingerprint {
  generated?: RowSum;
}

export const copyTablesTask = 'postgres-copy-tables';
export const largeObjectsTask = 'postgres-large-objects';
export const feedTask = 'postgres-feed';
export const leaveTask = 'postgres-leave';
/** The fingerprint of a table's rows, as a backup would take it, without storing them. Input: FingerprintInput. */
export const fingerprintTask = 'postgres-fingerprint';
/** Ends the sessions that `fingerprintTask` keeps for a connection, in this lane. Input: PostgresConnection. */
export const fingerprintLeaveTask = 'postgres-fingerprint-leave';

export const backupTasks = {
  [copyTablesTask]: copyTables,
  [largeObjectsTask]: copyLargeObjects,
  [feedTask]: takeFeed,
  [leaveTask]: async (lane: LaneContext, exportedSnapshot: string) => lane.discard(sessionKey(exportedSnapshot)),
  [fingerprintTask]: fingerprintTable,
  [fingerprintLeaveTask]: async (lane: LaneContext, connection: PostgresConnection) =>
    lane.discard(fingerprintKey(connection)),
} satisfies Record<string, LaneTask>;

/** Bytes that the server's answers are gathered in. */
const copyBufferBytes = 256 * 1024;

const sessionKey = (exportedSnapshot: string) => `postgres-snapshot ${exportedSnapshot}`;
const fingerprintKey = ({ host, port, database }: PostgresConnection) =>
  `postgres-fingerprint ${JSON.stringify([host, port, database])}`;

class Cancelled extends HoldfastError {
  constructor() {
    super('interrupted', 'The copy was given up.');
  }
}

function throwIfCancelled(source: SnapshotSource): void {
  if (Atomics.load(source.cancelled, 0) !== 0) throw new Cancelled();
}

async function snapshotSession(lane: LaneContext, source: SnapshotSource): Promise<Session> {
  throwIfCancelled(source);
  return lane.keep(
    sessionKey(source.exportedSnapshot),
    async () => {
      const session = await openSession(source.connection, { applicationName: 'holdfast backup' });
      await session.run(
        `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
         SET TRANSACTION SNAPSHOT ${quoteLiteral(source.exportedSnapshot)}`,
        'Could not use the exported snapshot of the database.',
      );
      return session;
    },
    (session) => session.close(),
  );
}

/** After an error in the middle of rows the connection is of no use; without one it stays for the next task. */
async function withSnapshot<T>(
  lane: LaneContext,
  source: SnapshotSource,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await snapshotSession(lane, source);
  try {
    return await work(session);
  } catch (error) {
    session.destroy();
    await lane.discard(sessionKey(source.exportedSnapshot));
    throw error;
  }
}

/** An IngestStream that reports progress and stops when nobody wants it. */
function watched(
  stream: IngestStream,
  lane: LaneContext,
  source: SnapshotSource,
  look?: (bytes: Buffer) => void,
): CopySink {
  let space: Buffer;
  return {
    space: () => {
      space = stream.space();
      return space;
    },
    filled: (length) => {
      throwIfCancelled(source);
      look?.(space.subarray(0, length));
      lane.progress(length);
      return stream.filled(length);
    },
  };
}

async function copyTables(lane: LaneContext, input: CopyTablesInput): Promise<CopiedTable[]> {
  const copied: CopiedTable[] = [];
  for (const table of input.tables) {
    copied.push(await withSnapshot(lane, input.source, (session) => copyTable(lane, input, session, table)));
  }
  return copied;
}

/**
 * The lock is taken anew here because only then the server lets us read; NOWAIT because somebody who waits for an
 * exclusive lock is ahead of us in the queue, while the coordinator, who holds one, need not ask again. It is given back
 * afterwards: thousands of tables would otherwise fill the lock table once for every lane.
 */
async function copyTable(
  lane: LaneContext,
  { source, rowKey }: CopyTablesInput,
  session: Session,
  table: TableToCopy,
): Promise<CopiedTable> {
  const target = quoteQualified(table.schema, table.name);
  const what = `Could not copy table ${displayName(table.schema, table.name)}.`;
  // Once more afterwards, since the copy finds the table by its name.
  const same = assertSameRelation(table.schema, table.name, table.oid);
  const inSubtransaction = (statement: string) =>
    `SAVEPOINT holdfast; LOCK TABLE ONLY ${target} IN ACCESS SHARE MODE NOWAIT;
     ${same}; ${statement}; ${same}; ROLLBACK TO SAVEPOINT holdfast; RELEASE SAVEPOINT holdfast`;
  const stream = lane.ingest.stream(rowKey, table.blocks && directChunksOfPart);
  let counted: number;
  let generated: RowSum | undefined;
  try {
    counted = await copyOut(session, inSubtransaction(copyStatement(table)), watched(stream, lane, source));
    if (table.generated.length > 0) {
      const statement = inSubtransaction(generatedStatement(table, table.generated));
      const taken = () => throwIfCancelled(source);
      ({ rows: generated } = await fingerprint(session, statement, rowKey, what, { taken }));
    }
  } catch (error) {
    stream.abandon();
    const state = unavailable(error);
    if (state === undefined) throw error instanceof Cancelled ? error : rowsError(session, error, what);
    await session.run('ROLLBACK TO SAVEPOINT holdfast; RELEASE SAVEPOINT holdfast', what);
    return { state };
  }
  const { stored } = await stream.end();
  if (stored.rows?.rows !== counted || (generated !== undefined && generated.rows !== counted)) {
    throw new HoldfastError('source-failed', what, {
      why: `The server counted ${counted} rows, ${stored.rows?.rows} arrived.`,
    });
  }
  return { state: 'copied', stream: stored, ...(generated === undefined ? {} : { generated }) };
}

function unavailable(error: unknown): 'busy' | 'moved' | undefined {
  switch (sqlstateOf(error)) {
    case sqlstate.lockNotAvailable:
      return 'busy';
    case sqlstate.divisionByZero:
    case sqlstate.undefinedTable:
    case sqlstate.undefinedSchema:
      return 'moved';
    default:
      return undefined;
  }
}

/** One after the other, what lanes copy of adjoining ranges is one binary COPY: with one header, and one trailer. */
async function copyLargeObjects(lane: LaneContext, { source, range }: LargeObjectsInput): Promise<CopiedLargeObjects> {
  return withSnapshot(lane, source, async (session) => {
    const isPart = range.from !== undefined || range.to !== undefined;
    const stream = lane.ingest.stream(undefined, isPart ? directChunksOfPart : undefined);
    const digests = new LargeObjectDigests();
    const middle = new BinaryMiddle({ header: range.from === undefined, trailer: range.to === undefined });
    const buffer = Buffer.allocUnsafeSlow(copyBufferBytes);
    const sink: CopySink = {
      space: () => buffer,
      filled: async (length) => {
        throwIfCancelled(source);
        const bytes = buffer.subarray(0, length);
        digests.update(bytes);
        lane.progress(length);
        for (const piece of middle.take(bytes)) await stream.write(piece);
      },
    };
    try {
      await copyOut(
        session,
        largeObjectsStatement(range),
        isPart ? sink : watched(stream, lane, source, (bytes) => digests.update(bytes)),
      );
    } catch (error) {
      stream.abandon();
      if (error instanceof Cancelled) throw error;
      throw rowsError(session, error, 'Could not copy the large objects.');
    }
    return { stream: (await stream.end()).stored, contents: digests.end() };
  });
}

async function takeFeed(lane: LaneContext, { port, rowKey, part }: FeedInput): Promise<StoredStream> {
  const stream = lane.ingest.stream(rowKey, part ? directChunksOfPart : undefined);
  try {
    await receiveFeed(port, async (bytes) => {
      lane.progress(bytes.length);
      await stream.write(bytes);
    });
  } catch (error) {
    stream.abandon();
    throw error;
  }
  return (await stream.end()).stored;
}

async function fingerprintTable(lane: LaneContext, input: FingerprintInput): Promise<FingerprintOutput> {
  const { connection, rowKey, table, generated, parts } = input;
  const key = fingerprintKey(connection);
  const what = `Could not read table ${displayName(table.schema, table.name)}.`;
  const session = await lane.keep(
    key,
    () => openSession(connection, { applicationName: 'holdfast compare' }),
    (open) => open.close(),
  );
  try {
    const taken = (bytes: number) => lane.progress(bytes);
    const output: FingerprintOutput = await fingerprint(session, copyStatement(table), rowKey, what, { parts, taken });
    if (generated !== undefined && generated.length > 0) {
      output.generated = (await fingerprint(session, generatedStatement(table, generated), rowKey, what)).rows;
    }
    return output;
  } catch (error) {
    // An error of the table leaves the session whole; only a lost connection must not be used again.
    if (session.lost) await lane.discard(key);
    throw error;
  }
}
