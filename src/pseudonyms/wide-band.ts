import { atLeast, halves } from './binary-ff1.ts';
import type { ByteColumn } from './byte-column.ts';
import { writeDigits, writeWhole } from './byte-numbers.ts';
import type { Permutation } from './permutation.ts';

const zero = 0x30;
const word = 2 ** 32;
const billion = 1_000_000_000;

/**
 * Whole numbers of up to 64 bits, from `low` on, that are permuted among each other: as two words each, since a bigint for
 * each costs several times as much. Those of a batch are taken, permuted, and written in the order they were taken.
 */
export class WideBand {
  readonly #permutation: Permutation;
  readonly #lowHigh: number;
  readonly #lowLow: number;
  readonly #highHigh: number;
  readonly #highLow: number;
  #values = halves(0);
  #taken = 0;
  #next = 0;

  /** @param permutation of as many values as there are from `low` to `high` */
  constructor(low: bigint, high: bigint, permutation: Permutation) {
    if (!WideBand.fits(low, high)) throw new RangeError('a band of more than 64 bits');
    this.#permutation = permutation;
    this.#lowHigh = Number(low >> 32n);
    this.#lowLow = Number(BigInt.asUintN(32, low));
    this.#highHigh = Number(high >> 32n);
    this.#highLow = Number(BigInt.asUintN(32, high));
  }

  static fits(low: bigint, high: bigint): boolean {
    return low >= 0n && high < 2n ** 64n;
  }

  begin(count: number): void {
    this.#values = atLeast(this.#values, count);
    this.#taken = this.#next = 0;
  }

  /** Takes a number of up to 19 digits, without leading zeros. @returns whether it is one, of this band */
  take(bytes: Buffer, start: number, end: number): boolean {
    if (end - start > 19 || end === start || (bytes[start] === zero && end - start > 1)) return false;
    const middle = end - start > 9 ? end - 9 : start;
    let [head, tail] = [0, 0];
    for (let k = start; k < end; k++) {
      const digit = bytes[k]! - zero;
      if (digit < 0 || digit > 9) return false;
      if (k < middle) head = head * 10 + digit;
      else tail = tail * 10 + digit;
    }
    // head × 10^9 + tail, in steps that are exact.
    const upper = Math.floor(head / 65_536);
    const above = upper * billion;
    const aside = Math.floor(above / 65_536);
    const below = (above - aside * 65_536) * 65_536 + (head - upper * 65_536) * billion + tail;
    const carried = Math.floor(below / word);
    let high = aside + carried;
    let low = below - carried * word;
    if (high < this.#lowHigh || (high === this.#lowHigh && low < this.#lowLow)) return false;
    if (high > this.#highHigh || (high === this.#highHigh && low > this.#highLow)) return false;
    high -= this.#lowHigh;
    low -= this.#lowLow;
    if (low < 0) {
      low += word;
      high--;
    }
    const at = this.#taken++;
    const { aHigh, aLow, bHigh, bLow } = this.#values;
    const { right } = this.#permutation;
    aHigh[at] = bHigh[at] = 0;
    aLow[at] = right === 32 ? high : (high << (32 - right)) | (low >>> right);
    bLow[at] = right === 32 ? low : low & ((1 << right) - 1);
    return true;
  }

  permute(backwards: boolean): void {
    this.#permutation.halves(this.#values, this.#taken, backwards);
  }

  /** Writes the next of them into the cell at hand, which has room for 20 bytes. */
  write(out: ByteColumn): void {
    const at = this.#next++;
    const { aLow, bLow } = this.#values;
    const { right } = this.#permutation;
    const a = aLow[at]!;
    let low = (right === 32 ? bLow[at]! : ((a << right) | bLow[at]!) >>> 0) + this.#lowLow;
    let high = (right === 32 ? a : a >>> (32 - right)) + this.#lowHigh;
    if (low >= word) {
      low -= word;
      high++;
    }
    // Divided by 10^9, in two steps of 16 bits.
    const upper = high * 65_536 + (low >>> 16);
    const first = Math.floor(upper / billion);
    const rest = (upper - first * billion) * 65_536 + (low & 0xffff);
    const second = Math.floor(rest / billion);
    const head = first * 65_536 + second;
    const tail = rest - second * billion;
    if (head === 0) out.at = writeWhole(out.bytes, out.at, tail);
    else out.at = writeDigits(out.bytes, writeWhole(out.bytes, out.at, head), tail, 9);
  }
}
