import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  unlink,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { type Clock, systemClock } from '../../base/clock.ts';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { findBinaries, type PostgresBinaries, serverPrograms } from './binaries.ts';
import { ownerLives, ownMark, processLives, readMark, writeMark } from './owner-mark.ts';
import { type Account, unprivilegedAccount } from './unprivileged.ts';

/**
 * Throw-away PostgreSQL clusters for demos, proofs and tests: private, reachable through a socket only, quick because
 * nothing in them has to outlive a power cut.
 *
 * ```
 * <directory>/owner.json   whose it is, so that what a killed run left behind can be found (0711 directory, ours)
 * <directory>/data/        the cluster (0700, the unprivileged account's)
 * <directory>/log          what the server said
 * <tmpdir>/holdfast-pg-…/  the socket (0700), elsewhere because its path may have no more than 107 bytes
 * ```
 */

export interface ThrowawayOptions {
  /** Where to make it; must not exist, or be empty. */
  directory: string;
  /** Only its PATH is read, to find the binaries; the server gets a clean environment. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Default: the newest installed. */
  major?: number | undefined;
  /** The binaries to run, instead of looking for them. */
  binaries?: PostgresBinaries | undefined;
  /** Default `C.UTF-8`. */
  locale?: string | undefined;
  /** Default `UTF8`. */
  encoding?: string | undefined;
  /** Name of the first superuser; default `postgres`. */
  superuser?: string | undefined;
  /** Server settings beside and over those of `throwawaySettings`. */
  settings?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** More arguments for initdb. */
  initdbArguments?: readonly string[] | undefined;
  /** A stopped cluster's data directory to copy instead of running initdb; locale, encoding and initdb arguments are its own. */
  template?: string | undefined;
  /** Whom the server runs as when we are root; default `nobody`. */
  unprivilegedUser?: string | undefined;
  clock?: Clock | undefined;
}

export interface ThrowawayConnection {
  /** The socket's directory. */
  host: string;
  port: number;
  /** A superuser, without a password: nobody else can reach the socket. */
  user: string;
  database: string;
}

export interface Throwaway extends AsyncDisposable {
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  readonly connection: ThrowawayConnection;
  /** Of the postmaster. */
  readonly pid: number;
  /** Stops the server; open sessions are cut. Does nothing when it has stopped. */
  stop(): Promise<void>;
  /** Stops the server and deletes everything; `await using` does the same, unless it is kept. */
  remove(): Promise<void>;
  /** Leaves it running after us, for a person: it is no leak, and nobody but `remove` removes it. */
  keep(): Promise<void>;
}

/** Safe only for data that can be made again: a crash of the machine may leave the cluster unusable. */
export const throwawaySettings: Readonly<Record<string, string | number | boolean>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  // Rows loaded in the transaction that made or truncated their table then need no log at all.
  wal_level: 'minimal',
  max_wal_senders: 0,
  max_wal_size: '4GB',
  checkpoint_timeout: '1h',
  // What is thrown away need not reach the disk, and is not to wait for it.
  checkpoint_flush_after: 0,
  bgwriter_flush_after: 0,
  backend_flush_after: 0,
  autovacuum: 'off',
  jit: 'off',
  lc_messages: 'C',
};

const markName = 'owner.json';
const port = 5432;
const firstSuperuser = 'postgres';
const socketPrefix = 'holdfast-pg-';
const socketPathLimit = 107;

/**
 * Makes and starts a cluster. As root the server runs as an unprivileged account, which must be able to reach
 * `directory`.
 *
 * @throws HoldfastError `tool-missing` without the binaries or the account, `target-exists` when the directory holds
 *   something, `target-failed` when the account cannot reach it or the server does not start
 */
export async function startThrowaway(options: ThrowawayOptions): Promise<Throwaway> {
  const binaries =
    options.binaries ??
    (await findBinaries({ programs: serverPrograms, major: options.major, path: options.environment.PATH }));
  const account = await unprivilegedAccount(options.unprivilegedUser);
  const directory = resolve(options.directory);
  const socketDirectory = newSocketPath();
  await makeDirectory(directory);
  const place = { directory, data: join(directory, 'data'), socketDirectory };
  try {
    await writeMark(join(directory, markName), await ownMark(socketDirectory));
    for (const path of [place.data, socketDirectory]) {
      await mkdir(path, { mode: 0o700 });
      if (account !== undefined) await chown(path, account.uid, account.gid);
    }
    const run = { account, directory, binaries };
    await assertReachable(run, place.data);
    if (options.template === undefined) await initialize(run, place.data, options);
    else await copyTemplate(run, options.template, place.data);
    const server = await start(run, place, options);
    const { superuser = firstSuperuser, clock = systemClock } = options;
    return new RunningThrowaway(server, place, binaries, superuser, clock);
  } catch (error) {
    await removePlace(place);
    throw error;
  }
}

