/** What each byte of ASCII is within a text, 64 of them at a time: a bit for each in words of 64. `character-facts.ts` says the same. */

/** Letters and digits; what may stand between them in a word; digits; `@`. Of the bytes that were classified last. */
export let wordBits: u64 = 0;
export let innerBits: u64 = 0;
export let digitBits: u64 = 0;
export let atBits: u64 = 0;
/** Bits of `mark` (`character-facts.ts`) for what stood anywhere since it was last set to 0. */
export let marks: i32 = 0;
/** Digits since then: as many as there are, or more. */
export let digits: i32 = 0;

export const markAt: i32 = 16;
const markDigit: i32 = 32;
export const markLine: i32 = 64;
const markCode: i32 = 128;

export function forgetMarks(): void {
  marks = 0;
  digits = 0;
}

/** Counts these too. */
export function countDigits(more: i32): void {
  digits += more;
}

/** Classifies `length` bytes, 64 at most. Up to 63 bytes behind them may be read. */
export function classify(at: usize, length: i32): void {
  let words: u64 = 0;
  let inner: u64 = 0;
  let numbers: u64 = 0;
  let ats: u64 = 0;
  let others: u64 = 0;
  let codes: u64 = 0;
  for (let from: i32 = 0; from < length; from += 16) {
    const bytes = v128.load(at + from);
    const shift = u64(from);
    const small = v128.or(bytes, i8x16.splat(0x20));
    const letter = i8x16.lt_u(i8x16.sub(small, i8x16.splat(0x61)), i8x16.splat(26));
    const digit = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10));
    // A bit of each byte's low half tells with which high halves it joins words: @ . - ' / : _ + & # % ~ $ * ! ? \
    const low = i8x16.swizzle(
      i8x16(4, 1, 0, 1, 1, 1, 1, 1, 0, 0, 3, 1, 8, 1, 17, 11),
      v128.and(bytes, i8x16.splat(15)),
    );
    const high = i8x16.swizzle(i8x16(0, 0, 1, 2, 4, 8, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0), i8x16.shr_u(bytes, 4));
    const joins = i8x16.ne(v128.and(low, high), i8x16.splat(0));
    words |= u64(u32(i8x16.bitmask(v128.or(letter, digit)))) << shift;
    numbers |= u64(u32(i8x16.bitmask(digit))) << shift;
    inner |= u64(u32(i8x16.bitmask(joins))) << shift;
    ats |= u64(u32(i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x40))))) << shift;
    others |= u64(u32(i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x0a))))) << shift;
    codes |= u64(u32(i8x16.bitmask(i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x25)), i8x16.splat(2))))) << shift;
  }
  const all: u64 = length >= 64 ? ~u64(0) : (u64(1) << u64(length)) - 1;
  wordBits = words & all;
  innerBits = inner & all;
  digitBits = numbers & all;
  atBits = ats & all;
  if (atBits !== 0) marks |= markAt;
  if (digitBits !== 0) {
    marks |= markDigit;
    digits += i32(popcnt(digitBits));
  }
  if ((others & all) !== 0) marks |= markLine;
  if ((codes & all) !== 0) marks |= markCode;
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
