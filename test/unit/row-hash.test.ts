import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowHash } from '../../src/repository/row-hash.ts';
import { rowHashModule } from '../../src/repository/row-hash-module.ts';

const key = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
const word = (1n << 64n) - 1n;

/** SipHash-2-4-128 written again from the paper, slowly and in another way. */
function siphash(input: Uint8Array, secret: Uint8Array): bigint {
  const k = Buffer.from(secret);
  const [k0, k1] = [k.readBigUInt64LE(0), k.readBigUInt64LE(8)];
  let [a, b, c, d] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn ^ 0xeen,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const rotl = (x: bigint, n: bigint) => ((x << n) | (x >> (64n - n))) & word;
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      a = (a + b) & word;
      b = rotl(b, 13n) ^ a;
      a = rotl(a, 32n);
      c = (c + d) & word;
      d = rotl(d, 16n) ^ c;
      a = (a + d) & word;
      d = rotl(d, 21n) ^ a;
      c = (c + b) & word;
      b = rotl(b, 17n) ^ c;
      c = rotl(c, 32n);
    }
  };
  const padded = Buffer.alloc((Math.floor(input.length / 8) + 1) * 8);
  padded.set(input);
  padded[padded.length - 1] = input.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const m = padded.readBigUInt64LE(at);
    d ^= m;
    rounds(2);
    a ^= m;
  }
  c ^= 0xeen;
  rounds(4);
  const low = a ^ b ^ c ^ d;
  b ^= 0xddn;
  rounds(4);
  return ((a ^ b ^ c ^ d) << 64n) | low;
}

function hash(parts: Uint8Array[]): { rows: number; sum: string } {
  const rows = new RowHash(key);
  for (const part of parts) rows.update(part);
  return rows.digest();
}

const rowText = fc.array(
  fc.integer({ min: 0, max: 255 }).filter((byte) => byte !== 10),
  { maxLength: 40 },
);
const tableText = fc.array(rowText, { maxLength: 30 });
const encode = (rows: number[][]) => Buffer.from(rows.flatMap((row) => [...row, 10]));

describe('row hash', () => {
  it('rests on SipHash-2-4-128: the published vectors hold for the reference used here', () => {
    const le = (value: bigint) => Buffer.from(value.toString(16).padStart(32, '0'), 'hex').reverse().toString('hex');
    expect(le(siphash(Buffer.alloc(0), key))).toBe('a3817f04ba25a8e66df67214c7550293');
    expect(le(siphash(Buffer.from([0]), key))).toBe('da87c1d86b99af44347659119b22fc45');
  });

  it('is the sum of the hashes of the rows', () => {
    fc.assert(
      fc.property(tableText, (rows) => {
        const sum = rows.reduce((total, row) => (total + siphash(encode([row]), key)) & ((1n << 128n) - 1n), 0n);
        expect(hash([encode(rows)])).toEqual({ rows: rows.length, sum: sum.toString(16).padStart(32, '0') });
      }),
    );
  });

  it('does not depend on how the stream is sliced, nor on the order of rows', () => {
    fc.assert(
      fc.property(tableText, fc.array(fc.integer({ min: 1, max: 50 })), (rows, steps) => {
        const bytes = encode(rows);
        const slices: Buffer[] = [];
        let at = 0;
        for (const step of steps) {
          slices.push(bytes.subarray(at, at + step));
          at += step;
        }
        slices.push(bytes.subarray(at));
        expect(hash(slices)).toEqual(hash([bytes]));
        expect(hash([encode([...rows].reverse())])).toEqual(hash([bytes]));
      }),
    );
  });

  it('takes rows longer than its memory', () => {
    const long = Buffer.alloc(3_000_001, 0x61);
    long[long.length - 1] = 10;
    const sum = siphash(long, key).toString(16).padStart(32, '0');
    expect(hash([long])).toEqual({ rows: 1, sum });
    expect(hash([long.subarray(0, 5), long.subarray(5, 2_000_003), long.subarray(2_000_003)])).toEqual({
      rows: 1,
      sum,
    });
  });

  it('tells apart a changed, dropped, doubled and moved byte, and another key', () => {
    const table = Buffer.from('1\tanna\n2\tbert\n2\tbert\n');
    const sums = [
      table.toString(),
      '1\tanna\n2\tberT\n2\tbert\n',
      '1\tanna\n2\tbert\n',
      '1\tann\na2\tbert\n2\tbert\n',
      '',
    ].map((text) => hash([Buffer.from(text)]).sum);
    const other = new RowHash(Buffer.alloc(16, 9));
    other.update(table);
    expect(new Set([...sums, other.digest().sum]).size).toBe(6);
  });

  it('refuses a stream that ends inside a row', () => {
    expect(() => hash([Buffer.from('1\tanna\n2\tbe')])).toThrow(RangeError);
  });

  it('is compiled from the text in the repository', async () => {
    const path = '../../.ci/build-row-hash.mjs';
    const { compile } = (await import(path)) as { compile(): Promise<string> };
    expect(rowHashModule).toBe(await compile());
  });

  it('does not mind that its memory served another stream before', () => {
    const key = Buffer.alloc(16, 5);
    const rows = Buffer.from('1\tone\n2\ttwo, which is a longer row\n');
    const fresh = new RowHash(key);
    fresh.update(rows);
    const expected = fresh.digest();
    const [used, beside] = [new RowHash(Buffer.alloc(16, 9)), new RowHash(key)];
    used.update(Buffer.from('something else\n'.repeat(1000)));
    used.digest();
    expect(used.digest()).toBe(used.digest());
    expect(() => used.update(rows)).toThrow(RangeError);
    const again = new RowHash(key);
    for (const byte of rows) {
      again.update(Buffer.of(byte));
      beside.update(Buffer.of(byte));
    }
    expect(again.digest()).toEqual(expected);
    expect(beside.digest()).toEqual(expected);
  });
});
