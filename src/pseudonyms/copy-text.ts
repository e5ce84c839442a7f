import { HoldfastError } from '../base/errors.ts';
import { ByteColumn, type CellEncoding } from './byte-column.ts';
import type { Cell } from './transformer.ts';

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

/** The same on strings; it may write into the cells that it gets. */
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

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;

export class CopyTextRewriter {
  readonly #columns: number;
  readonly #ruled: readonly number[];
  readonly #rewrite: Rewrite;
  readonly #batchRows: number;
  #held: Buffer = Buffer.alloc(0);
  /** Where every ruled field of the batch starts and ends in the COPY text, row by row. */
  readonly #fields: Int32Array;
  readonly #cells: readonly ByteColumn[];
  #out: Buffer = Buffer.alloc(0);
  #rows = 0;

  /** @throws RangeError when `ruled` is not a rising list of columns */
  constructor(options: CopyTextOptions) {
    const { columns, ruled, rewrite, encoding = 'utf8', batchRows = 4096 } = options;
    if (ruled.length === 0 || ruled.some((at, k) => at <= (ruled[k - 1] ?? -1) || at >= columns))
      throw new RangeError('the ruled columns must be a rising list of positions');
    this.#columns = columns;
    this.#ruled = ruled;
    this.#rewrite = rewrite;
    this.#batchRows = batchRows;
    this.#fields = new Int32Array(batchRows * ruled.length * 2);
    this.#cells = ruled.map(() => {
      const column = new ByteColumn(encoding);
      column.resize(batchRows);
      return column;
    });
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
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const end = bytes.lastIndexOf(newline) + 1;
    const out: Buffer[] = [];
    for (let at = 0; at < end; ) at = this.#batch(bytes, at, end, out);
    // A copy: what is held must not keep the whole piece alive, nor change with it.
    this.#held = Buffer.from(bytes.subarray(end));
    return out;
  }

  /** @throws HoldfastError `source-failed` when the stream ended inside a row */
  end(): void {
    if (this.#held.length > 0) throw malformed('It ended inside a row.');
  }

  #batch(bytes: Buffer, start: number, end: number, out: Buffer[]): number {
    const fields = this.#fields;
    const ruled = this.#ruled;
    const cells = this.#cells;
    let rows = 0;
    let at = start;
    let slot = 0;
    while (rows < this.#batchRows && at < end) {
      let column = 0;
      let next = 0;
      let from = at;
      let seen = 0;
      for (;;) {
        const byte = bytes[at]!;
        if (byte > backslash) {
          seen |= byte;
          at++;
        } else if (byte === tab || byte === newline) {
          if (column === ruled[next]) {
            fields[slot] = from;
            fields[slot + 1] = at;
            slot += 2;
            const cell = cells[next]!;
            cell.from[rows] = from;
            cell.to[rows] = seen < 256 ? at : unescapedIn(bytes, from, at);
            cell.wide[rows] = seen & 128;
            next++;
          }
          column++;
          from = ++at;
          seen = 0;
          if (byte === newline) break;
        } else {
          if (byte === backslash) seen |= 256;
          at++;
        }
      }
      if (column !== this.#columns) throw malformed(`A row has ${column} columns in place of ${this.#columns}.`);
      rows++;
    }
    for (const cell of cells) {
      cell.bytes = bytes;
      cell.resize(rows);
    }
    const after = this.#rewrite(cells, rows);
    if (after.length !== ruled.length || after.some((column) => column.count !== rows))
      throw new RangeError('the rewriting gave another number of cells');
    out.push(this.#assemble(bytes, start, at, rows, after));
    this.#rows += rows;
    return at;
  }

  #assemble(bytes: Buffer, start: number, end: number, rows: number, after: readonly ByteColumn[]): Buffer {
    const fields = this.#fields;
    const width = this.#ruled.length;
    let room = end - start;
    for (const { from, to } of after) {
      // Every byte may need an escape; a NULL takes two.
      for (let row = 0; row < rows; row++) room += to[row]! < 0 ? 2 : 2 * (to[row]! - from[row]!);
    }
    if (this.#out.length < room) this.#out = Buffer.allocUnsafeSlow(room);
    const out = this.#out;
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
        for (let at = column.from[row]!; at < last; at++) {
          const byte = made[at]!;
          if (byte > 0x0d && byte !== backslash) out[to++] = byte;
          else to = escapedByte(out, to, byte);
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

/** The bytes after a backslash that stand for another one. COPY TO writes no octal or hexadecimal ones. */
const letters = new Map([...'bfnrtv'].map((letter, k) => [letter.charCodeAt(0), [8, 12, 10, 13, 9, 11][k]!]));
const escapes = new Map([...letters].map(([letter, byte]) => [byte, letter]));

/** Takes a field out of its escapes, where it lies. @returns where it ends now; below 0 for NULL */
function unescapedIn(bytes: Buffer, from: number, to: number): number {
  if (to - from === 2 && bytes[from] === backslash && bytes[from + 1] === 0x4e) return -1;
  let at = from;
  for (let k = from; k < to; k++) {
    let byte = bytes[k]!;
    if (byte === backslash && k + 1 < to) {
      byte = bytes[++k]!;
      byte = letters.get(byte) ?? byte;
    }
    bytes[at++] = byte;
  }
  return at;
}

/** Writes a byte that may need an escape. @returns where the next one goes */
function escapedByte(out: Buffer, at: number, byte: number): number {
  if (byte === 0) throw new RangeError('a pseudonym holds a NUL');
  const letter = byte === backslash ? backslash : escapes.get(byte);
  if (letter === undefined) {
    out[at] = byte;
    return at + 1;
  }
  out[at] = backslash;
  out[at + 1] = letter;
  return at + 2;
}
