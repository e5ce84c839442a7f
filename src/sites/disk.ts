/**
 * A site in a directory: a second disk, a mounted share.
 *
 * An object is written to `.tmp/`, synced, and given its name by link(2), the one call that is both atomic for readers
 * and exclusive among writers of any process; then the directory is synced. A killed writer leaves a file in `.tmp/`,
 * never a part of an object.
 *
 * Filesystems without hard links (FAT, exFAT, some FUSE) are refused in words at the first create. Every substitute is
 * worse: O_EXCL on the final name shows readers a growing file, a lock beside it outlives a killed writer, and
 * rename(2) overwrites. They can still be read, so a repository copied to such a disk restores.
 *
 * Symbolic links below the site's directory are neither followed nor taken for objects.
 */
import { close, constants, fstat, fstatSync, open as openDescriptor } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import { promisify } from 'node:util';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { closed, damaged, isMissing, obstructed, siteError } from './disk-errors.ts';
import { fileSize, listDirectory, subdirectories } from './disk-listing.ts';
import { removeStaleTemporaries, temporaryName } from './disk-temporaries.ts';
import { makeDurably, syncDirectory, writeAll } from './durable-files.ts';
import { assertObjectName, assertPrefix, assertRange, isObjectName, temporaryDirectory } from './names.ts';
import type { ByteRange, ListedObject, ObjectStat, Site } from './site.ts';

export interface DiskSiteOptions {
  /** The site's name, for messages. */
  name: string;
  /** Its directory. May be a symbolic link itself. */
  path: string;
  /** Make the directory when it is missing. Off by default: a disk that is not mounted must not be mistaken for a new one. */
  create?: boolean;
}

/** Bytes asked for in one call; the system gives less than 2 GiB at a time. */
const readAtOnce = 1024 ** 3;

/**
 * Opens a site in a directory, and removes the unfinished uploads that killed writers left there.
 *
 * @throws HoldfastError `no-repository` when the directory is missing and `create` is off, `site-unavailable`
 */
export async function openDiskSite(options: DiskSiteOptions): Promise<Site> {
  const path = resolve(options.path);
  try {
    if (options.create) await makeDurably(path);
    const root = await realpath(path);
    const descriptor = await promisify(openDescriptor)(root, constants.O_RDONLY | constants.O_DIRECTORY);
    const { dev, ino } = await promisify(fstat)(descriptor);
    await removeStaleTemporaries(join(root, temporaryDirectory));
    return new DiskSite(options.name, root, { descriptor, dev, ino });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new HoldfastError('no-repository', `The directory ${path} of the site "${options.name}" does not exist.`, {
        hint: 'Check that its disk is mounted; for a new site, run holdfast init.',
        cause: error,
      });
    }
    throw siteError(options.name, `The site "${options.name}" at ${path} could not be opened.`, error);
  }
}

/** The site's directory, held open: its disk cannot be unmounted under a run, and a forced unmount is noticed. */
interface Root {
  descriptor: number;
  dev: number;
  ino: number;
}

class DiskSite implements Site {
  readonly name: string;
  readonly #path: string;
  #root: Root | undefined;
  /** Directories that this process made, or found, and synced up to the root. */
  readonly #durable = new Map<string, Promise<void>>();
  /** Directories known to be no symbolic links. */
  readonly #real = new Set<string>(['']);

  constructor(name: string, path: string, root: Root) {
    this.name = name;
    this.#path = path;
    this.#root = root;
  }

