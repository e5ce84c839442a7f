/** What lanes do for a pseudonymized copy: a table, or a part of one, out of one server and into the other. */
import { HoldfastError } from '../../base/errors.ts';
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { copyIn } from '../../sources/postgres/copy-in.ts';
import { copyOut } from '../../sources/postgres/copy-out.ts';
import { quietStatements } from '../../sources/postgres/quiet-settings.ts';
import { displayName, quoteIdentifier, quoteLiteral, quoteQualified } from '../../sources/postgres/quote.ts';
import { rowsError } from '../../sources/postgres/restore-errors.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import { assertSameRelation } from '../../sources/postgres/table-copy.ts';
import { type BlockRange, blocksCondition, withTidScan } from '../../sources/postgres/table-parts.ts';
import type { CellEncoding } from '../byte-column.ts';
import { CopyBinaryRewriter } from '../copy-binary.ts';
import { CopyTextRewriter } from '../copy-text.ts';
import { PseudonymKey } from '../keys.ts';
import { OwnSketch, type SharedSketch } from '../leaks/sketch.ts';
import { sketchWatch } from '../leaks/watch.ts';
import { type BinaryColumns, binaryColumns } from './binary-columns.ts';
import { encodingOf, keptPrograms, keptSnapshot, keptWholeColumns, type SharedSnapshot } from './kept.ts';
import { giveBackPiece } from './piece-room.ts';
import { RowPipe, type RowRewriter, SenderGone } from './row-pipe.ts';
import { type RowRewrite, rowRewrite } from './row-rewrite.ts';
import { hasExpressions, selectList, type TableTransform } from './table-transform.ts';

/** Of a copy: what is read, and what becomes of it. */
export interface CopySourceInput {
  source: SharedSnapshot;
  /** Of the pseudonyms, already that of the copy; it stays in this process. */
  secret: Uint8Array;
  /** The relation that is read; a partition has the transform of its root. */
  relation: { oid: number; schema: string; name: string };
  transform: TableTransform;
  /** Takes the originals of ruled columns, for the search for leaks. */
  sketch?: SharedSketch;
  /** First they go into one of the lane's own, until it leaves. */
  ownSketch?: boolean;
}

export interface CopyTableInput extends CopySourceInput {
  target: PostgresConnection;
  /** Where rows go when they must find their partition by themselves. */
  through?: { schema: string; name: string };
  /** A part of the table; the whole is loaded frozen. */
  blocks?: BlockRange;
  /** A table that CREATE EXTENSION may have put rows into: those that satisfy the condition (`WHERE …`) are replaced. */
  replace?: { condition: string | null };
  /** Places of the wanted rows, `(block,line)` of the snapshot, rising; all rows when undefined. */
  ctids?: readonly string[];
}

export interface CopyTableOutput {
  rows: number;
  /** Bytes of COPY that were read. */
  bytes: number;
}

export const copyTableTask = 'pseudonymize-copy-table';
/** Opens what `copyTableTask` keeps of a table, while there is nowhere yet to copy it to. */
export const copyPrepareTask = 'pseudonymize-copy-prepare';
/** Ends the sessions that a lane keeps for copying; all originals are in the shared sketch afterwards. */
export const copyLeaveTask = 'pseudonymize-copy-leave';

export const copyTableTasks = {
  [copyTableTask]: copyTable,
  [copyPrepareTask]: async (lane: LaneContext, input: CopySourceInput) => {
    try {
      await keptRewriting(lane, await keptSnapshot(lane, sourceKey, input.source), input);
    } catch (error) {
      // A transaction in which something failed would only tell that, and not what.
      await lane.discard(sourceKey);
      throw error;
    }
  },
  [copyLeaveTask]: async (lane: LaneContext) => {
    await lane.discard(sketchKey);
    await lane.discard(sourceKey);
    await lane.discard(targetKey);
    await lane.discard(programsKey);
    await lane.discard(wholeKey);
    await lane.discard(rewritingKey);
  },
} satisfies Record<string, LaneTask>;

