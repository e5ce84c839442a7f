import { type Cipheriv, createCipheriv } from 'node:crypto';

/**
 * AES-256-CMAC (NIST SP 800-38B) of many short texts at once: a pseudo-random function of 128 bits with a key of 256.
 * One call of the cipher does one block of every text of the batch, so the price of a call is shared by all of them.
 * One createHmac for each cell costs some 50 times as much.
 */

/** Stands between the texts of a batch. PostgreSQL's text cannot hold it, JSON and file names neither. */
export const separator = '\0';

/** AES-256 in ECB over whole batches of independent blocks; the only use of ECB here is as the bare permutation. */
export function blockCipher(key: Uint8Array): Cipheriv {
  return createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
}

export class Prf {
  readonly #cipher: Cipheriv;
  readonly #k1: Buffer;
  readonly #k2: Buffer;
  #text: Buffer<ArrayBufferLike> = Buffer.alloc(1 << 16);
  #blocks: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  #words = new Uint32Array(0);
  #bytes = new Uint8Array(0);
  #starts = new Int32Array(0);
  #active = new Int32Array(0);

  /** @param key 32 bytes (16 or 24 are taken too, for the published vectors) */
  constructor(key: Uint8Array) {
    this.#cipher = blockCipher(key);
    this.#k1 = doubled(this.#cipher.update(Buffer.alloc(16)));
    this.#k2 = doubled(this.#k1);
  }

  /**
   * The function of each of `count` texts, which `joined` holds with a NUL between each two.
   *
   * @returns four words (128 bits) for each text, in order. They are overwritten by the next call.
   */
  joined(joined: string, count: number): Uint32Array {
    if (this.#text.length < joined.length * 3) this.#text = Buffer.alloc(joined.length * 4);
    return this.#run(this.#text, this.#text.write(joined, 0, 'utf8'), count);
  }

  /** The same for texts that are not joined yet; null counts as ''. */
  each(texts: readonly (string | null)[]): Uint32Array {
    return this.joined(texts.join(separator), texts.length);
  }

  /** The 16 bytes for one input, which may hold any byte. For vectors and for what happens once. */
  one(input: Uint8Array): Buffer {
    this.#reserve(1);
    this.#starts[0] = 0;
    this.#starts[1] = input.length + 1;
    this.#levels(Buffer.from(input), 1);
    return Buffer.from(this.#bytes.subarray(0, 16));
  }

  #run(text: Buffer, length: number, count: number): Uint32Array {
    this.#reserve(count);
    const starts = this.#starts;
    let found = 1;
    starts[0] = 0;
    for (let at = 0; at < length; at++) if (text[at] === 0) starts[found++] = at + 1;
    starts[found] = length + 1;
    if (found !== count && count > 0) throw new RangeError('a text of the batch holds a NUL');
    this.#levels(text, count);
    return this.#words;
  }

  #reserve(count: number): void {
    if (this.#starts.length > count) return;
    const room = Math.max(count, 256);
    this.#words = new Uint32Array(room * 4);
    this.#bytes = new Uint8Array(this.#words.buffer);
    this.#blocks = Buffer.alloc(room * 16);
    this.#starts = new Int32Array(room + 1);
    this.#active = new Int32Array(room);
  }

  /** CBC-MAC, block by block: first the first block of every text, then the second of those that have one, … */
  #levels(text: Buffer, count: number): void {
    const blocks = this.#blocks;
    const active = this.#active;
    const starts = this.#starts;
    blocks.fill(0, 0, count * 16);
    for (let i = 0; i < count; i++) active[i] = i;
    for (let left = count, level = 0; left > 0; level += 16) {
      for (let slot = 0; slot < left; slot++) {
        const from = starts[active[slot]!]! + level;
        const size = starts[active[slot]! + 1]! - 1 - from;
        const to = slot * 16;
        const whole = size < 16 ? size : 16;
        for (let k = 0; k < whole; k++) blocks[to + k]! ^= text[from + k]!;
        if (size > 16) continue;
        if (size < 16) blocks[to + size]! ^= 0x80;
        const subkey = size === 16 ? this.#k1 : this.#k2;
        for (let k = 0; k < 16; k++) blocks[to + k]! ^= subkey[k]!;
      }
      const sealed = this.#cipher.update(blocks.subarray(0, left * 16));
      let kept = 0;
      for (let slot = 0; slot < left; slot++) {
        const cell = active[slot]!;
        const more = starts[cell + 1]! - 1 - starts[cell]! > level + 16;
        const [target, to] = more ? [blocks, kept * 16] : [this.#bytes, cell * 16];
        for (let k = 0; k < 16; k++) target[to + k] = sealed[slot * 16 + k]!;
        if (more) active[kept++] = cell;
      }
      left = kept;
    }
  }
}

/** Multiplication by x in GF(2^128), as CMAC makes its subkeys. */
function doubled(block: Uint8Array): Buffer {
  const out = Buffer.alloc(16);
  for (let k = 0; k < 16; k++) out[k] = ((block[k]! << 1) | ((block[k + 1] ?? 0) >> 7)) & 0xff;
  if (block[0]! & 0x80) out[15]! ^= 0x87;
  return out;
}

/** An index below `size` from one word: the bias is below size / 2^32. */
export function pick(word: number, size: number): number {
  return Math.floor((word / 0x1_0000_0000) * size);
}
