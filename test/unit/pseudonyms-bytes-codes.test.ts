import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mod97, nirKey, passesLuhn, ribKey, vatKey } from '../../src/pseudonyms/check-digits.ts';
import { type Kernels, kernels } from '../../src/pseudonyms/kernels/kernels.ts';
import type { Options } from '../../src/pseudonyms/options.ts';
import { Permutation } from '../../src/pseudonyms/permutation.ts';
import { Alphabet, PlaceRanks } from '../../src/pseudonyms/place-ranks.ts';
import type { Transformer } from '../../src/pseudonyms/transformer.ts';
import { iban } from '../../src/pseudonyms/transformers/bank.ts';
import { code } from '../../src/pseudonyms/transformers/code.ts';
import { card, nationalId, siren, siret, vat } from '../../src/pseudonyms/transformers/numbers.ts';
import { classes, key, prepared, promised } from '../support/code-shapes.ts';

const printable = Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k)).join('');

describe('ranks of texts', () => {
  /** Runs something on bytes in the memory of the kernels, with room for two values. */
  function inKernel(
    bytes: Buffer,
    starts: Int32Array,
    run: (kernel: Kernels, bytes: number, starts: number, values: number) => void,
  ): void {
    const kernel = kernels().begin();
    const at = kernel.take(bytes.length);
    kernel.bytes.set(bytes, at);
    // What lies behind them must stay.
    kernel.bytes.fill(0x7e, at + bytes.length, at + bytes.length + 32);
    run(kernel, at, kernel.put(starts), kernel.take(32));
    expect(kernel.bytes.subarray(at + bytes.length, at + bytes.length + 32).every((byte) => byte === 0x7e)).toBe(true);
    kernel.bytes.copy(bytes, 0, at);
  }

  function read(kernel: Kernels, values: number, right: number): bigint[] {
    const half = (at: number) => kernel.bytes.readBigUInt64LE(at);
    return [values, values + 16].map((at) => (half(at) << BigInt(right)) | half(at + 8));
  }

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
        inKernel(bytes, starts, (kernel, at, startsAt, values) => {
          ranks.read(kernel, at, startsAt, 2, right, values);
          expect(read(kernel, values, right)).toEqual(wanted);
          for (const { place } of places) kernel.bytes[at + place] = kernel.bytes[at + width + place] = 0x23;
          ranks.write(kernel, values, right, at, startsAt, 2);
        });
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
        inKernel(bytes, Int32Array.of(0, length), (kernel, at, starts, values) => {
          ranks.read(kernel, at, starts, 2, right, values);
          expect(read(kernel, values, right)).toEqual([0n, ranks.size - 1n]);
          kernel.bytes.fill(0, at, at + 2 * length);
          ranks.write(kernel, values, right, at, starts, 2);
        });
        expect(bytes.toString()).toBe(before.toString());
      }
  });
});

it('a permutation leaves what others have in the memory of the kernels', () => {
  const permutation = new Permutation(key, 'p', 10n ** 9n);
  const [alone, values] = [Float64Array.of(1, 2, 3), Float64Array.of(1, 2, 3)];
  permutation.numbers(alone, 3);
  const kernel = kernels().begin();
  const first = kernel.put(Int32Array.of(7, 8, 9));
  permutation.numbers(values, 3);
  expect(values).toEqual(alone);
  const second = kernel.put(Int32Array.of(4, 5, 6));
  permutation.numbers(values, 3, true);
  expect(values).toEqual(Float64Array.of(1, 2, 3));
  const at = (place: number) => [...kernel.words.subarray(place >> 2, (place >> 2) + 3)];
  expect([at(first), at(second)]).toEqual([
    [7, 8, 9],
    [4, 5, 6],
  ]);
  // What it took is free again.
  expect(second - first).toBeLessThan(256);
});

describe('code', () => {
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

  it('are worked out as on numbers of any size', () => {
    const value = (text: string) => BigInt([...text].map((letter) => Number.parseInt(letter, 36)).join(''));
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-Z]{1,40}$/), (text) => {
        expect(mod97(text)).toBe(Number(value(text) % 97n));
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{21}$/), (text) => {
        const [bank, branch, account] = [text.slice(0, 5), text.slice(5, 10), text.slice(10)].map(BigInt);
        expect(Number(ribKey(text))).toBe(97 - Number((89n * bank! + 15n * branch! + 3n * account!) % 97n));
        expect(Number(nirKey(text))).toBe(97 - (Number(text.slice(0, 13)) % 97));
        expect(Number(vatKey(text))).toBe((12 + 3 * (Number(text.slice(0, 9)) % 97)) % 97);
        const sum = [...text]
          .reverse()
          .map(Number)
          .reduce((total, d, k) => total + (k % 2 === 0 ? d : d > 4 ? 2 * d - 9 : 2 * d), 0);
        expect(passesLuhn(text)).toBe(sum % 10 === 0);
      }),
    );
    for (const [letter, digits] of [
      ['2A', '19'],
      ['2B', '18'],
    ])
      expect(Number(nirKey(`25508${letter}168025`))).toBe(97 - (Number(`25508${digits}168025`) % 97));
  });
});
