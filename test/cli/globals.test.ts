import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useCluster } from '../support/postgres.ts';
import type { Outcome } from './run-holdfast.ts';
import { postgresUrl, type WorkingSetup, workingSetup } from './working-setup.ts';

/** The globals of a cluster through the real program, from one cluster into another. */

const source = useCluster();
const target = useCluster();
let setup: WorkingSetup;
let hashes: string[];
afterAll(() => rm(setup.directory, { recursive: true, force: true }));

const roles = `
  CREATE ROLE app LOGIN PASSWORD 'app''s own'; CREATE ROLE "odd ""name""" NOLOGIN; GRANT "odd ""name""" TO app;
  ALTER ROLE app SET search_path = shop, public; CREATE ROLE reader LOGIN`;

beforeAll(async () => {
  const client = await source.client();
  await client.query(roles);
  hashes = (await client.query('SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL')).rows.map(
    ({ rolpassword }) => rolpassword,
  );
  setup = await workingSetup();
  configure();
});

/** Replaces the sources of the configuration. */
function configure(more = '', user = source.connection.user): void {
  const file = join(setup.directory, 'holdfast.yaml');
  const text = readFileSync(file, 'utf8');
  const { host, port } = source.connection;
  const connection = JSON.stringify({ host, port, user, database: 'postgres' });
  const section = /^sources:\n(?:[ #].*\n|\n)*/m;
  const sources = `sources:\n  - name: globals\n    type: postgres-globals\n    connection: ${connection}\n${more}\n`;
  writeFileSync(
    file,
    text.replace(section, () => sources),
  );
}

function expectNoHash({ stdout, stderr }: Outcome): void {
  expect(hashes).toHaveLength(1);
  for (const said of [stdout, stderr]) expect(said).not.toMatch(/SCRAM|md5[0-9a-f]{8}/);
}

it('backs up, shows and restores them, and never shows a hash but to who asks for it', async () => {
  const made = await setup.run('backup', '-v');
  expect(made).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/globals@.*done.*4 roles, 1 password, 1 membership/),
  });
  expectNoHash(made);
  const document = await setup.run('backup', '--json', '-v');
  expect(JSON.parse(document.stdout).sources[0]).toMatchObject({
    type: 'postgres-globals',
    outcome: 'done',
    shortfalls: [],
  });
  expectNoHash(document);
  expect(document.stdout).not.toContain('odd');

  const listed = await setup.asOwner('ls', 'globals');
  expect(listed).toMatchObject({ status: 0, stdout: expect.stringMatching(/globals\.sql\n.*globals\.json\n/) });
  expect((await setup.run('ls', 'globals')).status).toBe(12);
  const shown = await setup.asOwner('cat', 'globals');
  expect(shown.stdout).toContain(hashes[0]);
  expect((await setup.run('cat', 'globals')).status).toBe(12);

  const to = `postgres://postgres@/?host=${encodeURIComponent(target.connection.host)}&port=${target.connection.port}`;
  const plan = await setup.asOwner('restore', 'globals', '--to', to, '--dry-run');
  expect(plan).toMatchObject({ status: 0, stdout: expect.stringMatching(/4 roles.*\n.*the cluster /) });
  const client = await target.client();
  const names = async () =>
    (await client.query(`SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`)).rows.map(
      ({ rolname }) => rolname,
    );
  expect(await names()).toEqual(['postgres']);

  const restored = await setup.asOwner('restore', 'globals', '--to', to, '-v');
  expect(restored.stderr + restored.stdout).toMatch(/Restored globals: 3 roles, 1 membership, 1 setting/);
  expect(restored.status).toBe(0);
  expectNoHash(restored);
  expect(await names()).toEqual(['app', 'odd "name"', 'postgres', 'reader']);
  const [{ rolpassword }] = (await client.query(`SELECT rolpassword FROM pg_authid WHERE rolname = 'app'`)).rows;
  expect(rolpassword).toBe(hashes[0]);

  await client.query(`ALTER ROLE app PASSWORD 'changed' CREATEDB`);
  const again = await setup.asOwner('restore', 'globals', '--to', to, '--json');
  expect(again.status).toBe(3);
  expect(JSON.parse(again.stdout)).toMatchObject({
    target: { kind: 'cluster', user: 'postgres' },
    restored: {},
    shortfalls: [{ object: 'role app', reason: expect.stringContaining('create database, password'), degrades: true }],
  });
  expectNoHash(again);
  const login = new pg.Client({ ...target.connection, user: 'app' });
  await login.connect();
  expect((await login.query('SHOW search_path')).rows).toEqual([{ search_path: 'shop, public' }]);
  await login.end();
});

it('writes a script into a directory, for its owner alone, and over nothing', async () => {
  const { status, stderr } = await setup.asOwner('restore', 'globals', '--to', 'dir:recovered');
  expect(status, stderr).toBe(0);
  const file = join(setup.directory, 'recovered', 'globals.sql');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
  expect(readFileSync(file, 'utf8')).toBe((await setup.asOwner('cat', 'globals')).stdout);
  const again = await setup.asOwner('restore', 'globals', '--to', 'dir:recovered');
  expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('globals.sql exists') });
});

it('refuses what makes no sense, and says why', async () => {
  const to = postgresUrl(target.connection);
  for (const [args, message] of [
    [['--to', to, '--table', 'x'], 'has no tables'],
    [['--to', to, '--path', 'x'], 'has no paths'],
    [['--to', to, '--into-schema', 'x'], 'no schemas'],
    [['--to', to, '--tablespace-map', 'fast=/x'], 'no tablespace fast'],
    [['--to', to, '--swap'], '--swap'],
  ] as const) {
    const outcome = await setup.asOwner('restore', 'globals', ...args);
    expect(outcome).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
  }
});

it('is degraded where passwords should be read and cannot, and not where they are not wanted', async () => {
  configure('', 'reader');
  const lacking = await setup.run('backup');
  expect(lacking.status).toBe(3);
  expect(lacking.stdout).toMatch(/lacks.*passwords: Those of 4 roles/);
  configure('    passwords: false', 'reader');
  const outcome = await setup.run('backup');
  expect(outcome).toMatchObject({ status: 0, stdout: expect.stringContaining('The configuration leaves them out.') });
});