/**
 * Finds clusters right below `parentDirectory` whose owner is gone, stops their servers and deletes them. Leaves alone
 * what carries no mark of ours, marks another user wrote, and clusters whose owner still runs.
 *
 * @returns the directories it removed
 */
export async function removeLeakedThrowaways(parentDirectory: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(parentDirectory).catch(() => [])) {
    const directory = join(resolve(parentDirectory), name);
    const file = join(directory, markName);
    const stat = await lstat(file).catch(() => undefined);
    if (stat === undefined || !stat.isFile() || stat.uid !== process.getuid?.()) continue;
    const mark = await readMark(file);
    // The name is checked because what it names is deleted.
    if (mark === undefined || !isSocketPath(mark.socketDirectory) || mark.kept || (await ownerLives(mark))) continue;
    const place = { directory, data: join(directory, 'data'), socketDirectory: mark.socketDirectory };
    const pid = await postmasterOf(place.data);
    if (pid !== undefined) await stopProcess(pid, systemClock, atOnce);
    await removePlace(place);
    removed.push(directory);
  }
  return removed;
}

interface Place {
  directory: string;
  data: string;
  socketDirectory: string;
}

interface Run {
  account: Account | undefined;
  directory: string;
  binaries: PostgresBinaries;
}

class RunningThrowaway implements Throwaway {
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  readonly connection: ThrowawayConnection;
  readonly pid: number;
  readonly #server: ChildProcess;
  readonly #place: Place;
  readonly #clock: Clock;
  readonly #onExit: () => void;
  #kept = false;

