import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { libpqEnvironment } from '../../src/sources/postgres/connection.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/sources/postgres/quote.ts';
import type { Throwaway } from '../../src/sources/postgres/throwaway.ts';
import { globalsOf, makeGlobalsBackup, withoutSalt } from '../support/globals.ts';
import {
  makeNastyGlobals,
  makeTablespaceDirectory,
  md5Role,
  nastyNames,
  passwords,
  tablespaceDirectory,
} from '../support/nasty-globals.ts';
import { startTestCluster, useCluster } from '../support/postgres.ts';

const source = useCluster();
let backup: Awaited<ReturnType<typeof makeGlobalsBackup>>;
const scratch = mkdtemp(join(tmpdir(), 'holdfast-globals-'));
afterAll(async () => rm(await scratch, { recursive: true }));

beforeAll(async () => {
  await makeNastyGlobals(await source.client(), source.throwaway);
  backup = await makeGlobalsBackup(source.connection);
});

/** A cluster with nothing in it, for one test. */
async function emptyCluster() {
  const throwaway = await startTestCluster();
  return { throwaway, connection: throwaway.connection, [Symbol.asyncDispose]: () => throwaway.remove() };
}

async function query(connection: pg.ClientConfig, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** From now on the server asks for passwords. */
async function askForPasswords(throwaway: Throwaway, method: 'scram-sha-256' | 'md5'): Promise<void> {
  await writeFile(join(throwaway.directory, 'data/pg_hba.conf'), `local all postgres trust\nlocal all all ${method}\n`);
  await query(throwaway.connection, 'SELECT pg_reload_conf()');
}

const databaseSettings = ['settings of database shop', 'settings of role plain in database shop'];

test('a backup tells figures, and what is missing: nothing', () => {
  expect(backup.outcome).toEqual({
    totals: { roles: nastyNames.length + 1, passwords: 4, memberships: 9, settings: 15, tablespaces: 2, parameters: 2 },
    shortfalls: [],
  });
});

describe('restored into an empty cluster', () => {
  test('everything is as it was: attributes, hashes, memberships, settings, tablespaces, privileges', async () => {
    await using target = await emptyCluster();
    await query(target.connection, 'CREATE DATABASE shop');
    const tablespaceMap = new Map<string, string>();
    for (const name of ['fast', 'Big one']) {
      tablespaceMap.set(name, await makeTablespaceDirectory(target.throwaway, name));
    }

    const { totals, shortfalls } = await backup.restore(target.connection, { tablespaceMap });
    expect(shortfalls).toEqual([
      {
        object: 'security label of role user',
        reason: 'The server does not take it (SQLSTATE 22023): it was left out.',
        degrades: true,
      },
    ]);
    expect(totals).toEqual({
      roles: nastyNames.length,
      comments: 1,
      memberships: 9,
      settings: 15,
      parameters: 4,
      tablespaces: 2,
    });

    const [was, is] = [await globalsOf(source.connection), await globalsOf(target.connection)].map(withoutSalt);
    const user = was!.roles.find(({ name }) => name === 'user')!;
    expect(user.labels).toEqual([{ provider: 'dummy', label: "it's secret" }]);
    user.labels = [];
    for (const tablespace of was!.tablespaces) tablespace.location = tablespaceMap.get(tablespace.name)!;
    expect(is).toEqual(was);
    expect(existsSync('/tmp/holdfast-psql-was-here')).toBe(false);

    const { checks, equal } = await backup.compare(target.connection);
    expect(checks.map(({ kind, object, detail }) => `${kind} ${object}: ${detail}`)).toEqual([
      'role user: Different: security labels.',
      'tablespace Big one: Different: directory.',
      'tablespace fast: Different: directory.',
    ]);
    expect(equal).toBeGreaterThan(40);

    const again = await backup.restore(target.connection, { tablespaceMap });
    expect(again.totals).toEqual({});
    expect(again.shortfalls.map(({ object }) => object)).toEqual(['role user']);
  });

  test('old passwords open it, and others do not', async () => {
    await using target = await emptyCluster();
    await backup.restore(target.connection);
    await askForPasswords(target.throwaway, 'scram-sha-256');
    for (const [user, password] of Object.entries(passwords)) {
      const login = { ...target.connection, user, password };
      expect(await query(login, 'SELECT session_user AS me')).toEqual([{ me: user }]);
      await expect(query({ ...login, password: `${password} ` }, 'SELECT')).rejects.toMatchObject({ code: '28P01' });
    }
    await askForPasswords(target.throwaway, 'md5');
    const login = { ...target.connection, user: md5Role, password: 'old' };
    expect(await query(login, 'SELECT current_user AS me')).toEqual([{ me: md5Role }]);
  });

  test('what it lacks is named, and the rest is there', async () => {
    await using target = await emptyCluster();
    const { shortfalls } = await backup.restore(target.connection);
    expect(shortfalls.map(({ object, degrades }) => `${object} ${degrades}`)).toEqual([
      'security label of role user true',
      // Of the source, on the same machine.
      'tablespace Big one true',
      'tablespace fast true',
      ...databaseSettings.map((object) => `${object} false`),
    ]);
    expect(shortfalls[1]!.reason).toContain('already in use as a tablespace');
    const { shortfalls: mapped } = await backup.restore(target.connection, {
      tablespaceMap: new Map([
        ['fast', join(target.throwaway.directory, 'nothing')],
        ['Big one', '/dev/null'],
      ]),
    });
    for (const wrong of [new Map([['none', '/x']]), new Map([['fast', 'relative']])]) {
      const restoring = backup.restore(target.connection, { tablespaceMap: wrong });
      await expect(restoring).rejects.toMatchObject({ code: 'usage' });
    }
    expect(mapped.filter(({ object }) => object.startsWith('tablespace')).map(({ reason }) => reason)).toEqual(
      Array(2).fill(expect.stringContaining('its directory does not exist')),
    );
  });

  test('that has a superuser of another name', async () => {
    await using target = await emptyCluster();
    await query(target.connection, 'CREATE DATABASE shop');
    await query(target.connection, 'CREATE ROLE other SUPERUSER LOGIN');
    await query({ ...target.connection, user: 'other' }, 'ALTER ROLE postgres RENAME TO admin');
    // Not the one that initdb made: who runs a restore must not show in who granted what.
    const connection = { ...target.connection, user: 'other' };
    await backup.restore(connection);
    const { checks } = await backup.compare(connection);
    const { roles, bootstrap, memberships } = await globalsOf(connection);
    expect(bootstrap).toBe('admin');
    expect(roles.find(({ name }) => name === 'postgres')).toMatchObject({ superuser: true, login: true });
    expect(memberships.filter(({ grantor }) => grantor === 'admin')).toHaveLength(7);
    expect(checks.map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      'role user',
      'role other',
      'tablespace Big one',
      'tablespace fast',
    ]);
  });
});