const sourceKey = 'pseudonymize source';
const targetKey = 'pseudonymize target';
const programsKey = 'pseudonymize programs';
const wholeKey = 'pseudonymize whole columns';
const rewritingKey = 'pseudonymize rewriting';
const sketchKey = 'pseudonymize sketch';
const applicationName = 'holdfast pseudonymize';

function targetSession(lane: LaneContext, connection: PostgresConnection) {
  return lane.keep(
    targetKey,
    async () => {
      const session = await openSession(connection, { applicationName, failure: 'target-failed' });
      await session.run('SET synchronous_commit = off; SET check_function_bodies = off');
      // What a row that is refused holds has no place in the log of a server for tests.
      if (session.superuser) await session.run(quietStatements);
      return session;
    },
    (session) => session.close(),
  );
}

/** What this lane's originals go into first: merged when the lane leaves. */
function keptSketch(lane: LaneContext, sketch: SharedSketch): Promise<OwnSketch> {
  const opened = async () => new OwnSketch(sketch);
  return lane.keep(sketchKey, opened, async (own) => own.merge());
}

interface Rewriting {
  rewriting: RowRewrite | undefined;
  /** Rows come and go in binary format. */
  binary: BinaryColumns | undefined;
}

/** Of the relation that the lane is at: its parts follow each other, and what repeats in one repeats in the next. */
async function keptRewriting(lane: LaneContext, source: Session, input: CopySourceInput): Promise<Rewriting> {
  const { relation, transform, secret, sketch, ownSketch } = input;
  const none = async () => ({ oid: 0, rewriting: undefined, binary: undefined }) as Rewriting & { oid: number };
  const kept = await lane.keep(rewritingKey, none, async () => {});
  if (kept.oid !== relation.oid) {
    kept.oid = 0;
    const programs = await keptPrograms(lane, programsKey);
    const whole = await keptWholeColumns(lane, wholeKey, source, input);
    const own = sketch && ownSketch ? await keptSketch(lane, sketch) : undefined;
    const watch = sketch && sketchWatch(sketch, transform, own);
    const encoding = encodingOf(source);
    kept.rewriting = rowRewrite(transform, new PseudonymKey(secret), watch, { programs, whole, encoding });
    // What the source works out need not be of the column's type; as text it is read as one.
    kept.binary = hasExpressions(transform)
      ? undefined
      : await binaryColumns(source, relation.oid, transform, kept.rewriting?.positions ?? []);
    kept.oid = relation.oid;
  }
  return kept;
}

function rewriterOf(
  { columns: { length: columns } }: TableTransform,
  encoding: CellEncoding,
  { rewriting, binary }: Rewriting,
): RowRewriter | undefined {
  if (rewriting === undefined) return undefined;
  const { positions: ruled, rewrite } = rewriting;
  return binary === undefined
    ? new CopyTextRewriter({ columns, ruled, rewrite, encoding })
    : new CopyBinaryRewriter({ columns, ruled, rewrite, cells: binary });
}

async function copyTable(lane: LaneContext, input: CopyTableInput): Promise<CopyTableOutput> {
  const { relation, transform } = input;
  const what = `Could not copy table ${displayName(relation.schema, relation.name)}.`;
  const [source, target] = await Promise.all([
    keptSnapshot(lane, sourceKey, input.source),
    targetSession(lane, input.target),
  ]);
  const { rewriting, binary } = await keptRewriting(lane, source, input);
  const rewriter = rewriterOf(transform, encodingOf(source), { rewriting, binary });
  let bytes = 0;
  const pipe = new RowPipe(rewriter, (length) => {
    bytes += length;
    lane.progress(length);
  });
  const reading = copyOut(source, readStatement(input, binary !== undefined), pipe).then(
    (rows) => {
      pipe.end();
      return rows;
    },
    (error: unknown) => {
      pipe.end({ error });
      throw error;
    },
  );
  reading.catch(() => {});
  let written: number;
  try {
    written = await copyIn(target, writeStatement(input, binary !== undefined), pipe, giveBackPiece);
  } catch (error) {
    pipe.close();
    const first = await reading.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    // Whatever was under way in them.
    source.destroy();
    await lane.discard(sourceKey);
    await lane.discard(rewritingKey);
    if (target.lost) await lane.discard(targetKey);
    else await target.run('ROLLBACK').catch(() => lane.discard(targetKey));
    throw failureOf({ error, first, source, target, what, columns: transform.columns });
  }
  const read = await reading;
  if (read !== written) {
    await target.run('ROLLBACK', what);
    throw new HoldfastError('target-failed', what, { why: `${read} rows were read, and ${written} written.` });
  }
  await target.run('COMMIT', what);
  return { rows: read, bytes };
}

