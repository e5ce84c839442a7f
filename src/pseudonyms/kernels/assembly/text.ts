/** What each byte of ASCII is within a text, 64 of them at a time: a bit for each in words of 64. `character-facts.ts` says the same. */

/** Letters and digits; what may stand between them in a word; digits; `@`. Of the bytes that were classified last. */
export let wordBits: u64 = 0;
export let innerBits: u64 = 0;
export let digitBits: u64 = 0;
export let atBits: u64 = 0;
/** Bits for what stood anywhere since it was last set to 0: `@`; line feeds; `%` or `&`. */
export let marks: i32 = 0;
/** Digits since then: as many as there are, or more. */
export let digits: i32 = 0;

export const markAt: i32 = 1;
export const markLine: i32 = 2;
export const markCode: i32 = 4;

export function forgetMarks(): void {
  marks = 0;
  digits = 0;
}

/** Counts these too. */
export function countDigits(more: i32): void {
  digits += more;
}

/**
 * What a byte is by its two halves: a bit that both have, if any. 1, 2, 4 (which is `@`), 8 and 16 of what joins words, by its
 * high half; 32 and 64 of letters; 128 of digits. They are read from memory, since vectors within a program take longer.
 */
const halves = memory.data<u8>([
  // Low halves.
  196, 225, 224, 225, 225, 225, 225, 225, 224, 224, 99, 33, 40, 33, 49, 43,
  // High halves.
  0, 0, 1, 130, 36, 72, 32, 80, 0, 0, 0, 0, 0, 0, 0, 0,
  // What leaves the low half of each.
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
  // Line feeds, `%`, `&`.
  10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37, 37,
  37, 37, 37, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38,
]);

/** Classifies `length` bytes, 64 at most. Up to 63 bytes behind them may be read. */
export function classify(at: usize, length: i32): void {
  let words: u64 = 0;
  let joined: u64 = 0;
  let numbers: u64 = 0;
  let ats: u64 = 0;
  let others: u64 = 0;
  let codes: u64 = 0;
  for (let from: i32 = 0; from < length; from += 16) {
    const bytes = v128.load(at + from);
    const shift = u64(from);
    const low = i8x16.swizzle(v128.load(halves), v128.and(bytes, v128.load(halves, 32)));
    const high = i8x16.swizzle(v128.load(halves, 16), v128.and(i16x8.shr_u(bytes, 4), v128.load(halves, 32)));
    const is = v128.and(low, high);
    // Masks are made of the highest bit of each byte: shifted two bytes at a time, it is still one of that byte.
    const isWord = v128.or(v128.or(is, i16x8.shl(is, 1)), i16x8.shl(is, 2));
    const isCode = v128.or(i8x16.eq(bytes, v128.load(halves, 64)), i8x16.eq(bytes, v128.load(halves, 80)));
    numbers |= u64(u32(i8x16.bitmask(is))) << shift;
    words |= u64(u32(i8x16.bitmask(isWord))) << shift;
    ats |= u64(u32(i8x16.bitmask(i16x8.shl(is, 5)))) << shift;
    joined |= u64(u32(i8x16.bitmask(i8x16.ne(is, i8x16.splat(0))))) << shift;
    others |= u64(u32(i8x16.bitmask(i8x16.eq(bytes, v128.load(halves, 48))))) << shift;
    codes |= u64(u32(i8x16.bitmask(isCode))) << shift;
  }
  const all = below(length);
  wordBits = words & all;
  innerBits = joined & ~words & all;
  digitBits = numbers & all;
  atBits = ats & all;
  if (atBits !== 0) marks |= markAt;
  digits += i32(popcnt(digitBits));
  if ((others & all) !== 0) marks |= markLine;
  if ((codes & all) !== 0) marks |= markCode;
}

/** Bits 0 to `end` - 1. */
export function below(end: u64): u64 {
  return end >= 64 ? ~u64(0) : (u64(1) << end) - 1;
}

export function isDigit(byte: i32): bool {
  return u32(byte - 0x30) < 10;
}

export function isCapital(byte: i32): bool {
  return u32(byte - 0x41) < 26;
}

export function isLetter(byte: i32): bool {
  return u32((byte | 0x20) - 0x61) < 26;
}

/** Four bytes of ASCII in small letters. */
export function inSmallLetters(word: i32): i32 {
  // The highest bit of a byte: from A on, and not beyond Z.
  const capital = (word + 0x3f3f3f3f) & ~(word + 0x25252525) & 0x80808080;
  return word | (capital >>> 2);
}

/** Sixteen bytes of ASCII in small letters. */
export function inSmallLetters16(bytes: v128): v128 {
  const capital = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x41)), i8x16.splat(26));
  return v128.or(bytes, v128.and(capital, i8x16.splat(0x20)));
}
