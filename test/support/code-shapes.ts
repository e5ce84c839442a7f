/** What kinds on bytes promise of texts, worked out one after the other; and how they are run. */
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { Options, type RawOptions } from '../../src/pseudonyms/options.ts';
import { Permutation } from '../../src/pseudonyms/permutation.ts';
import type { Cell, ColumnFacts, Transformer } from '../../src/pseudonyms/transformer.ts';

export const key = new PseudonymKey(Buffer.alloc(32, 7)).domain('person');
const column: ColumnFacts = { name: 's.t.c', type: 'text', nullable: true, unique: false };
export const classes = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Runs a kind on columns of texts. */
export function prepared(kind: (options: Options) => Transformer, options: RawOptions = {}) {
  const run = kind(new Options('kind', options)).prepareBytes!({ key, column });
  const out = new ByteColumn();
  return (...cells: Cell[]): readonly Cell[] => {
    run(new ByteColumn().fill(cells), out);
    return out.strings();
  };
}

/** What the format of `code` promises, one cell after the other. */
export function promised(cell: string, alphabets: readonly string[] = classes): string {
  let [size, rank, name] = [1n, 0n, ''];
  const at = (character: string) => alphabets.findIndex((alphabet) => alphabet.includes(character));
  for (const character of cell) {
    const known = at(character);
    name += known < 0 ? character : `\0${known + 1}`;
    if (known < 0) continue;
    size *= BigInt(alphabets[known]!.length);
    rank = rank * BigInt(alphabets[known]!.length) + BigInt(alphabets[known]!.indexOf(character));
  }
  if (size === 1n) return cell;
  const values = [rank];
  new Permutation(key, `code\0${alphabets.join('\0')}\0${name}`, size).bigints(values, 1);
  let [left, made] = [values[0]!, ''];
  for (const character of [...cell].reverse()) {
    const alphabet = alphabets[at(character)];
    made = (alphabet === undefined ? character : alphabet[Number(left % BigInt(alphabet.length))]!) + made;
    if (alphabet !== undefined) left /= BigInt(alphabet.length);
  }
  return made;
}
