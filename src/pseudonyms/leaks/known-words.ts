/** What the vocabulary said of words, by their prints: any copy is full of names that the sketch knows too. */

/** A power of two. */
const places = 16_384;
/** Places that are looked at for a word. */
const tries = 4;

export class KnownWords {
  readonly #a = new Int32Array(places);
  readonly #b = new Int32Array(places);
  /** 0 nothing, 1 no, 2 yes. */
  readonly #kept = new Uint8Array(places);

  /**
   * Of ASCII alone: words beyond it that have one print may be written in several ways.
   *
   * @param a, b the finished print of the word
   * @returns whether it is vocabulary; undefined when that is not kept
   */
  get(a: number, b: number): boolean | undefined {
    for (let at = a; at < a + tries; at++) {
      const place = at & (places - 1);
      if (this.#a[place] === a && this.#b[place] === b && this.#kept[place] !== 0) return this.#kept[place] === 2;
    }
    return undefined;
  }

  set(a: number, b: number, isVocabulary: boolean): void {
    let free = a & (places - 1);
    for (let at = a; at < a + tries; at++) {
      const place = at & (places - 1);
      if (this.#kept[place] !== 0) continue;
      free = place;
      break;
    }
    this.#a[free] = a;
    this.#b[free] = b;
    this.#kept[free] = isVocabulary ? 2 : 1;
  }
}
