import { HoldfastError } from '../../base/errors.ts';
import type { Shortfall } from '../source.ts';
import { describeConnection } from './connection.ts';
import type { DatabaseLine } from './manifest.ts';
import { quoteLiteral } from './quote.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';

/** What a server must have before a database can be made on it. All that it lacks is told at once. */

/** What a restore needs of a server. */
export interface ServerNeeds {
  /** Roles and tablespaces mapped already. */
  database: DatabaseLine;
  /** Of its extensions those that are wanted. */
  extensions: readonly { name: string; version: string }[];
  tablespaces: readonly string[];
  /** Roles and tablespaces that the operator named: without them nothing can be done. */
  named: { roles: readonly string[]; tablespaces: readonly string[] };
  /** Whether the outcome must equal the snapshot, so that nothing can be left out or take the place of another. */
  exact: boolean;
}

/** The versions of an extension that a server can create. */
export interface AvailableExtension {
  versions: ReadonlySet<string>;
  /** What CREATE EXTENSION takes when it is not told. */
  standard: string | null;
}

/** Extensions that the server could create, by name. @throws HoldfastError */
export async function availableExtensions(session: Session): Promise<Map<string, AvailableExtension>> {
  const rows = await session.query<{ name: string; standard: string | null; versions: string[] }>(
    `SELECT v.name::text AS name, a.default_version AS standard, pg_catalog.array_agg(v.version) AS versions
     FROM pg_catalog.pg_available_extension_versions v
     LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = v.name
     GROUP BY v.name, a.default_version`,
    [],
    'Could not list the extensions of the server.',
  );
  return new Map(rows.map(({ name, standard, versions }) => [name, { standard, versions: new Set(versions) }]));
}

interface Lack {
  /** One sentence. */
  why: string;
  hint: string;
}

/**
 * Looks at everything that would stop a restore after it has begun.
 *
 * @param session to any database of the server
 * @returns what can be done without, as a restore would tell it
 * @throws HoldfastError `target-failed` naming all that is lacking
 */
export async function checkPreconditions(session: Session, needs: ServerNeeds): Promise<Shortfall[]> {
  const shortfalls: Shortfall[] = [];
  const lacks = [
    ...checkServer(session, needs.database),
    ...(await checkRights(session)),
    ...(await checkExtensions(session, needs, shortfalls)),
    ...(await checkTablespaces(session, needs, shortfalls)),
    ...(await checkRoles(session, needs)),
    ...(await checkLocale(session, needs.database)),
  ];
  if (lacks.length === 0) return shortfalls;
  const { host, port } = session.connection;
  throw new HoldfastError('target-failed', `The server ${host}:${port} cannot take this database.`, {
    why: lacks.map(({ why }) => why).join(' '),
    hint: [...new Set(lacks.map(({ hint }) => hint))].join(' '),
  });
}

const major = (version: number) => Math.floor(version / 10_000);

function checkServer(session: Session, database: DatabaseLine): Lack[] {
  const [theirs, ours] = [major(session.serverVersion), major(database.serverVersion)];
  if (session.inRecovery) {
    return [{ why: 'It is a standby, which can only be read.', hint: 'Name the primary server.' }];
  }
  if (theirs >= ours) return [];
  return [
    {
      why: `It is PostgreSQL ${theirs}, and the snapshot is of PostgreSQL ${ours}.`,
      hint: `Restore on PostgreSQL ${ours} or newer, or as plain files: --to dir:/path.`,
    },
  ];
}

async function checkRights(session: Session): Promise<Lack[]> {
  const [row] = await session.query<{ may: boolean }>(
    'SELECT rolsuper OR rolcreatedb AS may FROM pg_catalog.pg_roles WHERE rolname = current_user',
  );
  if (row?.may === true) return [];
  return [
    {
      why: `Connected to ${describeConnection(session.connection)}: that role may not create databases.`,
      hint: 'Restore as a superuser: --to postgres://SUPERUSER@host/name.',
    },
  ];
}

async function checkExtensions(session: Session, needs: ServerNeeds, shortfalls: Shortfall[]): Promise<Lack[]> {
  if (needs.extensions.length === 0) return [];
  const available = await availableExtensions(session);
  const missing = needs.extensions.filter(({ name }) => !available.has(name));
  const others = needs.extensions.filter(({ name, version }) => available.get(name)?.versions.has(version) === false);
  const written = (list: typeof missing) => list.map(({ name, version }) => `${name} ${version}`).join(', ');
  const lacks: Lack[] = [];
  if (missing.length > 0) {
    lacks.push({
      why: `It lacks extensions that the database needs: ${written(missing)}.`,
      hint: 'Install their packages on the server, such as postgresql-contrib, then restore again.',
    });
  }
  if (others.length > 0 && needs.exact) {
    lacks.push({
      why: `It has extensions in other versions only: ${written(others)}.`,
      hint: 'Install those versions, or restore without --swap, under another name.',
    });
  }
  for (const { name, version } of others) {
    const reason = `The server does not have version ${version}, but ${[...available.get(name)!.versions].join(', ')}.`;
    shortfalls.push({ object: `extension ${name}`, reason, degrades: true });
  }
  return lacks;
}