  constructor(server: ChildProcess, place: Place, binaries: PostgresBinaries, superuser: string, clock: Clock) {
    this.directory = place.directory;
    this.binaries = binaries;
    this.connection = { host: place.socketDirectory, port, user: superuser, database: 'postgres' };
    this.pid = server.pid!;
    this.#server = server;
    this.#place = place;
    this.#clock = clock;
    // The server outlives signals to our process group on purpose; it must not outlive us.
    this.#onExit = () => signal(this.pid, 'SIGQUIT');
    process.once('exit', this.#onExit);
  }

  async stop(): Promise<void> {
    await this.#stop(inOrder);
  }

  async #stop(steps: typeof inOrder): Promise<void> {
    process.removeListener('exit', this.#onExit);
    if (this.#server.exitCode === null && this.#server.signalCode === null) {
      await stopProcess(this.pid, this.#clock, steps);
    }
  }

  async remove(): Promise<void> {
    await this.#stop(atOnce);
    await removePlace(this.#place);
  }

  async keep(): Promise<void> {
    const file = join(this.directory, markName);
    const mark = await ownMark(this.#place.socketDirectory);
    await writeMark(`${file}.new`, { ...mark, kept: true });
    await rename(`${file}.new`, file);
    process.removeListener('exit', this.#onExit);
    this.#kept = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await this.remove();
  }
}

function newSocketPath(): string {
  const name = `${socketPrefix}${randomBytes(6).toString('hex')}`;
  const path = join(tmpdir(), name);
  return Buffer.byteLength(join(path, `.s.PGSQL.${port}`)) <= socketPathLimit ? path : join('/tmp', name);
}

function isSocketPath(path: string): boolean {
  return [tmpdir(), '/tmp'].includes(dirname(path)) && /^holdfast-pg-[0-9a-f]{12}$/.test(basename(path));
}

async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new HoldfastError('target-exists', `The directory for a throw-away cluster is not empty: ${directory}`, {
      why: 'It is deleted with everything in it when the cluster is removed.',
      hint: 'Name a directory that does not exist yet.',
    });
  }
  await chmod(directory, 0o711);
}

async function assertReachable({ account, directory }: Run, data: string): Promise<void> {
  if (account === undefined) return;
  const { failed } = await execa('test', ['-w', data], { ...account, reject: false, cwd: '/' });
  if (failed) {
    throw new HoldfastError('target-failed', `The account of the PostgreSQL server cannot reach ${directory}.`, {
      why: 'The server does not run as root, and a directory above does not let other accounts pass.',
      hint: 'Name a directory below one that others may enter (mode o+x), such as one under /var/tmp.',
    });
  }
}

/** A clean environment: nothing of the caller's, whose PG* variables would change what the programs do. */
function childOptions({ account, directory, binaries }: Run) {
  return {
    ...account,
    cwd: '/',
    extendEnv: false,
    env: { PATH: `${binaries.directory}:/usr/bin:/bin`, HOME: directory, LC_ALL: 'C', TZ: 'UTC' },
    stdin: 'ignore',
    all: true,
    reject: false,
  } as const;
}

async function initialize(run: Run, data: string, options: ThrowawayOptions): Promise<void> {
  const result = await execa(
    join(run.binaries.directory, 'initdb'),
    [
      `--pgdata=${data}`,
      `--username=${options.superuser ?? firstSuperuser}`,
      '--auth=trust',
      `--encoding=${options.encoding ?? 'UTF8'}`,
      `--locale=${options.locale ?? 'C.UTF-8'}`,
      '--no-sync',
      ...(options.initdbArguments ?? []),
    ],
    childOptions(run),
  );
  if (result.failed) throw notStarted('initdb failed', result.all);
}

async function copyTemplate(run: Run, template: string, data: string): Promise<void> {
  // As the server's account, which then owns every file; `/.` because the directory itself exists.
  const result = await execa('cp', ['-R', '--reflink=auto', `${resolve(template)}/.`, data], childOptions(run));
  if (result.failed) throw notStarted('copying its template failed', result.all);
}

async function start(run: Run, place: Place, options: ThrowawayOptions): Promise<ChildProcess> {
  const settings = { ...throwawaySettings, unix_socket_directories: place.socketDirectory, port, ...options.settings };
  const logFile = join(place.directory, 'log');
  const log = await open(logFile, 'a', 0o600);
  const { cwd, env, account } = { ...childOptions(run), account: run.account };
  const server = spawn(
    join(run.binaries.directory, 'postgres'),
    ['-D', place.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // A group of its own: Ctrl-C on the terminal must let us finish with it first.
    { cwd, env, detached: true, stdio: ['ignore', log.fd, log.fd], ...account },
  );
  let ended: string | undefined;
  server.once('error', (error) => {
    ended = error.message;
  });
  server.once('exit', (code, name) => {
    ended ??= `It ended with ${name ?? code}.`;
  });
  server.unref();
  try {
    const clock = options.clock ?? systemClock;
    const deadline = clock.monotonic() + 60_000;
    while (!(await isReady(place.data, server.pid))) {
      if (ended !== undefined || clock.monotonic() > deadline) {
        const said = await readFile(logFile, 'utf8').catch(() => '');
        if (server.pid !== undefined && ended === undefined) await stopProcess(server.pid, clock);
        throw notStarted(ended ?? 'it was not ready within 60 s', said);
      }
      await clock.sleep(5);
    }
  } finally {
    await log.close();
  }
  return server;
}

/** The postmaster writes its state into the eighth line of its lock file; `standby` is one that takes no sessions. */
async function isReady(data: string, pid: number | undefined): Promise<boolean> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return Number(lines[0]) === pid && ['ready', 'standby'].includes(lines[7]?.trim() ?? '');
}

function notStarted(what: string, said: string | undefined): HoldfastError {
  const lines = (said ?? '').split('\n').filter((line) => /\b(FATAL|ERROR|PANIC|error|fatal|HINT|cp):/.test(line));
  return new HoldfastError('target-failed', 'A throw-away PostgreSQL cluster did not start.', {
    why: [what.replace(/\.$/, ''), ...lines.slice(-3)].join('; '),
    hint: 'Check the free space, the locale (`locale -a`) and the settings it was started with.',
  });
}

/** The id of the server that runs on `data`, made sure by its working directory: the lock file may be an old one. */
async function postmasterOf(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!(pid > 1)) return undefined;
  const [cwd, real] = await Promise.all(
    [readlink(`/proc/${pid}/cwd`), realpath(data)].map((path) => path.catch(() => undefined)),
  );
  return cwd !== undefined && cwd === real ? pid : undefined;
}

type StopStep = readonly [signal: NodeJS.Signals, patience: number];
/** Without a checkpoint, which would write out everything in the cache only for it to be deleted; at last no mercy. */
const atOnce: readonly StopStep[] = [
  ['SIGQUIT', 10_000],
  ['SIGKILL', 5_000],
];
/** A fast shutdown, after which the cluster can be started or copied. */
const inOrder: readonly StopStep[] = [['SIGINT', 10_000], ...atOnce];

async function stopProcess(pid: number, clock: Clock, steps: readonly StopStep[] = inOrder): Promise<void> {
  for (const [name, patience] of steps) {
    signal(pid, name);
    const deadline = clock.monotonic() + patience;
    while (clock.monotonic() < deadline) {
      if (!(await processLives(pid))) return;
      await clock.sleep(5);
    }
  }
  throw new HoldfastError('target-failed', `A throw-away PostgreSQL server does not stop: process ${pid}.`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

async function removePlace({ directory, socketDirectory }: Place): Promise<void> {
  const all = { recursive: true, force: true, maxRetries: 5 } as const;
  // The mark goes last: what is interrupted here is found and finished by `removeLeakedThrowaways`.
  await removeFiles(join(directory, 'data', 'base'));
  await rm(join(directory, 'data'), all);
  await rm(socketDirectory, all);
  await rm(directory, all);
}

/** Files that are removed at the same time: each waits for what of it is just being written to the disk. */
const removedTogether = 8;

/** Removes the files in the directories of a directory; what stays is the caller's. */
async function removeFiles(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const next = names.values();
  const worker = async () => {
    for (const name of next) await unlink(join(directory, name)).catch(() => {});
  };
  await Promise.all(Array.from({ length: removedTogether }, worker));
}
