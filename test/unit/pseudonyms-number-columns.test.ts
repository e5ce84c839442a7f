import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ibanCheck, nirKey, passesLuhn, ribKey, vatKey } from '../../src/pseudonyms/check-digits.ts';
import type { Options, RawOptions } from '../../src/pseudonyms/options.ts';
import { Permutation } from '../../src/pseudonyms/permutation.ts';
import type { Transformer } from '../../src/pseudonyms/transformer.ts';
import { iban } from '../../src/pseudonyms/transformers/bank.ts';
import { card, nationalId, siren, siret, vat } from '../../src/pseudonyms/transformers/numbers.ts';
import { classes, key, prepared, promised } from '../support/code-shapes.ts';

/** Numbers with check digits, by their definition: kernels take a column at a time. */
interface Definition {
  readonly kind: (options: Options) => Transformer;
  readonly options?: RawOptions;
  readonly between: RegExp;
  readonly capitals: boolean;
  readonly valid: (text: string) => boolean;
  /** What becomes of a valid number. */
  readonly moved: (text: string) => string;
  readonly head?: RegExp;
  readonly made: fc.Arbitrary<string>;
}
const two = (value: number) => String(value).padStart(2, '0');
const luhn = (payload: string) => [...'0123456789'].find((digit) => passesLuhn(payload + digit))!;
/** A permutation of digits, by its purpose. */
function digitsMoved(purpose: string, digits: string): string {
  const values = [BigInt(digits)];
  new Permutation(key, purpose, 10n ** BigInt(digits.length)).bigints(values, 1);
  return String(values[0]).padStart(digits.length, '0');
}
const sirenMoved = (text: string) => {
  const payload = digitsMoved('siren', text.slice(0, 8));
  return payload + luhn(payload);
};
const isSiren = (text: string) => text.length === 9 && passesLuhn(text);
const isKeyed = (text: string) => /^(?:FR|MC)\d{12}.{11}\d{2}$/.test(text);
const published: Record<string, string> = { 2: '222300', 3: '378282', 4: '424242', 5: '555555', 6: '601111' };
const places = [...Array.from({ length: 95 }, (_, k) => two(k + 1)).filter((name) => name !== '20')].concat(
  ...[['2A', '2B', '97', '98', '99']],
);
const isNir = (text: string) =>
  /^[12]\d\d(?:0[1-9]|1[0-2])..\d{8}$/.test(text) &&
  places.includes(text.slice(5, 7)) &&
  text.slice(7, 10) !== '000' &&
  text.slice(10, 13) !== '000' &&
  nirKey(text) === text.slice(13);
