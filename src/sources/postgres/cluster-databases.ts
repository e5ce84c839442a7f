import { HoldfastError } from '../../base/errors.ts';
import { describeConnection, type PostgresConnection } from './connection.ts';
import { quoteIdentifier } from './quote.ts';
import { openSession } from './session.ts';
import { wildcard } from './wildcard.ts';

/** Which databases of a cluster are wanted. */
export interface DatabaseChoice {
  /** Names or patterns: see `wildcard`. */
  databases: 'all' | readonly string[];
  /** Names or patterns; stronger than `databases`. */
  exclude: readonly string[];
}

/** A database as the server lists it. */
export interface ListedDatabase {
  name: string;
  /** Why it cannot be backed up; undefined where it can. */
  obstacle?: DatabaseObstacle;
}

export interface DatabaseObstacle {
  /** In one sentence. */
  reason: string;
  hint: string;
  /** `closed`: nobody can connect to it. `denied`: this role may not. */
  kind: 'closed' | 'denied';
}

/** What the server has, held against what is wanted. All lists are sorted by name. */
export interface ClusterDatabases {
  /** To be backed up. */
  chosen: ListedDatabase[];
  /** Left out by `exclude`. */
  excluded: string[];
  /** Names in `databases`, not patterns, that the server does not have. */
  missing: string[];
  /** Patterns of both lists that fit nothing. */
  unused: string[];
  /** Whether a name is wanted, on the server or not. */
  wants(name: string): boolean;
  /** Whether the server has it. */
  has(name: string): boolean;
}

/** Written by initdb, and alike everywhere. */
const builtIn = new Set(['template0', 'template1']);

/**
 * Asks a server for its databases.
 *
 * @param connection to any database of the cluster
 * @throws HoldfastError `source-failed`
 */
export async function listDatabases(
  connection: PostgresConnection,
  choice: DatabaseChoice,
  signal?: AbortSignal,
): Promise<ClusterDatabases> {
  await using session = await openSession(connection, { applicationName: 'holdfast backup', signal });
  const rows = await session.query<ListedRow>(
    `SELECT datname::text AS name, datallowconn AS open, datconnlimit = -2 AS broken,
            has_database_privilege(oid, 'CONNECT') AS allowed
     FROM pg_database ORDER BY datname COLLATE "C"`,
    [],
    `Could not list the databases of the cluster, through ${describeConnection(connection)}.`,
  );
  return chooseDatabases(
    rows.filter(({ name }) => !builtIn.has(name)).map((row) => listed(row, connection.user)),
    choice,
  );
}

/** Whether a server still has a database. @throws HoldfastError `source-failed` */
export async function hasDatabase(
  connection: PostgresConnection,
  name: string,
  signal?: AbortSignal,
): Promise<boolean> {
  await using session = await openSession(connection, { applicationName: 'holdfast backup', signal });
  return (await session.query('SELECT FROM pg_database WHERE datname = $1', [name])).length > 0;
}

interface ListedRow {
  name: string;
  open: boolean;
  broken: boolean;
  allowed: boolean;
}

function listed({ name, open, broken, allowed }: ListedRow, user: string): ListedDatabase {
  const exclude = 'name it under exclude.databases';
  const closed = (reason: string, hint: string): ListedDatabase => ({
    name,
    obstacle: { kind: 'closed', reason, hint },
  });
  if (broken) return closed('It is what an interrupted DROP DATABASE left.', `Drop it, or ${exclude}.`);
  if (!open) {
    return closed('It allows no connections (datallowconn is off).', `Let it allow connections, or ${exclude}.`);
  }
  if (name.includes('\ufffd')) return closed('Its name is no UTF-8.', `Rename it, or ${exclude} by a pattern.`);
  if (allowed) return { name };
  const hint = `GRANT CONNECT ON DATABASE ${quoteIdentifier(name)} TO ${quoteIdentifier(user)}; or ${exclude}.`;
  return { name, obstacle: { kind: 'denied', reason: `The role ${user} may not connect to it.`, hint } };
}

/** The part that needs no server. @param all in the order of their names */
export function chooseDatabases(all: readonly ListedDatabase[], choice: DatabaseChoice): ClusterDatabases {
  const include = choice.databases === 'all' ? undefined : choice.databases.map(pattern);
  const exclude = choice.exclude.map(pattern);
  const isExcluded = (name: string) => exclude.some(({ fits }) => fits(name));
  const isIncluded = (name: string) => include === undefined || include.some(({ fits }) => fits(name));
  const names = new Set(all.map(({ name }) => name));
  const fitsNone = ({ fits }: Pattern) => !all.some(({ name }) => fits(name));
  const wanted = all.filter(({ name }) => isIncluded(name));
  return {
    chosen: wanted.filter(({ name }) => !isExcluded(name)),
    excluded: wanted.filter(({ name }) => isExcluded(name)).map(({ name }) => name),
    missing: (include ?? []).filter((one) => one.literal && fitsNone(one)).map(({ text }) => text),
    unused: [...(include ?? []).filter(({ literal }) => !literal), ...exclude].filter(fitsNone).map(({ text }) => text),
    wants: (name) => isIncluded(name) && !isExcluded(name),
    has: (name) => names.has(name),
  };
}

interface Pattern {
  text: string;
  literal: boolean;
  fits(name: string): boolean;
}

function pattern(text: string): Pattern {
  const expression = wildcard(text);
  return { text, literal: !/[*?]/.test(text), fits: (name) => expression.test(name) };
}

/** For a database that was named and is not there. */
export function noSuchDatabase(connection: PostgresConnection, name: string): HoldfastError {
  return new HoldfastError('source-failed', `The server has no database ${JSON.stringify(name)}.`, {
    why: `The list was read through ${describeConnection(connection)}.`,
    hint: 'Check its name, case included: `psql -l` lists them.',
  });
}
