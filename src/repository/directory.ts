import { HoldfastError } from '../base/errors.ts';
import { idLength } from './frame.ts';

/**
 * The directory that ends every pack: a zstd skippable frame (RFC 8878 §3.1.2), so that `zstd -d` passes over it and
 * every index object can be rebuilt from packs alone. Layout: docs/format.md §4.
 */

const skippableMagic = 0x184d2a50;
const directoryMagic = 0x31444648; // "HFD1" read as a little-endian word
const headerLength = 8 + 8;
const entryLength = idLength + 8;
const trailerLength = 8;

export interface PackEntry {
  /** 32 bytes */
  id: Buffer;
  /** Bytes of the frame. */
  length: number;
  /** Bytes of the chunk in it. */
  rawLength: number;
}

/** Bytes that the trailer takes at the end of a pack's plaintext; reading them tells where the directory starts. */
export const directoryTrailerLength = trailerLength;

/**
 * Encodes the directory, padded so that the pack's plaintext has a Padmé length: sizes then tell an outsider
 * O(log log n) bits (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PETS 2019).
 *
 * @param framesLength bytes of all frames before the directory
 */
export function encodeDirectory(entries: readonly PackEntry[], framesLength: number): Buffer {
  const bare = headerLength + entries.length * entryLength + trailerLength;
  const total = padme(framesLength + bare) - framesLength;
  const bytes = Buffer.alloc(total);
  bytes.writeUInt32LE(skippableMagic, 0);
  bytes.writeUInt32LE(total - 8, 4);
  bytes.writeUInt32LE(directoryMagic, 8);
  bytes.writeUInt32LE(entries.length, 12);
  let at = headerLength;
  for (const entry of entries) {
    bytes.set(entry.id, at);
    bytes.writeUInt32LE(entry.length, at + idLength);
    bytes.writeUInt32LE(entry.rawLength, at + idLength + 4);
    at += entryLength;
  }
  bytes.writeUInt32LE(total, total - 8);
  bytes.writeUInt32LE(directoryMagic, total - 4);
  return bytes;
}

/** Bytes of the directory, from the last `directoryTrailerLength` bytes of a pack's plaintext. */
export function directoryLength(trailer: Uint8Array): number {
  const bytes = view(trailer);
  if (trailer.length < trailerLength || bytes.readUInt32LE(trailer.length - 4) !== directoryMagic)
    throw damaged('has no directory');
  return bytes.readUInt32LE(trailer.length - 8);
}

/**
 * Decodes a directory and holds it against itself and against the room its frames have.
 *
 * @param directory the whole skippable frame
 * @param framesLength bytes of the plaintext before it
 * @throws HoldfastError `object-damaged`
 */
export function decodeDirectory(directory: Uint8Array, framesLength: number): PackEntry[] {
  const bytes = view(directory);
  if (bytes.length < headerLength + trailerLength) throw damaged('has a directory that is too short');
  const count = bytes.readUInt32LE(12);
  if (
    bytes.readUInt32LE(0) !== skippableMagic ||
    bytes.readUInt32LE(4) !== bytes.length - 8 ||
    bytes.readUInt32LE(8) !== directoryMagic ||
    directoryLength(bytes) !== bytes.length ||
    headerLength + count * entryLength + trailerLength > bytes.length
  ) {
    throw damaged('has a directory that contradicts itself');
  }
  const entries: PackEntry[] = [];
  let sum = 0;
  for (let i = 0, at = headerLength; i < count; i++, at += entryLength) {
    const length = bytes.readUInt32LE(at + idLength);
    sum += length;
    entries.push({
      id: Buffer.from(bytes.subarray(at, at + idLength)),
      length,
      rawLength: bytes.readUInt32LE(at + idLength + 4),
    });
  }
  if (sum !== framesLength) throw damaged('has a directory that does not fit its frames');
  return entries;
}

/** The Padmé length for `length` bytes: at most 12 % more, less the longer it is. */
export function padme(length: number): number {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const significant = Math.floor(Math.log2(exponent)) + 1;
  const unit = 2 ** Math.max(0, exponent - significant);
  return Math.ceil(length / unit) * unit;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(what: string): HoldfastError {
  return new HoldfastError('object-damaged', `A pack ${what}.`);
}
