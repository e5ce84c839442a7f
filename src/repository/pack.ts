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

/** Bytes of the first buffer: many small sources in one run must not each take the memory of whole packs. */
const firstBuffer = 256 * 1024;

/** Gathers frames until there are enough for an object, in one buffer that is used again for the next. */
export class PackBuilder {
  readonly #secret: Uint8Array;
  readonly #expected: number;
  #buffer: Buffer;
  #entries: PackEntry[] = [];
  #length = 0;

  /**
   * @param secret the chunk-id secret, 32 bytes
   * @param expected bytes of frames that a pack usually has
   */
  constructor(secret: Uint8Array, expected: number) {
    this.#secret = secret;
    this.#expected = expected;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(firstBuffer, expected));
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
    this.#makeRoom(frameBound(chunk.length));
    const length = makeFrameInto(this.#secret, id, chunk, this.#buffer, this.#length);
    this.#entries.push({ id, length, rawLength: chunk.length });
    this.#length += length;
  }

  /** Takes over a frame of another pack, which the caller has opened and held against its id. */
  addFrame({ id, length, rawLength }: PackEntry, frame: Uint8Array): void {
    this.#makeRoom(length);
    this.#buffer.set(frame, this.#length);
    this.#entries.push({ id: Buffer.from(id), length, rawLength });
    this.#length += length;
  }

  #makeRoom(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#expected, Math.ceil(this.#buffer.length * 1.25)));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
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
