import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { moments } from '../support/moments.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

/** Schema changes from many sessions at once, at random times: a backup is of one moment and restores, or says why not. */

const cluster = useCluster();
const backups = moments(1);
const rows = 300;

/** Fills a table with rows and one more, of id 0, that holds their sum. */
const fill = (table: string) =>
  `INSERT INTO ${table} (id, v) SELECT i, (random() * 1000)::int FROM generate_series(1, ${rows}) i;
   INSERT INTO ${table} (id, v) SELECT 0, sum(v) FROM ${table}`;
/** What every table of that kind looks like. */
const columns = '(id int, v int DEFAULT public.answer())';

/** Each is one transaction, after which every table has its rows and its sum again. */
const storms: Record<string, string> = {
  truncate: `TRUNCATE s.truncated; ${fill('s.truncated')}`,
  rewrite: `ALTER TABLE s.rewritten ALTER v TYPE bigint; ALTER TABLE s.rewritten ALTER v TYPE int`,
  swap: `CREATE TABLE s.fresh ${columns}; ${fill('s.fresh')};
    ALTER TABLE s.swapped RENAME TO stale; ALTER TABLE s.fresh RENAME TO swapped; DROP TABLE s.stale`,
  recreate: `DROP TABLE s.recreated; CREATE TABLE s.recreated ${columns}; ${fill('s.recreated')}`,
  schema: `CREATE SCHEMA fresh; CREATE TABLE fresh.moved ${columns}; ${fill('fresh.moved')};
    ALTER SCHEMA d RENAME TO stale; ALTER SCHEMA fresh RENAME TO d; DROP SCHEMA stale CASCADE`,
  names: `ALTER FUNCTION public.answer() RENAME TO other; ALTER FUNCTION public.other() RENAME TO answer`,
  rename: `DO $$ BEGIN IF to_regproc('public.greet') IS NULL THEN ALTER FUNCTION public.hello RENAME TO greet;
    ELSE ALTER FUNCTION public.greet RENAME TO hello; END IF; END $$`,
  view: `DROP VIEW public.seen; CREATE VIEW public.seen AS SELECT id, v FROM s.truncated WHERE id > 0`,
  sequence: `DROP SEQUENCE public.counter; CREATE SEQUENCE public.counter; SELECT setval('public.counter', 5000)`,
  pair: `UPDATE s.left SET v = v + 7 WHERE id = 1; UPDATE s.right SET v = v + 7 WHERE id = 300`,
  passing: `CREATE TABLE s.passing AS SELECT 0 AS id, 1 AS v UNION ALL SELECT i, 0 FROM generate_series(2, 300) i
    UNION ALL SELECT 1, 1; DROP TABLE s.passing`,
};

async function prepare(client: pg.Client): Promise<void> {
  const tables = ['s.truncated', 's.rewritten', 's.swapped', 's.recreated', 'd.moved'];
  await client.query(`
    CREATE SCHEMA s; CREATE SCHEMA d;
    CREATE FUNCTION public.answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
    CREATE FUNCTION public.hello() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE s.greeted (id int, v int DEFAULT public.hello()); ${fill('s.greeted')};
    ${tables.map((table) => `CREATE TABLE ${table} ${columns}; ${fill(table)};`).join('\n')}
    CREATE TABLE s.left (id int, v bigint); CREATE TABLE s.right (id int, v bigint);
    INSERT INTO s.left SELECT i, 5 FROM generate_series(1, ${rows}) i; INSERT INTO s.right TABLE s.left;
    CREATE VIEW public.seen AS SELECT id, v FROM s.truncated WHERE id > 0;
    CREATE SEQUENCE public.counter; SELECT setval('public.counter', 5000);
    CREATE TABLE s.ballast AS SELECT i AS id, repeat(md5(i::text), 8) AS t FROM generate_series(1, 20000) i`);
}

/** Runs a transaction over and over, with pauses, until stopped. @returns a function that stops it, and says how often it ran */
function storm(client: pg.Client, sql: string, pause: () => number): () => Promise<number> {
  const stop = new AbortController();
  let times = 0;
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await client.query(`BEGIN; ${sql}`);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      await client.query('COMMIT');
      times++;
      await sleep(pause(), undefined, { signal: stop.signal }).catch(() => {});
    }
  })();
  loop.catch(() => {});
  return async () => {
    stop.abort();
    await loop;
    return times;
  };
}

async function sumsOf(made: MadeBackup): Promise<{ left: number; right: number; tables: string[] }> {
  const totals: Record<string, number> = {};
  for (const { schema, name, stream } of made.of('table')) {
    if (name === 'ballast') continue;
    const lines = String(await made.content(stream))
      .split('\n')
      .slice(0, -1);
    const values = new Map(lines.map((line) => line.split('\t').map(Number) as [number, number]));
    const sum = [...values].reduce((all, [id, v]) => all + (id === 0 ? 0 : v), 0);
    const paired = name === 'left' || name === 'right';
    expect(values.size, `rows of ${schema}.${name}`).toBe(rows + (paired ? 0 : 1));
    if (!paired) expect(sum, `sum of ${schema}.${name}`).toBe(values.get(0));
    totals[name] = sum;
  }
  return { left: totals.left!, right: totals.right!, tables: Object.keys(totals) };
}

