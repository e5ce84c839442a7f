/** Compressed parts of files, as far as they can be read, and no more than a bound: a bomb must not fill the memory. */
import { constants, inflateRawSync, inflateSync } from 'node:zlib';

/** Of one part. */
const largestPart = 32 * 1024 * 1024;

/** @returns undefined when it is no such stream, or larger than the bound */
export function inflated(bytes: Uint8Array, { raw }: { raw: boolean }): Buffer | undefined {
  const options = { maxOutputLength: largestPart, finishFlush: constants.Z_SYNC_FLUSH };
  try {
    return raw ? inflateRawSync(bytes, options) : inflateSync(bytes, options);
  } catch {
    return undefined;
  }
}

/**
 * Whether bytes begin as gzip does (RFC 1952): its mark, the one method there is, no flag that means nothing, a system that is
 * known. The mark alone is chance once in 65,536 values, which a column of hashes has.
 */
export function isGzip(bytes: Buffer): boolean {
  if (bytes.length < 18 || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) return false;
  return (bytes[3]! & 0xe0) === 0 && (bytes[9]! <= 13 || bytes[9] === 255);
}
