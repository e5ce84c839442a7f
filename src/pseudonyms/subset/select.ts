/** Chooses the rows of a subset; settings.ts says which those are. */
import { HoldfastError } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import type { PlannedCopy } from '../copy/row-jobs.ts';
import { type Catalog, type CatalogTable, tableName } from '../discovery-catalog.ts';
import type { Link } from '../lock.ts';
import { kindsOf, restricting } from './graph.ts';
import { type PlaceList, PlaceSpace } from './places.ts';
import { type ReferenceEnd, readReferences } from './references.ts';
import { RowReader, type SubsetRelation } from './row-reader.ts';
import { RowSelection, type SelectionLimits, type TableState, usualLimits } from './selection.ts';
import type { SubsetSettings, SubsetTable } from './settings.ts';
import { shareCondition } from './share.ts';

export interface SelectOptions {
  connection: PostgresConnection;
  /** Of a session that holds ACCESS SHARE on every table, so that places of rows stay what they are. */
  exportedSnapshot: string;
  /** Read under the same snapshot. */
  catalog: Catalog;
  /** Foreign keys that the database does not know of. */
  links: readonly Link[];
  /** Every relation whose rows could be copied, partitions too. */
  tables: readonly Pick<PlannedCopy, 'planned' | 'columns' | 'transform'>[];
  subset: SubsetSettings;
  emit: Emit;
  signal: AbortSignal;
  limits?: SelectionLimits;
}

export interface Subset {
  /** Places of the rows that stay, rising, by oid of the relation; one that is not in it keeps all its rows. */
  ctids: Map<number, PlaceList>;
  report: SubsetTable[];
}

/**
 * Reads which rows a subset has. Writes nothing, and needs no more than reading: a standby will do.
 *
 * Memory: a few bits a row of those tables that do not keep all; in cycles of tables 16 bytes a reference beside.
 *
 * @throws HoldfastError `config` when a table or a column is not there, or a condition is none; `source-failed`
 */
export async function selectSubset(options: SelectOptions): Promise<Subset> {
  const { connection, exportedSnapshot, catalog, links, subset, emit, signal, limits = usualLimits } = options;
  emit({ type: 'step', text: 'Choosing the rows of the subset' });
  await using reader = await RowReader.open(connection, exportedSnapshot, signal);
  const { session } = reader;
  const [row] = await session.query<{ size: number }>(
    `SELECT pg_catalog.current_setting('block_size')::pg_catalog.int4 AS size`,
  );
  const { relations, fixed } = relationsOf(options, row!.size);
  const catalogTables = new Map(catalog.tables.map((table) => [tableName(table), table]));
  const conditions = new Map<string, string[]>();
  for (const [name, { where, share }] of Object.entries(subset.tables)) {
    const relation = relations.get(name);
    if (relation === undefined || fixed.has(name)) throw notChosen(name, catalogTables.get(name), fixed.has(name));
    if (where !== undefined) await reader.assertCondition(relation, where);
    const drawn =
      share === undefined ? undefined : shareCondition(catalog, catalogTables.get(name)!, share, subset.seed);
    conditions.set(
      name,
      [where, drawn].filter((condition) => condition !== undefined),
    );
  }
  await reader.assertSame([...relations.values()]);
  const references = (await readReferences(session, relations, links)).filter(
    ({ child, parent, childEnd, parentEnd }) =>
      [hasRows(relations.get(child)!, childEnd), hasRows(relations.get(parent)!, parentEnd)].every(Boolean),
  );
  const kinds = kindsOf(relations.keys(), references, new Set(Object.keys(subset.tables)), fixed);
  const states = new Map(
    [...relations].map(([name, relation]): [string, TableState] => [
      name,
      {
        relation,
        kind: kinds.get(name)!,
        fixed: fixed.has(name),
        conditions: conditions.get(name) ?? [],
        kept: undefined,
        fresh: undefined,
        of: undefined,
      },
    ]),
  );
  const selection = new RowSelection({
    reader,
    states,
    references,
    restricting: restricting(references, kinds),
    subset,
    limits,
  });
  await selection.down();
  emit({ type: 'step', text: 'Adding what the rows of the subset refer to' });
  await selection.up();
  await selection.rest();
  await reader.assertSame([...relations.values()]);
  const ctids = new Map<number, PlaceList>();
  for (const { relation, kept, of } of states.values()) {
    // A whole table is copied faster than one by places.
    if (kept === undefined || kept.size === of) continue;
    for (const [leaf, places] of relation.space.byLeaf(kept)) ctids.set(leaf.oid, places);
  }
  return { ctids, report: [...states].map(([name, state]) => reportOf(name, state, catalogTables.get(name))) };
}

/** Tables that rows are copied of, and those of them that keep all because an extension fills them. */
function relationsOf({ tables, catalog }: SelectOptions, blockSize: number) {
  const byTable = Map.groupBy(
    tables.filter(({ transform }) => !transform.emptied),
    ({ transform }) => transform.table,
  );
  const relations = new Map<string, SubsetRelation>();
  const fixed = new Set<string>();
  for (const table of catalog.tables) {
    const name = tableName(table);
    const leaves = byTable.get(name);
    if (leaves === undefined) continue;
    if (leaves.some(({ planned }) => planned.relation.config !== null)) fixed.add(name);
    const space = new PlaceSpace(
      leaves.map(({ planned: { relation }, columns }) => ({ ...relation, blocks: columns.blocks })),
      blockSize,
    );
    const { oid, schema, partitioned } = table;
    relations.set(name, { table: name, oid, schema, name: table.name, partitioned, space });
  }
  return { relations, fixed };
}

/** Whether any relation of this end is copied. */
function hasRows({ space }: SubsetRelation, { leaves }: ReferenceEnd): boolean {
  return leaves === undefined || space.leaves.some(({ oid }) => leaves.has(oid));
}

function notChosen(name: string, table: CatalogTable | undefined, fixed: boolean): HoldfastError {
  const what = `Rows of ${name} cannot be chosen for the subset.`;
  if (table === undefined) {
    return new HoldfastError('config', what, {
      why: 'The database has no such table.',
      hint: 'Write its name as the lock file does: with its schema, in double quotes where SQL needs them.',
    });
  }
  if (table.kind === 'foreign') return new HoldfastError('config', what, { why: 'Its rows lie on another server.' });
  if (fixed) return new HoldfastError('config', what, { why: 'It belongs to an extension, which also fills it.' });
  return new HoldfastError('config', what, {
    why: 'None of its rows is copied.',
    hint: 'Leave it out of the subset, or change its rule `truncate` in the lock file.',
  });
}

function reportOf(table: string, { kind, kept, of }: TableState, known: CatalogTable | undefined): SubsetTable {
  const guess = Math.max(kept?.size ?? 0, Math.round(known?.rows ?? 0), 0);
  const all = of ?? guess;
  return { table, kind, rows: kept?.size ?? all, of: all, estimated: of === undefined };
}