it('a storm of schema changes: each backup is of one moment and restores, or ends with an error in words', {
  timeout: 90_000 + 15_000 * backups,
}, async () => {
  const connection = await cluster.createDatabase('stormy');
  await prepare(await cluster.client('stormy'));
  const admin = await cluster.client();
  let made = 0;
  const errors: string[] = [];
  const sessions: [pg.Client, string][] = [];
  for (const sql of Object.values(storms)) sessions.push([await cluster.client('stormy'), sql]);
  // A storm may keep every attempt of a backup from succeeding, which is no answer yet.
  for (let round = 0; round < backups || (made === 0 && round < backups + 3); round++) {
    const stops = sessions.map(([client, sql]) => storm(client, sql, () => 100 + Math.random() * 1_500));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
    const backup = await makeBackup(connection, { lockTimeout: 2_000 }).catch((error) => error);
    for (const stop of stops) expect(await stop()).toBeGreaterThan(0);
    if (backup instanceof Error) {
      if (!isHoldfastError(backup, 'source-failed')) throw backup;
      expect(backup.hint).toBeTruthy();
      errors.push(`${backup.message} ${backup.why}`);
      continue;
    }
    made++;
    const { left, right, tables } = await sumsOf(backup);
    expect(left).toBe(right);
    expect(tables).toEqual(
      expect.arrayContaining(['truncated', 'rewritten', 'swapped', 'recreated', 'moved', 'greeted']),
    );
    expect(Number(backup.of('sequence')[0]!.lastValue)).toBe(5000);
    await restoreBackup(backup, cluster.connection, 'calm');
    expect((await compareWith(backup, { ...connection, database: 'calm' })).checks).toEqual([]);
    await admin.query('DROP DATABASE calm');
  }
  if (process.env.HOLDFAST_TEST_MOMENTS) console.log(`${made} of ${backups} made`, errors);
  expect(made, errors.join('\n')).toBeGreaterThan(0);
});

/** A pg_dump that waits a second the first time, while the snapshot and the locks are there already. */
async function slowDump(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-dump-'));
  const path = join(directory, 'pg_dump');
  const late = `[ "$1" = --version ] || [ -e ${directory}/again ] || { touch ${directory}/again; sleep 1; }`;
  await writeFile(path, `#!/bin/sh\n${late}\nexec pg_dump "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

describe('before pg_dump gets to it', () => {
  const changes: [string, string][] = [
    ['a function is renamed', 'ALTER FUNCTION public.start() RENAME TO beginning'],
    ['a label of an enum is renamed', `ALTER TYPE public.mood RENAME VALUE 'sad' TO 'blue'`],
    // Holds the sequence, which pg_dump reads, and waits for the table, which the backup holds.
    ['a sequence is dropped, and a table awaited', 'DROP SEQUENCE public.counter; ALTER TABLE public.t ADD late int'],
    ['a view is dropped, and a table awaited', 'DROP VIEW public.seen; ALTER TABLE public.t ADD late int'],
  ];

  it.each(changes)('%s: the backup begins anew, and restores', { timeout: 60_000 }, async (name, sql) => {
    const database = name.replaceAll(/\W/g, '_').slice(0, 30);
    const connection = await cluster.createDatabase(database);
    const client = await cluster.client(database);
    await client.query(`
      CREATE FUNCTION public.start() RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE TYPE public.mood AS ENUM ('sad', 'glad'); CREATE SEQUENCE public.counter;
      CREATE TABLE public.t (id int DEFAULT public.start(), m public.mood DEFAULT 'sad');
      INSERT INTO public.t SELECT FROM generate_series(1, 500); CREATE VIEW public.seen AS TABLE public.t`);
    const changer = await cluster.client(database);
    const making = makeBackup(connection, { pgDump: await slowDump() });
    const held = `SELECT FROM pg_locks WHERE relation = 'public.t'::regclass AND granted AND pid <> pg_backend_pid()`;
    const isHeld = async () => (await client.query(held)).rowCount;
    await expect.poll(isHeld, { interval: 2, timeout: 20_000 }).toBeGreaterThan(0);
    // Until the coordinator has read the sequences.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const begun = performance.now();
    const changing = changer.query(`BEGIN; ${sql}; COMMIT`).then(() => performance.now() - begun);
    const made = await making;
    // Whoever waits for us has their turn once pg_dump cannot go on: not after the whole backup.
    expect(await changing).toBeLessThan(8_000);
    expect(made.repository.events).toContainEqual(
      expect.objectContaining({ type: 'note', text: expect.stringContaining('begins anew') }),
    );
    expect(made.table('public', 't')!.stream.rows!.rows).toBe(500);
    await restoreBackup(made, cluster.connection, 'later');
    expect((await compareWith(made, { ...connection, database: 'later' })).checks).toEqual([]);
    await (await cluster.client()).query('DROP DATABASE later');
  });
});
