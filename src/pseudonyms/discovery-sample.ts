/** Some rows of a table, read only and for a short time. They stay in memory and are gone after the table. */
import { HoldfastError } from '../base/errors.ts';
import { quoteIdentifier, quoteQualified } from '../sources/postgres/quote.ts';
import { sqlstateOf } from '../sources/postgres/server-errors.ts';
import type { Session } from '../sources/postgres/session.ts';
import type { CatalogColumn, CatalogTable } from './discovery-catalog.ts';

export interface SampleOptions {
  /** Rows at most, of each table. */
  rows: number;
  /** Milliseconds that the server may take for a table. */
  timeMs: number;
  /** The same number chooses the same pages, as long as the table does not change. */
  seed: number;
}

export const defaultSample: SampleOptions = { rows: 500, timeMs: 5000, seed: 20261129 };

export interface Sample {
  /** By column; null for NULL and for what was too long. Columns that say all by their type are not there. */
  values: Map<string, (string | null)[]>;
  rows: number;
  /** Why no row was read; none when they were, or there are none. */
  unread?: string;
}

/** Characters of a text, and stored bytes of a document, that are looked at. */
const longestText = 4000;
const longestDocument = 64 * 1024;
/** Below so many pages the whole table is read: sampling would read most of it too. */
const fewPages = 200;

/** Reads within the transaction that the session is in. @throws HoldfastError when the connection is lost */
export async function sampleTable(session: Session, table: CatalogTable, options: SampleOptions): Promise<Sample> {
  const values = new Map<string, (string | null)[]>();
  const columns = table.columns.filter(isRead);
  if (table.kind === 'foreign') return { values, rows: 0, unread: 'its rows are on another server' };
  if (columns.length === 0) return { values, rows: 0 };
  await session.run(
    `SAVEPOINT sample; SET LOCAL statement_timeout = ${Math.round(options.timeMs)}; SET LOCAL lock_timeout = 1000`,
  );
  try {
    let rows = await read(session, table, columns, options, share(table, options));
    // Pages may be empty where much was deleted.
    if (rows.length === 0 && share(table, options) !== undefined)
      rows = await read(session, table, columns, options, undefined);
    for (const [at, column] of columns.entries()) {
      values.set(
        column.name,
        rows.map((row) => row[`c${at}`] ?? null),
      );
    }
    await session.run('RELEASE SAVEPOINT sample');
    return { values, rows: rows.length };
  } catch (error) {
    if (session.lost || !(error instanceof HoldfastError) || sqlstateOf(error.cause) === undefined) throw error;
    await session.run('ROLLBACK TO SAVEPOINT sample');
    return { values, rows: 0, unread: reasonOf(sqlstateOf(error.cause)) };
  }
}

function isRead(column: CatalogColumn): boolean {
  return !column.generated && ['text', 'number', 'date', 'document'].includes(column.class);
}

/** Percent of the pages that should hold the rows wanted; undefined for all. */
function share({ pages, rows }: CatalogTable, options: SampleOptions): number | undefined {
  if (pages < fewPages || rows <= options.rows) return undefined;
  // Twice as many: pages differ, and LIMIT ends it.
  return Math.min(100, Math.max(0.001, ((options.rows * 2) / rows) * 100, (20 / pages) * 100));
}

function read(
  session: Session,
  table: CatalogTable,
  columns: readonly CatalogColumn[],
  { rows, seed }: SampleOptions,
  percent: number | undefined,
) {
  const list = columns.map((column, at) => `${expression(column)} AS c${at}`).join(', ');
  const some =
    percent === undefined ? '' : ` TABLESAMPLE pg_catalog.system (${percent.toFixed(4)}) REPEATABLE (${seed})`;
  const only = table.partitioned ? '' : 'ONLY ';
  return session.query<Record<string, string | null>>(
    `SELECT ${list} FROM ${only}${quoteQualified(table.schema, table.name)}${some} LIMIT ${rows}`,
    [],
    `Could not read rows of ${quoteQualified(table.schema, table.name)}.`,
  );
}

function expression({ name, document }: CatalogColumn): string {
  const column = quoteIdentifier(name);
  if (document === undefined) return `pg_catalog.left(${column}::pg_catalog.text, ${longestText})`;
  const text = document === 'row' ? `pg_catalog.to_json(${column})::pg_catalog.text` : `${column}::pg_catalog.text`;
  return `CASE WHEN pg_catalog.pg_column_size(${column}) <= ${longestDocument} THEN ${text} END`;
}

function reasonOf(state: string | undefined): string {
  if (state === '42501') return 'the role may not read it';
  if (state === '57014') return 'reading it took too long';
  if (state === '55P03') return 'it was locked';
  return `the server refused it (${state})`;
}
