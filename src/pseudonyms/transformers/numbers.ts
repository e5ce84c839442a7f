import { ByteColumn } from '../byte-column.ts';
import { onStrings } from '../byte-runs.ts';
import {
  areDigits,
  luhnOf,
  nirKeyOf,
  passesLuhnOf,
  twoDigits,
  twoDigitsAt,
  vatKeyOf,
  writeTwoDigits,
} from '../check-digits.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Permutation } from '../permutation.ts';
import { PlacePermutation } from '../place-permutation.ts';
import { digitAlphabet } from '../place-ranks.ts';
import { assertFits, assertType, type Guarantee, type Transformer } from '../transformer.ts';
import { Grouping, type NumberForm, oddValues, regroup } from './grouped.ts';

/** Maps a batch of valid numbers without grouping to valid ones of the same length, one to one and in order. */
export type NumberMap = (valid: ByteColumn, made: ByteColumn) => void;

interface NumberKind extends NumberForm {
  readonly kind: string;
  readonly length: number;
  readonly canonical: string;
  map(key: DomainKey): NumberMap;
}

/** A transformer of numbers with check digits: a permutation of the valid ones, and of all the others. */
export function numberTransformer(options: Options, number: NumberKind): Transformer {
  options.done();
  const { kind, grouping } = number;
  return {
    kind,
    companions: [],
    guarantee(column): Guarantee {
      assertType(kind, column, 'text');
      assertFits(kind, number.length, column);
      return {
        uniqueness: 'bijective',
        maxLength: undefined,
        nulls: 'kept',
        empty: 'kept',
        canonical: number.canonical,
        reversible: false,
      };
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const map = number.map(key);
      const odd = oddValues(key, number);
      const stripped = new ByteColumn();
      const valid = new ByteColumn();
      const made = new ByteColumn();
      let isValid = new Uint8Array(0);
      let others = new Int32Array(0);
      return (cells, out) => {
        const { count, bytes, from, to } = cells;
        if (others.length < count) {
          isValid = new Uint8Array(count);
          others = new Int32Array(count);
        }
        valid.lieIn(cells, count);
        let [taken, left, grouped] = [0, 0, 0];
        for (let i = 0; i < count; i++) {
          const start = from[i]!;
          const end = to[i]!;
          // A valid number has no grouping: most columns need not be stripped.
          if (number.isValid(bytes, start, end)) {
            isValid[i] = 1;
            valid.from[taken] = start;
            valid.to[taken++] = end;
            continue;
          }
          isValid[i] = 0;
          if (end <= start) continue;
          if (!grouping.isPlain(cells, i)) {
            stripped.begin(1);
            grouping.strip(cells, i, stripped);
            if (number.isValid(stripped.bytes, stripped.from[0]!, stripped.to[0]!)) {
              isValid[i] = 1;
              grouped++;
              continue;
            }
          }
          others[left++] = i;
        }
        if (taken === count) {
          map(cells, out);
          return;
        }
        if (grouped > 0) {
          taken = 0;
          stripped.begin(count);
          for (let i = 0; i < count; i++) {
            if (isValid[i] === 0) continue;
            grouping.strip(cells, i, stripped);
            valid.from[taken] = stripped.from[taken]!;
            valid.to[taken] = stripped.to[taken]!;
            taken++;
          }
          valid.lieIn(stripped, taken);
        } else valid.lieIn(cells, taken);
        map(valid, made);
        out.begin(count);
        for (let i = 0, k = 0; i < count; i++) {
          if (isValid[i] === 0) out.keep(cells, i);
          else regroup(cells, i, made, k++, out);
        }
        if (left > 0) odd(cells, others, left, out);
      };
    },
  };
}

const digitsOnly = new Grouping(' .-', false);
const withCapitals = new Grouping(' .-', true);

/** All cells, as they are. */
function copyInto(cells: ByteColumn, out: ByteColumn): void {
  out.begin(cells.count);
  for (let i = 0; i < cells.count; i++) out.keep(cells, i);
}

/** Digits at the places from `from` to `to` (excluded) of every text. */
function digitPermutation(key: DomainKey, purpose: string, from: number, to: number): PlacePermutation {
  const places = Array.from({ length: to - from }, (_, k) => from + k);
  return new PlacePermutation(
    key,
    purpose,
    places,
    places.map(() => digitAlphabet),
  );
}

/**
 * A permutation of the 10^8 company numbers, which stand at `at` of every number; SIRET and French VAT numbers use the same
 * one, so they agree.
 */
