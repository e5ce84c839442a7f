/** Some weeks of unattended running; `npm run soak` lives through a whole year, with S3 and SFTP among the sites. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDiskSite } from '../../src/sites/disk.ts';
import { simulateYear } from '../soak/year.ts';
import { useCluster } from '../support/postgres.ts';

const cluster = useCluster();

it('three weeks of faults end with exactly what was promised, on every site', async () => {
  const connection = await cluster.createDatabase('app');
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-weeks-'));
  const names = ['near', 'far', 'away'];
  const sites = await Promise.all(
    names.map((name) => openDiskSite({ name, path: join(directory, name), create: true })),
  );
  const keep = { last: 0, daily: 4, weekly: 0, monthly: 2, yearly: 0 };
  const { faults, sources } = await simulateYear({
    days: 20,
    sites,
    connection,
    seed: 20261124,
    missing: [8, 10],
    keep,
  });
  expect(faults.killed).toBeGreaterThan(0);
  expect(faults.down).toBeGreaterThan(2);
  expect(sources).toMatchObject([
    { source: 'app', kept: 4, differences: [] },
    { source: 'tree', kept: 4, differences: [] },
  ]);
}, 240_000);
