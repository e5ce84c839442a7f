/** Pairs of rows, to be looked up by one of them: 16 bytes a pair while it is made, 8 from then on. */
import { RowSet } from './row-set.ts';

const blockLength = 2 ** 16;

/** Numbers that arrive one by one; arrays that double would need thrice the room for a moment. */
class Numbers {
  length = 0;
  readonly #blocks: (Uint32Array | Float64Array)[] = [];
  readonly #make: (length: number) => Uint32Array | Float64Array;

  constructor(make: (length: number) => Uint32Array | Float64Array) {
    this.#make = make;
  }

  push(value: number): void {
    const at = this.length % blockLength;
    if (at === 0) this.#blocks.push(this.#make(blockLength));
    this.#blocks.at(-1)![at] = value;
    this.length++;
  }

  at(index: number): number {
    return this.#blocks[Math.floor(index / blockLength)]![index % blockLength]!;
  }
}

/** An array for numbers from 0 to below `end`. */
function arrayFor(end: number): (length: number) => Uint32Array | Float64Array {
  return end <= 2 ** 32 ? (length) => new Uint32Array(length) : (length) => new Float64Array(length);
}

export class AdjacencyBuilder {
  readonly #keys: Numbers;
  readonly #values: Numbers;
  readonly #known = new RowSet();
  readonly #makeValues: (length: number) => Uint32Array | Float64Array;

  /** Positions of keys and of values are below these. */
  constructor(keysEnd: number, valuesEnd: number) {
    this.#keys = new Numbers(arrayFor(keysEnd));
    this.#makeValues = arrayFor(valuesEnd);
    this.#values = new Numbers(this.#makeValues);
  }

  add(key: number, value: number): void {
    this.#known.add(key);
    this.#keys.push(key);
    this.#values.push(value);
  }

  build(): Adjacency {
    const rank = this.#known.ranks();
    const { length } = this.#keys;
    const ends = new Uint32Array(this.#known.size + 1);
    for (let at = 0; at < length; at++) ends[rank(this.#keys.at(at))]!++;
    for (let at = 1; at < ends.length; at++) ends[at] = ends[at]! + ends[at - 1]!;
    const values = this.#makeValues(length);
    for (let at = length - 1; at >= 0; at--) {
      const slot = rank(this.#keys.at(at));
      const free = ends[slot]! - 1;
      ends[slot] = free;
      values[free] = this.#values.at(at);
    }
    // Filled from their ends, they are starts now.
    return new Adjacency(this.#known, rank, ends, values);
  }
}

export class Adjacency {
  /** All keys. */
  readonly keys: RowSet;
  readonly #rank: (position: number) => number;
  readonly #starts: Uint32Array;
  readonly #values: Uint32Array | Float64Array;

  constructor(
    keys: RowSet,
    rank: (position: number) => number,
    starts: Uint32Array,
    values: Uint32Array | Float64Array,
  ) {
    this.keys = keys;
    this.#rank = rank;
    this.#starts = starts;
    this.#values = values;
  }

  /** The values of a key. */
  of(key: number): Uint32Array | Float64Array {
    if (!this.keys.has(key)) return this.#values.subarray(0, 0);
    const slot = this.#rank(key);
    return this.#values.subarray(this.#starts[slot], this.#starts[slot + 1]);
  }
}
