/** Tables and what refers to what, without rows. Pure. */
import type { SubsetTable } from './settings.ts';

export interface Arrow {
  child: string;
  parent: string;
}

/**
 * Groups of tables that refer to each other in a cycle; a table that is in none is a group of its own. A group comes after
 * those that it refers to. References that lead out of `tables` do not count.
 */
export function components(tables: Iterable<string>, references: readonly Arrow[]): string[][] {
  const names = new Set(tables);
  const parents = Map.groupBy(
    references.filter(({ child, parent }) => names.has(child) && names.has(parent)),
    ({ child }) => child,
  );
  const found: string[][] = [];
  /** The order in which tables were met, and the earliest that each leads back to (Tarjan). */
  const met = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const enter = (table: string) => {
    met.set(table, met.size);
    low.set(table, met.get(table)!);
    open.push(table);
    isOpen.add(table);
    return { table, rest: [...(parents.get(table) ?? [])] };
  };
  const lower = (table: string, to: number) => low.set(table, Math.min(low.get(table)!, to));
  for (const start of names) {
    if (met.has(start)) continue;
    // A path of its own instead of recursion: chains of tables may be long.
    const path = [enter(start)];
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const { table, rest } = last;
      const parent = rest.pop()?.parent;
      if (parent !== undefined) {
        if (!met.has(parent)) path.push(enter(parent));
        else if (isOpen.has(parent)) lower(table, met.get(parent)!);
        continue;
      }
      path.pop();
      const before = path.at(-1);
      if (before !== undefined) lower(before.table, low.get(table)!);
      if (low.get(table) !== met.get(table)) continue;
      const group = open.splice(open.lastIndexOf(table));
      for (const each of group) isOpen.delete(each);
      found.push(group);
    }
  }
  return found;
}

/**
 * What each table is to those that rows are chosen from.
 *
 * @param fixed tables that keep all rows, so that what they refer to is needed
 */
export function kindsOf(
  tables: Iterable<string>,
  references: readonly Arrow[],
  chosen: ReadonlySet<string>,
  fixed: ReadonlySet<string>,
): Map<string, SubsetTable['kind']> {
  const children = reached(
    chosen,
    references.map(({ child, parent }) => ({ from: parent, to: child })),
  );
  const parents = reached(
    new Set([...children, ...fixed]),
    references.map(({ child, parent }) => ({ from: child, to: parent })),
  );
  const kindOf = (table: string) => {
    if (chosen.has(table)) return 'chosen';
    if (children.has(table)) return 'child';
    return parents.has(table) && !fixed.has(table) ? 'parent' : 'rest';
  };
  return new Map([...tables].map((table) => [table, kindOf(table)]));
}

function reached(starts: ReadonlySet<string>, arrows: readonly { from: string; to: string }[]): Set<string> {
  const next = Map.groupBy(arrows, ({ from }) => from);
  const seen = new Set(starts);
  // A set takes what is added while it is walked.
  for (const table of seen) for (const { to } of next.get(table) ?? []) seen.add(to);
  return seen;
}

/**
 * The references that rows of chosen tables and of children must satisfy to stay. Within a cycle a chosen table's own are
 * followed instead: a customer would otherwise need its contact to be there before it.
 */
export function restricting<R extends Arrow>(
  references: readonly R[],
  kinds: ReadonlyMap<string, SubsetTable['kind']>,
): Set<R> {
  const group = new Map<string, number>();
  for (const [at, tables] of components(kinds.keys(), references).entries()) {
    for (const table of tables) group.set(table, at);
  }
  return new Set(
    references.filter(({ child, parent }) => {
      const kind = kinds.get(child);
      const above = kinds.get(parent);
      if (above !== 'chosen' && above !== 'child') return false;
      return kind === 'child' || (kind === 'chosen' && group.get(child) !== group.get(parent));
    }),
  );
}
