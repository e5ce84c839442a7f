/** The rows of a COPY as columns of bytes, batch by batch. */
import { HoldfastError } from '../../base/errors.ts';
import type { CopySink } from '../../sources/postgres/copy-out.ts';
import { ByteColumn, type CellEncoding } from '../byte-column.ts';
import { CopyRows } from '../copy-rows.ts';
import { holding } from '../kernels/kernels.ts';

/** Cells of a batch, column by column; they hold until it returns. */
export type TakeColumns = (columns: readonly ByteColumn[], rows: number) => void;

const newline = 0x0a;
const batchRows = 1024;
const batchBytes = 1024 * 1024;
const spaceBytes = 256 * 1024;

export interface CopyColumnsOptions {
  columns: number;
  encoding: CellEncoding;
  take: TakeColumns;
  /** Before a piece is looked at; may throw to stop. */
  before?: (bytes: number) => void;
}

export class CopyColumns implements CopySink {
  readonly #options: CopyColumnsOptions;
  readonly #cells: readonly ByteColumn[];
  readonly #reader: CopyRows;
  #buffer = Buffer.allocUnsafeSlow(spaceBytes);
  #length = 0;

  constructor(options: CopyColumnsOptions) {
    this.#options = options;
    this.#cells = Array.from({ length: options.columns }, () => {
      const column = new ByteColumn(options.encoding);
      column.resize(batchRows);
      return column;
    });
    this.#reader = new CopyRows({
      // A row without any column is an empty line, as is one with a single empty cell.
      columns: Math.max(1, options.columns),
      wanted: Array.from({ length: options.columns }, (_, at) => at),
      cells: this.#cells,
      rows: batchRows,
      malformed,
    });
  }

  space(): Buffer {
    return this.#buffer.subarray(this.#length);
  }

  async filled(length: number): Promise<void> {
    this.#options.before?.(length);
    this.#length += length;
    const bytes = this.#buffer.subarray(0, this.#length);
    const end = bytes.lastIndexOf(newline) + 1;
    for (let at = 0; at < end; ) at = this.#batch(bytes, at, end);
    if (end > 0) {
      this.#buffer.copyWithin(0, end, this.#length);
      this.#length -= end;
      // The room of one long row is given back.
      if (this.#buffer.length > 4 * spaceBytes && this.#length < spaceBytes) this.#resize(spaceBytes);
    } else if (this.#length === this.#buffer.length) this.#resize(this.#buffer.length * 2);
    if (this.#length === this.#buffer.length) this.#resize(this.#buffer.length * 2);
    // Others of this thread have their turn too.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #resize(to: number): void {
    const buffer = Buffer.allocUnsafeSlow(to);
    this.#buffer.copy(buffer, 0, 0, this.#length);
    this.#buffer = buffer;
  }

  #batch(bytes: Buffer, start: number, end: number): number {
    const at = this.#reader.read(bytes, start, end, Math.min(end, start + batchBytes));
    holding(bytes, start, at, () => this.#options.take(this.#cells, this.#reader.count));
    return at;
  }
}

function malformed(): HoldfastError {
  return new HoldfastError('could-not-verify', 'The COPY text of a table is malformed.', {
    why: 'A row has another number of columns than was asked for.',
  });
}
