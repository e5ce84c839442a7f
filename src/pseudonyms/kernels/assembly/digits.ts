/** Whole numbers as digits, several of them at a time in one word. */

/** Eight bytes of two words, of which `low` comes first. A number of that size cannot be written down in every tool. */
export function wordOf(low: u32, high: u32): u64 {
  return u64(low) | (u64(high) << 32);
}

/** Two digits of a number below 100, the first one in the low byte. */
export function pairOf(value: i32): i32 {
  const tens = (value * 103) >> 10;
  return 0x3030 | tens | ((value - tens * 10) << 8);
}

/** Eight digits of a number below 10^8 without their 0x30, the first one in the low byte: halves, of these halves, and again. */
function eightOf(value: u32): u64 {
  const upper = value / 10_000;
  const fours = u64(upper) | (u64(value - upper * 10_000) << 32);
  const high = ((fours * 10_486) >> 20) & 0x0000007f_0000007f;
  const twos = ((fours - 100 * high) << 16) + high;
  const tens = ((twos * 103) >> 10) & 0x000f000f_000f000f;
  return ((twos - 10 * tens) << 8) + tens;
}

/** The last eight digits, with zeros before them. */
export function writeEight(at: usize, value: u32): void {
  store<u64>(at, eightOf(value) | wordOf(0x30303030, 0x30303030));
}

/** @returns where they end, at most 20 bytes further; up to 8 behind that are written too */
export function writeWhole(place: usize, value: u64): usize {
  let at = place;
  if (value >= 100_000_000) {
    const upper = value / 100_000_000;
    at = writeWhole(at, upper);
    writeEight(at, u32(value - upper * 100_000_000));
    return at + 8;
  }
  const digits = eightOf(u32(value));
  // The last one stays, though it is 0.
  const zeros = ctz(digits | (u64(1) << 56)) & ~7;
  store<u64>(at, (digits | wordOf(0x30303030, 0x30303030)) >> zeros);
  return at + 8 - (usize(zeros) >> 3);
}
