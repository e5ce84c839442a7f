import type { Cipheriv } from 'node:crypto';
import { free } from '../base/memory.ts';
import { smallDomain } from './ff1.ts';
import { type Kernels, kernels } from './kernels/kernels.ts';
import { blockCipher } from './prf.ts';

/** The two halves of every value of a batch, each of up to 64 bits as two words. */
export interface Halves {
  readonly aHigh: Uint32Array;
  readonly aLow: Uint32Array;
  readonly bHigh: Uint32Array;
  readonly bLow: Uint32Array;
}

export function halves(count: number): Halves {
  const word = () => new Uint32Array(count);
  return { aHigh: word(), aLow: word(), bHigh: word(), bLow: word() };
}

/** The same ones where they have room for `count` values; else others. */
export function atLeast(held: Halves, count: number): Halves {
  return held.aLow.length >= count ? held : halves(count);
}

/** What permutes values in the memory of the kernels, in place: 16 bytes each, two halves of 64 bits. */
export type KernelPermutation = (kernel: Kernels, values: number, count: number, backwards: boolean) => void;

/** The same on values here: in place, on the first `count` of them. */
export function permuteHalves(
  permutation: KernelPermutation,
  { aHigh, aLow, bHigh, bLow }: Halves,
  count: number,
  backwards: boolean,
): void {
  const kernel = kernels();
  kernel.within(() => {
    const values = kernel.take(count * 16);
    let { words } = kernel;
    for (let i = 0, at = values >>> 2; i < count; i++, at += 4) {
      words[at] = aLow[i]!;
      words[at + 1] = aHigh[i]!;
      words[at + 2] = bLow[i]!;
      words[at + 3] = bHigh[i]!;
    }
    permutation(kernel, values, count, backwards);
    words = kernel.words;
    for (let i = 0, at = values >>> 2; i < count; i++, at += 4) {
      aLow[i] = words[at]!;
      aHigh[i] = words[at + 1]!;
      bLow[i] = words[at + 2]!;
      bHigh[i] = words[at + 3]!;
    }
  });
}

/**
 * FF1 of radix 2 and an empty tweak, on 20 to 128 bits, for a whole batch: in each of the ten rounds one call of the
 * cipher does one block for every value. The first block of the standard's CBC-MAC is the same for all; it is done once.
 */
export class BinaryFf1 {
  readonly bits: number;
  /** Bits of the left and of the right half. */
  readonly left: number;
  readonly right: number;
  readonly #cipher: Cipheriv;
  /** The block of a round 0 for a half that is 0. */
  readonly #head: Buffer;

  /** @throws HoldfastError `config` below 20 bits */
  constructor(key: Uint8Array, bits: number) {
    if (bits < 20) throw smallDomain();
    if (bits > 128) throw new RangeError('the batched FF1 takes up to 128 bits');
    this.bits = bits;
    this.left = bits >> 1;
    this.right = bits - this.left;
    this.#cipher = blockCipher(key);
    const head = Buffer.alloc(16);
    head.set([1, 2, 1, 0, 0, 2, 10, this.left]);
    head.writeUInt32BE(bits, 8);
    this.#head = this.#cipher.update(head);
  }

  /** Permutes `count` values in place; `backwards` undoes it. Up to 64 bits the high words must be 0, and stay so. */
  permute(values: Halves, count: number, backwards = false): void {
    permuteHalves((...batch) => this.permuteIn(...batch), values, count, backwards);
  }

  /** The same on values in the memory of the kernels. */
  permuteIn(kernel: Kernels, values: number, count: number, backwards: boolean): void {
    kernel.within(() => {
      const { bits, right } = this;
      const { firstRound, nextRound } = kernel.run;
      const [blocks, head] = [kernel.take(count * 16), kernel.take(16)];
      const { bytes } = kernel;
      bytes.set(this.#head, head);
      const batch = bytes.subarray(blocks, blocks + count * 16);
      firstRound(values, count, head, right, backwards ? 9 : 0, blocks);
      for (let step = 0; step < 10; step++) {
        const made = this.#cipher.update(batch);
        batch.set(made);
        free(made);
        nextRound(values, count, head, bits, backwards ? 9 - step : step, backwards ? 1 : 0, blocks);
      }
    });
  }
}
