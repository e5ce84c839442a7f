import { luhnDigit, nirKey, passesLuhn, twoDigits, vatKey } from '../check-digits.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Permutation } from '../permutation.ts';
import { assertFits, assertType, type Guarantee, type Transformer } from '../transformer.ts';
import { oddValues, regrouped } from './grouped.ts';

/** Maps a batch of valid, stripped numbers to valid ones, one to one. */
export type NumberMap = (valid: readonly string[]) => string[];

interface NumberKind {
  readonly kind: string;
  readonly length: number;
  readonly canonical: string;
  /** The beginning of a cell that stays even where the number is not valid. */
  readonly head?: RegExp;
  strip(cell: string): string;
  valid(compact: string): boolean;
  map(key: DomainKey): NumberMap;
}

/** A transformer of numbers with check digits: a permutation of the valid ones, and of all the others. */
export function numberTransformer(options: Options, number: NumberKind): Transformer {
  options.done();
  const { kind } = number;
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
    prepare({ key, column }) {
      this.guarantee(column);
      const map = number.map(key);
      const odd = oddValues(key, number.valid, number.head);
      return (cells, out) => {
        const where: number[] = [];
        const valid: string[] = [];
        const others: number[] = [];
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          out[i] = cell;
          if (!cell) continue;
          const compact = number.strip(cell);
          if (number.valid(compact)) {
            where.push(i);
            valid.push(compact);
          } else others.push(i);
        }
        const mapped = map(valid);
        for (let k = 0; k < where.length; k++) out[where[k]!] = regrouped(cells[where[k]!]!, mapped[k]!);
        if (others.length > 0) odd(cells, others, out, number.strip);
      };
    },
  };
}

const withoutGrouping = (cell: string): string => cell.replace(/[ .\-\u00a0]/g, '');

/** A permutation of the 10^8 company numbers; SIRET and French VAT numbers use the same one, so they agree. */
function sirenMap(key: DomainKey): NumberMap {
  const permutation = new Permutation(key, 'siren', 10n ** 8n);
  return (valid) => {
    const values = Float64Array.from(valid, (siren) => Number(siren.slice(0, 8)));
    permutation.numbers(values, values.length);
    return Array.from(values, (value) => {
      const payload = String(value).padStart(8, '0');
      return payload + luhnDigit(payload);
    });
  };
}

const validSiren = (compact: string): boolean => compact.length === 9 && passesLuhn(compact);

export const siren = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'siren',
    length: 9,
    canonical: 'digits without grouping',
    strip: withoutGrouping,
    valid: validSiren,
    map: sirenMap,
  });

/** The company's number becomes what `siren` makes of it; the establishment's four digits are shuffled by the key. */
export const siret = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'siret',
    length: 14,
    canonical: 'digits without grouping',
    strip: withoutGrouping,
    valid: (compact) => compact.length === 14 && validSiren(compact.slice(0, 9)) && passesLuhn(compact),
    map(key) {
      const company = sirenMap(key);
      const establishment = new Permutation(key, 'siret establishment', 10_000n);
      return (valid) => {
        const sirens = company(valid.map((number) => number.slice(0, 9)));
        const values = Float64Array.from(valid, (number) => Number(number.slice(9, 13)));
        establishment.numbers(values, values.length);
        return sirens.map((number, k) => {
          const payload = number + String(values[k]).padStart(4, '0');
          return payload + luhnDigit(payload);
        });
      };
    },
  });

/** French VAT numbers agree with `siren`; those of other countries keep their shape, as `code` does. */
export const vat = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'vat',
    length: 13,
    canonical: 'capitals and digits without grouping',
    head: /^ *[A-Za-z]{2}/,
    strip: (cell) => withoutGrouping(cell).toUpperCase(),
    valid: (compact) =>
      /^FR\d{11}$/.test(compact) && validSiren(compact.slice(4)) && vatKey(compact.slice(4)) === compact.slice(2, 4),
    map(key) {
      const company = sirenMap(key);
      return (valid) => company(valid.map((number) => number.slice(4))).map((number) => `FR${vatKey(number)}${number}`);
    },
  });

