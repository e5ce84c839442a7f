import { writeBase32 } from '../base32.ts';
import { onStrings } from '../byte-runs.ts';
import { exact, keyed, keyedColumn } from '../canonical.ts';
import { stream } from '../filler.ts';
import type { Options } from '../options.ts';
import { Prf } from '../prf.ts';
import {
  assertFits,
  assertType,
  type ColumnFacts,
  type Guarantee,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

/** The hash of one known test password, in the application's own scheme, for every account that has a password. */
export function password(options: Options): Transformer {
  const hash = options.requiredText('hash');
  options.done();
  return {
    kind: 'password',
    companions: [],
    guarantee(column): Guarantee {
      assertType('password', column, 'text');
      assertFits('password', hash.length, column);
      return {
        uniqueness: 'lossy',
        maxLength: hash.length,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'all values are one',
        reversible: false,
      };
    },
    prepare({ column }) {
      this.guarantee(column);
      return (cells, out) => {
        for (let i = 0; i < cells.length; i++) out[i] = cells[i] ? hash : cells[i]!;
      };
    },
  };
}

/**
 * API keys, session and reset tokens: 25 base32 characters (125 bits), unique as the originals were, never accepted by
 * whatever issued those.
 */
export function secret(options: Options): Transformer {
  options.done();
  const length = (column: ColumnFacts): number => {
    assertType('secret', column, 'text');
    assertFits('secret', 8, column);
    return Math.min(25, column.maxLength ?? 25);
  };
  return {
    kind: 'secret',
    companions: [],
    guarantee(column): Guarantee {
      return {
        uniqueness: { bits: length(column) * 5 },
        maxLength: length(column),
        nulls: 'kept',
        empty: 'kept',
        canonical: 'NFC',
        reversible: false,
      };
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      const characters = length(column);
      const prf = new Prf(key.subkey('secret'));
      return (cells, out) => {
        const words = keyedColumn(prf, exact, cells);
        out.begin(cells.count, characters);
        for (let i = 0; i < cells.count; i++) {
          if (cells.isEmpty(i)) {
            out.keep(cells, i);
            continue;
          }
          writeBase32(out, words, i * 4, characters);
          out.end();
        }
      };
    },
  };
}

/** Other bytes, as many as there were (`keep`), or none (`empty`). */
export function bytea(options: Options): Transformer {
  const size = options.choice('size', ['keep', 'empty'], 'keep');
  options.done();
  return {
    kind: 'bytea',
    companions: [],
    guarantee(column): Guarantee {
      assertType('bytea', column, 'bytea');
      return {
        uniqueness: 'lossy',
        maxLength: undefined,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'the bytes',
        reversible: false,
      };
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('bytea'));
      return (cells, out) => {
        const words = keyed(prf, exact, cells);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          if (!cell) {
            out[i] = cell;
            continue;
          }
          if (!/^\\x(?:[0-9a-f]{2})*$/i.test(cell)) throw unfitValue('bytea', column, 'It is not written in hex.');
          if (size === 'empty' || cell.length === 2) {
            out[i] = '\\x';
            continue;
          }
          const next = stream(words, i * 4);
          const bytes = Buffer.allocUnsafe(Math.ceil((cell.length - 2) / 8) * 4);
          for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(next(), at);
          out[i] = `\\x${bytes.toString('hex', 0, (cell.length - 2) / 2)}`;
        }
      };
    },
  };
}
