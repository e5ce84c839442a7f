import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restoreToDirectory } from '../../src/sources/postgres/restore-directory.ts';
import { restoreTablesInto } from '../../src/sources/postgres/restore-into.ts';
import { catTable, listTables } from '../../src/sources/postgres/restore-listing.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup, psqlCopy } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster();

const source = `
  CREATE SCHEMA app; CREATE SCHEMA kinds; CREATE SCHEMA other;
  CREATE EXTENSION hstore SCHEMA kinds;
  CREATE TYPE kinds.mood AS ENUM ('sad', 'ok');
  CREATE DOMAIN kinds.positive AS int CHECK (VALUE > 0);
  CREATE FUNCTION kinds.twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
  CREATE TABLE other.country (code text PRIMARY KEY); INSERT INTO other.country VALUES ('CH'), ('DE');
  CREATE TABLE app.customer (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial serial, name text NOT NULL DEFAULT 'nobody, (or) "none"',
    mood kinds.mood, size kinds.positive, tags kinds.hstore, country text REFERENCES other.country,
    double int GENERATED ALWAYS AS (kinds.twice(5)) STORED, CHECK (kinds.twice(1) = 2));
  INSERT INTO app.customer (name, mood, size, tags, country) SELECT 'name ' || i, 'ok', i, 'a=>1', 'CH' FROM generate_series(1, 300) i;
  CREATE INDEX customer_name ON app.customer (name);
  COMMENT ON TABLE app.customer IS 'who pays';
  CREATE TABLE app.invoice (id int PRIMARY KEY, customer int NOT NULL REFERENCES app.customer, at date);
  INSERT INTO app.invoice SELECT i, i, '2024-01-01' FROM generate_series(1, 300) i;
  CREATE FUNCTION app.audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''the trigger fired''; END';
  CREATE TRIGGER audit BEFORE INSERT ON app.invoice FOR EACH ROW EXECUTE FUNCTION app.audit();
  CREATE TABLE app.event (at date, n int, PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
  CREATE TABLE app.event_1 PARTITION OF app.event FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
  CREATE TABLE other.event_2 PARTITION OF app.event FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
  INSERT INTO app.event SELECT '2024-01-01'::date + i % 60, i FROM generate_series(1, 200) i WHERE i % 60 < 59;
  CREATE TABLE other.by_mood (m kinds.mood, n int) PARTITION BY HASH (m);
  CREATE TABLE other.by_mood_0 PARTITION OF other.by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE other.by_mood_1 PARTITION OF other.by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  INSERT INTO other.by_mood SELECT (ARRAY['sad', 'ok'])[1 + i % 2]::kinds.mood, i FROM generate_series(1, 40) i;
  CREATE TABLE other.base (a int); INSERT INTO other.base VALUES (1);
  CREATE TABLE app.heir (b int) INHERITS (other.base); INSERT INTO app.heir VALUES (2, 3);
  CREATE SEQUENCE other.shared; CREATE TABLE app.drawing (id int DEFAULT nextval('other.shared'), v text);
  INSERT INTO app.drawing (v) VALUES ('x');
  CREATE VIEW app.view AS SELECT * FROM app.customer;
  CREATE ROLE clerk; GRANT SELECT ON app.customer TO clerk; GRANT UPDATE (at) ON app.invoice TO clerk; GRANT SELECT ON app.view TO clerk;
  CREATE PUBLICATION news FOR TABLE app.drawing;
  CREATE TABLE app."odd ""name" ("a b" int); INSERT INTO app."odd ""name" VALUES (1);
  CREATE TABLE app."odd_name" (a int);
  SELECT lo_from_bytea(7001, 'seven'), lo_from_bytea(7002, '\\x00ff'), lo_from_bytea(7003, '');
`;

let backup: MadeBackup;
let scratch: string;

