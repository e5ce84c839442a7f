import { createCipheriv } from 'node:crypto';
import { BinaryFf1, type Halves, halves } from './binary-ff1.ts';
import { Ff1, minimumDomain } from './ff1.ts';
import type { DomainKey } from './keys.ts';

/**
 * A keyed permutation of the numbers 0 … size-1.
 *
 * From a million values on it is FF1 on the bits that hold them, walked on until the result lies in the range again
 * (twice at most, on average). Below, where FF1 gives no security, it is a shuffle of all of them by the key: among so
 * few values that is the strongest there is, and it can still be tried through by whoever knows some pairs.
 */
export class Permutation {
  readonly size: bigint;
  readonly #key: Buffer;
  readonly #bits: number;
  #forward: Uint32Array | undefined;
  #inverse: Uint32Array | undefined;
  #batch: BinaryFf1 | undefined;
  #wide: Ff1 | undefined;
  #halves: Halves = halves(0);
  #at = new Int32Array(0);

  /** @param purpose which of the domain's permutations; the size is bound in too */
  constructor(key: DomainKey, purpose: string, size: bigint) {
    if (size < 1n) throw new RangeError('a permutation needs a value');
    this.size = size;
    this.#bits = (size - 1n).toString(2).length;
    this.#key = key.subkey(`permutation\0${purpose}\0${size}`);
    if (size < minimumDomain) return;
    if (this.#bits <= 128) this.#batch = new BinaryFf1(this.#key, this.#bits);
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
    const size = Number(this.size);
    const split = 2 ** this.#batch.right;
    const h = this.#reserve(count);
    const at = this.#at;
    for (let i = 0; i < count; i++) at[i] = i;
    for (let left = count; left > 0; ) {
      for (let slot = 0; slot < left; slot++) {
        const value = values[at[slot]!]!;
        const a = Math.floor(value / split);
        h.aLow[slot] = a;
        h.aHigh[slot] = 0;
        h.bLow[slot] = value - a * split;
        h.bHigh[slot] = 0;
      }
      this.#batch.permute(h, left, backwards);
      let next = 0;
      for (let slot = 0; slot < left; slot++) {
        const value = h.aLow[slot]! * split + h.bLow[slot]!;
        values[at[slot]!] = value;
        if (value >= size) at[next++] = at[slot]!;
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
    if (this.#batch === undefined) {
      const table = this.#table(backwards);
      for (let i = 0; i < count; i++) values[i] = BigInt(table[Number(values[i])]!);
      return;
    }
    const shift = BigInt(this.#batch.right);
    const mask = (1n << shift) - 1n;
    const h = this.#reserve(count);
    const at = this.#at;
    for (let i = 0; i < count; i++) at[i] = i;
    for (let left = count; left > 0; ) {
      for (let slot = 0; slot < left; slot++) {
        const value = values[at[slot]!]!;
        const [a, b] = [value >> shift, value & mask];
        h.aHigh[slot] = Number(a >> 32n);
        h.aLow[slot] = Number(a & 0xffff_ffffn);
        h.bHigh[slot] = Number(b >> 32n);
        h.bLow[slot] = Number(b & 0xffff_ffffn);
      }
      this.#batch.permute(h, left, backwards);
      let next = 0;
      for (let slot = 0; slot < left; slot++) {
        const a = (BigInt(h.aHigh[slot]!) << 32n) | BigInt(h.aLow[slot]!);
        const value = (a << shift) | (BigInt(h.bHigh[slot]!) << 32n) | BigInt(h.bLow[slot]!);
        values[at[slot]!] = value;
        if (value >= this.size) at[next++] = at[slot]!;
      }
      left = next;
    }
  }

  #walk(ff1: Ff1, start: bigint, backwards: boolean): bigint {
    let value = start;
    do value = backwards ? ff1.decrypt(value, this.#bits) : ff1.encrypt(value, this.#bits);
    while (value >= this.size);
    return value;
  }

  #reserve(count: number): Halves {
    if (this.#at.length < count) {
      this.#halves = halves(count);
      this.#at = new Int32Array(count);
    }
    return this.#halves;
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
