import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halves } from '../../src/pseudonyms/binary-ff1.ts';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { luhnOf, mod97Of, nirKeyOf, ribKeyOf, vatKeyOf } from '../../src/pseudonyms/check-digits.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { Options, type RawOptions } from '../../src/pseudonyms/options.ts';
import { Permutation } from '../../src/pseudonyms/permutation.ts';
import { Alphabet, PlaceRanks } from '../../src/pseudonyms/place-ranks.ts';
import type { Cell, ColumnFacts, Transformer } from '../../src/pseudonyms/transformer.ts';
import { iban } from '../../src/pseudonyms/transformers/bank.ts';
import { code } from '../../src/pseudonyms/transformers/code.ts';
import { card, nationalId, siren, siret, vat } from '../../src/pseudonyms/transformers/numbers.ts';

const key = new PseudonymKey(Buffer.alloc(32, 7)).domain('person');
const column: ColumnFacts = { name: 's.t.c', type: 'text', nullable: true, unique: false };
const classes = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const printable = Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k)).join('');

function prepared(kind: (options: Options) => Transformer, options: RawOptions = {}) {
  const run = kind(new Options('kind', options)).prepareBytes!({ key, column });
  const out = new ByteColumn();
  return (...cells: Cell[]): readonly Cell[] => {
    run(new ByteColumn().fill(cells), out);
    return out.strings();
  };
}

