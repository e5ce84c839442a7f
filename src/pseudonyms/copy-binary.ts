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
import { type BinaryCells, markWide } from './binary-cells.ts';
import { ByteColumn } from './byte-column.ts';
import type { Rewrite } from './copy-text.ts';
import { HeldBytes } from './held-bytes.ts';

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
/** Below this many bytes a loop is faster than a call. */
const shortCopy = 48;

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
  /** Where every ruled field of the rows of a batch begins, with its length, and ends, row by row. */
  readonly #fields: Int32Array;
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
    this.#fields = new Int32Array(batchRows * ruled.length * 2);
  }

  /** Rows rewritten so far. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Takes the next bytes, which may be cut anywhere, and gives the rewritten rows that are complete, in memory of their own.
   *
   * @throws HoldfastError `source-failed` when they are no such stream, or a row has not the expected number of columns
   */
  push(piece: Buffer): Buffer[] {
    if (this.#state === 'ended' && piece.length > 0) throw malformed('It goes on behind its end.');
    const bytes = this.#held.before(piece);
    const out: Buffer[] = [];
    let at = this.#state === 'header' ? this.#header(bytes, out) : 0;
    while (this.#state === 'rows') {
      const end = this.#read(bytes, at);
      if (this.#count > 0) out.push(this.#rewritten(bytes, at, end));
      at = end;
      if (this.#count < this.#batchRows) break;
    }
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

  /** Finds the ruled fields of complete rows from `start` on. @returns behind the last of them */
  #read(bytes: Buffer, start: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const [columns, ruled, raw, fields, most] = [this.#columns, this.#ruled, this.#raw, this.#fields, this.#batchRows];
    const width = ruled.length;
    const end = bytes.length;
    let here = start;
    let rows = 0;
    let slot = 0;
    reading: while (rows < most && here + 2 <= end) {
      const count = view.getInt16(here);
      if (count !== columns) {
        if (count !== -1) throw malformed(`A row has ${count} columns in place of ${columns}.`);
        // Its two bytes are passed on with what comes last.
        this.#state = 'ended';
        break;
      }
      let at = here + 2;
      let column = 0;
      for (let next = 0; next <= width; next++) {
        const until = next < width ? ruled[next]! : columns;
        for (; column < until; column++) {
          if (at + 4 > end) break reading;
          const length = view.getInt32(at);
          at += length > 0 ? length + 4 : 4;
        }
        if (next === width) break;
        if (at + 4 > end) break reading;
        const length = view.getInt32(at);
        const from = at + 4;
        if (length > end - from) break reading;
        const cell = raw[next]!;
        const to = length < 0 ? from : from + length;
        fields[slot] = at;
        fields[slot + 1] = to;
        slot += 2;
        cell.from[rows] = from;
        cell.to[rows] = length < 0 ? -1 : to;
        at = to;
        column++;
      }
      if (at > end) break;
      here = at;
      rows++;
    }
    for (const cell of raw) cell.lieIn({ bytes, view }, rows);
    this.#count = rows;
    return here;
  }

  #rewritten(bytes: Buffer, start: number, end: number): Buffer {
    const rows = this.#count;
    const [raw, given, codecs] = [this.#raw, this.#given, this.#codecs];
    for (let k = 0; k < raw.length; k++) {
      const codec = codecs[k];
      if (codec) codec.read(raw[k]!, given[k]!);
      else markWide(raw[k]!);
    }
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
    return this.#assemble(bytes, start, end, made);
  }

  #assemble(bytes: Buffer, start: number, end: number, made: readonly ByteColumn[]): Buffer {
    const [fields, rows] = [this.#fields, this.#count];
    const width = made.length;
    let size = end - start;
    for (let k = 0; k < width; k++) {
      const { from, to } = made[k]!;
      for (let row = 0, f = 2 * k; row < rows; row++, f += 2 * width) {
        const length = to[row]! - from[row]!;
        size += 4 - (fields[f + 1]! - fields[f]!) + (length > 0 ? length : 0);
      }
    }
    // Of its own memory and no larger: whoever sends it frees it.
    const out = Buffer.allocUnsafeSlow(size);
    const outView = new DataView(out.buffer);
    let to = 0;
    let from = start;
    for (let row = 0, f = 0; row < rows; row++) {
      for (let k = 0; k < width; k++, f += 2) {
        const until = fields[f]!;
        if (until - from < shortCopy) while (from < until) out[to++] = bytes[from++]!;
        else to += bytes.copy(out, to, from, until);
        from = fields[f + 1]!;
        const column = made[k]!;
        const last = column.to[row]!;
        if (last < 0) {
          outView.setInt32(to, -1);
          to += 4;
          continue;
        }
        let at = column.from[row]!;
        outView.setInt32(to, last - at);
        to += 4;
        const { bytes: cells, view } = column;
        for (; at <= last - 4; at += 4, to += 4) outView.setInt32(to, view.getInt32(at, true), true);
        while (at < last) out[to++] = cells[at++]!;
      }
    }
    bytes.copy(out, to, from, end);
    return out;
  }
}

function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(to - from);
  bytes.copy(copy, 0, from, to);
  return copy;
}

function malformed(why: string): HoldfastError {
  return new HoldfastError('source-failed', 'The binary COPY of a table is malformed.', { why });
}
