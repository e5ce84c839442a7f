/** What the system must know, and allow, to run the jobs of a configuration. */
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Installation } from '../src/schedule/installation.ts';
import type { Context } from './context.ts';

/** @param user whom the jobs run as */
export async function installationOf(context: Context, user: string): Promise<Installation> {
  const { config, directory, path } = await context.config();
  const script = resolve(process.argv[1] ?? '');
  const secrets = secretsOf(config);
  const secretFiles = secrets.flatMap(({ file }) => (file === undefined ? [] : [resolve(directory, file)]));
  const disks = config.sites.flatMap((site) => (site.type === 'disk' ? [site.path] : []));
  const trees = config.sources.flatMap((source) => (source.type === 'files' ? [source.path] : []));
  return {
    command: [process.execPath, script, '-c', path],
    user,
    timeZone: config.rotation.timeZone,
    now: context.clock.now(),
    jobs: Object.entries(config.jobs).map(([name, { schedule }]) => ({ name, schedule })),
    state: config.state,
    writes: disks,
    reads: [process.execPath, dirname(script), path, ...secretFiles, ...trees, ...otherPaths(config)],
    readsEveryFile: trees.length > 0,
    runsCommands:
      config.sources.some(({ type }) => type === 'command') ||
      config.notify.some(({ type }) => type === 'command') ||
      secrets.some(({ command }) => command !== undefined),
    credentials: [...new Set(secrets.flatMap(({ credential }) => credential ?? []))],
    usesEnvironment: secrets.some(({ env }) => env !== undefined),
  };
}

/** Sockets and certificates. */
function otherPaths({ sites, sources }: Config): string[] {
  const ofSites = sites.flatMap(
    (site) => (site.type === 's3' ? site.ca : site.type === 'sftp' ? site.agent : []) ?? [],
  );
  const ofSources = sources.flatMap((source) => {
    if (source.type !== 'postgres' && source.type !== 'postgres-globals') return [];
    const { host, sslrootcert } = source.connection;
    return [host, sslrootcert].filter((path) => path?.startsWith('/')) as string[];
  });
  return [...ofSites, ...ofSources];
}

interface FoundSecret {
  env?: string;
  file?: string;
  command?: string[];
  credential?: string;
}

const secretKeys = ['env', 'file', 'command', 'credential'];

/** Every secret of the configuration, wherever it stands: a mapping with one key, which is one of the four. */
function secretsOf(value: unknown): FoundSecret[] {
  if (typeof value !== 'object' || value === null) return [];
  const keys = Object.keys(value);
  if (!Array.isArray(value) && keys.length === 1 && secretKeys.includes(keys[0]!)) return [value as FoundSecret];
  return Object.values(value).flatMap(secretsOf);
}
