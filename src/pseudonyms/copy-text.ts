import { HoldfastError } from '../base/errors.ts';
import { ByteColumn, type CellEncoding } from './byte-column.ts';
import { CopyRows, escapedByte } from './copy-rows.ts';
import { hasSpecial } from './four-bytes.ts';
import { HeldBytes } from './held-bytes.ts';
import { holding } from './kernels/kernels.ts';

/**
 * Rewrites some columns of a stream of COPY text. Bytes of other columns are passed on as they are; ruled columns are taken
 * out of their escapes, and put into them again.
 */

/**
 * Rewrites a batch: `columns[k]` holds the cells of the k-th ruled column, in order of rows. The answer has the same
 * shape; those of its columns that are the very ones given keep their bytes. Nothing of a batch is used after the next one
 * has begun.
 */
export type Rewrite = (columns: readonly ByteColumn[], rows: number) => readonly ByteColumn[];

export interface CopyTextOptions {
  /** Columns of the COPY statement. */
  readonly columns: number;
  /** Which of them are ruled: positions from 0, rising. */
  readonly ruled: readonly number[];
  readonly rewrite: Rewrite;
  /** How bytes are read. Default `utf8`. */
  readonly encoding?: CellEncoding;
  /** Rows of a batch at most. Default 4096. */
  readonly batchRows?: number;
}

const newline = 0x0a;
const backslash = 0x5c;

export class CopyTextRewriter {
  readonly #reader: CopyRows;
  readonly #cells: readonly ByteColumn[];
  readonly #rewrite: Rewrite;
  readonly #held = new HeldBytes();
  #out: Buffer = Buffer.alloc(0);
  #outView = new DataView(this.#out.buffer);
  #rows = 0;

  /** @throws RangeError when `ruled` is not a rising list of columns */
  constructor(options: CopyTextOptions) {
    const { columns, ruled, rewrite, encoding = 'utf8', batchRows = 4096 } = options;
    if (ruled.length === 0 || ruled.some((at, k) => at <= (ruled[k - 1] ?? -1) || at >= columns))
      throw new RangeError('the ruled columns must be a rising list of positions');
    this.#rewrite = rewrite;
    this.#cells = ruled.map(() => {
      const column = new ByteColumn(encoding);
      column.resize(batchRows);
      return column;
    });
    this.#reader = new CopyRows({
      columns,
      wanted: ruled,
      cells: this.#cells,
      rows: batchRows,
      malformed: (found) => malformed(`A row has ${found} columns in place of ${columns}.`),
    });
  }

  /** Where the next piece is best read to: it then needs no copying. The same until `push`. */
  space(length: number): Buffer {
    return this.#held.space(length);
  }

  /** Rows rewritten so far. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Takes the next bytes, which may be cut anywhere, and gives the rewritten rows that are complete, in memory of their own.
   *
   * @param piece escapes of ruled fields are taken out in it
   * @throws HoldfastError `source-failed` when a row has not the expected number of columns
   */
  push(piece: Buffer): Buffer[] {
    const bytes = this.#held.before(piece);
    const end = bytes.lastIndexOf(newline) + 1;
    const out: Buffer[] = [];
    for (let at = 0; at < end; ) at = this.#batch(bytes, at, end, out);
    this.#held.hold(bytes.subarray(end));
    return out;
  }

  /** @throws HoldfastError `source-failed` when the stream ended inside a row */
  end(): void {
    if (this.#held.length > 0) throw malformed('It ended inside a row.');
  }

  #batch(bytes: Buffer, start: number, end: number, out: Buffer[]): number {
    const reader = this.#reader;
    const at = reader.read(bytes, start, end);
    const rows = reader.count;
    const cells = this.#cells;
    const after = holding(bytes, start, at, () => this.#rewrite(cells, rows));
    if (after.length !== cells.length || after.some((column) => column.count !== rows))
      throw new RangeError('the rewriting gave another number of cells');
    out.push(this.#assemble(bytes, start, at, rows, after));
    this.#rows += rows;
    return at;
  }

  #assemble(bytes: Buffer, start: number, end: number, rows: number, after: readonly ByteColumn[]): Buffer {
    const { fields } = this.#reader;
    const width = after.length;
    let room = end - start + 4;
    for (const { from, to } of after) {
      // Every byte may need an escape; a NULL takes two.
      for (let row = 0; row < rows; row++) room += to[row]! < 0 ? 2 : 2 * (to[row]! - from[row]!);
    }
    if (this.#out.length < room) {
      this.#out = Buffer.allocUnsafeSlow(room);
      this.#outView = new DataView(this.#out.buffer);
    }
    const out = this.#out;
    const outView = this.#outView;
    let to = 0;
    let from = start;
    for (let row = 0, f = 0; row < rows; row++) {
      for (let k = 0; k < width; k++, f += 2) {
        const until = fields[f]!;
        // Between two ruled columns lies a tab: a call for so little costs more than a loop.
        if (until - from < 48) while (from < until) out[to++] = bytes[from++]!;
        else to += bytes.copy(out, to, from, until);
        from = fields[f + 1]!;
        const column = after[k]!;
        const last = column.to[row]!;
        if (last < 0) {
          out[to++] = backslash;
          out[to++] = 0x4e;
          continue;
        }
        const made = column.bytes;
        const view = column.view;
        let at = column.from[row]!;
        for (;;) {
          for (; at <= last - 4; at += 4, to += 4) {
            const word = view.getInt32(at, true);
            if (hasSpecial(word)) break;
            outView.setInt32(to, word, true);
          }
          if (at === last) break;
          to = escapedByte(out, to, made[at++]!);
        }
      }
    }
    to += bytes.copy(out, to, from, end);
    // The room of one long row is given back.
    if (this.#out.length > 8 << 20) this.#out = Buffer.alloc(0);
    // Of its own memory and no larger: whoever sends it frees it.
    const whole = Buffer.allocUnsafeSlow(to);
    out.copy(whole, 0, 0, to);
    return whole;
  }
}

function malformed(why: string): HoldfastError {
  return new HoldfastError('source-failed', 'The COPY text of a table is malformed.', { why });
}