/** What failed first: reading, rewriting, or writing. */
function failureOf(told: {
  error: unknown;
  first: unknown;
  source: Session;
  target: Session;
  what: string;
  columns: readonly string[];
}): unknown {
  const { error, first, source, target, what, columns } = told;
  const cause = first === undefined || first instanceof SenderGone ? error : first;
  if (cause instanceof HoldfastError) return cause;
  if (cause === first) return source.fail(cause, what);
  return rowsError(target, cause, what, [...columns]);
}

/** @param ctids rising, so that the order is that of the heap and nothing is read twice */
export function placesCondition(ctids: readonly string[]): string {
  const places = quoteLiteral(`{${ctids.map((ctid) => `"${ctid}"`).join(',')}}`);
  return `ctid = ANY (${places}::pg_catalog.tid[])`;
}

function readStatement({ relation, transform, blocks, ctids, replace }: CopyTableInput, binary: boolean): string {
  const { schema, name, oid } = relation;
  const table = quoteQualified(schema, name);
  const same = assertSameRelation(schema, name, oid);
  const columns = selectList(transform);
  const out = binary ? 'TO STDOUT WITH (FORMAT binary)' : 'TO STDOUT';
  let copy: string;
  if (ctids !== undefined) {
    copy = `COPY (SELECT ${columns} FROM ONLY ${table} WHERE ${placesCondition(ctids)}) ${out}`;
  } else if (blocks !== undefined) {
    copy = withTidScan(`COPY (SELECT ${columns} FROM ONLY ${table} WHERE ${blocksCondition(blocks)}) ${out}`);
  } else if (replace?.condition) {
    copy = `COPY (SELECT ${columns} FROM ONLY ${table} ${replace.condition}) ${out}`;
  } else {
    const selected = columns === '' || hasExpressions(transform);
    copy = selected ? `COPY (SELECT ${columns} FROM ONLY ${table}) ${out}` : `COPY ${table} (${columns}) ${out}`;
  }
  // SET LOCAL, and the lock, are given back.
  return `SAVEPOINT holdfast; LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE NOWAIT;
    ${same}; ${copy}; ${same}; ROLLBACK TO SAVEPOINT holdfast; RELEASE SAVEPOINT holdfast`;
}

/** As a restore does it: a table loaded at once is truncated in the same transaction, so that its rows are frozen. */
function writeStatement(
  { relation, transform, through, blocks, ctids, replace }: CopyTableInput,
  binary: boolean,
): string {
  const { schema, name } = through ?? relation;
  const table = quoteQualified(schema, name);
  const list = transform.columns.length === 0 ? '' : ` (${transform.columns.map(quoteIdentifier).join(', ')})`;
  const options = (more: string[]) => {
    const all = [...(binary ? ['FORMAT binary'] : []), ...more];
    return all.length === 0 ? '' : ` WITH (${all.join(', ')})`;
  };
  if (replace !== undefined)
    return `BEGIN; DELETE FROM ONLY ${table} ${replace.condition ?? ''}; COPY ${table}${list} FROM STDIN${options([])}`;
  const isPart = through !== undefined || blocks !== undefined || ctids !== undefined;
  if (isPart) return `BEGIN; COPY ${table}${list} FROM STDIN${options([])}`;
  return `BEGIN; TRUNCATE ONLY ${table}; COPY ${table}${list} FROM STDIN${options(['FREEZE'])}`;
}
