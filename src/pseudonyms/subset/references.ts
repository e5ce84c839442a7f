/** What refers to what: foreign keys of the database and links of the lock file, as SQL that finds the pairs of rows. */
import { HoldfastError } from '../../base/errors.ts';
import { displayName, quoteIdentifier } from '../../sources/postgres/quote.ts';
import type { Session } from '../../sources/postgres/session.ts';
import type { Link } from '../lock.ts';

/** A relation that one end of a reference is in: a table, its root or a partition. */
export interface ReferenceEnd {
  schema: string;
  name: string;
  partitioned: boolean;
  /** Oids of the partitions that it is made of; undefined for a whole table. */
  leaves: ReadonlySet<number> | undefined;
}

export interface Reference {
  /** For people: `people_customer`, or the columns of a link. */
  name: string;
  /** Tables of the subset, by name. */
  child: string;
  parent: string;
  childEnd: ReferenceEnd;
  parentEnd: ReferenceEnd;
  /** That rows of `c` refer to rows of `p`. */
  equal: string;
  /** That a row of `c` refers at all. */
  given: string;
  nullable: boolean;
  /** Whether a row refers to one row at most. */
  unique: boolean;
}

/** A table that takes part. */
export interface ReferenceTable {
  oid: number;
  schema: string;
  name: string;
  partitioned: boolean;
}

interface EndRow {
  root: number;
  oid: number;
  schema: string;
  name: string;
  kind: string;
  leaves: number[];
}

interface PairRow {
  child: string;
  parent: string;
  nullable: boolean;
  operator: string;
  collation: string | null;
}

interface KeyRow {
  name: string;
  child: EndRow;
  parent: EndRow;
  pairs: PairRow[];
}

const endOf = (oid: string) => `(
  SELECT pg_catalog.json_build_object(
    'oid', r.oid::pg_catalog.int8, 'root', coalesce(pg_catalog.pg_partition_root(r.oid)::pg_catalog.oid, r.oid)::pg_catalog.int8,
    'schema', n.nspname, 'name', r.relname, 'kind', r.relkind,
    'leaves', ARRAY(SELECT t.relid::pg_catalog.oid::pg_catalog.int8 FROM pg_catalog.pg_partition_tree(r.oid) t WHERE t.isleaf))
  FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = ${oid})`;

/** Of a partitioned table the key itself, and keys that only some partitions have; not what follows from the first. */
const keysQuery = `
  SELECT k.conname::pg_catalog.text AS name, ${endOf('k.conrelid')} AS child, ${endOf('k.confrelid')} AS parent,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
       'child', ca.attname, 'parent', pa.attname, 'nullable', NOT ca.attnotnull,
       'operator', pg_catalog.format('OPERATOR(%I.%s)', opn.nspname, o.oprname),
       'collation', CASE WHEN ca.attcollation <> pa.attcollation THEN pg_catalog.format('%I.%I', ln.nspname, l.collname) END)
       ORDER BY u.at)
     FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop))
            WITH ORDINALITY AS u (c, p, op, at)
     JOIN pg_catalog.pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = u.c
     JOIN pg_catalog.pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.p
     JOIN pg_catalog.pg_operator o ON o.oid = u.op
     JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace
     LEFT JOIN pg_catalog.pg_collation l ON l.oid = pa.attcollation
     LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace) AS pairs
  FROM pg_catalog.pg_constraint k
  WHERE k.contype = 'f' AND k.conparentid = 0
    AND coalesce(pg_catalog.pg_partition_root(k.conrelid)::pg_catalog.oid, k.conrelid) = ANY ($1::pg_catalog.oid[])
    AND coalesce(pg_catalog.pg_partition_root(k.confrelid)::pg_catalog.oid, k.confrelid) = ANY ($1::pg_catalog.oid[])
  ORDER BY k.conrelid, k.conname`;

/**
 * Columns of links with the operator that compares them: the one of their types, or none, where their texts are compared.
 */
const pairsQuery = `
  WITH RECURSIVE wanted AS (
    SELECT * FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.oid[]),
      pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.oid[]), pg_catalog.unnest($5::pg_catalog.text[]))
      WITH ORDINALITY AS w (link, child, "childColumn", parent, "parentColumn", at)
  ), base AS (
    SELECT t.oid, t.oid AS base, t.typbasetype, t.typtype FROM pg_catalog.pg_type t
    UNION ALL
    SELECT b.oid, t.oid, t.typbasetype, t.typtype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype
    WHERE b.typtype = 'd'
  )
  SELECT w.link, w."childColumn" AS child, w."parentColumn" AS parent, ca.attnum IS NULL AS "childMissing",
         pa.attnum IS NULL AS "parentMissing", NOT ca.attnotnull AS nullable,
         CASE WHEN o.nspname IS NOT NULL THEN pg_catalog.format('OPERATOR(%I.=)', o.nspname)
              WHEN cb.base = pb.base AND (cb.typtype IN ('e', 'c', 'r', 'm') OR ct.typcategory = 'A')
              THEN 'OPERATOR(pg_catalog.=)' END AS operator,
         CASE WHEN ca.attcollation <> pa.attcollation AND pa.attcollation <> 0
              THEN pg_catalog.format('%I.%I', ln.nspname, l.collname) END AS collation
  FROM wanted w
  LEFT JOIN pg_catalog.pg_attribute ca ON ca.attrelid = w.child AND ca.attname = w."childColumn" AND ca.attnum > 0
  LEFT JOIN pg_catalog.pg_attribute pa ON pa.attrelid = w.parent AND pa.attname = w."parentColumn" AND pa.attnum > 0
  LEFT JOIN base cb ON cb.oid = ca.atttypid AND cb.typtype <> 'd'
  LEFT JOIN base pb ON pb.oid = pa.atttypid AND pb.typtype <> 'd'
  LEFT JOIN pg_catalog.pg_type ct ON ct.oid = cb.base
  LEFT JOIN pg_catalog.pg_collation l ON l.oid = pa.attcollation
  LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
  LEFT JOIN LATERAL (
    SELECT n.nspname FROM pg_catalog.pg_operator e JOIN pg_catalog.pg_namespace n ON n.oid = e.oprnamespace
    WHERE e.oprname = '=' AND e.oprleft = pb.base AND e.oprright = cb.base
      AND e.oprresult = 'pg_catalog.bool'::pg_catalog.regtype
    ORDER BY e.oid LIMIT 1) o ON true
  ORDER BY w.at`;

