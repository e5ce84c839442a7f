/** Cuts ASCII into words and takes their prints, as `Words.cut` (leaks/words.ts) does of strings: the two must agree. */
import {
  atBits,
  classify,
  digitBits,
  forgetMarks,
  innerBits,
  inSmallLetters,
  isCapital,
  isDigit,
  isLetter,
  wordBits,
} from './text';

/** Of `trait` in leaks/words.ts. */
export const traitDigits: i32 = 1;
export const traitAt: i32 = 2;
export const traitMixed: i32 = 4;
export const traitCapital: i32 = 8;
export const traitLetters: i32 = 16;

/** Of `form` there. */
export const wordForm: i32 = 1;
export const phraseForm: i32 = 2;
export const startForm: i32 = 3;
export const textForm: i32 = 4;
export const compactForm: i32 = 5;
export const phoneForm: i32 = 6;

/** Words of the longest phrase. */
export const longestPhrase: i32 = 6;

/** Longer texts are not cut here. */
export const longestCut: i32 = 8192;
export const mostWords: i32 = longestCut / 2 + 1;
/** Of each word: where it begins and ends, traits. */
const table = memory.data(mostWords * 12, 16);

let seedA: i32 = 0;
let seedB: i32 = 0;
/** Words of the text that was cut last. */
export let count: i32 = 0;

export function seedWords(a: i32, b: i32): void {
  seedA = a;
  seedB = b;
}

function entry(at: i32): usize {
  return table + usize(at) * 12;
}
export function wordFrom(at: i32): usize {
  return load<usize>(entry(at));
}
export function wordTo(at: i32): usize {
  return load<usize>(entry(at), 4);
}
export function traits(at: i32): i32 {
  return load<i32>(entry(at), 8);
}

/** Cuts at most `longestCut` bytes; `marks` tells what stood in them. */
export function cut(from: usize, to: usize): void {
  count = 0;
  forgetMarks();
  let at = from;
  while (at < to) {
    const length = i32(min(to - at, 64));
    classify(at, length);
    const inWords = wordBits;
    let left = inWords | innerBits;
    let next = at + length;
    // A word that the last of these bytes belongs to goes on behind them.
    const edge = next < to ? u64(1) << u64(length - 1) : 0;
    while (left !== 0) {
      // Adding its lowest bit carries through the first run of bits.
      const others = left + (left & (0 - left));
      const run = left & ~others;
      if ((run & edge) !== 0) {
        const start = ctz(run);
        next = start === 0 ? longRun(at, to) : at + usize(start);
        break;
      }
      left &= others;
      const word = inWords & run;
      if (word === 0) continue;
      const first = at + usize(ctz(word));
      let seen = isCapital(load<u8>(first)) ? traitCapital : 0;
      if ((digitBits & word) !== 0) seen |= traitDigits;
      if ((word & ~digitBits) !== 0) seen |= traitLetters;
      if (run !== word) {
        const joining = innerBits & run & ~(word ^ (word - 1));
        if ((atBits & joining) !== 0) seen |= traitAt;
        if ((joining & ~atBits) !== 0) seen |= traitMixed;
      }
      add(first, at + 64 - usize(clz(word)), seen);
    }
    at = next;
  }
}

/** What no separator ends within 64 bytes, byte by byte. @returns behind it */
function longRun(from: usize, to: usize): usize {
  let at = from;
  let first: usize = 0;
  let last: usize = 0;
  let seen: i32 = 0;
  while (at < to) {
    const length = i32(min(to - at, 64));
    classify(at, length);
    for (let k: u64 = 0; k < u64(length); k++) {
      const bit = u64(1) << k;
      const here = at + usize(k);
      if ((wordBits & bit) !== 0) {
        const byte = i32(load<u8>(here));
        if (first === 0) {
          first = here;
          seen = isCapital(byte) ? traitCapital : 0;
        }
        last = here + 1;
        seen |= isDigit(byte) ? traitDigits : traitLetters;
      } else if ((innerBits & bit) === 0) {
        if (first !== 0) add(first, last, seen);
        return here;
      } else if (first !== 0) seen |= (atBits & bit) !== 0 ? traitAt : traitMixed;
    }
    at += length;
  }
  if (first !== 0) add(first, last, seen);
  return to;
}

