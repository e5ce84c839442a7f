import type { Cipheriv } from 'node:crypto';
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

  /** Permutes `count` values in place; `backwards` undoes it. */
  permute(values: Halves, count: number, backwards = false): void {
    let { aHigh, aLow, bHigh, bLow } = values;
    if (this.#blocks.length < count * 16) this.#blocks = Buffer.alloc(count * 16);
    const input = this.#blocks.subarray(0, count * 16);
    const blocks = view(input);
    const b = Math.ceil(this.right / 8);
    const d = 4 * Math.ceil(b / 4) + 4;
    for (let step = 0; step < 10; step++) {
      const round = backwards ? 9 - step : step;
      const m = round & 1 ? this.right : this.left;
      const lowMask = m >= 32 ? 0xffff_ffff : 2 ** m - 1;
      const highMask = m <= 32 ? 0 : 2 ** (m - 32) - 1;
      const at = 15 - b;
      const word = (k: number) => this.#head.getUint32(k * 4) ^ (at >> 2 === k ? round << (8 * (3 - (at & 3))) : 0);
      const [w0, w1, w2, w3] = [word(0), word(1), word(2), word(3)];
      const [keptHigh, keptLow] = backwards ? [aHigh, aLow] : [bHigh, bLow];
      const [movedHigh, movedLow] = backwards ? [bHigh, bLow] : [aHigh, aLow];
      for (let i = 0, to = 0; i < count; i++, to += 16) {
        blocks.setInt32(to, w0);
        blocks.setInt32(to + 4, w1);
        blocks.setInt32(to + 8, w2 ^ keptHigh[i]!);
        blocks.setInt32(to + 12, w3 ^ keptLow[i]!);
      }
      const sealed = view(this.#cipher.update(input));
      for (let i = 0, from = 0; i < count; i++, from += 16) {
        const yLow = sealed.getUint32(from + d - 4);
        const yHigh = sealed.getUint32(from + d - 8);
        if (backwards) {
          const low = movedLow[i]! - yLow;
          movedHigh[i] = (movedHigh[i]! - yHigh - (low < 0 ? 1 : 0)) & highMask;
          movedLow[i] = low & lowMask;
        } else {
          const low = movedLow[i]! + yLow;
          movedHigh[i] = (movedHigh[i]! + yHigh + (low > 0xffff_ffff ? 1 : 0)) & highMask;
          movedLow[i] = low & lowMask;
        }
      }
      [aHigh, aLow, bHigh, bLow] = [bHigh, bLow, aHigh, aLow];
    }
    // Ten swaps: the halves lie where they began.
  }
}

function view(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
