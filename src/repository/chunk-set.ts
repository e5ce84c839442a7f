import { idLength } from './frame.ts';

/**
 * A set of chunk ids: 12 bytes a slot, at most 3/4 full, for the reasons of ChunkTable. Ids are told apart by their first
 * 96 bits; two that agree there count as one, which keeps what need not be kept and never the other way round.
 */
const words = 3;

export class ChunkSet {
  #slots = new Uint32Array(1024 * words);
  #mask = 1023;
  #count = 0;
  /** Free slots are all zero, so the one id that looks like them stands here. */
  #hasZero = false;

  /** Distinct ids. */
  get count(): number {
    return this.#count + (this.#hasZero ? 1 : 0);
  }

  /**
   * @param at where in `ids` the id begins
   * @returns whether it is new
   */
  add(ids: Uint8Array, at = 0): boolean {
    const [a, b, c] = [word(ids, at), word(ids, at + 4), word(ids, at + 8)];
    if (a === 0 && b === 0 && c === 0) {
      const before = this.#hasZero;
      this.#hasZero = true;
      return !before;
    }
    let slot = this.#find(a, b, c);
    if (this.#isTaken(slot)) return false;
    if ((this.#count + 1) * 4 > (this.#mask + 1) * 3) {
      this.#grow();
      slot = this.#find(a, b, c);
    }
    this.#slots[slot] = a;
    this.#slots[slot + 1] = b;
    this.#slots[slot + 2] = c;
    this.#count++;
    return true;
  }

  /** Adds ids of 32 bytes, back to back. */
  addAll(ids: Uint8Array): void {
    for (let at = 0; at < ids.length; at += idLength) this.add(ids, at);
  }

  has(ids: Uint8Array, at = 0): boolean {
    const [a, b, c] = [word(ids, at), word(ids, at + 4), word(ids, at + 8)];
    if (a === 0 && b === 0 && c === 0) return this.#hasZero;
    return this.#isTaken(this.#find(a, b, c));
  }

  #isTaken(slot: number): boolean {
    return this.#slots[slot] !== 0 || this.#slots[slot + 1] !== 0 || this.#slots[slot + 2] !== 0;
  }

  /** The slot of an id, or the free one where it would go. */
  #find(a: number, b: number, c: number): number {
    for (let index = a & this.#mask; ; index = (index + 1) & this.#mask) {
      const slot = index * words;
      if (!this.#isTaken(slot)) return slot;
      if (this.#slots[slot] === a && this.#slots[slot + 1] === b && this.#slots[slot + 2] === c) return slot;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const size = (this.#mask + 1) * 2;
    this.#slots = new Uint32Array(size * words);
    this.#mask = size - 1;
    for (let from = 0; from < old.length; from += words) {
      const [a, b, c] = [old[from]!, old[from + 1]!, old[from + 2]!];
      if (a === 0 && b === 0 && c === 0) continue;
      this.#slots.set([a, b, c], this.#find(a, b, c));
    }
  }
}

/** Four bytes as an unsigned number; ids are random, so their first bytes serve as the hash. */
function word(ids: Uint8Array, at: number): number {
  return (ids[at]! | (ids[at + 1]! << 8) | (ids[at + 2]! << 16) | (ids[at + 3]! << 24)) >>> 0;
}
