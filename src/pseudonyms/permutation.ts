import { createCipheriv } from 'node:crypto';
import { atLeast, BinaryFf1, type Halves, halves } from './binary-ff1.ts';
import { Ff1, minimumDomain } from './ff1.ts';
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
  /** The greatest value, in the words of its halves. */
  readonly #bound: Uint32Array;
  #forward: Uint32Array | undefined;
  #inverse: Uint32Array | undefined;
  #batch: BinaryFf1 | undefined;
  #wide: Ff1 | undefined;
  #halves: Halves = halves(0);
  /** Values that are walked on, and where they belong. */
  #walked: Halves = halves(0);
  #at = new Int32Array(0);

  /** @param purpose which of the domain's permutations; the size is bound in too */
  constructor(key: DomainKey, purpose: string, size: bigint) {
    if (size < 1n) throw new RangeError('a permutation needs a value');
    this.size = size;
    this.bits = (size - 1n).toString(2).length;
    this.right = this.bits - (this.bits >> 1);
    this.#key = key.subkey(`permutation\0${purpose}\0${size}`);
    const [a, b] = [(size - 1n) >> BigInt(this.right), BigInt.asUintN(this.right, size - 1n)];
    // What is wider has no use for it.
    this.#bound = Uint32Array.from([a >> 32n, a & low, b >> 32n, b & low], (part) => Number(part & low));
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
    this.#halves = atLeast(this.#halves, count);
    const { aLow, bLow } = this.#halves;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      const a = Math.floor(value / split);
      aLow[i] = a;
      bLow[i] = value - a * split;
    }
    this.halves(this.#halves, count, backwards);
    for (let i = 0; i < count; i++) values[i] = aLow[i]! * split + bLow[i]!;
  }

  /**
   * In place, on the first `count` values, each cut into its `right` lowest bits and those above; for sizes up to 2^128.
   * High words that have no bits must be 0, and stay so.
   */
  halves(values: Halves, count: number, backwards = false): void {
    if (count === 0) return;
    if (this.#batch === undefined) {
      const { aLow, bLow } = values;
      const table = this.#table(backwards);
      const mask = 2 ** this.right - 1;
      for (let i = 0; i < count; i++) {
        const value = table[(aLow[i]! << this.right) | bLow[i]!]!;
        aLow[i] = value >>> this.right;
        bLow[i] = value & mask;
      }
      return;
    }
    this.#batch.permute(values, count, backwards);
    const walked = atLeast(this.#walked, count);
    this.#walked = walked;
    if (this.#at.length < count) this.#at = new Int32Array(walked.aLow.length);
    const at = this.#at;
    const bound = this.#bound;
    let left = 0;
    for (let i = 0; i < count; i++) {
      if (!isAbove(values, i, bound)) continue;
      at[left] = i;
      copyHalves(values, i, walked, left++);
    }
    while (left > 0) {
      this.#batch.permute(walked, left, backwards);
      let next = 0;
      for (let slot = 0; slot < left; slot++) {
        if (isAbove(walked, slot, bound)) {
          at[next] = at[slot]!;
          copyHalves(walked, slot, walked, next++);
        } else copyHalves(walked, slot, values, at[slot]!);
      }
      left = next;
    }
  }

  /** In place, on the first `count` values; for any size. */
  bigints(values: bigint[], count: number, backwards = false): void {
    if (this.#wide !== undefined) {
      for (let i = 0; i < count; i++) values[i] = this.#walk(this.#wide, values[i]!, backwards);
      return;
    }
    this.#halves = atLeast(this.#halves, count);
    const h = this.#halves;
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

/** Whether a value is above the bound. */
function isAbove(values: Halves, i: number, bound: Uint32Array): boolean {
  const high = values.aHigh[i]!;
  if (high !== bound[0]!) return high > bound[0]!;
  const low = values.aLow[i]!;
  if (low !== bound[1]!) return low > bound[1]!;
  const rightHigh = values.bHigh[i]!;
  if (rightHigh !== bound[2]!) return rightHigh > bound[2]!;
  return values.bLow[i]! > bound[3]!;
}

function copyHalves(source: Halves, i: number, target: Halves, to: number): void {
  target.aHigh[to] = source.aHigh[i]!;
  target.aLow[to] = source.aLow[i]!;
  target.bHigh[to] = source.bHigh[i]!;
  target.bLow[to] = source.bLow[i]!;
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
