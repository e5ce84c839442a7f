import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { writeWhole } from '../../src/pseudonyms/byte-numbers.ts';
import { noMask, parseIp, plainSix, writeSix } from '../../src/pseudonyms/ip-text.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { Options, type RawOptions } from '../../src/pseudonyms/options.ts';
import { Permutation } from '../../src/pseudonyms/permutation.ts';
import type { Cell, ColumnFacts, Transformer } from '../../src/pseudonyms/transformer.ts';
import { birthDate, dateShift } from '../../src/pseudonyms/transformers/dates.ts';
import { id } from '../../src/pseudonyms/transformers/id.ts';
import { ip, mac, url, userAgent } from '../../src/pseudonyms/transformers/network.ts';
import { phone } from '../../src/pseudonyms/transformers/phone.ts';
import { uuid } from '../../src/pseudonyms/transformers/uuid.ts';
import { WideBand } from '../../src/pseudonyms/wide-band.ts';

const key = new PseudonymKey(Buffer.alloc(32, 7)).domain('person');
const typed = (type: string): ColumnFacts => ({ name: 's.t.c', type, nullable: true, unique: false });
const bytesOf = (text: string) => Buffer.from(`xx${text}xx`);

function made(kind: (options: Options) => Transformer, options: RawOptions, type: string, cells: readonly Cell[]) {
  const out = new ByteColumn();
  const subjects = new ByteColumn().fill(cells.map((_, i) => `subject ${i % 3}`));
  kind(new Options('kind', options)).prepareBytes!({ key, column: typed(type) })(new ByteColumn().fill(cells), out, [
    subjects,
  ]);
  return out;
}

describe('what is read and written in bytes is what strings say', () => {
  it('IPv6 addresses', () => {
    const group = fc.constantFrom('0', '0', '', '1', '0000', 'ABCD', '10f', '0010', '12345', 'g', '1.2.3.4');
    const mask = fc.constantFrom('', '', '/0', '/48', '/128', '/129', '/', ' ', '/1/2');
    fc.assert(
      fc.property(fc.array(group, { minLength: 2, maxLength: 9 }), mask, (groups, suffix) => {
        const text = groups.join(':') + suffix;
        const words = new Uint32Array(6);
        const length = plainSix(bytesOf(text), 2, 2 + text.length, words, 1);
        const parsed = parseIp(text);
        if (length < 0) {
          expect(parsed === undefined || /[\s.]/.test(text)).toBe(true);
          return;
        }
        const value = words.subarray(1, 5).reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
        expect(parsed).toEqual({ family: 6, value, mask: length === noMask ? undefined : length });
        const out = Buffer.alloc(48);
        const end = writeSix(out, 2, words, 1, length);
        // Node writes it as RFC 5952 says, too.
        const short = new URL(`http://[${text.split('/')[0]}]`).hostname.slice(1, -1);
        expect(out.toString('latin1', 2, end)).toBe(short + (length === noMask ? '' : `/${length}`));
      }),
      { numRuns: 5000 },
    );
  });

  it('whole numbers', () => {
    fc.assert(
      fc.property(fc.nat(53), fc.maxSafeNat(), (bits, most) => {
        for (const value of [most % 2 ** bits, 2 ** bits, 2 ** bits - 1, 10 ** (bits % 16), 10 ** (bits % 16) - 1]) {
          const out = Buffer.alloc(20);
          expect(out.toString('latin1', 1, writeWhole(out, 1, value))).toBe(String(value));
        }
      }),
    );
  });
});

it('a permutation gives numbers what it gives bigints', () => {
  for (const size of [10n, 1_000_000n, 2n ** 31n - 1n, 2n ** 32n, 2n ** 46n, 2n ** 53n - 2n ** 31n, 2n ** 53n]) {
    const permutation = new Permutation(key, 'both', size);
    const values = Array.from({ length: 300 }, (_, i) => (i < 5 ? size - 1n - BigInt(i) : (size * BigInt(i)) / 300n));
    const numbers = Float64Array.from(values, Number);
    const bigints = [...values];
    for (const backwards of [false, true]) {
      permutation.numbers(numbers, numbers.length, backwards);
      permutation.bigints(bigints, bigints.length, backwards);
      expect([...numbers].map(BigInt)).toEqual(bigints);
    }
    expect(bigints).toEqual(values);
  }
});

it('numbers of 64 bits in words are permuted as bigints are', () => {
  const edge = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(edge, edge, fc.nat(63), fc.array(edge, { minLength: 1, maxLength: 20 }), (a, span, shift, values) => {
      const high = a + (span >> BigInt(shift)) < 2n ** 64n ? a + (span >> BigInt(shift)) : 2n ** 64n - 1n;
      const permutation = new Permutation(key, 'wide', high - a + 1n);
      const band = new WideBand(a, high, permutation);
      const given = [a, high, ...values.map((value) => a + (value % (high - a + 1n))), a - 1n, high + 1n].map(String);
      const cells = new ByteColumn().fill(given);
      band.begin(given.length);
      const taken = given.filter((_, i) => band.take(cells.bytes, cells.from[i]!, cells.to[i]!));
      expect(taken).toEqual(given.slice(0, -2).filter((text) => text.length < 20));
      band.permute(false);
      const out = new ByteColumn();
      out.begin(taken.length, 20);
      for (const _ of taken) {
        band.write(out);
        out.end();
      }
      const offsets = taken.map((text) => BigInt(text) - a);
      permutation.bigints(offsets, offsets.length);
      expect(out.strings()).toEqual(offsets.map((offset) => String(offset + a)));
    }),
    { numRuns: 150 },
  );
  const band = new WideBand(0n, 2n ** 64n - 1n, new Permutation(key, 'wide', 2n ** 64n));
  band.begin(9);
  expect(
    ['0', '00', '01', '-1', '', '1 ', '1x', '9'.repeat(19), '1'.repeat(20)].map((text) =>
      band.take(Buffer.from(text), 0, text.length),
    ),
  ).toEqual([true, false, false, false, false, false, false, true, false]);
});

