import type { Cipheriv } from 'node:crypto';
import type { DomainKey } from './keys.ts';
import { blockCipher } from './prf.ts';

/** Blocks of one call of the cipher. */
const blocksAtOnce = 4096;

/**
 * A permutation of addresses of 32 or 128 bits under which two that share their first n bits do so afterwards, too (Xu,
 * Fan, Ammar and Moon, 2002). For every bit: the bits before it, filled up from a pad; the first bit of their cipher says
 * whether it flips.
 */
export class PrefixKeeping {
  readonly #bits: number;
  readonly #cipher: Cipheriv;
  readonly #pad: DataView;
  readonly #blocks = Buffer.alloc(blocksAtOnce * 16);

  constructor(key: DomainKey, bits: 32 | 128) {
    this.#bits = bits;
    this.#cipher = blockCipher(key.subkey(`ip prefix ${bits}`));
    const pad = Buffer.from(key.subkey(`ip pad ${bits}`).subarray(0, 16));
    this.#pad = new DataView(pad.buffer, pad.byteOffset, 16);
  }

  /** In place, on `count` addresses, each as words of 32 bits from its first to its last. */
  run(words: Uint32Array, count: number): void {
    const step = blocksAtOnce / this.#bits;
    for (let first = 0; first < count; first += step) this.#some(words, first, Math.min(first + step, count));
  }

  #some(words: Uint32Array, first: number, end: number): void {
    const bits = this.#bits;
    const each = bits >> 5;
    const pad = this.#pad;
    const [p0, p1, p2, p3] = [pad.getUint32(0), pad.getUint32(4), pad.getUint32(8), pad.getUint32(12)];
    const input = this.#blocks.subarray(0, (end - first) * bits * 16);
    const blocks = new DataView(input.buffer, input.byteOffset, input.length);
    for (let i = first, to = 0; i < end; i++) {
      for (let bit = 0; bit < bits; bit++, to += 16) {
        const word = bit >> 5;
        blocks.setUint32(to, p0);
        blocks.setUint32(to + 4, p1);
        blocks.setUint32(to + 8, p2);
        blocks.setUint32(to + 12, p3);
        for (let k = 0; k < word; k++) blocks.setUint32(to + k * 4, words[i * each + k]!);
        const left = bit & 31;
        if (left === 0) continue;
        const own = -1 << (32 - left);
        const filled = word === 0 ? p0 : word === 1 ? p1 : word === 2 ? p2 : p3;
        blocks.setInt32(to + word * 4, (words[i * each + word]! & own) | (filled & ~own));
      }
    }
    const sealed = this.#cipher.update(input);
    for (let at = 0, k = first * each; k < end * each; k++) {
      let flips = 0;
      for (let bit = 0; bit < 32; bit++, at += 16) flips = (flips << 1) | (sealed[at]! >> 7);
      words[k]! ^= flips;
    }
  }
}
