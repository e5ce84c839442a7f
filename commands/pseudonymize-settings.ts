/** What the commands below `pseudonymize` share: which database is meant, and its lock file. */
import type { Config } from '../config/schema.ts';
import type { ClassifySettings } from '../src/jobs/pseudonymize/classify.ts';
import type { PseudonymKey } from '../src/pseudonyms/keys.ts';
import type { PostgresConnection } from '../src/sources/postgres/connection.ts';
import type { Context } from './context.ts';

/**
 * @param reached the database to read instead of the live one of the source, whose password is not asked for then
 * @throws HoldfastError `usage` when it is not clear which source is meant, or it is no database
 */
export async function classifySettings(
  context: Context,
  given: string | undefined,
  reached?: PostgresConnection,
): Promise<ClassifySettings> {
  const [
    { config, directory },
    { resolve },
    { sourceNamed, connectionOf },
    { databaseOf },
    { HoldfastError },
    { isCluster },
    { lockEnding },
  ] = await Promise.all([
    context.config(),
    import('node:path'),
    import('./source-settings.ts'),
    import('../src/repository/source-name.ts'),
    import('../src/base/errors.ts'),
    import('../config/sources.ts'),
    import('../config/pseudonymize.ts'),
  ]);
  const { pseudonymize } = config;
  const name = given ?? pseudonymize.source ?? onlyDatabase(config);
  if (name === undefined) {
    throw new HoldfastError('usage', 'It is not clear which source is meant.', {
      why: 'The configuration has none or several PostgreSQL databases, and `pseudonymize.source` names none.',
      hint: 'Name one: `holdfast pseudonymize scan app`.',
    });
  }
  const source = sourceNamed(config, name);
  const database = databaseOf(name);
  if (source.type !== 'postgres' || (isCluster(source) && database === undefined)) {
    throw new HoldfastError('usage', `The source ${name} is no PostgreSQL database.`, {
      why: source.type === 'postgres' ? 'It is a cluster of several.' : `It is of the type ${source.type}.`,
      hint:
        source.type === 'postgres'
          ? `Name one of its databases: ${name}/<database>`
          : 'Name a source of the type postgres.',
    });
  }
  const own = reached ?? (await connectionOf(context, source));
  // A lock file that is named belongs to the source that is named beside it.
  const named = pseudonymize.source === undefined || pseudonymize.source === name ? pseudonymize.lock : undefined;
  return {
    source: name,
    connection: !reached && isCluster(source) && database !== undefined ? { ...own, database } : own,
    lockFile: resolve(directory, named ?? `${name.replaceAll('/', '.')}${lockEnding}`),
    sampleRows: pseudonymize.sample,
    emit: context.emit,
    signal: context.signal,
  };
}

function onlyDatabase({ sources }: Config): string | undefined {
  const databases = sources.filter((source) => source.type === 'postgres' && source.databases === undefined);
  return databases.length === 1 ? databases[0]!.name : undefined;
}

/** The key of the pseudonyms, that of the copy where it has a name. */
export interface CopyKey {
  key: PseudonymKey;
  /** The same as bytes. */
  secret: Uint8Array;
}

/** @throws HoldfastError `config` when there is none, or it is too short; `secret` when it cannot be had */
export async function copyKey(context: Context): Promise<CopyKey> {
  const [{ config }, { HoldfastError }, { PseudonymKey }] = await Promise.all([
    context.config(),
    import('../src/base/errors.ts'),
    import('../src/pseudonyms/keys.ts'),
  ]);
  const { key: from, copy } = config.pseudonymize;
  if (from === undefined) {
    throw new HoldfastError('config', 'There is no key for the pseudonyms.', {
      why: '`pseudonymize.key` is not set.',
      hint: 'Make one with `openssl rand -hex 32`, keep it in a secret store, and say there where it is found.',
    });
  }
  const whole = PseudonymKey.parse(await context.secret(from));
  const key = copy === undefined ? whole : whole.forCopy(copy);
  return { key, secret: key.secretBytes() };
}
