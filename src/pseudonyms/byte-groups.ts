/** Grouping of numbers that people read: `06 12 34 56 78`, `08:00:2b:…`. */
import type { ByteColumn } from './byte-column.ts';

/**
 * Writes the next cell: cell `i` with the characters of `compact` in place of its ASCII letters and digits, of which it has
 * as many.
 */
export function writeRegrouped(out: ByteColumn, cells: ByteColumn, i: number, compact: Uint8Array): void {
  const { bytes } = cells;
  const [start, end] = [cells.from[i]!, cells.to[i]!];
  out.reserve(end - start);
  const target = out.bytes;
  let at = out.at;
  for (let k = start, used = 0; k < end; k++) {
    const byte = bytes[k]!;
    const small = byte | 0x20;
    target[at++] = (byte >= 0x30 && byte <= 0x39) || (small >= 0x61 && small <= 0x7a) ? compact[used++]! : byte;
  }
  out.at = at;
  out.end(cells.wide[i]);
}
