import { detectionBytes, detectType, type FileType, fileTypes } from '../files/detect.ts';
import { fileSeed, longestPlaceholder, placeholder } from '../files/placeholder.ts';
import type { Options } from '../options.ts';
import { assertType, type Guarantee, type Transformer, unfitValue } from '../transformer.ts';

const hexDigits = 2 * detectionBytes;

/**
 * Files in a bytea column. `mode: placeholder` puts a small valid file of the same type in their place, `drop` an empty one.
 * `type` says the type where it need not be told from each content.
 */
export function file(options: Options): Transformer {
  const mode = options.choice('mode', ['placeholder', 'drop'], 'placeholder');
  const type = options.choice<FileType | 'auto'>('type', ['auto', ...fileTypes], 'auto');
  options.done();
  return {
    kind: 'file',
    companions: [],
    guarantee(column): Guarantee {
      assertType('file', column, 'bytea');
      return {
        uniqueness: 'lossy',
        maxLength: mode === 'drop' ? 2 : 2 + 2 * longestPlaceholder(),
        nulls: 'kept',
        empty: 'kept',
        canonical: 'the first 64 KiB',
        reversible: false,
      };
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const seedOf = fileSeed(key);
      return (cells, out) => {
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          if (!cell || cell === '\\x') {
            out[i] = cell;
            continue;
          }
          if (!cell.startsWith('\\x') || cell.length % 2 !== 0)
            throw unfitValue('file', column, 'It is not written in hex.');
          if (mode === 'drop') {
            out[i] = '\\x';
            continue;
          }
          const digits = cell.slice(2, 2 + hexDigits);
          const head = Buffer.from(digits, 'hex');
          if (head.length * 2 !== digits.length) throw unfitValue('file', column, 'It is not written in hex.');
          const made = placeholder(type === 'auto' ? detectType(head) : type, { seed: seedOf(head) });
          out[i] = `\\x${made.toString('hex')}`;
        }
      };
    },
  };
}
