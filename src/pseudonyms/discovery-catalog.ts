/** What a database has that may carry personal data: columns with their keys, and definitions. Reads the catalogs only. */
import { displayName } from '../sources/postgres/quote.ts';
import type { Session } from '../sources/postgres/session.ts';
import type { TypeClass } from './detectors.ts';
import { type Definition, readDefinitions } from './discovery-definitions.ts';

export interface CatalogColumn {
  name: string;
  /** As PostgreSQL writes it: `character varying(20)`. */
  type: string;
  class: TypeClass;
  /** How a document is read: `json` as it is, `hstore` as its text, `row` through to_json. */
  document?: 'json' | 'hstore' | 'row';
  nullable: boolean;
  /** Computed by the database from other columns. */
  generated: boolean;
  identity: boolean;
  comment?: string;
}

export interface CatalogTable {
  oid: number;
  schema: string;
  name: string;
  /** `table` has rows, `foreign` has them elsewhere. Partitions are in their root. */
  kind: 'table' | 'foreign';
  partitioned: boolean;
  /** As the planner guesses; -1 when it never looked. */
  rows: number;
  pages: number;
  columns: CatalogColumn[];
}

/** A primary key, a unique constraint or a unique index. Columns that an expression hides are in `expressions`. */
export interface CatalogIndex {
  table: string;
  name: string;
  columns: string[];
  unique: boolean;
  primary: boolean;
  /** `lower((email)::text)`, and the columns that each reads. */
  expressions: { text: string; columns: string[] }[];
}

export interface CatalogForeignKey {
  name: string;
  table: string;
  columns: string[];
  parent: string;
  parentColumns: string[];
}

/** Names of tables are as `tableName` writes them. */
export interface Catalog {
  tables: CatalogTable[];
  indexes: CatalogIndex[];
  foreignKeys: CatalogForeignKey[];
  definitions: Definition[];
}

/** How the lock file names a table; unambiguous, whatever the names hold. */
export function tableName({ schema, name }: Pick<CatalogTable, 'schema' | 'name'>): string {
  return displayName(schema, name);
}

/** Tables of extensions are there only where the extension says that their rows are the user's. */
const tablesQuery = `
  SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS relkind,
         coalesce((SELECT sum(greatest(p.reltuples, 0)) FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid
                   WHERE c.relkind = 'p' AND t.isleaf), c.reltuples)::float8 AS rows,
         coalesce((SELECT sum(p.relpages) FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid
                   WHERE c.relkind = 'p' AND t.isleaf), c.relpages)::float8 AS pages
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND c.relpersistence <> 't' AND c.oid >= 16384
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND NOT EXISTS (
      SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        AND d.refclassid = 'pg_extension'::regclass AND NOT coalesce(c.oid = ANY (e.extconfig), false))
  ORDER BY 2, 3`;

const columnsQuery = `
  WITH RECURSIVE base AS (
    SELECT t.oid, t.typbasetype, t.typtype, t.typcategory, t.typname, t.typnotnull FROM pg_type t
    UNION ALL
    SELECT b.oid, t.typbasetype, t.typtype, t.typcategory, t.typname, b.typnotnull OR t.typnotnull
    FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
  )
  SELECT a.attrelid AS oid, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
         NOT (a.attnotnull OR b.typnotnull) AS nullable, a.attgenerated <> '' AS generated, a.attidentity <> '' AS identity,
         b.typtype::text, b.typcategory::text, b.typname::text AS base, col_description(a.attrelid, a.attnum) AS comment
  FROM pg_attribute a JOIN base b ON b.oid = a.atttypid AND b.typtype <> 'd'
  WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attrelid, a.attnum`;

const indexesQuery = `
  SELECT n.nspname::text AS schema, c.relname::text AS "table", i.relname::text AS name, x.indisunique AS "unique",
         x.indisprimary AS "primary",
         ARRAY(SELECT a.attname::text FROM unnest(x.indkey[0:x.indnkeyatts - 1]) WITH ORDINALITY AS k (attnum, at)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.at) AS columns,
         ARRAY(SELECT pg_get_indexdef(x.indexrelid, k.at::int, true) FROM unnest(x.indkey[0:x.indnkeyatts - 1])
               WITH ORDINALITY AS k (attnum, at) WHERE k.attnum = 0 ORDER BY k.at) AS expressions,
         ARRAY(SELECT DISTINCT a.attname::text FROM pg_depend d
               JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
               WHERE x.indexprs IS NOT NULL AND d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid
                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid ORDER BY 1) AS reads
  FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = ANY ($1) AND (x.indisunique OR x.indexprs IS NOT NULL)
  ORDER BY 1, 2, 3`;

