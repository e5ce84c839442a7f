import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { VerifyReport } from '../../src/jobs/verify/report.ts';
import { useCluster } from '../support/postgres.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

/** What the configuration asks of a proof, through the real program. */

// Each is a full restore in a cluster of its own.
vi.setConfig({ testTimeout: 180_000 });
const cluster = useCluster();
/** In every row and name of a file, so that any output that quotes one is found. */
const mark = 'Zu9Quarz';
let setup: WorkingSetup;
let scratch: string;

beforeAll(async () => {
  const connection = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  await client.query(`
    CREATE TABLE people (id int PRIMARY KEY, name text, at timestamptz DEFAULT now());
    INSERT INTO people SELECT i, '${mark}' || i FROM generate_series(1, 300) i;
    CREATE TABLE files (path text, sha256 text, person int REFERENCES people);
    INSERT INTO files VALUES ('${mark}.txt', '${sha256('kept')}', 1), ('${mark}2.txt', NULL, 2);
    CREATE TABLE large AS SELECT i, repeat('${mark}', 10) AS text FROM generate_series(1, 3000) i;
    CREATE TABLE other AS TABLE large`);
  setup = await workingSetup(connection);
  scratch = `${setup.directory}-scratch`;
  writeFileSync(join(setup.tree, `${mark}.txt`), 'kept');
  writeFileSync(join(setup.tree, `${mark}2.txt`), 'too');
  await setup.json(['backup']);
});
afterAll(() => {
  for (const path of [setup.directory, scratch]) rmSync(path, { recursive: true, force: true });
});

async function verify(checks: object, args: string[], status: number): Promise<VerifyReport['proofs'][number]> {
  const config = parse(readFileSync(join(setup.directory, 'holdfast.yaml'), 'utf8'));
  const file = join(setup.directory, 'checks.yaml');
  writeFileSync(file, stringify({ ...config, verify: checks }));
  const outcome = await setup.asOwner('--json', '-v', '-c', file, 'verify', '--scratch-dir', scratch, ...args);
  expect(outcome.status, outcome.stderr + outcome.stdout).toBe(status);
  expect(outcome.stdout + outcome.stderr).not.toContain(mark);
  return (JSON.parse(outcome.stdout) as VerifyReport).proofs[0]!;
}

const assertion = (name: string, sql: string, expected: unknown) => ({ name, source: 'app', sql, expect: expected });
const reference = { source: 'app', from: 'public.files.path', hash: 'sha256', files: 'documents' };

it('checks of the configuration are made, and pass', async () => {
  writeFileSync(join(setup.directory, 'canary'), `${mark}7`, { mode: 0o600 });
  const canary = { table: 'public.people', column: 'name', value: { file: 'canary' } };
  const { checks, verdict, objectives } = await verify(
    {
      amcheck: 'full',
      foreignKeys: 'all',
      objectives: { restoreTime: '1h', dataAge: '1h', sources: { app: { restoreTime: '2h' } } },
      assertions: [
        { ...assertion('people', 'SELECT count(*) FROM public.people', { min: 1 }), show: true },
        { name: 'canary', source: 'app', canary },
        { name: 'fresh', source: 'app', freshness: { table: 'public.people', column: 'at', within: '1h' } },
      ],
      references: [reference],
    },
    ['app'],
    0,
  );
  expect(checks.filter((check) => check.verdict !== 'pass')).toEqual([]);
  expect(verdict).toBe('pass');
  expect(objectives).toEqual({ restoreTimeMs: 7_200_000, dataAgeMs: 3_600_000 });
  const found = Object.fromEntries(checks.map(({ id, figures }) => [id, figures]));
  expect(found).toMatchObject({
    'constraints-and-indexes': { foreignKeysExamined: 1, violatingRows: 0 },
    amcheck: { reports: 0 },
    'assertion:people': { value: 300 },
    'assertion:canary': {},
    'assertion:fresh': {},
    'references:documents': { rows: 2, missing: 0, withoutHash: 1 },
    'restore-time': { objectiveMs: 7_200_000 },
    'data-age': { objectiveMs: 3_600_000 },
  });
});

it('--sample compares a part, and says so; the same part again with the same seed, beside checks that fail without a quoted row', async () => {
  const first = await verify({ amcheck: 'off' }, ['app', '--sample', '40%'], 0);
  const seed = expect.stringMatching(/^[0-9a-f]{16}$/);
  expect(first).toMatchObject({ verdict: 'sampled', sample: { share: 0.4, seed } });
  expect(first.contents.length).toBeGreaterThan(0);
  expect(first.contents.length).toBeLessThan(4);

  // A tree that is never backed up: what is asked of it could not be examined.
  const config = parse(readFileSync(join(setup.directory, 'holdfast.yaml'), 'utf8'));
  const more = { name: 'never', type: 'files', path: 'tree' };
  writeFileSync(join(setup.directory, 'holdfast.yaml'), stringify({ ...config, sources: [...config.sources, more] }));
  const { checks, verdict, contents } = await verify(
    {
      amcheck: 'off',
      sample: 0.4,
      objectives: { dataAge: '1s' },
      assertions: [
        assertion('none', 'SELECT id FROM public.people WHERE id < 0', 1),
        assertion('other', 'SELECT name FROM public.people WHERE id = 1', 'x'),
        { ...assertion('slow', 'SELECT pg_sleep(60)', 1), timeout: '1s' },
      ],
      references: [
        { ...reference, prepend: 'elsewhere' },
        { ...reference, files: 'never' },
      ],
    },
    ['app', '--seed', first.sample!.seed],
    4,
  );
  expect(contents).toEqual(first.contents);
  expect(verdict).toBe('fail');
  const verdicts = Object.fromEntries(checks.map((check) => [check.id, check.verdict]));
  expect(verdicts).toMatchObject({
    tables: 'sampled',
    'constraints-and-indexes': 'pass',
    'assertion:none': 'fail',
    'assertion:other': 'fail',
    'assertion:slow': 'could-not-verify',
    'references:documents': 'fail',
    'references:never': 'could-not-verify',
    'data-age': 'fail',
  });
  expect(verdicts).not.toHaveProperty('amcheck');
});
