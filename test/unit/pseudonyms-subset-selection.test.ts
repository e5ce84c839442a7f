import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindsOf, restricting } from '../../src/pseudonyms/subset/graph.ts';
import { nowhere } from '../../src/pseudonyms/subset/place-sink.ts';
import { PlaceSpace } from '../../src/pseudonyms/subset/places.ts';
import type { Reference } from '../../src/pseudonyms/subset/references.ts';
import { RowSet } from '../../src/pseudonyms/subset/row-set.ts';
import {
  RowSelection,
  type RowSource,
  type SelectionLimits,
  type TableState,
  usualLimits,
} from '../../src/pseudonyms/subset/selection.ts';
import type { SubsetSettings } from '../../src/pseudonyms/subset/settings.ts';

const lookUps: SelectionLimits = { fewRows: 1_000_000, rounds: 1_000 };
const wholeReads: SelectionLimits = { fewRows: 0, rounds: 0 };

interface Choice {
  /** Rows of these tables whose id is a multiple. */
  chosen: Map<number, number>;
  others: SubsetSettings['others'];
  children: boolean;
}

/** The definition, row by row; compare settings.ts. */
function naive(schema: Schema, choice: Choice): number[][] {
  const { tables, references } = schema;
  const all = tables.map((_, at) => at);
  const leads: boolean[][] = all.map((a) =>
    all.map((b) => references.some((each) => each.child === a && each.parent === b)),
  );
  for (const k of all) for (const a of all) for (const b of all) leads[a]![b] ||= leads[a]![k]! && leads[k]![b]!;
  const { chosen, others, children } = choice;
  const isChild = (t: number) => !chosen.has(t) && [...chosen.keys()].some((c) => leads[t]![c]);
  const above = (t: number) => chosen.has(t) || isChild(t);
  const isParent = (t: number) => !above(t) && all.some((c) => above(c) && leads[c]![t]);
  const kept = tables.map(({ rows }) => new Set(rows.map(({ id }) => id)));
  const whole = new Set(all);
  /** Removes tables from `whole`, then rows from `kept`, until nothing changes. */
  const shrink = (of: number[], asked: typeof references) => {
    for (let changed = true; changed; ) {
      changed = false;
      for (const { child, parent } of asked)
        if (of.includes(child) && !whole.has(parent) && whole.delete(child)) changed = true;
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (const { child, parent, column } of asked) {
        if (whole.has(parent) || whole.has(child)) continue;
        for (const row of tables[child]!.rows) {
          const to = row.to[column]!;
          if (to !== null && !kept[parent]!.has(to) && kept[child]!.delete(row.id)) changed = true;
        }
      }
    }
  };
  for (const t of all) {
    const modulus = chosen.get(t);
    if (modulus !== undefined) {
      whole.delete(t);
      kept[t] = new Set(tables[t]!.rows.map(({ id }) => id).filter((id) => id % modulus === 0));
    } else if (isChild(t) && !children) {
      whole.delete(t);
      kept[t]!.clear();
    }
  }
  const cyclic = (a: number, b: number) => a === b || (leads[a]![b]! && leads[b]![a]!);
  shrink(
    all.filter(above),
    references.filter(
      ({ child, parent }) => above(parent) && (isChild(child) || (chosen.has(child) && !cyclic(child, parent))),
    ),
  );
  for (const t of all.filter((t) => !above(t))) {
    if (others === 'all' || (others === 'follow' && !isParent(t))) continue;
    whole.delete(t);
    kept[t]!.clear();
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const { child, parent, column } of references) {
      if (!above(child) && !isParent(child)) continue;
      for (const row of tables[child]!.rows) {
        const to = row.to[column]!;
        if (to === null || !kept[child]!.has(row.id) || kept[parent]!.has(to)) continue;
        if (!tables[parent]!.rows.some(({ id }) => id === to)) continue;
        kept[parent]!.add(to);
        changed = true;
      }
    }
  }
  if (others === 'follow') {
    const rest = all.filter((t) => !above(t) && !isParent(t));
    shrink(
      rest,
      references.filter(({ child }) => rest.includes(child)),
    );
  }
  return kept.map((set) => [...set].sort((a, b) => a - b));
}

interface Schema {
  tables: { rows: { id: number; to: (number | null)[] }[] }[];
  /** `column` of the child refers to `parent`. */
  references: { child: number; parent: number; column: number; declared: boolean }[];
}

/** A source whose rows have their ids as positions. */
function sourceOf({ tables, references }: Schema): RowSource {
  const rowsOf = (name: string) => tables[Number(name)]!.rows;
  const columnOf = (reference: Reference) => references[Number(reference.name)]!.column;
  return {
    rows: async ({ table }) => setOf(rowsOf(table).map(({ id }) => id)),
    matching: async ({ table }, [modulus]) =>
      setOf(
        rowsOf(table)
          .map(({ id }) => id)
          .filter((id) => id % Number(modulus) === 0),
      ),
    withoutReference: async (_, reference) =>
      setOf(
        rowsOf(reference.child)
          .filter(({ to }) => to[columnOf(reference)] === null)
          .map(({ id }) => id),
      ),
    async pairs(reference, _child, _parent, { children, parents, dangling = false }, take) {
      for (const { id, to } of rowsOf(reference.child)) {
        const parent = to[columnOf(reference)];
        if (parent === null || parent === undefined || children?.has(id) === false) continue;
        const found = rowsOf(reference.parent).some((row) => row.id === parent);
        if (found ? parents?.has(parent) !== false : dangling) take(id, found ? parent : nowhere);
      }
    },
  };
}

