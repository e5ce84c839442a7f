import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { moments } from '../support/moments.ts';
import { startTestCluster, useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

/** A whole server that goes away at random moments of a backup or a restore. */

/** This one stays: what was made elsewhere is restored here. */
const cluster = useCluster();
const rounds = moments(1);
/** When in a run, of which the first took `whole` milliseconds: spread over it, but for its last end. */
const momentOf = (round: number, whole: number) => (whole * (round + 0.7 * Math.random())) / rounds;

async function fill(connection: PostgresConnection): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(`
    CREATE TABLE big (id int PRIMARY KEY, text text); CREATE INDEX ON big (text);
    INSERT INTO big SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 30000) i;
    CREATE TABLE more AS TABLE big; SELECT lo_from_bytea(0, 'content') FROM generate_series(1, 50) i`);
  await client.end();
}

/** All its processes at once, as when the machine runs out of memory: nobody says goodbye. */
function killAll(postmaster: number, backends: readonly number[]): void {
  for (const pid of [postmaster, ...backends]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It had ended by itself.
    }
  }
}

async function backendsOf(connection: PostgresConnection): Promise<number[]> {
  const client = new pg.Client(connection);
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pid FROM pg_stat_activity');
  return rows.map(({ pid }) => pid);
}

const ways: [string, (postmaster: number, connection: PostgresConnection) => Promise<void>][] = [
  ['killed', async (postmaster, connection) => killAll(postmaster, await backendsOf(connection))],
  ['stopped fast', async (postmaster) => void process.kill(postmaster, 'SIGINT')],
];

/** The outcome, and how long it took after the server began to go. */
async function goneDuring<T>(work: () => Promise<T>, after: number, go: () => Promise<void>) {
  const running = work().catch((error: unknown) => error as Error);
  await sleep(after);
  const begun = performance.now();
  await go();
  const result = await running;
  if (result instanceof Error && !isHoldfastError(result)) throw result;
  return { result, ms: performance.now() - begun };
}

describe.each(ways)('a server that is %s', (_way, go) => {
  it('ends a backup within seconds, or the backup is whole', { timeout: 60_000 + 20_000 * rounds }, async () => {
    let failed = 0;
    let whole = 1_000;
    for (let round = 0; round < rounds; round++) {
      await using server = await startTestCluster();
      await fill(server.connection);
      if (round === 0) {
        const begun = performance.now();
        await makeBackup(server.connection);
        whole = performance.now() - begun;
      }
      const moment = momentOf(round, whole);
      const { result, ms } = await goneDuring(
        () => makeBackup(server.connection),
        moment,
        () => go(server.pid, server.connection),
      );
      expect(ms).toBeLessThan(10_000 + whole);
      if (result instanceof Error) {
        failed++;
        expect(result).toMatchObject({ code: 'source-failed', hint: expect.any(String) });
        continue;
      }
      await restoreBackup(result, cluster.connection, 'from it');
      expect((await compareWith(result, { ...cluster.connection, database: 'from it' })).checks).toEqual([]);
      await (await cluster.client()).query('DROP DATABASE "from it"');
    }
    if (process.env.HOLDFAST_TEST_MOMENTS) console.log(`${failed} of ${rounds} backups failed`);
  });

  it('ends a restore within seconds, and has no half of it under the name', {
    timeout: 60_000 + 20_000 * rounds,
  }, async () => {
    const source = await cluster.createDatabase(`source ${_way}`);
    await fill(source);
    const backup: MadeBackup = await makeBackup(source);
    let failed = 0;
    let whole = 1_000;
    for (let round = 0; round < rounds; round++) {
      await using server = await startTestCluster();
      const restore = (name: string) => restoreBackup(backup, server.connection, name);
      if (round === 0) {
        const begun = performance.now();
        await restore('measured');
        whole = performance.now() - begun;
      }
      const moment = momentOf(round, whole);
      const { result, ms } = await goneDuring(
        () => restore('copy'),
        moment,
        () => go(server.pid, server.connection),
      );
      expect(ms).toBeLessThan(10_000 + whole);
      if (!(result instanceof Error)) continue;
      failed++;
      expect(result).toMatchObject({ code: 'target-failed', hint: expect.any(String) });
    }
    if (process.env.HOLDFAST_TEST_MOMENTS) console.log(`${failed} of ${rounds} restores failed`);
    expect(failed).toBeGreaterThan(0);
  });
});

it('a server that is told to stop when all have gone lets a backup finish', { timeout: 60_000 }, async () => {
  await using server = await startTestCluster();
  await fill(server.connection);
  // A smart stop lets nobody in any more, so a backup that still has sessions to open fails in words.
  const made = await goneDuring(
    () => makeBackup(server.connection),
    200 * Math.random(),
    async () => void process.kill(server.pid, 'SIGTERM'),
  );
  if (made.result instanceof Error) expect(made.result).toMatchObject({ code: 'source-failed' });
  else expect(made.result.of('table').length).toBe(2);
});

it('more connections than the server has are named', async () => {
  await using server = await startTestCluster({ settings: { max_connections: 5, superuser_reserved_connections: 0 } });
  await fill(server.connection);
  const clients = Array.from({ length: 4 }, () => new pg.Client(server.connection));
  await Promise.all(clients.map((client) => client.connect()));
  const error = await makeBackup(server.connection).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'source-failed' });
  expect([error.why, error.hint].join(' ')).toMatch(/too many clients|max_connections/);
  await Promise.all(clients.map((client) => client.end()));
});
