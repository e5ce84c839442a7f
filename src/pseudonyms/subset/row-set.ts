/** Sets of rows as bits: 10 million rows of 100 bytes take 5 MB. A row is a number below 2^53, its position. */

/** Bits of a chunk; chunks are there only where a row is. */
const chunkBits = 2 ** 16;
const chunkWords = chunkBits / 32;

export class RowSet {
  readonly #chunks = new Map<number, Uint32Array>();
  #size = 0;
  /** The chunk that was used last: rows mostly come in their order. */
  #lastKey = -1;
  #last: Uint32Array | undefined;

  get size(): number {
    return this.#size;
  }

  #chunk(key: number): Uint32Array | undefined {
    if (key !== this.#lastKey) {
      this.#lastKey = key;
      this.#last = this.#chunks.get(key);
    }
    return this.#last;
  }

  has(position: number): boolean {
    const chunk = this.#chunk(Math.floor(position / chunkBits));
    if (chunk === undefined) return false;
    const bit = position % chunkBits;
    return ((chunk[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
  }

  /** @returns whether it was not there before */
  add(position: number): boolean {
    const key = Math.floor(position / chunkBits);
    let chunk = this.#chunk(key);
    if (chunk === undefined) {
      chunk = new Uint32Array(chunkWords);
      this.#chunks.set(key, chunk);
      this.#last = chunk;
    }
    const bit = position % chunkBits;
    const mask = 1 << (bit & 31);
    const word = chunk[bit >>> 5]!;
    if ((word & mask) !== 0) return false;
    chunk[bit >>> 5] = word | mask;
    this.#size++;
    return true;
  }

  /** @returns whether it was there before */
  delete(position: number): boolean {
    const chunk = this.#chunk(Math.floor(position / chunkBits));
    if (chunk === undefined) return false;
    const bit = position % chunkBits;
    const mask = 1 << (bit & 31);
    const word = chunk[bit >>> 5]!;
    if ((word & mask) === 0) return false;
    chunk[bit >>> 5] = word & ~mask;
    this.#size--;
    return true;
  }

  /** Positions from `from` to below `to`, rising. The set must not change meanwhile. */
  *positions(from = 0, to = Number.POSITIVE_INFINITY): Generator<number, void, undefined> {
    for (const key of this.#keys()) {
      const base = key * chunkBits;
      if (base + chunkBits <= from || base >= to) continue;
      const chunk = this.#chunks.get(key)!;
      const first = from <= base ? 0 : Math.floor((from - base) / 32);
      for (let at = first; at < chunkWords; at++) {
        for (let word = chunk[at]!; word !== 0; word &= word - 1) {
          const position = base + at * 32 + (31 - Math.clz32(word & -word));
          if (position >= to) return;
          if (position >= from) yield position;
        }
      }
    }
  }

  /** How many of them are from `from` to below `to`. */
  count(from: number, to: number): number {
    let sum = 0;
    for (const [key, chunk] of this.#chunks) {
      const base = key * chunkBits;
      if (base + chunkBits <= from || base >= to) continue;
      const first = Math.max(0, from - base);
      const last = Math.min(chunkBits, to - base);
      sum += bitsBelow(chunk, last) - bitsBelow(chunk, first);
    }
    return sum;
  }

  /** How many are below each position that is in the set: its place among them. Later changes are not seen. */
  ranks(): (position: number) => number {
    const before = new Map<number, Uint32Array>();
    let sum = 0;
    for (const key of this.#keys()) {
      const chunk = this.#chunks.get(key)!;
      const sums = new Uint32Array(chunkWords / rankWords);
      for (let at = 0; at < chunkWords; at++) {
        if (at % rankWords === 0) sums[at / rankWords] = sum;
        sum += popcount(chunk[at]!);
      }
      before.set(key, sums);
    }
    return (position) => {
      const key = Math.floor(position / chunkBits);
      const chunk = this.#chunk(key)!;
      const bit = position % chunkBits;
      const word = bit >>> 5;
      const block = Math.floor(word / rankWords);
      let rank = before.get(key)![block]!;
      for (let at = block * rankWords; at < word; at++) rank += popcount(chunk[at]!);
      return rank + popcount(chunk[word]! & ((1 << (bit & 31)) - 1));
    };
  }

  #keys(): number[] {
    return [...this.#chunks.keys()].sort((a, b) => a - b);
  }
}

/** Words between two sums of a directory of ranks. */
const rankWords = 16;

function bitsBelow(chunk: Uint32Array, end: number): number {
  let sum = 0;
  const whole = end >>> 5;
  for (let at = 0; at < whole; at++) sum += popcount(chunk[at]!);
  const rest = end & 31;
  return rest === 0 ? sum : sum + popcount(chunk[whole]! & ((1 << rest) - 1));
}

function popcount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
