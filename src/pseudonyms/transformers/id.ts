import { HoldfastError } from '../../base/errors.ts';
import { ByteColumn } from '../byte-column.ts';
import { writeWhole } from '../byte-numbers.ts';
import { onStrings } from '../byte-runs.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Permutation } from '../permutation.ts';
import {
  assertType,
  type ByteRun,
  type Cell,
  type ColumnFacts,
  type Guarantee,
  greatestInteger,
  isTextual,
  type Transformer,
  unfitValue,
} from '../transformer.ts';
import { WideBand } from '../wide-band.ts';

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

const zero = 0x30;
const minus = 0x2d;
const exactLimit = 2 ** 53;

/** A band of which all values are exact as numbers, with those of a batch. */
class NumberBand {
  readonly low: number;
  readonly high: number;
  readonly #permutation: Permutation;
  #values = new Float64Array(0);
  #taken = 0;
  #next = 0;

  constructor({ low, high, permutation }: Band) {
    this.low = Number(low);
    this.high = Number(high);
    this.#permutation = permutation;
  }

  static fits({ low, high, permutation }: Band): boolean {
    return low > -exactLimit && high < exactLimit && permutation.size <= exactLimit;
  }

  begin(count: number): void {
    if (this.#values.length < count) this.#values = new Float64Array(count);
    this.#taken = this.#next = 0;
  }

  push(value: number): void {
    this.#values[this.#taken++] = value - this.low;
  }

  permute(backwards: boolean): void {
    if (this.#taken > 0) this.#permutation.numbers(this.#values, this.#taken, backwards);
  }

  /** The values that were pushed, one after the other. */
  shift(): number {
    return this.#values[this.#next++]! + this.low;
  }
}

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

  const run = (key: DomainKey, column: ColumnFacts, backwards: boolean): ByteRun => {
    const most = greatest(column);
    const ranged = min !== undefined && max !== undefined;
    const up: Band[] = ranged
      ? [{ low: min, high: max, permutation: new Permutation(key, `id from ${min}`, max - min + 1n) }]
      : bands(key, '+', 1n, most);
    // -1 is 0 here, and the most negative value the greatest.
    const down = ranged ? [] : bands(key, '-', 0n, lowest(column, most));
    const exact = up.filter(NumberBand.fits).map((band) => new NumberBand(band));
    const wider = up.find((band) => !NumberBand.fits(band) && WideBand.fits(band.low, band.high));
    const wide = wider && new WideBand(wider.low, wider.high, wider.permutation);
    const inWide = exact.length + 1;
    /** Of every cell: 1 + the band of `exact` that it is in, or `inWide`; 0 for all others. */
    let inBand = new Uint8Array(0);
    const [large, others] = [new ByteColumn(), new ByteColumn()];

    /** What is beyond those, and negative: in order. */
    const moved = (cells: readonly Cell[]): Cell[] => {
      const made: Cell[] = new Array(cells.length);
      const groups = new Map<Band, { value: bigint; at: number }[]>();
      for (let at = 0; at < cells.length; at++) {
        const cell = cells[at]!;
        if (!/^(?:0|-?[1-9]\d{0,39})$/.test(cell))
          throw unfitValue('id', column, 'It is not a whole number, or is written with leading zeros.');
        const given = BigInt(cell);
        const negative = given < 0n && !ranged;
        const value = negative ? -1n - given : given;
        const band = (negative ? down : up).find(({ low, high }) => value >= low && value <= high);
        if (band === undefined) throw unfitValue('id', column, 'It lies outside the range of the rule.');
        const group = groups.get(band) ?? [];
        group.push({ value: value - band.low, at });
        groups.set(band, group);
      }
      for (const [band, group] of groups) {
        const values = group.map(({ value }) => value);
        band.permutation.bigints(values, values.length, backwards);
        const negative = down.includes(band);
        group.forEach(({ at }, k) => {
          const value = values[k]! + band.low;
          made[at] = String(negative ? -1n - value : value);
        });
      }
      return made;
    };

    return (cells, out) => {
      const { count, bytes, from, to } = cells;
      if (inBand.length < count) inBand = new Uint8Array(count);
      for (const band of exact) band.begin(count);
      wide?.begin(count);
      large.begin(count);
      let taken = 0;
      for (let i = 0; i < count; i++) {
        const [start, end] = [from[i]!, to[i]!];
        inBand[i] = 0;
        if (stays(bytes, start, end)) continue;
        const value = wholeAt(bytes, start, end);
        let band = 0;
        while (band < exact.length && !(value >= exact[band]!.low && value <= exact[band]!.high)) band++;
        if (band < exact.length) {
          exact[band]!.push(value);
          inBand[i] = band + 1;
        } else if (wide?.take(bytes, start, end)) inBand[i] = inWide;
        else {
          large.keep(cells, i);
          taken++;
        }
      }
      for (const band of exact) band.permute(backwards);
      wide?.permute(backwards);
      large.count = taken;
      if (taken > 0) others.fill(moved(large.strings()));
      let next = 0;
      out.begin(count, 20);
      for (let i = 0; i < count; i++) {
        if (inBand[i] === 0) {
          if (stays(bytes, from[i]!, to[i]!)) out.keep(cells, i);
          else out.keep(others, next++);
          continue;
        }
        out.reserve(20);
        if (inBand[i] === inWide) wide!.write(out);
        else {
          const value = exact[inBand[i]! - 1]!.shift();
          if (value < 0) out.bytes[out.at++] = minus;
          out.at = writeWhole(out.bytes, out.at, Math.abs(value));
        }
        out.end();
      }
    };

    /** NULL, '', and zero, unless the rule has a range of its own. */
    function stays(bytes: Buffer, start: number, end: number): boolean {
      return end <= start || (end - start === 1 && bytes[start] === zero && !ranged);
    }
  };

  return {
    kind: 'id',
    companions: [],
    guarantee,
    prepare: ({ key, column }) => onStrings(run(key, column, false)),
    prepareBytes: ({ key, column }) => run(key, column, false),
    reveal: ({ key, column }) => onStrings(run(key, column, true)),
  };
}

/** The greatest n of which -1-n still fits: integers reach one further below zero, the sign takes a character of a text. */
function lowest(column: ColumnFacts, most: bigint): bigint {
  if (column.type === 'numeric') return most - 1n;
  return isTextual(column) ? most / 10n - 1n : most;
}

/**
 * A whole number of up to 16 digits; NaN for anything else, and for leading zeros. Those from 2^53 on may come out as
 * others, but none below it.
 */
function wholeAt(bytes: Buffer, start: number, end: number): number {
  if (end - start > 16 || bytes[start] === zero) return Number.NaN;
  let value = 0;
  for (let k = start; k < end; k++) {
    const digit = bytes[k]! - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