function add(from: usize, to: usize, seen: i32): void {
  const place = entry(count++);
  store<u32>(place, u32(from));
  store<u32>(place, u32(to), 4);
  store<i32>(place, seen, 8);
}

/** The print of the word that was printed last, without a form. */
export let wordA: i32 = 0;
export let wordB: i32 = 0;

/** Prints a word: most are asked for once, and those of numbers never. */
export function printWord(index: i32): void {
  const print = printOf(wordFrom(index), wordTo(index));
  wordA = i32(print);
  wordB = i32(print >> 32);
}

/** The print of what begins and ends as a word does, one byte at least: both words of it. */
export function printOf(from: usize, to: usize): u64 {
  let a = seedA;
  let b = seedB;
  let at = from;
  // The last one to four bytes by themselves, whichever they are: a branch for them would be guessed wrong half of the time.
  for (; at + 4 < to; at += 4) {
    const word = inSmallLetters(load<i32>(at));
    a = (a ^ word) * <i32>0x85ebca6b;
    a ^= a >>> 15;
    b = ((b ^ word) + (b >>> 16)) * <i32>0xc2b2ae35;
  }
  const word = inSmallLetters(load<i32>(at) & (-1 >>> (i32(at + 4 - to) << 3)));
  a = (a ^ word) * <i32>0x85ebca6b;
  a ^= a >>> 15;
  b = ((b ^ word) + (b >>> 16)) * <i32>0xc2b2ae35;
  return u64(u32(a)) | (u64(u32(b)) << 32);
}

let compactSeedA: i32 = 0;
let compactSeedB: i32 = 0;
/** Of letters and digits, or of digits alone, that were printed last: the print, how many, and digits among them. */
export let compactA: i32 = 0;
export let compactB: i32 = 0;
export let compactLength: i32 = 0;
export let compactDigits: i32 = 0;

export function seedCompact(a: i32, b: i32): void {
  compactSeedA = a;
  compactSeedB = b;
}

/** Prints letters and digits, as `Characters.print` does of strings. */
export function printCompact(from: usize, to: usize, onlyDigits: bool): void {
  let a = compactSeedA;
  let b = compactSeedB;
  let length = 0;
  let digits = 0;
  for (let at = from; at < to; at++) {
    let byte = i32(load<u8>(at));
    if (isDigit(byte)) digits++;
    else if (onlyDigits || !isLetter(byte)) continue;
    else byte |= 0x20;
    length++;
    a = (a ^ byte) * <i32>0x85ebca6b;
    a ^= a >>> 15;
    b = ((b ^ byte) + (b >>> 16)) * <i32>0xc2b2ae35;
  }
  compactA = a;
  compactB = b;
  compactLength = length;
  compactDigits = digits;
}

/** What `printCodes` begins with. */
export function compactSeed(): u64 {
  return u64(u32(compactSeedA)) | (u64(u32(compactSeedB)) << 32);
}

/**
 * Prints letters in lower case and digits, of which all are wanted.
 *
 * @param print of those before them
 * @returns the print of all, both words of it, as `printCompact` has it
 */
export function printCodes(from: usize, to: usize, print: u64): u64 {
  let a = i32(print);
  let b = i32(print >> 32);
  for (let at = from; at < to; at++) {
    const byte = i32(load<u8>(at));
    a = (a ^ byte) * <i32>0x85ebca6b;
    a ^= a >>> 15;
    b = ((b ^ byte) + (b >>> 16)) * <i32>0xc2b2ae35;
  }
  return u64(u32(a)) | (u64(u32(b)) << 32);
}

/** `mixed` of leaks/words.ts. */
export function mixed(print: i32, next: i32): i32 {
  const h = (print ^ next) * <i32>0x27d4eb2f;
  return ((h ^ (h >>> 15)) * <i32>0x165667b1) ^ (h >>> 13);
}

/** `followed` of leaks/words.ts. */
export function followed(print: i32, next: i32): i32 {
  return print * <i32>0x27d4eb2f + next;
}

/** `finished` of leaks/words.ts. */
export function finished(print: i32, form: i32): i32 {
  let h = print ^ (form * <i32>0x9e3779b1);
  h = (h ^ (h >>> 16)) * <i32>0x85ebca6b;
  h = (h ^ (h >>> 13)) * <i32>0xc2b2ae35;
  return h ^ (h >>> 16);
}
