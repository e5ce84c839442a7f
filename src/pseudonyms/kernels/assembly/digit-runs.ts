/** Decimal digits, several at a time: the first one in the lowest byte. */

/** A word, two times. */
const twice: u64 = 0x100000001;
const zeros: u64 = 0x30303030 * twice;
const high: u64 = 0xf0f0f0f0 * twice;
const sixes: u64 = 0x06060606 * twice;
export const eightDigits: u64 = 100000000;

/** The number of `count` digits, 1 to 16 of them. Up to 15 bytes before or behind them are read. */
export function digitsAt(at: usize, count: i32): u64 {
  if (count > 8) return sixteenAt(at + usize(count) - 16, count);
  // Leading zeros in place of what is behind them.
  const digits = (load<u64>(at) << ((8 - u64(count)) << 3)) & (0x0f0f0f0f * twice);
  const pairs = (digits * 2561) >> 8;
  const fours = ((pairs & (0x00ff00ff * twice)) * 6553601) >> 16;
  return ((fours & (0x0000ffff * twice)) * 42949672960001) >> 32;
}

/** Places before the last `count` of 16. */
function placesBefore(count: i32): v128 {
  return i8x16.lt_s(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(i8(16 - count)));
}

/** The number of the last `count` of 16 digits. */
function sixteenAt(at: usize, count: i32): u64 {
  const digits = v128.andnot(v128.and(v128.load(at), i8x16.splat(15)), placesBefore(count));
  const pairs = i16x8.add(i16x8.mul(v128.and(digits, i16x8.splat(255)), i16x8.splat(10)), i16x8.shr_u(digits, 8));
  const fours = i32x4.dot_i16x8_s(pairs, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
  const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(fours, fours), i16x8(10000, 1, 10000, 1, 10000, 1, 10000, 1));
  return u64(u32(i32x4.extract_lane(eights, 0))) * eightDigits + u64(u32(i32x4.extract_lane(eights, 1)));
}

/** Writes the last `count` of eight characters. What was written before is not read: it would have to be waited for. */
function writeLast(at: usize, text: u64, count: i32): void {
  if (count === 8) {
    store<u64>(at, text);
    return;
  }
  let left = text >> ((8 - u64(count)) << 3);
  let place = at;
  if ((count & 4) !== 0) {
    store<u32>(place, u32(left));
    left >>= 32;
    place += 4;
  }
  if ((count & 2) !== 0) {
    store<u16>(place, u16(left));
    left >>= 16;
    place += 2;
  }
  if ((count & 1) !== 0) store<u8>(place, u8(left));
}

/** Writes a number of up to `count` digits with leading zeros, 1 to 8 of them. */
export function writeDigitsAt(at: usize, value: u32, count: i32): void {
  const upper = value / 10000;
  const fours = u64(upper) | (u64(value - upper * 10000) << 32);
  const hundreds = ((fours * 10486) >> 20) & (0x0000007f * twice);
  const pairs = hundreds | ((fours - 100 * hundreds) << 16);
  const tens = ((pairs * 103) >> 10) & (0x000f000f * twice);
  writeLast(at, (tens | ((pairs - 10 * tens) << 8)) + zeros, count);
}

/** Writes a number of up to `count` digits with leading zeros, 9 to 16 of them. */
export function writeManyDigitsAt(at: usize, value: u64, count: i32): void {
  // Right, or one too large: there are no more than 54 bits.
  let first = u64(i64(f64(value) * 0.00000001));
  if (i64(value - first * eightDigits) < 0) first--;
  const upper = u32(first);
  const lower = u32(value - first * eightDigits);
  const upperFour = upper / 10000;
  const lowerFour = lower / 10000;
  let fours = i32x4.splat(upperFour);
  fours = i32x4.replace_lane(fours, 1, upper - upperFour * 10000);
  fours = i32x4.replace_lane(fours, 2, lowerFour);
  fours = i32x4.replace_lane(fours, 3, lower - lowerFour * 10000);
  const hundreds = i32x4.shr_u(i32x4.mul(fours, i32x4.splat(10486)), 20);
  const pairs = v128.or(hundreds, i32x4.shl(i32x4.sub(fours, i32x4.mul(hundreds, i32x4.splat(100))), 16));
  const tens = i16x8.shr_u(i16x8.mul(pairs, i16x8.splat(103)), 10);
  const digits = v128.or(tens, i16x8.shl(i16x8.sub(pairs, i16x8.mul(tens, i16x8.splat(10))), 8));
  const text = v128.or(digits, i8x16.splat(0x30));
  writeLast(at, u64(i64x2.extract_lane(text, 0)), count - 8);
  store<u64>(at + usize(count - 8), u64(i64x2.extract_lane(text, 1)));
}

export function areDigits(from: usize, to: usize): bool {
  for (let at = from; at < to; at += 8) {
    let word = load<u64>(at);
    const bits = (8 - min<u64>(to - at, 8)) << 3;
    if (bits > 0) word = (word << bits) | (zeros >> (64 - bits));
    if ((word & high) !== zeros || ((word + sixes) & high) !== zeros) return false;
  }
  return true;
}
