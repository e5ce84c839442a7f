/** Scratches in trouble: a disk that fills during the restore, and what is left on a server that somebody runs. */
import { chmodSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { machineOf } from '../../src/jobs/verify/scratch-server.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { useCluster } from '../support/postgres.ts';
import { RepositoryFixture } from '../support/repository-fixture.ts';
import { mountSmallDisk, unmount } from '../support/small-disk.ts';
import { backUp, expectGreen, ownerAccess, prove } from '../support/verify-proof.ts';

const cluster = useCluster();
const other = useCluster();
const fixture = new RepositoryFixture();
const disk = join(fixture.directory, 'small-disk');
let access: RepositoryAccess;

beforeAll(async () => {
  chmodSync(fixture.directory, 0o711);
  const connection = await cluster.createDatabase('stock');
  const client = await cluster.client('stock');
  await client.query(`
    CREATE ROLE stock_keeper;
    CREATE TABLE items (id int PRIMARY KEY, text text);
    INSERT INTO items SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 60000) i;
    ALTER TABLE items OWNER TO stock_keeper`);
  await fixture.init();
  await backUp(await fixture.access(), { type: 'postgres', name: 'stock', connection, excludeTables: [] });
  access = await ownerAccess(fixture);
  mountSmallDisk(disk, 400);
  chmodSync(disk, 0o711);
});
afterAll(() => {
  unmount(disk);
  rmSync(fixture.directory, { recursive: true, force: true });
});

const at = (directory: string) => ({ source: 'stock', type: 'postgres' as const, directory });

it('a disk that fills during the restore leaves the verdict open, and nothing behind', async () => {
  const filler = join(disk, 'somebody-else');
  const proof = await prove(access, at(disk), {
    hooks: {
      restore: async (standard) => {
        const { bavail, bsize } = statfsSync(disk);
        writeFileSync(filler, Buffer.alloc(bavail * bsize - 6 * 1024 * 1024));
        return standard();
      },
    },
  });
  expect(proof.verdict).toBe('could-not-verify');
  const restore = proof.checks.find(({ id }) => id === 'restore')!;
  expect(restore.verdict).toBe('could-not-verify');
  expect(restore.why).toMatch(/space|53100/i);
  // What depends on it counts as not looked at, never as passed.
  const dependent = new Set(['schema', 'tables', 'sequences', 'constraints-and-indexes']);
  const verdicts = proof.checks.filter(({ id }) => dependent.has(id)).map(({ id, verdict }) => [id, verdict]);
  expect(verdicts).toEqual([...dependent].map((id) => [id, 'could-not-verify']));
  expect(readdirSync(disk)).toEqual(['somebody-else']);
  rmSync(filler);
  expectGreen(await prove(access, at(disk)));
  expect(readdirSync(disk)).toEqual([]);
});

it('on a server of somebody, databases and roles of a proof go, also those of a killed one; others stay', async () => {
  const client = await other.client();
  const names = async () =>
    (await client.query(`SELECT datname FROM pg_database WHERE datname ~ '^holdfast' ORDER BY 1`)).rows.map(
      ({ datname }) => datname as string,
    );
  const dead = (machine: string) => `holdfast_verify_${machine}_${(4_000_000).toString(36)}_1_abc`;
  const others = dead(machineOf() === '000000' ? '111111' : '000000');
  await client.query(`CREATE DATABASE ${dead(machineOf())}`);
  await client.query(`CREATE DATABASE ${others}`);
  await client.query('CREATE DATABASE holdfast_kept_by_a_person');
  const proof = await prove(access, at(disk), {
    request: { scratch: { kind: 'server', directory: disk, admin: other.connection } },
  });
  expect(proof.verdict).toBe('pass');
  expect(await names()).toEqual(['holdfast_kept_by_a_person', others].sort());
  expect((await client.query(`SELECT FROM pg_roles WHERE rolname = 'stock_keeper'`)).rowCount).toBe(0);
});
