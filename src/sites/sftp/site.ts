/**
 * A site in a directory on another machine, over SFTP.
 *
 * An object is written to `.tmp/`, synced, and given its name by a hard link, the one request that is both atomic for
 * readers and exclusive among writers of any process; then its directory is synced. A writer that is killed, or a
 * connection that breaks, leaves a file in `.tmp/`, never a part of an object. Where the server cannot do one of these,
 * `capabilities` says what is missing. Uploads outlive their connection: what is left to do is done on the next one.
 */
import { systemClock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { damaged, obstructed } from '../disk-errors.ts';
import { assertObjectName, assertPrefix, assertRange } from '../names.ts';
import { defaultRetry, type RetrySettings, withRetries } from '../retry.ts';
import type { ByteRange, ListedObject, ObjectStat, Site, SiteCapabilities } from '../site.ts';
import { canSync, Directories, isFile, look } from './directories.ts';
import { ConnectionLost, isFailure, isMissing, judge, sftpError, siteFull } from './errors.ts';
import { parseHostKeys } from './host-key.ts';
import { checkedIdentity } from './identity.ts';
import { entries, listTree } from './listing.ts';
import type { SftpSiteOptions } from './options.ts';
import { SessionPool } from './pool.ts';
import { findPublishing, overwrite, type Publishing, publish } from './publish.ts';
import { openSession, type SftpSession } from './session.ts';
import { removeStale, upload } from './temporaries.ts';
import { readBytes } from './transfer.ts';

export type { SftpSiteOptions } from './options.ts';

/** Up to here a range is asked for before the size is known. */
const askAtOnce = 1024 * 1024;
/** From here on it is worth a look whether an object is there before it is sent. */
const worthALook = 256 * 1024;

/**
 * Opens a site in a directory of a server, finds out what it can do, and removes the unfinished uploads that killed
 * writers left there.
 *
 * @throws HoldfastError `no-repository` when the directory is missing and `create` is off; `site-unavailable` when the
 *   server cannot be reached, is another one, or refuses the login; `config` and `secret` for keys that cannot be read
 */
export async function openSftpSite(options: SftpSiteOptions): Promise<Site> {
  const { name } = options;
  const hostKeys = parseHostKeys(name, options.hostKeys, options.host, options.port ?? 22);
  await checkedIdentity(options);
  const retry: RetrySettings = { clock: systemClock, ...defaultRetry, ...options.retry };
  const pool = new SessionPool(name, options.connections ?? 1, () => openSession(options, hostKeys, retry.clock));
  const what = `The site "${name}" could not be opened.`;
  try {
    // Who starts a command wants to hear soon that the address is wrong.
    const soon = { ...retry, deadlineMs: Math.min(retry.deadlineMs, 15_000) };
    return await withRetries(soon, { site: name, what, judge }, () =>
      pool.use(async (session) => {
        const root = await findRoot(session, options);
        const sync = await canSync(session, root);
        const directories = new Directories(name, root, { sync: sync.directories });
        const publishing = await findPublishing(session, directories);
        await removeStale(session, directories);
        return new SftpSite({ name, pool, retry, directories, publishing, sync });
      }),
    );
  } catch (error) {
    await pool.close();
    throw sftpError(name, what, error);
  }
}

/** The site's directory, absolute. */
async function findRoot(session: SftpSession, { name, host, path, create }: SftpSiteOptions): Promise<string> {
  const real = (of: string) => session.call<string>((sftp, done) => sftp.realpath(of, done));
  if (create) {
    const parts = path.split('/').filter((part) => part !== '');
    for (let i = 1; i <= parts.length; i++) {
      const directory = `${path.startsWith('/') ? '/' : ''}${parts.slice(0, i).join('/')}`;
      await session
        .call<void>((sftp, done) => sftp.mkdir(directory, { mode: 0o700 }, done))
        .catch((error) => {
          if (error instanceof ConnectionLost) throw error;
          // It exists, or the next step says that it does not.
        });
    }
  }
  try {
    const root = await real(path === '' ? '.' : path);
    // Some servers resolve also what is not there.
    await session.lstat(root);
    return root;
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new HoldfastError('no-repository', `The directory ${path} of the site "${name}" does not exist on ${host}.`, {
      hint: 'Check that its disk is mounted there; for a new site, run holdfast init.',
      cause: error,
    });
  }
}

interface Opened {
  name: string;
  pool: SessionPool;
  retry: RetrySettings;
  directories: Directories;
  publishing: Publishing;
  sync: { files: boolean; directories: boolean };
}

class SftpSite implements Site {
  readonly name: string;
  readonly capabilities: SiteCapabilities;
  readonly #opened: Opened;
  readonly #directories: Directories;

  constructor(opened: Opened) {
    this.name = opened.name;
    this.capabilities = {
      conditionalCreate: opened.publishing !== 'unsafe-rename',
      durable: opened.sync.files && opened.sync.directories,
      versioning: false,
      objectLock: false,
    };
    this.#opened = opened;
    this.#directories = opened.directories;
  }

  async create(name: string, body: Uint8Array | readonly Uint8Array[]): Promise<'created' | 'exists'> {
    assertObjectName(name);
    const { publishing } = this.#opened;
    const path = this.#directories.absolute(name);
    const bytes = inOne(body);
    if (bytes.length >= worthALook) {
      const there = await this.#attempt(`${name} could not be stored`, (session) => this.#occupied(session, path));
      if (there) return this.#exists(name);
    }
    return this.#withUpload(name, bytes, async (session, upload, unsure) => {
      const outcome = await this.#directories.into(session, name, () =>
        publish(session, publishing, upload, path, { unsure }),
      );
      if (outcome === undefined) await this.#occupied(session, path);
      // Also for `exists`: who created it may not have come to it yet.
      await this.#directories.sync(session, name);
      return outcome ?? 'exists';
    });
  }

  async replace(name: string, body: Uint8Array): Promise<void> {
    assertObjectName(name);
    const path = this.#directories.absolute(name);
    await this.#withUpload(name, inOne(body), async (session, upload, unsure) => {
      await this.#occupied(session, path);
      await this.#directories.into(session, name, () => overwrite(session, upload, path, { unsure, site: this.name }));
      await this.#directories.sync(session, name);
    });
  }

  async read(name: string, range?: ByteRange): Promise<Buffer> {
    assertObjectName(name);
    if (range) assertRange(range);
    return this.#attempt(`${name} could not be read`, async (session) => {
      const missing = () => new HoldfastError('object-missing', `There is no ${name} at the site "${this.name}".`);
      let handle: Buffer;
      try {
        handle = await session.open(this.#directories.absolute(name), 'r');
      } catch (error) {
        if (!isMissing(error)) throw error;
        await this.#directories.assertRoot(session);
        throw missing();
      }
      try {
        const early = range && range.length > 0 && range.length <= askAtOnce;
        const reading = early ? readBytes(session, handle, range.offset, range.length) : undefined;
        // Its failure is met below, after what the size tells.
        reading?.catch(() => {});
        const status = await session.fstat(handle);
        if (!isFile(status)) throw missing();
        const { offset, length } = range ?? { offset: 0, length: status.size };
        if (offset + length > status.size) {
          const why = `It has ${status.size} bytes; ${length} were needed from byte ${offset} on.`;
          throw damaged(this.name, name, why);
        }
        const bytes = await (reading ?? readBytes(session, handle, offset, length));
        if (!bytes) throw damaged(this.name, name, `It ended before the ${status.size} bytes it should have.`);
        return bytes;
      } finally {
        session.courtesy(session.close(handle));
      }
    });
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    assertObjectName(name);
    return this.#attempt(`${name} could not be looked up`, async (session) => {
      const found = await look(session, this.#directories.absolute(name));
      if (found) return isFile(found) ? { size: found.size } : undefined;
      await this.#directories.assertRoot(session);
      return undefined;
    });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    assertPrefix(prefix);
    const attempt = <T>(work: (session: SftpSession) => Promise<T>) =>
      this.#attempt('The objects could not be listed', work);
    await attempt((session) => this.#directories.assertRoot(session));
    yield* listTree(attempt, this.#directories, prefix.replace(/\/$/, ''));
    // Gone meanwhile, it would have looked like fewer objects.
    await attempt((session) => this.#directories.assertRoot(session));
  }

  async directories(prefix: string): Promise<string[]> {
    assertPrefix(prefix);
    return this.#attempt('The directories could not be listed', async (session) => {
      await this.#directories.assertRoot(session);
      const { below } = await entries(session, this.#directories, prefix.replace(/\/$/, ''));
      return below.map((name) => name.slice(prefix.length));
    });
  }

  async remove(name: string): Promise<void> {
    assertObjectName(name);
    const path = this.#directories.absolute(name);
    await this.#attempt(`${name} could not be removed`, async (session) => {
      try {
        await session.unlink(path);
      } catch (error) {
        if (error instanceof ConnectionLost) throw error;
        const found = await look(session, path);
        if (found && isFile(found)) throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#opened.pool.close();
  }

  async #attempt<T>(what: string, work: (session: SftpSession) => Promise<T>): Promise<T> {
    const { pool, retry } = this.#opened;
    try {
      return await withRetries(retry, { site: this.name, what, judge }, () => pool.use(work));
    } catch (error) {
      throw sftpError(this.name, `${what} at the site "${this.name}".`, error);
    }
  }

  /**
   * Uploads `bytes`, lets `finish` give them a name, and removes what is left, come what may. Each of the two is tried
   * again by itself.
   */
  async #withUpload<T>(
    name: string,
    bytes: Buffer,
    finish: (session: SftpSession, upload: string, unsure: boolean) => Promise<T>,
  ): Promise<T> {
    const what = `${name} could not be stored`;
    const sync = this.#opened.sync.files;
    const path = await this.#attempt(what, async (session) => {
      try {
        return await upload(session, this.#directories, bytes, { sync });
      } catch (error) {
        if (isFailure(error)) await this.#assertRoom(session, what, bytes.length, error);
        throw error;
      }
    });
    let unsure = false;
    return this.#attempt(what, async (session) => {
      // Nobody waits for its removal; the next open tries again, when it is stale.
      try {
        const outcome = await finish(session, path, unsure);
        session.courtesy(session.unlink(path));
        return outcome;
      } catch (error) {
        if (error instanceof ConnectionLost) unsure = true;
        else session.courtesy(session.unlink(path));
        if (isFailure(error)) await this.#assertRoom(session, what, 0, error);
        throw error;
      }
    });
  }

  /** The protocol has no code for a full disk, but OpenSSH tells what is free. */
  async #assertRoom(session: SftpSession, what: string, needed: number, cause: unknown): Promise<void> {
    interface Free {
      f_frsize: number;
      f_bavail: number;
      f_favail: number;
    }
    const free = await session
      .call<Free>((sftp, done) => sftp.ext_openssh_statvfs(this.#directories.absolute(''), done))
      .catch(() => undefined);
    if (!free) return;
    const room = Number(free.f_frsize) * Number(free.f_bavail);
    // A directory's own block is the least that anything takes.
    if (room < needed + 4096 || Number(free.f_favail) === 0) {
      throw siteFull(this.name, `${what} at the site "${this.name}".`, cause);
    }
  }

  /** Whether an object has this name. Anything else that has it is refused: it could neither be read nor listed. */
  async #occupied(session: SftpSession, path: string): Promise<boolean> {
    const found = await look(session, path);
    if (found && !isFile(found)) throw obstructed(this.name, path);
    return found !== undefined;
  }

  async #exists(name: string): Promise<'exists'> {
    await this.#attempt(`${name} could not be stored`, (session) => this.#directories.sync(session, name));
    return 'exists';
  }
}

function inOne(body: Uint8Array | readonly Uint8Array[]): Buffer {
  const parts = body instanceof Uint8Array ? [body] : body;
  const [first] = parts;
  if (parts.length !== 1 || !first) return Buffer.concat(parts);
  return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
}
