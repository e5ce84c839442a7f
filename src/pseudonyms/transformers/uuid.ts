import { AsciiCells } from '../ascii-cells.ts';
import { BinaryFf1, halves } from '../binary-ff1.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { assertFits, assertType, type ColumnFacts, type Run, type Transformer, unfitValue } from '../transformer.ts';

const values = new Int8Array(256).fill(-1);
for (let k = 0; k < 16; k++) {
  values['0123456789abcdef'.charCodeAt(k)] = k;
  values['0123456789ABCDEF'.charCodeAt(k)] = k;
}
const digits = Buffer.from('0123456789abcdef');

/** Hex digits before which a dash stands. */
const dashed = new Set([8, 12, 16, 20]);

/**
 * A permutation of UUIDs that keeps the four bits of the version and the two of the variant, and permutes the other 122 (FF1).
 * Times in versions 1, 6 and 7 are gone with them.
 */
export function uuid(options: Options): Transformer {
  options.done();
  const check = (column: ColumnFacts): void => {
    assertType('uuid', column, 'uuid', 'text');
    assertFits('uuid', 36, column);
  };

  const run = (key: DomainKey, column: ColumnFacts, backwards: boolean): Run => {
    check(column);
    const ff1 = new BinaryFf1(key.subkey('uuid'), 122);
    const written = new AsciiCells();
    let h = halves(0);
    let kept = new Uint8Array(0);
    const words = new Uint32Array(4);
    return (cells, out) => {
      const count = cells.length;
      if (kept.length < count) {
        h = halves(count);
        kept = new Uint8Array(count);
      }
      for (let i = 0; i < count; i++) {
        const cell = cells[i]!;
        if (cell) parse(cell, words, column);
        else words.fill(0);
        const [w0, w1, w2, w3] = words as unknown as [number, number, number, number];
        kept[i] = ((w1 >>> 10) & 0x3c) | (w2 >>> 30);
        // The 60 bits before the variant, and the 62 after it; the first of those goes to the left half, for 61 and 61.
        const firstHigh = w0 >>> 4;
        const firstLow = ((w0 << 28) | ((w1 >>> 16) << 12) | (w1 & 0xfff)) >>> 0;
        h.aHigh[i] = (firstHigh << 1) | (firstLow >>> 31);
        h.aLow[i] = (firstLow << 1) | ((w2 >>> 29) & 1);
        h.bHigh[i] = w2 & 0x1fff_ffff;
        h.bLow[i] = w3;
      }
      ff1.permute(h, count, backwards);
      written.begin(count, 36);
      for (let i = 0; i < count; i++) {
        const firstHigh = h.aHigh[i]! >>> 1;
        const firstLow = ((h.aHigh[i]! << 31) | (h.aLow[i]! >>> 1)) >>> 0;
        words[0] = (firstHigh << 4) | (firstLow >>> 28);
        words[1] = (((firstLow >>> 12) & 0xffff) << 16) | ((kept[i]! & 0x3c) << 10) | (firstLow & 0xfff);
        words[2] = (kept[i]! << 30) | ((h.aLow[i]! & 1) << 29) | h.bHigh[i]!;
        words[3] = h.bLow[i]!;
        const { bytes } = written;
        let at = written.at;
        for (let k = 0; k < 32; k++) {
          if (k === 8 || k === 12 || k === 16 || k === 20) bytes[at++] = 0x2d;
          bytes[at++] = digits[(words[k >> 3]! >>> (28 - ((k & 7) << 2))) & 15]!;
        }
        written.at = at;
        written.end();
      }
      written.into(out, cells);
    };
  };

  return {
    kind: 'uuid',
    companions: [],
    guarantee(column) {
      check(column);
      return {
        uniqueness: 'bijective',
        maxLength: 36,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'lower case, with dashes',
        reversible: true,
      };
    },
    prepare: ({ key, column }) => run(key, column, false),
    reveal: ({ key, column }) => run(key, column, true),
  };
}

function parse(cell: string, words: Uint32Array, column: ColumnFacts): void {
  let digit = 0;
  let word = 0;
  const plain = cell.length === 32;
  if (!plain && cell.length !== 36) throw unfitValue('uuid', column, 'It is not a UUID.');
  for (let k = 0; k < cell.length; k++) {
    if (!plain && dashed.has(digit) && k === digit + [8, 12, 16, 20].indexOf(digit)) {
      if (cell.charCodeAt(k) !== 0x2d) throw unfitValue('uuid', column, 'It is not a UUID.');
      continue;
    }
    const value = values[cell.charCodeAt(k) & 0xff]!;
    if (value < 0 || cell.charCodeAt(k) > 0x7f) throw unfitValue('uuid', column, 'It is not a UUID.');
    word = (word << 4) | value;
    if ((++digit & 7) === 0) words[(digit >> 3) - 1] = word;
  }
}
