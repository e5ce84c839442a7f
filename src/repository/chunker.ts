import { createCipheriv, hkdfSync } from 'node:crypto';

/**
 * Content-defined chunking after Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data
 * Deduplication" (USENIX ATC 2016): a gear hash, cut points skipped below the minimum, and two masks so that sizes
 * gather around the average. The gear table is keyed, so that cut points tell an outsider little.
 */

export interface ChunkSizes {
  /** Bytes. No chunk but the last of a stream is smaller. */
  min: number;
  /** Bytes, a power of two. */
  average: number;
  /** Bytes. No chunk is larger. */
  max: number;
}

/**
 * The keyed gear table: 256 words of 32 bits from the ChaCha20 key stream of HKDF-SHA-256(gear secret).
 *
 * @param gearSecret 32 bytes
 */
export function gearTable(gearSecret: Uint8Array): Uint32Array {
  const key = Buffer.from(hkdfSync('sha256', gearSecret, new Uint8Array(0), 'holdfast gear table', 32));
  const stream = createCipheriv('chacha20', key, Buffer.alloc(16)).update(Buffer.alloc(1024));
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) table[i] = stream.readUInt32LE(i * 4);
  return table;
}

/** Finds cut points. Holds no state between calls: a cut point depends on nothing before the chunk's own start. */
export class Chunker {
  readonly sizes: ChunkSizes;
  readonly #gear: Uint32Array;
  readonly #maskBefore: number;
  readonly #maskAfter: number;

  constructor(gear: Uint32Array, sizes: ChunkSizes) {
    const bits = Math.log2(sizes.average);
    if (!Number.isInteger(bits) || bits < 6 || bits > 28) throw new RangeError('the average must be a power of two');
    if (!(sizes.min < sizes.average && sizes.average < sizes.max)) throw new RangeError('sizes must rise');
    this.sizes = sizes;
    this.#gear = gear;
    // High bits: in a left-shifting gear hash they depend on the last 32 bytes, the low ones on fewer.
    this.#maskBefore = mask(bits + 2);
    this.#maskAfter = mask(bits - 2);
  }

  /**
   * The length of the chunk that starts at `start`, or 0 when `bytes` ends before a cut point is certain.
   *
   * @param end one past the last byte to look at
   * @param last whether the stream ends at `end`: then the rest is a chunk
   */
  cut(bytes: Uint8Array, start: number, end: number, last: boolean): number {
    const { min, average, max } = this.sizes;
    const available = end - start;
    if (available <= min) return last ? available : 0;
    const gear = this.#gear;
    const limit = start + Math.min(available, max);
    const middle = Math.min(start + average, limit);
    let hash = 0;
    // The window is 32 bytes: starting that far before the minimum makes the hash at the minimum independent of the start.
    let at = start + Math.max(0, min - 32);
    for (; at < start + min; at++) hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
    const before = this.#maskBefore;
    for (; at < middle; at++) {
      hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
      if ((hash & before) === 0) return at + 1 - start;
    }
    const after = this.#maskAfter;
    for (; at < limit; at++) {
      hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
      if ((hash & after) === 0) return at + 1 - start;
    }
    if (available >= max) return max;
    return last ? available : 0;
  }
}

function mask(bits: number): number {
  return bits >= 32 ? -1 : (((1 << bits) - 1) << (32 - bits)) | 0;
}
