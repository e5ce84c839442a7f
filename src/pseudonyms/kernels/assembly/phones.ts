/** Telephone numbers (phone-text.ts): how they are read, and the reserved ones that stand for them. */
import { beginCells, endCell, endEmpty, lengthOf } from './cells';
import { beginRest, endNull, leaveCell } from './rest';
import { isDigit, isLetter } from './text';

/** Of what is known of a number: it is written with `+` or `00`; the other one goes into its grouping. Below them is its variant. */
const isInternational: i32 = 0x1000;
const isGrouped: i32 = 0x2000;

/**
 * Writes E.164 of each cell, e.g. `+33612345678`.
 *
 * @param countries of each known one four words: length and two digits of its code, and the digit before national numbers or 0
 * @param known how many of them
 * @param home index of the country of those that do not name theirs
 * @param variants of each variant four words, of which the first is how many digits its numbers have
 * @param infos gets a word for each cell
 * @param out has room for all bytes of the cells and 4 for each
 * @param rest gets the cells without a national number, and those that may begin with white space of Unicode
 * @returns where the last one ends
 */
export function readPhones(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  countries: usize,
  known: i32,
  home: i32,
  variants: usize,
  infos: usize,
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
    if (length <= 0) {
      endNull(i);
      continue;
    }
    let begin = bytes + load<usize>(from + (usize(i) << 2));
    const end = begin + length;
    // Digits, with room for `+` and the code of a country before them.
    let digits = at + 3;
    let behind = digits;
    let letters = false;
    for (let k = begin; k < end; k++) {
      const byte = i32(load<u8>(k));
      store<u8>(behind, byte);
      if (isDigit(byte)) behind++;
      else if (isLetter(byte)) letters = true;
    }
    const all = i32(behind - digits);
    while (begin < end && (load<u8>(begin) === 0x20 || u32(load<u8>(begin)) - 0x09 < 5)) begin++;
    if (begin < end && load<u8>(begin) >= 0x80) {
      leaveCell(i, at);
      continue;
    }
    const doubleZero = begin + 1 < end && load<u16>(begin) === 0x3030;
    let international = begin < end && load<u8>(begin) === 0x2b;
    if (!international && all > 1 && load<u16>(digits) === 0x3030) {
      international = true;
      digits += 2;
    }
    let country = home;
    if (international) {
      country = -1;
      for (let c: i32 = 0; country < 0 && c < known; c++) {
        const entry = countries + (usize(c) << 4);
        const size = load<usize>(entry);
        if (behind - digits < size || load<u32>(entry, 4) !== load<u8>(digits)) continue;
        if (size < 2 || load<u32>(entry, 8) === load<u8>(digits, 1)) country = c;
      }
      if (country >= 0) digits += load<usize>(countries + (usize(country) << 4));
    }
    const entry = countries + (usize(country) << 4);
    // Also +33 (0)6 …
    if (country >= 0 && digits < behind && load<u32>(entry, 12) === load<u8>(digits)) digits++;
    if (digits >= behind) {
      leaveCell(i, at);
      continue;
    }
    // A country without known reserved numbers gets those of the home country.
    const variant = ((country < 0 ? home : country) * 2 + i32(international)) * 10 + i32(load<u8>(digits)) - 0x30;
    let info = variant;
    if (international) info |= isInternational;
    if (!letters && !doubleZero && all === load<i32>(variants + (usize(variant) << 4))) info |= isGrouped;
    store<i32>(infos + (usize(i) << 2), info);
    if (country >= 0) {
      const size = load<usize>(entry);
      if (size > 1) store<u8>(--digits, load<u8>(entry, 8));
      store<u8>(--digits, load<u8>(entry, 4));
    }
    store<u8>(--digits, 0x2b);
    endCell(i, digits, behind);
    at = behind;
  }
  return at;
}

/** The digits of a reserved number, at most 16. */
const number = memory.data(32);

/** Writes the number of a variant that a word draws into `number`. @returns where it ends */
function drawNumber(entry: usize, heads: usize, word: u32): usize {
  const length = load<usize>(entry);
  const packed = load<u32>(entry, 4);
  const free = packed & 15;
  const each: u32 = free === 4 ? 10_000 : free === 3 ? 1000 : 100;
  const drawn = u32((u64(word) * u64((packed >> 4) * each)) >> 32);
  const head = drawn / each;
  const headLength = length - free;
  v128.store(number, v128.load(heads + load<usize>(entry, 8) + usize(head) * headLength));
  let left = drawn - head * each;
  for (let k = number + length - 1; k >= number + headLength; k--) {
    store<u8>(k, 0x30 + (left % 10));
    left /= 10;
  }
  return number + length;
}

/**
 * Writes a reserved number for each cell, in its grouping where that fits.
 *
 * @param words four of 32 bits for each cell
 * @param infos what `readPhones` found
 * @param variants of each four words: how many digits; those that are free, and from the fifth bit on how many heads; where these begin
 * @param out has room for all bytes of the cells and 17 for each
 * @param outWide gets whether it is beyond ASCII
 * @returns where the last one ends
 */
export function writePhones(
  bytes: usize,
  from: usize,
  to: usize,
  wide: usize,
  count: i32,
  words: usize,
  infos: usize,
  variants: usize,
  heads: usize,
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
    const info = load<i32>(infos + (usize(i) << 2));
    const entry = variants + (usize(info & 0xfff) << 4);
    const end = drawNumber(entry, heads, load<u32>(words + (usize(i) << 4)));
    const begin = at;
    if ((info & isGrouped) === 0) {
      if ((info & isInternational) !== 0) store<u8>(at++, 0x2b);
      v128.store(at, v128.load(number));
      at += end - number;
    } else {
      const cell = bytes + load<usize>(from + (usize(i) << 2));
      let next = number;
      for (let k: i32 = 0; k < length; k++) {
        const byte = i32(load<u8>(cell + k));
        const digit = isDigit(byte);
        store<u8>(at + k, digit ? i32(load<u8>(next)) : byte);
        next += usize(digit);
      }
      at += length;
      store<u8>(outWide + i, load<u8>(wide + i));
    }
    endCell(i, begin, at);
  }
  return at;
}
