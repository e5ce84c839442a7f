/** Numbers as people write them, with spaces and the like between their characters (transformers/grouped.ts), in whole columns. */
import { beginCells, copyBytes, endCell, endEmpty, lengthOf } from './cells';
import { headLength, isNumber } from './number-kinds';
import { isDigit, isLetter } from './text';

/** How a kind is written, beside spaces and `-`: as `Grouping` has them. */
const withDots: i32 = 1;
const withCapitals: i32 = 2;

/** Which of 16 bytes `stripped` takes out or changes: a bit for each. */
function changes16(bytes: v128, grouping: i32): i32 {
  let found = v128.or(i8x16.eq(bytes, i8x16.splat(0x20)), i8x16.eq(bytes, i8x16.splat(0x2d)));
  if ((grouping & withDots) !== 0) found = v128.or(found, i8x16.eq(bytes, i8x16.splat(0x2e)));
  if ((grouping & withCapitals) !== 0)
    found = v128.or(found, i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x61)), i8x16.splat(26)));
  return i8x16.bitmask(found);
}

/** Whether the last text was not as it is to be. */
let changed: bool = false;

/** Writes a text of ASCII without grouping; up to 15 bytes behind it are written too. @returns where it ends */
function stripped(text: usize, length: i32, grouping: i32, at: usize): usize {
  let changes = 0;
  for (let k: i32 = 0; k < length; k += 16) {
    const bytes = v128.load(text + usize(k));
    v128.store(at + usize(k), bytes);
    const mask = changes16(bytes, grouping);
    changes |= length - k < 16 ? mask & ((1 << (length - k)) - 1) : mask;
  }
  changed = changes !== 0;
  if (!changed) return at + usize(length);
  let end = at;
  for (let k: i32 = 0; k < length; k++) {
    let byte = i32(load<u8>(text + usize(k)));
    if (byte === 0x20 || byte === 0x2d || (byte === 0x2e && (grouping & withDots) !== 0)) continue;
    if ((grouping & withCapitals) !== 0 && u32(byte - 0x61) < 26) byte -= 0x20;
    store<u8>(end++, byte);
  }
  return end;
}

/**
 * Writes all cells without grouping, but those beyond ASCII.
 *
 * @param out has room for 16 bytes more than the cells have
 * @param rest gets which cells are left out
 * @param told gets how many those are, and how many of the others are not as they were
 * @returns where the last one ends
 */
export function stripCells(
  bytes: usize,
  from: usize,
  to: usize,
  wide: usize,
  count: i32,
  grouping: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
  told: usize,
): usize {
  beginCells(out, outFrom, outTo);
  let at = out;
  let resting = 0;
  let others = 0;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (endEmpty(i, length, at)) continue;
    if (load<u8>(wide + usize(i)) !== 0) {
      store<i32>(rest + (usize(resting++) << 2), i);
      endCell(i, at, at);
      continue;
    }
    const end = stripped(bytes + load<usize>(from + (usize(i) << 2)), length, grouping, at);
    others += i32(changed);
    endCell(i, at, end);
    at = end;
  }
  store<i32>(told, resting);
  store<i32>(told, others, 4);
  return at;
}

/**
 * Finds the numbers among texts without grouping.
 *
 * @param valid gets 1 for each that is one, and 0
 * @param list gets which they are
 * @returns how many they are
 */
export function findNumbers(
  kind: i32,
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  valid: usize,
  list: usize,
): i32 {
  let found = 0;
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    const length = lengthOf(from, to, i);
    const start = bytes + load<usize>(from + place);
    const is = length > 0 && isNumber(kind, start, start + usize(length));
    store<u8>(valid + usize(i), u8(is));
    if (is) store<i32>(list + (usize(found++) << 2), i);
  }
  return found;
}

/**
 * Writes cells as they are; those that are valid with the characters of what became of them in place of their letters and
 * digits, or as that is when it has more or fewer.
 *
 * @param made what became of them, without grouping
 * @param out has room for all of both, and 16 bytes more
 * @returns where the last one ends
 */
export function regroupCells(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  valid: usize,
  made: usize,
  madeFrom: usize,
  madeTo: usize,
  out: usize,
  outFrom: usize,
  outTo: usize,
): usize {
  beginCells(out, outFrom, outTo);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    const length = lengthOf(from, to, i);
    if (endEmpty(i, length, at)) continue;
    const start = bytes + load<usize>(from + place);
    let end: usize = 0;
    if (load<u8>(valid + usize(i)) === 0) end = copyBytes(start, length, at);
    else {
      const compact = made + load<usize>(madeFrom + place);
      const used = lengthOf(madeFrom, madeTo, i);
      end = used === length ? copyBytes(compact, used, at) : regrouped(start, length, compact, used, at);
    }
    endCell(i, at, end);
    at = end;
  }
  return at;
}

