import { globSync } from 'node:fs';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { useCluster } from '../support/postgres.ts';
import { type Outcome, program } from './run-holdfast.ts';
import { postgresUrl, type WorkingSetup, workingSetup } from './working-setup.ts';

const cluster = useCluster();
const key = '9f'.repeat(32);
const originals = ['anna.martin@fastmail.example', 'bruno.leroy@posteo.example', 'Martin', 'Leroy'];
let connection: ThrowawayConnection;
let setup: WorkingSetup;
const said: Outcome[] = [];

const run = async (...args: string[]) => {
  const outcome = await setup.run('--json', 'pseudonymize', ...args);
  said.push(outcome);
  return { ...outcome, document: outcome.stdout === '' ? undefined : JSON.parse(outcome.stdout) };
};
const config = (name: string) => join(setup.directory, name);

beforeAll(async () => {
  connection = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  await client.query(`
    CREATE TABLE people (id int PRIMARY KEY, family_name text NOT NULL, email text NOT NULL UNIQUE, plan text);
    INSERT INTO people VALUES (1, 'Martin', '${originals[0]}', 'free'), (2, 'Leroy', '${originals[1]}', 'team');
    COMMENT ON COLUMN people.email IS 'ask ${originals[0]}';
  `);
  setup = await workingSetup(connection);
  await writeFile(config('pseudonyms.key'), `${key}\n`, { mode: 0o600 });
  const target = postgresUrl({ ...connection, database: 'preprod' });
  await appendFile(
    config('holdfast.yaml'),
    `pseudonymize:\n  source: app\n  key: {file: pseudonyms.key}\n  target: {connection: '${target}'}\n`,
  );
  await run('scan', '--write');
});

afterAll(() => rm(setup.directory, { recursive: true, force: true }));

describe('pseudonymize', () => {
  it('refuses to copy what nobody reviewed, and makes nothing', async () => {
    const { status, document } = await run('run');
    expect({ status, code: document.error.code }).toEqual({ status: 2, code: 'config' });
    const client = await cluster.client();
    expect((await client.query(`SELECT FROM pg_database WHERE datname LIKE 'preprod%'`)).rowCount).toBe(0);
  });

  it('copies, under a name that is only taken from an earlier copy', async () => {
    const lock = config('app.lock.yaml');
    await writeFile(lock, (await readFile(lock, 'utf8')).replaceAll(/^ *review: needed\n/gm, ''));
    const planned = await run('run', '--dry-run');
    expect(planned.document).toMatchObject({ dryRun: true, target: { database: 'preprod' } });
    const { document: shown } = await run('plan', '--preview', '1');
    expect(shown.preview).toEqual([
      {
        column: 'public.people.family_name',
        kind: 'last-name',
        examples: [expect.objectContaining({ masked: 'Xxxxxx' })],
      },
      {
        column: 'public.people.email',
        kind: 'email',
        examples: [{ masked: 'xxxx.xxxxxx@xxxxxxxx.xxxxxxx', pseudonym: expect.stringMatching(/@example\.invalid$/) }],
      },
    ]);
    const client = await cluster.client();
    await client.query('CREATE DATABASE preprod');
    const refused = await run('run');
    expect({ status: refused.status, code: refused.document.error.code }).toEqual({ status: 1, code: 'target-exists' });
    await client.query(`DROP DATABASE preprod`);
    for (const _ of ['new', 'again']) {
      const { status, stderr, document } = await run('run');
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: expect.anything() });
      expect(document).toMatchObject({ database: 'preprod', totals: { tables: 1, rows: 2 } });
    }
    const left = await client.query(`SELECT datname FROM pg_database WHERE datname LIKE 'preprod%'`);
    expect(left.rows).toEqual([{ datname: 'preprod' }]);
    const copy = await cluster.client('preprod');
    const { rows } = await copy.query('SELECT id, family_name, email, plan FROM people ORDER BY id');
    expect(rows.map(({ id, plan }) => [id, plan])).toEqual([
      [1, 'free'],
      [2, 'team'],
    ]);
    for (const original of originals) expect(JSON.stringify(rows)).not.toContain(original);
    const comments = await copy.query('SELECT description FROM pg_description WHERE objoid >= 16384');
    expect(comments.rows).toEqual([]);
  });

  it('checks a copy that somebody worked with since', async () => {
    const copy = await cluster.client('preprod');
    const page = config('check.html');
    const clean = await run('check', '--html', page);
    expect({ status: clean.status, stderr: clean.status === 0 ? '' : clean.stderr }).toEqual({ status: 0, stderr: '' });
    expect(clean.document).toMatchObject({
      database: 'preprod',
      originals: { tables: 1, rows: 2 },
      leaks: { verdict: 'pass' },
    });
    expect(await readFile(page, 'utf8')).toContain('preprod');
    await copy.query('UPDATE people SET plan = $1 WHERE id = 1', [`as told to ${originals[0]}`]);
    const leak = await run('check');
    expect(leak.status).toBe(4);
    expect(leak.document.leaks.findings).toEqual([
      expect.objectContaining({ name: 'public.people.plan', what: 'identifier', originals: ['public.people.email'] }),
    ]);
    await copy.query(`UPDATE people SET plan = 'free' WHERE id = 1`);
    const itself = await run('check', '--to', postgresUrl(connection));
    expect({ status: itself.status, code: itself.document.error.code }).toEqual({ status: 2, code: 'usage' });
    const nowhere = await run('check', '--to', postgresUrl({ ...connection, database: 'nowhere' }));
    expect({ status: nowhere.status, code: nowhere.document.error.code }).toEqual({
      status: 5,
      code: 'could-not-verify',
    });
  });

  it('reveals with the key, and writes down that it did', async () => {
    const copy = await cluster.client('preprod');
    const { rows } = await copy.query('SELECT email FROM people WHERE id = 2');
    const args = ['--json', 'pseudonymize', 'reveal', 'public.people.email', '--reason', 'ticket 812'];
    const outcome = await execa(process.execPath, [program, ...args], {
      cwd: setup.directory,
      input: `${rows[0].email}\n`,
      env: { HOME: setup.directory },
      reject: false,
    });
    expect({ status: outcome.exitCode, stderr: outcome.stderr }).toEqual({ status: 0, stderr: expect.anything() });
    expect(JSON.parse(outcome.stdout).revealed).toEqual([{ pseudonym: rows[0].email, originals: [originals[1]] }]);
    const [journal] = globSync('**/reveals.jsonl', { cwd: setup.directory });
    const [line, ...more] = (await readFile(config(journal!), 'utf8')).trimEnd().split('\n');
    expect(JSON.parse(line!)).toMatchObject({
      column: 'public.people.email',
      count: 1,
      reason: 'ticket 812',
      before: '',
    });
    expect(more).toEqual([]);
    for (const secret of [...originals, rows[0].email, key]) expect(line).not.toContain(secret);
  });

  it('tells neither values nor the key', () => {
    for (const { stdout, stderr } of said) {
      for (const secret of [...originals, key]) expect(stdout + stderr).not.toContain(secret);
    }
  });
});
