import { displayName, quoteIdentifier, quoteQualified } from './quote.ts';
import type { Session } from './session.ts';

/** A foreign key of a table that holds rows itself. */
export interface ForeignKey {
  name: string;
  /** The table that refers, and the one that is referred to. */
  from: { oid: number; schema: string; name: string };
  to: { oid: number; schema: string; name: string; kind: string };
  /** `f` full, `s` simple. */
  match: string;
  validated: boolean;
  columns: { from: string; to: string; operator: string; operatorSchema: string }[];
}

/** Foreign keys that these tables have. @throws HoldfastError */
export async function foreignKeysOf(session: Session, tables: readonly number[]): Promise<ForeignKey[]> {
  return session.query<ForeignKey>(
    `SELECT c.conname::text AS name, c.confmatchtype AS match, c.convalidated AS validated,
            pg_catalog.json_build_object('oid', f.oid::pg_catalog.int8, 'schema', fn.nspname, 'name', f.relname) AS "from",
            pg_catalog.json_build_object('oid', t.oid::pg_catalog.int8, 'schema', tn.nspname, 'name', t.relname,
                                         'kind', t.relkind) AS "to",
            (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('from', fa.attname, 'to', ta.attname,
                      'operator', o.oprname, 'operatorSchema', opn.nspname) ORDER BY k.at)
             FROM unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY AS k (f, t, op, at)
             JOIN pg_catalog.pg_attribute fa ON fa.attrelid = c.conrelid AND fa.attnum = k.f
             JOIN pg_catalog.pg_attribute ta ON ta.attrelid = c.confrelid AND ta.attnum = k.t
             JOIN pg_catalog.pg_operator o ON o.oid = k.op
             JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace) AS columns
     FROM pg_catalog.pg_constraint c
     JOIN pg_catalog.pg_class f ON f.oid = c.conrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
     JOIN pg_catalog.pg_class t ON t.oid = c.confrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
     WHERE c.contype = 'f' AND c.conrelid = ANY ($1::pg_catalog.oid[])
       -- A key to a partitioned table has others to its partitions below it, which say less.
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid)
     ORDER BY f.oid, c.conname`,
    [tables],
    'Could not list the foreign keys.',
  );
}

/** A query for whether rows refer to nothing: `violated`. */
export function violationQuery(key: ForeignKey): string {
  return `SELECT EXISTS (${violatingRows(key)}) AS violated`;
}

/** A query for how many rows refer to nothing: `rows`, as text. */
export function violationCountQuery(key: ForeignKey): string {
  return `SELECT pg_catalog.count(*)::text AS rows FROM (${violatingRows(key)}) v`;
}

function violatingRows({ from, to, match, columns }: ForeignKey): string {
  const equal = columns.map(
    (each) =>
      `p.${quoteIdentifier(each.to)} OPERATOR(${quoteIdentifier(each.operatorSchema)}.${each.operator}) f.${quoteIdentifier(each.from)}`,
  );
  const given = columns.map((each) => `f.${quoteIdentifier(each.from)} IS NOT NULL`);
  const only = to.kind === 'p' ? '' : 'ONLY ';
  return `
    SELECT FROM ONLY ${quoteQualified(from.schema, from.name)} f
    LEFT JOIN ${only}${quoteQualified(to.schema, to.name)} p ON ${equal.join(' AND ')}
    WHERE (${given.join(match === 'f' ? ' OR ' : ' AND ')}) AND p.${quoteIdentifier(columns[0]!.to)} IS NULL
  `;
}

export function describeKey({ name, from, to }: ForeignKey): string {
  return `${JSON.stringify(name)} of ${displayName(from.schema, from.name)}, which refers to ${displayName(to.schema, to.name)}`;
}

/** Tables after those that they refer to, as far as there is such an order. */
export function inOrderOfKeys<T extends { oid: number }>(tables: readonly T[], keys: readonly ForeignKey[]): T[] {
  const needs = new Map<number, number[]>();
  for (const { from, to } of keys) needs.set(from.oid, [...(needs.get(from.oid) ?? []), to.oid]);
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const ordered = new Set<T>();
  const seen = new Set<number>();
  const visit = (table: T) => {
    if (seen.has(table.oid)) return;
    seen.add(table.oid);
    for (const oid of needs.get(table.oid) ?? []) {
      const other = byOid.get(oid);
      if (other !== undefined) visit(other);
    }
    ordered.add(table);
  };
  for (const table of tables) visit(table);
  return [...ordered];
}
