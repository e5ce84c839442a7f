import type { Kernels } from './kernels/kernels.ts';
import type { DomainKey } from './keys.ts';
import { Permutation } from './permutation.ts';
import { type Alphabet, PlaceRanks } from './place-ranks.ts';

/** A keyed permutation of the characters at some places of texts, each from its alphabet; all others stay. */
export class PlacePermutation {
  readonly #ranks: PlaceRanks;
  readonly #permutation: Permutation;

  /**
   * @param purpose which of the domain's permutations
   * @param places from the start of a text on, rising
   * @param alphabets one for each place
   */
  constructor(key: DomainKey, purpose: string, places: readonly number[], alphabets: readonly Alphabet[]) {
    this.#ranks = new PlaceRanks(places, alphabets);
    this.#permutation = new Permutation(key, purpose, this.#ranks.size);
  }

  /** Whether it is small enough to be tried through: fewer than a million values. */
  get small(): boolean {
    return this.#permutation.small;
  }

  /**
   * In place, on `count` texts in the memory of the kernels.
   *
   * @param bytes an address, from which places of texts count
   * @param starts the address of where each begins
   */
  run(kernel: Kernels, bytes: number, starts: number, count: number, backwards = false): void {
    const ranks = this.#ranks;
    const permutation = this.#permutation;
    if (permutation.bits > 128) {
      const places = kernel.words.subarray(starts >>> 2, (starts >>> 2) + count);
      const values = Array.from(places, (start) => ranks.readBig(kernel.bytes, bytes + start));
      permutation.bigints(values, count, backwards);
      for (let i = 0; i < count; i++) ranks.writeBig(values[i]!, kernel.bytes, bytes + places[i]!);
      return;
    }
    kernel.within(() => {
      const values = kernel.take(count * 16);
      ranks.read(kernel, bytes, starts, count, permutation.right, values);
      permutation.permuteIn(kernel, values, count, backwards);
      ranks.write(kernel, values, permutation.right, bytes, starts, count);
    });
  }
}
