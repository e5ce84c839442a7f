/** Numbers within ASCII, without a string of them: what `numbers.ts` says of texts. */
import { fewestDigits, goesOn, isPart, longestNumber, mostParts } from './numbers.ts';
import type { Words } from './words.ts';

/**
 * Appends the letters and digits of a text, in lower case.
 *
 * @param length of what is there already
 * @param limit how many there may be; the rest is left out
 * @returns how many there are now
 */
export function compactBytes(
  bytes: Uint8Array,
  from: number,
  to: number,
  into: Uint8Array,
  length = 0,
  limit = into.length,
): number {
  let count = length;
  for (let at = from; at < to && count < limit; at++) {
    const byte = bytes[at]!;
    if (isDigit(byte)) into[count++] = byte;
    else if ((byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)) into[count++] = byte | 0x20;
  }
  return count;
}

/** Longer ones are somebody's. */
const longestNobodys = 20;

/** `isNobodys` of letters and digits in lower case. */
export function isNobodysCodes(codes: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  if (length > longestNobodys) return false;
  let same = true;
  let up = true;
  let down = true;
  for (let at = from + 1; at < to && (same || up || down); at++) {
    const step = codes[at]! - codes[at - 1]!;
    if (step !== 0) same = false;
    if (step !== 1 && step !== -9) up = false;
    if (step !== -1 && step !== 9) down = false;
  }
  if (same) return true;
  if ((up || down) && areDigits(codes, from, to)) {
    // The series are written out twice.
    const first = codes[from]! - 0x30;
    return (up ? first : 9 - first) + length <= 20;
  }
  return isDateLike(codes, from, to);
}

function areDigits(codes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!isDigit(codes[at]!)) return false;
  return true;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** `20260101`, with a time or without, and `31122025`. */
function isDateLike(codes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  while (at < to && isDigit(codes[at]!)) at++;
  const digits = at - from;
  if (digits < 8) return false;
  if (isYear(codes, from) && isMonth(codes, from + 4) && isDay(codes, from + 6) && digits <= 8 + 13) {
    if (at === to) return true;
    // `t`, digits, perhaps `z`.
    if (codes[at] === 0x74) {
      const time = at + 1;
      let end = time;
      while (end < to && isDigit(codes[end]!)) end++;
      if (end > time && (end === to || (end === to - 1 && codes[end] === 0x7a))) return true;
    }
  }
  if (at !== to || digits % 2 !== 0 || digits > 14) return false;
  return isDay(codes, from) && isMonth(codes, from + 2) && isYear(codes, from + 4);
}

function two(codes: Uint8Array, at: number): number {
  return (codes[at]! - 0x30) * 10 + codes[at + 1]! - 0x30;
}

function isYear(codes: Uint8Array, at: number): boolean {
  const century = two(codes, at);
  return century >= 18 && century <= 21;
}

function isMonth(codes: Uint8Array, at: number): boolean {
  const month = two(codes, at);
  return month >= 1 && month <= 12;
}

function isDay(codes: Uint8Array, at: number): boolean {
  const day = two(codes, at);
  return day >= 1 && day <= 31;
}

/** Told of a run of words that may be one number: as `numberRuns` tells, with its letters and digits in `codes`. */
export type ToldRun = (codes: Buffer, from: number, to: number, first: number, last: number, phone: boolean) => void;

/** Words one after the other that are numbers or groups of one: their letters and digits, and where those of each begin. */
let codes = Buffer.alloc(1024);
let places = new Int32Array(256);
/** Digits before each. */
let counts = new Int32Array(256);

/** `numberRuns` of words that were cut from bytes. */
export function byteNumberRuns(words: Words, told: ToldRun): void {
  const { count } = words;
  for (let first = 0; first < count; first++) {
    if (!isPart(words, first)) continue;
    let end = first + 1;
    while (end < count && goesOn(words, first, end)) end++;
    if (gather(words, first, end) >= fewestDigits) tellRuns(words, first, end, told);
    first = end;
  }
}

/** @returns digits of all */
function gather(words: Words, first: number, end: number): number {
  const bytes = words.bytes!;
  const room = words.to[end - 1]! - words.from[first]!;
  if (codes.length < room) codes = Buffer.alloc(2 * room);
  if (places.length <= end - first) {
    places = new Int32Array(2 * (end - first));
    counts = new Int32Array(2 * (end - first));
  }
  let length = 0;
  let digits = 0;
  for (let at = first; at < end; at++) {
    const before = length;
    length = compactBytes(bytes, words.from[at]!, words.to[at]!, codes, length);
    for (let k = before; k < length; k++) if (isDigit(codes[k]!)) digits++;
    places[at - first + 1] = length;
    counts[at - first + 1] = digits;
  }
  return digits;
}

function tellRuns(words: Words, begin: number, end: number, told: ToldRun): void {
  const bytes = words.bytes!;
  for (let first = begin; first < end; first++) {
    if (!isPart(words, first)) continue;
    const from = places[first - begin]!;
    const start = words.from[first]!;
    const dialled = codes[from] === 0x30 || (start > words.begin && bytes[start - 1] === 0x2b);
    for (let last = first; last < end && last < first + mostParts; last++) {
      const to = places[last - begin + 1]!;
      if (to - from > longestNumber) break;
      const digits = counts[last - begin + 1]! - counts[first - begin]!;
      if (digits < fewestDigits || isNobodysCodes(codes, from, to)) continue;
      told(codes, from, to, first, last, dialled && digits === to - from);
    }
  }
}