const foreignKeysQuery = `
  SELECT k.conname::text AS name, n.nspname::text AS schema, c.relname::text AS "table",
         pn.nspname::text AS "parentSchema", p.relname::text AS "parentTable",
         ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum ORDER BY u.at) AS columns,
         ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, at)
               JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum = u.attnum ORDER BY u.at) AS "parentColumns"
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
  WHERE k.contype = 'f' AND c.oid = ANY ($1) AND k.conparentid = 0
  ORDER BY 2, 3, 1`;

interface TableRow {
  oid: number;
  schema: string;
  name: string;
  relkind: string;
  rows: number;
  pages: number;
}

interface ColumnRow {
  oid: number;
  name: string;
  type: string;
  nullable: boolean;
  generated: boolean;
  identity: boolean;
  typtype: string;
  typcategory: string;
  base: string;
  comment: string | null;
}

/** @throws HoldfastError */
export async function readCatalog(session: Session): Promise<Catalog> {
  const what = 'Could not read what the database has.';
  const tables = await session.query<TableRow>(tablesQuery, [], what);
  const oids = [tables.map(({ oid }) => oid)];
  const columns = await session.query<ColumnRow>(columnsQuery, oids, what);
  const ofTable = Map.groupBy(columns, ({ oid }) => oid);
  const indexes = await session.query<
    Omit<CatalogIndex, 'expressions'> & { schema: string; expressions: string[]; reads: string[] }
  >(indexesQuery, oids, what);
  const foreignKeys = await session.query<
    Omit<CatalogForeignKey, 'parent'> & { schema: string; parentSchema: string; parentTable: string }
  >(foreignKeysQuery, oids, what);
  return {
    tables: tables.map(({ relkind, ...table }) => ({
      ...table,
      kind: relkind === 'f' ? 'foreign' : 'table',
      partitioned: relkind === 'p',
      columns: (ofTable.get(table.oid) ?? []).map(columnOf),
    })),
    indexes: indexes.map(({ schema, table, reads, expressions, ...index }) => ({
      ...index,
      table: displayName(schema, table),
      expressions: expressions.map((text) => ({ text, columns: reads })),
    })),
    foreignKeys: foreignKeys.map(({ schema, table, parentSchema, parentTable, ...key }) => ({
      ...key,
      table: displayName(schema, table),
      parent: displayName(parentSchema, parentTable),
    })),
    definitions: await readDefinitions(session),
  };
}

function columnOf({ name, type, nullable, generated, identity, comment, ...row }: ColumnRow): CatalogColumn {
  const { document, ...known } = classOf(row);
  return {
    name,
    type,
    ...known,
    ...(document && { document }),
    nullable,
    generated,
    identity,
    ...(comment && { comment }),
  };
}

function classOf({ typtype, typcategory, base }: Pick<ColumnRow, 'typtype' | 'typcategory' | 'base'>): {
  class: TypeClass;
  document?: 'json' | 'hstore' | 'row';
} {
  if (base === 'json' || base === 'jsonb') return { class: 'document', document: 'json' };
  if (base === 'hstore') return { class: 'document', document: 'hstore' };
  if (typcategory === 'A' || typtype === 'c' || typtype === 'r' || typtype === 'm')
    return { class: 'document', document: 'row' };
  if (typtype === 'e') return { class: 'enum' };
  if (base === 'oid' || base === 'lo') return { class: 'oid' };
  if (base === 'bytea') return { class: 'bytea' };
  if (base === 'uuid') return { class: 'uuid' };
  if (base === 'inet' || base === 'cidr') return { class: 'ip' };
  if (base === 'macaddr' || base === 'macaddr8') return { class: 'mac' };
  if (base === 'bool') return { class: 'boolean' };
  if (base === 'date') return { class: 'date' };
  if (typcategory === 'D' || typcategory === 'T') return { class: 'time' };
  if (typcategory === 'N') return { class: 'number' };
  if (typcategory === 'G' || base === 'geometry' || base === 'geography') return { class: 'point' };
  // citext, xml and ltree are no strings to the catalog.
  if (typcategory === 'S' || ['citext', 'xml', 'ltree', 'tsvector'].includes(base)) return { class: 'text' };
  return { class: 'other' };
}

/** What the lock file keeps of a column, so that a change shows: `bigint not null, references app.people.id`. */
export function columnFingerprint(catalog: Catalog, table: string, column: CatalogColumn): string {
  const parts = [`${column.type}${column.nullable ? '' : ' not null'}`];
  if (column.generated) parts.push('generated');
  const own = catalog.indexes.filter(({ table: of, unique, columns, expressions }) => {
    const read = [...columns, ...expressions.flatMap((expression) => expression.columns)];
    return of === table && unique && read.includes(column.name);
  });
  if (own.some(({ primary }) => primary)) parts.push('primary key');
  if (own.some(({ primary }) => !primary)) parts.push('unique');
  for (const key of catalog.foreignKeys) {
    const at = key.table === table ? key.columns.indexOf(column.name) : -1;
    if (at >= 0) parts.push(`references ${key.parent}.${key.parentColumns[at]}`);
  }
  return [...new Set(parts)].join(', ');
}