test('names, comments and settings of any text come back as they were', async () => {
  await using from = await emptyCluster();
  await using to = await emptyCluster();
  const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 14 }).filter((text) => !/[\0\ufffd]/.test(text));
  const name = word.filter((text) => !/^(pg_|none$|public$)/.test(text));
  const role = fc.record({ name, comment: word, text: word, list: fc.array(word, { minLength: 1, maxLength: 4 }) });
  const roles = fc.sample(fc.uniqueArray(role, { selector: (one) => one.name, minLength: 60, maxLength: 60 }), 1)[0]!;
  const statements = roles.flatMap(({ name, comment, text, list }) => [
    `CREATE ROLE ${quoteIdentifier(name)}`,
    `COMMENT ON ROLE ${quoteIdentifier(name)} IS ${quoteLiteral(comment)}`,
    `ALTER ROLE ${quoteIdentifier(name)} SET search_path = ${list.map(quoteLiteral).join(', ')}`,
    `ALTER ROLE ${quoteIdentifier(name)} SET my.text = ${quoteLiteral(text)}`,
  ]);
  await query(from.connection, statements.join(';'));
  const made = await makeGlobalsBackup(from.connection);
  expect((await made.restore(to.connection)).shortfalls).toEqual([]);
  const [was, is] = [await globalsOf(from.connection), await globalsOf(to.connection)].map(withoutSalt);
  expect(was!.roles).toHaveLength(61);
  expect(is).toEqual(was);
});

