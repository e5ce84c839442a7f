/** Sources of the configuration as jobs want them: chosen by name, with their passwords. */

import type { Config } from '../config/schema.ts';
import { isCluster, type Source } from '../config/sources.ts';
import { didYouMean } from '../config/suggestion.ts';
import { HoldfastError } from '../src/base/errors.ts';
import type { BackupSettings, SourceSettings } from '../src/jobs/source-settings.ts';
import type { RepositoryAccess } from '../src/repository/access.ts';
import { clusterOf, databaseOf, memberName, memberPart } from '../src/repository/source-name.ts';
import type { PostgresConnection } from '../src/sources/postgres/connection.ts';
import type { Context } from './context.ts';

/**
 * The sources that were named, in the order of the configuration; all when none was. A cluster is there once, also when
 * only some of its databases were named: see `namedDatabases`.
 *
 * @throws `usage`
 */
export function chosenSources(config: Config, names: readonly string[]): Source[] {
  const chosen = new Set(names.map((name) => sourceNamed(config, name)));
  return config.sources.filter((source) => names.length === 0 || chosen.has(source));
}

/** The databases of a cluster that were named one by one; undefined when all of them are meant. */
export function namedDatabases({ name }: Source, names: readonly string[]): string[] | undefined {
  if (names.length === 0 || names.includes(name)) return undefined;
  return names.flatMap((one) => (clusterOf(one) === name ? (databaseOf(one) ?? []) : []));
}

/**
 * The source of a name; of `cluster/database`, the cluster.
 *
 * @throws HoldfastError `usage` when the configuration has no such source
 */
export function sourceNamed(config: Config, name: string): Source {
  const cluster = config.sources.find((source) => isCluster(source) && source.name === clusterOf(name));
  const source = cluster ?? config.sources.find((candidate) => candidate.name === name);
  if (source && (source.name === name || databaseOf(name) !== undefined)) return source;
  const names = config.sources.map((candidate) => candidate.name);
  const part = memberPart(name);
  throw new HoldfastError('usage', `There is no source ${name}.`, {
    why: cluster
      ? `${cluster.name} is a cluster, and no database is written so after its name.`
      : `The configuration has ${names.join(', ')}.`,
    hint:
      cluster && part
        ? `Write it ${memberName(cluster.name, part)}`
        : (didYouMean(clusterOf(name) ?? name, names)?.replace(/^d/, 'D') ??
          'Name one of those, or add it to `sources`.'),
  });
}

/**
 * Names of the sources that the repository may hold: of a cluster those that it does hold, whether or not the server
 * still has their databases, or the cluster's own name while there are none.
 *
 * @param names as the operator gave them; none: all
 */
export async function namesInRepository(
  access: RepositoryAccess,
  config: Config,
  names: readonly string[],
): Promise<string[]> {
  const { clusterRoster } = await import('../src/repository/source-roster.ts');
  const all: string[] = [];
  for (const source of chosenSources(config, names)) {
    const only = namedDatabases(source, names);
    if (!isCluster(source) || only) {
      all.push(...(only?.map((database) => memberName(source.name, database)) ?? [source.name]));
      continue;
    }
    const { names: members, ownSource, closed } = await clusterRoster(access, source.name);
    if (closed.length > 0) {
      access.emit({
        type: 'warning',
        source: source.name,
        text: `${closed.length} of its databases are left out: no key at hand opens them.`,
        hint: 'Give the identity file of an owner who may: --identity FILE',
      });
    }
    if (ownSource || members.length === 0) all.push(source.name);
    all.push(...members);
  }
  return all;
}

/** As `namesInRepository`; without any key those of the configuration, since names of a cluster's databases are sealed. */
export async function namesToExamine(
  access: RepositoryAccess,
  config: Config,
  names: readonly string[],
): Promise<string[]> {
  if (access.host || access.identities.length > 0) return namesInRepository(access, config, names);
  if (names.length > 0) return [...new Set(names)];
  return config.sources.map(({ name }) => name);
}

/**
 * Of a cluster, those of the database through which its list is read: see `backupSettingsOf`.
 *
 * @throws HoldfastError `secret` when the password cannot be had
 */
export async function settingsOf(context: Context, source: Source): Promise<SourceSettings> {
  if (source.type === 'files') return source;
  if (source.type === 'command') {
    const { name, type, command, filename, timeout } = source;
    return { name, type, command, filename, timeoutMs: timeout };
  }
  if (source.type === 'postgres-globals') {
    const { name, type, passwords } = source;
    return { name, type, passwords, connection: await connectionOf(context, source) };
  }
  const { name, type, exclude, jobs } = source;
  const excludeTables = exclude.tables.map(({ schema, table }) => `${schema}.${table}`);
  return { name, type, connection: await connectionOf(context, source), excludeTables, ...(jobs && { jobs }) };
}

/**
 * What a backup is asked for.
 *
 * @param only of a cluster: these databases alone
 * @throws HoldfastError `secret` when the password cannot be had
 */
export async function backupSettingsOf(context: Context, source: Source, only?: string[]): Promise<BackupSettings> {
  const settings = await settingsOf(context, source);
  if (settings.type !== 'postgres' || !isCluster(source)) return settings;
  return {
    ...settings,
    type: 'postgres-cluster',
    databases: source.databases,
    excludeDatabases: source.exclude.databases ?? [],
    ...(only && { only }),
  };
}

/** How to reach the database of a source, or any one of a cluster, with its password. */
export async function connectionOf(
  context: Context,
  { connection, password }: Extract<Source, { type: 'postgres' | 'postgres-globals' }>,
): Promise<PostgresConnection> {
  return withPassword(connection, password && (await context.secret(password)));
}

export function withPassword(
  { sslmode, ...server }: Extract<Source, { type: 'postgres' }>['connection'],
  password: string | undefined,
): PostgresConnection {
  // `allow` tries without TLS first; whoever accepts that accepts `prefer`.
  const mode = sslmode === 'allow' ? 'prefer' : sslmode;
  return { ...server, sslmode: mode, ...(password !== undefined && { password }) };
}
