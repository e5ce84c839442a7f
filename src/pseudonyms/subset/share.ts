/** A share of a table's rows as a condition in SQL. */
import { createHash } from 'node:crypto';
import { quoteIdentifier } from '../../sources/postgres/quote.ts';
import { type Catalog, type CatalogTable, tableName } from '../discovery-catalog.ts';

const parts = 2 ** 32;

/**
 * The rows whose key has a hash below the share: the same whatever their order, and a larger share holds the rows of a
 * smaller one. The hash is the one of hash partitions, which servers keep from version to version.
 *
 * @param share above 0, at most 1
 * @returns undefined when all rows belong to it
 */
export function shareCondition(catalog: Catalog, table: CatalogTable, share: number, seed: string): string | undefined {
  if (share >= 1) return undefined;
  const name = tableName(table);
  const columns = keyColumns(catalog, table).map(quoteIdentifier).join(', ');
  // Not the same rows of two tables that number theirs from 1.
  const salt = createHash('sha256')
    .update(JSON.stringify([seed, name]))
    .digest()
    .readBigInt64BE();
  const key = `ROW(${columns})::pg_catalog.text COLLATE pg_catalog."C"`;
  const hash = `pg_catalog.hashtextextended(${key}, '${salt}'::pg_catalog.int8)`;
  return `(${hash} & ${parts - 1}::pg_catalog.int8) < ${Math.max(1, Math.round(share * parts))}::pg_catalog.int8`;
}

/** What tells rows apart: the primary key, or another unique one without NULLs; where there is none, all columns. */
function keyColumns(catalog: Catalog, table: CatalogTable): string[] {
  const name = tableName(table);
  const nullable = new Set(table.columns.filter((column) => column.nullable).map((column) => column.name));
  const keys = catalog.indexes.filter(
    ({ table: of, unique, expressions, columns }) =>
      of === name && unique && expressions.length === 0 && columns.every((column) => !nullable.has(column)),
  );
  const key = keys.find(({ primary }) => primary) ?? keys[0];
  return key?.columns ?? table.columns.map((column) => column.name);
}