describe('a cluster that has something already', () => {
  test('is not changed where it differs, and each difference is named', async () => {
    await using target = await emptyCluster();
    const before = `
      CREATE ROLE plain LOGIN PASSWORD 'another'; ALTER ROLE plain SET work_mem = '1GB'; CREATE ROLE "quo""te";
      CREATE ROLE stranger; GRANT stranger TO plain; ALTER ROLE ALL SET statement_timeout = '1h';
      COMMENT ON ROLE pg_monitor IS 'mine'; GRANT SET ON PARAMETER log_statement TO stranger`;
    await query(target.connection, before);
    const was = await globalsOf(target.connection);
    const { shortfalls } = await backup.restore(target.connection);
    const is = await globalsOf(target.connection);
    for (const name of ['plain', 'quo"te', 'stranger', 'postgres']) {
      const role = ({ roles }: typeof is) =>
        withoutSalt({ ...is, roles: roles.filter((one) => one.name === name) }).roles;
      expect(role(is)).toEqual(role(was));
    }
    expect(is.settings.filter(({ role }) => role === 'plain' || role === null)).toEqual([
      { database: null, role: null, values: ['statement_timeout=1h'] },
      { database: null, role: 'plain', values: ['work_mem=1GB'] },
      { database: 'postgres', role: null, values: ['my_app.Where=postgres'] },
    ]);
    const rights = is.memberships.filter(({ member }) => member === 'plain').map(({ role }) => role);
    // Both roles of `quo"te` in `plain` existed: neither gets a right that it had not.
    expect(rights).toEqual(['stranger']);
    expect(is.predefined).toEqual([{ role: 'pg_monitor', comment: 'mine', labels: [] }]);
    expect(shortfalls.map(({ object, reason }) => `${object}: ${reason.replace(/^.*as it is\. /, '')}`)).toEqual(
      expect.arrayContaining([
        'role plain: Different: create role, create database, replication, connection limit, end of validity, comment, password.',
        'role quo"te: Different: login, comment, password.',
        'role pg_monitor: Different: comment.',
        'membership of plain in quo"te: It is missing.',
        'membership of plain in pg_monitor: It is missing.',
        'settings of all roles: Different: statement_timeout.',
        'settings of role plain: Different: search_path, application_name, DateStyle, temp_tablespaces, my_app.Tenant, work_mem.',
        'parameter log_statement: Different: privileges.',
      ]),
    );
  });

  test('is not changed at all when a role cannot be made', async () => {
    await using target = await emptyCluster();
    const was = withoutSalt(await globalsOf(target.connection));
    // A role that somebody makes meanwhile is what can go wrong.
    const client = new pg.Client(target.connection);
    await client.connect();
    await client.query(`BEGIN; CREATE ROLE "user"`);
    const restoring = backup.restore(target.connection).then(
      () => undefined,
      (error) => error,
    );
    await expect
      .poll(() => query(target.connection, `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`), {
        timeout: 10_000,
      })
      .toHaveLength(1);
    await client.query('COMMIT');
    const error = await restoring;
    await client.query('DROP ROLE "user"');
    await client.end();
    expect(error).toMatchObject({ code: 'target-failed', message: 'Could not make role user; nothing was changed.' });
    expect(withoutSalt(await globalsOf(target.connection))).toEqual(was);
    for (let at = error; at !== undefined; at = at.cause) expect(String(at.stack)).not.toMatch(/SCRAM|md5[0-9a-f]/);
  });

  test('is refused to a role that is no superuser', async () => {
    await using target = await emptyCluster();
    await query(target.connection, 'CREATE ROLE maker CREATEROLE LOGIN');
    await expect(backup.restore({ ...target.connection, user: 'maker' })).rejects.toMatchObject({
      code: 'target-failed',
      why: 'The role that restores is no superuser there.',
    });
  });
});

