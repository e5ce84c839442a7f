import { type ChunkLocations, emptyLocations, nowhere } from './chunk-locations.ts';
import { idLength } from './frame.ts';
import { assertIndexedPack, type IndexedPack } from './index-object.ts';

/**
 * Which chunk is in which pack: an open-addressing table of 20 bytes a slot, at most 3/4 full, because a Map of 4 million
 * ids takes nearly half a gigabyte. Ids are told apart by their first 96 bits: they are keyed, so nobody can make two that
 * agree there, and every chunk that is read is held against its whole id.
 */
const words = 5;
/** Slots hold the number of the pack and of the frame in it; these stand in the pack's place. */
const empty = 0xffffffff;
const claimed = 0xfffffffe;

interface Pack {
  name: string;
  size: number;
  used: boolean;
  /** Only in tables that locate. */
  lengths?: Uint32Array;
  rawLengths?: Uint32Array;
  offsets?: Uint32Array;
}

export class ChunkTable {
  readonly #withLocations: boolean;
  readonly #packs: Pack[] = [];
  readonly #byName = new Map<string, number>();
  #slots: Uint32Array;
  #mask: number;
  #count = 0;
  #claims = 0;

  /** @param withLocations also keep where each frame lies: 12 more bytes a chunk */
  constructor(options: { withLocations: boolean }) {
    this.#withLocations = options.withLocations;
    this.#slots = new Uint32Array(1024 * words).fill(empty);
    this.#mask = 1023;
  }

  /** Distinct chunks. */
  get count(): number {
    return this.#count;
  }

  /** Chunks that were claimed and are in no pack yet. */
  get claims(): number {
    return this.#claims;
  }

  has(pack: string): boolean {
    return this.#byName.has(pack);
  }

  /** Adds what a pack holds. A chunk that is known elsewhere keeps its place there. @throws HoldfastError `object-damaged` */
  addPack(entry: IndexedPack): void {
    assertIndexedPack(entry);
    if (this.#byName.has(entry.pack)) return;
    const number = this.#addPack(entry);
    const ids = Buffer.from(entry.ids, 'hex');
    for (let i = 0; i < entry.lengths.length; i++) this.#place(ids, i * idLength, number, i);
  }

  /** Adds a pack of this run: claimed chunks are in it now. */
  storedPack(entry: IndexedPack): void {
    this.addPack(entry);
    this.#packs[this.#byName.get(entry.pack)!]!.used = true;
  }

  /**
   * Whether a chunk must be stored; if so it counts as known from now on. If not, its pack counts as used.
   *
   * @param at where in `ids` the chunk's id begins
   */
  claim(ids: Uint8Array, at: number): boolean {
    const slot = this.#find(ids, at);
    const pack = this.#slots[slot + 3]!;
    if (pack === empty) {
      this.#claims++;
      this.#insert(ids, at, claimed, 0);
      return true;
    }
    if (pack !== claimed) this.#packs[pack]!.used = true;
    return false;
  }

  /** Whether every chunk is known; their packs then count as used. */
  use(ids: Uint8Array): boolean {
    for (let at = 0; at < ids.length; at += idLength) {
      if (this.#slots[this.#find(ids, at) + 3] === empty) return false;
    }
    for (let at = 0; at < ids.length; at += idLength) {
      const pack = this.#slots[this.#find(ids, at) + 3]!;
      if (pack !== claimed) this.#packs[pack]!.used = true;
    }
    return true;
  }

  /** Packs that claims and uses have come upon, and those of this run. */
  usedPacks(): { name: string; size: number }[] {
    return this.#packs.filter(({ used }) => used).map(({ name, size }) => ({ name, size }));
  }

  /** @param ids ids of 32 bytes, back to back */
  locate(ids: Uint8Array): ChunkLocations {
    const found = emptyLocations(ids.length / idLength);
    const seen = new Map<number, number>();
    for (let i = 0; i < found.pack.length; i++) {
      const slot = this.#find(ids, i * idLength);
      const number = this.#slots[slot + 3]!;
      if (number === empty || number === claimed) continue;
      const frame = this.#slots[slot + 4]!;
      const pack = this.#packs[number]!;
      let index = seen.get(number);
      if (index === undefined) {
        index = found.packs.length;
        seen.set(number, index);
        found.packs.push({ name: pack.name, size: pack.size });
      }
      found.pack[i] = index;
      found.offset[i] = pack.offsets?.[frame] ?? nowhere;
      found.length[i] = pack.lengths?.[frame] ?? 0;
      found.rawLength[i] = pack.rawLengths?.[frame] ?? 0;
    }
    return found;
  }

  #addPack({ pack, size, lengths, rawLengths }: IndexedPack): number {
    const number = this.#packs.length;
    this.#byName.set(pack, number);
    const entry: Pack = { name: pack, size, used: false };
    if (this.#withLocations) {
      entry.lengths = Uint32Array.from(lengths);
      entry.rawLengths = Uint32Array.from(rawLengths);
      entry.offsets = new Uint32Array(lengths.length);
      let offset = 0;
      for (let i = 0; i < lengths.length; i++) {
        entry.offsets[i] = offset;
        offset += lengths[i]!;
      }
    }
    this.#packs.push(entry);
    return number;
  }

  #place(ids: Uint8Array, at: number, pack: number, frame: number): void {
    const slot = this.#find(ids, at);
    const before = this.#slots[slot + 3]!;
    if (before === empty) this.#insert(ids, at, pack, frame);
    else if (before === claimed) {
      this.#claims--;
      this.#slots[slot + 3] = pack;
      this.#slots[slot + 4] = frame;
    }
  }

  /** The slot of an id, or the empty one where it would go. */
  #find(ids: Uint8Array, at: number): number {
    const a = word(ids, at);
    const b = word(ids, at + 4);
    const c = word(ids, at + 8);
    let index = a & this.#mask;
    for (;;) {
      const slot = index * words;
      if (this.#slots[slot + 3] === empty) return slot;
      if (this.#slots[slot] === a && this.#slots[slot + 1] === b && this.#slots[slot + 2] === c) return slot;
      index = (index + 1) & this.#mask;
    }
  }

  #insert(ids: Uint8Array, at: number, pack: number, frame: number): void {
    if ((this.#count + 1) * 4 > (this.#mask + 1) * 3) this.#grow();
    const slot = this.#find(ids, at);
    this.#slots[slot] = word(ids, at);
    this.#slots[slot + 1] = word(ids, at + 4);
    this.#slots[slot + 2] = word(ids, at + 8);
    this.#slots[slot + 3] = pack;
    this.#slots[slot + 4] = frame;
    this.#count++;
  }

  #grow(): void {
    const old = this.#slots;
    const size = (this.#mask + 1) * 2;
    this.#slots = new Uint32Array(size * words).fill(empty);
    this.#mask = size - 1;
    for (let from = 0; from < old.length; from += words) {
      if (old[from + 3] === empty) continue;
      let index = old[from]! & this.#mask;
      while (this.#slots[index * words + 3] !== empty) index = (index + 1) & this.#mask;
      this.#slots.set(old.subarray(from, from + words), index * words);
    }
  }
}

/** Four bytes as an unsigned number; ids are random, so their first bytes serve as the hash. */
function word(ids: Uint8Array, at: number): number {
  return (ids[at]! | (ids[at + 1]! << 8) | (ids[at + 2]! << 16) | (ids[at + 3]! << 24)) >>> 0;
}