/** Départements of birth, as the number writes them; 99 is abroad. */
const departments = [
  ...Array.from({ length: 95 }, (_, k) => twoDigits(k + 1)).filter((name) => name !== '20'),
  ...['2A', '2B', '97', '98', '99'],
];
const departmentIndex = new Map(departments.map((name, k) => [name, k]));

/**
 * French social security numbers: sex stays; year, month, place and order of birth become others, and the key is right.
 */
export function nationalId(options: Options): Transformer {
  options.choice('country', ['FR'], 'FR');
  return numberTransformer(options, {
    kind: 'national-id',
    length: 15,
    canonical: 'digits and capitals without grouping',
    strip: (cell) => withoutGrouping(cell).toUpperCase(),
    valid: (compact) =>
      /^[12]\d\d(?:0[1-9]|1[0-2])(?:\d\d|2[AB])\d{8}$/.test(compact) &&
      departmentIndex.has(compact.slice(5, 7)) &&
      compact.slice(7, 10) !== '000' &&
      compact.slice(10, 13) !== '000' &&
      nirKey(compact.slice(0, 13)) === compact.slice(13),
    map(key) {
      // Year, month, département, commune, order; one permutation for each sex would be two dictionaries of half the size.
      const size = 100n * 12n * BigInt(departments.length) * 999n * 999n;
      const permutation = new Permutation(key, 'nir', size);
      return (valid) => {
        const values = Float64Array.from(valid, (number) => {
          const month = Number(number.slice(1, 3)) * 12 + Number(number.slice(3, 5)) - 1;
          const place = month * departments.length + departmentIndex.get(number.slice(5, 7))!;
          return (place * 999 + Number(number.slice(7, 10)) - 1) * 999 + Number(number.slice(10, 13)) - 1;
        });
        permutation.numbers(values, values.length);
        return Array.from(values, (value, k) => {
          const order = (value % 999) + 1;
          const rest = Math.floor(value / 999);
          const place = Math.floor(rest / 999);
          const month = Math.floor(place / departments.length);
          const number =
            valid[k]![0]! +
            twoDigits(Math.floor(month / 12)) +
            twoDigits((month % 12) + 1) +
            departments[place % departments.length]! +
            String((rest % 999) + 1).padStart(3, '0') +
            String(order).padStart(3, '0');
          return number + nirKey(number);
        });
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
    strip: withoutGrouping,
    valid: (compact) => compact.length >= 13 && compact.length <= 19 && passesLuhn(compact),
    map(key) {
      const permutations = new Map<number, Permutation>();
      const permutation = (length: number): Permutation => {
        const found = permutations.get(length) ?? new Permutation(key, `card ${range}`, 10n ** BigInt(length));
        permutations.set(length, found);
        return found;
      };
      return (valid) =>
        // Cards are few; one by one keeps the lengths apart.
        valid.map((digits) => {
          // In the test range the first digits are folded in by the permutation of the whole, of which the last nine stay.
          const payload = digits.slice(range === 'permute' ? 1 : 0, -1);
          const value = [BigInt(payload)];
          permutation(payload.length).bigints(value, 1);
          const text = value[0]!.toString().padStart(payload.length, '0');
          const made = range === 'permute' ? digits[0]! + text : testRange(digits) + text.slice(6);
          return made + luhnDigit(made);
        });
    },
  };
  const made = numberTransformer(options, { ...number, length: 13 });
  if (range === 'permute') return made;
  return {
    ...made,
    guarantee: (column) => ({ ...made.guarantee(column), uniqueness: { bits: 19 } }),
    prepare: (context) => made.prepare.call(made, context),
  };
}

function testRange(digits: string): string {
  const ranges: Record<string, string> = { '2': '222300', '3': '378282', '4': '424242', '5': '555555', '6': '601111' };
  return ranges[digits[0]!] ?? '424242';
}
