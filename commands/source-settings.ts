/** Sources of the configuration as jobs want them: chosen by name, with their passwords. */

import type { Config } from '../config/schema.ts';
import type { Source } from '../config/sources.ts';
import { didYouMean } from '../config/suggestion.ts';
import { HoldfastError } from '../src/base/errors.ts';
import type { SourceSettings } from '../src/jobs/source-settings.ts';
import type { PostgresConnection } from '../src/sources/postgres/connection.ts';
import type { Context } from './context.ts';

/** The sources that were named, in the order of the configuration; all when none was. @throws `usage` */
export function chosenSources(config: Config, names: readonly string[]): Source[] {
  for (const name of names) sourceNamed(config, name);
  return config.sources.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** @throws HoldfastError `usage` when the configuration has no such source */
export function sourceNamed(config: Config, name: string): Source {
  const source = config.sources.find((candidate) => candidate.name === name);
  if (source) return source;
  const names = config.sources.map((candidate) => candidate.name);
  throw new HoldfastError('usage', `There is no source ${name}.`, {
    why: `The configuration has ${names.join(', ')}.`,
    hint: didYouMean(name, names)?.replace(/^d/, 'D') ?? 'Name one of those, or add it to `sources`.',
  });
}

/** @throws HoldfastError `secret` when the password cannot be had */
export async function settingsOf(context: Context, source: Source): Promise<SourceSettings> {
  if (source.type === 'files') return source;
  if (source.type === 'command') {
    const { name, type, command, filename, timeout } = source;
    return { name, type, command, filename, timeoutMs: timeout };
  }
  const { name, type, exclude, jobs } = source;
  const excludeTables = exclude.tables.map(({ schema, table }) => `${schema}.${table}`);
  return { name, type, connection: await connectionOf(context, source), excludeTables, ...(jobs && { jobs }) };
}

/** How to reach the database of a source, with its password. */
export async function connectionOf(
  context: Context,
  { connection, password }: Extract<Source, { type: 'postgres' }>,
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