async function checkTablespaces(session: Session, needs: ServerNeeds, shortfalls: Shortfall[]): Promise<Lack[]> {
  const rows = await session.query<{ name: string }>('SELECT spcname::text AS name FROM pg_catalog.pg_tablespace');
  const there = new Set(rows.map(({ name }) => name));
  const absent = (names: readonly string[]) => names.filter((name) => name !== '' && !there.has(name));
  const named = absent(needs.named.tablespaces);
  const lacks: Lack[] = [];
  if (named.length > 0) {
    lacks.push({
      why: `It has no tablespace ${named.join(', ')}, which --tablespace-map names.`,
      hint: 'CREATE TABLESPACE makes one.',
    });
  }
  const missing = absent(needs.tablespaces).filter((name) => !named.includes(name));
  if (missing.length > 0 && needs.exact) {
    lacks.push({
      why: `It has no tablespace ${missing.join(', ')}, in which parts of the database lay.`,
      hint: `Make it, or say where they go: --tablespace-map ${missing[0]}=`,
    });
  }
  for (const name of missing) {
    const reason = 'The server has no such tablespace; what lay in it is in the default one.';
    shortfalls.push({ object: `tablespace ${name}`, reason, degrades: true });
  }
  return lacks;
}

async function checkRoles(session: Session, { named }: ServerNeeds): Promise<Lack[]> {
  if (named.roles.length === 0) return [];
  const rows = await session.query<{ name: string }>(
    `SELECT n AS name FROM pg_catalog.unnest($1::text[]) AS n
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = n)`,
    [[...new Set(named.roles)]],
  );
  if (rows.length === 0) return [];
  return [
    {
      why: `It has no role ${rows.map(({ name }) => name).join(', ')}, which --role-map names.`,
      hint: 'CREATE ROLE makes one.',
    },
  ];
}

async function checkLocale(session: Session, database: DatabaseLine): Promise<Lack[]> {
  const { encoding, localeProvider, collate, ctype, locale } = database;
  const [known] = await session.query<{ known: boolean }>('SELECT pg_catalog.pg_char_to_encoding($1) >= 0 AS known', [
    encoding,
  ]);
  if (!known!.known) {
    return [{ why: `It does not know the encoding ${encoding}.`, hint: 'Restore on another server.' }];
  }
  const lacks: Lack[] = [];
  if (localeProvider === 'builtin' && session.serverVersion < 170_000) {
    lacks.push({ why: 'It has no builtin locales.', hint: 'Restore on PostgreSQL 17 or newer.' });
  }
  // Whether a locale is there can only be tried in a database of its encoding. Where it is another, CREATE DATABASE tells.
  if (session.encoding === encoding) {
    const values = [collate, ctype].map(quoteLiteral);
    if (!(await canCollate(session, `provider = libc, lc_collate = ${values[0]}, lc_ctype = ${values[1]}`))) {
      lacks.push(missingLocale([...new Set([collate, ctype])].join(' and ')));
    }
  }
  if (
    localeProvider === 'icu' &&
    !(await canCollate(session, `provider = icu, locale = ${quoteLiteral(locale ?? '')}`))
  ) {
    lacks.push({
      why: `It cannot use the ICU locale ${JSON.stringify(locale)}.`,
      hint: 'Install a PostgreSQL that was built with ICU.',
    });
  }
  return lacks;
}

function missingLocale(names: string): Lack {
  return {
    why: `It has no locale ${names}.`,
    hint: 'Install the locale on the server (`locale -a` lists those it has), and restart PostgreSQL.',
  };
}

/** Creates a collation, and takes it back. */
async function canCollate(session: Session, options: string): Promise<boolean> {
  try {
    await session.run(`BEGIN; CREATE COLLATION pg_temp.holdfast_tries_it (${options}); ROLLBACK`);
    return true;
  } catch (error) {
    if (session.lost) throw error;
    await session.run('ROLLBACK');
    // Not being allowed to try says nothing.
    return sqlstateOf(error) === sqlstate.insufficientPrivilege;
  }
}
