import { folded, keyed } from '../canonical.ts';
import { ibanCheck, mod97, ribKey } from '../check-digits.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Prf, pick } from '../prf.ts';
import { assertFits, assertType, type Cell, type Transformer } from '../transformer.ts';
import { characterClasses, ShapePermutation } from './code.ts';
import { type NumberMap, numberTransformer } from './numbers.ts';

const wellFormed = /^[A-Z]{2}\d\d[0-9A-Z]{11,30}$/;

function validIban(compact: string): boolean {
  if (!wellFormed.test(compact) || mod97(compact.slice(4) + compact.slice(0, 4)) !== 1) return false;
  // 00, 01 and 99 would be second writings of other check digits.
  if (Number(compact.slice(2, 4)) < 2 || Number(compact.slice(2, 4)) > 98) return false;
  return !keyedAccount(compact) || ribKey(compact.slice(4, 25)) === compact.slice(25);
}

/** French and Monegasque accounts end in a key of their own. */
function keyedAccount(compact: string): boolean {
  return (compact.startsWith('FR') || compact.startsWith('MC')) && /^\d{10}[0-9A-Z]{11}\d\d$/.test(compact.slice(4));
}

/** Keeps the country and the class of every character; the account's key and the check digits are right again. */
export const iban = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'iban',
    length: 15,
    canonical: 'capitals and digits without grouping',
    strip: (cell) => cell.replace(/[ \-\u00a0]/g, '').toUpperCase(),
    valid: validIban,
    map(key: DomainKey): NumberMap {
      const shapes = new ShapePermutation(key, characterClasses, () => {});
      return (valid) => {
        const payloads = valid.map((number) => (keyedAccount(number) ? number.slice(4, 25) : number.slice(4)));
        // One permutation for all countries: each keeps its own letters, so nothing meets.
        const out: Cell[] = new Array(valid.length);
        shapes.run(payloads, out);
        return valid.map((number, k) => {
          const bban = keyedAccount(number) ? out[k]! + ribKey(out[k]!) : out[k]!;
          const country = number.slice(0, 2);
          return country + ibanCheck(country, bban) + bban;
        });
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