function regrouped(text: usize, length: i32, compact: usize, used: i32, at: usize): usize {
  let next = 0;
  for (let k: i32 = 0; k < length; k++) {
    const byte = i32(load<u8>(text + usize(k)));
    if (isDigit(byte) || isLetter(byte)) store<u8>(at + usize(k), load<u8>(compact + usize(next++)));
    else store<u8>(at + usize(k), u8(byte));
  }
  return next === used ? at + usize(length) : copyBytes(compact, used, at);
}

/**
 * Finds the cells that are no numbers, and no NULL or ''.
 *
 * @param where gets which they are
 * @param oddFrom gets where each begins, behind what stays of it
 * @param oddTo gets where each ends
 * @returns how many they are
 */
export function findOdd(
  kind: i32,
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  valid: usize,
  where: usize,
  oddFrom: usize,
  oddTo: usize,
): i32 {
  let found = 0;
  for (let i: i32 = 0; i < count; i++) {
    if (load<u8>(valid + usize(i)) !== 0 || lengthOf(from, to, i) <= 0) continue;
    const place = usize(i) << 2;
    const slot = usize(found++) << 2;
    const start = load<usize>(from + place);
    const end = load<usize>(to + place);
    store<i32>(where + slot, i);
    store<u32>(oddFrom + slot, u32(start) + u32(headLength(kind, bytes + start, bytes + end)));
    store<u32>(oddTo + slot, u32(end));
  }
  return found;
}

/**
 * Of the first `count` cells that `findOdd` found, keeps those that are numbers now.
 *
 * @param wide what is not 0 for cells beyond ASCII: 2 where one is a number
 * @param room as long as any of them, and 16 bytes more; 0 when none has a grouping
 * @returns how many they are, from the first place on
 */
export function oddNumbers(
  kind: i32,
  grouping: i32,
  bytes: usize,
  from: usize,
  wide: usize,
  where: usize,
  oddFrom: usize,
  oddTo: usize,
  count: i32,
  room: usize,
): i32 {
  let kept = 0;
  for (let k: i32 = 0; k < count; k++) {
    const slot = usize(k) << 2;
    const i = load<usize>(where + slot);
    const begin = load<usize>(from + (i << 2));
    const end = load<usize>(oddTo + slot);
    const beyond = load<u8>(wide + i);
    if (beyond === 1) continue;
    if (beyond === 0) {
      const is =
        room === 0
          ? isNumber(kind, bytes + begin, bytes + end)
          : isNumber(kind, room, stripped(bytes + begin, i32(end - begin), grouping, room));
      if (!is) continue;
    }
    const to = usize(kept++) << 2;
    store<u32>(where + to, u32(i));
    store<u32>(oddFrom + to, load<u32>(oddFrom + slot));
    store<u32>(oddTo + to, u32(end));
  }
  return kept;
}

/**
 * Where the numbers in `list` begin.
 *
 * @param length only of those that have so many bytes; of all when it is 0
 * @param starts gets them
 * @returns how many they are
 */
export function startsOf(from: usize, to: usize, list: usize, count: i32, length: i32, starts: usize): i32 {
  let found = 0;
  for (let k: i32 = 0; k < count; k++) {
    const i = load<i32>(list + (usize(k) << 2));
    if (length !== 0 && lengthOf(from, to, i) !== length) continue;
    store<i32>(starts + (usize(found++) << 2), load<i32>(from + (usize(i) << 2)));
  }
  return found;
}

/** The first digit of every number in `list`. */
export function firstDigits(bytes: usize, from: usize, list: usize, count: i32, digits: usize): void {
  for (let k: i32 = 0; k < count; k++) {
    const i = load<usize>(list + (usize(k) << 2));
    store<u8>(digits + usize(k), load<u8>(bytes + load<usize>(from + (i << 2))) - 0x30);
  }
}

/** Writes the first six digits of the numbers in `list`. @param leads by the first digit they had: of each eight bytes */
export function writeLeads(bytes: usize, from: usize, list: usize, count: i32, digits: usize, leads: usize): void {
  for (let k: i32 = 0; k < count; k++) {
    const start = bytes + load<usize>(from + (load<usize>(list + (usize(k) << 2)) << 2));
    const lead = leads + (usize(load<u8>(digits + usize(k))) << 3);
    store<u32>(start, load<u32>(lead));
    store<u16>(start, load<u16>(lead, 4), 4);
  }
}
