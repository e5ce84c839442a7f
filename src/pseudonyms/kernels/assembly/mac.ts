/** The blocks of AES-256-CMAC (prf.ts) of the cells of a column; the cipher itself is outside. */
import { inSmallLetters16 } from './text';

/**
 * Writes the canonical form of every cell, filled up as the standard says.
 *
 * @param folds whether small and capital letters, and white space of any length, count as the same; else cells stay as they are
 * @param text where they are written, each from a multiple of 16 on; there is room for 32 bytes more than each has
 * @param places gets of each where it begins and ends, counted in blocks from `text`
 * @param keys the two subkeys
 * @param rest where the cells are written that are beyond ASCII: they are left out
 * @param told gets how many those are
 * @returns where the last one ends
 */
export function macTexts(
  bytes: usize,
  from: usize,
  to: usize,
  wide: usize,
  count: i32,
  folds: i32,
  text: usize,
  places: usize,
  keys: usize,
  rest: usize,
  told: usize,
): usize {
  let at = text;
  let resting = 0;
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    const begin = bytes + load<usize>(from + place);
    const length = max(load<i32>(to + place) - load<i32>(from + place), 0);
    const slot = places + (usize(i) << 3);
    if (length > 0 && load<u8>(wide + i) !== 0) {
      store<i32>(rest + (usize(resting++) << 2), i);
      continue;
    }
    const end = folds !== 0 ? folded(begin, begin + length, at) : exact(begin, length, at);
    store<u32>(slot, u32(at - text) >> 4);
    at = padded(at, i32(end - at), keys);
    store<u32>(slot, u32(at - text) >> 4, 4);
  }
  store<i32>(told, resting);
  return at;
}

function exact(from: usize, length: i32, at: usize): usize {
  for (let k: i32 = 0; k < length; k += 16) v128.store(at + k, v128.load(from + k));
  return at + length;
}

/** Lower case, without white space around, runs of it as one space. */
function folded(from: usize, to: usize, place: usize): usize {
  let at = place;
  let k = from;
  // As far as there is none.
  while (k < to) {
    const sixteen = v128.load(k);
    v128.store(at, inSmallLetters16(sixteen));
    const length = min(i32(to - k), 16);
    const blank = ctz(i8x16.bitmask(i8x16.lt_u(sixteen, i8x16.splat(0x21))) | (1 << length));
    at += blank;
    k += blank;
    if (blank < length) break;
  }
  let space = false;
  for (; k < to; k++) {
    const byte = i32(load<u8>(k));
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) {
      space = true;
      continue;
    }
    if (space && at > place) store<u8>(at++, 0x20);
    space = false;
    store<u8>(at++, byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
  }
  return at;
}

/** Fills up a text of so many bytes. @returns where the next one begins */
export function padded(at: usize, length: i32, keys: usize): usize {
  const end = at + length;
  const next = length === 0 ? at + 16 : (end + 15) & ~15;
  v128.store(end, i64x2(0, 0));
  let subkey = keys;
  if (end < next) {
    store<u8>(end, 0x80);
    subkey = keys + 16;
  }
  const last = next - 16;
  v128.store(last, v128.xor(v128.load(last), v128.load(subkey)));
  return next;
}

/** The first block of every text, side by side. */
export function firstBlocks(text: usize, places: usize, count: i32, blocks: usize, active: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    store<i32>(active + (usize(i) << 2), i);
    const block = load<usize>(places + (usize(i) << 3));
    v128.store(blocks + (usize(i) << 4), v128.load(text + (block << 4)));
  }
}

/**
 * What the cipher made of the blocks goes to `out` where a text has no further one; the others get their next.
 *
 * @param level how many blocks of each text were sealed
 * @param active the texts that have blocks, `left` of them
 * @param sealed what the cipher made
 * @param out 16 bytes for each text
 * @returns how many texts go on
 */
export function nextBlocks(
  text: usize,
  places: usize,
  left: i32,
  level: i32,
  blocks: usize,
  active: usize,
  sealed: usize,
  out: usize,
): i32 {
  let kept = 0;
  for (let slot: i32 = 0; slot < left; slot++) {
    const cell = load<usize>(active + (usize(slot) << 2));
    const entry = places + (cell << 3);
    const block = load<usize>(entry) + usize(level);
    const made = v128.load(sealed + (usize(slot) << 4));
    if (block < load<usize>(entry, 4)) {
      v128.store(blocks + (usize(kept) << 4), v128.xor(made, v128.load(text + (block << 4))));
      store<u32>(active + (usize(kept) << 2), u32(cell));
      kept++;
    } else v128.store(out + (cell << 4), made);
  }
  return kept;
}