function companyMap(key: DomainKey, at: number): NumberMap {
  const permutation = digitPermutation(key, 'siren', at, at + 8);
  return (valid, made) => {
    copyInto(valid, made);
    const { count, bytes, from } = made;
    permutation.run(bytes, from, count);
    for (let i = 0; i < count; i++) {
      const start = from[i]! + at;
      bytes[start + 8] = 0x30 + luhnOf(bytes, start, start + 8);
    }
  };
}

const isSiren = (bytes: Uint8Array, from: number, to: number): boolean =>
  to - from === 9 && passesLuhnOf(bytes, from, to);

export const siren = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'siren',
    length: 9,
    canonical: 'digits without grouping',
    grouping: digitsOnly,
    isValid: isSiren,
    map: (key) => companyMap(key, 0),
  });

/** The company's number becomes what `siren` makes of it; the establishment's four digits are shuffled by the key. */
export const siret = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'siret',
    length: 14,
    canonical: 'digits without grouping',
    grouping: digitsOnly,
    isValid: (bytes, from, to) => to - from === 14 && isSiren(bytes, from, from + 9) && passesLuhnOf(bytes, from, to),
    map(key) {
      const company = companyMap(key, 0);
      const establishment = digitPermutation(key, 'siret establishment', 9, 13);
      return (valid, made) => {
        company(valid, made);
        const { count, bytes, from } = made;
        establishment.run(bytes, from, count);
        for (let i = 0; i < count; i++) {
          const start = from[i]!;
          bytes[start + 13] = 0x30 + luhnOf(bytes, start, start + 13);
        }
      };
    },
  });

/** French VAT numbers agree with `siren`; those of other countries keep their shape, as `code` does. */
export const vat = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'vat',
    length: 13,
    canonical: 'capitals and digits without grouping',
    headLength(bytes, from, to) {
      let at = from;
      while (at < to && bytes[at] === 0x20) at++;
      return at + 2 <= to && isLetter(bytes[at]!) && isLetter(bytes[at + 1]!) ? at + 2 - from : 0;
    },
    grouping: withCapitals,
    isValid: (bytes, from, to) =>
      to - from === 13 &&
      bytes[from] === 0x46 &&
      bytes[from + 1] === 0x52 &&
      areDigits(bytes, from + 2, to) &&
      isSiren(bytes, from + 4, to) &&
      vatKeyOf(bytes, from + 4) === twoDigitsAt(bytes, from + 2),
    map(key) {
      const company = companyMap(key, 4);
      return (valid, made) => {
        company(valid, made);
        const { count, bytes, from } = made;
        for (let i = 0; i < count; i++) writeTwoDigits(bytes, from[i]! + 2, vatKeyOf(bytes, from[i]! + 4));
      };
    },
  });

function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

/** Départements of birth, as the number writes them; 99 is abroad. */
const departments = [
  ...Array.from({ length: 95 }, (_, k) => twoDigits(k + 1)).filter((name) => name !== '20'),
  ...['2A', '2B', '97', '98', '99'],
];
const departmentCodes = Buffer.from(departments.join(''));
/** By the two bytes of its name; -1 where there is none. */
const departmentIndex = new Int8Array(1 << 14).fill(-1);
for (let k = 0; k < departments.length; k++)
  departmentIndex[(departmentCodes[2 * k]! << 7) | departmentCodes[2 * k + 1]!] = k;

function departmentAt(bytes: Uint8Array, at: number): number {
  const [first, second] = [bytes[at]!, bytes[at + 1]!];
  return first < 128 && second < 128 ? departmentIndex[(first << 7) | second]! : -1;
}

function threeDigitsAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 100 + twoDigitsAt(bytes, at + 1) - 4800;
}

function writeThreeDigits(bytes: Uint8Array, at: number, value: number): void {
  const hundreds = (value / 100) | 0;
  bytes[at] = 0x30 + hundreds;
  writeTwoDigits(bytes, at + 1, value - hundreds * 100);
}

function isNir(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== 15 || (bytes[from] !== 0x31 && bytes[from] !== 0x32)) return false;
  if (!areDigits(bytes, from + 1, from + 5) || !areDigits(bytes, from + 7, to)) return false;
  const month = twoDigitsAt(bytes, from + 3);
  return (
    month >= 1 &&
    month <= 12 &&
    departmentAt(bytes, from + 5) >= 0 &&
    threeDigitsAt(bytes, from + 7) > 0 &&
    threeDigitsAt(bytes, from + 10) > 0 &&
    nirKeyOf(bytes, from) === twoDigitsAt(bytes, from + 13)
  );
}

/**
 * French social security numbers: sex stays; year, month, place and order of birth become others, and the key is right.
 */
