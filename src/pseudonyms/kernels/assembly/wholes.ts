/** Whole numbers and UUIDs in binary format (binary-numbers.ts) and as text. */
import { beginCells, endCell, lengthOf } from './cells';
import { writeWhole } from './digits';
import { beginRest, endNull, leaveCell } from './rest';

/**
 * Writes the text of numbers.
 *
 * @param size bytes of each: 2, 4 or 8
 * @param out has room for 20 bytes of each
 * @param rest gets the cells of another length
 * @returns where the last one ends
 */
export function readWholes(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  size: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (length < 0) {
      endNull(i);
      continue;
    }
    if (length !== size) {
      leaveCell(i, at);
      continue;
    }
    const cell = bytes + load<usize>(from + (usize(i) << 2));
    let value: i64 = 0;
    if (size === 8) value = bswap<i64>(load<i64>(cell));
    else if (size === 4) value = i64(bswap<i32>(load<i32>(cell)));
    else value = i64(bswap<i16>(load<i16>(cell)));
    const begin = at;
    if (value < 0) {
      store<u8>(at++, 0x2d);
      value = 0 - value;
    }
    // The least one is its own opposite, and right without its sign.
    at = writeWhole(at, u64(value));
    endCell(i, begin, at);
  }
  return at;
}

/**
 * Writes the numbers of texts.
 *
 * @param rest gets the cells of more than 18 digits, and those that are no numbers of that size
 * @returns where the last one ends
 */
export function writeWholes(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  size: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  const unused = 64 - 8 * i64(size);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (length < 0) {
      endNull(i);
      continue;
    }
    let cell = bytes + load<usize>(from + (usize(i) << 2));
    const end = cell + length;
    const negative = length > 0 && load<u8>(cell) === 0x2d;
    if (negative) cell++;
    let value: i64 = 0;
    let bad = cell === end || end - cell > 18;
    for (; !bad && cell < end; cell++) {
      const digit = u32(load<u8>(cell)) - 0x30;
      bad = digit > 9;
      value = value * 10 + i64(digit);
    }
    if (negative) value = 0 - value;
    if (bad || (value << unused) >> unused !== value) {
      leaveCell(i, at);
      continue;
    }
    // The bytes that are not wanted are zeros or signs, and come first.
    store<i64>(at, bswap<i64>(value << unused));
    endCell(i, at, at + size);
    at += size;
  }
  return at;
}

/** The low halves of 8 bytes as hexadecimal digits. */
function hexOf(halves: v128): v128 {
  return i8x16.swizzle(
    i8x16(0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66),
    halves,
  );
}

/** As `readWholes`; `size` is 16. */
export function readUuids(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  size: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (length < 0) {
      endNull(i);
      continue;
    }
    if (length !== size) {
      leaveCell(i, at);
      continue;
    }
    const value = v128.load(bytes + load<usize>(from + (usize(i) << 2)));
    const high = hexOf(i8x16.shr_u(value, 4));
    const low = hexOf(v128.and(value, i8x16.splat(15)));
    const head = v128.shuffle<u8>(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const tail = v128.shuffle<u8>(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    // 8-4-4-4-12.
    store<u64>(at, i64x2.extract_lane(head, 0));
    store<u8>(at, 0x2d, 8);
    store<u32>(at, i32x4.extract_lane(head, 2), 9);
    store<u8>(at, 0x2d, 13);
    store<u32>(at, i32x4.extract_lane(head, 3), 14);
    store<u8>(at, 0x2d, 18);
    store<u32>(at, i32x4.extract_lane(tail, 0), 19);
    store<u8>(at, 0x2d, 23);
    store<u32>(at, i32x4.extract_lane(tail, 1), 24);
    store<u64>(at, i64x2.extract_lane(tail, 1), 28);
    endCell(i, at, at + 36);
    at += 36;
  }
  return at;
}

/** Whether the last hexadecimal digits that were read are none. */
let odd: bool = false;

/** The values of 16 hexadecimal digits of either case, two of them a byte: 8 bytes. */
function unhexed(digits: v128): u64 {
  const small = v128.or(digits, i8x16.splat(0x20));
  const letter = i8x16.sub(small, i8x16.splat(0x61));
  const digit = i8x16.sub(digits, i8x16.splat(0x30));
  const isLetter = i8x16.lt_u(letter, i8x16.splat(6));
  const isDigit = i8x16.lt_u(digit, i8x16.splat(10));
  if (!i8x16.all_true(v128.or(isLetter, isDigit))) odd = true;
  const values = v128.bitselect(digit, i8x16.add(letter, i8x16.splat(10)), isDigit);
  const bytes = v128.or(i16x8.shl(values, 4), i16x8.shr_u(values, 8));
  return i64x2.extract_lane(v128.shuffle<u8>(bytes, bytes, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14), 0);
}

/** As `writeWholes`, of those in five groups; `size` is 16. */
export function writeUuids(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  size: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (length < 0) {
      endNull(i);
      continue;
    }
    const cell = bytes + load<usize>(from + (usize(i) << 2));
    const dashes =
      i32(load<u8>(cell, 8) ^ 0x2d) |
      i32(load<u8>(cell, 13) ^ 0x2d) |
      i32(load<u8>(cell, 18) ^ 0x2d) |
      i32(load<u8>(cell, 23) ^ 0x2d);
    odd = length !== 36 || dashes !== 0;
    const head = i64x2(load<i64>(cell), i64(load<u32>(cell, 9)) | (i64(load<u32>(cell, 14)) << 32));
    const tail = i64x2(i64(load<u32>(cell, 19)) | (i64(load<u32>(cell, 24)) << 32), load<i64>(cell, 28));
    store<u64>(at, unhexed(head));
    store<u64>(at, unhexed(tail), 8);
    if (odd) {
      leaveCell(i, at);
      continue;
    }
    endCell(i, at, at + size);
    at += size;
  }
  return at;
}