beforeAll(async () => {
  const connection = await cluster.createDatabase('source');
  await (await cluster.client('source')).query(source);
  backup = await makeBackup(connection);
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-parts-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const tablesOf = async (database: string) => {
  const client = await cluster.client(database);
  const { rows } = await client.query(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE relkind IN ('r', 'p', 'v') AND c.oid >= 16384 ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
};
const rowsOf = (database: string, table: string) =>
  psqlCopy({ ...cluster.connection, database }, `COPY (SELECT * FROM ${table} ORDER BY 1, 2) TO STDOUT`);

describe('a part into a new database', () => {
  it('brings a table with its types, and tells of the foreign key that cannot come', async () => {
    const { totals, shortfalls } = await restoreBackup(backup, cluster.connection, 'one_table', {
      tables: [{ schema: 'app', name: 'customer' }],
    });
    expect(await tablesOf('one_table')).toEqual(['app.customer']);
    expect(totals).toMatchObject({ tables: 1, rows: 300, largeObjects: 0 });
    expect(await rowsOf('one_table', 'app.customer')).toEqual(await rowsOf('source', 'app.customer'));
    expect(shortfalls).toEqual([
      {
        object: 'fk constraint customer customer_country_fkey in app',
        reason: 'It needs what is not restored: constraint country country_pkey in other, table other.country.',
        degrades: false,
      },
    ]);
    const client = await cluster.client('one_table');
    const { rows } = await client.query(`INSERT INTO app.customer (name) VALUES ('next') RETURNING id, serial`);
    expect(rows).toEqual([{ id: 301, serial: 301 }]);
    const { rows: extra } = await client.query(
      `SELECT obj_description('app.customer'::regclass, 'pg_class') AS comment, to_regclass('app.customer_name') IS NOT NULL AS indexed`,
    );
    expect(extra).toEqual([{ comment: 'who pays', indexed: true }]);
  });

  it('brings all partitions of a table, and the foreign key when both its tables come', async () => {
    const { shortfalls } = await restoreBackup(backup, cluster.connection, 'several', {
      tables: [
        { name: 'event' },
        { schema: 'app', name: 'invoice' },
        { schema: 'app', name: 'customer' },
        { name: 'country' },
      ],
    });
    expect(shortfalls).toEqual([]);
    expect(await tablesOf('several')).toEqual([
      'app.customer',
      'app.event',
      'app.event_1',
      'app.invoice',
      'other.country',
      'other.event_2',
    ]);
    expect(await rowsOf('several', 'app.event')).toEqual(await rowsOf('source', 'app.event'));
    const client = await cluster.client('several');
    await expect(client.query('DELETE FROM app.customer WHERE id = 1')).rejects.toThrow(/foreign key/);
    await expect(client.query(`INSERT INTO app.invoice VALUES (999, 1)`)).rejects.toThrow('the trigger fired');
  });

  it('brings a schema with what it needs, without the rows of what it only needs', async () => {
    const { shortfalls } = await restoreBackup(backup, cluster.connection, 'one_schema', { schemas: ['app'] });
    const tables = await tablesOf('one_schema');
    expect(tables).toContain('app.view');
    expect(tables).toContain('app."odd ""name"');
    expect(tables).toContain('other.event_2');
    expect(tables).not.toContain('other.country');
    expect(shortfalls.map(({ object }) => object).filter((object) => !object.startsWith('publication'))).toEqual(
      ['table other.base', 'fk constraint customer customer_country_fkey in app'].sort(
        (a, b) => Number(b.startsWith('fk')) - Number(a.startsWith('fk')),
      ),
    );
    const client = await cluster.client('one_schema');
    expect(
      (
        await client.query(
          'SELECT (SELECT count(*)::int FROM ONLY other.base) AS base, (SELECT count(*)::int FROM app.heir) AS heir',
        )
      ).rows,
    ).toEqual([{ base: 0, heir: 1 }]);
  });

  it('knows no table that is not there', async () => {
    await expect(
      restoreBackup(backup, cluster.connection, 'none', { tables: [{ schema: 'app', name: 'custom' }] }),
    ).rejects.toMatchObject({
      code: 'not-found',
      message: 'The snapshot has no table app.custom.',
    });
    await expect(restoreBackup(backup, cluster.connection, 'none', { schemas: ['nowhere'] })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('tables into a database that exists', () => {
  const into = (intoSchema: string, part: Partial<Parameters<typeof restoreTablesInto>[1]>) =>
    backup.repository.restore((context) =>
      restoreTablesInto(context, {
        connection: { ...cluster.connection, database: 'source' },
        intoSchema,
        env: process.env,
        ...part,
      }),
    );

  it('makes them under the new schema and leaves the old ones alone', async () => {
    const client = await cluster.client('source');
    const before = await rowsOf('source', 'app.customer');
    const { totals, shortfalls } = await into('back "then"', {
      tables: [
        { schema: 'app', name: 'customer' },
        { schema: 'app', name: 'invoice' },
        { name: 'event' },
        { name: 'heir' },
        { name: 'drawing' },
        { name: 'by_mood' },
      ],
    });
    expect(totals).toMatchObject({ tables: 8, rows: 300 + 300 + 197 + 1 + 1 + 40 });
    for (const table of ['customer', 'invoice', 'event', 'drawing', 'by_mood', 'heir']) {
      const schema = table === 'by_mood' ? 'other' : 'app';
      expect(await rowsOf('source', `"back ""then"""."${table}"`)).toEqual(
        await rowsOf('source', `${schema}.${table}`),
      );
    }
    expect(await rowsOf('source', 'app.customer')).toEqual(before);
    // Nothing ties them to the tables beside them.
    const { rows } = await client.query(
      `SELECT conrelid::regclass::text AS t FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
       WHERE n.nspname = 'back "then"' AND contype = 'f'
       UNION ALL SELECT i.inhparent::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
       WHERE c.relnamespace = '"back ""then"""'::regnamespace AND p.relnamespace <> c.relnamespace`,
    );
    expect(rows).toEqual([]);
    const objects = shortfalls.map(({ object }) => object);
    expect(objects).toContain('trigger invoice audit in app');
    expect(objects).toContain('publication table news drawing in app');
    expect(shortfalls).toContainEqual({
      object: 'privileges of its tables, columns and sequences',
      reason: '2 left out: everything in the copy belongs to the role that restores, and to nobody else.',
      degrades: false,
    });
    expect(objects).toContain('fk constraint invoice invoice_customer_fkey in app');
    expect(shortfalls).toContainEqual({
      object: 'app.heir',
      reason: 'It no longer inherits from other.base.',
      degrades: false,
    });
    expect(shortfalls.find(({ object }) => object === 'app.drawing')?.reason).toMatch(/other\.shared/);
    // Its own identity and serial, going on where they were.
    const next = await client.query(
      `INSERT INTO "back ""then""".customer (name) VALUES ('next') RETURNING id, serial, name, double`,
    );
    expect(next.rows).toEqual([{ id: 301, serial: 301, name: 'next', double: 10 }]);
    await expect(
      client.query(`INSERT INTO "back ""then""".customer (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'again')`),
    ).rejects.toThrow(/unique/);
    const { rows: left } = await client.query(
      `SELECT datname AS name FROM pg_database WHERE datname ~ 'holdfast' UNION ALL SELECT nspname FROM pg_namespace WHERE nspname ~ 'holdfast'`,
    );
    expect(left).toEqual([]);
  });

  it('never goes over a schema that exists', async () => {
    await expect(into('kinds', { tables: [{ name: 'customer' }] })).rejects.toMatchObject({ code: 'target-exists' });
  });

  it('refuses two tables of one name', async () => {
    await (await cluster.client('source')).query('CREATE TABLE other.drawing (a int)');
    const two = await makeBackup({ ...cluster.connection, database: 'source' });
    await expect(
      two.repository.restore((context) =>
        restoreTablesInto(context, {
          connection: { ...cluster.connection, database: 'source' },
          intoSchema: 'two',
          env: process.env,
          tables: [
            { schema: 'app', name: 'drawing' },
            { schema: 'other', name: 'drawing' },
          ],
        }),
      ),
    ).rejects.toMatchObject({
      code: 'usage',
      message: 'Two tables would get the same name: app.drawing and other.drawing.',
    });
    await (await cluster.client('source')).query('DROP TABLE other.drawing');
  });
});

describe('as plain files', () => {
  const toDirectory = (target: string, part = {}) =>
    backup.repository.restore((context) => restoreToDirectory(context, { target, ...part }));

  it('writes what the README loads into an equal database', async () => {
    const target = join(scratch, 'plain');
    const { totals } = await toDirectory(target);
    expect((await readdir(target)).sort()).toEqual([
      'README.md',
      'database.json',
      'large-objects',
      'large-objects.json',
      'omitted.json',
      'schema.dump',
      'sequences.json',
      'tables',
      'tables.json',
    ]);
    const tables = JSON.parse(await readFile(join(target, 'tables.json'), 'utf8'));
    expect(tables).toHaveLength(totals.tables!);
    for (const { file, sha256, bytes, rows } of tables) {
      const content = await readFile(join(target, file));
      expect(content.length).toBe(bytes);
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
      expect(content.toString('latin1').split('\n').length - 1).toBe(rows);
    }
    expect(await readFile(join(target, 'large-objects/7002'))).toEqual(Buffer.from([0, 255]));

    const readme = await readFile(join(target, 'README.md'), 'utf8');
    const script = /```sh\n([\s\S]*?)```/.exec(readme)![1]!;
    const { host, port, user } = cluster.connection;
    await promisify(execFile)('bash', ['-c', script], {
      cwd: target,
      env: { PATH: process.env.PATH, PGHOST: host, PGPORT: String(port), PGUSER: user, new: 'from_files' },
    });
    const { checks } = await compareWith(backup, { ...cluster.connection, database: 'from_files' });
    expect(checks).toEqual([]);
  });

  it('goes into no directory that holds something, but finishes one of its own', async () => {
    const target = join(scratch, 'taken');
    await mkdir(target);
    await writeFile(join(target, 'mine'), 'mine');
    await expect(toDirectory(target)).rejects.toMatchObject({ code: 'target-exists' });
    await writeFile(join(target, '.holdfast-restore-incomplete'), '');
    await expect(toDirectory(target)).rejects.toMatchObject({ code: 'target-exists' });
    expect(await readFile(join(target, 'mine'), 'utf8')).toBe('mine');
    await rm(join(target, 'mine'));
    await mkdir(join(target, 'tables'));
    await writeFile(join(target, 'tables', '99-half.copy'), 'half');
    await toDirectory(target);
    expect(await readdir(join(target, 'tables'))).not.toContain('99-half.copy');
    expect(await readdir(target)).not.toContain('.holdfast-restore-incomplete');
  });

  it('says which directory it cannot write', async () => {
    const target = join(scratch, 'file');
    await writeFile(target, '');
    await expect(toDirectory(target)).rejects.toMatchObject({
      code: 'target-failed',
      message: `Could not restore into ${target}.`,
    });
    await chmod(target, 0o600);
  });
});

describe('looking into a snapshot', () => {
  it('lists tables and gives the rows of one, however it is written', async () => {
    await backup.repository.restore(async (context) => {
      const tables = [];
      for await (const table of listTables(context)) tables.push(table);
      expect(tables.find(({ display }) => display === 'app.customer')).toMatchObject({
        schema: 'app',
        name: 'customer',
        rows: 300,
      });
      expect(tables.find(({ name }) => name === 'odd "name')).toMatchObject({
        display: 'app."odd ""name"',
        columns: ['a b'],
      });
      const read = async (name: string) => {
        const pieces: Buffer[] = [];
        for await (const piece of await catTable(context, name)) pieces.push(piece);
        return Buffer.concat(pieces).toString();
      };
      expect(await read('app.odd "name')).toBe('1\n');
      expect(await read('app."odd ""name"')).toBe('1\n');
      expect(await read('country')).toBe('CH\nDE\n');
      await expect(read('app.nothing')).rejects.toMatchObject({ code: 'not-found' });
    });
  });
});
