import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { copyOut } from '../../src/sources/postgres/copy-out.ts';
import { readLargeObjects } from '../../src/sources/postgres/large-objects.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

/** What must not become slower by a factor; test/soak/postgres-scale.ts has the same at full size. */

const cluster = useCluster();
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

/** Milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

it('reads and hashes large objects in at most three times what one COPY of them takes', async () => {
  const connection = await cluster.createDatabase('objects');
  const client = await cluster.client('objects');
  for (let i = 0; i < 300; i++) await client.query('SELECT lo_from_bytea(0, $1)', [randomBytes(100_000)]);
  await using session = await openSession(connection, { applicationName: 'test' });
  const buffer = Buffer.allocUnsafeSlow(256 * 1024);
  const nothing = { space: () => buffer, filled: async () => {} };
  // Written out once more, so that a slower statement of the program's own is noticed.
  const copy = 'COPY (SELECT oid, lo_get(oid) FROM pg_largeobject_metadata) TO STDOUT (FORMAT binary)';
  const alone: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < 7; round++) {
    alone.push(await timed(() => copyOut(session, copy, nothing)));
    ours.push(await timed(() => readLargeObjects(session)));
  }
  expect(median(ours) / median(alone)).toBeLessThan(3);
});

it('carries hundreds of tables', async () => {
  const connection = await cluster.createDatabase('tables');
  const client = await cluster.client('tables');
  const statements = Array.from(
    { length: 300 },
    (_, n) => `CREATE TABLE t${n} (id int PRIMARY KEY, v text);
      INSERT INTO t${n} SELECT i, md5(i::text) FROM generate_series(1, ${n % 40}) i`,
  );
  await client.query(statements.join(';'));
  const made = await makeBackup(connection);
  expect(made.outcome.totals).toMatchObject({ tables: 300, rows: 5650 });
  await restoreBackup(made, cluster.connection, 'copy');
  expect((await compareWith(made, { ...connection, database: 'copy' })).checks).toEqual([]);
});
