/** E-mail addresses (transformers/email.ts). */
import { beginCells, endCell, endEmpty, lengthOf } from './cells';
import { beginRest, leaveCell } from './rest';
import { drawn, writeWord } from './word-lists';

/** Eight numbers of 5 bits, of which each gets its byte: halves, of these halves, and again. */
function eightBytes(bits: u64): u64 {
  const twenties = (bits & 0xfffff) | ((bits & 0xff_fff00000) << 12);
  const tens = (twenties & 0x000003ff_000003ff) | ((twenties & 0x000ffc00_000ffc00) << 6);
  return (tens & 0x001f001f_001f001f) | ((tens & 0x03e003e0_03e003e0) << 3);
}

/** The characters of base32.ts. */
function letters(values: v128): v128 {
  const low = i8x16(0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66);
  const high = i8x16(0x67, 0x68, 0x6a, 0x6b, 0x6d, 0x6e, 0x70, 0x71, 0x72, 0x73, 0x74, 0x76, 0x77, 0x78, 0x79, 0x7a);
  // Outside of its table each is 0.
  return v128.or(i8x16.swizzle(low, values), i8x16.swizzle(high, i8x16.sub(values, i8x16.splat(16))));
}

/** `length` characters, 16 at most, from the end of four words. @returns where they end; 16 bytes are written */
function writeBase32(at: usize, words: usize, length: i32): usize {
  const low = u64(load<u32>(words, 12)) | (u64(load<u32>(words, 8)) << 32);
  const high = u64(load<u32>(words, 4));
  v128.store(at, letters(i64x2(eightBytes(low), eightBytes((low >> 40) | (high << 24)))));
  return at + length;
}

/**
 * Writes an address for each cell: first and last name, keyed characters, `@`, perhaps a keyed label, and a domain.
 *
 * @param from where cells begin, and `to` where they end: of them only NULL and '' are looked at
 * @param words four of 32 bits for each cell, for the characters
 * @param names the same for the names
 * @param firsts list of first names, 0 for none
 * @param lasts list of last names, 0 for none
 * @param suffix how many characters, 16 at most
 * @param labels four words for each cell, for the label before the first domain; 0 for none
 * @param endings list of domains
 * @param which of each cell a word: its domain, or below 0 for what goes to `rest`; 0 for the first domain everywhere
 * @returns where the last one ends
 */
export function writeEmails(
  from: usize,
  to: usize,
  count: i32,
  words: usize,
  names: usize,
  firsts: usize,
  lasts: usize,
  suffix: i32,
  labels: usize,
  endings: usize,
  which: usize,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    if (endEmpty(i, lengthOf(from, to, i), at)) continue;
    const ending = which === 0 ? 0 : load<i32>(which + (usize(i) << 2));
    if (ending < 0) {
      leaveCell(i, at);
      continue;
    }
    const begin = at;
    const four = usize(i) << 4;
    if (firsts !== 0) {
      at = writeWord(firsts, drawn(firsts, load<u32>(names + four)), at);
      store<u8>(at++, 0x2e);
    }
    if (lasts !== 0) {
      at = writeWord(lasts, drawn(lasts, load<u32>(names + four, 4)), at);
      store<u8>(at++, 0x2e);
    }
    at = writeBase32(at, words + four, suffix);
    store<u8>(at++, 0x40);
    if (labels !== 0 && ending === 0) {
      at = writeBase32(at, labels + four, 10);
      store<u8>(at++, 0x2e);
    }
    at = writeWord(endings, ending, at);
    endCell(i, begin, at);
  }
  return at;
}
