/** The steps that find a subset: down to children, up to parents, and the rest. settings.ts says what they mean. */
import { type Adjacency, AdjacencyBuilder } from './adjacency.ts';
import { components } from './graph.ts';
import { nowhere } from './place-sink.ts';
import type { Reference } from './references.ts';
import type { PairOptions, RowReader, SubsetRelation } from './row-reader.ts';
import { RowSet } from './row-set.ts';
import type { SubsetSettings, SubsetTable } from './settings.ts';

export interface TableState {
  relation: SubsetRelation;
  kind: SubsetTable['kind'];
  /** Keeps all rows, whatever they refer to. */
  fixed: boolean;
  /** In SQL; of chosen tables alone. */
  conditions: readonly string[];
  /** Rows that stay; all when undefined. */
  kept: RowSet | undefined;
  /** Those of them that are there because others refer to them. */
  fresh: RowSet | undefined;
  /** Rows that there are, when somebody looked at all. */
  of: number | undefined;
}

/** For tests, which want each way to be gone with few rows. */
export interface SelectionLimits {
  /** So many rows are looked up by their places; for more a whole table is read. */
  fewRows: number;
  /** So often a cycle is gone round by look-ups; then its references are read into memory. */
  rounds: number;
}

export const usualLimits: SelectionLimits = { fewRows: 50_000, rounds: 8 };

/** What is asked of the source. */
export type RowSource = Pick<RowReader, 'rows' | 'matching' | 'withoutReference' | 'pairs'>;

interface SelectionOptions {
  reader: RowSource;
  states: ReadonlyMap<string, TableState>;
  references: readonly Reference[];
  restricting: ReadonlySet<Reference>;
  subset: SubsetSettings;
  limits: SelectionLimits;
}

/** Rows of children whose references are to be followed; those of the whole table when undefined. */
type Frontier = Map<Reference, RowSet | undefined>;

export class RowSelection {
  readonly #reader: RowSource;
  readonly #states: ReadonlyMap<string, TableState>;
  readonly #references: readonly Reference[];
  /** References that every row kept by `down` satisfies. */
  readonly #satisfied: ReadonlySet<Reference>;
  readonly #subset: SubsetSettings;
  readonly #limits: SelectionLimits;

  constructor({ reader, states, references, restricting, subset, limits }: SelectionOptions) {
    this.#reader = reader;
    this.#states = states;
    this.#references = references;
    this.#satisfied = new Set([...restricting].filter(({ child }) => !states.get(child)!.fixed));
    this.#subset = subset;
    this.#limits = limits;
  }

