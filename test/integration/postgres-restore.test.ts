import { beforeAll, describe, expect, it } from 'vitest';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { compareDatabase } from '../../src/sources/postgres/compare.ts';
import { restorePostgres } from '../../src/sources/postgres/restore.ts';
import { fillNastyDatabase } from '../support/nasty-database.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';

const cluster = useCluster();

const restore = (backup: MadeBackup, database: string, more = {}) =>
  backup.repository.restore((context) => restorePostgres(context, { admin: cluster.connection, database, ...more }));

const compare = (backup: MadeBackup, database: string) =>
  backup.repository.restore((context) =>
    compareDatabase(context, { connection: { ...cluster.connection, database }, env: process.env }),
  );

describe('a restored database equals its source', () => {
  it('demo', async () => {
    const connection = await cluster.createDatabase('demo');
    await fillDemoDatabase(connection, { seed: 'a', megabytes: 20 });
    const backup = await makeBackup(connection);
    const outcome = await restore(backup, 'demo_copy');
    console.log(outcome);
    const comparison = await compare(backup, 'demo_copy');
    console.log(comparison);
    expect(comparison.checks).toEqual([]);
  });
  it('nasty', async () => {
    const connection = await cluster.createDatabase('nasty');
    const client = await cluster.client('nasty');
    await fillNastyDatabase(client);
    const backup = await makeBackup(connection);
    const outcome = await restore(backup, 'nasty_copy');
    console.log(outcome);
    const comparison = await compare(backup, 'nasty_copy');
    console.log(comparison);
    expect(comparison.checks).toEqual([]);
  });
});
