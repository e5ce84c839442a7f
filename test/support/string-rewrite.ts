import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import type { Rewrite } from '../../src/pseudonyms/copy-text.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';

/** A rewriting of strings; it may write into the cells that it gets. */
export type StringRewrite = (columns: readonly Cell[][], rows: number) => readonly (readonly Cell[])[];

export function stringRewrite(rewrite: StringRewrite): Rewrite {
  return (columns, rows) => {
    const cells = columns.map((column) => column.strings().slice());
    const made = rewrite(cells, rows);
    if (made.length !== columns.length || made.some((column) => column.length < rows))
      throw new RangeError('the rewriting gave another number of cells');
    return made.map((column, k) => new ByteColumn(columns[k]!.encoding).fill(column.slice(0, rows)));
  };
}
