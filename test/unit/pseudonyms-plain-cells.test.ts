import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base32 } from '../../src/pseudonyms/base32.ts';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { exact, folded, keyed } from '../../src/pseudonyms/canonical.ts';
import { formatDate, parseDate } from '../../src/pseudonyms/civil-date.ts';
import { firstNames } from '../../src/pseudonyms/dictionaries/first-names.ts';
import { lastNames } from '../../src/pseudonyms/dictionaries/last-names.ts';
import { places } from '../../src/pseudonyms/dictionaries/places.ts';
import { parseIp } from '../../src/pseudonyms/ip-text.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { Options, type RawOptions } from '../../src/pseudonyms/options.ts';
import { Permutation } from '../../src/pseudonyms/permutation.ts';
import { Prf } from '../../src/pseudonyms/prf.ts';
import type { Cell, Transformer } from '../../src/pseudonyms/transformer.ts';
import { city } from '../../src/pseudonyms/transformers/address.ts';
import { birthDate } from '../../src/pseudonyms/transformers/dates.ts';
import { email } from '../../src/pseudonyms/transformers/email.ts';
import { lastName } from '../../src/pseudonyms/transformers/names.ts';
import { ip } from '../../src/pseudonyms/transformers/network.ts';
import { phone } from '../../src/pseudonyms/transformers/phone.ts';

/** What kernels write of whole columns, held against what can be said of a single cell without them. */
/** With NULL here and there. */
const column = <T>(value: fc.Arbitrary<T>) =>
  fc.array(fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) }), { maxLength: 20 });

const key = new PseudonymKey(Buffer.alloc(32, 7)).domain('person');

function made(
  kind: (options: Options) => Transformer,
  options: RawOptions,
  cells: readonly Cell[],
  { type = 'text', by }: { type?: string; by?: readonly Cell[] } = {},
): readonly Cell[] {
  const out = new ByteColumn();
  const column = { name: 's.t.c', type, nullable: true, unique: false };
  kind(new Options('kind', options)).prepareBytes!({ key, column })(
    new ByteColumn().fill(cells),
    out,
    by && [new ByteColumn().fill(by)],
  );
  return out.strings();
}

const drawn = (word: number, size: number) => Number((BigInt(word) * BigInt(size)) >> 32n);

/** The last bits of four words, five to a character. */
function characters(words: Uint32Array, length: number): string {
  let bits = words.reduce((all, word) => (all << 32n) | BigInt(word), 0n);
  let text = '';
  for (let k = 0; k < length; k++, bits >>= 5n) text += base32[Number(bits & 31n)];
  return text;
}

const nearly = (...texts: string[]) =>
  fc.oneof(fc.constantFrom('', ...texts), fc.string({ unit: 'grapheme', maxLength: 9 }));

