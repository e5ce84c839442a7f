import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silent } from '../../src/base/events.ts';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { scanSource } from '../../src/jobs/pseudonymize/classify.ts';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import type { CopySettings } from '../../src/jobs/pseudonymize/copy-settings.ts';
import { holdSource } from '../../src/jobs/pseudonymize/copy-source.ts';
import { checkLeaks, sketchFor } from '../../src/jobs/pseudonymize/leak-check.ts';
import { rowRewrite } from '../../src/pseudonyms/copy/row-rewrite.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { sketchWatch } from '../../src/pseudonyms/leaks/watch.ts';
import { parseLock } from '../../src/pseudonyms/lock.ts';
import { copyOut } from '../../src/sources/postgres/copy-out.ts';
import { quoteIdentifier, quoteQualified } from '../../src/sources/postgres/quote.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { CopyCells } from '../support/copy-cells.ts';
import { useCluster } from '../support/postgres.ts';

/** The demo database has names, numbers and towns of the ranges that pseudonyms are drawn from, and long running texts. */
const cluster = useCluster();
const secret = Buffer.alloc(32, 7);
const signal = new AbortController().signal;
let connection: ThrowawayConnection;
let directory: string;
let settings: CopySettings;

beforeAll(async () => {
  connection = await cluster.createDatabase('app');
  await fillDemoDatabase(connection, { megabytes: 13, seed: 'leaks' });
  directory = await mkdtemp(join(tmpdir(), 'leaks-'));
  const lockFile = join(directory, 'app.lock.yaml');
  settings = {
    source: 'app',
    connection,
    lockFile,
    sampleRows: 500,
    emit: silent,
    signal,
    key: new PseudonymKey(secret),
    secret,
    target: { admin: { ...connection, database: 'postgres' }, database: 'preprod', replace: true },
    after: [],
    jobs: 2,
    env: process.env,
    clock: systemClock,
  };
  await scanSource(settings, { write: true });
  const text = await readFile(lockFile, 'utf8');
  await writeFile(lockFile, text.replaceAll(/^ *review: needed\n/gm, ''));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

it('a clean copy of the demo database has no finding, and one planted address is found', async () => {
  await copyDatabase(settings);
  await using source = await openSession(connection, { applicationName: 'test', signal });
  const parsed = parseLock(await readFile(settings.lockFile, 'utf8'));
  if ('problems' in parsed) throw new Error('the lock file is damaged');
  const { lock } = parsed;
  const held = await holdSource(source, { lock, env: process.env, clock: systemClock, signal });
  const sketch = sketchFor(held.tables, ({ columns }) => columns.size / 100);
  for (const { planned, transform } of held.tables) {
    const rewriting = rowRewrite(transform, new PseudonymKey(secret), sketchWatch(sketch, transform));
    if (!rewriting) continue;
    const { schema, name } = planned.relation;
    const list = rewriting.positions.map((at) => quoteIdentifier(transform.columns[at]!)).join(', ');
    const cells = new CopyCells({
      columns: rewriting.positions.length,
      encoding: 'utf8',
      take: (batch) => void rewriting.strings(batch),
    });
    await copyOut(source, `COPY (SELECT ${list} FROM ONLY ${quoteQualified(schema, name)}) TO STDOUT`, cells);
  }
  const target = { ...connection, database: 'preprod' };
  const check = () => checkLeaks({ source, target, sketch, lock, tables: held.tables, secret, emit: silent, signal });
  const clean = await check();
  expect(clean.findings).toEqual([]);
  expect(clean.verdict).toBe('pass');
  expect(clean.scanned.rows).toBeGreaterThan(2000);
  expect(clean.frequencies.map(({ table, column }) => `${table}.${column}`)).toContain('app.sessions.user_agent');

  const [person] = await source.query<{ email: string }>('SELECT email::text FROM app.people WHERE id = 5');
  const client = await cluster.client('preprod');
  await client.query(`UPDATE app.documents SET tags = tags || $1::text WHERE id = 3`, [person!.email]);
  const found = await check();
  expect(found.findings).toMatchObject([
    { place: 'column', name: 'app.documents.tags', what: 'identifier', count: 1, originals: ['app.people.email'] },
  ]);
  expect(JSON.stringify(found)).not.toContain(person!.email);
});
