import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { moments } from '../support/moments.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

/** Backends ended, or stopped for a while, at random moments: an error within seconds or the whole thing, never a part of it. */

const cluster = useCluster();
const rounds = moments(2);
/** A few more where chance has missed every time. */
const goesOn = (round: number, hits: number) => round < rounds || (hits === 0 && round < rounds + 6);
/** Milliseconds after its backend was ended within which a run must be over. */
const patience = 10_000;

async function fill(client: pg.Client): Promise<void> {
  await client.query(`
    CREATE SCHEMA app;
    CREATE TABLE app.big (id int PRIMARY KEY, text text); CREATE INDEX ON app.big (text);
    INSERT INTO app.big SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 40000) i;
    CREATE TABLE app.more AS TABLE app.big; CREATE INDEX ON app.more (id);
    CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) FROM app.big;
    CREATE SEQUENCE app.ids; SELECT setval('app.ids', 77);
    SELECT lo_from_bytea(0, decode(repeat(md5(i::text), 40), 'hex')) FROM generate_series(1, 200) i`);
}

/** Ends one of our backends, any of them. @returns whether there was one */
async function endOne(admin: pg.Client): Promise<boolean> {
  const { rowCount } = await admin.query(
    `SELECT pg_terminate_backend(pid) FROM (
       SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'holdfast%' ORDER BY random() LIMIT 1) AS one`,
  );
  return rowCount === 1;
}

/** Runs `work`, and `disturb` at a random moment of it. */
async function disturbed<T>(work: () => Promise<T>, whole: number, disturb: () => Promise<boolean>) {
  const running = work().catch((error: unknown) => error);
  await sleep(whole * Math.random());
  const hit = await disturb();
  const since = performance.now();
  const result = await running;
  expect(performance.now() - since).toBeLessThan(patience + whole);
  if (result instanceof Error) {
    if (!isHoldfastError(result)) throw result;
    expect(['source-failed', 'target-failed']).toContain(result.code);
    expect(result.why ?? result.hint, result.message).toBeTruthy();
  }
  return { result, hit, failed: result instanceof Error };
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const begun = performance.now();
  const result = await work();
  return { result, ms: performance.now() - begun };
}

async function unfinished(admin: pg.Client): Promise<string[]> {
  const { rows } = await admin.query<{ datname: string }>(
    `SELECT datname FROM pg_database WHERE datname ~ '^again' ORDER BY 1`,
  );
  return rows.map(({ datname }) => datname);
}

describe('a backend that is ended', () => {
  it('ends a backup in words, or not at all; then nothing is missing', {
    timeout: 60_000 + 15_000 * rounds,
  }, async () => {
    const connection = await cluster.createDatabase('ended');
    await fill(await cluster.client('ended'));
    const admin = await cluster.client();
    const { ms } = await timed(() => makeBackup(connection));
    let failures = 0;
    let hits = 0;
    for (let round = 0; goesOn(round, hits); round++) {
      const { result, failed, hit } = await disturbed(
        () => makeBackup(connection),
        ms,
        () => endOne(admin),
      );
      if (hit) hits++;
      if (failed) {
        failures++;
        continue;
      }
      await restoreBackup(result as MadeBackup, cluster.connection, 'whole');
      expect((await compareWith(result as MadeBackup, { ...connection, database: 'whole' })).checks).toEqual([]);
      await admin.query('DROP DATABASE whole');
    }
    expect(hits).toBeGreaterThan(0);
    if (process.env.HOLDFAST_TEST_MOMENTS) console.log(`backup: ${hits} ended, ${failures} failed of ${rounds}`);
    expect((await makeBackup(connection)).of('table').length).toBe(2);
    const left = `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'holdfast%'`;
    await expect.poll(async () => (await admin.query(left)).rows, { timeout: 10_000 }).toEqual([]);
  });

  it('ends a restore in words, without a trace under the name; the next one succeeds', {
    timeout: 60_000 + 15_000 * rounds,
  }, async () => {
    const connection = await cluster.createDatabase('ended_restore');
    await fill(await cluster.client('ended_restore'));
    const admin = await cluster.client();
    const backup = await makeBackup(connection);
    const restore = () => restoreBackup(backup, cluster.connection, 'again');
    const { ms } = await timed(restore);
    await admin.query('DROP DATABASE again');
    let failures = 0;
    for (let round = 0; goesOn(round, failures); round++) {
      const { failed } = await disturbed(restore, ms, () => endOne(admin));
      if (failed) {
        failures++;
        // Only what lost its way to the server stays for the next one to drop.
        expect(await unfinished(admin)).not.toContain('again');
      } else {
        expect((await compareWith(backup, { ...connection, database: 'again' })).checks).toEqual([]);
        await admin.query('DROP DATABASE again');
      }
    }
    if (process.env.HOLDFAST_TEST_MOMENTS) console.log(`restore: ${failures} failed of ${rounds}`);
    expect(failures).toBeGreaterThan(0);
    await restore();
    expect(await unfinished(admin)).toEqual(['again']);
    expect((await compareWith(backup, { ...connection, database: 'again' })).checks).toEqual([]);
    await admin.query('DROP DATABASE again');
  });
});

