/** Dates and times in binary format (binary-dates.ts) and as text, of the years 1 to 9999; see civil-date.ts. */
import { beginCells, endCell, endEmpty, lengthOf } from './cells';
import { pairOf, wordOf, writeEight } from './digits';
import { beginRest, endNull, leaveCell } from './rest';

/** Days since 1970-01-01. */
const firstDay: i32 = -719_162;
const lastDay: i32 = 2_932_896;
const notPlain: i32 = -0x40000000;
/** Days from there to 2000-01-01. */
const epoch: i32 = 10_957;
const usOfDay: i64 = 86_400_000_000;

/** The day of what begins with `YYYY-MM-DD`; `notPlain` for anything else. */
function dayAt(at: usize): i32 {
  // Digits without their 0x30, and nothing where dashes are. A byte that is more than that gets its highest bit.
  const head = load<u64>(at) ^ wordOf(0x30303030, 0x2d30302d);
  const tail = u32(load<u16>(at, 8)) ^ 0x3030;
  const tooMuch = ((head + wordOf(0x76767676, 0x7f76767f)) | head) & wordOf(0x80808080, 0x80808080);
  if (tooMuch !== 0 || (((tail + 0x7676) | tail) & 0x8080) !== 0) return notPlain;
  const pairs = u32(head) * 10 + (u32(head) >> 8);
  const year = i32((pairs & 255) * 100 + ((pairs >> 16) & 255));
  const month = i32((head >> 40) & 255) * 10 + i32((head >> 48) & 255);
  const day = i32((tail & 255) * 10 + (tail >> 8));
  if (year < 1 || u32(month - 1) > 11 || u32(day - 1) > 30) return notPlain;
  // Years begin in March.
  const y = month <= 2 ? year - 1 : year;
  const ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return 365 * y + y / 4 - y / 100 + y / 400 + ofYear - 719_468;
}

/**
 * Writes `YYYY-MM-DD`. Quarters of days are divided by whole numbers that do what the fractions of a year and a month would do.
 *
 * Source: Neri and Schneider, "Euclidean affine functions and their application to calendar algorithms", 2022.
 */
function writeDay(at: usize, day: i32): void {
  // Since 0000-03-01: years begin in March, so that the leap day is the last.
  const quarters = u32(day + 719_468) * 4 + 3;
  const century = quarters / 146_097;
  const inCentury = u64((quarters - century * 146_097) | 3) * 2_939_745;
  const ofYear = (u32(inCentury) / 2_939_745) >> 2;
  const months = 2141 * ofYear + 197_913;
  const isNext = ofYear >= 306;
  const month = i32(months >> 16) - (isNext ? 12 : 0);
  const year = century * 100 + u32(inCentury >> 32) + u32(isNext);
  const hundreds = year / 100;
  const inYear = 0x2d00002d | (pairOf(month) << 8);
  store<u64>(at, wordOf(pairOf(hundreds) | (pairOf(year - hundreds * 100) << 16), inYear));
  store<u16>(at, pairOf(i32((months & 0xffff) / 2141) + 1), 8);
}

/**
 * Writes the text of dates.
 *
 * @param size bytes of each: 4
 * @param out has room for 10 bytes of each
 * @param rest gets the cells of another length, and those without a plain date
 * @returns where the last one ends
 */
export function readDates(
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
    const value = bswap<i32>(load<i32>(bytes + load<usize>(from + (usize(i) << 2))));
    if (length !== size || value < firstDay - epoch || value > lastDay - epoch) {
      leaveCell(i, at);
      continue;
    }
    writeDay(at, value + epoch);
    endCell(i, at, at + 10);
    at += 10;
  }
  return at;
}

/** Writes the dates of texts. @param rest gets what is not only a plain date */
export function writeDates(
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
    const day = length === 10 ? dayAt(bytes + load<usize>(from + (usize(i) << 2))) : notPlain;
    if (day === notPlain) {
      leaveCell(i, at);
      continue;
    }
    store<i32>(at, bswap<i32>(day - epoch));
    endCell(i, at, at + size);
    at += size;
  }
  return at;
}

/**
 * Writes the text of times, in microseconds since 2000-01-01.
 *
 * @param zoned whether `+00` stands behind
 * @param out has room for 29 bytes of each
 * @param rest gets the cells of another length, and those without a plain date
 * @returns where the last one ends
 */
