/** Columns that a rule needs as a whole before the first row: read once, within limits. */
import { HoldfastError } from '../../base/errors.ts';
import { copyOut } from '../../sources/postgres/copy-out.ts';
import { quoteIdentifier, quoteQualified } from '../../sources/postgres/quote.ts';
import type { Session } from '../../sources/postgres/session.ts';
import { CopyTextRewriter } from '../copy-text.ts';
import type { Cell, WholeColumn } from '../transformer.ts';
import type { TableTransform } from './table-transform.ts';

/** By the name of the ruled column. */
export type WholeColumns = ReadonlyMap<string, WholeColumn>;

/** COPY text of one column and what tells its rows apart: in memory it is some four times as much. */
const wholeBytes = 32 * 1024 * 1024;

/**
 * Runs a COPY … TO STDOUT and keeps its rows.
 *
 * @param columns of the COPY
 * @param limit bytes of COPY text
 * @returns undefined when it is more than that; the session is lost then
 * @throws what the server said, raw: messages may quote values
 */
export async function readCells(
  session: Session,
  sql: string,
  columns: number,
  limit: number,
): Promise<Cell[][] | undefined> {
  const cells = Array.from({ length: columns }, (): Cell[] => []);
  const reader = new CopyTextRewriter({
    columns,
    ruled: Array.from({ length: columns }, (_, at) => at),
    encoding: session.encoding === 'SQL_ASCII' ? 'latin1' : 'utf8',
    rewrite: (batch) => {
      // A slice would keep the text of its whole batch.
      for (const [at, column] of batch.entries())
        for (let row = 0; row < column.count; row++) cells[at]!.push(column.cellAt(row));
      return batch;
    },
  });
  const space = Buffer.allocUnsafe(256 * 1024);
  let bytes = 0;
  try {
    await copyOut(session, sql, {
      space: () => space,
      filled: async (length) => {
        bytes += length;
        if (bytes > limit) throw new TooMuch();
        reader.push(space.subarray(0, length));
      },
    });
  } catch (error) {
    if (error instanceof TooMuch) return undefined;
    throw error;
  }
  reader.end();
  return cells;
}

class TooMuch extends Error {}

/**
 * The values that `shuffle` deals out: of one relation, so that those of a partition stay in it.
 *
 * @throws HoldfastError `config` when they are too many to keep in memory
 */
export async function readWholeColumns(
  session: Session,
  { schema, name }: { schema: string; name: string },
  { table, ruled }: TableTransform,
): Promise<WholeColumns> {
  const read = new Map<string, WholeColumn>();
  for (const { column, whole } of ruled) {
    if (whole === undefined) continue;
    const list = [whole.by, column].map(quoteIdentifier).join(', ');
    const copy = `COPY (SELECT ${list} FROM ONLY ${quoteQualified(schema, name)}) TO STDOUT`;
    const cells = await readCells(session, copy, 2, wholeBytes).catch((error: unknown) => {
      throw session.fail(error, `Could not read ${table}.${column}.`);
    });
    if (cells === undefined)
      throw new HoldfastError('config', `${table}.${column} is too large for \`shuffle\`.`, {
        why: `Its values and their keys have more than ${wholeBytes / 1024 / 1024} MiB, and all of them must be in memory.`,
        hint: 'Choose another kind, such as `text`, `noise` or `generalize`.',
      });
    read.set(column, { by: cells[0]!, values: cells[1]! });
  }
  return read;
}