function setOf(ids: readonly number[]): RowSet {
  const set = new RowSet();
  for (const id of ids) set.add(id);
  return set;
}

async function select(schema: Schema, { chosen, others, children }: Choice, limits: SelectionLimits) {
  const names = schema.tables.map((_, at) => String(at));
  const references = schema.references.map(({ child, parent, declared }, at): Reference => {
    const end = { schema: 's', name: 't', partitioned: false, leaves: undefined };
    return {
      name: String(at),
      child: String(child),
      parent: String(parent),
      childEnd: end,
      parentEnd: end,
      equal: '',
      given: '',
      nullable: true,
      unique: declared,
    };
  });
  const kinds = kindsOf(names, references, new Set([...chosen.keys()].map(String)), new Set());
  const space = new PlaceSpace([{ oid: 1, schema: 's', name: 't', blocks: 10, accessMethod: 'heap' }], 8192);
  const states = new Map(
    names.map((table): [string, TableState] => {
      const modulus = chosen.get(Number(table));
      return [
        table,
        {
          relation: { table, oid: 1, schema: 's', name: 't', partitioned: false, space },
          kind: kinds.get(table)!,
          fixed: false,
          conditions: modulus === undefined ? [] : [String(modulus)],
          kept: undefined,
          fresh: undefined,
          of: undefined,
        },
      ];
    }),
  );
  const subset: SubsetSettings = { tables: {}, others, children, seed: '' };
  const selection = new RowSelection({
    reader: sourceOf(schema),
    states,
    references,
    restricting: restricting(references, kinds),
    subset,
    limits,
  });
  await selection.down();
  await selection.up();
  await selection.rest();
  return names.map((name, at) => {
    const { kept } = states.get(name)!;
    return kept === undefined ? schema.tables[at]!.rows.map(({ id }) => id) : [...kept.positions()];
  });
}

const choices = (count: number) =>
  fc.record({
    chosen: fc
      .uniqueArray(fc.tuple(fc.nat(count - 1), fc.integer({ min: 2, max: 5 })), {
        selector: ([at]) => at,
        minLength: 1,
        maxLength: 2,
      })
      .map((list) => new Map(list)),
    others: fc.constantFrom('follow' as const, 'all' as const, 'none' as const),
    children: fc.boolean(),
  });

const schemas = fc.integer({ min: 2, max: 6 }).chain((count) => {
  const each = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: count, maxLength: count });
  const pair = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 2, maxLength: 2 });
  return fc
    .record({
      targets: each(pair(fc.option(fc.record({ parent: fc.nat(count - 1), declared: fc.boolean() }), { freq: 3 }))),
      rows: each(fc.array(pair(fc.option(fc.nat(14), { freq: 5 })), { minLength: 1, maxLength: 14 })),
      choice: choices(count),
    })
    .map(({ targets, rows, choice }): { schema: Schema; choice: Choice } => {
      const references = targets.flatMap((list, child) =>
        list.flatMap((target, column) => (target ? [{ child, column, ...target }] : [])),
      );
      const tables = rows.map((list, child) => ({
        rows: list.map((to, id) => ({
          id,
          to: to.map((value, column) => {
            const target = targets[child]![column];
            // Only a link may lead nowhere.
            return value !== null && target?.declared ? value % rows[target.parent]!.length : value;
          }),
        })),
      }));
      return { schema: { tables, references }, choice };
    });
});

describe('a subset', () => {
  it('is what the definition says, row by row, whichever way it is found', async () => {
    let smaller = 0;
    await fc.assert(
      fc.asyncProperty(schemas, async ({ schema, choice }) => {
        const expected = naive(schema, choice);
        for (const limits of [usualLimits, lookUps, wholeReads, { fewRows: 3, rounds: 1 }]) {
          expect(await select(schema, choice, limits)).toEqual(expected);
        }
        const rows = schema.tables.map((table) => table.rows.length);
        if (expected.some((list, t) => list.length > 0 && list.length < rows[t]!)) smaller++;
      }),
      { numRuns: 400 },
    );
    expect(smaller).toBeGreaterThan(130);
  });

  it('misses nothing that its rows refer to', async () => {
    await fc.assert(
      fc.asyncProperty(schemas, async ({ schema, choice }) => {
        const kept = await select(schema, choice, usualLimits);
        for (const { child, parent, column } of schema.references) {
          for (const id of kept[child]!) {
            const to = schema.tables[child]!.rows[id]!.to[column];
            if (typeof to === 'number' && to < schema.tables[parent]!.rows.length) expect(kept[parent]).toContain(to);
          }
        }
        for (const [t, modulus] of choice.chosen) {
          // Nothing leads away from it that could take rows out.
          if (schema.references.some(({ child }) => child === t)) continue;
          for (const { id } of schema.tables[t]!.rows) if (id % modulus === 0) expect(kept[t]).toContain(id);
        }
      }),
      { numRuns: 300 },
    );
  });
});