/**
 * All references between these tables.
 *
 * @param tables by name, as `tableName` writes it
 * @throws HoldfastError `config` when a link names a column that is not there
 */
export async function readReferences(
  session: Session,
  tables: ReadonlyMap<string, ReferenceTable>,
  links: readonly Link[],
): Promise<Reference[]> {
  const byOid = new Map([...tables].map(([name, { oid }]) => [oid, name]));
  const keys = await session.query<KeyRow>(keysQuery, [[...byOid.keys()]], 'Could not list the foreign keys.');
  const declared = keys.map(
    ({ name, child, parent, pairs }): Reference => ({
      name,
      child: byOid.get(child.root)!,
      parent: byOid.get(parent.root)!,
      childEnd: endOfRow(child),
      parentEnd: endOfRow(parent),
      ...termsOf(pairs),
      unique: true,
    }),
  );
  return [...declared, ...(await linked(session, tables, links))];
}

function endOfRow({ oid, root, schema, name, kind, leaves }: EndRow): ReferenceEnd {
  return { schema, name, partitioned: kind === 'p', leaves: oid === root ? undefined : new Set(leaves) };
}

interface LinkPairRow extends Omit<PairRow, 'operator'> {
  link: number;
  operator: string | null;
  childMissing: boolean;
  parentMissing: boolean;
}

async function linked(
  session: Session,
  tables: ReadonlyMap<string, ReferenceTable>,
  links: readonly Link[],
): Promise<Reference[]> {
  const known = links.flatMap((link) => {
    const child = tables.get(link.table);
    const parent = tables.get(link.parent);
    return child && parent ? [{ link, child, parent }] : [];
  });
  if (known.length === 0) return [];
  const columns = known.flatMap(({ link, child, parent }, at) =>
    link.columns.map((column, k) => [at, child.oid, column, parent.oid, link.parentColumns[k]!] as const),
  );
  const rows = await session.query<LinkPairRow>(
    pairsQuery,
    ([0, 1, 2, 3, 4] as const).map((k) => columns.map((column) => column[k])),
    'Could not read the columns of links.',
  );
  return known.map(({ link, child, parent }, at): Reference => {
    const pairs = rows.filter((row) => row.link === at);
    for (const { childMissing, parentMissing, ...pair } of pairs) {
      if (childMissing) throw unknownColumn(link.table, pair.child);
      if (parentMissing) throw unknownColumn(link.parent, pair.parent);
    }
    return {
      name: `${link.table} (${link.columns.join(', ')})`,
      child: link.table,
      parent: link.parent,
      childEnd: { ...child, leaves: undefined },
      parentEnd: { ...parent, leaves: undefined },
      ...termsOf(pairs),
      unique: false,
    };
  });
}

function unknownColumn(table: string, column: string): HoldfastError {
  return new HoldfastError('config', `A link of the lock file names a column that is not there.`, {
    why: `${table} has no column ${column}.`,
    hint: 'Correct or remove it under `links` in the lock file.',
  });
}

function termsOf(
  pairs: readonly (Omit<PairRow, 'operator'> & { operator: string | null })[],
): Pick<Reference, 'equal' | 'given' | 'nullable'> {
  const equal = pairs.map(({ child, parent, operator, collation }) => {
    const [c, p] = [`c.${quoteIdentifier(child)}`, `p.${quoteIdentifier(parent)}`];
    if (operator === null) {
      const text = (column: string) => `${column}::pg_catalog.text COLLATE pg_catalog."C"`;
      return `${text(p)} OPERATOR(pg_catalog.=) ${text(c)}`;
    }
    const collate = collation === null ? '' : ` COLLATE ${collation}`;
    return `${p} ${operator} ${c}${collate}`;
  });
  return {
    equal: equal.join(' AND '),
    given: pairs.map(({ child }) => `c.${quoteIdentifier(child)} IS NOT NULL`).join(' AND '),
    nullable: pairs.some(({ nullable }) => nullable),
  };
}

/** How people find a reference. */
export function describeReference({ name, childEnd, parentEnd }: Reference): string {
  return `${name} from ${displayName(childEnd.schema, childEnd.name)} to ${displayName(parentEnd.schema, parentEnd.name)}`;
}
