/** Rules inside rules: of the keys, fields, bounds or paths of a value. */
import { HoldfastError } from '../../base/errors.ts';
import type { Options, RawOptions } from '../options.ts';
import {
  type Cell,
  type ColumnFacts,
  type PrepareContext,
  type Run,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

/** What a rule inside another one looks like: `{kind: email, …its options}`. */
export type MakeTransformer = (rule: RawOptions) => Transformer;

/** @returns the transformer of a rule inside another, in the domain that the rule names, or else in that of the column */
export function innerRule(
  kind: string,
  make: MakeTransformer,
  rule: unknown,
  beside: 'alone' | 'beside' = 'alone',
): Transformer {
  if (rule === null || typeof rule !== 'object' || Array.isArray(rule))
    throw new HoldfastError('config', `A rule inside \`${kind}\` is wrong.`, {
      why: 'It must be written as a rule, e.g. `{kind: email}`.',
    });
  const { domain, ...raw } = rule as RawOptions;
  if (domain !== undefined && typeof domain !== 'string')
    throw new HoldfastError('config', `The option \`domain\` of a rule inside \`${kind}\` is wrong.`, {
      why: 'It must be a text.',
    });
  const made = make(raw);
  if (made.companions.length > 0 && beside === 'alone')
    throw new HoldfastError('config', `\`${made.kind}\` inside \`${kind}\` cannot look at other columns.`, {
      hint: 'Leave out `by`.',
    });
  if (made.whole !== undefined || made.kind === 'sql')
    throw new HoldfastError('config', `\`${made.kind}\` cannot stand inside \`${kind}\`.`, {
      why: 'It is a rule of whole columns.',
    });
  if (typeof domain !== 'string') return made;
  return { ...made, prepare: ({ key, ...context }) => made.prepare({ ...context, key: key.sibling(domain) }) };
}

/** Inside a document there is no length, and any kind of text or number. */
export function leafFacts(column: ColumnFacts): ColumnFacts {
  return { name: column.name, type: 'text', nullable: true, unique: false, rows: column.rows };
}

/** What becomes of the parts that no rule names. */
export type Rest = 'refuse' | 'keep' | 'null';

/** A rule for each named part of a value, and one for all the others. */
export class PartRules {
  readonly kind: string;
  readonly rules: ReadonlyMap<string, Transformer>;
  readonly rest: Rest | Transformer;
  /** All transformers, each with the place of its first companion. */
  readonly all: readonly Transformer[];

  constructor(kind: string, make: MakeTransformer, rules: unknown, rest: unknown, option: string) {
    if (rules === null || typeof rules !== 'object' || Array.isArray(rules))
      throw new HoldfastError('config', `The option \`${option}\` of \`${kind}\` is wrong.`, {
        why: `It must hold a rule for each of the ${option}.`,
      });
    this.kind = kind;
    this.rules = new Map(Object.entries(rules).map(([name, rule]) => [name, innerRule(kind, make, rule, 'beside')]));
    this.rest = rest === 'refuse' || rest === 'keep' || rest === 'null' ? rest : innerRule(kind, make, rest, 'beside');
    this.all = [...this.rules.values(), ...(typeof this.rest === 'string' ? [] : [this.rest])];
  }

  get companions() {
    return this.all.flatMap(({ companions }) => companions);
  }

  /** @param facts of the part that the transformer is for */
  prepare(context: PrepareContext, facts: (name: string | undefined) => ColumnFacts): PartRuns {
    const { column } = context;
    let first = 0;
    const leaves = (transformer: Transformer, name?: string): Leaves => {
      const count = transformer.companions.length;
      const made = new Leaves(transformer.prepare({ ...context, column: facts(name) }), first, count);
      first += count;
      return made;
    };
    const named = new Map([...this.rules].map(([name, transformer]) => [name, leaves(transformer, name)]));
    const { rest } = this;
    const others = typeof rest === 'string' ? rest : leaves(rest);
    return {
      take: (name, value, row, put) => {
        const to = named.get(name) ?? others;
        if (to instanceof Leaves) to.add(value, row, put);
        else if (to === 'null') put(null);
        else if (to === 'refuse') throw unfitValue(this.kind, column, 'It has a part that no rule names.');
      },
      finish: (companions) => {
        for (const each of named.values()) each.finish(companions);
        if (others instanceof Leaves) others.finish(companions);
      },
    };
  }
}

export interface PartRuns {
  /** Gives a part to its rule; `put` is called by `finish`, or at once; never where the part stays. */
  take(name: string, value: string, row: number, put: (made: Cell) => void): void;
  finish(companions: readonly (readonly Cell[])[] | undefined): void;
}

/** Parts of the cells of a batch, gathered so that one call transforms them all. */
export class Leaves {
  readonly #run: Run;
  readonly #first: number;
  readonly #companions: number;
  #values: string[] = [];
  #rows: number[] = [];
  #puts: ((made: Cell) => void)[] = [];

  /** @param first place of its companions among those of the column */
  constructor(run: Run, first: number, companions: number) {
    this.#run = run;
    this.#first = first;
    this.#companions = companions;
  }

  add(value: string, row: number, put: (made: Cell) => void): void {
    this.#values.push(value);
    this.#rows.push(row);
    this.#puts.push(put);
  }

  finish(companions: readonly (readonly Cell[])[] | undefined): void {
    const made: Cell[] = new Array(this.#values.length);
    const rows = this.#rows;
    const beside = Array.from({ length: this.#companions }, (_, k) => {
      const column = companions![this.#first + k]!;
      return rows.map((row) => column[row]!);
    });
    const [values, puts] = [this.#values, this.#puts];
    // Empty again first: a batch that fails must not leave its parts to the next.
    this.#values = [];
    this.#rows = [];
    this.#puts = [];
    this.#run(values, made, beside);
    for (const [k, put] of puts.entries()) put(made[k]!);
  }
}

/** The options `name` (rules of parts) and `default` (of the others; refused when it is not set). */
export function partRules(options: Options, make: MakeTransformer, name: string): PartRules {
  const rules = options.raw(name) ?? {};
  const rest = options.raw('default') ?? 'refuse';
  options.done();
  return new PartRules(options.kind, make, rules, rest, name);
}
