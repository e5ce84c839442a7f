import { ByteColumn } from '../byte-column.ts';
import { folded, keyed } from '../canonical.ts';
import { areDigits, mod97Of, ribKeyOf, twoDigitsAt, writeTwoDigits } from '../check-digits.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Prf, pick } from '../prf.ts';
import { characterClasses, ShapePermutation } from '../shape-permutation.ts';
import { assertFits, assertType, type Transformer } from '../transformer.ts';
import { Grouping } from './grouped.ts';
import { type NumberMap, numberTransformer } from './numbers.ts';

const [F, M, C, R] = [0x46, 0x4d, 0x43, 0x52];
/** Two letters and two digits. */
const headLength = 4;
/** Bank, branch and account of a French number; its key follows. */
const frenchPayload = 21;

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

function isValidIban(bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  if (length < 15 || length > 34 || !isCapital(bytes[from]!) || !isCapital(bytes[from + 1]!)) return false;
  if (!areDigits(bytes, from + 2, from + headLength)) return false;
  // As `mod97Of`, which would be a second look at every character.
  let rest = 0;
  for (let k = from + headLength; k < to; k++) {
    const byte = bytes[k]!;
    if (rest > 9_999_999) rest %= 97;
    if (byte >= 0x30 && byte <= 0x39) rest = rest * 10 + byte - 48;
    else if (isCapital(byte)) rest = rest * 100 + byte - 55;
    else return false;
  }
  if (mod97Of(bytes, from, from + headLength, rest % 97) !== 1) return false;
  // 00, 01 and 99 would be second writings of other check digits.
  const check = twoDigitsAt(bytes, from + 2);
  if (check < 2 || check > 98) return false;
  return !isKeyedAccount(bytes, from, to) || ribKeyOf(bytes, from + headLength) === twoDigitsAt(bytes, to - 2);
}

/** French and Monegasque accounts end in a key of their own. */
function isKeyedAccount(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== headLength + frenchPayload + 2) return false;
  const first = bytes[from];
  const second = bytes[from + 1];
  if (!((first === F && second === R) || (first === M && second === C))) return false;
  return areDigits(bytes, from + headLength, from + headLength + 10) && areDigits(bytes, to - 2, to);
}

/** Keeps the country and the class of every character; the account's key and the check digits are right again. */
export const iban = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'iban',
    length: 15,
    canonical: 'capitals and digits without grouping',
    grouping: new Grouping(' -', true),
    isValid: isValidIban,
    map(key: DomainKey): NumberMap {
      const shapes = new ShapePermutation(key, characterClasses, () => {});
      const payloads = new ByteColumn();
      const moved = new ByteColumn();
      return (valid, made) => {
        const { count, bytes, from, to } = valid;
        payloads.lieIn(valid, count);
        for (let i = 0; i < count; i++) {
          const start = from[i]! + headLength;
          payloads.from[i] = start;
          payloads.to[i] = isKeyedAccount(bytes, from[i]!, to[i]!) ? start + frenchPayload : to[i]!;
        }
        // One permutation for all countries: each keeps its own letters, so nothing meets.
        shapes.runBytes(payloads, moved);
        made.begin(count, 34);
        for (let i = 0; i < count; i++) {
          const target = made.bytes;
          const start = made.at;
          let at = start + headLength;
          for (let k = moved.from[i]!, end = moved.to[i]!; k < end; k++) target[at++] = moved.bytes[k]!;
          if (payloads.to[i] !== to[i]) {
            writeTwoDigits(target, at, ribKeyOf(target, start + headLength));
            at += 2;
          }
          target[start] = bytes[from[i]!]!;
          target[start + 1] = bytes[from[i]! + 1]!;
          writeTwoDigits(target, start + 2, 0);
          const rest = mod97Of(target, start, start + headLength, mod97Of(target, start + headLength, at));
          writeTwoDigits(target, start + 2, 98 - rest);
          made.at = at;
          made.end();
        }
      };
    },
  });

/** A well-formed BIC that nobody has: `ZZ` in its bank code; country and length are kept. */
export function bic(options: Options): Transformer {
  options.done();
  return {
    kind: 'bic',
    companions: [],
    guarantee(column) {
      assertType('bic', column, 'text');
      assertFits('bic', 8, column);
      return {
        uniqueness: 'lossy',
        maxLength: 11,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'NFC, lower case, trimmed',
        reversible: false,
      };
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('bic'));
      const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
      return (cells, out) => {
        const words = keyed(prf, folded, cells);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          if (!cell) {
            out[i] = cell;
            continue;
          }
          const letter = (k: number) => letters[pick((words[i * 4 + (k >> 1)]! << ((k & 1) * 16)) >>> 0, 26)]!;
          const given = cell.trim().slice(4, 6).toUpperCase();
          const country = /^[A-Z]{2}$/.test(given) ? given : 'FR';
          // The second character of a location is never 0 or 1 here: those mark test and passive participants.
          const head = `ZZ${letter(0)}${letter(1)}${country}${letter(2)}${letter(3)}`;
          const long = cell.trim().length === 11 && (column.maxLength ?? 11) >= 11;
          out[i] = long ? `${head}${letter(4)}${letter(5)}${letter(6)}` : head;
        }
      };
    },
  };
}
