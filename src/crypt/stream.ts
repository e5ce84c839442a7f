/**
 * The payload of an age v1 file: STREAM over ChaCha20-Poly1305, by node:crypto. Source: C2SP age.md, "Payload".
 *
 * A payload is a 16-byte nonce, then the plaintext in segments of 64 KiB, each followed by its 16-byte tag. The last
 * segment may be shorter, and is empty only when the whole plaintext is. Segment `i` is sealed under the nonce
 * `i` (11 bytes, big-endian) and a last byte that is 1 for the last segment and 0 for every other.
 *
 * Offsets and sizes are bytes. "Of the payload" counts from the nonce; the header is age.ts's business.
 * Why not the age-encryption package: its pure JS cipher runs at a twentieth of this speed (docs: DESIGN §3).
 */
import {
  type CipherChaCha20Poly1305Types,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { free } from '../base/memory.ts';

/** Plaintext bytes of a segment, the last one excepted. */
export const segmentBytes = 64 * 1024;
export const tagBytes = 16;
/** The payload's own nonce, which its key is derived from. */
export const nonceBytes = 16;
export const fileKeyBytes = 16;

const sealedSegmentBytes = segmentBytes + tagBytes;
const cipherName: CipherChaCha20Poly1305Types = 'chacha20-poly1305';
const cipherOptions = { authTagLength: tagBytes };

/** A contiguous run of bytes. */
export interface Range {
  offset: number;
  length: number;
}

/** `object-damaged`, with the reason in one sentence. */
export function damaged(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('object-damaged', 'An encrypted object is damaged.', {
    why,
    hint: 'Run `holdfast check`; another site may hold an intact copy.',
    cause,
  });
}

/** The key of one payload: HKDF-SHA-256(file key, salt = the payload's nonce, info = "payload"). */
export function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): KeyObject {
  if (fileKey.length !== fileKeyBytes) throw new HoldfastError('internal', 'An age file key has 16 bytes.');
  if (nonce.length !== nonceBytes) throw damaged('The payload ends inside its nonce.');
  return createSecretKey(Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32)));
}

/** Size of the payload that `plaintextBytes` of plaintext make. */
export function payloadSize(plaintextBytes: number): number {
  return nonceBytes + plaintextBytes + tagBytes * segmentCount(plaintextBytes);
}

/**
 * Size of the plaintext in a payload of `payloadBytes`.
 *
 * @throws HoldfastError `object-damaged` when no plaintext makes a payload of that size.
 */
export function plaintextSize(payloadBytes: number): number {
  const sealed = payloadBytes - nonceBytes;
  if (sealed < tagBytes) throw damaged('The payload is shorter than the shortest there is.');
  const segments = Math.ceil(sealed / sealedSegmentBytes);
  const last = sealed - (segments - 1) * sealedSegmentBytes;
  if (last < tagBytes) throw damaged('The payload ends inside a tag.');
  if (last === tagBytes && segments > 1) throw damaged('The last segment of the payload is empty.');
  return sealed - segments * tagBytes;
}

/**
 * The payload for `parts`, back to back, under a random nonce.
 *
 * @param fileKey 16 bytes, used for this payload and no other.
 */
export function seal(fileKey: Uint8Array, parts: readonly Uint8Array[]): Buffer {
  const target = Buffer.allocUnsafeSlow(payloadSize(totalLength(parts)));
  sealInto(target, 0, fileKey, parts);
  return target;
}

/** One segment with its tag, where segments come one by one. */
export function sealSegment(key: KeyObject, segment: Uint8Array, index: number, isLast: boolean): Buffer {
  const cipher = createCipheriv(cipherName, key, segmentNonce(Buffer.alloc(12), index, isLast), cipherOptions);
  return Buffer.concat([cipher.update(segment), cipher.final(), cipher.getAuthTag()]);
}

/**
 * As `seal`, into `target` from `start`, so that a header can stand before it without another copy.
 *
 * @returns the offset in `target` after the payload.
 */
export function sealInto(
  target: Uint8Array,
  start: number,
  fileKey: Uint8Array,
  parts: readonly Uint8Array[],
  nonce: Uint8Array = randomBytes(nonceBytes),
): number {
  const total = totalLength(parts);
  if (target.length - start < payloadSize(total)) {
    throw new HoldfastError('internal', 'The buffer for a sealed object is too small.');
  }
  const key = payloadKey(fileKey, nonce);
  const segments = segmentCount(total);
  const iv = Buffer.alloc(12);
  const next = segmentsOf(parts);
  target.set(nonce, start);
  let offset = start + nonceBytes;
  for (let index = 0; index < segments; index++) {
    const isLast = index === segments - 1;
    const cipher = createCipheriv(cipherName, key, segmentNonce(iv, index, isLast), cipherOptions);
    const sealed = cipher.update(next(isLast ? total - index * segmentBytes : segmentBytes));
    cipher.final();
    target.set(sealed, offset);
    offset += sealed.length;
    free(sealed);
    target.set(cipher.getAuthTag(), offset);
    offset += tagBytes;
  }
  return offset;
}

