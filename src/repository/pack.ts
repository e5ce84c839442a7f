import { createHash } from 'node:crypto';
import type { Sealer } from '../crypt/age.ts';
import { encodeDirectory, type PackEntry } from './directory.ts';
import { frameBound, makeFrameInto } from './frame.ts';

/** A finished pack, ready to be stored. */
export interface SealedPack {
  /** SHA-256 of `bytes`, lower-case hex: the object's name. */
  name: string;
  bytes: Buffer;
  entries: PackEntry[];
  /** To be called when `bytes` are no longer needed: their memory serves the next pack. */
  release?(): void;
}

/** Gathers frames until there are enough for an object, in one buffer that is used again for the next. */
export class PackBuilder {
  readonly #secret: Uint8Array;
  #buffer: Buffer;
  #entries: PackEntry[] = [];
  #length = 0;

  /**
   * @param secret the chunk-id secret, 32 bytes
   * @param expected bytes of frames that a pack usually has
   */
  constructor(secret: Uint8Array, expected: number) {
    this.#secret = secret;
    this.#buffer = Buffer.allocUnsafeSlow(expected);
  }

  /** Bytes of the frames so far. */
  get length(): number {
    return this.#length;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** Compresses a chunk and reads it back. @throws HoldfastError `internal` when it does not come back as it was */
  add(id: Buffer, chunk: Uint8Array): void {
    const needed = this.#length + frameBound(chunk.length);
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.#buffer.length * 1.25)));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    const length = makeFrameInto(this.#secret, id, chunk, this.#buffer, this.#length);
    this.#entries.push({ id, length, rawLength: chunk.length });
    this.#length += length;
  }

  /**
   * The pack of what was added so far; the builder starts anew.
   *
   * @param room memory for the object, if there is some to be used again
   */
  async seal(sealer: Sealer, room?: ArrayBuffer): Promise<SealedPack> {
    const [entries, length] = [this.#entries, this.#length];
    const parts = [this.#buffer.subarray(0, length), encodeDirectory(entries, length)];
    // Ample, so that it serves later packs too, which differ a little in length.
    const ample = room ?? (Buffer.allocUnsafeSlow(Math.ceil(this.#buffer.length * 1.15)).buffer as ArrayBuffer);
    const bytes = await sealer.seal(parts, ample);
    [this.#entries, this.#length] = [[], 0];
    return { name: createHash('sha256').update(bytes).digest('hex'), bytes, entries };
  }
}