export function nationalId(options: Options): Transformer {
  options.choice('country', ['FR'], 'FR');
  return numberTransformer(options, {
    kind: 'national-id',
    length: 15,
    canonical: 'digits and capitals without grouping',
    grouping: withCapitals,
    isValid: isNir,
    map(key) {
      // Year, month, département, commune, order; one permutation for each sex would be two dictionaries of half the size.
      const size = 100n * 12n * BigInt(departments.length) * 999n * 999n;
      const permutation = new Permutation(key, 'nir', size);
      let values = new Float64Array(0);
      return (valid, made) => {
        copyInto(valid, made);
        const { count, bytes, from } = made;
        if (values.length < count) values = new Float64Array(count);
        for (let i = 0; i < count; i++) {
          const start = from[i]!;
          const month = twoDigitsAt(bytes, start + 1) * 12 + twoDigitsAt(bytes, start + 3) - 1;
          const place = month * departments.length + departmentAt(bytes, start + 5);
          values[i] = (place * 999 + threeDigitsAt(bytes, start + 7) - 1) * 999 + threeDigitsAt(bytes, start + 10) - 1;
        }
        permutation.numbers(values, count);
        for (let i = 0; i < count; i++) {
          const start = from[i]!;
          const value = values[i]!;
          const rest = Math.floor(value / 999);
          const place = Math.floor(rest / 999);
          const month = (place / departments.length) | 0;
          const department = place - month * departments.length;
          const year = (month / 12) | 0;
          writeTwoDigits(bytes, start + 1, year);
          writeTwoDigits(bytes, start + 3, month - year * 12 + 1);
          bytes[start + 5] = departmentCodes[2 * department]!;
          bytes[start + 6] = departmentCodes[2 * department + 1]!;
          writeThreeDigits(bytes, start + 7, rest - place * 999 + 1);
          writeThreeDigits(bytes, start + 10, value - rest * 999 + 1);
          writeTwoDigits(bytes, start + 13, nirKeyOf(bytes, start));
        }
      };
    },
  });
}

/**
 * Payment cards. `test` (the default): the leading six digits become those of a range that payment providers publish for
 * tests, so the number can never be charged; nine digits are keyed. `permute`: a permutation of all numbers of that length
 * and brand digit, which may be somebody's.
 */
export function card(options: Options): Transformer {
  const range = options.choice('range', ['test', 'permute'], 'test');
  const number: NumberKind = {
    kind: 'card',
    length: 19,
    canonical: 'digits without grouping',
    grouping: digitsOnly,
    isValid: (bytes, from, to) => to - from >= 13 && to - from <= 19 && passesLuhnOf(bytes, from, to),
    map(key) {
      const permutations = new Map<number, PlacePermutation>();
      // In the test range the first digits are folded in by the permutation of the whole, of which the last nine stay.
      const first = range === 'permute' ? 1 : 0;
      const permutation = (length: number): PlacePermutation => {
        const found = permutations.get(length) ?? digitPermutation(key, `card ${range}`, first, length - 1);
        permutations.set(length, found);
        return found;
      };
      let starts = new Int32Array(0);
      return (valid, made) => {
        copyInto(valid, made);
        const { count, bytes, from, to } = made;
        if (starts.length < count) starts = new Int32Array(count);
        for (let length = 13; length <= 19; length++) {
          let taken = 0;
          for (let i = 0; i < count; i++) if (to[i]! - from[i]! === length) starts[taken++] = from[i]!;
          if (taken > 0) permutation(length).run(bytes, starts, taken);
        }
        for (let i = 0; i < count; i++) {
          const [start, last] = [from[i]!, to[i]! - 1];
          if (range === 'test') {
            const lead = testRanges[valid.bytes[valid.from[i]!]! - 0x30]!;
            for (let k = 0; k < lead.length; k++) bytes[start + k] = lead[k]!;
          }
          bytes[last] = 0x30 + luhnOf(bytes, start, last);
        }
      };
    },
  };
  const made = numberTransformer(options, { ...number, length: 13 });
  if (range === 'permute') return made;
  return {
    ...made,
    guarantee: (column) => ({ ...made.guarantee(column), uniqueness: { bits: 19 } }),
    prepare: (context) => made.prepare.call(made, context),
    prepareBytes: (context) => made.prepareBytes!.call(made, context),
  };
}

const published: Record<number, string> = { 2: '222300', 3: '378282', 4: '424242', 5: '555555', 6: '601111' };
/** By the first digit. */
const testRanges = Array.from({ length: 10 }, (_, digit) => Buffer.from(published[digit] ?? '424242'));
