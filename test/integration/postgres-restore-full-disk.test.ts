import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import { startThrowaway, type Throwaway } from '../../src/sources/postgres/throwaway.ts';
import { clusterDirectory, startTestCluster, useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';
import { mountSmallDisk, unmount } from '../support/small-disk.ts';

/** A restore whose server runs out of disk: on small file systems of their own, which only root can mount. */

const cluster = useCluster();
const mounted: string[] = [];

afterAll(() => {
  for (const path of mounted) unmount(path);
});

function mountSmall(path: string, megabytes: number): void {
  mountSmallDisk(path, megabytes);
  mounted.push(path);
}

function makeRoom(path: string): void {
  execFileSync('mount', ['-o', 'remount,size=1g', path]);
}

async function removeDisk(path: string): Promise<void> {
  execFileSync('umount', [path]);
  mounted.splice(mounted.indexOf(path), 1);
  await rm(path, { recursive: true, force: true });
}

/** Rows of some 30 MB, an index of 20, large objects of 6. */
async function madeIn(database: string, tablespace = 'pg_default'): Promise<MadeBackup> {
  const connection = await cluster.createDatabase(database);
  const client = await cluster.client(database);
  await client.query(`SET default_tablespace = ${tablespace};
    CREATE TABLE big (id int PRIMARY KEY, text text);
    INSERT INTO big SELECT i, repeat(md5(i::text), 6) FROM generate_series(1, 120000) i; CREATE INDEX ON big (text);
    SELECT lo_from_bytea(0, decode(string_agg(md5(i::text || j), ''), 'hex'))
      FROM generate_series(1, 10) j, generate_series(1, 40000) i GROUP BY j`);
  return makeBackup(connection);
}

async function databases(connection: pg.ClientConfig): Promise<string[]> {
  const client = new pg.Client(connection);
  await client.connect();
  const { rows } = await client.query(`SELECT datname FROM pg_database WHERE datname ~ '^copy' ORDER BY 1`);
  await client.end();
  return rows.map(({ datname }) => datname);
}

/** Tries while there is no room, then again with it. */
async function expectRecovery(server: Throwaway, backup: MadeBackup, path: string): Promise<void> {
  const { connection } = server;
  for (let times = 0; times < 2; times++) {
    await expect(restoreBackup(backup, connection, 'copy')).rejects.toMatchObject({
      code: 'target-failed',
      why: expect.stringMatching(/No space left on device/),
      hint: expect.stringMatching(/^Free space/),
    });
    expect(await databases(connection)).toEqual([]);
  }
  makeRoom(path);
  await restoreBackup(backup, connection, 'copy');
  expect(await databases(connection)).toEqual(['copy']);
  expect((await compareWith(backup, { ...connection, database: 'copy' })).checks).toEqual([]);
}

it('a data directory', async () => {
  const backup = await madeIn('whole');
  const directory = clusterDirectory();
  // Enough for the server and its log: when that is full, the server itself goes down.
  mountSmall(directory, 120);
  const server = await startThrowaway({ directory, environment: process.env });
  try {
    await expectRecovery(server, backup, directory);
  } finally {
    await server.stop();
    await removeDisk(directory);
    await server.remove();
  }
});

it('a tablespace', async () => {
  const home = await mkdtemp(join(tmpdir(), 'holdfast-tablespace-'));
  await chmod(home, 0o755);
  await using server = await startTestCluster();
  const small = join(home, 'small');
  mountSmall(small, 24);
  const places = { source: join(home, 'large'), target: join(small, 'space') };
  for (const [place, { directory }] of [
    [places.source, cluster.throwaway],
    [places.target, server],
  ] as const) {
    await mkdir(place, { mode: 0o700 });
    const { uid, gid } = await stat(join(directory, 'data'));
    await chown(place, uid, gid);
  }
  const client = await cluster.client();
  await client.query(`CREATE TABLESPACE roomy LOCATION '${places.source}'`);
  const there = new pg.Client(server.connection);
  await there.connect();
  await there.query(`CREATE TABLESPACE roomy LOCATION '${places.target}'`);
  await there.end();
  try {
    await expectRecovery(server, await madeIn('elsewhere', 'roomy'), small);
  } finally {
    await server.stop();
    await removeDisk(small);
  }
});
