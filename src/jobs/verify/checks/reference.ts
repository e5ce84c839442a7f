import { quoteIdentifier, quoteQualified } from '../../../sources/postgres/quote.ts';
import type { StatedTable } from './assertion.ts';

/** What the configuration states of rows that name files. */
export interface Reference {
  /** Of its own among the references. */
  name: string;
  /** The database. */
  source: string;
  /** The tree. */
  files: string;
  /** Where the paths are; with `hash` also the SHA-256 of each file. */
  rows:
    | { kind: 'column'; table: StatedTable; column: string; hash?: string | undefined }
    /** A query whose first column is the path, and whose second one, if there is one, the SHA-256. */
    | { kind: 'query'; sql: string };
  /** What paths begin with that is not of the tree; undefined: the directory of the tree, where they begin with it. */
  strip?: string | undefined;
  /** Where in the tree the paths begin. */
  prepend?: string | undefined;
  /** So many rows may name a file that is not there. */
  missing: number;
  /** Milliseconds for one statement. */
  timeoutMs: number;
}

/** The id of a reference's check. */
export function referenceCheck({ name }: Pick<Reference, 'name'>): { id: `references:${string}`; title: string } {
  return { id: `references:${name}`, title: `Files that rows name: ${name}` };
}

/** The query for paths, and hashes if any. */
export function rowsQuery(rows: Reference['rows']): string {
  if (rows.kind === 'query') return rows.sql;
  const { table, column, hash } = rows;
  const columns = hash === undefined ? [column] : [column, hash];
  return `SELECT ${columns.map(quoteIdentifier).join(', ')} FROM ${quoteQualified(table.schema, table.table)}`;
}
