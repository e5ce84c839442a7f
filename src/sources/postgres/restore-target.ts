import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { describeConnection, type PostgresConnection } from './connection.ts';
import type { DatabaseLine } from './manifest.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import { databaseExists, longestName, swapNames, withSuffix } from './restore-swap.ts';
import { sqlstateOf } from './server-errors.ts';
import { openSession, type Session } from './session.ts';
import { dropForeignSubscriptions } from './subscriptions.ts';

/**
 * A database under construction. Until everything is in it, it has another name, and a comment that says what it is, so
 * that a restore that was killed leaves nothing under the final name and the next one can tell what may be dropped.
 */
export interface RestoreTarget extends AsyncDisposable {
  /** To a database of the same server; stays open, and holds a lock that keeps other restores of this name away. */
  readonly admin: Session;
  /** To the database under construction. */
  readonly connection: PostgresConnection;
  /** Tablespaces of the server. */
  readonly tablespaces: ReadonlySet<string>;
  /**
   * Gives the database its final name, in the transaction that runs `statements` too. No session of ours may be open in
   * it; those of others are ended.
   *
   * @returns the name under which the database that had the name is kept; undefined when there was none
   * @throws HoldfastError
   */
  finish(statements: (quotedName: string) => string[]): Promise<string | undefined>;
  /** Drops the database unless it is finished. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TargetSettings {
  /** To any database of the server. */
  admin: PostgresConnection;
  /** Final name. */
  database: string;
  /** Whether a database that has the name gives it up; otherwise none may have it. */
  replace?: boolean | undefined;
  like: DatabaseLine;
  clock: Clock;
  signal: AbortSignal;
}

const applicationName = 'holdfast restore';
/** Milliseconds. A swap that was killed may hold its lock for as long as the server waits for sessions to end: 5 s. */
const lockPatience = 8_000;
const suffixPattern = /_holdfast_[0-9a-f]{12}$/;

/**
 * Creates the database under its temporary name, after dropping what killed restores of the same name left behind.
 *
 * @throws HoldfastError `target-exists`; `usage` for a name the server would cut; `target-failed`
 */
export async function createTarget(settings: TargetSettings): Promise<RestoreTarget> {
  const { database, signal, replace = false } = settings;
  assertName(database);
  const admin = await openSession(settings.admin, { applicationName, signal, failure: 'target-failed' });
  try {
    await takeLock(admin, database, settings.clock);
    if (!replace) await assertAbsent(admin, database);
    for (const leftover of await findLeftovers(admin, database)) await dropDatabase(admin, leftover, signal);
    const spaces = await admin.query<{ name: string }>('SELECT spcname::text AS name FROM pg_catalog.pg_tablespace');
    const tablespaces = new Set(spaces.map(({ name }) => name));
    const name = temporaryName(database);
    await create(admin, name, database, settings.like, tablespaces);
    return new UnfinishedDatabase(admin, { ...settings.admin, database: name }, tablespaces, settings);
  } catch (error) {
    await admin.close();
    throw error;
  }
}

/** @throws HoldfastError `usage` for a name the server would cut */
export function assertName(database: string): void {
  if (database !== '' && Buffer.byteLength(database) <= longestName && !database.includes('\0')) return;
  throw new HoldfastError('usage', `${JSON.stringify(database)} cannot be the name of a database.`, {
    why: `A name has 1 to ${longestName} bytes.`,
  });
}

/** `name` cut to leave room, then `_holdfast_` and 12 random digits. */
function temporaryName(name: string): string {
  return withSuffix(name, `_holdfast_${randomBytes(6).toString('hex')}`);
}

function marker(name: string): string {
  return `Unfinished restore of ${JSON.stringify(name)} by holdfast; dropped by the next one.`;
}

/** Two integers, as advisory locks of two keys have them. */
function lockKeys(name: string): [number, number] {
  const digest = createHash('sha256').update(`holdfast restore ${name}`).digest();
  return [digest.readInt32BE(0), digest.readInt32BE(4)];
}

/**
 * Advisory locks belong to one database, so those in others are looked up. The lock goes with the session; that of a
 * killed restore may stay for a moment, so a taken one is asked for again for a while.
 */