export function readMoments(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  zoned: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  const first = i64(firstDay - epoch) * usOfDay;
  const behind = i64(lastDay + 1 - epoch) * usOfDay;
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (length < 0) {
      endNull(i);
      continue;
    }
    const value = bswap<i64>(load<i64>(bytes + load<usize>(from + (usize(i) << 2))));
    if (length !== 8 || value < first || value >= behind) {
      leaveCell(i, at);
      continue;
    }
    const since = value - first;
    const day = since / usOfDay;
    const us = since - day * usOfDay;
    const seconds = i32(us / 1_000_000);
    const fraction = i32(us - i64(seconds) * 1_000_000);
    const minutes = seconds / 60;
    const hours = minutes / 60;
    const begin = at;
    writeDay(at, i32(day) + firstDay);
    store<u8>(at, 0x20, 10);
    store<u16>(at, pairOf(hours), 11);
    store<u8>(at, 0x3a, 13);
    store<u16>(at, pairOf(minutes - hours * 60), 14);
    store<u8>(at, 0x3a, 16);
    store<u16>(at, pairOf(seconds - minutes * 60), 17);
    at += 19;
    if (fraction !== 0) {
      // With two zeros before it: one lies where the point goes, the other on the seconds.
      const second = load<u8>(at - 1);
      writeEight(at - 1, fraction);
      store<u8>(at - 1, second);
      store<u8>(at, 0x2e);
      at += 7;
      while (load<u8>(at - 1) === 0x30) at--;
    }
    if (zoned !== 0) {
      store<u32>(at, 0x30302b);
      at += 3;
    }
    endCell(i, begin, at);
  }
  return at;
}

let clockUs: i64 = 0;

/** Two digits; below 0 for anything else. */
function twoAt(at: usize): i32 {
  const tens = i32(load<u8>(at)) - 0x30;
  const ones = i32(load<u8>(at, 1)) - 0x30;
  return u32(tens) > 9 || u32(ones) > 9 ? -1 : tens * 10 + ones;
}

/** Reads ` HH:MM:SS`, perhaps with up to six digits behind a point, or nothing, into `clockUs`. @returns whether it is that */
function isClock(at: usize, end: usize): bool {
  clockUs = 0;
  if (at === end) return true;
  if (i32(end - at) < 9 || load<u8>(at) !== 0x20 || load<u8>(at, 3) !== 0x3a || load<u8>(at, 6) !== 0x3a) return false;
  const hours = twoAt(at + 1);
  const minutes = twoAt(at + 4);
  const seconds = twoAt(at + 7);
  if ((hours | minutes | seconds) < 0) return false;
  let k = at + 9;
  let fraction = 0;
  if (k < end) {
    const digits = i32(end - k) - 1;
    if (load<u8>(k) !== 0x2e || u32(digits - 1) > 5) return false;
    for (k++; k < end; k++) {
      const digit = u32(load<u8>(k)) - 0x30;
      if (digit > 9) return false;
      fraction = fraction * 10 + digit;
    }
    for (let missing = digits; missing < 6; missing++) fraction *= 10;
  }
  clockUs = i64((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + i64(fraction);
  return true;
}

/** Writes the times of texts. @param rest gets what is no plain date with a time of day, or has another zone */
export function writeMoments(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  zoned: i32,
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
    let end = cell + length;
    let fits = length >= (zoned !== 0 ? 13 : 10);
    if (fits && zoned !== 0) {
      end -= 3;
      fits = (load<u32>(end) & 0xffffff) === 0x30302b;
    }
    const day = fits ? dayAt(cell) : notPlain;
    if (day === notPlain || !isClock(cell + 10, end)) {
      leaveCell(i, at);
      continue;
    }
    store<i64>(at, bswap<i64>(i64(day - epoch) * usOfDay + clockUs));
    endCell(i, at, at + 8);
    at += 8;
  }
  return at;
}

/**
 * Moves dates by what their words draw of -days … -1, 1 … days; what follows a date stays.
 *
 * @param words four of 32 bits for each cell
 * @param out has room for as many bytes as the cells have
 * @param rest gets the cells that are beyond ASCII, or without a plain date before or after
 * @returns where the last one ends
 */
export function shiftDates(
  bytes: usize,
  from: usize,
  to: usize,
  wide: usize,
  count: i32,
  words: usize,
  days: i32,
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
    if (endEmpty(i, length, at)) continue;
    const cell = bytes + load<usize>(from + (usize(i) << 2));
    const day = length < 10 || load<u8>(wide + i) !== 0 ? notPlain : dayAt(cell);
    const drawn = i32((u64(load<u32>(words + (usize(i) << 4))) * u64(2 * days)) >> 32) - days;
    const moved = day + (drawn < 0 ? drawn : drawn + 1);
    const end = cell + length;
    // A year before our era.
    const isBefore = length > 12 && (load<u32>(end - 3) & 0xffffff) === 0x434220;
    if (day === notPlain || moved < firstDay || moved > lastDay || isBefore) {
      leaveCell(i, at);
      continue;
    }
    // First what follows the date: of it more is written than there is.
    for (let k: i32 = 10; k < length; k += 16) v128.store(at + k, v128.load(cell + k));
    writeDay(at, moved);
    endCell(i, at, at + length);
    at += length;
  }
  return at;
}
