import { HoldfastError } from '../../base/errors.ts';
import { exact, keyed } from '../canonical.ts';
import { civilOf, dayOf, formatDate, parseDate } from '../civil-date.ts';
import type { Options } from '../options.ts';
import { Prf } from '../prf.ts';
import {
  assertType,
  type ColumnFacts,
  type Guarantee,
  greatestInteger,
  type Transformer,
  unfitValue,
} from '../transformer.ts';
import { dateTypes } from './dates.ts';

const wholeTypes = ['smallint', 'integer', 'bigint'];
const numberTypes = [...wholeTypes, 'numeric', 'real', 'double precision'];

const lossy = (canonical: string, maxLength?: number): Guarantee => ({
  uniqueness: 'lossy',
  maxLength,
  nulls: 'kept',
  empty: 'kept',
  canonical,
  reversible: false,
});

/** A decimal number as whole units of its last place; undefined for NaN, Infinity and exponents. */
function parseDecimal(cell: string): { units: bigint; scale: number } | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(cell);
  if (match === null) return undefined;
  const fraction = match[3] ?? '';
  const units = BigInt(match[2]! + fraction);
  return { units: match[1] ? -units : units, scale: fraction.length };
}

function formatDecimal(units: bigint, scale: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return units < 0n ? `-${whole}` : whole;
}

/**
 * Adds a share of up to ±`ratio` to a number, drawn by the key from the value (or the subject): the same original always
 * gives the same result, so that asking often does not average the noise out. The sign, zero and the decimals stay.
 */
export function noise(options: Options): Transformer {
  const ratio = options.number('ratio', { min: 0.001, max: 1 }, 0.1);
  const by = options.text('by');
  options.done();
  const millionths = BigInt(Math.round(ratio * 1_000_000));
  return {
    kind: 'noise',
    companions: by === undefined ? [] : [{ column: by, value: 'original' }],
    guarantee(column) {
      assertType('noise', column, ...numberTypes);
      return lossy(by === undefined ? 'the number as written' : 'the subject and the number');
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('noise'));
      const most = greatestInteger(column);
      const precise = column.type === 'numeric' && column.precision !== undefined;
      const limit = precise ? 10n ** BigInt(column.precision!) - 1n : most;
      return (cells, out, others) => {
        const subjects = others?.[0];
        // The value takes part even where there is a subject: two numbers of one person must not share their share.
        const words = keyed(prf, exact, subjects ? cells.map((cell, i) => `${subjects[i] ?? ''}\u0001${cell}`) : cells);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          out[i] = cell;
          if (!cell || /^-?(?:NaN|Infinity)$/.test(cell)) continue;
          const word = words[i * 4]!;
          const decimal = parseDecimal(cell);
          if (decimal === undefined) {
            const value = Number(cell);
            if (Number.isNaN(value)) throw unfitValue('noise', column, 'It is not a number.');
            out[i] = String(value * (1 + ratio * (word / 2 ** 31 - 1)));
            continue;
          }
          const share = (decimal.units * millionths * (BigInt(word) - 2n ** 31n)) / (1_000_000n * 2n ** 31n);
          let units = decimal.units + share;
          if (limit !== undefined && decimal.scale === (column.scale ?? 0)) {
            if (units > limit) units = limit;
            if (units < -limit) units = -limit;
          }
          out[i] = formatDecimal(units, decimal.scale);
        }
      };
    },
  };
}

/**
 * Fewer, coarser values: numbers to multiples of `step`, dates to the first day of their `unit`, texts to their first
 * `characters` and a mask. What remains is true.
 */
export function generalize(options: Options): Transformer {
  const step = options.bigint('step');
  const unit = options.choice('unit', ['none', 'day', 'month', 'quarter', 'year', 'decade'], 'none');
  const characters = options.integer('characters', { min: 0, max: 1000 });
  const mask = options.text('mask') ?? '';
  options.done();
  const chosen = [step !== undefined, unit !== 'none', characters !== undefined].filter(Boolean).length;
  if (chosen !== 1 || (step !== undefined && step < 2n) || mask.length > 1)
    throw new HoldfastError('config', 'The options of `generalize` are wrong.', {
      why: 'It takes one of `step` (2 or more, for numbers), `unit` (for dates) and `characters` (for texts); `mask` is one character.',
    });
  const check = (column: ColumnFacts): void => {
    if (step !== undefined) assertType('generalize', column, ...wholeTypes, 'numeric');
    else if (unit !== 'none') assertType('generalize', column, ...dateTypes);
    else assertType('generalize', column, 'text');
  };
  return {
    kind: 'generalize',
    companions: [],
    guarantee(column) {
      check(column);
      return lossy('the coarser value');
    },
    prepare({ column }) {
      check(column);
      return (cells, out) => {
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          if (!cell) out[i] = cell;
          else if (step !== undefined) out[i] = coarseNumber(cell, step, column);
          else if (unit !== 'none') out[i] = coarseDate(cell, unit, column);
          else {
            const points = [...cell];
            out[i] = points.slice(0, characters).join('') + mask.repeat(Math.max(0, points.length - characters!));
          }
        }
      };
    },
  };
}

function coarseNumber(cell: string, step: bigint, column: ColumnFacts): string {
  const decimal = parseDecimal(cell);
  if (decimal === undefined) {
    if (/^-?(?:NaN|Infinity)$/.test(cell)) return cell;
    throw unfitValue('generalize', column, 'It is not a number.');
  }
  // Towards zero: rounding away from it could leave the column's range.
  const size = step * 10n ** BigInt(decimal.scale);
  return formatDecimal((decimal.units / size) * size, decimal.scale);
}

function coarseDate(cell: string, unit: string, column: ColumnFacts): string {
  if (cell === 'infinity' || cell === '-infinity') return cell;
  const date = parseDate(cell);
  if (date === undefined) throw unfitValue('generalize', column, 'It is not an ISO date.');
  const [year, month] = civilOf(date.day);
  const midnight = date.rest === '' ? '' : ` 00:00:00${/[+-]\d\d(?::\d\d)*$/.exec(date.rest)?.[0] ?? ''}`;
  if (unit === 'day') return formatDate(date.day, midnight);
  const first =
    unit === 'month'
      ? dayOf(year, month, 1)
      : unit === 'quarter'
        ? dayOf(year, month - ((month - 1) % 3), 1)
        : dayOf(unit === 'year' ? year : Math.floor(year / 10) * 10, 1, 1);
  return formatDate(first, midnight);
}
