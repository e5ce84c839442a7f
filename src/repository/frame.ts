import { createHmac, timingSafeEqual } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { HoldfastError } from '../base/errors.ts';

/** One chunk as it lies in a pack: a zstd frame, and the chunk's keyed name. */

/** Bytes of a chunk id. */
export const idLength = 32;

/** zstd level of chunks; `docs/decisions/` holds the figures behind it. */
export const compressionLevel = 1;

/** HMAC-SHA-256(chunk-id secret, chunk), 32 bytes. */
export function chunkId(secret: Uint8Array, chunk: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(chunk).digest();
}

/**
 * Compresses a chunk and reads it back before anybody relies on it: a bit that flips in memory between the two would
 * otherwise be deduplicated against for years.
 *
 * @throws HoldfastError `internal` when the frame does not give the chunk again
 */
export function makeFrame(secret: Uint8Array, id: Uint8Array, chunk: Uint8Array): Buffer {
  const frame = compress(chunk);
  assertFrame(secret, id, frame, chunk.length);
  return frame;
}

function compress(chunk: Uint8Array): Buffer {
  return zstdCompressSync(chunk, {
    pledgedSrcSize: chunk.length,
    params: { [constants.ZSTD_c_compressionLevel]: compressionLevel, [constants.ZSTD_c_contentSizeFlag]: 1 },
  });
}

/** @throws HoldfastError `internal` when `frame` is not exactly the chunk named `id` */
export function assertFrame(secret: Uint8Array, id: Uint8Array, frame: Uint8Array, rawLength: number): void {
  try {
    openFrame(secret, id, frame, rawLength);
  } catch (cause) {
    throw new HoldfastError('internal', 'A chunk changed while it was compressed.', {
      why: 'Reading it back gave other bytes than went in.',
      hint: 'This points to faulty memory; test it, and run the backup again.',
      cause,
    });
  }
}

/**
 * The chunk in `frame`, which must be exactly one zstd frame.
 *
 * @throws HoldfastError `object-damaged` when it does not decompress, has another length, or is another chunk
 */
export function openFrame(secret: Uint8Array, id: Uint8Array, frame: Uint8Array, rawLength: number): Buffer {
  let chunk: Buffer;
  try {
    // One byte more than expected, so that a longer chunk is seen rather than cut.
    chunk = zstdDecompressSync(frame, { maxOutputLength: rawLength + 1 });
  } catch (cause) {
    throw new HoldfastError('object-damaged', 'A chunk does not decompress.', { cause });
  }
  if (chunk.length !== rawLength)
    throw new HoldfastError('object-damaged', 'A chunk has another length than recorded.');
  if (!timingSafeEqual(chunkId(secret, chunk), id)) {
    throw new HoldfastError('object-damaged', 'A chunk is not the one its id names.');
  }
  return chunk;
}