describe('a backend that is stopped for a while', () => {
  it('only delays a backup', { timeout: 60_000 }, async () => {
    const connection = await cluster.createDatabase('stopped');
    await fill(await cluster.client('stopped'));
    const admin = await cluster.client();
    const making = makeBackup(connection);
    let pids: number[] = [];
    await expect
      .poll(
        async () => {
          const { rows } = await admin.query<{ pid: number }>(
            `SELECT pid FROM pg_stat_activity WHERE datname = 'stopped' AND query LIKE '%COPY%' AND pid <> pg_backend_pid()`,
          );
          pids = rows.map(({ pid }) => pid);
          return pids.length;
        },
        { interval: 2, timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await sleep(1_500);
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    const made = await making;
    expect(made.of('table').map(({ stream }) => stream.rows!.rows)).toEqual([40_000, 40_000]);
  });
});

describe('limits set on the role', () => {
  it('do not end a backup', async () => {
    const connection = await cluster.createDatabase('limited');
    await fill(await cluster.client('limited'));
    const admin = await cluster.client();
    await admin.query(`CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET statement_timeout = '1ms';
      ALTER ROLE hasty SET lock_timeout = '1ms'; ALTER ROLE hasty SET idle_in_transaction_session_timeout = '1ms';
      ALTER ROLE hasty SET idle_session_timeout = '3s'; ALTER ROLE hasty SET default_transaction_read_only = on`);
    const hasty = { ...connection, user: 'hasty' };
    const made = await makeBackup(hasty);
    expect(made.of('table').length).toBe(2);
    await restoreBackup(made, { ...hasty, database: 'postgres' }, 'again hasty');
    expect((await compareWith(made, { ...hasty, database: 'again hasty' })).checks).toEqual([]);
    await admin.query('DROP DATABASE "again hasty"');
    await admin.query('DROP ROLE hasty');
  });

  it('of connections are named', async () => {
    const connection = await cluster.createDatabase('crowded');
    await fill(await cluster.client('crowded'));
    const admin = await cluster.client();
    await admin.query(`CREATE ROLE lonely LOGIN CONNECTION LIMIT 2 IN ROLE pg_read_all_data;
      GRANT ALL ON DATABASE crowded TO lonely`);
    await (await cluster.client('crowded')).query(
      `DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP
         EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO lonely', o); END LOOP; END $$`,
    );
    const error = await makeBackup({ ...connection, user: 'lonely' }).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'source-failed' });
    expect([error.why, error.hint].join(' ')).toMatch(/too many connections|max_connections/);
  });
});
