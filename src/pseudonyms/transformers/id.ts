import { HoldfastError } from '../../base/errors.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Permutation } from '../permutation.ts';
import {
  assertType,
  type ColumnFacts,
  type Guarantee,
  greatestInteger,
  isTextual,
  type Run,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

/**
 * A permutation of whole numbers. Zero stays, the sign stays, and a value stays within its band, so that an `integer`
 * and a `bigint` column that refer to each other map alike, and what JavaScript could count exactly it still can:
 *
 *     1 … 2^31-1 | 2^31 … 2^53-1 | 2^53 … 2^63-1 | above (numeric)
 *
 * A column with a smaller range (smallint, numeric(6,0)) has its own, smaller band. With `min` and `max` there is one band
 * from min to max, zero included.
 */
interface Band {
  readonly low: bigint;
  readonly high: bigint;
  readonly permutation: Permutation;
}

/** Bands of the numbers from `low` to `greatest`, cut at the limits that all columns share. */
function bands(key: DomainKey, sign: string, low: bigint, greatest: bigint): Band[] {
  const found: Band[] = [];
  let from = low;
  for (const limit of [2n ** 31n - 1n, 2n ** 53n - 1n, 2n ** 63n - 1n, greatest]) {
    const high = limit < greatest ? limit : greatest;
    if (high < from) continue;
    const permutation = new Permutation(key, `id ${sign}${from}`, high - from + 1n);
    found.push({ low: from, high, permutation });
    from = high + 1n;
  }
  return found;
}

const exactLimit = 2 ** 53;

export function id(options: Options): Transformer {
  const min = options.bigint('min');
  const max = options.bigint('max');
  options.done();
  if ((min === undefined) !== (max === undefined) || (min !== undefined && max !== undefined && min >= max))
    throw new HoldfastError('config', 'The range of `id` is wrong.', {
      why: '`min` and `max` go together, and `min` is the smaller one.',
    });

  const greatest = (column: ColumnFacts): bigint => {
    assertType('id', column, 'smallint', 'integer', 'bigint', 'numeric', 'text');
    // Whole numbers in a text are as large as the text allows.
    const most =
      greatestInteger(column) ??
      10n ** BigInt(Math.min(column.type === 'numeric' ? 38 : (column.maxLength ?? 38), 38)) - 1n;
    if (max !== undefined && (max > most || min! < -most - 1n))
      throw new HoldfastError('config', `The range of \`id\` does not fit ${column.name}.`, {
        why: `The column holds up to ${most}.`,
      });
    return most;
  };

  const guarantee = (column: ColumnFacts): Guarantee => {
    greatest(column);
    return {
      uniqueness: 'bijective',
      maxLength: undefined,
      nulls: 'kept',
      empty: 'kept',
      canonical: 'the whole number, without leading zeros',
      reversible: true,
    };
  };

  const run = (key: DomainKey, column: ColumnFacts, backwards: boolean): Run => {
    const most = greatest(column);
    const ranged = min !== undefined && max !== undefined;
    const up: Band[] = ranged
      ? [{ low: min, high: max, permutation: new Permutation(key, `id from ${min}`, max - min + 1n) }]
      : bands(key, '+', 1n, most);
    // -1 is 0 here, and the most negative value the greatest.
    const down = ranged ? [] : bands(key, '-', 0n, lowest(column, most));
    let numbers = new Float64Array(0);
    let where = new Int32Array(0);

    return (cells, out) => {
      const count = cells.length;
      if (numbers.length < count) {
        numbers = new Float64Array(count);
        where = new Int32Array(count);
      }
      const large: { value: bigint; at: number }[] = [];
      const first = up[0]!;
      const firstHigh = first.high < exactLimit ? Number(first.high) : exactLimit - 1;
      const firstLow = Number(first.low);
      let taken = 0;
      for (let i = 0; i < count; i++) {
        const cell = cells[i]!;
        if (cell === null || cell === '' || (cell === '0' && !ranged)) {
          out[i] = cell;
          continue;
        }
        const value = cell.length < 16 ? integerOf(cell) : Number.NaN;
        if (value >= firstLow && value <= firstHigh && first.permutation.size <= exactLimit) {
          numbers[taken] = value - firstLow;
          where[taken++] = i;
        } else {
          if (!/^(?:0|-?[1-9]\d{0,39})$/.test(cell))
            throw unfitValue('id', column, 'It is not a whole number, or is written with leading zeros.');
          large.push({ value: BigInt(cell), at: i });
        }
      }
      if (taken > 0) first.permutation.numbers(numbers, taken, backwards);
      for (let k = 0; k < taken; k++) out[where[k]!] = String(numbers[k]! + firstLow);

      const groups = new Map<Band, { value: bigint; at: number }[]>();
      for (const item of large) {
        const negative = item.value < 0n && !ranged;
        if (item.value === 0n && !ranged) {
          out[item.at] = '0';
          continue;
        }
        const value = negative ? -1n - item.value : item.value;
        const band = (negative ? down : up).find(({ low, high }) => value >= low && value <= high);
        if (band === undefined) throw unfitValue('id', column, 'It lies outside the range of the rule.');
        const group = groups.get(band) ?? [];
        group.push({ value: value - band.low, at: item.at });
        groups.set(band, group);
      }
      for (const [band, group] of groups) {
        const values = group.map(({ value }) => value);
        band.permutation.bigints(values, values.length, backwards);
        const negative = down.includes(band);
        group.forEach(({ at }, k) => {
          const value = values[k]! + band.low;
          out[at] = String(negative ? -1n - value : value);
        });
      }
    };
  };

  return {
    kind: 'id',
    companions: [],
    guarantee,
    prepare: ({ key, column }) => run(key, column, false),
    reveal: ({ key, column }) => run(key, column, true),
  };
}

/** The greatest n of which -1-n still fits: integers reach one further below zero, the sign takes a character of a text. */
function lowest(column: ColumnFacts, most: bigint): bigint {
  if (column.type === 'numeric') return most - 1n;
  return isTextual(column) ? most / 10n - 1n : most;
}

/** A whole number of up to 15 digits; NaN for anything else, and for leading zeros. */
function integerOf(cell: string): number {
  let value = 0;
  for (let k = 0; k < cell.length; k++) {
    const digit = cell.charCodeAt(k) - 48;
    if (digit < 0 || digit > 9 || (k === 0 && digit === 0)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