it.each([
  [
    phone,
    {},
    'text',
    ['0612345678', '+33 6 12 34 56 78', '06\u00a012\u00a034\u00a056\u00a078', 'call me', '\u00a0+33 1', 'é'],
  ],
  [phone, { range: 'permute' }, 'text', ['0612345678', '+351 912 345 678', '(06)\u00a012 34 56 78', '0033612345678']],
  [
    dateShift,
    { by: 'id' },
    'date',
    ['2024-02-29', '0044-03-15 BC', 'infinity', '12024-01-01', '0001-01-01', '9999-12-31'],
  ],
  [birthDate, {}, 'text', ['1980-05-04', '1980-05-04 01:02:03.5+00', '1980-05-04 à midi', '-infinity']],
  [ip, {}, 'inet', ['10.0.0.1', '::1', '10.0.0.0/8', ' 10.0.0.1 ', '2001:db8::/32']],
  [ip, { prefix: 'keep' }, 'cidr', ['10.0.0.0/8', '2001:db8::/32', '192.168.1.1']],
  [mac, {}, 'macaddr', ['08:00:2b:01:02:03', '08002B010203', '0800.2b01.0203', '08-00-2b-01-02-03']],
  [
    url,
    { keepHosts: ['kept.fr'] },
    'text',
    ['https://kept.fr/a.pdf', 'HTTP://u:p@é.fr:80/x?y#z', 'é', 'ftp://a/b.tar', '/x.PNG'],
  ],
  [userAgent, {}, 'text', ['Mozilla/5.0 (X11)', 'é']],
  [uuid, {}, 'uuid', ['6f1c0e70-8f0d-4b3a-9d55-0123456789ab', '6F1C0E708F0D4B3A9D550123456789AB']],
  [id, {}, 'numeric', ['1', '0', '-7', '2147483648', '9007199254740993', '123456789012345678901', '9007199254740991']],
] as const)('%o: among NULLs and empty texts as alone, and its bytes are marked', (kind, options, type, values) => {
  const cells: Cell[] = values.flatMap((value) => ['', value, null, value]);
  const out = made(kind, options, type, cells);
  expect(out.count).toBe(cells.length);
  // The subject of a row is that of its place.
  const alone = cells.map((cell, i) =>
    made(kind, options, type, [...cells.slice(0, i % 3).fill(null), cell]).cellAt(i % 3),
  );
  cells.forEach((cell, i) => {
    const cellOut = out.cellAt(i);
    if (!cell) expect(cellOut).toBe(cell);
    else expect(cellOut).toBe(alone[i]);
    if (cellOut !== null) expect(Buffer.from(cellOut).equals(out.bytes.subarray(out.from[i], out.to[i]))).toBe(true);
  });
});

it('telephone numbers keep their grouping, also of white space beyond ASCII', () => {
  const given = [
    '06\u00a012\u00a034\u00a056\u00a078',
    ' +33 6.12-34 (56) 78',
    '\u00a0+33 6 12 34 56 78',
    '+33 (0)6 12 34 56 78',
  ];
  const out = made(phone, {}, 'text', given).strings();
  expect(out.slice(0, 3).map((cell) => cell!.replace(/\d/g, '0'))).toEqual(
    given.slice(0, 3).map((cell) => cell.replace(/\d/g, '0')),
  );
  // With the trunk prefix there is a digit too many.
  expect(out[3]).toMatch(/^\+336\d{8}$/);
  expect(new Set(out.map((cell) => cell!.replace(/\D/g, '').slice(-9))).size).toBe(1);
});

it('a range of ids may end beyond what is exact as a number', () => {
  const rule = id(new Options('id', { min: 1000, max: '9007199254741892' }));
  const column = typed('bigint');
  const [run, reveal] = [rule.prepare({ key, column }), rule.reveal!({ key, column })];
  const pseudonyms = Array.from({ length: 400 }, (_, k) => String(2n ** 53n + 1n + 2n * BigInt(k)));
  const originals: Cell[] = [];
  reveal(pseudonyms, originals);
  // Such of them as are exact as numbers themselves.
  expect(originals.some((cell) => cell!.length < 16)).toBe(true);
  const again: Cell[] = [];
  run(originals, again);
  expect(again).toEqual(pseudonyms);
});

it('the domain of URLs may be of any letters', () => {
  expect(made(url, { domain: 'пример.invalid' }, 'text', ['https://example.org/']).cellAt(0)).toMatch(
    /^https:\/\/[0-9a-z]{10}\.пример\.invalid\/[0-9a-z]{13}$/,
  );
});
