/**
 * Rewrites some columns of a stream of COPY in binary format: the server neither writes nor reads text, and nobody looks for
 * the ends of fields. Bytes of other columns are passed on as they are.
 *
 * Source: "Binary Format" on the manual's page of COPY. Whole numbers have the highest byte first.
 *
 * ```
 * "PGCOPY\n\xff\r\n\0"  flags(4) = 0  length(4) of what follows in the header
 * of each row: count of fields(2), of each field: length(4) or -1 for NULL, and its bytes
 * -1(2)
 * ```
 */
import { HoldfastError } from '../base/errors.ts';
import type { BinaryCells } from './binary-cells.ts';
import { ByteColumn } from './byte-column.ts';
import { pieceRoom } from './copy/piece-room.ts';
import type { Rewrite } from './copy-text.ts';
import { HeldBytes } from './held-bytes.ts';
import { type Kernels, kernels } from './kernels/kernels.ts';

export interface CopyBinaryOptions {
  /** Columns of the COPY statement. */
  readonly columns: number;
  /** Which of them are ruled: positions from 0, rising. */
  readonly ruled: readonly number[];
  /** How cells of each ruled one become text and binary again; undefined where they are text already. */
  readonly cells: readonly (BinaryCells | undefined)[];
  readonly rewrite: Rewrite;
  /** Rows of a batch at most. Default 4096. */
  readonly batchRows?: number;
}

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const headerBytes = signature.length + 8;
export class CopyBinaryRewriter {
  readonly #columns: number;
  readonly #ruled: readonly number[];
  readonly #codecs: readonly (BinaryCells | undefined)[];
  readonly #rewrite: Rewrite;
  readonly #batchRows: number;
  /** What the fields of ruled columns hold, as they came. */
  readonly #raw: readonly ByteColumn[];
  /** The same as text. */
  readonly #given: readonly ByteColumn[];
  /** Where rewritten cells become binary. */
  readonly #encoded: readonly ByteColumn[];
  readonly #positions: Int32Array;
  /** Of every ruled column: where the kernel writes the places of its cells. */
  readonly #places: Int32Array;
  readonly #held = new HeldBytes();
  #rows = 0;
  /** Rows of the batch at hand. */
  #count = 0;
  #state: 'header' | 'rows' | 'ended' = 'header';

