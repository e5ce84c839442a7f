import { exact, keyed } from '../canonical.ts';
import { formatDate, parseDate } from '../civil-date.ts';
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
    prepare({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey(kind === 'date-shift' ? 'date shift' : 'birth date'));
      return (cells, out, others) => {
        const words = keyed(prf, exact, others?.[0] ?? cells);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          if (!cell || isEndless(cell)) {
            out[i] = cell;
            continue;
          }
          const date = parseDate(cell);
          if (date === undefined) throw unfitValue(kind, column, 'It is not an ISO date.');
          // -days … -1, 1 … days: nobody keeps the true date.
          const drawn = pick(words[i * 4]!, 2 * days) - days;
          out[i] = formatDate(date.day + (drawn < 0 ? drawn : drawn + 1), date.rest);
        }
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
