import { createHash } from 'node:crypto';
import type { Sealer } from '../crypt/age.ts';
import { encodeDirectory, type PackEntry } from './directory.ts';

/** A finished pack, ready to be stored. */
export interface SealedPack {
  /** SHA-256 of `bytes`, lower-case hex: the object's name. */
  name: string;
  bytes: Buffer;
  entries: PackEntry[];
}

/** Gathers frames until there are enough for an object. */
export class PackBuilder {
  #frames: Buffer[] = [];
  #entries: PackEntry[] = [];
  #length = 0;

  /** Bytes of the frames so far. */
  get length(): number {
    return this.#length;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  add(id: Buffer, frame: Buffer, rawLength: number): void {
    this.#frames.push(frame);
    this.#entries.push({ id, length: frame.length, rawLength });
    this.#length += frame.length;
  }

  /** The pack of what was added so far; the builder starts anew. */
  async seal(sealer: Sealer): Promise<SealedPack> {
    const [frames, entries, length] = [this.#frames, this.#entries, this.#length];
    [this.#frames, this.#entries, this.#length] = [[], [], 0];
    const bytes = await sealer.seal([...frames, encodeDirectory(entries, length)]);
    return { name: createHash('sha256').update(bytes).digest('hex'), bytes, entries };
  }
}
