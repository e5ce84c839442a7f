import type { Session } from './session.ts';

/** What a database holds that has rows or values: tables, partitions, sequences, and who may read them. */

export interface Relation {
  oid: number;
  schema: string;
  name: string;
  /** relkind: `r` table, `p` partitioned, `S` sequence, `f` foreign table. */
  kind: 'r' | 'p' | 'S' | 'f';
  unlogged: boolean;
  /** pg_am.amname; null where there is no storage. */
  accessMethod: string | null;
  /** Direct parent of a partition. */
  parent: number | null;
  /** How rows find their partition, of `p`. */
  partitioning: Partitioning | null;
  /** The extension it is a member of. */
  extension: string | null;
  /** Of a config table or sequence of an extension: `WHERE …`, or nothing for all rows. */
  config: { condition: string | null } | null;
  readable: boolean;
  /** A policy would hide rows from this role. */
  hidesRows: boolean;
}

export interface Partitioning {
  /** `h`, `l` or `r`. */
  strategy: string;
  /** Whether the partition of a row may differ in another database: its hash depends on more than the value. */
  unstable: boolean;
}

interface RelationRow extends Omit<Relation, 'config' | 'partitioning'> {
  config: boolean;
  condition: string | null;
  strategy: string | null;
  unstable: boolean | null;
}

/**
 * Every relation of the database that could be copied. Temporary ones belong to sessions and are left out; system
 * catalogs have oids below 16384, as nothing else has.
 *
 * The hash of an enum is that of its oid, and the hash of a text under a nondeterministic collation is that of a sort key
 * of the ICU library at hand, so neither can be relied on in another database. What could hide one of them counts as
 * one: containers, and operator classes that somebody made.
 */
const relationsQuery = `
  WITH config AS (
    SELECT e.extname, c.relation, e.extcondition[c.at] AS condition
    FROM pg_extension e, unnest(e.extconfig) WITH ORDINALITY AS c (relation, at)
  ), partitioning AS (
    SELECT p.partrelid, p.partstrat::text AS strategy, p.partstrat = 'h' AND (
      EXISTS (
        SELECT FROM unnest(p.partclass) AS k (class) JOIN pg_opclass o ON o.oid = k.class
        WHERE o.oid >= 16384 OR o.opcintype IN ('anyenum'::regtype, 'anyarray'::regtype, 'record'::regtype,
                                                'anyrange'::regtype))
      OR EXISTS (
        SELECT FROM unnest(p.partcollation) AS k (oid) JOIN pg_collation l ON l.oid = k.oid
        WHERE NOT l.collisdeterministic)
    ) AS unstable
    FROM pg_partitioned_table p
  )
  SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
         c.relpersistence = 'u' AS unlogged, a.amname::text AS "accessMethod",
         CASE WHEN c.relispartition THEN (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid) END AS parent,
         p.strategy, p.unstable, e.extname::text AS extension,
         g.relation IS NOT NULL AS config, nullif(btrim(g.condition), '') AS condition,
         -- Null for what was dropped since the snapshot: that is no matter of rights.
         coalesce(has_schema_privilege(n.oid, 'USAGE')
           AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
                    ELSE has_table_privilege(c.oid, 'SELECT') END, true) AS readable,
         c.relkind = 'r' AND c.relrowsecurity AND row_security_active(c.oid) AS "hidesRows"
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_am a ON a.oid = c.relam
  LEFT JOIN partitioning p ON p.partrelid = c.oid
  LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                       AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  LEFT JOIN pg_extension e ON e.oid = d.refobjid
  LEFT JOIN config g ON g.relation = c.oid AND g.extname = e.extname
  WHERE c.relkind IN ('r', 'p', 'S', 'f') AND c.relpersistence <> 't' AND c.oid >= 16384
    -- What somebody made in a schema of the server is in no dump; preflight names it.
    AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR e.oid IS NOT NULL)
  ORDER BY c.oid`;

/** @throws HoldfastError */
export async function readRelations(session: Session): Promise<Relation[]> {
  const rows = await session.query<RelationRow>(relationsQuery, [], 'Could not list the tables.');
  return rows.map(({ config, condition, strategy, unstable, ...rest }) => ({
    ...rest,
    config: config ? { condition } : null,
    partitioning: strategy === null ? null : { strategy, unstable: unstable === true },
  }));
}

/** Columns of a table, by what becomes of them. */
export interface TableColumns {
  oid: number;
  /** In the order of the COPY. */
  plain: string[];
  /** Stored generated ones, which are worked out again by the restore. */
  generated: string[];
  /** Ones whose values no server takes back: their types refuse input. */
  unloadable: string[];
  /** pg_table_size: heap and TOAST, in bytes. */
  size: number;
  /** Blocks of the heap alone. */
  blocks: number;
}

/** The columns and sizes of tables. To be asked for tables under lock: their size would else wait for one. */
export async function readColumns(session: Session, oids: readonly number[]): Promise<Map<number, TableColumns>> {
  const rows = await session.query<Omit<TableColumns, 'size' | 'blocks'> & { size: string; blocks: string }>(
    `WITH refused AS (
       SELECT t.oid FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typname IN (
         'pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list',
         'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary')
     ), unloadable AS (
       SELECT t.oid FROM pg_type t
       WHERE t.oid IN (SELECT oid FROM refused) OR t.typelem IN (SELECT oid FROM refused)
          OR t.typbasetype IN (SELECT oid FROM refused)
     )
     SELECT c.oid, pg_table_size(c.oid)::text AS size,
       (pg_relation_size(c.oid) / current_setting('block_size')::int8)::text AS blocks,
       coalesce(array_agg(a.attname::text ORDER BY a.attnum)
         FILTER (WHERE a.attgenerated = '' AND u.oid IS NULL), '{}') AS plain,
       coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = 's'), '{}') AS generated,
       coalesce(array_agg(a.attname::text ORDER BY a.attnum)
         FILTER (WHERE a.attgenerated = '' AND u.oid IS NOT NULL), '{}') AS unloadable
     FROM unnest($1::oid[]) AS w (oid)
     JOIN pg_class c ON c.oid = w.oid
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN unloadable u ON u.oid = a.atttypid
     GROUP BY c.oid`,
    [oids],
    'Could not read the columns of the tables.',
  );
  return new Map(rows.map((row) => [row.oid, { ...row, size: Number(row.size), blocks: Number(row.blocks) }]));
}
