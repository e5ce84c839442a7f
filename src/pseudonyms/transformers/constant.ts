import { HoldfastError } from '../../base/errors.ts';
import type { Options } from '../options.ts';
import { assertFits, type Cell, type ColumnFacts, type Guarantee, type Transformer } from '../transformer.ts';

/** The value as it is. Why it may be kept stands in the lock file. */
export function keep(options: Options): Transformer {
  options.done();
  return {
    kind: 'keep',
    companions: [],
    guarantee: () => ({
      uniqueness: 'bijective',
      maxLength: undefined,
      nulls: 'kept',
      empty: 'kept',
      canonical: 'the value itself',
      reversible: true,
    }),
    prepare: () => copyCells,
  };
}

export function copyCells(cells: readonly Cell[], out: Cell[]): void {
  for (let i = 0; i < cells.length; i++) out[i] = cells[i]!;
}

const one = (maxLength: number, nulls: Guarantee['nulls'], empty: Guarantee['empty']): Guarantee => ({
  uniqueness: 'lossy',
  maxLength,
  nulls,
  empty,
  canonical: 'all values are one',
  reversible: false,
});

function constant(kind: string, guarantee: Guarantee, value: Cell, column: ColumnFacts): Guarantee {
  if (value === null && !column.nullable)
    throw new HoldfastError('config', `\`${kind}\` would put NULL into ${column.name}.`, {
      why: 'The column is NOT NULL.',
      hint: 'Use `fixed` with a value.',
    });
  if (value !== null) assertFits(kind, [...value].length, column);
  return guarantee;
}

/** NULL in every row. A column of NULLs breaks no UNIQUE, so it counts as lossy only where the column is a key. */
export function nothing(options: Options): Transformer {
  options.done();
  const guarantee = (column: ColumnFacts) => constant('null', one(0, 'kept', 'replaced'), null, column);
  return {
    kind: 'null',
    companions: [],
    guarantee,
    prepare({ column }) {
      guarantee(column);
      return (cells, out) => {
        for (let i = 0; i < cells.length; i++) out[i] = null;
      };
    },
  };
}

/** The column's own default, where it is a constant. */
export function columnDefault(options: Options): Transformer {
  options.done();
  const value = (column: ColumnFacts): Cell => {
    if (column.defaultText !== undefined) return column.defaultText;
    throw new HoldfastError('config', `\`default\` does not go with ${column.name}.`, {
      why: 'The column has no default, or one that is not a constant.',
      hint: 'Use `fixed` with a value.',
    });
  };
  const guarantee = (column: ColumnFacts) =>
    constant('default', one(value(column)?.length ?? 0, 'replaced', 'replaced'), value(column), column);
  return {
    kind: 'default',
    companions: [],
    guarantee,
    prepare({ column }) {
      guarantee(column);
      const fixed = value(column);
      return (cells, out) => {
        for (let i = 0; i < cells.length; i++) out[i] = fixed;
      };
    },
  };
}

/** One value in every row that has one; `nulls: replace` puts it into the others too. */
export function fixed(options: Options): Transformer {
  const value = options.requiredText('value');
  const nulls = options.choice('nulls', ['keep', 'replace'], 'keep');
  options.done();
  const guarantee = (column: ColumnFacts) =>
    constant('fixed', one(value.length, nulls === 'keep' ? 'kept' : 'replaced', 'replaced'), value, column);
  return {
    kind: 'fixed',
    companions: [],
    guarantee,
    prepare({ column }) {
      guarantee(column);
      return (cells, out) => {
        for (let i = 0; i < cells.length; i++) out[i] = cells[i] === null && nulls === 'keep' ? null : value;
      };
    },
  };
}
