/** A list of words, ready to be written into a column of bytes. */
import type { ByteColumn } from './byte-column.ts';

export class ByteWords {
  readonly count: number;
  /** Bytes of the longest. */
  readonly longest: number;
  /** 1 where a word is beyond ASCII. */
  readonly wide: Uint8Array;
  /** Each from a multiple of `#stride` words of four bytes on: a byte at a time would take three times as long. */
  readonly #words: Int32Array;
  readonly #lengths: Int32Array;
  readonly #stride: number;

  constructor(words: readonly string[]) {
    const bytes = words.map((word) => Buffer.from(word));
    this.count = words.length;
    this.longest = bytes.reduce((most, { length }) => Math.max(most, length), 0);
    this.wide = Uint8Array.from(bytes, ({ length }, i) => (length === words[i]!.length ? 0 : 1));
    this.#lengths = Int32Array.from(bytes, ({ length }) => length);
    this.#stride = (this.longest + 3) >> 2;
    this.#words = new Int32Array(words.length * this.#stride);
    const all = new Uint8Array(this.#words.buffer);
    for (const [i, each] of bytes.entries()) all.set(each, i * this.#stride * 4);
    const view = new DataView(this.#words.buffer);
    for (let k = 0; k < this.#words.length; k++) this.#words[k] = view.getInt32(k * 4, true);
  }

  /** Appends a word to the cell that `out` is at, which has room for it. */
  write(out: ByteColumn, index: number): void {
    const { view, at } = out;
    const words = this.#words;
    const length = this.#lengths[index]!;
    const end = at + length;
    // What is written too much is the slack's, or the next cell's to overwrite.
    for (let to = at, k = index * this.#stride; to < end; to += 4, k++) view.setInt32(to, words[k]!, true);
    out.at = end;
  }
}
