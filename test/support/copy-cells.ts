/** The rows of a COPY as cells, batch by batch, for those who look at each as a string. */

import { CopyColumns, type CopyColumnsOptions } from '../../src/pseudonyms/leaks/copy-columns.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';

/** Cells of a batch, column by column. */
export type TakeCells = (columns: readonly (readonly Cell[])[], rows: number) => void;

export interface CopyCellsOptions extends Omit<CopyColumnsOptions, 'take'> {
  take: TakeCells;
}

export class CopyCells extends CopyColumns {
  constructor({ take, ...options }: CopyCellsOptions) {
    super({
      ...options,
      take: (columns, rows) =>
        take(
          columns.map((column) => column.strings()),
          rows,
        ),
    });
  }
}
