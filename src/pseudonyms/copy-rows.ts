/** Finds the fields of rows in COPY text, and takes them out of their escapes. */
import type { ByteColumn } from './byte-column.ts';
import { hasSpecial } from './four-bytes.ts';

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;

export interface CopyRowsOptions {
  /** Columns of each row. */
  columns: number;
  /** Those that are wanted: positions from 0, rising. */
  wanted: readonly number[];
  /** Where the cells of each wanted one go; there is room for `rows` of them. */
  cells: readonly ByteColumn[];
  /** Rows that are read at once, at most. */
  rows: number;
  /** Of a row with another number of columns; it throws. */
  malformed: (columns: number) => Error;
}

export class CopyRows {
  /** Where every wanted field of the rows that were read starts and ends in the text, row by row. */
  readonly fields: Int32Array;
  /** Rows that were read. */
  count = 0;
  readonly #options: CopyRowsOptions;

  constructor(options: CopyRowsOptions) {
    this.#options = options;
    this.fields = new Int32Array(options.rows * options.wanted.length * 2);
  }

  /**
   * Reads rows from `at` on. Escapes of wanted fields are taken out where they lie: the bytes change.
   *
   * @param end behind the newline of a row
   * @param enough no further row is begun behind it
   * @returns behind the last row that was read
   */
  read(bytes: Buffer, at: number, end: number, enough = end): number {
    const { columns, wanted, cells, rows: most, malformed } = this.#options;
    const { fields } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const lastWord = end - 4;
    let rows = 0;
    let slot = 0;
    let here = at;
    while (rows < most && here < enough) {
      let column = 0;
      let next = 0;
      let from = here;
      let seen = 0;
      let escaped = false;
      for (;;) {
        while (here <= lastWord) {
          const word = view.getInt32(here, true);
          if (hasSpecial(word)) break;
          seen |= word;
          here += 4;
        }
        const byte = bytes[here]!;
        if (byte === tab || byte === newline) {
          if (column === wanted[next]) {
            fields[slot] = from;
            fields[slot + 1] = here;
            slot += 2;
            const cell = cells[next]!;
            cell.from[rows] = from;
            cell.to[rows] = escaped ? unescapedIn(bytes, from, here) : here;
            cell.wide[rows] = (seen & 0x80808080) === 0 ? 0 : 1;
            next++;
          }
          column++;
          from = ++here;
          seen = 0;
          escaped = false;
          if (byte === newline) break;
        } else if (byte === backslash) {
          // What follows it ends no field.
          escaped = true;
          seen |= bytes[here + 1]!;
          here += 2;
        } else {
          seen |= byte;
          here++;
        }
      }
      if (column !== columns) throw malformed(column);
      rows++;
    }
    for (const cell of cells) cell.lieIn({ bytes, view }, rows);
    this.count = rows;
    return here;
  }
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
export function escapedByte(out: Buffer, at: number, byte: number): number {
  if (byte > 0x0d && byte !== backslash) {
    out[at] = byte;
    return at + 1;
  }
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
