import { constants } from 'node:fs';
import { access, readdir, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { HoldfastError } from '../../base/errors.ts';

/** The PostgreSQL programs of this machine: which majors are installed, and where. */

/** What a server needs. */
export const serverPrograms = ['postgres', 'initdb'] as const;
/** What backing up and restoring need. */
export const clientPrograms = ['pg_dump', 'pg_restore'] as const;

export interface PostgresBinaries {
  /** 15 for 15.18 */
  major: number;
  /** As the programs tell it: `15.18`, `18beta1`. */
  version: string;
  /** Holds all programs that were asked for. */
  directory: string;
}

export interface BinarySearch {
  /** All of these must lie in one directory. */
  programs: readonly string[];
  /** The only major to accept; without it the newest wins. */
  major?: number | undefined;
  /** The oldest major to accept. */
  oldest?: number | undefined;
  /** Directories to search besides Debian's, in the form of the variable PATH. */
  path?: string | undefined;
  /** Where Debian keeps one directory for each major. */
  debianDirectory?: string | undefined;
}

/**
 * Every directory of this machine that holds all `programs`, newest version first; of the same version Debian's own
 * directory, then the order of PATH, then `pg_config --bindir`.
 */
export async function listBinaries(search: BinarySearch): Promise<PostgresBinaries[]> {
  const found: PostgresBinaries[] = [];
  const seen = new Set<string>();
  for (const directory of await candidateDirectories(search)) {
    const real = await realpath(directory).catch(() => undefined);
    if (real === undefined || seen.has(real)) continue;
    seen.add(real);
    const binaries = await inspect(directory, search.programs);
    if (binaries !== undefined) found.push(binaries);
  }
  return found.sort((a, b) => compareVersions(b.version, a.version));
}

/**
 * The binaries to use.
 *
 * @throws HoldfastError `tool-missing`, naming the command that installs them
 */
export async function findBinaries(search: BinarySearch): Promise<PostgresBinaries> {
  const all = await listBinaries(search);
  const oldest = search.oldest ?? 0;
  const fit = all.find(({ major }) => major >= oldest && (search.major === undefined || major === search.major));
  if (fit !== undefined) return fit;
  throw missing(search, all);
}

async function candidateDirectories(search: BinarySearch): Promise<string[]> {
  const debian = search.debianDirectory ?? '/usr/lib/postgresql';
  const majors = (await readdir(debian).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const onPath = (search.path ?? '').split(delimiter).filter((directory) => directory !== '');
  const configured: string[] = [];
  for (const directory of onPath) {
    const program = join(directory, 'pg_config');
    if (!(await isExecutable(program))) continue;
    const { stdout, failed } = await execa(program, ['--bindir'], quiet);
    if (!failed && stdout !== '') configured.push(stdout);
  }
  return [...majors.map((major) => join(debian, major, 'bin')), ...onPath, ...configured];
}

/** Children inherit nothing, so that no PGHOST or PGSERVICE of the caller changes what they do. */
const quiet = { reject: false, extendEnv: false, env: { LC_ALL: 'C' }, stdin: 'ignore', timeout: 10_000 } as const;

async function inspect(directory: string, programs: readonly string[]): Promise<PostgresBinaries | undefined> {
  for (const name of programs) {
    const program = join(directory, name);
    if (!(await isExecutable(program))) return undefined;
    // Debian's /usr/bin/pg_dump is a script that picks a version by its own rules; the real ones are found by directory.
    if ((await realpath(program)).endsWith('/pg_wrapper')) return undefined;
  }
  const first = programs[0];
  if (first === undefined) throw new RangeError('no programs asked for');
  const { stdout, failed } = await execa(join(directory, first), ['--version'], quiet);
  const version = failed ? undefined : /\(PostgreSQL\) (\d+[\w.]*)/.exec(stdout)?.[1];
  return version === undefined ? undefined : { major: Number.parseInt(version, 10), version, directory };
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Orders `18beta1` before `18.0`, and `9.6` before `10.1`. */
function compareVersions(a: string, b: string): number {
  const parts = (version: string) => {
    const [, major = '0', rest = ''] = /^(\d+)(.*)$/.exec(version) ?? [];
    return [Number(major), rest.startsWith('.') ? Number.parseFloat(rest.slice(1)) : -1] as const;
  };
  const [left, right] = [parts(a), parts(b)];
  return left[0] - right[0] || left[1] - right[1];
}

function missing(search: BinarySearch, all: readonly PostgresBinaries[]): HoldfastError {
  const server = search.programs.some((program) => (serverPrograms as readonly string[]).includes(program));
  const name = server ? 'postgresql' : 'postgresql-client';
  const oldest = search.oldest;
  const wanted = search.major !== undefined ? ` ${search.major}` : oldest !== undefined ? ` ${oldest} or newer` : '';
  const major = search.major ?? oldest;
  const there = [...new Set(all.map((binaries) => binaries.major))].join(', ');
  return new HoldfastError('tool-missing', `PostgreSQL${wanted} is not installed: ${search.programs.join(', ')}.`, {
    why: there === '' ? 'No version was found.' : `Found only version ${there}.`,
    hint:
      `Run as root: apt-get install --no-install-recommends ${name}${major === undefined ? '' : `-${major}`}` +
      (major === undefined ? '' : ' (versions that Debian lacks: https://wiki.postgresql.org/wiki/Apt)'),
  });
}
