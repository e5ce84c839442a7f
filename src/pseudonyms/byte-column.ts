/** Cells of one column as bytes: what rows are rewritten in. A string for every cell costs more than its pseudonym. */
import type { Cell } from './cell.ts';

/** How bytes are read as text; `latin1` keeps any byte of an SQL_ASCII database apart. */
export type CellEncoding = 'utf8' | 'latin1';

const slack = 8;
const emptyView = new DataView(new ArrayBuffer(0));

/**
 * The cells of a column of one batch, without the escapes of COPY. Cell i is `bytes[from[i] … to[i]]`; it is NULL where
 * `to[i]` is below 0. `wide[i]` is not 0 where a byte is beyond ASCII, and may be anything for NULL.
 *
 * Columns that are written are filled in order: `begin`, then for each cell `end`, `nothing` or `keep`. Single cells of one that is
 * complete can be written `again`.
 */
export class ByteColumn {
  bytes: Buffer<ArrayBufferLike>;
  /** Of the same bytes. A column that is written has a few more than were asked for: four at a time may be written. */
  view: DataView<ArrayBufferLike> = emptyView;
  from = new Int32Array(0);
  to = new Int32Array(0);
  wide = new Uint8Array(0);
  count = 0;
  encoding: CellEncoding;
  /** Where the next byte is written. */
  at = 0;
  /** All of its cells were written into it: they lie before `at`. */
  isWritten = false;
  #cell = 0;
  #cells: Cell[] | undefined;

  constructor(encoding: CellEncoding = 'utf8', bytes: Buffer = Buffer.alloc(0)) {
    this.encoding = encoding;
    this.bytes = bytes;
  }

  /** Room for `count` cells of a column whose bytes are set from outside. */
  resize(count: number): void {
    this.count = count;
    this.#cells = undefined;
    if (this.from.length >= count) return;
    const room = Math.max(count, 256);
    this.from = new Int32Array(room);
    this.to = new Int32Array(room);
    this.wide = new Uint8Array(room);
  }

  /** Has `count` cells in bytes that belong to another; `from`, `to` and `wide` are set from outside. */
  lieIn({ bytes, view }: { bytes: Buffer; view: DataView<ArrayBufferLike> }, count: number): void {
    this.bytes = bytes;
    this.view = view;
    this.isWritten = false;
    this.resize(count);
  }

  /** Starts to write `count` cells. @param perCell bytes that each takes at most, as far as no `reserve` is called */
  begin(count: number, perCell = 0): void {
    this.resize(count);
    this.isWritten = true;
    this.at = 0;
    this.#cell = 0;
    this.#lastEnd = 0;
    if (this.bytes.length < count * perCell + slack) this.#room(count * perCell);
  }

  /** Has cells of ASCII that lie in other bytes, of which it keeps none. @param to below 0 for NULL */
  receive(bytes: Uint8Array, from: Int32Array, to: Int32Array): void {
    this.begin(to.length, 0);
    this.reserve(bytes.length);
    this.bytes.set(bytes);
    this.from.set(from);
    this.to.set(to);
    this.wide.fill(0, 0, to.length);
    this.at = bytes.length;
  }

  /** Cell `i` of a complete column is the one that is written next, behind the bytes of all others. */
  again(i: number): void {
    this.#cell = i;
    this.#cells = undefined;
    this.#lastEnd = this.at;
  }

  /** Room for so many more bytes; `bytes` may be another buffer afterwards. */
  reserve(more: number): void {
    if (this.at + more + slack <= this.bytes.length) return;
    const before = this.bytes;
    this.#room(Math.max(this.at + more, before.length * 2, 4096));
    before.copy(this.bytes, 0, 0, this.at);
  }

  #room(length: number): void {
    this.bytes = Buffer.allocUnsafeSlow(length + slack);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Ends a cell that began where the one before ended. @param wide whether a byte beyond ASCII is in it */
  end(wide = 0): void {
    const i = this.#cell++;
    this.from[i] = this.#lastEnd;
    this.to[i] = this.at;
    this.#lastEnd = this.at;
    this.wide[i] = wide;
  }
  #lastEnd = 0;

  /** The next cell is NULL. */
  nothing(): void {
    const i = this.#cell++;
    this.from[i] = 0;
    this.to[i] = -1;
    this.wide[i] = 0;
  }

  /** The next cell is what cell `i` of another column is. */
  keep({ bytes, from, to, wide }: ByteColumn, i: number): void {
    const [start, end] = [from[i]!, to[i]!];
    if (end < 0) {
      this.nothing();
      return;
    }
    this.reserve(end - start);
    const target = this.bytes;
    let at = this.at;
    for (let k = start; k < end; k++) target[at++] = bytes[k]!;
    this.at = at;
    this.end(wide[i]);
  }

  /** Writes a text; the cell goes on. @returns whether it is beyond ASCII, as `end` takes it */
  text(value: string): number {
    this.reserve(value.length * 3);
    const written = this.bytes.write(value, this.at, this.encoding);
    this.at += written;
    // Latin-1 has one byte for each.
    return isAsciiText(value) ? 0 : 1;
  }

  /** The next cell is a text, or NULL. */
  cell(value: Cell): void {
    if (value === null) this.nothing();
    else this.end(this.text(value));
  }

  /** NULL or ''. */
  isEmpty(i: number): boolean {
    return this.to[i]! <= this.from[i]!;
  }

  cellAt(i: number): Cell {
    const [from, to] = [this.from[i]!, this.to[i]!];
    if (to < 0) return null;
    return this.bytes.toString(this.wide[i] === 0 ? 'latin1' : this.encoding, from, to);
  }

  /** All cells as strings; the same array for as long as the column has these cells. */
  strings(): readonly Cell[] {
    this.#cells ??= this.#decoded();
    return this.#cells;
  }

  #decoded(): Cell[] {
    const { bytes, from, to, wide, count } = this;
    const cells: Cell[] = new Array(count);
    let [first, last] = [Number.MAX_SAFE_INTEGER, 0];
    for (let i = 0; i < count; i++) {
      if (to[i]! < 0) continue;
      if (from[i]! < first) first = from[i]!;
      if (to[i]! > last) last = to[i]!;
    }
    // One string, of which plain cells are slices: a call for each costs more than all the rest.
    const whole = last > first ? bytes.toString('latin1', first, last) : '';
    for (let i = 0; i < count; i++) {
      const [start, end] = [from[i]!, to[i]!];
      if (end < 0) cells[i] = null;
      else
        cells[i] = wide[i] === 0 ? whole.slice(start - first, end - first) : bytes.toString(this.encoding, start, end);
    }
    return cells;
  }

  /** Writes all cells of a batch. */
  fill(cells: readonly Cell[]): this {
    const count = cells.length;
    this.begin(count);
    const joined = cells.join('');
    this.reserve(joined.length * (this.encoding === 'latin1' ? 1 : 3));
    if (isAsciiText(joined)) {
      this.bytes.write(joined, 0, 'latin1');
      for (let i = 0; i < count; i++) {
        const cell = cells[i]!;
        if (cell === null) this.nothing();
        else {
          this.at += cell.length;
          this.end();
        }
      }
    } else for (let i = 0; i < count; i++) this.cell(cells[i] ?? null);
    return this;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is asked
const asciiOnly = /^[\x00-\x7f]*$/;

function isAsciiText(text: string): boolean {
  if (text.length > 32) return asciiOnly.test(text);
  for (let k = 0; k < text.length; k++) if (text.charCodeAt(k) > 127) return false;
  return true;
}
