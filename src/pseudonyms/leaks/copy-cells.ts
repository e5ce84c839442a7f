/** The rows of a COPY as cells, batch by batch. */
import { HoldfastError } from '../../base/errors.ts';
import type { CopySink } from '../../sources/postgres/copy-out.ts';
import type { Cell } from '../transformer.ts';

/** Cells of a batch, column by column. */
export type TakeCells = (columns: Cell[][], rows: number) => void;

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;
const batchRows = 1024;
const batchBytes = 1024 * 1024;
const spaceBytes = 256 * 1024;

export interface CopyCellsOptions {
  columns: number;
  encoding: 'utf8' | 'latin1';
  take: TakeCells;
  /** Before a piece is looked at; may throw to stop. */
  before?: (bytes: number) => void;
}

export class CopyCells implements CopySink {
  readonly #options: CopyCellsOptions;
  #buffer = Buffer.allocUnsafeSlow(spaceBytes);
  #length = 0;

  constructor(options: CopyCellsOptions) {
    this.#options = options;
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
    const { columns, encoding, take } = this.#options;
    const cells: Cell[][] = Array.from({ length: columns }, () => []);
    let rows = 0;
    let at = start;
    for (; rows < batchRows && at < end && at - start < batchBytes; rows++) {
      let column = 0;
      for (;;) {
        const from = at;
        let escaped = false;
        for (;;) {
          const byte = bytes[at]!;
          if (byte === tab || byte === newline) break;
          if (byte === backslash) escaped = true;
          at++;
        }
        if (column >= columns && columns > 0) throw malformed();
        if (columns > 0) cells[column]!.push(cellOf(bytes, from, at, escaped, encoding));
        column++;
        if (bytes[at++] === newline) break;
      }
      if (column !== columns && columns > 0) throw malformed();
    }
    take(cells, rows);
    return at;
  }
}

function cellOf(bytes: Buffer, from: number, to: number, escaped: boolean, encoding: 'utf8' | 'latin1'): Cell {
  if (!escaped) return bytes.toString(encoding, from, to);
  if (to - from === 2 && bytes[from + 1] === 0x4e) return null;
  return bytes.toString(encoding, from, to).replace(/\\(.)/gs, (_, char: string) => letters[char] ?? char);
}

const letters: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function malformed(): HoldfastError {
  return new HoldfastError('could-not-verify', 'The COPY text of a table is malformed.', {
    why: 'A row has another number of columns than was asked for.',
  });
}
