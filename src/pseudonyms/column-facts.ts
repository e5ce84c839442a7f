/** What transformers need to know of columns, from the catalogs. */
import type { Session } from '../sources/postgres/session.ts';
import { type Catalog, tableName } from './discovery-catalog.ts';
import type { ColumnFacts } from './transformer.ts';

/** Facts by table (as `tableName` writes it) and column. */
export type DatabaseFacts = ReadonlyMap<string, ReadonlyMap<string, ColumnFacts>>;

interface FactsRow {
  oid: number;
  name: string;
  type: string;
  typmod: number;
  defaultText: string | null;
  fields: { name: string; type: string }[] | null;
  subtype: string | null;
}

/** Domains down to what they are made of; their modifier counts where the column has none. Multiranges came with 14. */
const factsQuery = `
  WITH RECURSIVE base AS (
    SELECT a.attrelid, a.attnum, a.attname, a.atttypid AS type, a.atttypmod AS typmod
    FROM pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.attrelid, b.attnum, b.attname, t.typbasetype, CASE WHEN b.typmod >= 0 THEN b.typmod ELSE t.typtypmod END
    FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
  )
  SELECT b.attrelid AS oid, b.attname::text AS name, format_type(b.type, NULL) AS type, b.typmod,
         pg_get_expr(d.adbin, d.adrelid) AS "defaultText",
         (SELECT json_agg(json_build_object('name', f.attname, 'type', format_type(f.atttypid, NULL)) ORDER BY f.attnum)
          FROM pg_attribute f WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped) AS fields,
         (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r
          WHERE t.typtype IN ('r', 'm') AND t.oid::text IN (r.rngtypid::text, to_jsonb(r) ->> 'rngmultitypid')) AS subtype
  FROM base b JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
  LEFT JOIN pg_attrdef d ON d.adrelid = b.attrelid AND d.adnum = b.attnum`;

/** The server's own header of a modifier. */
const varhdrsz = 4;

/** @throws HoldfastError */
export async function readFacts(session: Session, catalog: Catalog): Promise<DatabaseFacts> {
  const rows = await session.query<FactsRow>(
    factsQuery,
    [catalog.tables.map(({ oid }) => oid)],
    'Could not read the columns.',
  );
  const byTable = Map.groupBy(rows, ({ oid }) => oid);
  return new Map(
    catalog.tables.map((table) => {
      const name = tableName(table);
      const nullable = new Map(table.columns.map((column) => [column.name, column.nullable]));
      const alone = new Set(
        catalog.indexes
          .filter((index) => index.table === name && index.unique)
          .flatMap((index) => {
            const read = [...index.columns, ...index.expressions.flatMap(({ columns }) => columns)];
            return read.length === 1 ? read : [];
          }),
      );
      const facts = (byTable.get(table.oid) ?? []).map((row): [string, ColumnFacts] => [
        row.name,
        {
          name: `${name}.${row.name}`,
          // Types of extensions have a schema, which says nothing of them: `public.citext`.
          type: row.type.replace(/^(?:\w+|"(?:[^"]|"")*")\./, ''),
          ...modifiers(row),
          nullable: nullable.get(row.name) ?? true,
          unique: alone.has(row.name),
          ...(constantOf(row.defaultText) !== undefined && { defaultText: constantOf(row.defaultText) }),
          ...(table.rows >= 0 && { rows: table.rows }),
          ...(row.fields && { fields: row.fields }),
          ...(row.subtype !== null && { subtype: row.subtype }),
        },
      ]);
      return [name, new Map(facts)] as const;
    }),
  );
}

function modifiers({ type, typmod }: FactsRow): Pick<ColumnFacts, 'maxLength' | 'precision' | 'scale'> {
  if (typmod < varhdrsz) return {};
  if (type === 'character varying' || type === 'character') return { maxLength: typmod - varhdrsz };
  if (type !== 'numeric') return {};
  // Ten bits of precision above eleven of scale, which is signed.
  const packed = typmod - varhdrsz;
  const scale = packed & 0x7ff;
  return { precision: (packed >> 16) & 0xffff, scale: scale >= 0x400 ? scale - 0x800 : scale };
}

/** The value of `'x'::text`, `5`, `true`, `NULL::text`; undefined when it is worked out. */
function constantOf(expression: string | null): string | null | undefined {
  if (expression === null) return null;
  const [, quoted, number, word] =
    /^\(?(?:'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?)|(true|false|NULL))\)?(?:::[\w .,"()[\]]+)?$/.exec(expression) ?? [];
  if (quoted !== undefined) return quoted.replaceAll("''", "'");
  if (number !== undefined) return number;
  if (word === undefined) return undefined;
  return word === 'NULL' ? null : word === 'true' ? 't' : 'f';
}
