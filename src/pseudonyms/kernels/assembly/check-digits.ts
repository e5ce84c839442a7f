/** Check digits, of many numbers: `pseudonyms/check-digits.ts` says the same of single texts. */

/** So many are taken together; there are weights for them. */
const mostDigits: i32 = 32;
/** No remainder. */
const notDigits: u32 = 0xffffffff;

/** Products of 16 digits and their weights, those that lie eight apart added. @returns eight numbers of 16 bits */
function weighed(digits: v128, weights: v128): v128 {
  return i16x8.add(i16x8.extmul_low_i8x16_s(digits, weights), i16x8.extmul_high_i8x16_s(digits, weights));
}

/**
 * The remainder by 97 of 1 to 32 digits: each counts as often as the remainder of its power of 10 says. Some of the 32 bytes
 * before the end are read though they are before the beginning.
 *
 * @returns `notDigits` when something else is among them
 */
function digitsMod97(from: usize, to: usize): u32 {
  const length = i32(to - from);
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const digitsFrom = i8x16.splat(0x30);
  const nine = i8x16.splat(9);
  const last = v128.and(i8x16.sub(v128.load(to - 16), digitsFrom), i8x16.ge_s(places, i8x16.splat(i8(16 - length))));
  let others = i8x16.gt_u(last, nine);
  let sums = weighed(last, i8x16(45, 53, 15, 50, 5, 49, 34, 81, 76, 27, 90, 9, 30, 3, 10, 1));
  if (length > 16) {
    const first = v128.and(i8x16.sub(v128.load(to - 32), digitsFrom), i8x16.ge_s(places, i8x16.splat(i8(32 - length))));
    others = v128.or(others, i8x16.gt_u(first, nine));
    sums = i16x8.add(sums, weighed(first, i8x16(74, 85, 57, 93, 19, 31, 71, 75, 56, 25, 51, 73, 17, 89, 38, 62)));
  }
  if (v128.any_true(others)) return notDigits;
  const pairs = i32x4.extadd_pairwise_i16x8_s(sums);
  const sum =
    i32x4.extract_lane(pairs, 0) +
    i32x4.extract_lane(pairs, 1) +
    i32x4.extract_lane(pairs, 2) +
    i32x4.extract_lane(pairs, 3);
  return u32(sum) % 97;
}

/** The remainder by 97 of a decimal number, letters counted as in an IBAN. */
export function mod97(from: usize, to: usize): u32 {
  if (to - from <= usize(mostDigits)) {
    const rest = digitsMod97(from, to);
    if (rest !== notDigits) return rest;
  }
  let rest: u32 = 0;
  for (let at = from; at < to; at++) {
    const byte = u32(load<u8>(at));
    rest = (byte < 58 ? rest * 10 + byte - 48 : rest * 100 + byte - 55) % 97;
  }
  return rest;
}

/** The check digits of an IBAN. @param rest the remainder by 97 of what follows them */
export function ibanCheck(from: usize, rest: u32): i32 {
  const country = (u32(load<u8>(from)) - 55) * 100 + u32(load<u8>(from, 1)) - 55;
  return 98 - i32((rest * 1000000 + country * 100) % 97);
}

/**
 * The key of a French bank account: bank (5), branch (5), account (11, letters allowed). They count 89, 15 and 3 times, which
 * are the remainders of 10^18, 10^13 and 10^2: as all of them in a row, and two digits behind. A…I and J…R are digits from 1
 * on, S…Z from 2.
 */
export function ribKey(from: usize): i32 {
  let rest = digitsMod97(from, from + 21);
  if (rest === notDigits) {
    rest = 0;
    for (let at = from; at < from + 21; at++) {
      const byte = u32(load<u8>(at));
      const letter = byte - 65;
      const digit = byte < 58 ? byte - 48 : letter < 18 ? (letter % 9) + 1 : letter - 16;
      rest = (rest * 10 + digit) % 97;
    }
  }
  return 97 - i32((3 * rest) % 97);
}

/** The digit that makes a text of digits and it pass Luhn's test. */
export function luhn(from: usize, to: usize): i32 {
  let sum = 0;
  let double = true;
  for (let at = to; at > from; double = !double) {
    at--;
    const digit = i32(load<u8>(at)) - 48;
    sum += double ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return (10 - (sum % 10)) % 10;
}

/** The key of a French social security number of 13 characters; Corsica's letters count as the standard says. */
export function nirKey(from: usize): i32 {
  const letter = load<u8>(from, 6);
  const department: u32 = letter === 0x41 ? 19 : letter === 0x42 ? 18 : u32(twoDigits(from + 5));
  // 10^8 and 10^6 are as good as 81 and 27.
  return 97 - i32((mod97(from, from + 5) * 81 + department * 27 + mod97(from + 7, from + 13)) % 97);
}

/** The key of a French VAT number, of the nine digits of the company. */
export function vatKey(from: usize): i32 {
  return i32((12 + 3 * mod97(from, from + 9)) % 97);
}

export function twoDigits(at: usize): i32 {
  return i32(load<u8>(at)) * 10 + i32(load<u8>(at, 1)) - 528;
}

/** Writes a number below 100. */
export function writeTwoDigits(at: usize, value: i32): void {
  const tens = value / 10;
  store<u8>(at, 48 + tens);
  store<u8>(at, 48 + value - tens * 10, 1);
}

export function threeDigits(at: usize): i32 {
  return i32(load<u8>(at)) * 100 + twoDigits(at + 1) - 4800;
}

/** Writes a number below 1000. */
export function writeThreeDigits(at: usize, value: i32): void {
  const hundreds = value / 100;
  store<u8>(at, 48 + hundreds);
  writeTwoDigits(at + 1, value - hundreds * 100);
}
