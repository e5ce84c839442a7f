/** Numbers that belong to nobody, and texts that may hold one of somebody: as leaks/numbers.ts says of strings. */
import { isCapital, isDigit, isLetter } from './text';

export const fewestDigits: i32 = 8;
export const longestNumber: i32 = 40;
/** Longer ones are somebody's. */
export const longestNobodys: i32 = 20;
export const phoneDigits: i32 = 9;

const compact = memory.data(longestNobodys + 1);
/** Digits of a text that may be one number, and which of them may be its first: those that no letter or digit precedes. */
const group = memory.data(longestNobodys + 1);
const starts = memory.data(longestNobodys + 1);

/** `isNobodys` of the letters and digits of a text. */
export function isNobodysText(from: usize, to: usize): bool {
  let length = 0;
  for (let at = from; at < to && length <= longestNobodys; at++) {
    const byte = i32(load<u8>(at));
    if (isDigit(byte)) store<u8>(compact + length++, byte);
    else if (isLetter(byte)) store<u8>(compact + length++, byte | 0x20);
  }
  return isNobodysCodes(compact, compact + length);
}

/** `isNobodys` of letters and digits in lower case. */
export function isNobodysCodes(from: usize, to: usize): bool {
  const length = i32(to - from);
  if (length > longestNobodys) return false;
  let same = true;
  let up = true;
  let down = true;
  for (let at = from + 1; at < to && (same || up || down); at++) {
    const step = i32(load<u8>(at)) - i32(load<u8>(at - 1));
    if (step !== 0) same = false;
    if (step !== 1 && step !== -9) up = false;
    if (step !== -1 && step !== 9) down = false;
  }
  if (same) return true;
  if ((up || down) && areDigits(from, to)) {
    // The series are written out twice.
    const first = i32(load<u8>(from)) - 0x30;
    return (up ? first : 9 - first) + length <= 20;
  }
  return isDateLike(from, to);
}

function areDigits(from: usize, to: usize): bool {
  for (let at = from; at < to; at++) if (!isDigit(load<u8>(at))) return false;
  return true;
}

/** `20260101`, with a time or without, and `31122025`: of eight at least. */
function isDateLike(from: usize, to: usize): bool {
  if (to - from < 8) return false;
  const yearFirst = isYear(from) && isMonth(from + 4) && isDay(from + 6);
  const dayFirst = isDay(from) && isMonth(from + 2) && isYear(from + 4);
  if (!yearFirst && !dayFirst) return false;
  let at = from;
  while (at < to && isDigit(load<u8>(at))) at++;
  const digits = i32(at - from);
  if (digits < 8) return false;
  if (yearFirst && digits <= 8 + 13) {
    if (at === to) return true;
    // `t`, digits, perhaps `z`.
    if (load<u8>(at) === 0x74) {
      const time = at + 1;
      let end = time;
      while (end < to && isDigit(load<u8>(end))) end++;
      if (end > time && (end === to || (end === to - 1 && load<u8>(end) === 0x7a))) return true;
    }
  }
  return dayFirst && at === to && (digits & 1) === 0 && digits <= 14;
}

function two(at: usize): i32 {
  return (i32(load<u8>(at)) - 0x30) * 10 + i32(load<u8>(at, 1)) - 0x30;
}

function isYear(at: usize): bool {
  const century = two(at);
  return century >= 18 && century <= 21;
}

function isMonth(at: usize): bool {
  const month = two(at);
  return month >= 1 && month <= 12;
}

function isDay(at: usize): bool {
  const day = two(at);
  return day >= 1 && day <= 31;
}

/** Where the last digits of a telephone number begin; 0 when there are too few. */
export function phoneTailStart(from: usize, to: usize): usize {
  let digits = 0;
  for (let at = to; at > from; ) {
    at--;
    if (isDigit(load<u8>(at)) && ++digits === phoneDigits) return at;
  }
  return 0;
}

/** Whether `numbersWithin` may tell of anything. Only few texts have digits enough that are no date. */
export function mayHoldNumber(from: usize, to: usize): bool {
  let digits = 0;
  for (let at = from; at < to; at++) {
    const byte = i32(load<u8>(at));
    if (isDigit(byte)) {
      if (digits > longestNobodys) continue;
      const before = at > from ? i32(load<u8>(at - 1)) : 0;
      if (isCapital(before) && isAccount(at, from, to)) return true;
      store<u8>(group + digits, byte);
      store<u8>(starts + digits, isDigit(before) || isLetter(before) || before === 0x5f ? 0 : 1);
      digits++;
    } else if (!joinsDigits(byte)) {
      if (digits >= fewestDigits && mayBeSomebodys(digits)) return true;
      digits = 0;
    }
  }
  return digits >= fewestDigits && mayBeSomebodys(digits);
}

/** Whether any part of the group, as long as a number must be, is not nobody's. */
function mayBeSomebodys(digits: i32): bool {
  if (digits > longestNobodys) return true;
  for (let start = 0; start + fewestDigits <= digits; start++) {
    if (load<u8>(starts + start) === 0) continue;
    for (let end = start + fewestDigits; end <= digits; end++)
      if (!isNobodysCodes(group + start, group + end)) return true;
  }
  return false;
}

/** Whether the number of an account may begin with the two letters before a digit: `FR76 3000 …`. */
function isAccount(at: usize, from: usize, to: usize): bool {
  if (at < from + 2 || !isCapital(load<u8>(at - 2))) return false;
  let digits = 0;
  for (let k = at; k < to; k++) {
    const byte = i32(load<u8>(k));
    if (isDigit(byte)) digits++;
    else if (byte !== 0x20 && !isCapital(byte)) break;
  }
  return digits >= fewestDigits;
}

/** What may stand between the digits of a number: a space, brackets, `+`, `-`, `.`. */
function joinsDigits(byte: i32): bool {
  return byte === 0x20 || byte === 0x2d || byte === 0x2e || byte === 0x28 || byte === 0x29 || byte === 0x2b;
}
