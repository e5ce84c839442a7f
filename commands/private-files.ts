/** Files that must not exist yet, and that only their owner may read. All are made, or none. */
import { lstat, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, systemCode } from '../src/base/errors.ts';

export interface NewFile {
  /** Absolute. */
  path: string;
  content: string;
  /** What it is, for messages: `the identity of anna`. */
  what: string;
  /** Default 0600. */
  mode?: number;
}

/**
 * Makes the files and the directories they lie in, in order, and leaves them once `scope` has resolved; when anything
 * fails before, what was made is taken away again.
 *
 * @throws HoldfastError `target-exists` when one of them is there already: then nothing was touched
 */
export async function withNewFiles<T>(files: readonly NewFile[], scope: () => Promise<T>): Promise<T> {
  for (const file of files) await refuseExisting(file);
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const file of files) {
      await makeDirectories(dirname(file.path), undo);
      await makeFile(file, undo);
    }
    for (const directory of new Set(files.map(({ path }) => dirname(path)))) await syncDirectory(directory);
    return await scope();
  } catch (error) {
    // What cannot be taken away must not hide why it was to be.
    for (const step of undo.reverse()) await step().catch(() => {});
    throw error;
  }
}

async function refuseExisting({ path, what }: NewFile): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return;
    throw notMade(path, error);
  }
  throw existsAlready(path, what);
}

function existsAlready(path: string, what: string): HoldfastError {
  return new HoldfastError('target-exists', `${path} exists already.`, {
    why: `It would become ${what}, and nothing is ever overwritten.`,
    hint: 'Move it away if it is no longer wanted, or choose another place.',
  });
}

async function makeDirectories(directory: string, undo: (() => Promise<void>)[]): Promise<void> {
  try {
    const first = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    const made: string[] = [];
    for (let at = directory; at.length >= first.length; at = dirname(at)) made.push(at);
    for (const path of made.reverse()) undo.push(() => rmdir(path));
  } catch (error) {
    throw notMade(directory, error);
  }
}

async function makeFile({ path, content, what, mode = 0o600 }: NewFile, undo: (() => Promise<void>)[]): Promise<void> {
  try {
    await using file = await open(path, 'wx', mode);
    undo.push(() => rm(path));
    await file.writeFile(content);
    // Whatever the umask.
    await file.chmod(mode);
    await file.sync();
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw existsAlready(path, what);
    throw notMade(path, error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

function notMade(path: string, cause: unknown): HoldfastError {
  const reasons: Record<string, string> = {
    EACCES: 'Permission is denied.',
    EPERM: 'It is not permitted.',
    ENOSPC: 'The disk is full.',
    EROFS: 'The file system is read-only.',
    ENOTDIR: 'Part of its path is a file.',
    EEXIST: 'Part of its path is a file.',
  };
  const code = systemCode(cause);
  return new HoldfastError('failed', `${path} cannot be made.`, {
    why: reasons[code ?? ''] ?? `The system says ${code ?? 'nothing more'}.`,
    cause,
  });
}
