import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useCluster } from '../support/postgres.ts';
import { holdfast, type Outcome, startHoldfast } from './run-holdfast.ts';
import { postgresUrl, type WorkingSetup, workingSetup } from './working-setup.ts';

/** What an operator meets when something is wrong: one sentence, a hint, the right exit status, no snapshot. */

const cluster = useCluster();
const setups: WorkingSetup[] = [];
afterAll(() => {
  for (const { directory } of setups) rmSync(directory, { recursive: true, force: true });
});

async function setUp(...parameters: Parameters<typeof workingSetup>): Promise<WorkingSetup> {
  const setup = await workingSetup(...parameters);
  setups.push(setup);
  return setup;
}

function expectOneError({ stderr }: Outcome, what: RegExp): void {
  expect(stderr.match(/^error: .+/gm)).toHaveLength(1);
  expect(stderr).toMatch(what);
  expect(stderr).toMatch(/^hint: .+/m);
  expect(stderr).not.toMatch(/^\s+at .+\(.*:\d+/m);
}

async function snapshotsOf(setup: WorkingSetup, source: string): Promise<number> {
  const { sources } = await setup.json<{ sources: { snapshots: unknown[] }[] }>(['snapshots', source]);
  return sources[0]!.snapshots.length;
}

function editConfig(setup: WorkingSetup, edit: (text: string) => string): void {
  const path = join(setup.directory, 'holdfast.yaml');
  writeFileSync(path, edit(readFileSync(path, 'utf8')));
}

/** `app` of `setup` as another role, or by another way. */
function reach(setup: WorkingSetup, url: string): void {
  editConfig(setup, (text) => text.replace(/connection: .*/, `connection: ${JSON.stringify(url)}`));
}

let setup: WorkingSetup;

beforeAll(async () => {
  const connection = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  await client.query(`
    CREATE TABLE people AS SELECT i AS id, 'person ' || i AS name FROM generate_series(1, 1000) i;
    CREATE TABLE hidden AS SELECT 1 AS secret;
    CREATE ROLE limited LOGIN; GRANT SELECT ON people TO limited;
    CREATE ROLE worded LOGIN PASSWORD 'correct-horse'`);
  setup = await setUp(connection);
}, 60_000);

describe('a backup', () => {
  it('with a wrong password', async () => {
    const hba = join(cluster.throwaway.directory, 'data', 'pg_hba.conf');
    const before = readFileSync(hba, 'utf8');
    writeFileSync(hba, `local all worded scram-sha-256\n${before}`);
    await (await cluster.client()).query('SELECT pg_reload_conf()');
    const other = await setUp({ ...cluster.connection, user: 'worded', database: 'app' });
    editConfig(other, (text) => text.replace(/( *)connection: .*/, '$&\n$1password: {env: APP_PASSWORD}'));
    const outcome = await holdfast(['backup', 'app'], { cwd: other.directory, env: { APP_PASSWORD: 'wrong-pony' } });
    expect(outcome.status).toBe(1);
    expectOneError(outcome, /password/i);
    expect(outcome.stderr).not.toContain('wrong-pony');
  });

  it('when the server is gone', async () => {
    const other = await setUp({ ...cluster.connection, database: 'app' });
    reach(other, 'postgres://nobody@127.0.0.1:1/app');
    const outcome = await other.run('backup', 'app');
    expect(outcome.status).toBe(1);
    expectOneError(outcome, /127\.0\.0\.1/);
  });

  it('when its session is ended in the middle', async () => {
    const client = await cluster.client('app');
    await client.query('CREATE TABLE large AS SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 300000) i');
    const running = startHoldfast(['backup', 'app'], { cwd: setup.directory });
    await running.heard('Copying tables');
    let ended = 0;
    for (let i = 0; i < 400 && ended === 0 && running.child.exitCode === null; i++) {
      const { rowCount } = await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = 'app' AND pid <> pg_backend_pid() AND query ILIKE '%COPY%' AND state = 'active'`,
      );
      ended += rowCount ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const outcome = await running.ended;
    expect(ended).toBeGreaterThan(0);
    expect(outcome.status).toBe(1);
    expectOneError(outcome, /error: /);
    await client.query('DROP TABLE large');
  });

  it('without the right to read one table, which it names', async () => {
    const other = await setUp({ ...cluster.connection, user: 'limited', database: 'app' });
    const outcome = await other.run('backup', 'app');
    expect(outcome.status).toBe(1);
    expectOneError(outcome, /hidden/);
  });

  it('passes over a pg_dump that is older than the server, where there is a newer one', async () => {
    const other = await setUp({ ...cluster.connection, database: 'app' });
    const bin = join(other.directory, 'old-bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'pg_dump'), '#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.24"\n');
    chmodSync(join(bin, 'pg_dump'), 0o755);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const outcome = await holdfast(['backup', 'app'], { cwd: other.directory, env });
    expect(outcome.status).toBe(0);
    expect(await snapshotsOf(other, 'app')).toBe(1);
  });

  it('of which one source fails: the others are done, and it is partial', async () => {
    const other = await setUp({ ...cluster.connection, user: 'limited', database: 'app' });
    const outcome = await other.run('backup');
    expect(outcome.status).toBe(3);
    expectOneError(outcome, /hidden/);
    expect(await snapshotsOf(other, 'documents')).toBe(1);
  });

  it('of a tree that is not there', async () => {
    const other = await setUp();
    rmSync(other.tree, { recursive: true });
    const outcome = await other.run('backup');
    expect(outcome.status).toBe(1);
    expectOneError(outcome, /tree/);
    expect((await other.run('snapshots')).stdout).not.toMatch(/documents@/);
  });

  it('of a command that fails', async () => {
    const other = await setUp();
    editConfig(other, (text) =>
      text.replace(
        /^sources:$/m,
        'sources:\n  - {name: c, type: command, command: "echo half; exit 7", filename: out}',
      ),
    );
    const outcome = await other.run('backup', 'c');
    expect(outcome.status).toBe(1);
    expectOneError(outcome, /7/);
    expect((await other.run('snapshots', 'c')).stdout).not.toMatch(/c@/);
  });

  it('leaves no snapshot that claims to be complete', async () => {
    const before = await setup.run('snapshots', 'app');
    expect(before.stdout).not.toMatch(/app@/);
    expect((await setup.run('backup', 'app')).status).toBe(0);
    expect(await snapshotsOf(setup, 'app')).toBe(1);
    const report = await setup.json<{ findings: unknown[] }>(['check', '--read-data']);
    expect(report.findings).toEqual([]);
  });
});

describe('keys', () => {
  it('of an owner are needed to restore', async () => {
    const other = await setUp();
    // As on a backup host: the owners' identities are elsewhere.
    editConfig(other, (text) => text.replace(/^\s+identity: .*owners.*\n/gm, ''));
    expect((await other.run('backup')).status).toBe(0);
    const outcome = await other.run('restore', 'documents', '--to', 'restored', '--yes');
    expect(outcome.status).toBe(12);
    expectOneError(outcome, /identity|owner/i);
    expect((await other.asOwner('restore', 'documents', '--to', 'restored', '--yes')).status).toBe(0);
  });

  it('that are missing, or those of somebody else', async () => {
    const other = await setUp();
    await other.run('backup');
    const missing = await other.run('-i', 'nowhere.key', 'restore', 'documents', '--to', 'r', '--yes');
    expect(missing.status).toBe(2);
    expectOneError(missing, /nowhere\.key/);
    await other.run('keys', 'new', 'mallory', '--out', 'mallory.key');
    editConfig(other, (text) => text.replace(/^\s+identity: .*owners.*\n/gm, ''));
    const foreign = await other.run('-i', 'mallory.key', 'restore', 'documents', '--to', 'r', '--yes');
    expect(foreign.status).toBe(12);
    expectOneError(foreign, /key|identity/i);
  });
});

describe('a configuration with a typo', () => {
  it('is told with its place, and what was meant; nothing is done', async () => {
    const other = await setUp();
    editConfig(other, (text) => text.replace('operator:', 'opperator:'));
    const outcome = await other.run('backup');
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toMatch(/holdfast\.yaml:\d+:\d+: .*opperator.*did you mean `operator`/);
  });
});

describe('a restore', () => {
  it('never goes over what exists', async () => {
    await setup.run('backup', 'app');
    const outcome = await setup.asOwner('restore', 'app', '--to', 'app', '--yes');
    expect(outcome.status).toBe(1);
    expectOneError(outcome, /app/);
    const { rows } = await (await cluster.client('app')).query('SELECT count(*)::int AS n FROM people');
    expect(rows).toEqual([{ n: 1000 }]);
  });

  it('to a site that is not mounted says so', async () => {
    const other = await setUp();
    await other.run('backup');
    rmSync(other.site, { recursive: true });
    const outcome = await other.asOwner('restore', 'documents', '--to', 'r', '--yes');
    expect(outcome.status).toBe(10);
    expectOneError(outcome, /site/);
  });
});

it('a database is found by its URL', () => {
  expect(postgresUrl({ host: '/run/x y', port: 1, user: 'u', database: 'd' })).toBe(
    'postgres://u@/d?host=%2Frun%2Fx%20y&port=1',
  );
});
