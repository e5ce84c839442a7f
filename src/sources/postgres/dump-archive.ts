import { execa } from 'execa';
import { HoldfastError } from '../../base/errors.ts';
import { findBinaries, listBinaries } from './binaries.ts';
import { libpqEnvironment } from './connection.ts';
import { quoteQualified } from './quote.ts';
import type { Session } from './session.ts';
import { programOptions } from './session-settings.ts';

/** The schema of a database, by pg_dump. */

export type Environment = Readonly<Record<string, string | undefined>>;

export interface DumpProgram {
  path: string;
  /** 15 for 15.18 */
  major: number;
  /** First line of `pg_dump --version`. */
  version: string;
}

/**
 * The pg_dump to use: of the server's own major where there is one, else the next newer. An older one refuses.
 *
 * @param configured path of the one to use in any case
 * @throws HoldfastError `tool-missing`
 */
export async function findDump(
  serverVersion: number,
  environment: Environment,
  configured?: string,
): Promise<DumpProgram> {
  const major = Math.floor(serverVersion / 10_000);
  const key = JSON.stringify([major, environment.PATH, configured]);
  const found = foundDumps.get(key) ?? (await lookForDump(major, environment, configured));
  foundDumps.set(key, found);
  return found;
}

/** Of this run: looking means starting several programs, and a cluster has hundreds of databases. */
const foundDumps = new Map<string, DumpProgram>();

async function lookForDump(major: number, environment: Environment, configured?: string): Promise<DumpProgram> {
  if (configured !== undefined) {
    const program = await askVersion(configured, environment);
    if (program.major >= major) return program;
    throw new HoldfastError('tool-missing', `pg_dump ${program.major} is older than the server, PostgreSQL ${major}.`, {
      why: 'An old pg_dump does not know everything a newer server can hold, and refuses.',
      hint: `Run as root: apt-get install --no-install-recommends postgresql-client-${major}; then set pgDump, or leave it out.`,
    });
  }
  const search = { programs: ['pg_dump'], path: environment.PATH };
  const fitting = (await listBinaries(search)).filter((binaries) => binaries.major >= major);
  const best =
    fitting.find((binaries) => binaries.major === major) ??
    fitting.at(-1) ??
    (await findBinaries({ ...search, oldest: major }));
  return askVersion(`${best.directory}/pg_dump`, environment);
}

async function askVersion(path: string, environment: Environment): Promise<DumpProgram> {
  const result = await execa(path, ['--version'], { ...childEnvironment(environment), timeout: 10_000 });
  const version = typeof result.stdout === 'string' ? (result.stdout.split('\n', 1)[0] ?? '') : '';
  const major = Number.parseInt(/\(PostgreSQL\) (\d+)/.exec(version)?.[1] ?? '', 10);
  if (!result.failed && major > 0) return { path, major, version };
  throw new HoldfastError('tool-missing', `Could not run pg_dump: ${path}.`, {
    why: result.failed ? (result.shortMessage ?? 'It failed.') : 'It does not tell its version as pg_dump does.',
    hint: 'Set pgDump to the path of pg_dump, or leave it out to have it found.',
  });
}

/** Nothing of the caller's environment but what programs need to start: its PG* variables would change the dump. */
function childEnvironment(environment: Environment) {
  const kept = ['PATH', 'HOME', 'LD_LIBRARY_PATH', 'TMPDIR'].flatMap((name) =>
    environment[name] === undefined ? [] : [[name, environment[name]] as const],
  );
  return {
    env: { ...Object.fromEntries(kept), LC_ALL: 'C' },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  } as const;
}

export interface DumpOptions {
  program: DumpProgram;
  exportedSnapshot: string;
  /** Milliseconds pg_dump waits for a lock. */
  lockTimeout: number;
  /** Tables to leave out, definition and all. */
  exclude: readonly { schema: string; name: string }[];
  environment: Environment;
  signal: AbortSignal;
  /** Of its session; default `holdfast backup`. */
  applicationName?: string;
  /** What to do when the server's lock table is full, where it can be told better than in general. */
  lockHint?: string;
}

/**
 * Runs pg_dump beside a session that holds the snapshot.
 *
 * @param take gets the archive in pieces; pg_dump waits while it does
 * @returns what pg_dump warned of
 * @throws HoldfastError `source-failed` when pg_dump fails; the signal's reason when aborted
 */
export async function dumpArchive(
  session: Session,
  options: DumpOptions,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<string[]> {
  const { program, signal } = options;
  signal.throwIfAborted();
  const child = childEnvironment(options.environment);
  const subprocess = execa(
    program.path,
    [
      '--format=custom',
      '--compress=0',
      '--section=pre-data',
      '--section=post-data',
      `--snapshot=${options.exportedSnapshot}`,
      `--lock-wait-timeout=${options.lockTimeout}`,
      '--no-password',
      // Quoted names are taken as they are: no wildcards, no folding.
      ...options.exclude.map(({ schema, name }) => `--exclude-table=${quoteQualified(schema, name)}`),
    ],
    {
      ...child,
      env: {
        ...child.env,
        ...libpqEnvironment(session.connection),
        PGOPTIONS: programOptions(session.serverVersion, session.encoding),
        PGAPPNAME: options.applicationName ?? 'holdfast backup',
      },
      buffer: false,
      encoding: 'buffer',
      cancelSignal: signal,
      forceKillAfterDelay: 1_000,
    },
  );
  let said = '';
  subprocess.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString('utf8')).slice(-64 * 1024);
  });
  let broken: { error: unknown } | undefined;
  try {
    for await (const bytes of subprocess.stdout) await take(bytes as Buffer);
  } catch (error) {
    broken = { error };
    subprocess.kill();
  }
  const result = await subprocess;
  signal.throwIfAborted();
  const lines = said.split('\n').filter((line) => line !== '');
  if (result.failed) {
    // The last line is often the query; the one before it says what was wrong with it.
    const last = lines.findLast((line) => line.includes('error:')) ?? lines.at(-1);
    throw new HoldfastError('source-failed', 'pg_dump failed.', {
      why: last ?? result.shortMessage,
      hint: lines.some(namesLockSetting)
        ? (options.lockHint ?? 'Raise max_locks_per_transaction and restart the server.')
        : "Check the role's rights on what the message names, and the server's log.",
      cause: broken?.error,
    });
  }
  if (broken !== undefined) throw broken.error;
  return lines.filter((line) => line.includes('warning:'));
}

/** pg_dump passes on no SQLSTATE; but the server's hint names the setting in every language. Queries it quotes do not count. */
function namesLockSetting(line: string): boolean {
  return !line.startsWith('pg_dump:') && line.includes('max_locks_per_transaction');
}
