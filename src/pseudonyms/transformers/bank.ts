import { folded, keyed } from '../canonical.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Prf, pick } from '../prf.ts';
import { characterClasses, ShapePermutation } from '../shape-permutation.ts';
import { assertFits, assertType, type Transformer } from '../transformer.ts';
import { Grouping, type NumberMap } from './grouped.ts';
import { numberTransformer, seal } from './numbers.ts';

/** Keeps the country and the class of every character; the account's key and the check digits are right again. */
export const iban = (options: Options): Transformer =>
  numberTransformer(options, {
    kind: 'iban',
    length: 15,
    canonical: 'capitals and digits without grouping',
    grouping: new Grouping(' -', true),
    map(key: DomainKey): NumberMap {
      // One permutation for all countries: each keeps its own letters, so nothing meets.
      const shapes = new ShapePermutation(key, characterClasses, () => {});
      return (kernel, valid) => {
        const { bytes, from, to, list, count } = valid;
        kernel.within(() => {
          const parts = { bytes, from: kernel.take(count * 4), to: kernel.take(count * 4) };
          kernel.run.partsOfIbans(bytes, from, to, list, count, parts.from, parts.to);
          shapes.permuteIn(kernel, parts, count);
        });
        seal(kernel, 'iban', valid);
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
