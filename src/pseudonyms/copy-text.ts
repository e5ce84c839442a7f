import { HoldfastError } from '../base/errors.ts';
import type { Cell } from './transformer.ts';

/**
 * Rewrites some columns of a stream of COPY text. Bytes of other columns are passed on as they are; only ruled columns are
 * decoded, and of those only what the rewriting changed is encoded again.
 */

/**
 * Rewrites a batch: `columns[k]` holds the cells of the k-th ruled column, in order of rows. The answer has the same
 * shape; it may be `columns` itself. A cell that is the very string it was keeps its bytes.
 */
export type Rewrite = (columns: readonly Cell[][], rows: number) => readonly (readonly Cell[])[];

export interface CopyTextOptions {
  /** Columns of the COPY statement. */
  readonly columns: number;
  /** Which of them are ruled: positions from 0, rising. */
  readonly ruled: readonly number[];
  readonly rewrite: Rewrite;
  /** How bytes are read; `latin1` keeps any byte of an SQL_ASCII database apart. Default `utf8`. */
  readonly encoding?: 'utf8' | 'latin1';
  /** Rows of a batch at most. Default 1024. */
  readonly batchRows?: number;
}

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;

export class CopyTextRewriter {
  readonly #columns: number;
  readonly #ruled: readonly number[];
  readonly #rewrite: Rewrite;
  readonly #encoding: 'utf8' | 'latin1';
  readonly #batchRows: number;
  #held: Buffer = Buffer.alloc(0);
  /** Start, end, and all bytes or-ed together (256 more where one is a backslash) of every ruled field of the batch. */
  #fields: Int32Array;
  #rows = 0;

  /** @throws RangeError when `ruled` is not a rising list of columns */
  constructor(options: CopyTextOptions) {
    const { columns, ruled, rewrite, encoding = 'utf8', batchRows = 1024 } = options;
    if (ruled.length === 0 || ruled.some((at, k) => at <= (ruled[k - 1] ?? -1) || at >= columns))
      throw new RangeError('the ruled columns must be a rising list of positions');
    this.#columns = columns;
    this.#ruled = ruled;
    this.#rewrite = rewrite;
    this.#encoding = encoding;
    this.#batchRows = batchRows;
    this.#fields = new Int32Array(batchRows * ruled.length * 3);
  }

  /** Rows rewritten so far. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Takes the next bytes, which may be cut anywhere, and gives the rewritten rows that are complete.
   *
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
            fields[slot + 2] = seen;
            slot += 3;
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
    const width = ruled.length;
    // One string of the batch, of which plain cells are slices: a call for each costs more than all the rest.
    const text = bytes.toString('latin1', start, at);
    const cells = ruled.map((_, k) => {
      const column: Cell[] = new Array(rows);
      for (let row = 0, f = k * 3; row < rows; row++, f += width * 3) {
        const [first, last, seen] = [fields[f]!, fields[f + 1]!, fields[f + 2]!];
        column[row] = seen < 128 ? text.slice(first - start, last - start) : this.#decode(bytes, first, last);
      }
      return column;
    });
    // The rewriting may work in place: what a cell was is kept to know what changed.
    const before = cells.map((column) => column.slice());
    const after = this.#rewrite(cells, rows);
    if (after.length !== width || after.some((column) => column.length < rows))
      throw new RangeError('the rewriting gave another number of cells');
    out.push(this.#assemble(bytes, start, at, rows, before, after));
    this.#rows += rows;
    return at;
  }

  /** A field with escapes, or with characters beyond ASCII. */
  #decode(bytes: Buffer, from: number, to: number): Cell {
    if (to - from === 2 && bytes[from] === backslash && bytes[from + 1] === 0x4e) return null;
    const text = bytes.toString(this.#encoding, from, to);
    return text.includes('\\') ? unescaped(text) : text;
  }

  #assemble(
    bytes: Buffer,
    start: number,
    end: number,
    rows: number,
    before: readonly Cell[][],
    after: readonly (readonly Cell[])[],
  ): Buffer {
    const fields = this.#fields;
    const width = this.#ruled.length;
    const columns = after.map((column) => encoded(column, rows, this.#encoding));
    const cursors = new Int32Array(width);
    // A null takes two bytes where the encoded column has one, its NUL.
    const room = columns.reduce((sum, column) => sum + column.length + rows, end - start);
    const out = Buffer.allocUnsafe(room);
    let to = 0;
    let from = start;
    for (let row = 0, f = 0; row < rows; row++) {
      for (let k = 0; k < width; k++, f += 3) {
        const cell = after[k]![row]!;
        const column = columns[k]!;
        let cursor = cursors[k]!;
        if (cell === before[k]![row]) {
          while (column[cursor] !== 0) cursor++;
          cursors[k] = cursor + 1;
          continue;
        }
        const until = fields[f]!;
        // Between two ruled columns lies a tab: a call for so little costs more than a loop.
        if (until - from < 24) while (from < until) out[to++] = bytes[from++]!;
        else to += bytes.copy(out, to, from, until);
        from = fields[f + 1]!;
        if (cell === null) {
          out[to++] = backslash;
          out[to++] = 0x4e;
        }
        for (;;) {
          const byte = column[cursor++]!;
          if (byte === 0) break;
          out[to++] = byte;
        }
        cursors[k] = cursor;
      }
    }
    if (columns.some((column, k) => cursors[k] !== column.length)) throw new RangeError('a pseudonym holds a NUL');
    to += bytes.copy(out, to, from, end);
    return out.subarray(0, to);
  }
}

function malformed(why: string): HoldfastError {
  return new HoldfastError('source-failed', 'The COPY text of a table is malformed.', { why });
}

const byLetter: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const byCharacter: Record<string, string> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** A field's text without its escapes. COPY TO writes no octal or hexadecimal ones. */
function unescaped(field: string): string {
  return field.replace(/\\(.)/gs, (_, letter: string) => byLetter[letter] ?? letter);
}

const special = /[\b\f\n\r\t\v\\]/;

function escaped(text: string): string {
  return text.replace(/[\b\f\n\r\t\v\\]/g, (character) => byCharacter[character]!);
}

/** The cells of a column as COPY text, each with a NUL behind it: one call for all of them. */
function encoded(column: readonly Cell[], rows: number, encoding: 'utf8' | 'latin1'): Buffer {
  const cells = column.length === rows ? column : column.slice(0, rows);
  const joined = cells.join('\0');
  const text = special.test(joined) ? cells.map((cell) => cell && escaped(cell)).join('\0') : joined;
  return Buffer.from(`${text}\0`, encoding);
}
