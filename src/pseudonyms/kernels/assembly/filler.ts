/** Fillers (filler.ts) for the cells of a column. */
import { beginCells, endCell, endEmpty, lengthOf } from './cells';

/**
 * @param most characters of a filler
 * @param words four of 32 bits for each cell
 * @param list of `count` words: of each 16 bytes and then 4 for its length, as it begins a text; then the same of those that follow
 * @param out has room for all bytes of the cells and 16 more
 * @returns where the last cell ends
 */
export function writeFillers(
  bytes: usize,
  from: usize,
  to: usize,
  wide: usize,
  cells: i32,
  most: i32,
  words: usize,
  list: usize,
  count: u32,
  out: usize,
  outFrom: usize,
  outTo: usize,
): usize {
  beginCells(out, outFrom, outTo);
  let at = out;
  for (let i: i32 = 0; i < cells; i++) {
    let length = lengthOf(from, to, i);
    if (endEmpty(i, length, at)) continue;
    if (load<u8>(wide + i) !== 0) length = charactersOf(bytes + load<usize>(from + (usize(i) << 2)), length);
    length = min(length, most);
    const begin = at;
    const end = at + length;
    const seed = words + (usize(i) << 4);
    let a = load<u32>(seed);
    let b = load<u32>(seed, 4);
    let c = load<u32>(seed, 8);
    let d = load<u32>(seed, 12);
    let base = list;
    while (at < end) {
      const t = a + b + d;
      d++;
      a = b ^ (b >>> 9);
      b = c + (c << 3);
      c = (c << 21) | (c >>> 11);
      c += t;
      const word = base + usize(t % count) * 20;
      v128.store(at, v128.load(word));
      at += load<usize>(word, 16);
      base = list + usize(count) * 20;
    }
    at = end;
    // A space at the end would be lost where a column or an application trims.
    if (length > 0 && load<u8>(end - 1) === 0x20) store<u8>(end - 1, 0x73);
    endCell(i, begin, end);
  }
  return at;
}

/** Characters as PostgreSQL counts them: bytes of UTF-8 that begin one. */
function charactersOf(at: usize, length: i32): i32 {
  let count = 0;
  for (let k: i32 = 0; k < length; k++) if ((load<u8>(at + k) & 0xc0) !== 0x80) count++;
  return count;
}
