import type { Shortfall } from '../source.ts';
import type { Relation } from './catalog-relations.ts';
import type { OmittedLine } from './manifest.ts';
import { displayName } from './quote.ts';
import type { TablePatterns } from './table-patterns.ts';

/** What becomes of each relation. */
export interface BackupPlan {
  /** Rows are copied. */
  tables: PlannedTable[];
  /** Partitioned tables: no rows of their own, but pg_dump must be able to lock them. */
  roots: Relation[];
  /** Values are read. */
  sequences: Relation[];
  /** Tables and sequences of extensions that are no config: their content is named when there is some. */
  members: Relation[];
  /** Tables that this role may not even lock and that are excluded: left out of the schema too. */
  withoutSchema: Relation[];
  omitted: OmittedLine[];
  shortfalls: Shortfall[];
}

export interface PlannedTable {
  relation: Relation;
  order: 'heap' | 'sum';
  loadThrough?: { schema: string; name: string };
}

/**
 * Sorts relations into what is copied and what is not. Pure.
 *
 * @param inRecovery whether the server is a standby, which holds nothing of unlogged relations
 */
export function planBackup(relations: readonly Relation[], excluded: TablePatterns, inRecovery: boolean): BackupPlan {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const plan: BackupPlan = {
    tables: [],
    roots: [],
    sequences: [],
    members: [],
    withoutSchema: [],
    omitted: [],
    shortfalls: [],
  };
  for (const relation of relations) place(plan, relation, ancestors(relation, byOid), excluded, inRecovery);
  return plan;
}

function place(
  plan: BackupPlan,
  relation: Relation,
  above: readonly Relation[],
  excluded: TablePatterns,
  inRecovery: boolean,
): void {
  const object = displayName(relation.schema, relation.name);
  const omit = (reason: string, shortfall?: { degrades: boolean }) => {
    plan.omitted.push({ kind: 'omitted', object, reason });
    if (shortfall) plan.shortfalls.push({ object, reason, ...shortfall });
  };
  if (relation.kind === 'p') {
    // Asked although a root has no rows, so that its pattern counts as used.
    if (!isExcluded([relation, ...above], excluded)) plan.roots.push(relation);
    else if (!relation.readable) plan.withoutSchema.push(relation);
    return;
  }
  if (relation.extension !== null && relation.config === null) {
    plan.members.push(relation);
    return;
  }
  if (relation.kind === 'f') {
    omit('It is a foreign table: its rows lie on another server.', { degrades: false });
    return;
  }
  if (isExcluded([relation, ...above], excluded)) {
    if (!relation.readable) plan.withoutSchema.push(relation);
    omit(
      relation.readable
        ? 'Its content is excluded by the configuration.'
        : 'It is excluded by the configuration, its definition too because this role may not read it.',
    );
    return;
  }
  if (relation.unlogged && inRecovery) {
    omit('It is unlogged, and a standby holds nothing of it.', { degrades: true });
    return;
  }
  if (relation.kind === 'S') {
    plan.sequences.push(relation);
    return;
  }
  plan.tables.push(tableOf(relation, above));
}

function tableOf(relation: Relation, above: readonly Relation[]): PlannedTable {
  // The topmost: from there down no hash is relied on.
  const through = above.findLast(({ partitioning }) => partitioning?.unstable);
  if (through !== undefined) {
    return { relation, order: 'sum', loadThrough: { schema: through.schema, name: through.name } };
  }
  return { relation, order: relation.accessMethod === 'heap' && relation.config === null ? 'heap' : 'sum' };
}

function isExcluded(lineage: readonly Relation[], excluded: TablePatterns): boolean {
  // Not `some`: every pattern that fits is to be seen as used.
  return lineage.filter(({ schema, name }) => excluded.matches(schema, name)).length > 0;
}

/** Parents of a partition, nearest first. */
function ancestors(relation: Relation, byOid: ReadonlyMap<number, Relation>): Relation[] {
  const above: Relation[] = [];
  for (let at = relation.parent; at !== null; ) {
    const parent = byOid.get(at);
    if (parent === undefined) break;
    above.push(parent);
    at = parent.parent;
  }
  return above;
}
