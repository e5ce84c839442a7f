import { type Cipheriv, createCipheriv } from 'node:crypto';
import { free } from '../base/memory.ts';

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
  /** Both, one behind the other. */
  readonly subkeys = new Int32Array(8);
  readonly #k1: Int32Array;
  readonly #k2: Int32Array;
  /** The texts, each from a multiple of 16 on, filled up as the standard says. `view` is of the same bytes. */
  text: Buffer<ArrayBufferLike> = Buffer.alloc(1 << 14);
  view: DataView<ArrayBufferLike> = new DataView(this.text.buffer);
  #textWords = wordsOf(this.text);
  #blocks: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  #blockWords: Int32Array = new Int32Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #signed: Int32Array = new Int32Array(0);
  #wordBytes: Uint8Array = new Uint8Array(0);
  /** Of every text: where it begins, in blocks; and where the last one ends. */
  #starts = new Int32Array(0);
  #active = new Int32Array(0);
  #count = 0;
  #at = 0;

  /** @param key 32 bytes (16 or 24 are taken too, for the published vectors) */
  constructor(key: Uint8Array) {
    this.#cipher = blockCipher(key);
    const k1 = doubled(this.#cipher.update(Buffer.alloc(16)));
    this.#k1 = wordsOf(k1);
    this.#k2 = wordsOf(doubled(k1));
    this.subkeys.set(this.#k1);
    this.subkeys.set(this.#k2, 4);
  }

  /** Starts a batch of `count` texts. */
  begin(count: number): void {
    this.#reserve(count);
    this.#count = 0;
    this.#at = 0;
  }

  /** Where the next text is to be written in `text`, which has room for so many bytes from there on. */
  place(length: number): number {
    if (this.#at + length + 32 > this.text.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(this.#at + length + 32, this.text.length * 2));
      this.text.copy(wider, 0, 0, this.#at);
      this.#hold(wider);
    }
    return this.#at;
  }

  /** Ends a text of so many bytes, which was written where `place` said. */
  end(length: number): void {
    const text = this.text;
    const from = this.#at;
    this.#starts[this.#count++] = from >> 4;
    const to = from + (length === 0 ? 16 : (length + 15) & ~15);
    let at = from + length;
    let subkey = this.#k1;
    if (at < to) {
      subkey = this.#k2;
      text[at++] = 0x80;
      while (at < to) text[at++] = 0;
    }
    const last = (to >> 2) - 4;
    const words = this.#textWords;
    words[last]! ^= subkey[0]!;
    words[last + 1]! ^= subkey[1]!;
    words[last + 2]! ^= subkey[2]!;
    words[last + 3]! ^= subkey[3]!;
    this.#at = to;
    this.#starts[this.#count] = to >> 4;
  }

  /**
   * The function of each of the texts of the batch.
   *
   * @returns four words (128 bits) for each text, in order. They are overwritten by the next call.
   */
  run(): Uint32Array {
    this.#levels(this.#count);
    // A long text must not keep its room for good.
    if (this.text.length > 4 << 20) {
      this.#hold(Buffer.alloc(1 << 14));
    }
    return this.#words;
  }

  /** The bare cipher on whole blocks. */
  seal(blocks: Buffer): Buffer {
    return this.#cipher.update(blocks);
  }

  /** What came of `count` texts elsewhere, as `run` gives it. */
  received(made: Uint8Array, count: number): Uint32Array {
    this.#reserve(count);
    this.#wordBytes.set(made);
    return this.#words;
  }

  #hold(text: Buffer): void {
    this.text = text;
    this.view = new DataView(text.buffer, text.byteOffset, text.length);
    this.#textWords = wordsOf(text);
  }

  /** The same for texts that `joined` holds with a NUL between each two. */
  joined(joined: string, count: number): Uint32Array {
    this.begin(count);
    if (count === 0) return this.#words;
    let found = 0;
    for (let from = 0; from <= joined.length; found++) {
      let to = joined.indexOf(separator, from);
      if (to < 0) to = joined.length;
      if (found < count) this.#string(joined.slice(from, to));
      from = to + 1;
    }
    if (found !== count) throw new RangeError('a text of the batch holds a NUL');
    return this.run();
  }

  #string(text: string): void {
    const at = this.place(text.length * 3);
    this.end(this.text.write(text, at, 'utf8'));
  }

  /** The same for texts that are not joined yet; null counts as ''. */
  each(texts: readonly (string | null)[]): Uint32Array {
    this.begin(texts.length);
    for (const text of texts) this.#string(text ?? '');
    return this.run();
  }

  /** The 16 bytes for one input, which may hold any byte. For vectors and for what happens once. */
  one(input: Uint8Array): Buffer {
    this.begin(1);
    this.text.set(input, this.place(input.length));
    this.end(input.length);
    return Buffer.from(new Uint8Array(this.run().buffer, 0, 16));
  }

  #reserve(count: number): void {
    if (this.#starts.length > count) return;
    const room = Math.max(count, 256);
    this.#words = new Uint32Array(room * 4);
    this.#signed = new Int32Array(this.#words.buffer);
    this.#wordBytes = new Uint8Array(this.#words.buffer);
    this.#blocks = Buffer.allocUnsafeSlow(room * 16);
    this.#blockWords = wordsOf(this.#blocks);
    this.#starts = new Int32Array(room + 1);
    this.#active = new Int32Array(room);
  }

  /** CBC-MAC, block by block: first the first block of every text, then the second of those that have one, … */
  #levels(count: number): void {
    const blocks = this.#blockWords;
    const text = this.#textWords;
    const active = this.#active;
    const starts = this.#starts;
    const out = this.#signed;
    for (let i = 0; i < count; i++) {
      active[i] = i;
      const from = starts[i]! << 2;
      const to = i << 2;
      blocks[to] = text[from]!;
      blocks[to + 1] = text[from + 1]!;
      blocks[to + 2] = text[from + 2]!;
      blocks[to + 3] = text[from + 3]!;
    }
    for (let left = count, level = 1; left > 0; level++) {
      const output = this.#cipher.update(this.#blocks.subarray(0, left * 16));
      const sealed = wordsOf(output);
      let kept = 0;
      for (let slot = 0; slot < left; slot++) {
        const cell = active[slot]!;
        const block = starts[cell]! + level;
        const from = slot << 2;
        if (block < starts[cell + 1]!) {
          const next = block << 2;
          const to = kept << 2;
          blocks[to] = sealed[from]! ^ text[next]!;
          blocks[to + 1] = sealed[from + 1]! ^ text[next + 1]!;
          blocks[to + 2] = sealed[from + 2]! ^ text[next + 2]!;
          blocks[to + 3] = sealed[from + 3]! ^ text[next + 3]!;
          active[kept++] = cell;
        } else {
          const to = cell << 2;
          out[to] = sealed[from]!;
          out[to + 1] = sealed[from + 1]!;
          out[to + 2] = sealed[from + 2]!;
          out[to + 3] = sealed[from + 3]!;
        }
      }
      left = kept;
      free(output);
    }
  }
}

/** Bytes as words of 32 bits, of the same memory where it can be. */
export function wordsOf(bytes: Buffer): Int32Array {
  const { buffer, byteOffset, length } = bytes;
  if (byteOffset % 4 === 0) return new Int32Array(buffer, byteOffset, length >> 2);
  return wordsOf(Buffer.from(Uint8Array.from(bytes).buffer));
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