describe('globals.sql', () => {
  const psql = async (connection: Throwaway['connection'], script: string) => {
    const file = join(await scratch, 'globals.sql');
    await writeFile(file, script);
    const program = join(source.throwaway.binaries.directory, 'psql');
    return promisify(execFile)(program, ['-X', '-q', '-d', connection.database, '-f', file], {
      env: { ...libpqEnvironment(connection), PGPASSFILE: join(await scratch, 'none') },
    });
  };

  test('makes the same cluster, by psql alone', async () => {
    await using target = await emptyCluster();
    await query(target.connection, 'CREATE DATABASE shop');
    let script = await backup.file('globals.sql');
    for (const name of ['fast', 'Big one']) {
      const directory = await makeTablespaceDirectory(target.throwaway, name);
      script = script.replaceAll(tablespaceDirectory(source.throwaway, name), directory);
    }
    const { stdout, stderr } = await psql(target.connection, script);
    expect(stdout).toBe('');
    const said = stderr
      .trim()
      .split('\n')
      .map((line) => line.replace(/^.*?(NOTICE|WARNING|ERROR)/, '$1'));
    expect(said).toEqual([
      'NOTICE:  role postgres exists; it is left as it is',
      'WARNING:  the server does not take a security label of role user; it is left out',
      // Said by settings: tablespaces come last, because they cannot be made in the transaction.
      'NOTICE:  tablespace "fast" does not exist',
      'NOTICE:  tablespace "Big one" does not exist',
    ]);
    expect(existsSync('/tmp/holdfast-psql-was-here')).toBe(false);
    const { checks } = await backup.compare(target.connection);
    expect(checks.map(({ kind, object, detail }) => `${kind} ${object}: ${detail}`)).toEqual([
      'role user: Different: security labels.',
      'tablespace Big one: Different: directory.',
      'tablespace fast: Different: directory.',
    ]);

    const before = withoutSalt(await globalsOf(target.connection));
    await query(target.connection, `ALTER ROLE plain PASSWORD 'new'; ALTER ROLE plain RESET ALL`);
    const changed = withoutSalt(await globalsOf(target.connection));
    expect(changed).not.toEqual(before);
    const again = await psql(target.connection, script);
    expect(again.stderr).toContain('role plain exists; it is left as it is');
    expect(withoutSalt(await globalsOf(target.connection))).toEqual(changed);
  });

  test('leaves no hash in the log of a server that logs all it can, nor what restores directly', async () => {
    await using target = await emptyCluster();
    await appendFile(
      join(target.throwaway.directory, 'data/postgresql.conf'),
      "log_statement = 'all'\nlog_min_duration_statement = 0\nlog_min_error_statement = 'debug1'\nlog_error_verbosity = 'verbose'\n",
    );
    await query(target.connection, 'SELECT pg_reload_conf()');
    await query(target.connection, 'SELECT pg_sleep(0.2)');
    const script = await backup.file('globals.sql');
    await psql(target.connection, script);
    // A role that is made once more: the statement with its password fails.
    const failing = script.replaceAll(`rolname = ${quoteLiteral('quo"te')}`, 'false');
    const { code, stderr } = await psql(target.connection, failing).then(
      () => ({ code: 0, stderr: '' }),
      (error) => error,
    );
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining('ERROR:  role "quo"te" already exists'),
    });
    expect(stderr).not.toMatch(/SCRAM-SHA-256|md5[0-9a-f]{32}/);
    await query(target.connection, 'DROP ROLE "Upper Case"');
    expect((await backup.restore(target.connection)).totals).toMatchObject({ roles: 1 });
    const log = await readFile(join(target.throwaway.directory, 'log'), 'utf8');
    expect(log).toContain('pg_sleep(0.2)');
    expect(log).not.toMatch(/SCRAM-SHA-256|md5[0-9a-f]{32}/);
  });
});

describe('a role that may not read pg_authid', () => {
  const connection = async () => {
    await query(source.connection, `DO 'BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN END'`);
    return { ...source.connection, user: 'reader' };
  };

  test('backs up all but passwords, and the run is degraded', async () => {
    const made = await makeGlobalsBackup(await connection());
    expect(made.outcome.totals).toMatchObject({ roles: nastyNames.length + 2, passwords: 0, memberships: 9 });
    expect(made.outcome.shortfalls).toEqual([
      {
        object: 'passwords',
        reason: expect.stringContaining(`Those of ${nastyNames.length + 2} roles`),
        degrades: true,
      },
    ]);
    const json = await made.file('globals.json');
    expect(json).not.toMatch(/SCRAM|md5|\*\*\*/);
    const { checks } = await made.compare(source.connection);
    expect(new Set(checks.map(({ verdict }) => verdict))).toEqual(new Set(['could-not-compare']));
    expect(checks).toHaveLength(nastyNames.length + 2);
    await using target = await emptyCluster();
    await made.restore(target.connection);
    expect((await globalsOf(target.connection)).roles.filter(({ password }) => password !== null)).toEqual([]);
  });

  test('lacks nothing when passwords are not wanted; a superuser does not ask for them then', async () => {
    for (const user of [await connection(), source.connection]) {
      const made = await makeGlobalsBackup(user, { passwords: false });
      expect(made.outcome.shortfalls).toEqual([
        { object: 'passwords', reason: 'The configuration leaves them out.', degrades: false },
      ]);
      expect(await made.file('globals.sql')).not.toMatch(/SCRAM|md5[0-9a-f]|PASSWORD/);
    }
  });
});

test('a name that is no text in the encoding of the database is refused, not changed', async () => {
  await using target = await emptyCluster();
  await query(target.connection, `CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'`);
  const client = new pg.Client({ ...target.connection, database: 'bytes', client_encoding: 'SQL_ASCII' });
  await client.connect();
  await client.query(`SET client_encoding = 'SQL_ASCII'; DO $$ BEGIN EXECUTE E'CREATE ROLE "caf\\xe9"'; END $$`);
  await client.end();
  await expect(makeGlobalsBackup(target.connection)).rejects.toMatchObject({
    code: 'source-failed',
    message: 'A name or value of the cluster cannot be read as text.',
  });
});
