/** Trees that go with a copy: refused before anything is made, searched, and there together with the database or not at all. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HoldfastError } from '../../src/base/errors.ts';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import type { CopySettings, TreeWish } from '../../src/jobs/pseudonymize/copy-settings.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { copySettings, reviewDatabase } from '../support/copied-database.ts';
import { useCluster } from '../support/postgres.ts';

const cluster = useCluster();
const directory = mkdtempSync(join(tmpdir(), 'copy-trees-'));
const source = join(directory, 'documents');
const copies = join(directory, 'copies');
const target = join(copies, 'documents');
const email = 'zoe.quentin@posteo.example';
let connection: ThrowawayConnection;

const rules: TreeWish['rules'] = [
  { path: 'letters/*', content: 'keep', names: 'keep', reason: 'templates' },
  { path: '**', content: 'placeholder' },
];
const copy = (more: Partial<CopySettings> = {}) =>
  copyDatabase(
    copySettings({
      connection,
      lockFile: join(directory, 'app.lock.yaml'),
      database: 'preprod',
      jobs: 1,
      trees: [{ source, target, rules }],
      ...more,
    }),
  );
const copiedDatabases = async () => {
  const client = await cluster.client();
  return (await client.query(`SELECT datname, oid FROM pg_database WHERE datname LIKE 'preprod%'`)).rows;
};
const failure = (tried: Promise<unknown>): Promise<HoldfastError> =>
  tried.then(
    () => Promise.reject(new Error('it did not fail')),
    (error) => error,
  );

beforeAll(async () => {
  connection = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  await client.query(
    `CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL); INSERT INTO people VALUES (1, '${email}')`,
  );
  mkdirSync(join(source, 'letters'), { recursive: true });
  writeFileSync(join(source, 'letters', 'welcome.txt'), 'Welcome to all of you.\n');
  writeFileSync(join(source, `${email}.txt`), `from ${email}\n`);
  const settings = copySettings({ connection, lockFile: join(directory, 'app.lock.yaml'), database: 'preprod' });
  await reviewDatabase(settings, { columns: { 'public.people.email': 'email' } });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('a file that no rule fits is refused before anything is made', async () => {
  const error = await failure(copy({ trees: [{ source, target, rules: rules.slice(0, 1) }] }));
  expect(error.code).toBe('config');
  expect(await copiedDatabases()).toEqual([]);
  expect(existsSync(copies)).toBe(false);
});

it('comes with the database, and takes the place of the one before in each run', async () => {
  for (const letter of ['Welcome to all of you.\n', 'Welcome again.\n']) {
    writeFileSync(join(source, 'letters', 'welcome.txt'), letter);
    const report = await copy();
    expect(report).toMatchObject({ published: true, leaks: { verdict: 'pass', scanned: { files: 2 } } });
    expect(report.trees).toMatchObject([{ target, files: { kept: 1, placeholders: 1 } }]);
    expect(readFileSync(join(target, 'letters', 'welcome.txt'), 'utf8')).toBe(letter);
    expect(readdirSync(copies).sort()).toEqual(['.documents.holdfast-copy.json', 'documents']);
    expect(JSON.stringify(readdirSync(target))).not.toContain('zoe');
  }
});

it('with an original in a kept file neither the tree nor the database takes its name', async () => {
  const before = await copiedDatabases();
  writeFileSync(join(source, 'letters', 'welcome.txt'), `Write to ${email}.\n`);
  const report = await copy();
  expect(report).toMatchObject({ published: false, trees: [], leaks: { verdict: 'fail' } });
  expect(report.leaks.findings).toMatchObject([{ place: 'file', name: 'letters/welcome.txt' }]);
  expect(JSON.stringify(report)).not.toContain(email);
  expect(await copiedDatabases()).toEqual(before);
  expect(readFileSync(join(target, 'letters', 'welcome.txt'), 'utf8')).toBe('Welcome again.\n');
  expect(readdirSync(copies).sort()).toEqual(['.documents.holdfast-copy.json', 'documents']);
});

it('never takes the place of what somebody else put there, nor of a directory made anew', async () => {
  writeFileSync(join(source, 'letters', 'welcome.txt'), 'Welcome.\n');
  rmSync(target, { recursive: true });
  mkdirSync(target);
  writeFileSync(join(target, 'mine'), 'x');
  expect((await failure(copy())).code).toBe('target-exists');
  expect(readdirSync(target)).toEqual(['mine']);
});
