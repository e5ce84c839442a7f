import { onStrings } from '../byte-runs.ts';
import type { Kernels } from '../kernels/kernels.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Permutation } from '../permutation.ts';
import { PlacePermutation } from '../place-permutation.ts';
import { digitAlphabet } from '../place-ranks.ts';
import { characterClasses, ShapePermutation } from '../shape-permutation.ts';
import { assertFits, assertType, type Guarantee, type Transformer } from '../transformer.ts';
import { Grouping, type NumberForm, type NumberMap, numberCodes, numberRun, type ValidNumbers } from './grouped.ts';

interface NumberKind extends NumberForm {
  readonly length: number;
  readonly canonical: string;
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
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      return numberRun(number, number.map(key), new ShapePermutation(key, characterClasses, () => {}));
    },
  };
}

/** Makes the check digits of numbers of a kind right. */
export function seal(kernel: Kernels, kind: NumberForm['kind'], { bytes, from, to, list, count }: ValidNumbers): void {
  kernel.run.sealNumbers(numberCodes[kind], bytes, from, to, list, count);
}

const digitsOnly = new Grouping(' .-', false);
const withCapitals = new Grouping(' .-', true);

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

/** Runs permutations on numbers, of those with so many bytes, or of all. */
function permute(
  kernel: Kernels,
  { bytes, from, to, list, count }: ValidNumbers,
  permutations: readonly PlacePermutation[],
  length = 0,
): void {
  kernel.within(() => {
    const starts = kernel.take(count * 4);
    const taken = kernel.run.startsOf(from, to, list, count, length, starts);
    if (taken > 0) for (const permutation of permutations) permutation.run(kernel, bytes, starts, taken);
  });
}

/**
 * A permutation of the 10^8 company numbers, which stand at `at` of every number; SIRET and French VAT numbers use the same
 * one, so they agree.
 */
function companies(key: DomainKey, at: number): PlacePermutation {
  return digitPermutation(key, 'siren', at, at + 8);
}

/** Permutes digits, and makes the check digits right. */
function digitMap(kind: NumberForm['kind'], ...permutations: readonly PlacePermutation[]): NumberMap {
  return (kernel, valid) => {
    permute(kernel, valid, permutations);
    seal(kernel, kind, valid);
  };
}

export const siren = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'siren',
    length: 9,
    canonical: 'digits without grouping',
    grouping: digitsOnly,
    map: (key) => digitMap('siren', companies(key, 0)),
  });

/** The company's number becomes what `siren` makes of it; the establishment's four digits are shuffled by the key. */
export const siret = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'siret',
    length: 14,
    canonical: 'digits without grouping',
    grouping: digitsOnly,
    map: (key) => digitMap('siret', companies(key, 0), digitPermutation(key, 'siret establishment', 9, 13)),
  });

/** French VAT numbers agree with `siren`; those of other countries keep their shape, as `code` does. */
export const vat = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'vat',
    length: 13,
    canonical: 'capitals and digits without grouping',
    grouping: withCapitals,
    map: (key) => digitMap('vat', companies(key, 4)),
  });

/** Years, months, départements, communes and orders of birth. */
const births = 100n * 12n * 99n * 999n * 999n;

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
    map(key) {
      // One permutation for each sex would be two dictionaries of half the size.
      const permutation = new Permutation(key, 'nir', births);
      const { right } = permutation;
      return (kernel, valid) => {
        const { bytes, from, list, count } = valid;
        kernel.within(() => {
          const values = kernel.take(count * 16);
          kernel.run.readNirs(bytes, from, list, count, right, values);
          permutation.permuteIn(kernel, values, count, false);
          kernel.run.writeNirs(values, right, bytes, from, list, count);
        });
        seal(kernel, 'national-id', valid);
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
    length: 13,
    canonical: 'digits without grouping',
    grouping: digitsOnly,
    map(key) {
      // In the test range the first digits are folded in by the permutation of the whole, of which the last nine stay.
      const first = range === 'permute' ? 1 : 0;
      const lengths = [13, 14, 15, 16, 17, 18, 19];
      const permutations = lengths.map((length) => digitPermutation(key, `card ${range}`, first, length - 1));
      return (kernel, valid) =>
        kernel.within(() => {
          const { bytes, from, list, count } = valid;
          const digits = kernel.take(count);
          kernel.run.firstDigits(bytes, from, list, count, digits);
          for (const [k, permutation] of permutations.entries()) permute(kernel, valid, [permutation], lengths[k]);
          if (range === 'test') kernel.run.writeLeads(bytes, from, list, count, digits, kernel.put(testRanges));
          seal(kernel, 'card', valid);
        });
    },
  };
  const made = numberTransformer(options, number);
  if (range === 'permute') return made;
  return {
    ...made,
    guarantee: (column) => ({ ...made.guarantee(column), uniqueness: { bits: 19 } }),
    prepare: (context) => made.prepare.call(made, context),
    prepareBytes: (context) => made.prepareBytes!.call(made, context),
  };
}

const published: Record<number, string> = { 2: '222300', 3: '378282', 4: '424242', 5: '555555', 6: '601111' };
/** By the first digit, each in eight bytes. */
const testRanges = new Int32Array(
  Uint8Array.from(
    Array.from({ length: 10 }, (_, digit) => [...Buffer.from(`${published[digit] ?? '424242'}\0\0`)]).flat(),
  ).buffer,
);
