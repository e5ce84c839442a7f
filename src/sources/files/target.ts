import { closeSync, constants, fsyncSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { kindOf } from './kinds.ts';
import { markerName, markerText } from './marker.ts';
import {
  changeMode,
  changeModeAt,
  closeDescriptor,
  factsAt,
  factsOf,
  openAt,
  openFlags,
  removeAt,
  removeAttribute,
} from './posix.ts';
import { targetError } from './target-errors.ts';

/**
 * Makes the directory that a restore writes into, or takes an empty one, and puts the marker of an unfinished restore there. Nobody
 * else may enter it until the restore gives it its own mode.
 *
 * @param overwrite also take one in which a restore was interrupted, and empty it
 * @returns its descriptor, and the mode it had
 * @throws HoldfastError `target-exists` when it holds anything else, `target-failed`
 */
export function openTarget(path: string, overwrite: boolean): { descriptor: number; mode: number } {
  let descriptor: number | undefined;
  try {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EEXIST' || code === 'ENOTDIR') throw exists(path, 'It is not a directory.');
      throw error;
    }
    const names = readdirSync(`/proc/self/fd/${descriptor}`, 'latin1');
    const interrupted = names.includes(markerName);
    if (names.length > 0 && !interrupted) throw exists(path, 'It is not empty.');
    if (interrupted && !overwrite) {
      throw new HoldfastError('target-exists', `A restore into ${path} did not end.`, {
        why: `The file ${markerName} in it says so.`,
        hint: 'Choose another target, or say --overwrite to empty this one and begin again.',
      });
    }
    // After an interruption it is 0700, whatever it was before.
    const mode = factsOf(descriptor).mode & 0o7777;
    changeMode(descriptor, 0o700);
    // What is made in it would take these over.
    for (const name of ['system.posix_acl_default', 'system.posix_acl_access']) dropAttribute(descriptor, name);
    if (interrupted) empty(descriptor, [markerName]);
    else mark(descriptor);
    return { descriptor, mode };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw targetError(error, path);
  }
}

function exists(path: string, why: string): HoldfastError {
  return new HoldfastError('target-exists', `The target ${path} exists.`, {
    why,
    hint: 'Name a directory that is empty or does not exist.',
  });
}

/** Durable before anything else is, so that no half of a tree ever looks like a whole one. */
function mark(target: number): void {
  const marker = openAt(target, markerName, openFlags.create, 0o600);
  try {
    writeSync(marker, markerText);
    fsyncSync(marker);
  } finally {
    closeDescriptor(marker);
  }
  fsyncSync(target);
}

export function unmark(target: number): void {
  removeAt(target, markerName, 'other');
}

function dropAttribute(descriptor: number, name: string): void {
  try {
    removeAttribute(descriptor, name);
  } catch (error) {
    if (!['ENODATA', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemCode(error) ?? '')) throw error;
  }
}

/** Removes all that a directory holds, following nothing. */
function empty(directory: number, keep: readonly string[] = []): void {
  for (const name of readdirSync(`/proc/self/fd/${directory}`, 'latin1')) {
    if (keep.includes(name)) continue;
    if (kindOf(factsAt(directory, name)) !== 'directory') {
      removeAt(directory, name, 'other');
      continue;
    }
    const inner = openWritable(directory, name);
    try {
      empty(inner);
    } finally {
      closeDescriptor(inner);
    }
    removeAt(directory, name, 'directory');
  }
}

/** A directory that got its final mode before the interruption may deny what emptying it needs. */
function openWritable(directory: number, name: string): number {
  try {
    const descriptor = openAt(directory, name, openFlags.directory);
    changeMode(descriptor, 0o700);
    return descriptor;
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error;
    changeModeAt(directory, name, 0o700);
    return openAt(directory, name, openFlags.directory);
  }
}
