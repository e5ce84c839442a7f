import { BinaryFf1, halves } from '../binary-ff1.ts';
import { onStrings } from '../byte-runs.ts';
import { hexDigits, hexValues } from '../hex-digits.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import {
  assertFits,
  assertType,
  type ByteRun,
  type ColumnFacts,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

/** Where each four digits of a UUID begin: with dashes, and without. */
const dashed = Uint8Array.of(0, 4, 9, 14, 19, 24, 28, 32);
const plain = Uint8Array.of(0, 4, 8, 12, 16, 20, 24, 28);
const dash = 0x2d;

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

  const run = (key: DomainKey, column: ColumnFacts, backwards: boolean): ByteRun => {
    check(column);
    const ff1 = new BinaryFf1(key.subkey('uuid'), 122);
    let h = halves(0);
    let kept = new Uint8Array(0);
    return (cells, out) => {
      const { count, bytes, from, to } = cells;
      if (kept.length < count) {
        h = halves(count);
        kept = new Uint8Array(count);
      }
      const { aHigh, aLow, bHigh, bLow } = h;
      let taken = 0;
      for (let i = 0; i < count; i++) {
        const [start, end] = [from[i]!, to[i]!];
        if (end <= start) continue;
        const at = layoutOf(bytes, start, end);
        if (at === undefined) throw unfitValue('uuid', column, 'It is not a UUID.');
        const q0 = fourDigits(bytes, start);
        const q1 = fourDigits(bytes, start + at[1]!);
        const q2 = fourDigits(bytes, start + at[2]!);
        const q3 = fourDigits(bytes, start + at[3]!);
        const q4 = fourDigits(bytes, start + at[4]!);
        const q5 = fourDigits(bytes, start + at[5]!);
        const q6 = fourDigits(bytes, start + at[6]!);
        const q7 = fourDigits(bytes, start + at[7]!);
        if ((q0 | q1 | q2 | q3 | q4 | q5 | q6 | q7) < 0) throw unfitValue('uuid', column, 'It is not a UUID.');
        // Four bits of the version, two of the variant.
        kept[taken] = ((q3 >> 10) & 0x3c) | (q4 >> 14);
        // The 60 bits before the variant, and the 62 after it; the first of those goes to the left half, for 61 and 61.
        const firstHigh = (q0 << 12) | (q1 >> 4);
        const firstLow = (q1 << 28) | (q2 << 12) | (q3 & 0xfff);
        aHigh[taken] = (firstHigh << 1) | (firstLow >>> 31);
        aLow[taken] = (firstLow << 1) | ((q4 >> 13) & 1);
        bHigh[taken] = ((q4 & 0x1fff) << 16) | q5;
        bLow[taken] = (q6 << 16) | q7;
        taken++;
      }
      ff1.permute(h, taken, backwards);
      out.begin(count, 36);
      for (let i = 0, k = 0; i < count; i++) {
        if (to[i]! <= from[i]!) {
          out.keep(cells, i);
          continue;
        }
        const firstHigh = aHigh[k]! >>> 1;
        const firstLow = (aHigh[k]! << 31) | (aLow[k]! >>> 1);
        const fifth = ((kept[k]! & 3) << 14) | ((aLow[k]! & 1) << 13) | (bHigh[k]! >>> 16);
        const target = out.bytes;
        const at = out.at;
        writeFourDigits(target, at, firstHigh >>> 12);
        writeFourDigits(target, at + 4, ((firstHigh & 0xfff) << 4) | (firstLow >>> 28));
        target[at + 8] = dash;
        writeFourDigits(target, at + 9, firstLow >>> 12);
        target[at + 13] = dash;
        writeFourDigits(target, at + 14, ((kept[k]! & 0x3c) << 10) | (firstLow & 0xfff));
        target[at + 18] = dash;
        writeFourDigits(target, at + 19, fifth);
        target[at + 23] = dash;
        writeFourDigits(target, at + 24, bHigh[k]!);
        writeFourDigits(target, at + 28, bLow[k]! >>> 16);
        writeFourDigits(target, at + 32, bLow[k]!);
        out.at = at + 36;
        out.end();
        k++;
      }
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
    prepare: ({ key, column }) => onStrings(run(key, column, false)),
    prepareBytes: ({ key, column }) => run(key, column, false),
    reveal: ({ key, column }) => onStrings(run(key, column, true)),
  };
}

function layoutOf(bytes: Buffer, start: number, end: number): Uint8Array | undefined {
  if (end - start === 32) return plain;
  const fits =
    end - start === 36 &&
    bytes[start + 8] === dash &&
    bytes[start + 13] === dash &&
    bytes[start + 18] === dash &&
    bytes[start + 23] === dash;
  return fits ? dashed : undefined;
}

/** Below 0 where one of them is no hexadecimal digit. */
function fourDigits(bytes: Buffer, at: number): number {
  return (
    (hexValues[bytes[at]!]! << 12) |
    (hexValues[bytes[at + 1]!]! << 8) |
    (hexValues[bytes[at + 2]!]! << 4) |
    hexValues[bytes[at + 3]!]!
  );
}

/** The last 16 bits of a value. */
function writeFourDigits(bytes: Buffer, at: number, value: number): void {
  bytes[at] = hexDigits[(value >>> 12) & 15]!;
  bytes[at + 1] = hexDigits[(value >>> 8) & 15]!;
  bytes[at + 2] = hexDigits[(value >>> 4) & 15]!;
  bytes[at + 3] = hexDigits[value & 15]!;
}
