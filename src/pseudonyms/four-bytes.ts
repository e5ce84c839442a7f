/**
 * Four bytes at a time, as a word of 32 bits: a loop over single bytes takes three times as long. What is asked of all four
 * bytes at once is Mycroft's test for a byte that is zero, or less than n ("hasless", Bit Twiddling Hacks).
 */

/** Whether one of four bytes is below 14 or a backslash: what ends a field of COPY text, or needs an escape. */
export function hasSpecial(word: number): boolean {
  const backslash = word ^ 0x5c5c5c5c;
  return (
    ((((word - 0x0e0e0e0e) | 0) & ~word & 0x80808080) | (((backslash - 0x01010101) | 0) & ~backslash & 0x80808080)) !==
    0
  );
}
