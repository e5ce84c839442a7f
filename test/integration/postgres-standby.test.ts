import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSession } from '../../src/sources/postgres/session.ts';
import { startThrowaway, type Throwaway } from '../../src/sources/postgres/throwaway.ts';
import { unprivilegedAccount } from '../../src/sources/postgres/unprivileged.ts';
import { MemoryRepository } from '../support/memory-repository.ts';
import { clusterDirectory, clusterParent, useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';

const replicating = { wal_level: 'replica', max_wal_senders: 4, hot_standby: 'on' };
const primary = useCluster({ settings: replicating });
let base: string;
let standby: Throwaway;
let writer: pg.Client;

/** A copy of the primary that follows it. */
async function startStandby(settings: Record<string, string | number>): Promise<Throwaway> {
  return startThrowaway({
    directory: clusterDirectory(),
    environment: process.env,
    template: join(base, 'data'),
    settings: { ...replicating, ...settings },
  });
}

beforeAll(async () => {
  const { connection, throwaway } = primary;
  writer = await primary.client();
  await writer.query(`CREATE TABLE t AS SELECT i, md5(i::text) AS v FROM generate_series(1, 5000) i;
    CREATE UNLOGGED TABLE scratch AS SELECT 1 AS a;
    CREATE TABLE big AS SELECT i, repeat(md5(i::text), 10) AS v FROM generate_series(1, 150000) i`);
  base = mkdtempSync(join(clusterParent, 'base-'));
  const account = await unprivilegedAccount();
  const data = join(base, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (account) for (const path of [base, data]) chownSync(path, account.uid, account.gid);
  const made = spawnSync(
    join(throwaway.binaries.directory, 'pg_basebackup'),
    [
      '-D',
      data,
      '-R',
      '-c',
      'fast',
      '-X',
      'stream',
      '-h',
      connection.host,
      '-p',
      String(connection.port),
      '-U',
      'postgres',
    ],
    { ...account, cwd: '/', encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  standby = await startStandby({ max_standby_streaming_delay: 0 });
}, 60_000);

afterAll(async () => {
  await standby?.remove();
  if (base) rmSync(base, { recursive: true, force: true });
});

async function caughtUp(): Promise<void> {
  const { rows } = await writer.query('SELECT pg_current_wal_lsn() AS lsn');
  await using session = await openSession(standby.connection, { applicationName: 'test' });
  const behind = `SELECT FROM (SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done) d WHERE done`;
  await expect
    .poll(async () => (await session.query(behind, [rows[0].lsn])).length, { interval: 10, timeout: 20_000 })
    .toBe(1);
}

describe('a backup from a standby', () => {
  it('has the rows of the primary, and names unlogged tables as missing', async () => {
    await caughtUp();
    const repository = await MemoryRepository.open();
    const fromStandby = await makeBackup(standby.connection, {}, { repository });
    const fromPrimary = await makeBackup(primary.connection, {}, { repository });
    for (const name of ['t', 'big']) {
      expect(fromStandby.table('public', name)!.stream).toEqual(fromPrimary.table('public', name)!.stream);
    }
    expect(fromStandby.outcome.shortfalls).toEqual([
      { object: 'public.scratch', reason: 'It is unlogged, and a standby holds nothing of it.', degrades: true },
    ]);
    expect(fromPrimary.outcome.shortfalls).toEqual([]);
    const said = repository.events.filter(({ type }) => type === 'note' || type === 'warning');
    expect(said).toContainEqual({ type: 'note', source: 'test', text: 'The server is a standby.' });
    expect(said).toContainEqual({
      type: 'warning',
      source: 'test',
      text: 'The standby cancels what reads longer than 0 s when the primary removes old rows.',
      hint: expect.stringContaining('hot_standby_feedback'),
    });
  });

  it('that recovery cancels says so, with what to set', async () => {
    await caughtUp();
    const making = makeBackup(standby.connection, {}, { lanes: 1 }).then(
      () => 'no error',
      (error) => error,
    );
    await using session = await openSession(standby.connection, { applicationName: 'watch' });
    const copying = `SELECT FROM pg_stat_activity WHERE query LIKE '%COPY%big%' AND pid <> pg_backend_pid()`;
    await expect
      .poll(async () => (await session.query(copying)).length, { interval: 2, timeout: 20_000 })
      .toBeGreaterThan(0);
    // Whoever reads the table stands against its removal.
    await writer.query('DROP TABLE big');
    const error = await making;
    expect(error).toMatchObject({
      code: 'source-failed',
      why: expect.stringContaining('Recovery cancelled it'),
      hint: expect.stringContaining('max_standby_streaming_delay'),
    });
  });
});

it('a standby that takes no sessions counts as started', async () => {
  await using closed = await startStandby({ hot_standby: 'off' });
  await expect(openSession(closed.connection, { applicationName: 'test' })).rejects.toMatchObject({
    code: 'source-failed',
  });
}, 30_000);
