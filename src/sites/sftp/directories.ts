/** Directories on the server: made when needed, and synced where the server can. */
import { posix } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import { obstructed } from '../disk-errors.ts';
import { isMissing, isUnsupported } from './errors.ts';
import type { SftpSession, Stats } from './session.ts';

const typeMask = 0o170000;
/** By the mode that every server sends; ssh2 gives its own methods only for some answers. */
export const isFile = ({ mode }: { mode: number }): boolean => (mode & typeMask) === 0o100000;
export const isDirectory = ({ mode }: { mode: number }): boolean => (mode & typeMask) === 0o040000;

/** The directory part of a name; the root is ''. */
export function directoryOf(name: string): string {
  const directory = posix.dirname(name);
  return directory === '.' ? '' : directory;
}

/** Undefined when there is nothing of this name. Symbolic links are not followed. */
export async function look(session: SftpSession, path: string): Promise<Stats | undefined> {
  try {
    return await session.lstat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Makes the names in a directory survive a power cut. SFTP knows no such thing, but OpenSSH opens directories too. */
export async function syncDirectory(session: SftpSession, path: string): Promise<void> {
  const handle = await session.open(path, 'r');
  try {
    await session.fsync(handle);
  } finally {
    session.courtesy(session.close(handle));
  }
}

/** Whether the server can sync files and directories; tried on the site's own directory. */
export async function canSync(session: SftpSession, path: string): Promise<{ files: boolean; directories: boolean }> {
  try {
    await syncDirectory(session, path);
    return { files: true, directories: true };
  } catch (error) {
    if ((error as { name?: string }).name === 'ConnectionLost' || isMissing(error)) throw error;
    return { files: !isUnsupported(error), directories: false };
  }
}

export class Directories {
  readonly #site: string;
  readonly #root: string;
  readonly #sync: boolean;
  /** Those that this process made, or found, and synced up to the root. */
  #known = new Map<string, Promise<void>>();

  constructor(site: string, root: string, options: { sync: boolean }) {
    this.#site = site;
    this.#root = root;
    this.#sync = options.sync;
  }

  absolute(name: string): string {
    return name === '' ? this.#root : posix.join(this.#root, name);
  }

  /** Runs `work`, which names something in the directory of `name`; makes that directory, also if it vanished since. */
  async into<T>(session: SftpSession, name: string, work: () => Promise<T>): Promise<T> {
    const directory = directoryOf(name);
    await this.#make(session, directory);
    try {
      return await work();
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.#known = new Map();
      await this.#make(session, directory);
      return await work();
    }
  }

  /** Makes the names in the directory of `name` survive a power cut, where the server can. */
  async sync(session: SftpSession, name: string): Promise<void> {
    if (this.#sync) await syncDirectory(session, this.absolute(directoryOf(name)));
  }

  /** Without this, a disk that is gone would read as a site that has lost everything. */
  async assertRoot(session: SftpSession): Promise<void> {
    if (await look(session, this.#root)) return;
    throw new HoldfastError('site-unavailable', `The site "${this.#site}" is gone from ${this.#root} on its server.`, {
      why: 'Its directory was unmounted, moved or removed while it was in use.',
      hint: 'Mount the disk again, then start the command again.',
    });
  }

  #make(session: SftpSession, directory: string): Promise<void> {
    if (directory === '') return Promise.resolve();
    const known = this.#known.get(directory);
    if (known) return known;
    const made = this.#makeOnce(session, directory);
    const all = this.#known;
    all.set(directory, made);
    made.catch(() => all.delete(directory));
    return made;
  }

  async #makeOnce(session: SftpSession, directory: string): Promise<void> {
    await this.#make(session, directoryOf(directory));
    const path = this.absolute(directory);
    try {
      await session.call<void>((sftp, done) => sftp.mkdir(path, { mode: 0o700 }, done));
    } catch (error) {
      if (isMissing(error)) await this.assertRoot(session);
      const found = await look(session, path);
      if (!found) throw error;
      if (!isDirectory(found)) throw obstructed(this.#site, path);
    }
    await this.sync(session, directory);
  }
}
