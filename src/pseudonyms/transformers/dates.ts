import type { ByteColumn } from '../byte-column.ts';
import { onStrings } from '../byte-runs.ts';
import { exact, keyedIn } from '../canonical.ts';
import { formatDate, parseDate } from '../civil-date.ts';
import { kernels } from '../kernels/kernels.ts';
import { writePlain } from '../kernels/plain-cells.ts';
import type { Options } from '../options.ts';
import { Prf, pick } from '../prf.ts';
import {
  assertFits,
  assertType,
  type ColumnFacts,
  type Companion,
  type Guarantee,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

export const dateTypes = ['date', 'timestamp without time zone', 'timestamp with time zone'];

function checkType(kind: string, column: ColumnFacts): void {
  assertType(kind, column, ...dateTypes, 'text');
  assertFits(kind, 10, column);
}

const shifted = (canonical: string): Guarantee => ({
  uniqueness: 'lossy',
  maxLength: undefined,
  nulls: 'kept',
  empty: 'kept',
  canonical,
  reversible: false,
});

/** `infinity` and `-infinity` say nothing of anybody, and stay. */
function isEndless(cell: string): boolean {
  return cell === 'infinity' || cell === '-infinity';
}

function shifting(kind: string, companions: readonly Companion[], canonical: string, days: number): Transformer {
  return {
    kind,
    companions,
    guarantee(column) {
      checkType(kind, column);
      return shifted(canonical);
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey(kind === 'date-shift' ? 'date shift' : 'birth date'));
      // Years before our era, those of five digits, `infinity`, and what is beyond ASCII.
      const odd = (cells: ByteColumn, out: ByteColumn, i: number, word: number): void => {
        const cell = cells.cellAt(i)!;
        if (isEndless(cell)) {
          out.keep(cells, i);
          return;
        }
        const date = parseDate(cell);
        if (date === undefined) throw unfitValue(kind, column, 'It is not an ISO date.');
        // -days … -1, 1 … days: nobody keeps the true date.
        const drawn = pick(word, 2 * days) - days;
        out.cell(formatDate(date.day + (drawn < 0 ? drawn : drawn + 1), date.rest));
      };
      return (cells, out, others) => {
        const { count } = cells;
        const kernel = kernels().begin();
        const { bytes, from, to, wide } = kernel.bring(cells);
        const by = others?.[0];
        const brought = by === undefined ? { bytes, from, to, wide } : kernel.bring(by);
        const words = keyedIn(kernel, prf, exact, by ?? cells, brought);
        const { sizeOfCells, shiftDates } = kernel.run;
        writePlain(
          kernel,
          { count, length: sizeOfCells(from, to, count), out },
          (made, rest) => shiftDates(bytes, from, to, wide, count, words, days, made.bytes, made.from, made.to, rest),
          (i) => odd(cells, out, i, kernel.words[(words >>> 2) + i * 4]! >>> 0),
        );
      };
    },
  };
}

/** Every date of a subject moves by the same number of whole days: order, intervals and times of day stay. */
export function dateShift(options: Options): Transformer {
  const by = options.requiredText('by');
  const days = options.integer('days', { min: 1, max: 36_500 }, 365);
  options.done();
  return shifting('date-shift', [{ column: by, value: 'original' }], 'the subject', days);
}

/** A date of birth moves by up to `days`, by the key and the date itself, or the subject where the rule names one. */
export function birthDate(options: Options): Transformer {
  const by = options.text('by');
  const days = options.integer('days', { min: 1, max: 3650 }, 182);
  options.done();
  return shifting(
    'birth-date',
    by === undefined ? [] : [{ column: by, value: 'original' }],
    by === undefined ? 'the value itself' : 'the subject',
    days,
  );
}
