/** The relations of a copy whose rows are searched: tables, partitions on their own, and materialized views. */
import type { Session } from '../../sources/postgres/session.ts';
import type { CatalogColumn } from '../discovery-catalog.ts';

/** What holds rows of a table. */
export interface SearchedRelation {
  schema: string;
  name: string;
  /** Bytes of heap and TOAST. */
  size: number;
  /** Of the heap, or 0 where rows are not in one: it cannot be read in parts. */
  blocks: number;
}

/**
 * What holds the rows of each table, by the oid of the table: itself, or its partitions. A table that others inherit from has its
 * own rows alone, since those others are tables too.
 *
 * @throws HoldfastError
 */
export async function readSearchedRelations(
  session: Session,
  tables: readonly { oid: number }[],
): Promise<Map<number, SearchedRelation[]>> {
  const rows = await session.query<{ root: number; schema: string; name: string; size: string; blocks: string }>(
    `SELECT w.oid AS root, n.nspname::text AS schema, c.relname::text AS name,
            coalesce(pg_table_size(c.oid), 0)::text AS size,
            CASE WHEN a.amname = 'heap' THEN pg_relation_size(c.oid) / current_setting('block_size')::int8 ELSE 0 END::text AS blocks
     FROM unnest($1::oid[]) AS w (oid)
     LEFT JOIN LATERAL pg_partition_tree(w.oid) t ON true
     JOIN pg_class c ON c.oid = coalesce(t.relid::oid, w.oid)
     JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_am a ON a.oid = c.relam
     WHERE t.isleaf IS DISTINCT FROM false
     ORDER BY w.oid, c.oid`,
    [tables.map(({ oid }) => oid)],
    'Could not read what the copy has.',
  );
  const byTable = new Map<number, SearchedRelation[]>();
  for (const { root, size, blocks, ...relation } of rows) {
    const found = byTable.get(root) ?? [];
    byTable.set(root, found);
    found.push({ ...relation, size: Number(size), blocks: Number(blocks) });
  }
  return byTable;
}

/** Materialized views: the copy computed them from its own rows. */
export async function readStoredViews(
  session: Session,
): Promise<{ oid: number; schema: string; name: string; columns: CatalogColumn[] }[]> {
  const rows = await session.query<{
    oid: number;
    schema: string;
    name: string;
    columns: { name: string; category: string }[];
  }>(
    `SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name,
            (SELECT json_agg(json_build_object('name', a.attname, 'category', t.typcategory) ORDER BY a.attnum)
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'm' AND c.relispopulated AND c.oid >= 16384 ORDER BY 2, 3`,
    [],
    'Could not read what the copy has.',
  );
  const classes: Record<string, CatalogColumn['class']> = {
    N: 'number',
    B: 'boolean',
    D: 'time',
    T: 'time',
    E: 'enum',
  };
  return rows.map(({ columns, ...view }) => ({
    ...view,
    columns: columns.map(({ name, category }) => ({
      name,
      type: 'text',
      class: classes[category] ?? 'text',
      nullable: true,
      generated: true,
      identity: false,
    })),
  }));
}
