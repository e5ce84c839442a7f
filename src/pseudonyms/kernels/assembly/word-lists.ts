/**
 * Lists of words (word-list.ts): bytes of an entry, count of entries, and two words more; then of each entry its length, with 1 above the
 * 16 lowest bits where it is beyond ASCII, and its bytes.
 */
import { beginCells, endCell, endEmpty, lengthOf } from './cells';
import { isCapital } from './text';

/** Whether the word that was written last is beyond ASCII. */
let isWide: i32 = 0;

/** @returns where the word ends; up to 15 bytes behind are written too */
export function writeWord(list: usize, index: u32, at: usize): usize {
  const entry = list + 16 + usize(index) * load<usize>(list);
  const head = load<u32>(entry);
  const length = head & 0xffff;
  isWide = head >> 16;
  for (let k: u32 = 0; k < length; k += 16) v128.store(at + k, v128.load(entry + k, 4));
  return at + length;
}

/** @returns the index that a word of 32 bits draws */
export function drawn(list: usize, word: u32): u32 {
  return u32((u64(word) * u64(load<u32>(list, 4))) >> 32);
}

/** Whether a cell is written in capitals. */
function inCapitals(at: usize, length: i32): bool {
  if (length < 2) return false;
  let found = false;
  for (let k: i32 = 0; k < length; k++) {
    const byte = i32(load<u8>(at + k));
    if (u32(byte - 0x61) < 26) return false;
    if (isCapital(byte)) found = true;
  }
  return found;
}

/**
 * Writes a drawn word for each cell.
 *
 * @param cases of each cell 0 when it is ASCII, else 1, or 2 when it is in capitals
 * @param words of each cell, 16 bytes apart: what draws
 * @param capitals the same list in capitals
 * @param out has room for the longest word of each cell
 * @param outWide gets whether it is beyond ASCII
 * @returns where the last one ends
 */
export function writeWords(
  bytes: usize,
  from: usize,
  to: usize,
  cases: usize,
  count: i32,
  words: usize,
  plain: usize,
  capitals: usize,
  out: usize,
  outFrom: usize,
  outTo: usize,
  outWide: usize,
): usize {
  beginCells(out, outFrom, outTo);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    store<u8>(outWide + i, 0);
    if (endEmpty(i, length, at)) continue;
    const told = load<u8>(cases + i);
    const isUpper = told === 0 ? inCapitals(bytes + load<usize>(from + (usize(i) << 2)), length) : told === 2;
    const begin = at;
    at = writeWord(isUpper ? capitals : plain, drawn(plain, load<u32>(words + (usize(i) << 4))), at);
    store<u8>(outWide + i, isWide);
    endCell(i, begin, at);
  }
  return at;
}
