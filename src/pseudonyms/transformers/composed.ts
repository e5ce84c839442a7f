import { HoldfastError } from '../../base/errors.ts';
import type { Options } from '../options.ts';
import { assertFits, type ColumnFacts, fitted, type Guarantee, isTextual, type Transformer } from '../transformer.ts';

const derived = (column: ColumnFacts): Guarantee => ({
  uniqueness: 'lossy',
  maxLength: column.maxLength,
  nulls: 'kept',
  empty: 'replaced',
  canonical: 'the other columns',
  reversible: false,
});

/** A text made of other columns' pseudonyms, e.g. `{first_name} {last_name} <{email}>`. */
export function template(options: Options): Transformer {
  const pattern = options.requiredText('template');
  options.done();
  const columns = [...new Set([...pattern.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1]!))];
  if (columns.length === 0)
    throw new HoldfastError('config', 'The option `template` of `template` is wrong.', {
      why: 'It names no column, as `{first_name}` would.',
      hint: 'Use `fixed` for a text that is always the same.',
    });
  return {
    kind: 'template',
    companions: columns.map((column) => ({ column, value: 'pseudonym' })),
    guarantee(column) {
      assertFits('template', pattern.replace(/\{[^{}]+\}/g, '').length, column);
      return derived(column);
    },
    prepare({ column }) {
      this.guarantee(column);
      return (cells, out, others) => {
        for (let i = 0; i < cells.length; i++) {
          if (cells[i] === null) {
            out[i] = null;
            continue;
          }
          const made = pattern.replace(/\{([^{}]+)\}/g, (_, name: string) => others![columns.indexOf(name)]![i] ?? '');
          out[i] = fitted(made, column.maxLength);
        }
      };
    },
  };
}

/** The pseudonym of another column of the row, for columns that hold its value again. */
export function copyOf(options: Options): Transformer {
  const column = options.requiredText('column');
  const change = options.choice('as', ['is', 'lower', 'upper'], 'is');
  options.done();
  return {
    kind: 'copy-of',
    companions: [{ column, value: 'pseudonym' }],
    guarantee: derived,
    prepare({ column: facts }) {
      return (cells, out, others) => {
        const source = others![0]!;
        for (let i = 0; i < cells.length; i++) {
          const value = cells[i] === null ? null : source[i]!;
          const made =
            value === null || change === 'is' ? value : change === 'lower' ? value.toLowerCase() : value.toUpperCase();
          out[i] = made !== null && isTextual(facts) ? fitted(made, facts.maxLength) : made;
        }
      };
    },
  };
}
