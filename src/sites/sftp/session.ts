/** One SSH connection with one SFTP channel. It is used until it breaks; then there is another. */
import type { Client, ConnectConfig, FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2';
import { type Clock, systemClock } from '../../base/clock.ts';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { ConnectionLost, statusOf, Unsupported } from './errors.ts';
import { fingerprintOf, type HostKeys } from './host-key.ts';
import type { SftpSiteOptions } from './options.ts';

type Callback<T> = (error?: Error | null, value?: T) => void;

export type { Stats } from 'ssh2';

/** AES-GCM comes first: node:crypto has it in hardware, the others are made up in JavaScript. */
const ciphers = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'] as const;
const fallbackCiphers = ['aes128-ctr', 'aes192-ctr', 'aes256-ctr'] as const;

/** How long the end of a connection may take for the sake of tidiness. */
const patienceMs = 2000;

export class SftpSession {
  readonly #client: Client;
  readonly #sftp: SFTPWrapper;
  readonly #pending = new Set<(error: Error) => void>();
  readonly #watch: NodeJS.Timeout;
  #lost: ConnectionLost | undefined;
  #answeredAt = 0;
  readonly #clock: Clock;
  readonly #courtesies = new Set<Promise<unknown>>();

  constructor(client: Client, sftp: SFTPWrapper, idleTimeoutMs: number, clock = systemClock) {
    this.#client = client;
    this.#sftp = sftp;
    this.#clock = clock;
    client.on('error', (error) => this.#lose(describe(error)));
    client.on('close', () => this.#lose('the connection was closed'));
    sftp.on('error', (error: unknown) => this.#lose(describe(error)));
    sftp.on('close', () => this.#lose('the server ended the session'));
    // Keep-alive answers come from sshd also when the SFTP server behind it hangs.
    this.#watch = setInterval(() => {
      if (this.#pending.size > 0 && clock.monotonic() - this.#answeredAt > idleTimeoutMs) {
        this.#lose(`no answer for ${Math.round(idleTimeoutMs / 1000)} s`);
      }
    }, idleTimeoutMs / 4).unref();
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Sends one request. Several at a time are answered in the order in which they were sent.
   *
   * @throws ConnectionLost, Unsupported, or ssh2's error with an SFTP status as its `code`
   */
  call<T>(start: (sftp: SFTPWrapper, callback: Callback<T>) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#lost) {
        reject(this.#lost);
        return;
      }
      if (this.#pending.size === 0) this.#answeredAt = this.#clock.monotonic();
      this.#pending.add(reject);
      try {
        start(this.#sftp, (error, value) => {
          this.#pending.delete(reject);
          this.#answeredAt = this.#clock.monotonic();
          if (!error) resolve(value as T);
          // Without a status nobody answered.
          else reject(statusOf(error) === undefined ? (this.#lost ?? new ConnectionLost('no answer')) : error);
        });
      } catch (error) {
        this.#pending.delete(reject);
        // ssh2 throws at once what the server does not offer.
        reject(error instanceof TypeError || error instanceof RangeError ? error : new Unsupported(String(error)));
      }
    });
  }

  open(path: string, flags: 'r' | 'wx'): Promise<Buffer> {
    return this.call<Buffer>((sftp, done) => sftp.open(path, flags, flags === 'r' ? {} : { mode: 0o600 }, done));
  }

  close(handle: Buffer): Promise<void> {
    return this.call<void>((sftp, done) => sftp.close(handle, done));
  }

  fsync(handle: Buffer): Promise<void> {
    return this.call<void>((sftp, done) => sftp.ext_openssh_fsync(handle, done));
  }

  fstat(handle: Buffer): Promise<Stats> {
    return this.call<Stats>((sftp, done) => sftp.fstat(handle, done));
  }

  lstat(path: string): Promise<Stats> {
    return this.call<Stats>((sftp, done) => sftp.lstat(path, done));
  }

  unlink(path: string): Promise<void> {
    return this.call<void>((sftp, done) => sftp.unlink(path, done));
  }

  readdir(path: string): Promise<FileEntryWithStats[]> {
    return this.call<FileEntryWithStats[]>((sftp, done) => sftp.readdir(path, done));
  }

  /** A request whose outcome matters to nobody, but which is waited for before the connection is ended. */
  courtesy(request: Promise<unknown>): void {
    const settled: Promise<unknown> = request.catch(() => {}).then(() => this.#courtesies.delete(settled));
    this.#courtesies.add(settled);
  }

  /** Ends the connection; what is under way fails. */
  async end(): Promise<void> {
    if (this.#courtesies.size > 0) {
      const enough = new AbortController();
      const patience = this.#clock.sleep(patienceMs, enough.signal).catch(() => {});
      await Promise.race([Promise.all(this.#courtesies), patience]);
      enough.abort();
    }
    this.#lose('closed');
  }

  #lose(why: string): void {
    if (this.#lost) return;
    this.#lost = new ConnectionLost(why);
    clearInterval(this.#watch);
    for (const reject of this.#pending) reject(this.#lost);
    this.#pending.clear();
    this.#client.end();
    this.#client.destroy();
  }
}

/**
 * Connects, makes sure that it is the right server, and logs in.
 *
 * @throws HoldfastError `site-unavailable` for another server, a refused login or one without SFTP; ConnectionLost
 */
export async function openSession(options: SftpSiteOptions, hostKeys: HostKeys, clock?: Clock): Promise<SftpSession> {
  const { default: ssh2 } = await import('ssh2');
  const client = new ssh2.Client();
  const address = `${options.host}, port ${options.port ?? 22}`;
  let refusedKey: Buffer | undefined;
  let closed = false;
  client.once('close', () => {
    closed = true;
  });
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.on('error', reject);
      client.once('close', () => reject(new ConnectionLost('closed before the login')));
      client.connect({
        ...{ host: options.host, port: options.port ?? 22, username: options.user },
        ...(options.identity === undefined ? {} : { privateKey: options.identity }),
        ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
        ...(options.agent === undefined ? {} : { agent: options.agent }),
        readyTimeout: options.connectTimeoutMs ?? 20_000,
        keepaliveInterval: 15_000,
        keepaliveCountMax: 3,
        algorithms: {
          cipher: [...ciphers, ...fallbackCiphers],
          ...(hostKeys.types ? { serverHostKey: algorithmsOf(hostKeys.types) } : {}),
        },
        hostVerifier: (key: Buffer) => {
          if (hostKeys.accepts(key)) return true;
          refusedKey = key;
          return false;
        },
      } satisfies ConnectConfig);
    });
    // Else each small request waits for the acknowledgement of the one before, 40 ms.
    client.setNoDelay(true);
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
      client.once('close', () => reject(new ConnectionLost('closed after the login')));
      client.sftp((error, opened) => (error ? reject(error) : resolve(opened)));
    });
    return new SftpSession(client, sftp, options.idleTimeoutMs ?? 60_000, clock);
  } catch (error) {
    client.on('error', () => {});
    client.end();
    client.destroy();
    if (refusedKey) throw otherServer(options.name, address, refusedKey);
    const level = (error as { level?: string }).level;
    if (level === 'client-authentication') throw loginRefused(options, address);
    if (error instanceof ConnectionLost) throw error;
    if (level !== undefined || closed || systemCode(error) !== undefined) throw new ConnectionLost(describe(error));
    throw new HoldfastError('site-unavailable', `The server of the site "${options.name}" gives no access to files.`, {
      why: 'It let the user log in, and refused to start its SFTP server.',
      hint: 'Set "Subsystem sftp internal-sftp" in its sshd_config.',
      cause: error,
    });
  }
}

/** In a few words: never ssh2's own text, which could quote what the other side sent. */
function describe(error: unknown): string {
  const { code, level } = error as { code?: unknown; level?: unknown };
  if (typeof code === 'string') return code;
  if (level === 'client-timeout') return 'timed out';
  return typeof level === 'string' ? level : 'the connection broke';
}

function algorithmsOf(types: readonly string[]): ('ssh-ed25519' | 'ecdsa-sha2-nistp256')[] {
  const names = types.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]));
  // What ssh2's types list is narrower than what it knows.
  return [...new Set(names)] as ('ssh-ed25519' | 'ecdsa-sha2-nistp256')[];
}

function otherServer(site: string, address: string, key: Buffer): HoldfastError {
  const type = key.toString('latin1', 4, 4 + key.readUInt32BE(0));
  return new HoldfastError('site-unavailable', `The server of the site "${site}" is not the one that is expected.`, {
    why: `At ${address}, it has the ${type} key ${fingerprintOf(key)}, which is none of the site's host keys.`,
    hint: 'Ask its operator whether the key was changed, or is of another type. If not, somebody is in between.',
  });
}

function loginRefused({ name, user, identity }: SftpSiteOptions, address: string): HoldfastError {
  const with_ = identity === undefined ? "the agent's keys" : 'this identity';
  return new HoldfastError('site-unavailable', `The server of the site "${name}" refused the login.`, {
    why: `The user ${user} may not log in with ${with_} at ${address}.`,
    hint: 'Put the public key into authorized_keys of that user on the server.',
  });
}
