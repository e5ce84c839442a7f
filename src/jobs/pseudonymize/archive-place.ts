/** Where an archive lies: under a name of its own until it is whole, and under its final one from one moment to the next. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, link, lstat, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { syncDirectory } from '../../sites/durable-files.ts';
import { ownerLives, ownMark } from '../../sources/postgres/owner-mark.ts';
import { machineOf } from '../verify/scratch-server.ts';

/**
 * ```
 * <file>                                             the archive, once it is whole
 * <file>.<machine>-<pid>-<start>-<random>.partial    one that is being written; a file of 0600, a directory of 0700
 * <file>.<machine>-<pid>-<start>-<random>.replaced   a directory that has just given up its name
 * ```
 */
export interface ArchivePlace extends AsyncDisposable {
  /** Path to write to; an empty file, or an empty directory. */
  readonly partial: string;
  /** Makes what was written durable, and gives it its final name. @throws HoldfastError `target-exists`, `target-failed` */
  publish(): Promise<void>;
  /** Removes it, unless it is published. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ArchiveName {
  /** Absolute. */
  file: string;
  kind: 'file' | 'directory';
  /** Whether an archive that has the name gives it up; nothing else ever does. */
  overwrite: boolean;
}

const ending = /^\.([0-9a-f]{6})-([0-9a-z]{1,6})-([0-9a-z]{1,13})-[0-9a-f]{8}\.(partial|replaced)$/;

/**
 * Looks at the name, removes what killed runs left beside it, and makes what is written to.
 *
 * @throws HoldfastError `target-exists`, `target-failed`
 */
export async function claimArchive(name: ArchiveName, emit: Emit): Promise<ArchivePlace> {
  const { file, kind } = name;
  await clearLeftovers(file, emit);
  await assertFree(name);
  const { pid, startTime } = await ownMark('');
  const owner = [machineOf(), pid.toString(36), Number(startTime || 0).toString(36), randomBytes(4).toString('hex')];
  const own = `${file}.${owner.join('-')}`;
  const partial = `${own}.partial`;
  try {
    if (kind === 'directory') await mkdir(partial, { mode: 0o700 });
    else await (await open(partial, 'wx', 0o600)).close();
  } catch (error) {
    throw notWritten(file, error);
  }
  let isPublished = false;
  return {
    partial,
    publish: async () => {
      try {
        if (kind === 'directory') await publishDirectory(name, partial, `${own}.replaced`);
        else await publishFile(name, partial);
        isPublished = true;
        await syncDirectory(dirname(file));
      } catch (error) {
        throw notWritten(file, error);
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (!isPublished) await rm(partial, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** What the system refused, in words. Our own errors pass. */
export function notWritten(file: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return fullDisk(file, error);
  return new HoldfastError('target-failed', `The archive ${file} could not be written.`, {
    why: `The system says ${code ?? 'that it failed'}.`,
    hint: 'Check that its directory is there, its permissions and its disk.',
    cause: error,
  });
}

export function fullDisk(file: string, cause?: unknown): HoldfastError {
  return new HoldfastError('target-failed', `The archive ${file} could not be written.`, {
    why: 'Its disk is full.',
    hint: 'Make room there, or name a file on a larger disk. Nothing of it was left.',
    cause,
  });
}

/** @throws HoldfastError `target-exists`; `target-failed` */
async function assertFree({ file, kind, overwrite }: ArchiveName): Promise<void> {
  const stat = await lstat(file).catch((error) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw notWritten(file, error);
  });
  if (stat === undefined) return;
  const exists = (why: string, hint: string) => {
    throw new HoldfastError('target-exists', `${file} exists already.`, { why, hint });
  };
  if (!overwrite) exists('An archive never goes over something that is there.', 'Name another file, or --overwrite.');
  if (kind === 'file' ? stat.isFile() : stat.isDirectory() && (await isArchive(file))) return;
  exists(
    kind === 'file' ? 'It is no regular file.' : 'It is no directory that pg_dump made, with nothing else in it.',
    'Only an archive of the same form is replaced. Name another file.',
  );
}

/** Whether everything in a directory is what pg_dump writes there: else something of somebody would be removed with it. */
async function isArchive(directory: string): Promise<boolean> {
  const names = await readdir(directory);
  const parts = /^(toc\.dat|blobs(_\d+)?\.toc|(blob_)?\d+\.dat(\.(gz|lz4|zst))?)$/;
  return names.length === 0 || (names.includes('toc.dat') && names.every((name) => parts.test(name)));
}

/** Those of this machine whose process is gone. What cannot be removed is told, and stops nothing. */
async function clearLeftovers(file: string, emit: Emit): Promise<void> {
  const [directory, base] = [dirname(file), basename(file)];
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.startsWith(`${base}.`)) continue;
    const [, machine, pid, start, what] = ending.exec(name.slice(base.length)) ?? [];
    if (machine !== machineOf()) continue;
    const path = join(directory, name);
    const startTime = String(Number.parseInt(start!, 36));
    if (await ownerLives({ pid: Number.parseInt(pid!, 36), startTime, socketDirectory: '' })) continue;
    try {
      if ((await lstat(path)).uid !== process.geteuid?.()) continue;
      if (what === 'replaced' && !(await isThere(file))) {
        await rename(path, file);
        emit({ type: 'note', text: `Gave ${file} back its name, which a killed run had taken.` });
        continue;
      }
      await rm(path, { recursive: true, force: true });
      emit({ type: 'note', text: `Removed what a killed run left behind: ${path}` });
    } catch (error) {
      emit({ type: 'warning', text: `What a killed run left cannot be removed: ${path} (${systemCode(error)})` });
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function publishFile(name: ArchiveName, partial: string): Promise<void> {
  const { file, overwrite } = name;
  await syncFile(partial);
  if (!overwrite) {
    try {
      // Unlike renaming it never goes over what somebody put there meanwhile.
      await link(partial, file);
      await unlink(partial);
      return;
    } catch (error) {
      if (systemCode(error) === 'EEXIST') await assertFree(name);
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCode(error) ?? '')) throw error;
    }
  }
  await assertFree(name);
  await rename(partial, file);
}

async function publishDirectory(name: ArchiveName, partial: string, aside: string): Promise<void> {
  const { file } = name;
  for (const part of await readdir(partial)) await syncFile(join(partial, part));
  await syncDirectory(partial);
  await assertFree(name);
  if (!(await isThere(file))) return rename(partial, file);
  await rename(file, aside);
  try {
    await rename(partial, file);
  } catch (error) {
    await rename(aside, file);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
