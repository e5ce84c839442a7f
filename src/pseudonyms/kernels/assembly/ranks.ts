/**
 * Ranks of texts (place-ranks.ts): 128 bits, cut into two halves of 64 bits as ff1.ts has them.
 *
 * A plan is: how many parts there are, where its places begin, and a byte for the rank of every character; then parts of 32
 * bytes, for each how many characters follow each other, where the first one is, the first of its places, which is below 0
 * where they are up to 16 digits, nothing, their product (of others, it has 32 bits), and 1 / the product; then places of 24
 * bytes, for each where it is, how many characters go there, where those stand in the plan, nothing, and 1 / their number.
 */
import { digitsAt, eightDigits, writeDigitsAt, writeManyDigitsAt } from './digit-runs';

const ranksAt: usize = 16;
const partsAt: usize = 16 + 256;
const partSize: usize = 32;
const placeSize: usize = 24;
const lowWord: u64 = 0xffffffff;
/** Quotients of more bits would lose too much in a double. */
const mostBits: u64 = 50;
/** 2^64. */
const wordOfHigh: f64 = 4294967296.0 * 4294967296.0;

/**
 * @param starts where texts begin, counted from `bytes`
 * @param right bits of the right half
 * @param values gets 16 bytes for each text
 */
export function readRanks(bytes: usize, starts: usize, count: i32, plan: usize, right: i32, values: usize): void {
  const begin = plan + partsAt;
  const end = begin + load<usize>(plan) * partSize;
  const shift = u64(right);
  const mask: u64 = right === 64 ? ~u64(0) : (u64(1) << shift) - 1;
  for (let i: i32 = 0; i < count; i++) {
    const start = bytes + load<usize>(starts + (usize(i) << 2));
    let low = partAt(start, begin, plan);
    let high: u64 = 0;
    for (let part = begin + partSize; part < end; part += partSize) {
      const product = load<u64>(part, 16);
      const added = partAt(start, part, plan);
      // Times the product, word by word.
      const first = product & lowWord;
      const second = product >> 32;
      const lowest = (low & lowWord) * first;
      const cross = (low & lowWord) * second;
      const middle = (low >> 32) * first + (lowest >> 32) + (cross & lowWord);
      high = high * product + (low >> 32) * second + (cross >> 32) + (middle >> 32);
      low = ((middle << 32) | (lowest & lowWord)) + added;
      high += u64(low < added);
    }
    const value = values + (usize(i) << 4);
    store<u64>(value, right === 64 ? high : (high << (64 - shift)) | (low >> shift));
    store<u64>(value, low & mask, 8);
  }
}

function partAt(start: usize, part: usize, plan: usize): u64 {
  const length = load<i32>(part);
  const first = load<i32>(part, 8);
  if (first < 0) return digitsAt(start + load<usize>(part, 4), length);
  let rank: u64 = 0;
  let place = plan + load<usize>(plan, 4) + usize(first) * placeSize;
  for (let k: i32 = 0; k < length; k++) {
    const byte = load<u8>(start + load<usize>(place));
    rank = rank * u64(load<u32>(place, 4)) + u64(load<u8>(plan + ranksAt + usize(byte)));
    place += placeSize;
  }
  return rank;
}

/** The way back: writes the characters of every rank. */
export function writeRanks(values: usize, right: i32, count: i32, plan: usize, bytes: usize, starts: usize): void {
  const begin = plan + partsAt;
  const end = begin + load<usize>(plan) * partSize;
  const shift = u64(right);
  for (let i: i32 = 0; i < count; i++) {
    const start = bytes + load<usize>(starts + (usize(i) << 2));
    const value = values + (usize(i) << 4);
    let high = load<u64>(value);
    let low = load<u64>(value, 8);
    if (right < 64) {
      low |= high << shift;
      high >>= 64 - shift;
    }
    for (let part = end - partSize; part > begin; part -= partSize) {
      const length = load<i32>(part);
      const product = load<u64>(part, 16);
      if (high < product >> (64 - mostBits) || (high | (low >> mostBits)) === 0) {
        // By the inverse, which costs a fraction of a division: the quotient is right, or one too large or too small.
        let quotient = u64(i64((f64(high) * wordOfHigh + f64(low)) * load<f64>(part, 24)));
        let rest = low - quotient * product;
        if (i64(rest) < 0) {
          rest += product;
          quotient--;
        } else if (rest >= product) {
          rest -= product;
          quotient++;
        }
        low = quotient;
        high = 0;
        writePart(start, part, plan, rest);
        continue;
      }
      longLow = low;
      longHigh = high;
      if (length > 8 && load<i32>(part, 8) < 0) {
        const at = start + load<usize>(part, 4);
        const rest = divideLong(eightDigits);
        writeDigitsAt(at, u32(divideLong(product / eightDigits)), length - 8);
        writeDigitsAt(at + usize(length - 8), u32(rest), 8);
      } else writePart(start, part, plan, divideLong(product));
      low = longLow;
      high = longHigh;
    }
    writePart(start, begin, plan, low);
  }
}

let longLow: u64 = 0;
let longHigh: u64 = 0;

/** Divides that number by what has 32 bits, word by word. @returns the rest */
function divideLong(divisor: u64): u64 {
  const above = longHigh < divisor ? 0 : longHigh / divisor;
  const second = ((longHigh - above * divisor) << 32) | (longLow >> 32);
  const upper = second / divisor;
  const third = ((second - upper * divisor) << 32) | (longLow & lowWord);
  const lower = third / divisor;
  longHigh = above;
  longLow = (upper << 32) | lower;
  return third - lower * divisor;
}

function writePart(start: usize, part: usize, plan: usize, rank: u64): void {
  const length = load<i32>(part);
  const first = load<i32>(part, 8);
  if (first < 0) {
    const at = start + load<usize>(part, 4);
    if (length <= 8) writeDigitsAt(at, u32(rank), length);
    else writeManyDigitsAt(at, rank, length);
    return;
  }
  let left = u32(rank);
  let place = plan + load<usize>(plan, 4) + usize(first + length) * placeSize;
  for (let k: i32 = 0; k < length; k++) {
    place -= placeSize;
    // Half a unit more keeps the quotient clear of whole numbers, from which rounding could lead astray.
    const quotient = u32((f64(left) + 0.5) * load<f64>(place, 16));
    const character = plan + load<usize>(place, 8) + usize(left - quotient * load<u32>(place, 4));
    store<u8>(start + load<usize>(place), load<u8>(character));
    left = quotient;
  }
}