describe('ranks of texts', () => {
  const alphabets = [...classes.map((text) => new Alphabet(text)), new Alphabet('!?')];
  const texts = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 }), fc.nat(), fc.nat()), {
      minLength: 1,
      maxLength: 40,
    })
    .map((list) => {
      let at = 2;
      return list.map(([which, gap, first, second]) => {
        const alphabet = alphabets[which]!;
        const place = at + gap;
        at = place + 1;
        const size = alphabet.text.length;
        return { place, alphabet, ranks: [first % size, second % size] as const };
      });
    });

  it('are those of the definition, in words as in bigints, and lead back', () => {
    fc.assert(
      fc.property(texts, (places) => {
        const ranks = new PlaceRanks(
          places.map(({ place }) => place),
          places.map(({ alphabet }) => alphabet),
        );
        const width = places.at(-1)!.place + 3;
        const bytes = Buffer.alloc(2 * width, '.');
        const starts = Int32Array.of(0, width);
        for (const { place, alphabet, ranks } of places)
          for (const which of [0, 1] as const) bytes[which * width + place] = alphabet.codes[ranks[which]]!;
        const wanted = ([0, 1] as const).map((which) =>
          places.reduce((sum, { alphabet, ranks }) => sum * BigInt(alphabet.text.length) + BigInt(ranks[which]), 0n),
        );
        expect(ranks.size).toBe(places.reduce((size, { alphabet }) => size * BigInt(alphabet.text.length), 1n));
        const before = Buffer.from(bytes);
        expect([ranks.readBig(bytes, 0), ranks.readBig(bytes, width)]).toEqual(wanted);
        for (const { place } of places) bytes[place] = bytes[width + place] = 0x23;
        ranks.writeBig(wanted[0]!, bytes, 0);
        ranks.writeBig(wanted[1]!, bytes, width);
        expect(bytes).toEqual(before);
        const bits = (ranks.size - 1n).toString(2).length;
        if (bits > 128) return;
        const right = bits - (bits >> 1);
        const h = halves(2);
        for (const words of Object.values(h)) words.fill(0xffff_ffff);
        ranks.read(bytes, starts, 2, right, h);
        const read = [0, 1].map(
          (i) =>
            (((BigInt(h.aHigh[i]!) << 32n) | BigInt(h.aLow[i]!)) << BigInt(right)) |
            (BigInt(h.bHigh[i]!) << 32n) |
            BigInt(h.bLow[i]!),
        );
        expect(read).toEqual(wanted);
        for (const { place } of places) bytes[place] = bytes[width + place] = 0x23;
        ranks.write(h, right, bytes, starts, 2);
        expect(bytes).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  it('hold at both ends of every size', () => {
    for (let length = 1; length <= 45; length++)
      for (const text of [...classes.slice(0, 2), 'ab', printable]) {
        const alphabet = new Alphabet(text);
        const ranks = new PlaceRanks(
          Array.from({ length }, (_, k) => k),
          Array.from({ length }, () => alphabet),
        );
        const bits = (ranks.size - 1n).toString(2).length;
        if (bits > 128) continue;
        const bytes = Buffer.from(text[0]!.repeat(length) + text.at(-1)!.repeat(length));
        const before = Buffer.from(bytes);
        const right = bits - (bits >> 1);
        const h = halves(2);
        ranks.read(bytes, Int32Array.of(0, length), 2, right, h);
        bytes.fill(0);
        ranks.write(h, right, bytes, Int32Array.of(0, length), 2);
        expect(bytes.toString()).toBe(before.toString());
      }
  });
});

describe('code', () => {
  /** What the format promises, one cell after the other. */
  function promised(cell: string, alphabets: readonly string[]): string {
    let [size, rank, name] = [1n, 0n, ''];
    const at = (character: string) => alphabets.findIndex((alphabet) => alphabet.includes(character));
    for (const character of cell) {
      const known = at(character);
      name += known < 0 ? character : `\0${known + 1}`;
      if (known < 0) continue;
      size *= BigInt(alphabets[known]!.length);
      rank = rank * BigInt(alphabets[known]!.length) + BigInt(alphabets[known]!.indexOf(character));
    }
    if (size === 1n) return cell;
    const values = [rank];
    new Permutation(key, `code\0${alphabets.join('\0')}\0${name}`, size).bigints(values, 1);
    let [left, made] = [values[0]!, ''];
    for (const character of [...cell].reverse()) {
      const alphabet = alphabets[at(character)];
      made = (alphabet === undefined ? character : alphabet[Number(left % BigInt(alphabet.length))]!) + made;
      if (alphabet !== undefined) left /= BigInt(alphabet.length);
    }
    return made;
  }
  const cell = fc.oneof(
    fc.constant(null),
    fc.constant(''),
    fc.stringMatching(/^AB-[0-9]{6}$/),
    fc.stringMatching(/^[A-Z]{4}[0-9]{8}$/),
    fc.stringMatching(/^[0-9a-z]{9,12}$/),
    fc.stringMatching(/^[a-z]{22,30}$/),
    fc.stringMatching(/^[0-9]{15,40}$/),
    fc.stringMatching(/^[é€😀 /-]{1,5}[0-9]{6,8}[é€😀]?$/u),
    fc.stringMatching(/^[é€😀 /-]{1,5}$/u),
  );

  it.each([
    [undefined, classes],
    ['0123456789ABCDEF', ['0123456789ABCDEF']],
    [printable, [printable]],
  ])('is the permutation of a shape: alphabet %j', (alphabet, alphabets) => {
    const run = prepared(code, { small: 'shuffle', ...(alphabet === undefined ? {} : { alphabet }) });
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 12 }), (cells) => {
        expect(run(...cells)).toEqual(cells.map((each) => (each ? promised(each, alphabets) : each)));
      }),
      { numRuns: 40 },
    );
  });

  it('is right after a batch in which a shape was refused', () => {
    const run = prepared(code);
    expect(() => run('AB-123456', '12')).toThrow(/code/);
    expect(run('AB-123456', 'x-1234567')).toEqual(prepared(code)('AB-123456', 'x-1234567'));
  });

  it('is the same however many shapes came before', () => {
    const run = prepared(code, { small: 'shuffle' });
    const before = run('AB-123456', 'c/12345678');
    run(...Array.from({ length: 2500 }, (_, i) => `${i.toString(3).replaceAll('1', '-').replaceAll('2', '+')}!`));
    expect(run('AB-123456', 'c/12345678')).toEqual(before);
  });
});

