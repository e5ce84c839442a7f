import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silent } from '../../src/base/events.ts';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { scanSource } from '../../src/jobs/pseudonymize/classify.ts';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import type { CopySettings } from '../../src/jobs/pseudonymize/copy-settings.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { useCluster } from '../support/postgres.ts';

const cluster = useCluster();
let connection: ThrowawayConnection;
let directory: string;
let lockFile: string;

const settings = (more: Partial<CopySettings> = {}): CopySettings => {
  const secret = Buffer.alloc(32, 7);
  return {
    source: 'app',
    connection,
    lockFile,
    sampleRows: 500,
    emit: silent,
    signal: new AbortController().signal,
    key: new PseudonymKey(secret),
    secret,
    target: { admin: { ...connection, database: 'postgres' }, database: 'preprod', replace: true },
    after: [],
    jobs: 2,
    env: process.env,
    clock: systemClock,
    ...more,
  };
};

beforeAll(async () => {
  connection = await cluster.createDatabase('app');
  await fillDemoDatabase(connection, { megabytes: 12.5, seed: 'copy' });
  directory = await mkdtemp(join(tmpdir(), 'copy-'));
  lockFile = join(directory, 'app.lock.yaml');
  await scanSource(settings(), { write: true });
  const text = await readFile(lockFile, 'utf8');
  await writeFile(lockFile, text.replaceAll(/^ *review: needed\n/gm, ''));
  await writeFile('/tmp/t/app.lock.yaml', text);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe('a copy', () => {
  it('has the rows of the source, rewritten', async () => {
    const report = await copyDatabase(settings());
    console.log(JSON.stringify(report.totals), report.shortfalls);
    expect(report.totals.rows).toBeGreaterThan(100);
  });
});