  async create(name: string, body: Uint8Array | readonly Uint8Array[]): Promise<'created' | 'exists'> {
    assertObjectName(name);
    return this.#attempt(`${name} could not be stored at the site "${this.name}".`, async () => {
      await this.#checkRoot();
      // Saves the writing; only link() below decides.
      if (await this.#occupied(name)) return this.#exists(name);
      // A failure up to link() leaves nothing under the name; one after it, a whole object that others may rely on.
      const outcome = await this.#withTemporary(body, async (temporary, handle) => {
        const linked = await this.#link(temporary, name);
        if (linked === 'created') return linked;
        // NFS can lose the answer to a link that was made, and say EEXIST when it asks again.
        return (await handle.stat()).nlink > 1 ? 'created' : 'exists';
      });
      if (outcome === 'exists') return this.#exists(name);
      await syncDirectory(this.#absolute(directoryOf(name)));
      return outcome;
    });
  }

  async replace(name: string, body: Uint8Array): Promise<void> {
    assertObjectName(name);
    await this.#attempt(`${name} could not be stored at the site "${this.name}".`, async () => {
      await this.#checkRoot();
      await this.#occupied(name);
      await this.#withTemporary(body, (temporary) =>
        this.#intoDirectory(name, () => rename(temporary, this.#absolute(name))),
      );
      await syncDirectory(this.#absolute(directoryOf(name)));
    });
  }

  async read(name: string, range?: ByteRange): Promise<Buffer> {
    assertObjectName(name);
    if (range) assertRange(range);
    return this.#attempt(`${name} could not be read at the site "${this.name}".`, async () => {
      const object = await this.#openObject(name);
      if (!object) {
        throw new HoldfastError('object-missing', `There is no ${name} at the site "${this.name}".`);
      }
      const { handle, size } = object;
      try {
        const { offset, length } = range ?? { offset: 0, length: size };
        if (offset + length > size) {
          throw damaged(this.name, name, `It has ${size} bytes; ${length} were needed from byte ${offset} on.`);
        }
        const bytes = Buffer.allocUnsafeSlow(length);
        for (let done = 0; done < length; ) {
          const wanted = Math.min(length - done, readAtOnce);
          const { bytesRead } = await handle.read(bytes, done, wanted, offset + done);
          if (bytesRead === 0) {
            throw damaged(this.name, name, `It ended at byte ${offset + done} of the ${size} it should have.`);
          }
          done += bytesRead;
        }
        return bytes;
      } finally {
        await handle.close();
      }
    });
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    assertObjectName(name);
    return this.#attempt(`${name} could not be looked up at the site "${this.name}".`, async () => {
      const size = (await this.#isReal(directoryOf(name))) ? await fileSize(this.#absolute(name)) : undefined;
      if (size !== undefined) return { size };
      await this.#checkRoot();
      return undefined;
    });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    assertPrefix(prefix);
    try {
      await this.#checkRoot();
      const directory = prefix.replace(/\/$/, '');
      if (await this.#isReal(directory)) yield* listDirectory(this.#path, directory);
      // Unmounted meanwhile, it would have looked like fewer objects.
      await this.#checkRoot();
    } catch (error) {
      throw siteError(this.name, `The objects at the site "${this.name}" could not be listed.`, error);
    }
  }

  async directories(prefix: string): Promise<string[]> {
    assertPrefix(prefix);
    return this.#attempt(`The directories at the site "${this.name}" could not be listed.`, async () => {
      await this.#checkRoot();
      const directory = prefix.replace(/\/$/, '');
      const found = (await this.#isReal(directory)) ? await subdirectories(this.#absolute(directory)) : [];
      await this.#checkRoot();
      return found.filter((name) => isObjectName(prefix + name));
    });
  }

  async remove(name: string): Promise<void> {
    assertObjectName(name);
    await this.#attempt(`${name} could not be removed at the site "${this.name}".`, async () => {
      await this.#checkRoot();
      const directory = directoryOf(name);
      if (!(await this.#isReal(directory))) return;
      try {
        const path = this.#absolute(name);
        if ((await fileSize(path)) !== undefined) await unlink(path);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
      // Also when nothing was there: whoever removed it may have been killed before this.
      await syncDirectory(this.#absolute(directory)).catch((error) => {
        if (!isMissing(error)) throw error;
      });
    });
  }

  async close(): Promise<void> {
    const root = this.#root;
    this.#root = undefined;
    if (root) await promisify(close)(root.descriptor);
  }

  async #attempt<T>(failure: string, work: () => Promise<T>): Promise<T> {
    try {
      if (!this.#root) throw closed(this.name);
      return await work();
    } catch (error) {
      throw siteError(this.name, failure, error);
    }
  }

  #absolute(name: string): string {
    return name === '' ? this.#path : join(this.#path, name);
  }

  /** Without this, an unmounted disk reads as a site that has lost everything, and is written beside. */
  async #checkRoot(): Promise<void> {
    if (!this.#root) throw closed(this.name);
    const now = await stat(this.#path).catch((error) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (now && now.dev === this.#root.dev && now.ino === this.#root.ino) return;
    throw new HoldfastError('site-unavailable', `The site "${this.name}" is gone from ${this.#path}.`, {
      why: 'Its directory was unmounted, moved or replaced while it was in use.',
      hint: 'Mount the disk again, then start the command again.',
    });
  }

  /** Whether `directory` exists and no part of it is a symbolic link. */
  async #isReal(directory: string): Promise<boolean> {
    if (this.#real.has(directory)) return true;
    if (!(await this.#isReal(directoryOf(directory)))) return false;
    const found = await lstat(this.#absolute(directory)).catch((error) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (!found?.isDirectory()) return false;
    this.#real.add(directory);
    return true;
  }

  /** Undefined when there is no such object. */
  async #openObject(name: string): Promise<{ handle: FileHandle; size: number } | undefined> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    try {
      if (await this.#isReal(directoryOf(name))) {
        // Not blocking: somebody may have put a fifo there.
        const handle = await open(this.#absolute(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        let found = false;
        try {
          // What is open is known to the kernel: asking at once costs less than a turn through the thread pool.
          const status = fstatSync(handle.fd);
          found = status.isFile();
          if (found) return { handle, size: status.size };
        } finally {
          if (!found) await handle.close();
        }
      }
    } catch (error) {
      // ELOOP: a symbolic link. ENXIO: a socket.
      if (!isMissing(error) && !['ELOOP', 'ENXIO'].includes(systemCode(error) ?? '')) throw error;
    }
    await this.#checkRoot();
    return undefined;
  }

  /** Whether an object has this name. Anything else that has it is refused: it could neither be read nor listed. */
  async #occupied(name: string): Promise<boolean> {
    if (!(await this.#isReal(directoryOf(name)))) return false;
    const found = await lstat(this.#absolute(name)).catch((error) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (found && !found.isFile()) throw obstructed(this.name, this.#absolute(name));
    return found !== undefined;
  }

  /** `exists` promises as much as `created`; the process that created it may not have come to its sync yet. */
  async #exists(name: string): Promise<'exists'> {
    await this.#occupied(name);
    const directory = directoryOf(name);
    await this.#makeDirectory(directory);
    await syncDirectory(this.#absolute(directory));
    return 'exists';
  }

  /**
   * Writes and syncs `body` in `.tmp/`, lets `publish` give it a name, and removes what is left, come what may.
   */
  async #withTemporary<T>(
    body: Uint8Array | readonly Uint8Array[],
    publish: (temporary: string, handle: FileHandle) => Promise<T>,
  ): Promise<T> {
    const relative = `${temporaryDirectory}/${temporaryName()}`;
    const temporary = this.#absolute(relative);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const handle = await this.#intoDirectory(relative, () =>
      open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
    );
    try {
      try {
        await writeAll(handle, body instanceof Uint8Array ? [body] : body);
        await handle.sync();
        return await publish(temporary, handle);
      } finally {
        await handle.close();
      }
    } finally {
      // Nothing to do about a failure: the next open tries again, when it is stale.
      await unlink(temporary).catch(() => {});
    }
  }

  async #link(temporary: string, name: string): Promise<'created' | 'exists'> {
    try {
      await this.#intoDirectory(name, () => link(temporary, this.#absolute(name)));
      return 'created';
    } catch (error) {
      const code = systemCode(error) ?? '';
      if (code === 'EEXIST') return 'exists';
      if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) {
        throw new HoldfastError('site-unavailable', `The site "${this.name}" cannot store objects safely.`, {
          why: 'Its filesystem has no hard links, which make an object appear whole and only once.',
          hint: 'Use a filesystem that has them (ext4, XFS, Btrfs, ZFS, APFS, NFS), or reach the machine as an sftp or s3 site.',
          cause: error,
        });
      }
      throw error;
    }
  }

  /** Runs `work`, which names something in the directory of `name`; makes that directory, also if it vanished since. */
  async #intoDirectory<T>(name: string, work: () => Promise<T>): Promise<T> {
    const directory = directoryOf(name);
    await this.#makeDirectory(directory);
    try {
      return await work();
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      await this.#checkRoot();
      this.#durable.clear();
      this.#real.clear();
      this.#real.add('');
      await this.#makeDirectory(directory);
      return await work();
    }
  }

  /** Makes a directory and its parents. When it resolves they survive a power cut, whoever made them. */
  #makeDirectory(directory: string): Promise<void> {
    if (directory === '') return Promise.resolve();
    const known = this.#durable.get(directory);
    if (known) return known;
    const made = this.#makeDirectoryOnce(directory);
    this.#durable.set(directory, made);
    made.catch(() => this.#durable.delete(directory));
    return made;
  }

  async #makeDirectoryOnce(directory: string): Promise<void> {
    const parent = directoryOf(directory);
    await this.#makeDirectory(parent);
    const path = this.#absolute(directory);
    try {
      await mkdir(path, { mode: 0o700 });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      if (!(await lstat(path)).isDirectory()) throw obstructed(this.name, path);
    }
    await syncDirectory(this.#absolute(parent));
  }
}

/** The directory part of a name; the root is ''. */
function directoryOf(name: string): string {
  const directory = posix.dirname(name);
  return directory === '.' ? '' : directory;
}