  /** @throws RangeError when `ruled` is not a rising list of columns */
  constructor({ columns, ruled, cells, rewrite, batchRows = 4096 }: CopyBinaryOptions) {
    if (ruled.some((at, k) => at <= (ruled[k - 1] ?? -1) || at >= columns) || cells.length !== ruled.length)
      throw new RangeError('the ruled columns must be a rising list of positions');
    this.#columns = columns;
    this.#ruled = ruled;
    this.#codecs = cells;
    this.#rewrite = rewrite;
    this.#batchRows = batchRows;
    this.#raw = ruled.map(() => {
      const column = new ByteColumn();
      column.resize(batchRows);
      return column;
    });
    this.#given = this.#raw.map((raw, k) => (cells[k] ? new ByteColumn() : raw));
    this.#encoded = ruled.map(() => new ByteColumn());
    this.#positions = Int32Array.from(ruled);
    this.#places = new Int32Array(ruled.length * 2);
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
   * Takes the next bytes, which may be cut anywhere, and gives the rewritten rows that are complete, in memory that is theirs until it is given back.
   *
   * @throws HoldfastError `source-failed` when they are no such stream, or a row has not the expected number of columns
   */
  push(piece: Buffer): Buffer[] {
    if (this.#state === 'ended' && piece.length > 0) throw malformed('It goes on behind its end.');
    const bytes = this.#held.before(piece);
    const out: Buffer[] = [];
    let at = this.#state === 'header' ? this.#header(bytes, out) : 0;
    if (this.#state === 'rows') at = this.#pushRows(bytes, at, out);
    if (this.#state === 'ended') {
      if (bytes.length - at > 2) throw malformed('It goes on behind its end.');
      out.push(copyOf(bytes, at, bytes.length));
      at = bytes.length;
    }
    this.#held.hold(bytes.subarray(at));
    return out;
  }

  /** @throws HoldfastError `source-failed` when the stream ended before its end */
  end(): void {
    if (this.#state !== 'ended' || this.#held.length > 0) throw malformed('It ended before its end.');
  }

  /** @returns behind the header, or 0 as long as it is not complete */
  #header(bytes: Buffer, out: Buffer[]): number {
    const known = Math.min(bytes.length, signature.length);
    if (bytes.compare(signature, 0, known, 0, known) !== 0) throw malformed('It does not begin as one.');
    if (bytes.length < headerBytes) return 0;
    if (bytes.readInt32BE(signature.length) !== 0 || bytes.readInt32BE(signature.length + 4) !== 0)
      throw malformed('Its header says what this program does not know.');
    out.push(copyOf(bytes, 0, headerBytes));
    this.#state = 'rows';
    return headerBytes;
  }

  /** @returns behind the last complete row */
  #pushRows(bytes: Buffer, from: number, out: Buffer[]): number {
    const kernel = kernels();
    const held: Held = { kernel, base: kernel.hold(bytes), fields: 0 };
    try {
      held.fields = kernel.keep(this.#batchRows * this.#ruled.length * 8);
      let at = from;
      while (this.#state === 'rows') {
        const end = this.#read(held, bytes, at);
        if (this.#count > 0) out.push(this.#rewritten(held, at, end));
        at = end;
        if (this.#count < this.#batchRows) break;
      }
      return at;
    } finally {
      kernel.letGo();
    }
  }

  /** Finds the ruled fields of complete rows from `start` on. @returns behind the last of them */
  #read({ kernel, base, fields }: Held, bytes: Buffer, start: number): number {
    const [columns, width, most, places] = [this.#columns, this.#ruled.length, this.#batchRows, this.#places];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    kernel.begin();
    const room = kernel.take(places.length * most * 4);
    for (let k = 0; k < places.length; k++) places[k] = room + k * most * 4;
    const [positions, cells, told] = [kernel.put(this.#positions), kernel.put(places), kernel.take(8)];
    const end = base + bytes.length;
    const { readRows, markWide } = kernel.run;
    const here = readRows(base + start, end, columns, positions, width, cells, fields, most, base, told);
    const rows = kernel.words[told >>> 2]!;
    const count = kernel.words[(told >>> 2) + 1]!;
    if (count !== columns) {
      if (count !== -1) throw malformed(`A row has ${count} columns in place of ${columns}.`);
      // Its two bytes are passed on with what comes last.
      this.#state = 'ended';
    }
    const wide = kernel.take(rows);
    for (let k = 0; k < width; k++) {
      const cell = this.#raw[k]!;
      cell.lieIn({ bytes, view }, rows);
      const [from, to] = [places[2 * k]! >>> 2, places[2 * k + 1]! >>> 2];
      cell.from.set(kernel.words.subarray(from, from + rows));
      cell.to.set(kernel.words.subarray(to, to + rows));
      if (this.#codecs[k]) continue;
      markWide(base, from << 2, to << 2, wide, rows);
      cell.wide.set(kernel.bytes.subarray(wide, wide + rows));
    }
    this.#count = rows;
    return (here >>> 0) - base;
  }

  #rewritten(held: Held, start: number, end: number): Buffer {
    const rows = this.#count;
    const [raw, given, codecs] = [this.#raw, this.#given, this.#codecs];
    for (let k = 0; k < raw.length; k++) codecs[k]?.read(raw[k]!, given[k]!);
    const after = this.#rewrite(given, rows);
    if (after.length !== given.length || after.some((column) => column.count !== rows))
      throw new RangeError('the rewriting gave another number of cells');
    const made = after.map((column, k) => {
      if (column === given[k]) return raw[k]!;
      const codec = codecs[k];
      if (codec === undefined) return column;
      codec.write(column, this.#encoded[k]!);
      return this.#encoded[k]!;
    });
    this.#rows += rows;
    return this.#assemble(held, start, end, made);
  }

  #assemble({ kernel, base, fields }: Held, start: number, end: number, made: readonly ByteColumn[]): Buffer {
    const rows = this.#count;
    const width = made.length;
    kernel.begin();
    const brought = made.map((column) => kernel.bring(column));
    const cells = kernel.put(Int32Array.from(brought.flatMap(({ bytes, from, to }) => [bytes, from, to])));
    const { sizeOfRows, assembleRows } = kernel.run;
    const size = end - start + sizeOfRows(fields, rows, cells, width);
    const out = kernel.take(size);
    if (assembleRows(base + start, base + end, base, fields, rows, cells, width, out) >>> 0 !== out + size)
      throw new RangeError('the rewritten rows have another length');
    const bytes = pieceRoom(size);
    kernel.bytes.copy(bytes, 0, out, out + size);
    return bytes;
  }
}

/** The bytes at hand as kernels have them: where they lie, and where the places of the ruled fields of a batch do. */
interface Held {
  readonly kernel: Kernels;
  readonly base: number;
  fields: number;
}

function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(to - from);
  bytes.copy(copy, 0, from, to);
  return copy;
}

function malformed(why: string): HoldfastError {
  return new HoldfastError('source-failed', 'The binary COPY of a table is malformed.', { why });
}
