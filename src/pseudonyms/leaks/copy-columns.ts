/** The rows of a COPY as columns of bytes, batch by batch. */
import { HoldfastError } from '../../base/errors.ts';
import type { CopySink } from '../../sources/postgres/copy-out.ts';
import { ByteColumn, type CellEncoding } from '../byte-column.ts';

/** Cells of a batch, column by column; they hold until it returns. */
export type TakeColumns = (columns: readonly ByteColumn[], rows: number) => void;

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;
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
  #buffer = Buffer.allocUnsafeSlow(spaceBytes);
  #length = 0;

  constructor(options: CopyColumnsOptions) {
    this.#options = options;
    this.#cells = Array.from({ length: options.columns }, () => {
      const column = new ByteColumn(options.encoding);
      column.resize(batchRows);
      return column;
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
    const { columns, take } = this.#options;
    const cells = this.#cells;
    let rows = 0;
    let at = start;
    for (; rows < batchRows && at < end && at - start < batchBytes; rows++) {
      let column = 0;
      let from = at;
      let seen = 0;
      for (;;) {
        const byte = bytes[at]!;
        if (byte > backslash) {
          seen |= byte;
          at++;
        } else if (byte === tab || byte === newline) {
          if (column < columns) {
            const cell = cells[column]!;
            cell.from[rows] = from;
            cell.to[rows] = seen < 256 ? at : unescapedIn(bytes, from, at);
            cell.wide[rows] = seen & 128;
          } else if (columns > 0) throw malformed();
          column++;
          from = ++at;
          seen = 0;
          if (byte === newline) break;
        } else {
          if (byte === backslash) seen |= 256;
          at++;
        }
      }
      if (column !== columns && columns > 0) throw malformed();
    }
    for (const cell of cells) {
      cell.bytes = bytes;
      cell.resize(rows);
    }
    take(cells, rows);
    return at;
  }
}

/** What a letter behind a backslash stands for; other characters stand for themselves. */
const letters = new Map([...'bfnrtv'].map((letter, k) => [letter.charCodeAt(0), [8, 12, 10, 13, 9, 11][k]!]));

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

function malformed(): HoldfastError {
  return new HoldfastError('could-not-verify', 'The COPY text of a table is malformed.', {
    why: 'A row has another number of columns than was asked for.',
  });
}
