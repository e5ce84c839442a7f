import { writeBase32 } from '../base32.ts';
import { onStrings } from '../byte-runs.ts';
import { ByteWords } from '../byte-words.ts';
import { exact, folded, keyedColumn } from '../canonical.ts';
import type { Options } from '../options.ts';
import { Prf } from '../prf.ts';
import { assertFits, assertType, type ColumnFacts, type Guarantee, type Transformer } from '../transformer.ts';

/** An opaque text of base32 characters, optionally after a prefix: 5 bits a character, at most 125. */
export function token(options: Options): Transformer {
  const asked = options.integer('length', { min: 4, max: 25 }, 20);
  const prefix = options.text('prefix') ?? '';
  const folding = options.flag('ignoreCase', false);
  options.done();

  const length = (column: ColumnFacts): number => {
    assertType('token', column, 'text');
    assertFits('token', prefix.length + 4, column);
    return Math.min(asked, (column.maxLength ?? Number.POSITIVE_INFINITY) - prefix.length);
  };
  const guarantee = (column: ColumnFacts): Guarantee => ({
    uniqueness: { bits: length(column) * 5 },
    maxLength: prefix.length + length(column),
    nulls: 'kept',
    empty: 'kept',
    canonical: folding ? 'NFC, lower case, trimmed' : 'NFC',
    reversible: false,
  });
  return {
    kind: 'token',
    companions: [],
    guarantee,
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      const characters = length(column);
      const prf = new Prf(key.subkey('token'));
      const lead = new ByteWords([prefix]);
      return (cells, out) => {
        const words = keyedColumn(prf, folding ? folded : exact, cells);
        out.begin(cells.count, lead.longest + characters);
        for (let i = 0; i < cells.count; i++) {
          if (cells.isEmpty(i)) {
            out.keep(cells, i);
            continue;
          }
          lead.write(out, 0);
          writeBase32(out, words, i * 4, characters);
          out.end(lead.wide[0]);
        }
      };
    },
  };
}