describe('kinds of which kernels write whole columns', () => {
  it('e-mail addresses', () => {
    const [first, last] = [firstNames, lastNames].map(({ fr }) =>
      fr.map((name) =>
        name
          .normalize('NFD')
          .toLowerCase()
          .replace(/[^a-z]/g, ''),
      ),
    );
    const [prf, labels] = [new Prf(key.subkey('email')), new Prf(key.subkey('email domain'))];
    const given = column(nearly('A@b.fr', 'boss@corp.fr', 'x@KEPT.org', ' é@é.fr '));
    const options = {
      locale: 'fr',
      domain: 'p.org',
      domains: 'mapped',
      keepDomains: ['kept.org'],
      allow: ['boss@corp.fr'],
    };
    fc.assert(
      fc.property(given, (cells) => {
        const words = Uint32Array.from(keyed(prf, folded, cells));
        const host = (cell: Cell) =>
          (cell ?? '')
            .slice((cell ?? '').lastIndexOf('@') + 1)
            .trim()
            .toLowerCase();
        const ofHost = Uint32Array.from(keyed(labels, folded, cells.map(host)));
        const local = (i: number) => {
          const four = words.subarray(i * 4, i * 4 + 4);
          const names = [first![drawn(four[0]!, first!.length)], last![drawn(four[1]!, last!.length)]];
          return `${names.join('.')}.${characters(four, 13)}`;
        };
        expect(made(email, { locale: 'fr' }, cells)).toEqual(
          cells.map((cell, i) => cell && `${local(i)}@example.invalid`),
        );
        expect(made(email, options, cells)).toEqual(
          cells.map((cell, i) => {
            if (!cell || cell === 'boss@corp.fr') return cell;
            const label = characters(ofHost.subarray(i * 4, i * 4 + 4), 10);
            return `${local(i)}@${host(cell) === 'kept.org' ? 'kept.org' : `${label}.p.org`}`;
          }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('French telephone numbers', () => {
    const prf = new Prf(key.subkey('phone'));
    const heads = ['19900', '19900', '26191', '35301', '46571', '53649', '63998', '63998', '19900', '19900'];
    const digits = fc
      .array(fc.nat(9), { minLength: 9, maxLength: 9 })
      .map((each) => (each[0] === 0 ? [6, ...each.slice(1)] : each).join(''));
    const lead = fc.constantFrom('0', '+33', '0033', '(0)', '+33 (0)', '\t0', 'tel 0', '0\u00a0', '\u00a0+33');
    const gap = fc.constantFrom('', ' ', '.', '-', '\u00a0');
    fc.assert(
      fc.property(column(fc.tuple(lead, digits, gap)), (numbers) => {
        const cells = numbers.map((each) => {
          if (each === null) return null;
          const [start, number, between] = each;
          return [start + number[0], ...number.slice(1).match(/../g)!].join(between);
        });
        const words = Uint32Array.from(
          keyed(
            prf,
            exact,
            numbers.map((each) => each && `+33${each[1]}`),
          ),
        );
        const expected = numbers.map((each, i) => {
          if (each === null) return null;
          const [start, number] = each;
          const own = heads[Number(number[0])]! + String(drawn(words[i * 4]!, 10_000)).padStart(4, '0');
          const isAbroad = /33/.test(start);
          const compact = isAbroad ? `33${own}` : `0${own}`;
          // Letters, `00` and a digit too many do not go into a grouping.
          if (/^00|tel|33 \(0\)/.test(start)) return (isAbroad ? '+' : '') + compact;
          let k = 0;
          return cells[i]!.replace(/\d/g, () => compact[k++]!);
        });
        expect(made(phone, {}, cells)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('dates of birth', () => {
    const prf = new Prf(key.subkey('birth date'));
    const date = fc
      .tuple(
        fc.integer({ min: -800_000, max: 3_000_000 }),
        fc.constantFrom('', ' 01:02:03.5+00', ' 12:00:00+02 in the afternoon', ' à midi'),
      )
      .map(([day, rest]) => formatDate(day, rest));
    fc.assert(
      fc.property(
        column(fc.oneof(date, fc.constantFrom('', 'infinity'))),
        fc.integer({ min: 1, max: 3650 }),
        (cells, days) => {
          const words = Uint32Array.from(keyed(prf, exact, cells));
          const expected = cells.map((cell, i) => {
            if (!cell || cell === 'infinity') return cell;
            const by = drawn(words[i * 4]!, 2 * days) - days;
            const { day, rest } = parseDate(cell)!;
            return formatDate(day + (by < 0 ? by : by + 1), rest);
          });
          expect(made(birthDate, { days }, cells)).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
    expect(() => made(birthDate, {}, ['2000-01-01', '01/02/2000'])).toThrow('`birth-date`');
  });

  it('towns by their subject, and family names by themselves, in capitals where the cell is', () => {
    const [own, subject] = [new Prf(key.subkey('address')), new Prf(key.subkey('subject'))];
    const ofName = new Prf(key.subkey('last name'));
    const cell = nearly('Paris', 'PARIS', 'ÉVRY', 'Évry', 'É', 'A', 'AB', '75', 'LE MANS 72');
    fc.assert(
      fc.property(column(fc.tuple(cell, fc.constantFrom(null, '', '1', '2', 'é'))), (rows) => {
        const cells = rows.map((row) => row?.[0] ?? null);
        const by = rows.map((row) => row?.[1] ?? null);
        const cased = (at: number, text: string) => {
          const original = cells[at]!;
          const isUpper = original === original.toUpperCase() && original !== original.toLowerCase();
          return original.length > 1 && isUpper ? text.toUpperCase() : text;
        };
        const bySubject = Uint32Array.from(keyed(subject, exact, by));
        const byCell = Uint32Array.from(keyed(own, folded, cells));
        expect(made(city, { by: 'id', locale: 'fr' }, cells, { by })).toEqual(
          cells.map((each, i) => {
            const word = (by[i] ? bySubject : byCell)[i * 4 + 2]!;
            return each && cased(i, places.fr[drawn(word, places.fr.length)]!.city);
          }),
        );
        const words = Uint32Array.from(keyed(ofName, folded, cells));
        const names = lastNames.fr;
        expect(made(lastName, { locale: 'fr' }, cells)).toEqual(
          cells.map((each, i) => each && cased(i, names[drawn(words[i * 4 + 1]!, names.length)]!)),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('IP addresses of both families and of odd forms, among each other', () => {
    const [four, six] = [32n, 128n].map((bits) => new Permutation(key, `ip ${bits}`, 1n << bits));
    const mask = fc.constantFrom('', '/8', '/32', '/0');
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom(' 10.0.0.1 ', '010.001.000.255', '::ffff:1.2.3.4', '::'),
    );
    const cell = fc.oneof(
      fc.constant(''),
      fc.tuple(address, mask).map(([text, suffix]) => text.trimEnd() + suffix),
    );
    fc.assert(
      fc.property(column(cell), (cells) => {
        const out = made(ip, {}, cells, { type: 'inet' });
        cells.forEach((each, i) => {
          if (!each) {
            expect(out[i]).toBe(each);
            return;
          }
          const { family, value, mask: told } = parseIp(each)!;
          const values = [value];
          (family === 4 ? four! : six!).bigints(values, 1);
          expect(parseIp(out[i]!)).toEqual({ family, value: values[0], mask: told });
          expect(out[i]).not.toMatch(/\s|\b0\d/);
        });
      }),
      { numRuns: 300 },
    );
    expect(() => made(ip, {}, ['10.0.0.1', '10.0.0'], { type: 'text' })).toThrow('`ip`');
  });
});

it('single cells of a column that is complete are written again', () => {
  const column = new ByteColumn().fill(['a', null, 'bc', '']);
  expect(column.strings()).toEqual(['a', null, 'bc', '']);
  column.again(2);
  column.cell('é');
  column.again(0);
  column.nothing();
  column.again(1);
  column.cell('x');
  expect(column.strings()).toEqual([null, 'x', 'é', '']);
  expect([...column.wide.subarray(0, 4)]).toEqual([0, 0, 1, 0]);
});
