import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { zstd } from './zstd.ts';

/** One chunk as it lies in a pack: a zstd frame, and the chunk's keyed name. */

/** Bytes of a chunk id. */
export const idLength = 32;

/** HMAC-SHA-256(chunk-id secret, chunk), 32 bytes. */
export function chunkId(secret: Uint8Array, chunk: Uint8Array): Buffer {
  return createHmac('sha256', keyOf(secret)).update(chunk).digest();
}

const keys = new WeakMap<Uint8Array, KeyObject>();

/** Made once for each secret: making one takes as long as hashing 20 KiB. */
function keyOf(secret: Uint8Array): KeyObject {
  let key = keys.get(secret);
  if (key === undefined) {
    key = createSecretKey(secret);
    keys.set(secret, key);
  }
  return key;
}

/** The most bytes that the frame of a chunk of `length` bytes takes. */
export function frameBound(length: number): number {
  return zstd().bound(length);
}

/**
 * Compresses a chunk and reads it back before anybody relies on it: a bit that flips in memory between the two would
 * otherwise be deduplicated against for years.
 *
 * @param target where the frame goes, from `at` on; `frameBound(chunk.length)` bytes must be free there
 * @returns bytes of the frame
 * @throws HoldfastError `internal` when the frame does not give the chunk again
 */
export function makeFrameInto(
  secret: Uint8Array,
  id: Uint8Array,
  chunk: Uint8Array,
  target: Uint8Array,
  at: number,
): number {
  const length = zstd().compress(chunk, target, at);
  assertFrame(secret, id, target.subarray(at, at + length), chunk.length);
  return length;
}

/** As `makeFrameInto`, in memory of its own. */
export function makeFrame(secret: Uint8Array, id: Uint8Array, chunk: Uint8Array): Buffer {
  const target = Buffer.allocUnsafeSlow(frameBound(chunk.length));
  return target.subarray(0, makeFrameInto(secret, id, chunk, target, 0));
}

/** @throws HoldfastError `internal` when `frame` is not exactly the chunk named `id` */
export function assertFrame(secret: Uint8Array, id: Uint8Array, frame: Uint8Array, rawLength: number): void {
  try {
    checkFrame(secret, id, frame, rawLength, scratchFor(rawLength));
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
  const chunk = Buffer.allocUnsafeSlow(rawLength);
  checkFrame(secret, id, frame, rawLength, chunk);
  return chunk;
}

/** As `openFrame`, for whoever wants the frame as it is. @throws HoldfastError `object-damaged` */
export function verifyFrame(secret: Uint8Array, id: Uint8Array, frame: Uint8Array, rawLength: number): void {
  checkFrame(secret, id, frame, rawLength, scratchFor(rawLength));
}

function checkFrame(secret: Uint8Array, id: Uint8Array, frame: Uint8Array, rawLength: number, target: Buffer): void {
  try {
    zstd().decompress(frame, target, rawLength);
  } catch (cause) {
    throw new HoldfastError('object-damaged', 'A chunk does not decompress to the length that is recorded.', { cause });
  }
  if (!timingSafeEqual(chunkId(secret, target.subarray(0, rawLength)), id)) {
    throw new HoldfastError('object-damaged', 'A chunk is not the one its id names.');
  }
}

let scratch = Buffer.alloc(0);

function scratchFor(rawLength: number): Buffer {
  if (scratch.length < rawLength) scratch = Buffer.allocUnsafeSlow(2 * rawLength);
  return scratch;
}
