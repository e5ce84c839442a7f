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
