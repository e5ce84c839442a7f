import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import type { CopySettings } from '../../src/jobs/pseudonymize/copy-settings.ts';
import { copyMark, copySettings, reviewDatabase } from '../support/copied-database.ts';
import { useCluster } from '../support/postgres.ts';

const production = useCluster();
const tests = useCluster();
const child = new URL('../support/copy-child.ts', import.meta.url).pathname;
let directory: string;
let settings: CopySettings;
let admin: pg.Client;
let watcher: pg.Client;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'killed-'));
  const connection = await production.createDatabase('app');
  const client = await production.client('app');
  await client.query(`
    CREATE TABLE person (id bigint PRIMARY KEY, email text UNIQUE, note text);
    CREATE TABLE visit (id bigint PRIMARY KEY, person_id bigint NOT NULL REFERENCES person, note text);
    INSERT INTO person SELECT i, 'person' || i || '@example.org', 'note ' || md5(i::text) FROM generate_series(1, 8000) i;
    INSERT INTO visit SELECT i, i % 8000 + 1, repeat(md5(i::text), 3) FROM generate_series(1, 30000) i;
    CREATE INDEX ON visit (person_id); CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM visit; ANALYZE`);
  settings = {
    ...copySettings({ connection, lockFile: join(directory, 'app.lock.yaml'), database: 'preprod' }),
    target: { admin: tests.connection, database: 'preprod', replace: true },
  };
  await reviewDatabase(settings, { columns: { 'public.person.note': 'text', 'public.visit.note': 'text' } });
  await tests.createDatabase('preprod');
  const old = await tests.client('preprod');
  await old.query(`CREATE TABLE marker AS SELECT 42 AS n; COMMENT ON DATABASE preprod IS '${copyMark}'`);
  await old.end();
  admin = await tests.client();
  watcher = await tests.client();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What the child says, or what a session of the target does, when it is to be killed. */
type Moment = { said: RegExp } | { seen: string };

/** @returns whether it was done before it could be killed */
async function killed(moment: Moment): Promise<boolean> {
  const argument = {
    connection: settings.connection,
    lockFile: settings.lockFile,
    admin: tests.connection,
    database: 'preprod',
  };
  const process_ = spawn(process.execPath, [child, JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => process_.kill('SIGKILL');
  let said = '';
  let ended = false;
  process_.stdout.on('data', (bytes) => {
    said += bytes;
    if ('said' in moment && moment.said.test(said)) kill();
  });
  const exit = once(process_, 'exit').then(() => {
    ended = true;
  });
  if ('seen' in moment) {
    const sql = `SELECT FROM pg_stat_activity WHERE application_name ~ '^holdfast' AND pid <> pg_backend_pid() AND ${moment.seen}`;
    while (!ended && (await watcher.query(sql)).rowCount === 0);
    kill();
  }
  await exit;
  return /^copied$/m.test(said);
}

const databases = async () =>
  (
    await admin.query<{ datname: string }>(`SELECT datname FROM pg_database WHERE datname ~ '^preprod' ORDER BY 1`)
  ).rows.map(({ datname }) => datname);
const quiet = () =>
  expect
    .poll(
      async () =>
        (
          await admin.query(
            `SELECT FROM pg_stat_activity WHERE application_name ~ '^holdfast' AND pid <> pg_backend_pid()`,
          )
        ).rowCount,
      { timeout: 20_000 },
    )
    .toBe(0);

/** Which database has the name: the one before, or a whole copy. */
async function serving(): Promise<'before' | 'copy'> {
  const client = await tests.client('preprod');
  try {
    const { rows } = await client.query<{ old: boolean }>(`SELECT to_regclass('marker') IS NOT NULL AS old`);
    if (rows[0]!.old) {
      expect((await client.query('SELECT n FROM marker')).rows).toEqual([{ n: 42 }]);
      return 'before';
    }
    const counts = await client.query(`
      SELECT (SELECT count(*)::int FROM person) AS people, (SELECT count(*)::int FROM visit) AS visits,
             (SELECT count::int FROM counted) AS counted,
             (SELECT count(*)::int FROM pg_constraint WHERE contype = 'f' AND convalidated) AS keys`);
    expect(counts.rows).toEqual([{ people: 8000, visits: 30_000, counted: 30_000, keys: 1 }]);
    return 'copy';
  } finally {
    await client.end();
  }
}

const moments: Record<string, Moment> = {
  'when it locks tables': { said: /^step Locking/m },
  'while the target is created': { seen: `query ~ '^CREATE DATABASE'` },
  'when the target is there': { seen: `datname ~ '^preprod_holdfast_'` },
  'while definitions are made': { seen: `datname ~ '^preprod_holdfast_' AND query ~ '^(CREATE|ALTER) '` },
  'while rows begin to move': { seen: `datname ~ '^preprod_holdfast_' AND query ~ 'COPY '` },
  'in the midst of rows': { said: /^rows \d+/m },
  'while keys are built': { seen: `datname ~ '^preprod_holdfast_' AND query ~ 'ADD CONSTRAINT'` },
  'while views are filled': { seen: `datname ~ '^preprod_holdfast_' AND query ~ '^REFRESH'` },
  'when sessions of the one before are ended': { seen: `query ~ 'pg_terminate_backend' AND datname = 'postgres'` },
  'while names change': { seen: `query ~ '^ALTER DATABASE .* RENAME'` },
  'while the change of names is committed': { seen: `query ~ '^COMMIT' AND datname = 'postgres'` },
  'while the one before is dropped': { seen: `query ~ '^DROP DATABASE IF EXISTS .*_before_'` },
};

it('whenever it is killed, the one before or the copy serves, and the next run leaves nothing behind', async () => {
  let interrupted = 0;
  let before = 0;
  for (const [name, moment] of Object.entries(moments)) {
    const visitor = await tests.client('preprod');
    visitor.on('error', () => {});
    const done = await killed(moment);
    if (!done) interrupted++;
    await quiet();
    const what = await serving();
    if (what === 'before') before++;
    else {
      // The name changed hands before the kill: the marker takes the place of the copy again.
      await admin.query('DROP DATABASE preprod WITH (FORCE)');
      const kept = (await databases()).find((each) => each.includes('_before_'));
      if (kept !== undefined) await admin.query(`ALTER DATABASE "${kept}" RENAME TO preprod`);
      else {
        await admin.query('CREATE DATABASE preprod');
        const again = await tests.client('preprod');
        await again.query(`CREATE TABLE marker AS SELECT 42 AS n; COMMENT ON DATABASE preprod IS '${copyMark}'`);
        await again.end();
      }
    }
    // At most what this one left: it has dropped what the one before it left.
    expect((await databases()).length, name).toBeLessThanOrEqual(2);
    await visitor.end().catch(() => {});
  }
  expect(interrupted).toBeGreaterThanOrEqual(9);
  expect(before).toBeGreaterThanOrEqual(9);
  await copyDatabase(settings);
  expect(await serving()).toBe('copy');
  expect(await databases()).toEqual(['preprod']);
}, 600_000);

it('killed between the change of names and the drop, the next run drops the one before', async () => {
  // Nothing may keep old personal data on a server for tests for ever.
  let done = true;
  for (let attempt = 0; done && attempt < 3; attempt++) {
    done = await killed({ seen: `query ~ '^DROP DATABASE IF EXISTS .*_before_'` });
    await quiet();
  }
  expect(done, 'it was not killed while it dropped').toBe(false);
  expect(await serving()).toBe('copy');
  await copyDatabase(settings);
  expect(await databases()).toEqual(['preprod']);
}, 600_000);
