import { createServer } from 'node:net';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { startTestCluster, useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

/** What a database could say to others when it is restored, beside what postgres-restore.test.ts has. */

const cluster = useCluster();

it('a view that calls dblink, directly or through another, is left empty, and nobody is called', async () => {
  let calls = 0;
  const listener = createServer((socket) => {
    calls++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void listener.close());
  const { port } = listener.address() as { port: number };
  const call = `dblink('host=127.0.0.1 port=${port} dbname=x', 'SELECT 1') AS t (a int)`;
  const connection = await cluster.createDatabase('calling');
  const client = await cluster.client('calling');
  await client.query(`
    CREATE EXTENSION dblink;
    CREATE TABLE t (a int, b int DEFAULT (length(dblink_connect('host=127.0.0.1 port=${port}'))));
    INSERT INTO t VALUES (1, 2);
    CREATE MATERIALIZED VIEW direct AS SELECT * FROM ${call} WITH NO DATA;
    CREATE VIEW between AS SELECT * FROM ${call};
    CREATE MATERIALIZED VIEW through AS SELECT * FROM between WITH NO DATA;
    CREATE MATERIALIZED VIEW own AS SELECT * FROM t;
    UPDATE pg_class SET relispopulated = true WHERE relname IN ('direct', 'through')`);
  const backup = await makeBackup(connection);
  const { shortfalls } = await restoreBackup(backup, cluster.connection, 'called');
  await compareWith(backup, { ...connection, database: 'called' });
  expect(calls).toBe(0);
  expect(shortfalls.filter(({ degrades }) => degrades).map(({ object }) => object)).toEqual([
    'materialized view public.direct',
    'materialized view public.through',
  ]);
  const copy = await cluster.client('called');
  expect((await copy.query('SELECT count(*)::int AS rows FROM own')).rows).toEqual([{ rows: 1 }]);
});

it('a restore, and dropping what it left, touch no replication slot of the publisher', {
  timeout: 60_000,
}, async () => {
  await using publisher = await startTestCluster({
    settings: { wal_level: 'logical', max_wal_senders: 5, max_replication_slots: 5 },
  });
  const there = new pg.Client(publisher.connection);
  await there.connect();
  await there.query('CREATE TABLE t (a int); CREATE PUBLICATION p FOR TABLE t');
  await there.query(`SELECT pg_create_logical_replication_slot('real', 'pgoutput')`);
  const connection = await cluster.createDatabase('subscribed');
  const client = await cluster.client('subscribed');
  const { host, port, user } = publisher.connection;
  await client.query('CREATE TABLE t (a int)');
  await client.query(`CREATE SUBSCRIPTION watching CONNECTION 'host=${host} port=${port} user=${user} dbname=postgres'
    PUBLICATION p WITH (create_slot = false, slot_name = 'real', enabled = true)`);
  const active = async () => (await there.query('SELECT slot_name, active FROM pg_replication_slots ORDER BY 1')).rows;
  await expect.poll(active, { timeout: 20_000 }).toEqual([{ slot_name: 'real', active: true }]);
  const backup = await makeBackup(connection);
  await restoreBackup(backup, cluster.connection, 'subscribed again');
  const stop = new AbortController();
  const cut = restoreBackup(backup, cluster.connection, 'cut short', {}, { signal: stop.signal }).catch(() => {});
  setTimeout(() => stop.abort(new Error('stop')), 300);
  await cut;
  expect(await active()).toEqual([{ slot_name: 'real', active: true }]);
  const copy = await cluster.client('subscribed again');
  await copy.query('ALTER SUBSCRIPTION watching SET (slot_name = NONE)');
  await copy.query('DROP SUBSCRIPTION watching');
  await client.query('ALTER SUBSCRIPTION watching DISABLE');
  await client.query('ALTER SUBSCRIPTION watching SET (slot_name = NONE)');
  await client.query('DROP SUBSCRIPTION watching');
  await there.end();
});