async function takeLock(admin: Session, name: string, clock: Clock): Promise<void> {
  const [first, second] = lockKeys(name);
  const deadline = clock.monotonic() + lockPatience;
  for (;;) {
    const [row] = await admin.query<{ taken: boolean; others: number }>(
      `SELECT pg_catalog.pg_try_advisory_lock($1, $2) AS taken,
              (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM pg_catalog.pg_locks
               WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND pid <> pg_catalog.pg_backend_pid()
                 AND classid = ($1::pg_catalog.int8 & 4294967295)::pg_catalog.oid
                 AND objid = ($2::pg_catalog.int8 & 4294967295)::pg_catalog.oid) AS others`,
      [first, second],
    );
    if (row!.taken && row!.others === 0) return;
    if (row!.taken) await admin.query('SELECT pg_catalog.pg_advisory_unlock($1, $2)', [first, second]);
    if (clock.monotonic() > deadline) break;
    await clock.sleep(100 + 200 * Math.random());
  }
  throw new HoldfastError('target-exists', `Another restore is making the database ${JSON.stringify(name)}.`, {
    why: 'It holds the lock for that name on the server.',
    hint: 'Wait for it, or restore under another name.',
  });
}

/** @throws HoldfastError `target-exists` */
export async function assertAbsent(admin: Session, name: string): Promise<void> {
  if (!(await databaseExists(admin, name))) return;
  throw new HoldfastError('target-exists', `The database ${JSON.stringify(name)} exists already.`, {
    why: `A restore never goes over something that is there: ${describeConnection(admin.connection)} has it.`,
    hint: 'Restore under another name, or with --swap, which keeps the one that is there under another name.',
  });
}

/**
 * Databases that say by their comment that they are unfinished, and those that were killed before they got it: they have
 * such a name and have never let anybody in.
 */
async function findLeftovers(admin: Session, name: string): Promise<string[]> {
  const candidates = await admin.query<{ name: string; marked: boolean; closed: boolean }>(
    `SELECT d.datname::text AS name, c.description IS NOT DISTINCT FROM $1 AS marked,
            c.description IS NULL AND NOT d.datallowconn AS closed
     FROM pg_catalog.pg_database d
     LEFT JOIN pg_catalog.pg_shdescription c
       ON c.objoid = d.oid AND c.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass`,
    [marker(name)],
  );
  const head = temporaryName(name).replace(suffixPattern, '');
  return candidates
    .filter((found) => found.name.replace(suffixPattern, '') === head && found.name !== head)
    .filter(({ marked, closed }) => marked || closed)
    .map((found) => found.name);
}

/** Drops a database of ours with the sessions in it. */
async function dropDatabase(admin: Session, name: string, signal?: AbortSignal): Promise<void> {
  const what = `Could not drop the unfinished database ${JSON.stringify(name)}.`;
  const quoted = quoteIdentifier(name);
  const subscribed = await admin.query(
    'SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = $1',
    [name],
    what,
  );
  if (subscribed.length > 0) {
    await admin.run(`ALTER DATABASE ${quoted} ALLOW_CONNECTIONS true`, what);
    const connection = { ...admin.connection, database: name };
    await using session = await openSession(connection, { applicationName, signal, failure: 'target-failed' });
    await dropForeignSubscriptions(session);
  }
  await admin.run(`DROP DATABASE IF EXISTS ${quoted} WITH (FORCE)`, what);
}

async function create(
  admin: Session,
  name: string,
  finalName: string,
  like: DatabaseLine,
  tablespaces: ReadonlySet<string>,
): Promise<void> {
  const what = `Could not create a database for ${JSON.stringify(finalName)}.`;
  const quoted = quoteIdentifier(name);
  const clauses = [
    'TEMPLATE template0',
    `ENCODING ${quoteLiteral(like.encoding)}`,
    `LC_COLLATE ${quoteLiteral(like.collate)}`,
    `LC_CTYPE ${quoteLiteral(like.ctype)}`,
    ...localeClauses(like, admin.serverVersion),
    // Until the comment is on it nobody can have put anything into it.
    'ALLOW_CONNECTIONS false',
  ];
  if (tablespaces.has(like.tablespace)) clauses.push(`TABLESPACE ${quoteIdentifier(like.tablespace)}`);
  try {
    await admin.run(`CREATE DATABASE ${quoted} ${clauses.join(' ')}`, what);
  } catch (error) {
    throw localeStates.has(sqlstateOf(error) ?? '') ? localeError(error, like, what) : error;
  }
  await admin.run(
    `COMMENT ON DATABASE ${quoted} IS ${quoteLiteral(marker(finalName))};
     ALTER DATABASE ${quoted} ALLOW_CONNECTIONS true`,
    what,
  );
}

