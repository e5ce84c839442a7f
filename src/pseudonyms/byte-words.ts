/** A list of words, ready to be written into a column of bytes. */
import type { ByteColumn } from './byte-column.ts';

export class ByteWords {
  readonly count: number;
  /** Bytes of the longest. */
  readonly longest: number;
  readonly #bytes: Buffer;
  readonly #starts: Int32Array;
  /** 1 where a word is beyond ASCII. */
  readonly wide: Uint8Array;

  constructor(words: readonly string[]) {
    const bytes = words.map((word) => Buffer.from(word));
    this.count = words.length;
    this.#bytes = Buffer.concat(bytes);
    this.#starts = new Int32Array(words.length + 1);
    this.wide = new Uint8Array(words.length);
    let [at, longest] = [0, 0];
    for (const [i, { length }] of bytes.entries()) {
      this.#starts[i] = at;
      at += length;
      if (length > longest) longest = length;
      this.wide[i] = length === words[i]!.length ? 0 : 1;
    }
    this.#starts[words.length] = at;
    this.longest = longest;
  }

  /** Appends a word to the cell that `out` is at, which has room for it. */
  write(out: ByteColumn, index: number): void {
    const { bytes } = out;
    const source = this.#bytes;
    let at = out.at;
    for (let k = this.#starts[index]!, end = this.#starts[index + 1]!; k < end; k++) bytes[at++] = source[k]!;
    out.at = at;
  }
}
