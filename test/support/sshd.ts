/** A real SFTP server for tests: OpenSSH's sshd, for this user alone, on a port of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as timeout } from 'node:timers/promises';

export interface SshServer {
  readonly port: number;
  /** A directory below which tests may make what they like. */
  readonly directory: string;
  readonly user: string;
  /** Private key of the user. */
  readonly identity: string;
  /** `SHA256:…` of the server's key. */
  readonly fingerprint: string;
  /** `ssh-ed25519 AAAA…` of the server's key. */
  readonly hostKey: string;
  /** The requests that a verbose server has answered. */
  requests(): string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface SshServerOptions {
  /** Arguments of sftp-server: `-P hardlink` denies a request, `-R` all that write. */
  sftpArguments?: string[];
  /** Log each request; then sftp-server is a program of its own. */
  verbose?: boolean;
  /** Further lines of sshd_config. */
  lines?: string[];
}

/** Starts a server, in 60 ms. Needs the Debian package openssh-server. */
export async function startSshd({
  sftpArguments = [],
  verbose = false,
  lines = [],
}: SshServerOptions = {}): Promise<SshServer> {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-sshd-'));
  // In memory where that can be: each object is synced, and the contract has thousands.
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : home, 'holdfast-files-'));
  const host = generateKey();
  const own = generateKey();
  writeFileSync(join(home, 'host'), host.private, { mode: 0o600 });
  writeFileSync(join(home, 'authorized'), `${own.public}\n`, { mode: 0o600 });
  // Where it drops its privileges to; Debian makes it when its own service starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const log = join(home, 'log');
  const configuration = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${home}/host`,
    `PidFile ${home}/pid`,
    `AuthorizedKeysFile ${home}/authorized`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
    verbose
      ? `Subsystem sftp /usr/lib/openssh/sftp-server -e -l VERBOSE ${sftpArguments.join(' ')} 2>>${home}/requests`
      : `Subsystem sftp internal-sftp ${sftpArguments.join(' ')}`,
    ...lines,
  ];
  writeFileSync(join(home, 'sshd_config'), configuration.join('\n') + '\n');

  let child: ChildProcess | undefined;
  const start = async () => {
    // It ends with this process, however it ends.
    child = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', '/usr/sbin/sshd', '-D', '-f', join(home, 'sshd_config'), '-E', log],
      { stdio: 'ignore' },
    );
    for (let attempt = 0; attempt < 500; attempt++) {
      if (child.exitCode !== null) break;
      if (await listens(port)) return;
      await timeout(10);
    }
    throw new Error(`sshd did not start: ${readFileSync(log, 'utf8')}`);
  };
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  await start();
  const hostKey = host.public.trim();
  const blob = Buffer.from(hostKey.split(' ')[1]!, 'base64');
  return {
    port,
    directory,
    user: userInfo().username,
    identity: own.private,
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
    hostKey,
    requests: () => readFileSync(join(home, 'requests'), 'utf8'),
    kill,
    restart: start,
    async stop() {
      await kill();
      for (const path of [home, directory]) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** By ssh-keygen: of the pairs that ssh2 makes, one in 250 is broken. */
export function generateKey(): { private: string; public: string } {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-key-'));
  const path = join(directory, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path]);
  const pair = { private: readFileSync(path, 'utf8'), public: readFileSync(`${path}.pub`, 'utf8').trim() };
  rmSync(directory, { recursive: true });
  return pair;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
