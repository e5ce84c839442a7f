import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster();
const child = new URL('../support/restore-child.ts', import.meta.url).pathname;

/** Restores in a process of its own and kills it `after` milliseconds from its beginning. @returns whether it was done before */
async function killed(connection: object, database: string, after: number): Promise<boolean> {
  const process_ = spawn(process.execPath, [child, JSON.stringify({ connection, database })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  process_.stdout.on('data', (bytes) => {
    said += bytes;
    if (timer === undefined && said.includes('restoring')) timer = setTimeout(() => process_.kill('SIGKILL'), after);
  });
  await once(process_, 'exit');
  clearTimeout(timer);
  expect(said).toContain('restoring');
  return said.includes('restored');
}

it('leaves nothing under the final name at whatever moment it is killed, and the next one succeeds', async () => {
  const connection = await cluster.createDatabase('source');
  const client = await cluster.client('source');
  await client.query(`
    CREATE SCHEMA app;
    CREATE TABLE app.big (id int PRIMARY KEY, text text); CREATE INDEX ON app.big (text);
    INSERT INTO app.big SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 60000) i;
    CREATE TABLE app.more AS TABLE app.big; CREATE INDEX ON app.more (id);
    CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) FROM app.big;
    SELECT lo_from_bytea(0, decode(repeat(md5(i::text), 40), 'hex')) FROM generate_series(1, 300) i`);
  const admin = await cluster.client();
  const names = async () =>
    (await admin.query(`SELECT datname FROM pg_database WHERE datname ~ '^copy' ORDER BY 1`)).rows.map(
      ({ datname }) => datname,
    );

  let interrupted = 0;
  for (let round = 0; round < 8; round++) {
    const done = await killed(connection, 'copy', Math.round(20 + 130 * round * Math.random()));
    if (done) {
      await admin.query('DROP DATABASE copy');
      continue;
    }
    interrupted++;
    expect(await names()).not.toContain('copy');
    // At most what this one left: it has dropped what the one before it left.
    expect((await names()).length).toBeLessThanOrEqual(1);
  }
  expect(interrupted).toBeGreaterThan(2);

  const backup = await makeBackup(connection);
  await restoreBackup(backup, cluster.connection, 'copy');
  expect(await names()).toEqual(['copy']);
  expect((await compareWith(backup, { ...connection, database: 'copy' })).checks).toEqual([]);
}, 180_000);