describe('numbers with check digits', () => {
  const kinds: [string, (options: Options) => Transformer, string[]][] = [
    ['iban', iban, ['FR7630006000011234567890189', 'DE89370400440532013000', 'MT84MALT011000012345MTLCAST001S']],
    ['siren', siren, ['732829320']],
    ['siret', siret, ['73282932000074']],
    ['vat', vat, ['FR44732829320']],
    ['national-id', nationalId, ['255081416802538']],
    ['card', card, ['4111111111111111', '378282246310005', '6011000990139424']],
  ];

  it.each(kinds)('%s: grouping stays, and does not count', (_, kind, numbers) => {
    const run = prepared(kind);
    const plain = run(...numbers);
    expect(plain.some((made) => numbers.includes(made!))).toBe(false);
    for (const between of [' ', '-', '\u00a0', ' \u00a0']) {
      const grouped = (text: string) => text.replace(/(.{4})(?=.)/g, `$1${between}`);
      expect(run(...numbers.map(grouped))).toEqual(plain.map((made) => grouped(made!)));
      // In one batch with what is no number, and with nothing.
      const mixed = numbers.flatMap((number) => [number, null, grouped(number), `${number}x`, '', 'é']);
      const out = run(...mixed);
      numbers.forEach((number, k) => {
        const [a, b, c, d, e, f] = out.slice(6 * k, 6 * k + 6);
        expect([a, b, c, e, f]).toEqual([plain[k], null, grouped(plain[k]!), '', 'é']);
        expect(d).not.toBe(`${number}x`);
        expect(d).toHaveLength(number.length + 1);
      });
    }
  });

  it.each(kinds.filter(([name]) => name !== 'siren' && name !== 'siret' && name !== 'card'))(
    '%s: small letters count as capitals',
    (_, kind, numbers) => {
      const run = prepared(kind);
      expect(run(...numbers.map((number) => number.toLowerCase()))).toEqual(run(...numbers));
    },
  );

  it('are worked out on bytes as on numbers of any size', () => {
    const value = (text: string) => BigInt([...text].map((letter) => Number.parseInt(letter, 36)).join(''));
    const at = (text: string) => Buffer.from(`xx${text}xx`);
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-Z]{1,40}$/), fc.nat(96), (text, before) => {
        expect(mod97Of(at(text), 2, 2 + text.length)).toBe(Number(value(text) % 97n));
        const all = BigInt(
          `${before}${value(text)
            .toString()
            .padStart(value(`1${text}`).toString().length - 1, '0')}`,
        );
        expect(mod97Of(at(text), 2, 2 + text.length, before)).toBe(Number(all % 97n));
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{21}$/), (text) => {
        const [bank, branch, account] = [text.slice(0, 5), text.slice(5, 10), text.slice(10)].map(BigInt);
        expect(ribKeyOf(at(text), 2)).toBe(97 - Number((89n * bank! + 15n * branch! + 3n * account!) % 97n));
        expect(nirKeyOf(at(text), 2)).toBe(97 - (Number(text.slice(0, 13)) % 97));
        expect(vatKeyOf(at(text), 2)).toBe((12 + 3 * (Number(text.slice(0, 9)) % 97)) % 97);
        const digits = [...text, String(luhnOf(at(text), 2, 2 + text.length))].reverse().map(Number);
        const sum = digits.reduce((total, d, k) => total + (k % 2 === 0 ? d : d > 4 ? 2 * d - 9 : 2 * d), 0);
        expect(sum % 10).toBe(0);
      }),
    );
    for (const [letter, digits] of [
      ['2A', '19'],
      ['2B', '18'],
    ])
      expect(nirKeyOf(at(`25508${letter}168025`), 2)).toBe(97 - (Number(`25508${digits}168025`) % 97));
  });
});
