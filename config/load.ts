/** Finds and reads the configuration. Whatever is wrong with it is reported at once. */
import { open, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { HoldfastError, systemCode } from '../src/base/errors.ts';
import { readDocument } from './document.ts';
import { findingsOf } from './findings.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { ConfigError, type ConfigProblem, formatProblem } from './problems.ts';
import { checkReferences } from './references.ts';
import { defaultJobsFor } from './rotation.ts';
import { type Config, configSchema } from './schema.ts';
import type { Environment } from './secrets.ts';
import type { Site } from './sites.ts';
import type { Source } from './sources.ts';

export const configFileName = 'holdfast.yaml';
export const configVariable = 'HOLDFAST_CONFIG';
export const systemConfigPath = '/etc/holdfast/holdfast.yaml';

/** The largest configuration that is read, in bytes. */
const sizeLimit = 1024 * 1024;

export interface LoadedConfig {
  /** The file, absolute. */
  path: string;
  /** The directory of the file, absolute: secrets with a relative path count from here. */
  directory: string;
  /** Every path in it is absolute, those of secrets excepted. */
  config: Config;
}

export interface FindConfigOptions {
  /** What `-c` was given. */
  flag?: string | undefined;
  env: Environment;
  /** The working directory. */
  cwd: string;
}

/**
 * The path of the configuration to use, absolute: the flag, `./holdfast.yaml`, `$HOLDFAST_CONFIG`,
 * `/etc/holdfast/holdfast.yaml`. One that is named by flag or variable need not exist; loading it then says so.
 *
 * @throws HoldfastError `config` when there is none
 */
export async function findConfig({ flag, env, cwd }: FindConfigOptions): Promise<string> {
  if (flag !== undefined) return resolve(cwd, flag);
  const local = join(cwd, configFileName);
  if (await exists(local)) return local;
  const named = env[configVariable];
  if (named) return resolve(cwd, named);
  if (await exists(systemConfigPath)) return systemConfigPath;
  throw new HoldfastError('config', 'There is no configuration.', {
    why: `Neither ${local} nor ${systemConfigPath} exists, and ${configVariable} is not set.`,
    hint: 'Make one with holdfast init, or name one with -c.',
  });
}

/**
 * Reads a configuration file.
 *
 * @throws ConfigError with every problem of its content
 * @throws HoldfastError `config` when the file cannot be read at all
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const absolute = resolve(path);
  const directory = dirname(absolute);
  const text = await readText(path, absolute);
  return { path: absolute, directory, config: absolutePaths(await parseConfig(text, path), directory) };
}

/**
 * Reads the text of a configuration. Paths stay as they are written.
 *
 * @param file names the text in problems
 * @throws ConfigError with every problem
 */
export async function parseConfig(text: string, file: string): Promise<Config> {
  const document = readDocument(text, file);
  const problems = [...document.problems];
  const { value } = document;
  if (value === null) {
    problems.push(document.place({ path: [], message: 'the file is empty; make a configuration with holdfast init' }));
  }
  if (value === null || value === undefined) throw new ConfigError(file, arranged(problems));
  const parsed = configSchema.safeParse(value);
  const findings = await checkReferences(value);
  if (!parsed.success) findings.unshift(...findingsOf(configSchema, value, parsed.error.issues));
  // A secret key in the wrong place is told as that, and not once more as a malformed value.
  const told = new Set(document.problems.map(({ path }) => path).filter((path) => path !== ''));
  problems.push(...findings.map(document.place).filter(({ path }) => !told.has(path)));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(file, arranged(problems));
  const namesJobs = (value as { jobs?: unknown }).jobs !== undefined;
  return namesJobs ? parsed.data : { ...parsed.data, jobs: defaultJobsFor(parsed.data.owners) };
}

/** From top to bottom, each once. */
function arranged(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const distinct = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...distinct.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

function absolutePaths(config: Config, directory: string): Config {
  const full = (path: string) => resolve(directory, path);
  const { scratch } = config.verify;
  const { target: copy } = config.pseudonymize;
  const source = (one: Source): Source => {
    if (one.type === 'files') return { ...one, path: full(one.path) };
    if (one.type !== 'postgres' && one.type !== 'postgres-globals') return one;
    return { ...one, connection: withCertificate(one.connection, full) };
  };
  return {
    ...config,
    state: full(config.state),
    sites: config.sites.map((site) => siteWithPaths(site, full)),
    sources: config.sources.map(source),
    verify: {
      ...config.verify,
      scratch: {
        ...scratch,
        ...(scratch.directory !== undefined && { directory: full(scratch.directory) }),
        ...(scratch.binaries !== undefined && { binaries: full(scratch.binaries) }),
      },
    },
    pseudonymize: {
      ...config.pseudonymize,
      ...(copy && { target: { ...copy, connection: withCertificate(copy.connection, full) } }),
      after: config.pseudonymize.after.map(full),
    },
  };
}

function withCertificate(connection: PostgresConnection, full: (path: string) => string): PostgresConnection {
  const { sslrootcert } = connection;
  return sslrootcert === undefined || sslrootcert === 'system'
    ? connection
    : { ...connection, sslrootcert: full(sslrootcert) };
}

function siteWithPaths(site: Site, full: (path: string) => string): Site {
  switch (site.type) {
    case 'disk':
      return { ...site, path: full(site.path) };
    case 's3':
      return site.ca === undefined ? site : { ...site, ca: full(site.ca) };
    case 'sftp':
      return site.agent === undefined ? site : { ...site, agent: full(site.agent) };
  }
}

async function readText(path: string, absolute: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    await using handle = await open(absolute, 'r');
    const { mode, size } = await handle.stat();
    // It names commands to run: whoever may write it may do everything that Holdfast may.
    if ((mode & 0o002) !== 0) {
      throw new HoldfastError('config', `The configuration ${path} can be changed by every user.`, {
        hint: 'Take the right from them: chmod o-w on the file.',
      });
    }
    if (size > sizeLimit) {
      throw new HoldfastError('config', `The configuration ${path} is larger than ${sizeLimit} bytes.`, {
        hint: 'Check that the path is right.',
      });
    }
    bytes = await handle.readFile();
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw unreadable(path, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HoldfastError('config', `The configuration ${path} is not UTF-8 text.`, {
      why: `Line ${firstBadLine(bytes)} is the first that is not.`,
      hint: 'Save it as UTF-8.',
    });
  }
}

function unreadable(path: string, error: unknown): HoldfastError {
  const code = systemCode(error);
  if (code === 'ENOENT') {
    return new HoldfastError('config', `The configuration ${path} does not exist.`, {
      hint: 'Make one with holdfast init, or name another with -c.',
      cause: error,
    });
  }
  const why: Record<string, string> = { EISDIR: 'It is a directory.', EACCES: 'Permission is denied.' };
  return new HoldfastError('config', `The configuration ${path} cannot be read.`, {
    why: why[code ?? ''] ?? `${code}.`,
    cause: error,
  });
}

function firstBadLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end + 1;
  }
  return line;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // What is there but out of reach must not be passed over for another configuration.
    return !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
  }
}
