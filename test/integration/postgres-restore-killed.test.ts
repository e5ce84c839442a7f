import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { moments } from '../support/moments.ts';
import { useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster();
const rounds = moments(3);
const child = new URL('../support/restore-child.ts', import.meta.url).pathname;

/**
 * Restores in a process of its own and kills it.
 *
 * @param after milliseconds from its beginning, or what to wait for
 * @returns whether it was done before
 */
async function killed(
  connection: object,
  database: string,
  after: number | ((ended: AbortSignal) => Promise<void>),
  swap = false,
): Promise<boolean> {
  const process_ = spawn(process.execPath, [child, JSON.stringify({ connection, database, swap })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new AbortController();
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  process_.stdout.on('data', (bytes) => {
    said += bytes;
    if (timer !== undefined || !said.includes('restoring')) return;
    const kill = () => process_.kill('SIGKILL');
    timer = setTimeout(kill, typeof after === 'number' ? after : 60_000);
    if (typeof after !== 'number') void after(ended.signal).then(kill);
  });
  await once(process_, 'exit');
  ended.abort();
  clearTimeout(timer);
  expect(said).toContain('restoring');
  return said.includes('restored');
}

it(
  'leaves nothing under the final name at whatever moment it is killed, and the next one succeeds',
  async () => {
    const connection = await cluster.createDatabase('source');
    const client = await cluster.client('source');
    await client.query(`
    CREATE SCHEMA app;
    CREATE TABLE app.big (id int PRIMARY KEY, text text); CREATE INDEX ON app.big (text);
    INSERT INTO app.big SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 30000) i;
    CREATE TABLE app.more AS TABLE app.big; CREATE INDEX ON app.more (id);
    CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) FROM app.big;
    SELECT lo_from_bytea(0, decode(repeat(md5(i::text), 40), 'hex')) FROM generate_series(1, 300) i`);
    const admin = await cluster.client();
    const names = async () =>
      (await admin.query(`SELECT datname FROM pg_database WHERE datname ~ '^copy' ORDER BY 1`)).rows.map(
        ({ datname }) => datname,
      );

    const begun = performance.now();
    await restoreBackup(await makeBackup(connection), cluster.connection, 'copy');
    // What the backup took of it stands for the lanes that a process of its own has to start.
    const whole = performance.now() - begun;
    await admin.query('DROP DATABASE copy');
    let interrupted = 0;
    for (let round = 0; round < rounds; round++) {
      const done = await killed(connection, 'copy', Math.round((whole * (round + Math.random())) / rounds));
      if (done) {
        await admin.query('DROP DATABASE copy');
        continue;
      }
      interrupted++;
      expect(await names()).not.toContain('copy');
      // At most what this one left: it has dropped what the one before it left.
      expect((await names()).length).toBeLessThanOrEqual(1);
    }
    if (process.env.HOLDFAST_TEST_MOMENTS) console.log(`${interrupted} of ${rounds} restores were killed`);
    expect(interrupted).toBeGreaterThan(0);

    const backup = await makeBackup(connection);
    await restoreBackup(backup, cluster.connection, 'copy');
    expect(await names()).toEqual(['copy']);
    expect((await compareWith(backup, { ...connection, database: 'copy' })).checks).toEqual([]);
  },
  60_000 + 20_000 * rounds,
);

it('of a swap the name belongs to the old or the new database at whatever moment it is killed', async () => {
  const connection = await cluster.createDatabase('new one');
  const run = async (database: string, sql: string) => {
    const client = await cluster.client(database);
    const { rows } = await client.query(sql);
    await client.end();
    return rows;
  };
  await run(
    'new one',
    `CREATE TABLE t (i int PRIMARY KEY, what text); INSERT INTO t SELECT i, 'new' FROM generate_series(1, 3000) i`,
  );
  await cluster.createDatabase('live');
  await run('live', `CREATE TABLE t (i int PRIMARY KEY, what text); INSERT INTO t VALUES (0, 'old')`);
  const admin = await cluster.client();
  const there = async () =>
    (
      await admin.query<{ name: string; open: boolean }>(
        `SELECT datname AS name, datallowconn AS open FROM pg_database WHERE datname ~ '^live' ORDER BY 1`,
      )
    ).rows;
  const said = async (database: string) =>
    (await run(database, 'SELECT what, count(*)::int AS n FROM t GROUP BY 1'))[0] as { what: string; n: number };
  const undo = async (keptAs: string) => {
    await admin.query('DROP DATABASE live WITH (FORCE)');
    await admin.query(`ALTER DATABASE "${keptAs}" RENAME TO live`);
  };

  const watcher = await cluster.client();
  /** Resolves when there is such a row. */
  const seen = async (sql: string, ended: AbortSignal) => {
    while (!ended.aborted && (await watcher.query(sql)).rowCount === 0);
  };
  const at = (pattern: string) => (ended: AbortSignal) =>
    seen(`SELECT FROM pg_stat_activity WHERE application_name = 'holdfast restore' AND query ~ '${pattern}'`, ended);
  const held = async (ended: AbortSignal) => {
    await seen(`SELECT FROM pg_database WHERE datname ~ '^live_holdfast' AND datallowconn`, ended);
    // The transaction of the renames gives comments, too, and waits for this.
    await admin.query('BEGIN; LOCK TABLE pg_shdescription IN SHARE MODE');
    await at('^COMMENT ON DATABASE')(ended);
  };
  const swapMoments = [
    ...(process.env.HOLDFAST_TEST_MOMENTS ? [300, 600] : []),
    held,
    at('^SELECT pg_catalog.pg_terminate_backend'),
    at('^ALTER DATABASE "live" RENAME'),
    at('RENAME TO "live"$'),
    at('^COMMIT'),
  ];
  let swapped = 0;
  let interrupted = 0;
  for (const moment of swapMoments) {
    // Someone is always connected, so that the rename has to wait.
    const inside = await cluster.client('live');
    inside.on('error', () => {});
    const done = await killed(connection, 'live', moment, true);
    await admin.query('ROLLBACK');
    if (!done) interrupted++;
    // A transaction that was sent may still be at work.
    await expect
      .poll(
        async () =>
          (await admin.query(`SELECT FROM pg_stat_activity WHERE application_name = 'holdfast restore'`)).rowCount,
        { timeout: 20_000 },
      )
      .toBe(0);
    const databases = await there();
    const kept = databases.find(({ name }) => name.includes('_before_'));
    expect(databases.find(({ name }) => name === 'live')).toEqual({ name: 'live', open: true });
    if (kept === undefined) expect(await said('live')).toEqual({ what: 'old', n: 1 });
    else {
      swapped++;
      expect(kept.open).toBe(true);
      expect(await said('live')).toEqual({ what: 'new', n: 3000 });
      expect(await said(kept.name)).toEqual({ what: 'old', n: 1 });
      await undo(kept.name);
    }
    await inside.end().catch(() => {});
  }
  expect(interrupted).toBeGreaterThan(2);
  expect(swapped).toBeLessThan(swapMoments.length);
  // The next one gets through, and leaves nothing behind.
  expect(await killed(connection, 'live', 60_000, true)).toBe(true);
  expect((await there()).map(({ name }) => name.replace(/\d{8}T\d{6}Z/, 'T'))).toEqual(['live', 'live_before_T']);
}, 240_000);
