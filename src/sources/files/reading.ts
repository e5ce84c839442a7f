import { readSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import type { ByteText } from './byte-text.ts';
import { kindOf } from './kinds.ts';
import { closeDescriptor, type Facts, factsOf, openAt, openFlags } from './posix.ts';

/** Opens a file for reading without touching its access time, where this user may. */
export function openToRead(directory: number, name: ByteText): number {
  try {
    return openAt(directory, name, openFlags.read | openFlags.noAccessTime);
  } catch (error) {
    // Only the owner may leave the access time alone.
    if (systemCode(error) !== 'EPERM') throw error;
    return openAt(directory, name, openFlags.read);
  }
}

/**
 * Opens a regular file and looks at what was really opened: another thing may have taken its name since the walk saw it.
 *
 * @returns undefined when it is no regular file any more
 */
export function openRegular(directory: number, name: ByteText): { descriptor: number; facts: Facts } | undefined {
  const descriptor = openToRead(directory, name);
  try {
    const facts = factsOf(descriptor);
    if (kindOf(facts) === 'file') return { descriptor, facts };
  } catch (error) {
    closeDescriptor(descriptor);
    throw error;
  }
  closeDescriptor(descriptor);
  return undefined;
}

/**
 * Fills `room` from the file, from `offset` on.
 *
 * @returns bytes read; fewer than `room` has only where the file ends
 */
export function readFully(descriptor: number, room: Buffer, offset: number): number {
  let length = 0;
  while (length < room.length) {
    const read = readSync(descriptor, room, length, room.length - length, offset + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}
