import { expect, it } from 'vitest';
import { useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster();
const to = (database: string) => ({ ...cluster.connection, database });

async function source(database: string, sql: string) {
  await cluster.createDatabase(database);
  const client = await cluster.client(database);
  await client.query(sql);
  return client;
}

it('names objects in schemas of the server, which pg_dump leaves out, and carries the rest', async () => {
  await source(
    'inside',
    `CREATE FUNCTION pg_catalog.mine(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE information_schema.notes (t text);
     INSERT INTO information_schema.notes VALUES ('x'); CREATE TYPE pg_catalog.colour AS ENUM ('red');
     CREATE SEQUENCE information_schema.counter; SELECT nextval('information_schema.counter');
     CREATE VIEW information_schema.shown AS SELECT 1 AS one; CREATE EXTENSION adminpack;
     CREATE TABLE own (a int); INSERT INTO own VALUES (1);`,
  );
  const backup = await makeBackup(to('inside'));
  expect(backup.outcome.shortfalls.filter(({ degrades }) => degrades).map(({ object }) => object)).toEqual([
    'function pg_catalog.mine(integer)',
    'sequence information_schema.counter',
    'table information_schema.notes',
    'type pg_catalog.colour',
    'view information_schema.shown',
  ]);
  await restoreBackup(backup, cluster.connection, 'inside copy');
  const { checks, equal } = await compareWith(backup, to('inside copy'));
  expect(checks).toEqual([]);
  expect(equal).toBeGreaterThan(10);
});

it('reports stored columns that would be worked out otherwise today', async () => {
  await source(
    'stale',
    `CREATE FUNCTION price(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 119';
     CREATE TABLE priced (net int, gross int GENERATED ALWAYS AS (price(net)) STORED); INSERT INTO priced VALUES (1), (2);
     CREATE OR REPLACE FUNCTION price(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 107';`,
  );
  const backup = await makeBackup(to('stale'));
  await restoreBackup(backup, cluster.connection, 'stale copy');
  const { checks } = await compareWith(backup, to('stale copy'));
  expect(checks.map(({ kind, object, verdict }) => [kind, object, verdict])).toEqual([
    ['generated-columns', 'public.priced (gross)', 'differs'],
  ]);
});

it('tells of constraints that nothing enforces, and enforces them', async () => {
  await source(
    'lax',
    `CREATE TABLE up (id int PRIMARY KEY); CREATE TABLE down (up int CONSTRAINT to_up REFERENCES up);
     ALTER TABLE down DISABLE TRIGGER ALL;`,
  );
  const backup = await makeBackup(to('lax'));
  expect(backup.outcome.shortfalls.map(({ object, degrades }) => [object, degrades])).toEqual([
    ['constraint to_up of public.down', false],
  ]);
  await restoreBackup(backup, cluster.connection, 'lax copy');
  expect((await compareWith(backup, to('lax copy'))).checks).toEqual([]);
  const client = await cluster.client('lax copy');
  await expect(client.query('INSERT INTO down VALUES (1)')).rejects.toThrow(/to_up/);
});

it('brings tables, indexes and views back to their tablespaces', async () => {
  const admin = await cluster.client();
  await admin.query('SET allow_in_place_tablespaces = on');
  await admin.query(`CREATE TABLESPACE "fast disk" LOCATION ''`);
  await source(
    'spread',
    `CREATE TABLE t (id int PRIMARY KEY USING INDEX TABLESPACE "fast disk", v text) TABLESPACE "fast disk"; CREATE INDEX ON t (v);
     CREATE INDEX on_fast ON t (v) TABLESPACE "fast disk"; CREATE MATERIALIZED VIEW m TABLESPACE "fast disk" AS SELECT 1 AS one;
     CREATE TABLE p (id int) PARTITION BY LIST (id) TABLESPACE "fast disk"; CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1) TABLESPACE pg_default;
     INSERT INTO t VALUES (1, 'x'); INSERT INTO p VALUES (1);`,
  );
  const backup = await makeBackup(to('spread'));
  await restoreBackup(backup, cluster.connection, 'spread copy');
  expect((await compareWith(backup, to('spread copy'))).checks).toEqual([]);
  const client = await cluster.client('spread copy');
  const { rows } = await client.query(
    `SELECT relname FROM pg_class c JOIN pg_tablespace s ON s.oid = c.reltablespace 
     WHERE spcname = 'fast disk' AND relname !~ '^pg_toast' ORDER BY 1`,
  );
  expect(rows.map(({ relname }) => relname)).toEqual(['m', 'on_fast', 'p', 't', 't_pkey']);
  await client.query('ALTER INDEX on_fast SET TABLESPACE pg_default');
  const { checks } = await compareWith(backup, to('spread copy'));
  expect(checks.map(({ object, detail }) => `${object}: ${detail}`)).toEqual([
    'index public.on_fast: The tablespace is another.',
  ]);
});