  #state(table: string): TableState {
    return this.#states.get(table)!;
  }

  #tables(wanted: (state: TableState) => boolean): string[] {
    return [...this.#states].filter(([, state]) => wanted(state)).map(([name]) => name);
  }

  /** Chosen rows, and children that miss nothing. */
  async down(): Promise<void> {
    const tables = this.#tables(({ kind }) => kind === 'chosen' || kind === 'child');
    await this.#restrict(tables, [...this.#satisfied]);
  }

  /** Tables that refer to no chosen one, but for what is needed of them. */
  async rest(): Promise<void> {
    if (this.#subset.others !== 'follow') return;
    const tables = this.#tables(({ kind, fixed }) => kind === 'rest' && !fixed);
    await this.#restrict(
      tables,
      this.#references.filter(({ child }) => tables.includes(child)),
    );
  }

  async #restrict(tables: readonly string[], references: readonly Reference[]): Promise<void> {
    for (const group of components(tables, references)) {
      const inner = within(group, references);
      for (const table of group) {
        const state = this.#state(table);
        if (state.fixed) continue;
        const outer = references.filter(
          (each) => each.child === table && !inner.includes(each) && this.#state(each.parent).kept !== undefined,
        );
        state.kept = await this.#begin(state, outer);
      }
      if (inner.length > 0 && group.some((table) => this.#state(table).kept !== undefined)) {
        for (const table of group) this.#state(table).kept ??= await this.#allRows(this.#state(table));
        await this.#shrink(inner);
      }
    }
  }

  /** The rows of a table that satisfy its conditions and these references; undefined for all. */
  async #begin(state: TableState, outer: readonly Reference[]): Promise<RowSet | undefined> {
    const { kind, conditions, relation } = state;
    if (kind === 'child' && !this.#subset.children) return new RowSet();
    let rows: RowSet | undefined;
    let left = outer;
    if (conditions.length > 0) rows = await this.#reader.matching(relation, conditions);
    else if (outer.length === 0) return undefined;
    else {
      const size = ({ parent }: Reference) => this.#state(parent).kept!.size;
      // A key of one partition says nothing of the others.
      const candidates = outer.filter(({ childEnd }) => childEnd.leaves === undefined);
      const [least] = candidates.toSorted((a, b) => size(a) - size(b));
      if (least !== undefined && size(least) <= this.#limits.fewRows) {
        rows = await this.#childrenOf(least);
        if (least.unique) left = outer.filter((each) => each !== least);
      } else rows = await this.#allRows(state);
    }
    for (const reference of left) if (rows.size > 0) await this.#leaveOut(rows, reference);
    return rows;
  }

  async #allRows(state: TableState): Promise<RowSet> {
    const rows = await this.#reader.rows(state.relation);
    state.of = rows.size;
    return rows;
  }

  /** Rows that refer to one that stays, or to none. */
  async #childrenOf(reference: Reference): Promise<RowSet> {
    const { relation } = this.#state(reference.child);
    const rows = reference.nullable ? await this.#reader.withoutReference(relation, reference) : new RowSet();
    const { kept } = this.#state(reference.parent);
    await this.#pairs(reference, { parents: kept }, (child) => rows.add(child));
    return rows;
  }

  /** Takes rows out that refer to one that does not stay. */
  async #leaveOut(rows: RowSet, reference: Reference): Promise<void> {
    const kept = this.#state(reference.parent).kept!;
    await this.#pairs(reference, { children: this.#few(rows), dangling: true }, (child, parent) => {
      if (parent === nowhere || !kept.has(parent)) rows.delete(child);
    });
  }

  /** In a cycle, takes rows out until every row that is left refers to such rows alone. */
  async #shrink(inner: readonly Reference[]): Promise<void> {
    const gone: [string, number][] = [];
    const referring = new Map<Reference, AdjacencyBuilder>();
    for (const reference of inner) {
      const child = this.#state(reference.child);
      const parent = this.#state(reference.parent);
      const pairs = new AdjacencyBuilder(parent.relation.space.end, child.relation.space.end);
      referring.set(reference, pairs);
      await this.#pairs(reference, { children: this.#few(child.kept!), dangling: true }, (row, to) => {
        if (!child.kept!.has(row)) return;
        if (to !== nowhere && parent.kept!.has(to)) pairs.add(to, row);
        else {
          child.kept!.delete(row);
          gone.push([reference.child, row]);
        }
      });
    }
    const lists = [...referring].map(([reference, pairs]) => ({ reference, pairs: pairs.build() }));
    for (let next = gone.pop(); next !== undefined; next = gone.pop()) {
      const [table, position] = next;
      for (const { reference, pairs } of lists) {
        if (reference.parent !== table) continue;
        const { kept } = this.#state(reference.child);
        for (const row of pairs.of(position)) if (kept!.delete(row)) gone.push([reference.child, row]);
      }
    }
  }

  /** Adds what rows that stay refer to. */
  async up(): Promise<void> {
    const { others } = this.#subset;
    for (const state of this.#states.values()) {
      const { kind, fixed } = state;
      const isEmpty = (kind === 'parent' && others !== 'all') || (kind === 'rest' && others === 'none');
      if (isEmpty && !fixed) state.kept = new RowSet();
      if (state.kept !== undefined) state.fresh = new RowSet();
    }
    const tables = this.#tables(({ kind, fixed }) => kind !== 'rest' || fixed);
    for (const group of components(tables, this.#references).reverse()) {
      const inner = within(group, this.#references).filter(({ parent }) => this.#state(parent).kept !== undefined);
      await this.#close(this.#frontier(inner));
      const outer = this.#references.filter(
        ({ child, parent }) =>
          group.includes(child) && !group.includes(parent) && this.#state(parent).kept !== undefined,
      );
      for (const [reference, rows] of this.#frontier(outer))
        this.#merge(reference.parent, await this.#needs(reference, rows));
    }
  }

  /** Rows whose references nobody followed yet. */
  #frontier(references: readonly Reference[]): Frontier {
    return new Map(
      references.map((reference) => {
        const { kept, fresh } = this.#state(reference.child);
        return [reference, this.#satisfied.has(reference) ? fresh : kept];
      }),
    );
  }

  /** Follows the references of a cycle to their end. */
  async #close(start: Frontier): Promise<void> {
    const references = [...start.keys()];
    let frontier = start;
    for (let round = 0; ; round++) {
      const sizes = [...frontier.values()].map((rows) => rows?.size ?? Number.POSITIVE_INFINITY);
      const size = sizes.reduce((sum, each) => sum + each, 0);
      if (size === 0) return;
      if (size > this.#limits.fewRows || round >= this.#limits.rounds) return this.#closeInMemory(frontier);
      const added = new Map<string, RowSet>();
      for (const [reference, rows] of frontier) {
        const needed = await this.#needs(reference, rows);
        this.#merge(reference.parent, needed, added);
      }
      frontier = new Map(references.map((each) => [each, added.get(each.child) ?? new RowSet()]));
    }
  }

  async #closeInMemory(frontier: Frontier): Promise<void> {
    const lists: { reference: Reference; rows: RowSet | undefined; pairs: Adjacency }[] = [];
    for (const [reference, rows] of frontier) {
      const ends = [reference.child, reference.parent].map((table) => this.#state(table).relation.space.end);
      const pairs = new AdjacencyBuilder(ends[0]!, ends[1]!);
      await this.#pairs(reference, {}, (child, parent) => {
        if (parent !== nowhere) pairs.add(child, parent);
      });
      lists.push({ reference, rows, pairs: pairs.build() });
    }
    const reached: [string, number][] = [];
    const follow = ({ reference, pairs }: (typeof lists)[number], row: number) => {
      const { kept, fresh } = this.#state(reference.parent);
      for (const parent of pairs.of(row)) {
        if (!kept!.add(parent)) continue;
        fresh!.add(parent);
        reached.push([reference.parent, parent]);
      }
    };
    for (const list of lists) {
      const rows = list.rows ?? list.pairs.keys;
      // Rows that are added meanwhile may be met here or not; they are in `reached` in any case.
      for (const row of rows.positions()) follow(list, row);
    }
    for (let next = reached.pop(); next !== undefined; next = reached.pop()) {
      const [table, row] = next;
      for (const list of lists) if (list.reference.child === table) follow(list, row);
    }
  }

  /** What rows refer to and that is not there yet. */
  async #needs(reference: Reference, rows: RowSet | undefined): Promise<RowSet> {
    const needed = new RowSet();
    if (rows?.size === 0) return needed;
    const { kept } = this.#state(reference.parent);
    await this.#pairs(reference, { children: rows && this.#few(rows) }, (child, parent) => {
      if (parent !== nowhere && !kept!.has(parent) && (rows === undefined || rows.has(child))) needed.add(parent);
    });
    return needed;
  }

  #merge(table: string, needed: RowSet, added?: Map<string, RowSet>): void {
    const { kept, fresh } = this.#state(table);
    const also = added?.get(table) ?? new RowSet();
    added?.set(table, also);
    for (const row of needed.positions()) {
      if (!kept!.add(row)) continue;
      fresh!.add(row);
      also.add(row);
    }
  }

  /** A set that is small enough to be looked up, or undefined. */
  #few(rows: RowSet): RowSet | undefined {
    return rows.size <= this.#limits.fewRows ? rows : undefined;
  }

  #pairs(reference: Reference, options: PairOptions, take: (child: number, parent: number) => void): Promise<void> {
    const { relation: child } = this.#state(reference.child);
    const { relation: parent } = this.#state(reference.parent);
    return this.#reader.pairs(reference, child, parent, options, take);
  }
}

/** References from a group of tables into the same. */
function within(group: readonly string[], references: readonly Reference[]): Reference[] {
  return references.filter(({ child, parent }) => group.includes(child) && group.includes(parent));
}