/** Wrong object type, undefined object, invalid parameter, not supported: of CREATE DATABASE all are about locales. */
const localeStates: ReadonlySet<string> = new Set(['42809', '42704', '22023', '0A000']);

function localeError(error: unknown, like: DatabaseLine, what: string): HoldfastError {
  const { encoding, localeProvider, collate, ctype, locale } = like;
  const names = [...new Set([collate, ctype, ...(locale === null ? [] : [locale])])].join(', ');
  return new HoldfastError('target-failed', what, {
    why: `The server cannot make one with the encoding ${encoding} and the locale ${names} (${localeProvider}).`,
    hint: 'Install the locale on the server (`locale -a` lists those it has), and restart PostgreSQL.',
    cause: error,
  });
}

/** The provider came with PostgreSQL 15, `builtin` and the rename of ICU_LOCALE's column with 17; libc needs neither. */
function localeClauses(like: DatabaseLine, serverVersion: number): string[] {
  if (serverVersion < 150_000 || like.localeProvider === 'libc')
    return serverVersion < 150_000 ? [] : ['LOCALE_PROVIDER libc'];
  const clauses = [`LOCALE_PROVIDER ${quoteIdentifier(like.localeProvider)}`];
  if (like.locale !== null) {
    clauses.push(`${like.localeProvider === 'builtin' ? 'BUILTIN_LOCALE' : 'ICU_LOCALE'} ${quoteLiteral(like.locale)}`);
  }
  if (like.icuRules !== null) clauses.push(`ICU_RULES ${quoteLiteral(like.icuRules)}`);
  return clauses;
}

class UnfinishedDatabase implements RestoreTarget {
  readonly admin: Session;
  readonly connection: PostgresConnection;
  readonly tablespaces: ReadonlySet<string>;
  readonly #settings: TargetSettings;
  #finished = false;

  constructor(
    admin: Session,
    connection: PostgresConnection,
    tablespaces: ReadonlySet<string>,
    settings: TargetSettings,
  ) {
    this.admin = admin;
    this.connection = connection;
    this.tablespaces = tablespaces;
    this.#settings = settings;
  }

  async finish(statements: (quotedName: string) => string[]): Promise<string | undefined> {
    const name = this.connection.database;
    const { database: finalName, replace = false, clock, signal } = this.#settings;
    const quoted = quoteIdentifier(name);
    const what = `Could not give the restored database its name ${JSON.stringify(finalName)}.`;
    // A database can only be renamed while nobody is in it; monitoring tools may be.
    await this.admin.run(`ALTER DATABASE ${quoted} ALLOW_CONNECTIONS false`, what);
    await this.admin.query(
      `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
       WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'`,
      [name],
      what,
    );
    if (replace && (await databaseExists(this.admin, finalName))) {
      const keptAs = await swapNames(this.admin, { from: name, to: finalName, statements, clock, signal });
      this.#finished = true;
      return keptAs;
    }
    await assertAbsent(this.admin, finalName);
    await this.admin.run('BEGIN', what);
    try {
      for (const statement of statements(quoted)) await this.admin.run(statement, what);
      await this.admin.run(`ALTER DATABASE ${quoted} RENAME TO ${quoteIdentifier(finalName)}`, what);
      await this.admin.run('COMMIT', what);
    } catch (error) {
      await this.admin.run('ROLLBACK').catch(() => {});
      throw error;
    }
    this.#finished = true;
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#finished) await this.#drop();
    } finally {
      await this.admin.close();
    }
  }

  /** What cannot be dropped now, the next restore finds by its mark. */
  async #drop(): Promise<void> {
    try {
      if (!this.admin.lost) return await dropDatabase(this.admin, this.connection.database);
      // An interrupted restore has no session left, and may not use the signal that ended it.
      const { connection } = this.admin;
      await using again = await openSession(connection, { applicationName, failure: 'target-failed' });
      await dropDatabase(again, this.connection.database);
    } catch {}
  }
}
