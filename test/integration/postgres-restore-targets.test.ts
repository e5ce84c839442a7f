import { statSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { restoreDataOnly } from '../../src/sources/postgres/restore-data-only.ts';
import { checkPreconditions } from '../../src/sources/postgres/restore-preconditions.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { fillNastyDatabase } from '../support/nasty-database.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster();
const to = (database: string) => ({ ...cluster.connection, database });

async function query(database: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await cluster.client(database);
  const result = await client.query(sql);
  await client.end();
  return result.rows;
}

async function make(database: string, sql: string): Promise<MadeBackup> {
  await cluster.createDatabase(database);
  await query(database, sql);
  return makeBackup(to(database));
}

let nasty: MadeBackup;
beforeAll(async () => {
  await cluster.createDatabase('nasty');
  const client = await cluster.client('nasty');
  await fillNastyDatabase(client);
  await client.end();
  nasty = await makeBackup(to('nasty'));
});

const dataOnly = (backup: MadeBackup, database: string, part: object = {}, user = cluster.connection.user) =>
  backup.repository.restore((context) => restoreDataOnly(context, { connection: { ...to(database), user }, ...part }));

describe('definitions, then rows', () => {
  it('make the whole of everything that a backup may lose', async () => {
    const { totals } = await restoreBackup(nasty, cluster.connection, 'halves', { schemaOnly: true });
    expect(totals).toMatchObject({ rows: 0, bytes: 0, sequences: 0, largeObjects: 0 });
    const { checks } = await compareWith(nasty, to('halves'));
    // The schema is there but for what is content.
    expect(checks.filter(({ kind, object }) => kind === 'schema' && !/materialized view data/.test(object))).toEqual(
      [],
    );
    expect(await query('halves', 'SELECT count(*)::int AS n FROM nasty.texts')).toEqual([{ n: 0 }]);
    expect(await query('halves', 'SELECT count(*)::int AS n FROM pg_largeobject_metadata')).toEqual([{ n: 0 }]);
    expect(await query('halves', 'SELECT last_value::int AS v, is_called AS c FROM nasty.called')).toEqual([
      { v: 1, c: false },
    ]);

    const outcome = await dataOnly(nasty, 'halves');
    expect(outcome.totals.rows).toBeGreaterThan(1000);
    expect(outcome.shortfalls.filter(({ degrades }) => degrades)).toEqual([]);
    const whole = await compareWith(nasty, to('halves'));
    const left = whole.checks.filter(
      ({ object, detail }) =>
        !/materialized view data/.test(object) && detail !== 'It has the same rows in another order.',
    );
    expect(left).toEqual([]);
    expect(
      await query(
        'halves',
        `SELECT tgname::text AS name, tgenabled AS on FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'nasty.triggered'::regclass ORDER BY 1`,
      ),
    ).toEqual(
      await query(
        'nasty',
        `SELECT tgname::text AS name, tgenabled AS on FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'nasty.triggered'::regclass ORDER BY 1`,
      ),
    );
    await expect(dataOnly(nasty, 'halves')).rejects.toMatchObject({ code: 'target-exists' });
  });
});

const ledger = `
  CREATE TABLE a_line (id int PRIMARY KEY, account int NOT NULL, up int REFERENCES a_line);
  CREATE TABLE z_account (id serial PRIMARY KEY, name text);
  ALTER TABLE a_line ADD FOREIGN KEY (account) REFERENCES z_account;
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fired'; END $$;`;
const rows = `
  INSERT INTO z_account (name) VALUES ('x'), ('y'); INSERT INTO a_line VALUES (1, 1, 2), (2, 2, NULL);
  CREATE TRIGGER t BEFORE INSERT ON a_line FOR EACH ROW EXECUTE FUNCTION refuse();`;
const triggers = `CREATE TRIGGER t BEFORE INSERT ON a_line FOR EACH ROW EXECUTE FUNCTION refuse();
  ALTER TABLE a_line ENABLE ALWAYS TRIGGER t;`;

describe('rows alone', () => {
  let backup: MadeBackup;
  beforeAll(async () => {
    backup = await make('ledger', ledger + rows);
    await query('postgres', 'CREATE ROLE plain LOGIN');
  });
  const target = async (name: string, sql: string) => {
    await cluster.createDatabase(name, { owner: 'plain' });
    await query(name, sql);
  };
  const untouched = async (database: string) =>
    expect(
      await query(
        database,
        'SELECT (SELECT count(*)::int FROM z_account) AS n, (SELECT last_value::int FROM z_account_id_seq) AS v',
      ),
    ).toEqual([{ n: 0, v: 1 }]);

  it.each(['postgres', 'plain'])('as %s, with its triggers and keys in place', async (user) => {
    const name = `rows ${user}`;
    await target(
      name,
      `${ledger} ${triggers} ALTER TABLE a_line OWNER TO ${user}; ALTER TABLE z_account OWNER TO ${user}`,
    );
    const { totals } = await dataOnly(backup, name, {}, user);
    expect(totals).toMatchObject({ tables: 2, rows: 4, sequences: 1 });
    expect(await query(name, 'SELECT count(*)::int AS n FROM a_line JOIN z_account z ON z.id = account')).toEqual([
      { n: 2 },
    ]);
    expect(await query(name, `SELECT nextval('z_account_id_seq')::int AS next`)).toEqual([{ next: 3 }]);
    expect(await query(name, `SELECT tgenabled AS on FROM pg_trigger WHERE tgname = 't'`)).toEqual([{ on: 'A' }]);
  });

  it('names what does not fit, before anything is written', async () => {
    await target(
      'unfit',
      `CREATE TABLE a_line (id int PRIMARY KEY, account int, "Ups" int); CREATE TABLE z_account (id serial, name text)`,
    );
    await expect(dataOnly(backup, 'unfit')).rejects.toMatchObject({
      code: 'target-failed',
      why: 'Table public.a_line has no such column "up", or it is generated otherwise.',
    });
    await query(
      'unfit',
      'DROP TABLE a_line; ALTER TABLE z_account ADD extra int; ALTER SEQUENCE z_account_id_seq RENAME TO other',
    );
    await expect(dataOnly(backup, 'unfit')).rejects.toMatchObject({
      why: 'Table public.a_line is missing. Table public.z_account has columns that the snapshot does not have: "extra". Sequence public.z_account_id_seq is missing.',
    });
  });

  it('undoes everything when a table is not empty, a key does not hold, or rows come out otherwise', async () => {
    await target('full', `${ledger} INSERT INTO z_account VALUES (9, 'mine')`);
    await expect(dataOnly(backup, 'full')).rejects.toMatchObject({
      code: 'target-exists',
      why: 'Not empty: public.z_account.',
    });
    expect(await query('full', 'SELECT id FROM z_account')).toEqual([{ id: 9 }]);

    await target('orphans', ledger);
    await expect(dataOnly(backup, 'orphans', { tables: [{ name: 'a_line' }] })).rejects.toMatchObject({
      code: 'target-failed',
      message:
        'A foreign key would be violated: "a_line_account_fkey" of public.a_line, which refers to public.z_account.',
    });
    await untouched('orphans');

    await target('narrow', ledger.replace('name text', 'name char(5)'));
    await expect(dataOnly(backup, 'narrow')).rejects.toMatchObject({ code: 'verification-failed' });
    await untouched('narrow');
  });
});

describe('other roles and tablespaces', () => {
  const spaces = async (...names: string[]) => {
    for (const name of names) {
      const path = join(cluster.throwaway.directory, `space ${name}`);
      await mkdir(path);
      const { uid, gid } = statSync(join(cluster.throwaway.directory, 'data'));
      await chown(path, uid, gid);
      await query('postgres', `CREATE TABLESPACE "${name}" LOCATION '${path}'`);
    }
  };

  it('take the place of those in the snapshot', async () => {
    const roles = new Map([
      ['nasty_owner', 'new "owner"'],
      ['nasty Réader "1"', 'TO'],
      ['nasty_member', 'nówý'],
    ]);
    await query('postgres', 'CREATE ROLE "new ""owner"""; CREATE ROLE "TO"; CREATE ROLE "nówý"');
    const { shortfalls } = await restoreBackup(nasty, cluster.connection, 'mapped', { maps: { roles } });
    expect(shortfalls.filter(({ degrades }) => degrades)).toEqual([]);
    const { checks } = await compareWith(nasty, to('mapped'), { maps: { roles } });
    expect(checks).toEqual([]);
    // Nothing refers to the old ones.
    expect(
      await query(
        'mapped',
        `SELECT refobjid::regrole::text AS role FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'mapped') AND refclassid = 'pg_authid'::regclass AND refobjid::regrole::text ~ 'nasty'`,
      ),
    ).toEqual([]);
    // Without the map everything of theirs differs.
    expect((await compareWith(nasty, to('mapped'))).checks.length).toBeGreaterThan(20);
  });

  it('of the database too, its tablespace, and what lies in others', async () => {
    await spaces('fast', 'slow', 'new');
    await query('postgres', 'CREATE ROLE app; CREATE ROLE crew; CREATE ROLE app2; CREATE ROLE crew2');
    await query('postgres', 'CREATE DATABASE spaced TEMPLATE template0 OWNER app TABLESPACE fast');
    await query(
      'spaced',
      `CREATE TABLE plain (a int PRIMARY KEY); CREATE TABLE slow_one (a int) TABLESPACE slow; CREATE INDEX i ON plain (a) TABLESPACE slow;
       CREATE TABLE std (a int) TABLESPACE pg_default; CREATE MATERIALIZED VIEW m TABLESPACE slow AS SELECT 1 AS a;
       CREATE TABLE parts (a int) PARTITION BY LIST (a) TABLESPACE slow;
       CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1) TABLESPACE slow;
       GRANT CONNECT ON DATABASE spaced TO crew; ALTER ROLE app IN DATABASE spaced SET work_mem = '9MB';
       ALTER DATABASE spaced SET default_tablespace = slow; GRANT crew TO app; SELECT lo_create(8); ALTER LARGE OBJECT 8 OWNER TO app;
       GRANT SELECT ON LARGE OBJECT 8 TO crew; ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON TABLES TO crew;`,
    );
    const backup = await makeBackup(to('spaced'));
    const maps = {
      roles: new Map([
        ['app', 'app2'],
        ['crew', 'crew2'],
      ]),
      tablespaces: new Map([
        ['fast', 'new'],
        ['slow', ''],
      ]),
    };
    await restoreBackup(backup, cluster.connection, 'respaced', { maps });
    expect((await compareWith(backup, to('respaced'), { maps })).checks).toEqual([]);
    expect(
      await query(
        'respaced',
        `SELECT c.relname::text AS name, coalesce(spcname::text, '') AS space FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = reltablespace WHERE relname IN ('plain', 'slow_one', 'i', 'std', 'm', 'parts', 'part_1') ORDER BY 1`,
      ),
    ).toEqual(
      ['i', 'm', 'part_1', 'parts', 'plain', 'slow_one']
        .map((name) => ({ name, space: '' }))
        .concat([{ name: 'std', space: 'pg_default' }]),
    );
    expect(
      await query(
        'postgres',
        `SELECT datdba::regrole::text AS owner, spcname::text AS space FROM pg_database JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = 'respaced'`,
      ),
    ).toEqual([{ owner: 'app2', space: 'new' }]);
    // The same by a swap, which compares it itself.
    const { keptAs } = await restoreBackup(backup, cluster.connection, 'respaced', {
      maps,
      swap: { env: process.env },
    });
    expect(keptAs).toMatch(/^respaced_before_/);
    const merged = new Map([
      ['app', 'app2'],
      ['crew', 'app2'],
    ]);
    await restoreBackup(backup, cluster.connection, 'merged', { maps: { roles: merged } });
    await expect(
      restoreBackup(backup, cluster.connection, 'merged', { maps: { roles: merged }, swap: { env: process.env } }),
    ).rejects.toMatchObject({ code: 'usage' });
  });

  it.each([
    [{ roles: new Map([['nobody', 'app']]) }, 'usage', /nobody/],
    [{ tablespaces: new Map([['nowhere', '']]) }, 'usage', /nowhere/],
    [{ roles: new Map([['nasty_owner', 'not there']]) }, 'target-failed', /no role not there/],
    [{ tablespaces: new Map([['pg_default', 'not there']]) }, 'target-failed', /no tablespace not there/],
  ])('that are unknown are told: %j', async (maps, code, text) => {
    const error = await restoreBackup(nasty, cluster.connection, 'unmapped', { maps }).catch((caught) => caught);
    expect(error).toMatchObject({ code });
    expect(`${error.message} ${error.why}`).toMatch(text);
    expect(await query('postgres', `SELECT datname FROM pg_database WHERE datname ~ '^unmapped'`)).toEqual([]);
  });
});

describe('what a server lacks', () => {
  it('is told all at once, before anything is made', async () => {
    await using session = await openSession(to('postgres'), { applicationName: 'test', failure: 'target-failed' });
    const database = {
      ...nasty.of('database')[0]!,
      collate: 'xx_YY.UTF-8',
      ctype: 'xx_YY.UTF-8',
    };
    const needs = {
      database,
      extensions: [
        { name: 'no_such', version: '1.0' },
        { name: 'neither', version: '2' },
        { name: 'plpgsql', version: '0.1' },
      ],
      tablespaces: ['gone'],
      named: { roles: [], tablespaces: [] },
      exact: true,
    };
    const error = await checkPreconditions(session, needs).catch((caught) => caught);
    expect(error.code).toBe('target-failed');
    for (const text of ['no_such 1.0, neither 2', 'plpgsql 0.1', 'tablespace gone', 'xx_YY.UTF-8'])
      expect(error.why).toContain(text);
    const older = await checkPreconditions(session, {
      ...needs,
      database: { ...database, serverVersion: 990_000 },
    }).catch((caught) => caught);
    expect(older.why).toMatch(/^It is PostgreSQL \d+, and the snapshot is of PostgreSQL 99\./);
    const fine = {
      ...needs,
      database: nasty.of('database')[0]!,
      extensions: [{ name: 'plpgsql', version: '0.1' }],
      exact: false,
    };
    expect((await checkPreconditions(session, fine)).map(({ object }) => object)).toEqual([
      'extension plpgsql',
      'tablespace gone',
    ]);
  });

  it('a locale that cannot be tried is told by CREATE DATABASE', async () => {
    const latin = await make('latin_source', 'CREATE TABLE t (a int)');
    const line = latin.repository.lines.find(({ kind }) => kind === 'database') as unknown as {
      encoding: string;
      collate: string;
      ctype: string;
    };
    Object.assign(line, { encoding: 'LATIN1', collate: 'xx_YY', ctype: 'xx_YY' });
    await expect(restoreBackup(latin, cluster.connection, 'latin')).rejects.toMatchObject({
      code: 'target-failed',
      why: 'The server cannot make one with the encoding LATIN1 and the locale xx_YY (libc).',
    });
  });
});
