import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Throwaway } from '../../src/sources/postgres/throwaway.ts';
import { startTestCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';
import { relocateServer } from '../support/relocated-server.ts';

/** An extension as some are: rows and counters of its own, and such as users add. */
const files = {
  'kinds.control': `default_version = '1.1'\nrelocatable = false\nschema = 'kinds'\n`,
  'kinds--1.0.sql': `
    CREATE TABLE kinds.kind (id int PRIMARY KEY, name text, own bool DEFAULT true); CREATE SEQUENCE kinds.ids;
    CREATE TABLE kinds.choice (kind int REFERENCES kinds.kind, note text); CREATE TABLE kinds.cache (id int); CREATE SEQUENCE kinds.hits;
    INSERT INTO kinds.kind VALUES (1, 'built in', false), (2, 'built in too', false); INSERT INTO kinds.choice VALUES (1, 'as it came');
    SELECT pg_extension_config_dump('kinds.kind', 'WHERE own'); SELECT pg_extension_config_dump('kinds.choice', '');
    SELECT pg_extension_config_dump('kinds.ids', '');
    CREATE FUNCTION kinds.version() RETURNS text LANGUAGE sql AS 'SELECT ''old''';`,
  'kinds--1.0--1.1.sql': `CREATE OR REPLACE FUNCTION kinds.version() RETURNS text LANGUAGE sql AS 'SELECT ''new''';
    INSERT INTO kinds.kind VALUES (3, 'built in later', false); ALTER TABLE kinds.kind ADD COLUMN late int;`,
};

let root: string;
let server: Throwaway;
const clients: pg.Client[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-relocated-'));
  await chmod(root, 0o755);
  await using plain = await startTestCluster();
  const asked = new pg.Client(plain.connection);
  await asked.connect();
  const binaries = await relocateServer(root, asked, files);
  await asked.end();
  server = await startTestCluster({ binaries });
});
afterAll(async () => {
  for (const client of clients) await client.end();
  await server?.remove();
  await rm(root, { recursive: true, force: true });
});

async function connect(database: string): Promise<pg.Client> {
  const client = new pg.Client({ ...server.connection, database });
  await client.connect();
  clients.push(client);
  return client;
}

it('rows and counters that users keep in an extension come back, at the version that it had', async () => {
  await (await connect('postgres')).query('CREATE DATABASE source');
  const client = await connect('source');
  await client.query(`CREATE EXTENSION kinds VERSION '1.0';
    INSERT INTO kinds.kind SELECT i, 'mine ' || i, true FROM generate_series(10, 12) i; UPDATE kinds.kind SET name = 'renamed' WHERE id = 2;
    DELETE FROM kinds.choice; INSERT INTO kinds.choice VALUES (10, 'chosen'), (12, NULL);
    SELECT setval('kinds.ids', 41), nextval('kinds.hits'); INSERT INTO kinds.cache VALUES (1);
    REVOKE EXECUTE ON FUNCTION kinds.version() FROM PUBLIC;
    CREATE TABLE refers (kind int REFERENCES kinds.kind); INSERT INTO refers VALUES (11);`);
  const connection = { ...server.connection, database: 'source' };
  const backup = await makeBackup(connection);
  expect(backup.table('kinds', 'kind')).toMatchObject({
    extension: { name: 'kinds', condition: 'WHERE own' },
    order: 'sum',
  });
  expect(backup.outcome.shortfalls.map(({ object, degrades }) => [object, degrades])).toEqual([
    ['kinds.cache', false],
    ['kinds.hits', false],
  ]);
  await restoreBackup(backup, server.connection, 'copy');
  const { checks, equal } = await compareWith(backup, { ...server.connection, database: 'copy' });
  expect(checks).toEqual([]);
  expect(equal).toBeGreaterThan(10);

  const copy = await connect('copy');
  const { rows } = await copy.query(
    `SELECT (SELECT extversion FROM pg_extension WHERE extname = 'kinds') AS version, kinds.version() AS does,
            (SELECT array_agg(id || name ORDER BY id) FROM kinds.kind) AS kinds,
            (SELECT array_agg(kind ORDER BY kind) FROM kinds.choice) AS choices,
            nextval('kinds.ids')::int AS next, (SELECT count(*)::int FROM kinds.cache) AS cached`,
  );
  expect(rows).toEqual([
    {
      version: '1.0',
      does: 'old',
      // What the extension brings is as it brings it; only rows under its condition are the user's.
      kinds: ['1built in', '2built in too', '10mine 10', '11mine 11', '12mine 12'],
      choices: [10, 12],
      next: 42,
      cached: 0,
    },
  ]);

  await copy.query(`UPDATE kinds.kind SET name = 'other' WHERE id = 11`);
  const after = await compareWith(backup, { ...server.connection, database: 'copy' });
  expect(after.checks.map(({ kind, object, detail }) => `${kind}: ${object}: ${detail}`)).toEqual([
    'table: kinds.kind: It has as many rows, but not the same.',
    'sequence: kinds.ids: Its last value is 42 instead of 41.',
  ]);
});
