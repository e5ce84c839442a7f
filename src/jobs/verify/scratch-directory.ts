/** The directory in which scratches lie, and private directories for trees and outputs in it. */
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { ownerLives, ownMark, readMark, writeMark } from '../../sources/postgres/owner-mark.ts';
import { removeLeakedThrowaways } from '../../sources/postgres/throwaway.ts';
import type { OpenScratch } from './scratch.ts';
import { assertRoom } from './scratch-room.ts';

/**
 * ```
 * <directory>/                  0711, ours: the account of a scratch server must pass
 *   pg-<random>/                a scratch cluster, with its owner.json
 *   files-<random>/             0700
 *     owner.json                whose it is, so that what a killed run left is found
 *     restored/                 the tree, or the output
 * ```
 */
const markName = 'owner.json';
const prefix = 'files-';

/**
 * Makes the directory, unless it is there, and ours alone to write to.
 *
 * @throws HoldfastError `could-not-verify` when it cannot be used, or is somebody else's: what is restored there is clear text
 */
export async function prepareScratchParent(directory: string): Promise<void> {
  let why: string | undefined;
  try {
    const made = await mkdir(directory, { recursive: true, mode: 0o711 });
    // Whatever the umask of whoever runs this.
    if (made !== undefined) await chmod(directory, 0o711);
    const stat = await lstat(directory);
    if (!stat.isDirectory()) why = 'It is no directory.';
    else if (stat.uid !== process.geteuid?.())
      why = 'It belongs to another account, which could read what is restored.';
    else if ((stat.mode & 0o022) !== 0)
      why = 'Others may write to it, and could put something in the place of a scratch.';
  } catch (error) {
    why = `The system says ${systemCode(error) ?? 'that it failed'}.`;
  }
  if (why === undefined) return;
  throw new HoldfastError('could-not-verify', `The scratch directory ${directory} cannot be used.`, {
    why,
    hint: 'Name another one: --scratch-dir, or verify.scratch.directory in the configuration.',
  });
}

/** A path for a scratch cluster in it. */
export function clusterPath(directory: string): string {
  return join(directory, `pg-${randomBytes(6).toString('hex')}`);
}

/** A private directory; what is restored goes to `path` in it. */
export interface DirectoryScratch extends OpenScratch {
  readonly path: string;
}

/**
 * Makes a private directory, once there is room for what is restored into it.
 *
 * @param needed bytes
 * @param limit of them, from the configuration
 * @throws HoldfastError `could-not-verify`
 */
export async function openDirectoryScratch(
  directory: string,
  needed: number,
  limit: number | undefined,
): Promise<DirectoryScratch> {
  await prepareScratchParent(directory);
  await assertRoom(directory, needed, limit);
  const own = join(directory, `${prefix}${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(own, { mode: 0o700 });
    await writeMark(join(own, markName), await ownMark(''));
  } catch (error) {
    await removeTree(own).catch(() => {});
    throw new HoldfastError('could-not-verify', `No scratch could be made in ${directory}.`, {
      why: `The system says ${systemCode(error) ?? 'that it failed'}.`,
      hint: 'Make room there, or name another directory with --scratch-dir.',
      cause: error,
    });
  }
  let isKept = false;
  const report: OpenScratch['report'] = { kind: 'directory' };
  const path = join(own, 'restored');
  return {
    report,
    path,
    place: { kind: 'directory', path },
    notes: [],
    keep: async () => {
      await writeMark(join(own, `${markName}.new`), { ...(await ownMark('')), kept: true });
      await rename(join(own, `${markName}.new`), join(own, markName));
      isKept = true;
      report.kept = path;
      report.remove = `rm -rf ${own}`;
    },
    [Symbol.asyncDispose]: async () => {
      if (!isKept) await removeTree(own);
    },
  };
}

/**
 * Removes what runs that were killed left in the directory. What cannot be removed is told, and stops nothing.
 *
 * @param now milliseconds since the epoch
 */
export async function removeLeakedScratches(directory: string, emit: Emit, now: number): Promise<void> {
  const tell = (error: unknown) => {
    const why = error instanceof HoldfastError ? error.message : `the system says ${systemCode(error)}`;
    emit({ type: 'warning', text: `A scratch of an earlier run is left in ${directory}: ${why}` });
  };
  try {
    const removed = await removeLeakedThrowaways(directory);
    for (const path of removed) emit({ type: 'note', text: `Removed what a killed run left behind: ${path}` });
  } catch (error) {
    tell(error);
  }
  for (const name of await readdir(directory).catch(() => [])) {
    if (!/^(files|pg)-[0-9a-f]{12}$/.test(name)) continue;
    const path = join(directory, name);
    try {
      if (await isOwned(path, now)) continue;
      await removeTree(path);
      emit({ type: 'note', text: `Removed what a killed run left behind: ${path}` });
    } catch (error) {
      tell(error);
    }
  }
}

/** One that has no mark may be about to get it. */
const markPatienceMs = 60_000;

/** Somebody's, or not ours to judge. One that was killed before it had a whole mark holds nothing else. */
async function isOwned(path: string, now: number): Promise<boolean> {
  const stat = await lstat(path);
  if (!stat.isDirectory() || stat.uid !== process.geteuid?.()) return true;
  const mark = await readMark(join(path, markName));
  // Clusters with a mark were dealt with before.
  if (mark !== undefined) return mark.socketDirectory !== '' || mark.kept === true || (await ownerLives(mark));
  const isEmpty = (await readdir(path)).every((name) => name === markName);
  return !isEmpty || now - stat.mtimeMs < markPatienceMs;
}

/** Also a tree whose directories deny their owner what removing takes. */
async function removeTree(path: string): Promise<void> {
  const all = { recursive: true, force: true, maxRetries: 3 } as const;
  try {
    await rm(path, all);
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error;
    await execa('find', [path, '-type', 'd', '-exec', 'chmod', 'u+rwx', '{}', ';'], { reject: false, stdin: 'ignore' });
    await rm(path, all);
  }
}
