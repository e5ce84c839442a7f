/** E-mail addresses that are words, and what is left of them without their last labels. */
import { give, other } from './prints';
import { below, isDigit, isLetter } from './text';
import { printOf, wordForm } from './words';

const longestAddress: i32 = 64;

/**
 * Gives an address without the last of its labels, and without the last two, as long as two are left.
 *
 * @param from, to a word with an `@`
 * @returns false when the word is more than an address as `emailWithin` (leaks/originals.ts) has them, or none, or a long one:
 *   strings tell what is one in it
 */
export function giveShorter(from: usize, to: usize): bool {
  const length = i32(to - from);
  if (length > longestAddress) return false;
  let ats: u64 = 0;
  let allDots: u64 = 0;
  let inLabel: u64 = 0;
  let inLocal: u64 = 0;
  for (let at: i32 = 0; at < length; at += 16) {
    const bytes = v128.load(from + at);
    const shift = u64(at);
    const dot = i8x16.eq(bytes, i8x16.splat(0x2e));
    const letter = i8x16.lt_u(i8x16.sub(v128.or(bytes, i8x16.splat(0x20)), i8x16.splat(0x61)), i8x16.splat(26));
    const digit = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10));
    const label = v128.or(v128.or(letter, digit), i8x16.eq(bytes, i8x16.splat(0x2d)));
    // _ % +
    const more = v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(0x5f)), i8x16.eq(bytes, i8x16.splat(0x25))),
      v128.or(i8x16.eq(bytes, i8x16.splat(0x2b)), dot),
    );
    ats |= u64(u32(i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x40))))) << shift;
    allDots |= u64(u32(i8x16.bitmask(dot))) << shift;
    inLabel |= u64(u32(i8x16.bitmask(label))) << shift;
    inLocal |= u64(u32(i8x16.bitmask(v128.or(label, more)))) << shift;
  }
  const all = below(u64(length));
  ats &= all;
  const local = ctz(ats);
  const domain = all & ~below(local + 1);
  let dots = allDots & domain;
  const isAddress =
    local > 0 &&
    (~inLocal & below(local)) === 0 &&
    (~(inLabel | dots) & domain) === 0 &&
    dots !== 0 &&
    // No label is empty: what is before a dot is another byte than a dot, or the `@`, and so is the last of all.
    ((dots >> 1) & (dots | ats)) === 0 &&
    dots >> u64(length - 1) === 0;
  if (!isAddress) return false;
  for (let cut = 0; cut < 2; cut++) {
    const last = u64(63) - clz(dots);
    dots &= below(last);
    if (dots === 0) break;
    // As a word ends.
    let end = from + usize(last);
    while (!isDigit(load<u8>(end - 1)) && !isLetter(load<u8>(end - 1))) end--;
    give(wordForm, printOf(from, end), other);
  }
  return true;
}
