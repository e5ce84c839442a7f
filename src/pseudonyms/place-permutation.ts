import { atLeast, halves } from './binary-ff1.ts';
import type { DomainKey } from './keys.ts';
import { Permutation } from './permutation.ts';
import { type Alphabet, PlaceRanks } from './place-ranks.ts';

/** Shared by all: nothing in it outlives a call, and a column of codes has a permutation for each of its shapes. */
let room = halves(0);

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

  /** In place, on the first `count` of the texts that begin at `starts`. */
  run(bytes: Uint8Array, starts: Int32Array, count: number, backwards = false): void {
    const ranks = this.#ranks;
    const permutation = this.#permutation;
    if (permutation.bits > 128) {
      const values = Array.from({ length: count }, (_, i) => ranks.readBig(bytes, starts[i]!));
      permutation.bigints(values, count, backwards);
      for (let i = 0; i < count; i++) ranks.writeBig(values[i]!, bytes, starts[i]!);
      return;
    }
    room = atLeast(room, count);
    ranks.read(bytes, starts, count, permutation.right, room);
    permutation.halves(room, count, backwards);
    ranks.write(room, permutation.right, bytes, starts, count);
  }
}