/**
 * The plaintext of a whole payload. Nothing of it is returned unless all of it is genuine.
 *
 * @throws HoldfastError `object-damaged`
 */
export function open(fileKey: Uint8Array, payload: Uint8Array): Buffer {
  const size = plaintextSize(payload.length);
  const key = payloadKey(fileKey, payload.subarray(0, nonceBytes));
  return openRange(key, payload.subarray(nonceBytes), { offset: 0, length: size }, size);
}

/**
 * The part of the payload that must be read to open `range` of its plaintext: whole segments, and at least one, so
 * that a range of no bytes is authenticated too.
 *
 * @param plaintextBytes size of the whole plaintext, from `plaintextSize`.
 * @throws HoldfastError `object-damaged` when the plaintext ends before the range does.
 */
export function coveringRange(range: Range, plaintextBytes: number): Range {
  const { first, last } = coveringSegments(range, plaintextBytes);
  const end = Math.min((last + 1) * sealedSegmentBytes, payloadSize(plaintextBytes) - nonceBytes);
  return { offset: nonceBytes + first * sealedSegmentBytes, length: end - first * sealedSegmentBytes };
}

/**
 * Opens `range` of the plaintext.
 *
 * A payload cut short is found when the range reaches its last segment, because the size then says "last" of a segment
 * that was not sealed as the last one. A range that stays before it says nothing about the end.
 *
 * @param segments exactly the bytes of `coveringRange(range, plaintextBytes)`.
 * @throws HoldfastError `object-damaged`
 */
export function openRange(key: KeyObject, segments: Uint8Array, range: Range, plaintextBytes: number): Buffer {
  const { first, last } = coveringSegments(range, plaintextBytes);
  if (segments.length !== coveringRange(range, plaintextBytes).length) {
    throw damaged('Fewer or more bytes were read than the range needs.');
  }
  const lastOfAll = segmentCount(plaintextBytes) - 1;
  const target = Buffer.allocUnsafeSlow(range.length);
  const iv = Buffer.alloc(12);
  let offset = 0;
  for (let index = first; index <= last; index++) {
    const end = Math.min(offset + sealedSegmentBytes, segments.length);
    const decipher = createDecipheriv(cipherName, key, segmentNonce(iv, index, index === lastOfAll), cipherOptions);
    decipher.setAuthTag(segments.subarray(end - tagBytes, end));
    const plain = decipher.update(segments.subarray(offset, end - tagBytes));
    try {
      decipher.final();
    } catch (cause) {
      throw damaged(`Segment ${index} of the payload is not what was sealed.`, cause);
    }
    const start = index * segmentBytes;
    const from = Math.max(range.offset - start, 0);
    const to = Math.min(range.offset + range.length - start, plain.length);
    if (to > from) target.set(plain.subarray(from, to), start + from - range.offset);
    free(plain);
    offset = end;
  }
  return target;
}

function segmentCount(plaintextBytes: number): number {
  return Math.max(1, Math.ceil(plaintextBytes / segmentBytes));
}

function coveringSegments(range: Range, plaintextBytes: number): { first: number; last: number } {
  const { offset, length } = range;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new HoldfastError('internal', 'A range has a whole offset and length, not below zero.');
  }
  if (offset + length > plaintextBytes) throw damaged('It ends before the range that was asked for.');
  const first = Math.min(Math.floor(offset / segmentBytes), segmentCount(plaintextBytes) - 1);
  return { first, last: Math.max(first, Math.ceil((offset + length) / segmentBytes) - 1) };
}

/** Writes the nonce of segment `index` into `iv`. 2^48 segments are 16 EiB, so its upper 5 bytes stay zero. */
function segmentNonce(iv: Buffer, index: number, isLast: boolean): Buffer {
  iv.writeUIntBE(index, 5, 6);
  iv[11] = isLast ? 1 : 0;
  return iv;
}

/** Hands out the parts' bytes in runs; copies only where a run crosses from one part to the next. */
function segmentsOf(parts: readonly Uint8Array[]): (length: number) => Uint8Array {
  let scratch: Buffer | undefined;
  let part = 0;
  let used = 0;
  return (length) => {
    while (part < parts.length && used === parts[part]!.length) {
      part++;
      used = 0;
    }
    const whole = parts[part]?.subarray(used, used + length);
    if (whole?.length === length) {
      used += length;
      return whole;
    }
    scratch ??= Buffer.allocUnsafeSlow(segmentBytes);
    let filled = 0;
    while (filled < length) {
      const piece = parts[part]!.subarray(used, used + length - filled);
      scratch.set(piece, filled);
      filled += piece.length;
      used += piece.length;
      if (used === parts[part]!.length) {
        part++;
        used = 0;
      }
    }
    return scratch.subarray(0, length);
  };
}

function totalLength(parts: readonly Uint8Array[]): number {
  let total = 0;
  for (const part of parts) total += part.length;
  return total;
}
