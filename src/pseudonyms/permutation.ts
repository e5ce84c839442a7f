import { createCipheriv } from 'node:crypto';
import { BinaryFf1, type Halves, halves, permuteHalves } from './binary-ff1.ts';
import { Ff1, minimumDomain } from './ff1.ts';
import { type Kernels, kernels } from './kernels/kernels.ts';
import type { DomainKey } from './keys.ts';

const low = 0xffff_ffffn;

/**
 * A keyed permutation of the numbers 0 … size-1.
 *
 * From a million values on it is FF1 on the bits that hold them, walked on until the result lies in the range again
 * (twice at most, on average). Below, where FF1 gives no security, it is a shuffle of all of them by the key: among so
 * few values that is the strongest there is, and it can still be tried through by whoever knows some pairs.
 */
export class Permutation {
  readonly size: bigint;
  readonly bits: number;
  /** Bits of the right half, where values are given in halves. */
  readonly right: number;
  readonly #key: Buffer;
  /** The greatest value, in the words of its halves: the lowest of the left one first. */
  readonly #bound: Int32Array;
  #forward: Uint32Array | undefined;
  #inverse: Uint32Array | undefined;
  #batch: BinaryFf1 | undefined;
  #wide: Ff1 | undefined;

  /** @param purpose which of the domain's permutations; the size is bound in too */
  constructor(key: DomainKey, purpose: string, size: bigint) {
    if (size < 1n) throw new RangeError('a permutation needs a value');
    this.size = size;
    this.bits = (size - 1n).toString(2).length;
    this.right = this.bits - (this.bits >> 1);
    this.#key = key.subkey(`permutation\0${purpose}\0${size}`);
    const [a, b] = [(size - 1n) >> BigInt(this.right), BigInt.asUintN(this.right, size - 1n)];
    // What is wider has no use for it.
    this.#bound = Int32Array.from([a, a >> 32n, b, b >> 32n], (part) => Number(BigInt.asIntN(32, part)));
    if (size < minimumDomain) return;
    if (this.bits <= 128) this.#batch = new BinaryFf1(this.#key, this.bits);
    else this.#wide = new Ff1(this.#key, 2);
  }

  /** Whether it is small enough to be tried through: fewer than a million values. */
  get small(): boolean {
    return this.size < minimumDomain;
  }

  /** In place, on the first `count` values; for sizes up to 2^53. */
  numbers(values: Float64Array, count: number, backwards = false): void {
    if (this.#batch === undefined) {
      const table = this.#table(backwards);
      for (let i = 0; i < count; i++) values[i] = table[values[i]!]!;
      return;
    }
    const split = 2 ** this.right;
    const kernel = kernels();
    kernel.within(() => {
      const address = kernel.take(count * 16);
      let { words } = kernel;
      for (let i = 0, at = address >>> 2; i < count; i++, at += 4) {
        const value = values[i]!;
        const a = Math.floor(value / split);
        words[at] = a;
        words[at + 2] = value - a * split;
        words[at + 1] = words[at + 3] = 0;
      }
      this.permuteIn(kernel, address, count, backwards);
      words = kernel.words;
      // Halves of up to 27 bits.
      for (let i = 0, at = address >>> 2; i < count; i++, at += 4) values[i] = words[at]! * split + words[at + 2]!;
    });
  }

  /**
   * In place, on the first `count` values, each cut into its `right` lowest bits and those above; for sizes up to 2^128.
   * High words that have no bits must be 0, and stay so.
   */
  halves(values: Halves, count: number, backwards = false): void {
    if (count > 0) permuteHalves((...batch) => this.permuteIn(...batch), values, count, backwards);
  }

  /** The same on values in the memory of the kernels: 16 bytes each, two halves of 64 bits. */
  permuteIn(kernel: Kernels, values: number, count: number, backwards: boolean): void {
    if (count === 0) return;
    if (this.#batch === undefined) {
      const table = this.#table(backwards);
      const mask = 2 ** this.right - 1;
      const { words } = kernel;
      for (let i = 0, at = values >>> 2; i < count; i++, at += 4) {
        const value = table[(words[at]! << this.right) | words[at + 2]!]!;
        words[at] = value >>> this.right;
        words[at + 2] = value & mask;
      }
      return;
    }
    const batch = this.#batch;
    batch.permuteIn(kernel, values, count, backwards);
    kernel.within(() => {
      const { numbersAbove, numbersLeft } = kernel.run;
      const [above, where, bound] = [kernel.take(count * 16), kernel.take(count * 4), kernel.put(this.#bound)];
      let left = numbersAbove(values, count, bound, above, where);
      while (left > 0) {
        batch.permuteIn(kernel, above, left, backwards);
        left = numbersLeft(above, left, bound, where, values);
      }
    });
  }

  /** In place, on the first `count` values; for any size. */
  bigints(values: bigint[], count: number, backwards = false): void {
    if (this.#wide !== undefined) {
      for (let i = 0; i < count; i++) values[i] = this.#walk(this.#wide, values[i]!, backwards);
      return;
    }
    const h = halves(count);
    const shift = BigInt(this.right);
    for (let i = 0; i < count; i++) {
      const [a, b] = [values[i]! >> shift, BigInt.asUintN(this.right, values[i]!)];
      h.aHigh[i] = Number(a >> 32n);
      h.aLow[i] = Number(a & low);
      h.bHigh[i] = Number(b >> 32n);
      h.bLow[i] = Number(b & low);
    }
    this.halves(h, count, backwards);
    for (let i = 0; i < count; i++) {
      const a = (BigInt(h.aHigh[i]!) << 32n) | BigInt(h.aLow[i]!);
      values[i] = (a << shift) | (BigInt(h.bHigh[i]!) << 32n) | BigInt(h.bLow[i]!);
    }
  }

  #walk(ff1: Ff1, start: bigint, backwards: boolean): bigint {
    let value = start;
    do value = backwards ? ff1.decrypt(value, this.bits) : ff1.encrypt(value, this.bits);
    while (value >= this.size);
    return value;
  }

  #table(backwards: boolean): Uint32Array {
    this.#forward ??= shuffled(this.#key, Number(this.size));
    if (!backwards) return this.#forward;
    if (this.#inverse === undefined) {
      this.#inverse = new Uint32Array(this.#forward.length);
      for (let i = 0; i < this.#forward.length; i++) this.#inverse[this.#forward[i]!] = i;
    }
    return this.#inverse;
  }
}

/** Fisher and Yates' shuffle of 0 … size-1 by the key stream of AES-256-CTR, without bias. */
function shuffled(key: Buffer, size: number): Uint32Array {
  const table = Uint32Array.from({ length: size }, (_, i) => i);
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(1 << 14);
  let stream = cipher.update(zeros);
  let at = 0;
  for (let i = size - 1; i > 0; i--) {
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % (i + 1));
    let word: number;
    do {
      if (at === stream.length) {
        stream = cipher.update(zeros);
        at = 0;
      }
      word = stream.readUInt32BE(at);
      at += 4;
    } while (word >= limit);
    const j = word % (i + 1);
    [table[i], table[j]] = [table[j]!, table[i]!];
  }
  return table;
}