const nirMoved = (text: string) => {
  const month = Number(text.slice(1, 3)) * 12 + Number(text.slice(3, 5)) - 1;
  const place = month * 99 + places.indexOf(text.slice(5, 7));
  const values = [(BigInt(place) * 999n + BigInt(text.slice(7, 10)) - 1n) * 999n + BigInt(text.slice(10, 13)) - 1n];
  new Permutation(key, 'nir', 100n * 12n * 99n * 999n * 999n).bigints(values, 1);
  const value = Number(values[0]);
  const [order, commune] = [value % 999, Math.floor(value / 999) % 999];
  const rest = Math.floor(value / 999 / 999);
  const born = Math.floor(rest / 99);
  const three = (part: number) => String(part + 1).padStart(3, '0');
  const made = `${text[0]}${two(Math.floor(born / 12))}${two((born % 12) + 1)}${places[rest % 99]}${three(commune)}${three(order)}`;
  return made + nirKey(made);
};
const digits = (least: number, most = least) => fc.stringMatching(new RegExp(`^[0-9]{${least},${most}}$`));
const sirens = digits(8).map((payload) => payload + luhn(payload));
const definitions: Record<string, Definition> = {
  iban: {
    kind: iban,
    between: /[ \-\u00a0]/g,
    capitals: true,
    valid: (text) =>
      /^[A-Z]{2}\d\d[0-9A-Z]{11,30}$/.test(text) &&
      text.slice(2, 4) === ibanCheck(text.slice(0, 2), text.slice(4)) &&
      (!isKeyed(text) || ribKey(text.slice(4, 25)) === text.slice(25)),
    moved: (text) => {
      const payload = promised(isKeyed(text) ? text.slice(4, 25) : text.slice(4), classes);
      const bban = isKeyed(text) ? payload + ribKey(payload) : payload;
      return text.slice(0, 2) + ibanCheck(text.slice(0, 2), bban) + bban;
    },
    made: fc.oneof(
      fc
        .tuple(fc.constantFrom('FR', 'MC'), fc.stringMatching(/^[0-9]{10}[0-9A-Z]{11}$/))
        .map(([country, account]) => [country, account + ribKey(account)] as const)
        .map(([country, bban]) => country + ibanCheck(country, bban) + bban),
      fc
        .tuple(fc.stringMatching(/^[A-Z]{2}$/), fc.stringMatching(/^[0-9A-Z]{9,32}$/))
        .map(([country, bban]) => country + ibanCheck(country, bban) + bban),
      fc
        .tuple(fc.constantFrom('FR', 'DE'), digits(11, 31))
        .map(([country, bban]) => country + ibanCheck(country, bban) + bban),
    ),
  },
  siren: { kind: siren, between: /[ .\-\u00a0]/g, capitals: false, valid: isSiren, moved: sirenMoved, made: sirens },
  siret: {
    kind: siret,
    between: /[ .\-\u00a0]/g,
    capitals: false,
    valid: (text) => text.length === 14 && isSiren(text.slice(0, 9)) && passesLuhn(text),
    moved: (text) => {
      const payload = sirenMoved(text.slice(0, 9)) + digitsMoved('siret establishment', text.slice(9, 13));
      return payload + luhn(payload);
    },
    made: fc.tuple(sirens, digits(4)).map(([company, rest]) => company + rest + luhn(company + rest)),
  },
  vat: {
    kind: vat,
    between: /[ .\-\u00a0]/g,
    capitals: true,
    valid: (text) => /^FR\d{11}$/.test(text) && isSiren(text.slice(4)) && vatKey(text.slice(4)) === text.slice(2, 4),
    moved: (text) => {
      const company = sirenMoved(text.slice(4));
      return `FR${vatKey(company)}${company}`;
    },
    head: /^ *[A-Za-z]{2}/,
    made: fc.oneof(
      sirens.map((company) => `FR${vatKey(company)}${company}`),
      digits(9).map((number) => `DE${number}`),
    ),
  },
  'national-id': {
    kind: nationalId,
    between: /[ .\-\u00a0]/g,
    capitals: true,
    valid: isNir,
    moved: nirMoved,
    made: fc
      .tuple(
        fc.constantFrom('1', '2', '3'),
        digits(2),
        fc.integer({ min: 0, max: 13 }),
        fc.constantFrom(...places, '20', '2C'),
        digits(6),
      )
      .map(([sex, year, month, place, rest]) => `${sex}${year}${two(month)}${place}${rest}`)
      .map((number) => number + nirKey(number)),
  },
  card: {
    kind: card,
    between: /[ .\-\u00a0]/g,
    capitals: false,
    valid: (text) => text.length >= 13 && text.length <= 19 && passesLuhn(text),
    moved: (text) => {
      const payload = (published[text[0]!] ?? '424242') + digitsMoved('card test', text.slice(0, -1)).slice(6);
      return payload + luhn(payload);
    },
    made: digits(11, 19).map((payload) => payload + luhn(payload)),
  },
  'card, any': {
    kind: card,
    options: { range: 'permute' },
    between: /[ .\-\u00a0]/g,
    capitals: false,
    valid: (text) => text.length >= 13 && text.length <= 19 && passesLuhn(text),
    moved: (text) => {
      const payload = text[0]! + digitsMoved('card permute', text.slice(1, -1));
      return payload + luhn(payload);
    },
    made: digits(12, 18).map((payload) => payload + luhn(payload)),
  },
};

it.each(Object.keys(definitions))('%s: a whole column becomes what one text after the other does', (name) => {
  const { kind, options, between, capitals, valid, moved, head, made } = definitions[name]!;
  const run = prepared(kind, options);
  const bare = (text: string) => (capitals ? text.replace(between, '').toUpperCase() : text.replace(between, ''));
  const one = (cell: string): string => {
    const text = bare(cell);
    if (valid(text)) {
      const characters = [...moved(text)];
      if (cell.replace(/[^0-9A-Za-z]/g, '').length !== characters.length) return characters.join('');
      return cell.replace(/[0-9A-Za-z]/g, () => characters.shift()!);
    }
    const kept = head?.exec(cell)?.[0] ?? '';
    let rest = cell.slice(kept.length);
    if (rest === '') return cell;
    do rest = promised(rest, classes);
    while (valid(bare(kept + rest)));
    return kept + rest;
  };
  const odd = fc.oneof(
    fc.stringMatching(/^[0-9A-Za-z .-]{0,40}$/),
    fc.stringMatching(/^[0-9]{8,19}$/),
    fc.stringMatching(/^[é€😀 .-]{1,5}[0-9A-Z]{0,12}[\u00a0ſıﬃ]{0,2}$/u),
  );
  const cell = fc
    .tuple(
      made,
      odd,
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom('', ' ', '-', '.', '\u00a0', ' \u00a0'),
      fc.integer({ min: 1, max: 5 }),
    )
    .map(([number, other, which, separator, size]) => {
      if (which === 0) return null;
      if (which === 1) return '';
      if (which === 2) return other;
      if (which === 3) return number.toLowerCase();
      if (which === 4) return `${number.slice(0, -1)}${(Number(number.at(-1)) + 1) % 10}`;
      // Letters that become capitals of ASCII.
      if (which === 5) return number.replace('S', 'ſ').replace('FFI', 'ﬃ').replace('I', 'ı');
      return which < 8 ? number.replace(new RegExp(`.{${size}}`, 'g'), `$&${separator}`) : number;
    });
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 14 }), (cells) => {
      expect(run(...cells)).toEqual(cells.map((each) => (each ? one(each) : each)));
    }),
    { numRuns: 150 },
  );
});
