import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../../base/errors.ts';
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { AnyStream } from '../../repository/stored-stream.ts';
import { restoreSettings } from './archive-statements.ts';
import { BinaryRows } from './binary-rows.ts';
import type { PostgresConnection } from './connection.ts';
import { copyIn } from './copy-in.ts';
import { displayName, quoteIdentifier, quoteQualified } from './quote.ts';
import { rowsError } from './restore-errors.ts';
import { type LargeObjectsLoad, loadLargeObjects } from './restore-large-objects.ts';
import { openSession, type Session } from './session.ts';

/** What lanes do for a restore. */

export interface LoadTableInput {
  connection: PostgresConnection;
  schema: string;
  name: string;
  /** As in the manifest; may be empty. */
  columns: string[];
  stream: AnyStream;
  /** The table the rows go into when they must find their partition by themselves. */
  through?: { schema: string; name: string };
  /** A table that CREATE EXTENSION may have put rows into: those that satisfy the condition (`WHERE …`) are replaced. */
  replace?: { condition: string | null };
}

export interface LoadLargeObjectsInput {
  connection: PostgresConnection;
  load: LargeObjectsLoad;
}

export interface WriteFileInput {
  path: string;
  stream: AnyStream;
}

export interface WrittenFile {
  /** Of the whole file, hex. */
  sha256: string;
}

export const loadTableTask = 'postgres-load-table';
export const loadLargeObjectsTask = 'postgres-load-large-objects';
/** Ends the session that a lane keeps for a database. Input: PostgresConnection. */
export const restoreLeaveTask = 'postgres-restore-leave';
export const writeFileTask = 'postgres-write-file';
/** `path` is a directory. */
export const writeLargeObjectsTask = 'postgres-write-large-objects';

export const restoreTasks = {
  [loadTableTask]: loadTable,
  [loadLargeObjectsTask]: async (lane: LaneContext, { connection, load }: LoadLargeObjectsInput) =>
    withSession(lane, connection, (session) => loadLargeObjects(lane, session, load)),
  [restoreLeaveTask]: async (lane: LaneContext, connection: PostgresConnection) => lane.discard(sessionKey(connection)),
  [writeFileTask]: writeFile,
  [writeLargeObjectsTask]: writeLargeObjects,
} satisfies Record<string, LaneTask>;

const sessionKey = ({ host, port, database }: PostgresConnection) =>
  `postgres-restore ${JSON.stringify([host, port, database])}`;

/** Runs `work` in this lane's session; one that may have a transaction open, or is cut off, is not used again. */
async function withSession<T>(
  lane: LaneContext,
  connection: PostgresConnection,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const key = sessionKey(connection);
  const session = await lane.keep(
    key,
    async () => {
      const opened = await openSession(connection, { applicationName: 'holdfast restore', failure: 'target-failed' });
      await opened.run(restoreSettings);
      return opened;
    },
    (opened) => opened.close(),
  );
  try {
    return await work(session);
  } catch (error) {
    if (session.lost) await lane.discard(key);
    else await session.run('ROLLBACK').catch(() => lane.discard(key));
    throw error;
  }
}

async function loadTable(lane: LaneContext, input: LoadTableInput): Promise<void> {
  const { schema, name, stream, columns } = input;
  const what = `Could not load table ${displayName(schema, name)}.`;
  await withSession(lane, input.connection, async (session) => {
    let rows: number;
    try {
      rows = await copyIn(session, loadStatements(input, session), counted(lane, stream));
    } catch (error) {
      throw error instanceof HoldfastError ? error : rowsError(session, error, what, columns);
    }
    if (stream.rows !== undefined && rows !== stream.rows.rows) {
      throw new HoldfastError('target-failed', what, {
        why: `The server counted ${rows} rows of ${stream.rows.rows}.`,
      });
    }
    await session.run('COMMIT', what);
  });
}

/**
 * TRUNCATE in the same transaction lets COPY write rows as frozen: in the order they come, and without another pass over
 * them later. Only this table's own rows are concerned, so whatever inherits from it stays.
 */
function loadStatements(input: LoadTableInput, session: Session): string {
  const { schema, name, columns, through, replace } = input;
  const target = through === undefined ? quoteQualified(schema, name) : quoteQualified(through.schema, through.name);
  // Without any column there is no list; then every row is an empty line.
  const list = columns.length === 0 ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`;
  if (through !== undefined) return `BEGIN; COPY ${target}${list} FROM STDIN`;
  if (replace === undefined) return `BEGIN; TRUNCATE ONLY ${target}; COPY ${target}${list} FROM STDIN WITH (FREEZE)`;
  // The extension's own triggers must not act on rows that are only put back.
  const quiet = session.superuser ? 'SET LOCAL session_replication_role = replica; ' : '';
  return `BEGIN; ${quiet}DELETE FROM ONLY ${target} ${replace.condition ?? ''}; COPY ${target}${list} FROM STDIN`;
}

async function* counted(lane: LaneContext, stream: AnyStream): AsyncGenerator<Buffer> {
  for await (const piece of lane.reader.read(stream)) {
    yield piece;
    lane.progress(piece.length);
  }
}

async function writeFile(lane: LaneContext, { path, stream }: WriteFileInput): Promise<WrittenFile> {
  if (stream.parts === undefined) {
    await intoFile(path, counted(lane, stream));
    return { sha256: stream.sha256 };
  }
  const hash = createHash('sha256');
  await intoFile(path, hashed(counted(lane, stream), hash));
  return { sha256: hash.digest('hex') };
}

async function* hashed(pieces: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

/** Each large object into a file of its own. */
async function writeLargeObjects(lane: LaneContext, { path, stream }: WriteFileInput): Promise<void> {
  const rows = new BinaryRows(counted(lane, stream));
  while (await rows.more()) {
    const { oid, content } = await rows.object();
    await intoFile(join(path, String(oid)), content);
  }
}

/** @throws HoldfastError `target-failed`, or what the source throws */
async function intoFile(path: string, source: AsyncIterable<Buffer>): Promise<void> {
  try {
    await pipeline(source, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }));
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('target-failed', `Could not write ${path}.`, {
      why: (error as Error).message,
      cause: error,
    });
  }
}
