import { randomBytes } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { isAlive, type LeaseHolder, thisProcess } from '../../repository/lease-holder.ts';
import { syncDirectory } from '../../sites/durable-files.ts';
import { type ByteText, byteText } from '../../sources/files/byte-text.ts';
import { kindOf } from '../../sources/files/kinds.ts';
import {
  changeModeAt,
  closeDescriptor,
  exchangeAt,
  factsAt,
  openAt,
  openFlags,
  removeAt,
} from '../../sources/files/posix.ts';
import { targetError } from '../../sources/files/target-errors.ts';

/** In the name of every directory in which a copy is being made. */
const mark = '.holdfast-unfinished-';
const ownerFile = 'owner.json';
const treeName = 'tree';

/** A directory beside the target, on the same file system, in which a copy is made. Disposing of it removes what is left. */
export interface Unfinished extends Disposable {
  /** Empty at first, for this user alone. */
  readonly tree: string;
  /** Gives the tree the name of the target; it is durable afterwards. @throws HoldfastError `target-exists`, `target-failed` */
  finish(): Promise<void>;
}

/**
 * Makes the directory in which a copy is made, after removing those that killed runs left beside the same target.
 *
 * @param target absolute; must not exist, or be an empty directory
 * @param replace or be a tree that was made so, which then gives up its name to the new one in one step; a record beside it
 *   tells those
 * @throws HoldfastError `target-exists`, `target-failed`
 */
export async function beginUnfinished(target: string, emit: Emit, replace = false): Promise<Unfinished> {
  const parent = dirname(target);
  const start = `.${basename(target).slice(0, 128)}${mark}`;
  const record = join(parent, `.${basename(target).slice(0, 128)}.holdfast-copy.json`);
  const isTaken = async () => {
    if (isFree(target)) return false;
    if (replace && (await recorded(record)).includes(identityOf(target))) return true;
    throw exists(target);
  };
  try {
    await isTaken();
    await mkdir(parent, { recursive: true });
    for (const name of await readdir(parent)) if (name.startsWith(start)) await removeLeft(join(parent, name), emit);
    const directory = join(parent, start + randomBytes(8).toString('hex'));
    const tree = join(directory, treeName);
    await mkdir(directory, { mode: 0o700 });
    await writeFile(join(directory, ownerFile), JSON.stringify(thisProcess()), { mode: 0o600 });
    await mkdir(tree, { mode: 0o700 });
    return {
      tree,
      async finish() {
        try {
          const own = identityOf(tree);
          if (await isTaken()) {
            // Whichever of the two a kill leaves under the name, the next run knows it.
            await writeRecord(record, [identityOf(target), own]);
            await exchange(tree, target);
          } else {
            if (replace) await writeRecord(record, [own]);
            await rename(tree, target);
          }
          await syncDirectory(parent);
          if (replace) await writeRecord(record, [own]);
        } catch (error) {
          if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw exists(target);
          throw targetError(error, target);
        }
      },
      [Symbol.dispose]: () => removeAll(directory),
    };
  } catch (error) {
    throw targetError(error, target);
  }
}

function isFree(target: string): boolean {
  const found = lstatSync(target, { throwIfNoEntry: false });
  return found === undefined || (found.isDirectory() && readdirSync(target).length === 0);
}

/** Tells a directory from any other that has, or will have, its name. */
function identityOf(path: string): string {
  const { dev, ino, birthtimeNs } = lstatSync(path, { bigint: true });
  return `${dev} ${ino} ${birthtimeNs}`;
}

async function recorded(record: string): Promise<string[]> {
  try {
    const found: unknown = JSON.parse(await readFile(record, 'utf8'));
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return [];
  }
}

async function writeRecord(record: string, identities: readonly string[]): Promise<void> {
  const temporary = `${record}.new`;
  await using handle = await open(temporary, 'w', 0o600);
  await handle.writeFile(JSON.stringify(identities));
  await handle.sync();
  await rename(temporary, record);
  await syncDirectory(dirname(record));
}

/** Where the file system cannot exchange two names, the target is missing for a moment. */
async function exchange(tree: string, target: string): Promise<void> {
  const [from, to] = [tree, target].map((path) => openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY));
  try {
    exchangeAt(from!, byteText(basename(tree)), to!, byteText(basename(target)));
  } catch (error) {
    if (!['EINVAL', 'ENOSYS'].includes(systemCode(error) ?? '')) throw error;
    await rename(target, `${tree}.replaced`);
    await rename(tree, target);
  } finally {
    closeSync(from!);
    closeSync(to!);
  }
}

function exists(target: string): HoldfastError {
  return new HoldfastError('target-exists', `The target ${target} exists.`, {
    why: 'It is not an empty directory.',
    hint: 'Name a directory that is empty or does not exist.',
  });
}

/** Removes what a run left that is gone; warns of what might belong to one that is not. */
async function removeLeft(directory: string, emit: Emit): Promise<void> {
  const found = await lstat(directory).catch(() => undefined);
  if (!found?.isDirectory() || found.uid !== process.getuid?.()) return;
  let holder: LeaseHolder | undefined;
  try {
    holder = JSON.parse(readFileSync(join(directory, ownerFile), 'utf8')) as LeaseHolder;
  } catch {
    // It was killed at once, or begins just now: then this does not remove it.
    await rmdir(directory).catch(() => {});
    return;
  }
  if (isGone(holder)) return removeAll(directory);
  if (isAlive(holder) === true) return;
  emit({
    type: 'warning',
    text: `${directory} is an unfinished copy, and it cannot be told whether it is still being made.`,
    hint: 'Remove it when no other run is making a copy there.',
  });
}

function isGone(holder: LeaseHolder): boolean {
  const here = thisProcess();
  // Of a machine that has started anew, no process is left. The id of a boot goes before that of a pid namespace.
  const boots = [holder, here].map(({ bootId }) => String(bootId).split('.')[0]!);
  const rebooted = holder.host === here.host && boots[0] !== boots[1] && !boots.join().includes('unknown');
  return rebooted || isAlive(holder) === false;
}

/** Removes a directory with all it holds, following nothing, whatever its modes are and however long its paths. */
function removeAll(directory: string): void {
  const parent = openSync(dirname(directory), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    removeDirectory(parent, byteText(basename(directory)));
  } finally {
    closeSync(parent);
  }
}

function removeDirectory(parent: number, name: ByteText): void {
  try {
    changeModeAt(parent, name, 0o700);
    const descriptor = openAt(parent, name, openFlags.directory);
    try {
      for (const inner of readdirSync(`/proc/self/fd/${descriptor}`, 'latin1')) {
        if (kindOf(factsAt(descriptor, inner)) === 'directory') removeDirectory(descriptor, inner);
        else removeAt(descriptor, inner, 'other');
      }
    } finally {
      closeDescriptor(descriptor);
    }
    removeAt(parent, name, 'directory');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
