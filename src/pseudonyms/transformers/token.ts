import { AsciiCells, writeBase32 } from '../ascii-cells.ts';
import { exact, folded, keyed } from '../canonical.ts';
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
    prepare({ key, column }) {
      const characters = length(column);
      const prf = new Prf(key.subkey('token'));
      const written = new AsciiCells();
      const lead = Buffer.from(prefix, 'latin1').toString('latin1');
      return (cells, out) => {
        const words = keyed(prf, folding ? folded : exact, cells);
        written.begin(cells.length, lead.length + characters);
        for (let i = 0; i < cells.length; i++) {
          written.text(lead);
          writeBase32(written, words, i * 4, characters);
          written.end();
        }
        written.into(out, cells);
      };
    },
  };
}
