import type { Cipheriv } from 'node:crypto';
import { free } from '../base/memory.ts';
import { smallDomain } from './ff1.ts';
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
  readonly #head: DataView;
  #blocks: Buffer<ArrayBufferLike> = Buffer.alloc(0);

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
    this.#head = view(this.#cipher.update(head));
  }

  /** Permutes `count` values in place; `backwards` undoes it. Up to 64 bits the high words must be 0, and stay so. */
  permute(values: Halves, count: number, backwards = false): void {
    this.#reserve(count);
    if (this.right <= 32) this.#narrow(values, count, backwards);
    else this.#wide(values, count, backwards);
  }

  /** The block of a round for a half that is 0; halves are added to its end. */
  #word(round: number, k: number): number {
    const at = 15 - Math.ceil(this.right / 8);
    return this.#head.getInt32(k * 4) ^ (at >> 2 === k ? round << (8 * (3 - (at & 3))) : 0);
  }

  /** Halves of one word. */
  #narrow(values: Halves, count: number, backwards: boolean): void {
    let { aLow: a, bLow: b } = values;
    const input = this.#blocks.subarray(0, count * 16);
    const blocks = view(input);
    for (let step = 0; step < 10; step++) {
      const round = backwards ? 9 - step : step;
      const mask = 0xffff_ffff >>> (32 - (round & 1 ? this.right : this.left));
      const w2 = this.#word(round, 2);
      const w3 = this.#word(round, 3);
      const kept = backwards ? a : b;
      const moved = backwards ? b : a;
      for (let i = 0, at = 8; i < count; i++, at += 16) {
        blocks.setInt32(at, w2);
        blocks.setInt32(at + 4, w3 ^ kept[i]!);
      }
      const output = this.#cipher.update(input);
      const sealed = view(output);
      if (backwards)
        for (let i = 0, at = 4; i < count; i++, at += 16) moved[i] = (moved[i]! - sealed.getInt32(at)) & mask;
      else for (let i = 0, at = 4; i < count; i++, at += 16) moved[i] = (moved[i]! + sealed.getInt32(at)) & mask;
      [a, b] = [b, a];
      free(output);
    }
    // Ten swaps: the halves lie where they began.
  }

  /** Halves of two words, of which the low one is full. */
  #wide(values: Halves, count: number, backwards: boolean): void {
    let { aHigh, aLow, bHigh, bLow } = values;
    const input = this.#blocks.subarray(0, count * 16);
    const blocks = view(input);
    for (let step = 0; step < 10; step++) {
      const round = backwards ? 9 - step : step;
      const m = round & 1 ? this.right : this.left;
      const mask = m <= 32 ? 0 : 0xffff_ffff >>> (64 - m);
      const [w1, w2, w3] = [this.#word(round, 1), this.#word(round, 2), this.#word(round, 3)];
      const [keptHigh, keptLow] = backwards ? [aHigh, aLow] : [bHigh, bLow];
      const [movedHigh, movedLow] = backwards ? [bHigh, bLow] : [aHigh, aLow];
      for (let i = 0, at = 4; i < count; i++, at += 16) {
        blocks.setInt32(at, w1);
        blocks.setInt32(at + 4, w2 ^ keptHigh[i]!);
        blocks.setInt32(at + 8, w3 ^ keptLow[i]!);
      }
      const output = this.#cipher.update(input);
      const sealed = view(output);
      // A carry is as good as random: worked out from the highest bits, it costs less than a branch.
      for (let i = 0, at = 4; i < count; i++, at += 16) {
        const yHigh = sealed.getInt32(at);
        const y = sealed.getInt32(at + 4);
        const low = movedLow[i]! | 0;
        if (backwards) {
          const rest = (low - y) | 0;
          movedHigh[i] = (movedHigh[i]! - yHigh - (((~low & y) | ((~low | y) & rest)) >>> 31)) & mask;
          movedLow[i] = rest;
        } else {
          const sum = (low + y) | 0;
          movedHigh[i] = (movedHigh[i]! + yHigh + (((low & y) | ((low | y) & ~sum)) >>> 31)) & mask;
          movedLow[i] = sum;
        }
      }
      [aHigh, aLow, bHigh, bLow] = [bHigh, bLow, aHigh, aLow];
      free(output);
    }
  }

  /** Blocks of which the beginning, the same in every round, stands. */
  #reserve(count: number): void {
    if (this.#blocks.length >= count * 16) return;
    this.#blocks = Buffer.alloc(count * 16);
    const blocks = view(this.#blocks);
    for (let at = 0; at < this.#blocks.length; at += 16) {
      blocks.setInt32(at, this.#head.getInt32(0));
      blocks.setInt32(at + 4, this.#head.getInt32(4));
    }
  }
}

function view(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
