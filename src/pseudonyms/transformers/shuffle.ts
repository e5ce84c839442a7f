import { HoldfastError } from '../../base/errors.ts';
import type { Options } from '../options.ts';
import { Prf } from '../prf.ts';
import { type Cell, type Guarantee, type Transformer, unfitValue } from '../transformer.ts';

const guarantee: Guarantee = {
  // Equal values do not stay equal: what refers to the column would find nothing.
  uniqueness: 'lossy',
  maxLength: undefined,
  nulls: 'kept',
  empty: 'kept',
  canonical: 'the row, told apart by another column',
  reversible: false,
};

/**
 * The column's own values, dealt out anew over the rows of the table (of each partition): rows stand in a ring by the key
 * and their `by`, and each takes the value of the next. No row keeps its own unless there is only one. The values are true.
 */
export function shuffle(options: Options): Transformer {
  const by = options.requiredText('by');
  options.done();
  return {
    kind: 'shuffle',
    companions: [{ column: by, value: 'original' }],
    whole: { by },
    guarantee: () => guarantee,
    prepare({ key, column, whole }) {
      if (whole === undefined)
        throw new HoldfastError('internal', `The values of ${column.name} were not read before.`);
      const dealt = deal(whole.by, whole.values, new Prf(key.subkey('shuffle')));
      if (dealt === undefined)
        throw unfitValue('shuffle', column, 'Two rows have the same value in the column that is to tell them apart.');
      return (cells, out, others) => {
        const ids = others![0]!;
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          const made = cell ? dealt.get(ids[i] ?? '') : cell;
          if (made === undefined) throw new HoldfastError('internal', `A row of ${column.name} was not read before.`);
          out[i] = made;
        }
      };
    },
  };
}

const batch = 4096;

/** The value that each row gets, by its `by`; undefined when that does not tell the rows apart. */
function deal(by: readonly Cell[], values: readonly Cell[], prf: Prf): Map<string, string> | undefined {
  const rows: { id: string; value: string; high: number; low: number }[] = [];
  for (let from = 0; from < by.length; from += batch) {
    const part = by.slice(from, from + batch);
    const words = prf.each(part);
    for (const [k, id] of part.entries()) {
      const value = values[from + k]!;
      if (value) rows.push({ id: id ?? '', value, high: words[k * 4]!, low: words[k * 4 + 1]! });
    }
  }
  rows.sort((a, b) => a.high - b.high || a.low - b.low || (a.id < b.id ? -1 : 1));
  const dealt = new Map<string, string>();
  for (const [k, { id }] of rows.entries()) dealt.set(id, rows[(k + 1) % rows.length]!.value);
  return dealt.size === rows.length ? dealt : undefined;
}
