/** Which tables can be copied in binary format: those of whose every column the format is the same on all servers. */
import type { Session } from '../../sources/postgres/session.ts';
import { type BinaryCells, binaryCellsOf, canonicalKinds } from '../binary-cells.ts';
import type { TableTransform } from './table-transform.ts';

/** How the cells of each position that was asked for become text; undefined where they are text. */
export type BinaryColumns = readonly (BinaryCells | undefined)[];

/** Types of PostgreSQL itself whose values say nothing of the server they come from: neither object ids nor paths. */
const plainTypes = [
  ...['bool', 'bytea', 'char', 'name', 'int8', 'int2', 'int4', 'text', 'oid', 'json', 'jsonb', 'float4', 'float8'],
  ...[
    'macaddr',
    'macaddr8',
    'inet',
    'cidr',
    'bpchar',
    'varchar',
    'date',
    'time',
    'timestamp',
    'timestamptz',
    'interval',
  ],
  ...[
    'int4range',
    'int8range',
    'numrange',
    'tsrange',
    'tstzrange',
    'daterange',
    'timetz',
    'bit',
    'varbit',
    'numeric',
    'uuid',
    'point',
    'tsvector',
  ],
].map((name) => `'${name}'`);

/** Domains down to what they rest on. Of arrays the element decides; labels of enums are text. */
const question = `
  SELECT a.attname::text AS name, pg_catalog.format_type(base.oid, NULL) AS type,
    CASE
      WHEN base.typtype = 'e' THEN true
      WHEN base.typsend::pg_catalog.text LIKE '%citextsend' THEN true
      WHEN base.typcategory = 'A' THEN
        element.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND element.typname IN (${plainTypes.join(', ')})
      ELSE base.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND base.typname IN (${plainTypes.join(', ')})
    END AS plain
  FROM pg_catalog.pg_attribute a
  CROSS JOIN LATERAL (
    WITH RECURSIVE below AS (
      SELECT t.* FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
      UNION ALL
      SELECT t.* FROM below JOIN pg_catalog.pg_type t ON t.oid = below.typbasetype WHERE below.typtype = 'd')
    SELECT * FROM below WHERE typtype <> 'd') base
  LEFT JOIN pg_catalog.pg_type element ON element.oid = base.typelem
  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped`;

/**
 * @param positions of those that are read, rising
 * @returns undefined when the table is to be copied as text
 */
export async function binaryColumns(
  session: Session,
  oid: number,
  { columns, ruled }: Pick<TableTransform, 'columns' | 'ruled'>,
  positions: readonly number[],
): Promise<BinaryColumns | undefined> {
  // Bytes of any encoding are text for the one who reads them as such.
  if (columns.length === 0 || session.encoding === 'SQL_ASCII') return undefined;
  const rows = await session.query<{ name: string; type: string; plain: boolean | null }>(question, [oid]);
  const known = new Map(rows.map((row) => [row.name, row]));
  if (columns.some((column) => known.get(column)?.plain !== true)) return undefined;
  const cells: (BinaryCells | undefined)[] = [];
  for (const at of positions) {
    const { type } = known.get(columns[at]!)!;
    const found = binaryCellsOf(/(?:^|\.)citext$/.test(type) ? 'citext' : type);
    if (found === undefined) return undefined;
    const rule = ruled.find((each) => each.at === at)?.rule;
    // Documents are read by the server in either format.
    const canonical = found === 'text' || type === 'jsonb' || canonicalKinds.has(String(rule?.kind));
    if (rule !== undefined && !canonical) return undefined;
    cells.push(found === 'text' ? undefined : found);
  }
  return cells;
}
