/** A list of words that kernels write: `assembly/word-lists.ts` says how it lies in their memory. */
import type { Kernels } from './kernels.ts';

export class WordList {
  readonly count: number;
  /** Bytes of the longest. */
  readonly longest: number;
  readonly #words: Int32Array;

  constructor(words: readonly string[]) {
    const bytes = words.map((word) => Buffer.from(word));
    this.count = words.length;
    this.longest = bytes.reduce((most, { length }) => Math.max(most, length), 0);
    const entry = 4 + Math.ceil(this.longest / 4) * 4;
    const all = Buffer.alloc(16 + words.length * entry);
    all.writeInt32LE(entry, 0);
    all.writeInt32LE(words.length, 4);
    for (const [i, word] of bytes.entries()) {
      const at = 16 + i * entry;
      all.writeInt32LE(word.length | (word.length === words[i]!.length ? 0 : 0x1_0000), at);
      word.copy(all, at + 4);
    }
    this.#words = Int32Array.from({ length: all.length / 4 }, (_, k) => all.readInt32LE(k * 4));
  }

  /** @returns where it lies in the memory of the kernels, for one call */
  put(kernel: Kernels): number {
    return kernel.put(this.#words);
  }
}
