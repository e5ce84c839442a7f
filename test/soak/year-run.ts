/** `npm run soak`: a whole year, on a disk, an S3 server and an SFTP server. Some minutes. Arguments: days, seed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskSite } from '../../src/sites/disk.ts';
import { openS3Site } from '../../src/sites/s3/site.ts';
import { openSftpSite } from '../../src/sites/sftp/site.ts';
import { startCeph } from '../support/ceph.ts';
import { startTestCluster } from '../support/postgres.ts';
import { startSshd } from '../support/sshd.ts';
import { simulateYear } from './year.ts';

const [days = 365, seed = 1] = process.argv.slice(2).map(Number);
const directory = await mkdtemp(join(tmpdir(), 'holdfast-soak-'));
const [ceph, sshd] = [await startCeph(), await startSshd()];
try {
  await using server = await startTestCluster();
  const { endpoint, credentials } = ceph;
  const bucket = await ceph.bucket();
  const path = join(sshd.directory, 'backups');
  const { port, user, identity, fingerprint } = sshd;
  const sites = [
    await openDiskSite({ name: 'disk', path: join(directory, 'disk'), create: true }),
    await openS3Site({ name: 's3', endpoint, bucket, pathStyle: true, credentials }),
    await openSftpSite({
      name: 'sftp',
      host: '127.0.0.1',
      port,
      user,
      path,
      identity,
      hostKeys: [fingerprint],
      create: true,
    }),
  ];
  const started = performance.now();
  // In the middle of the year nothing runs for a month.
  const missing = days >= 365 ? ([150, 180] as const) : undefined;
  const { faults, sources } = await simulateYear({
    days,
    sites,
    connection: server.connection,
    seed,
    ...(missing && { missing }),
    tell: (text) => console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(6)} s  ${text}`),
  });
  console.log(
    `${faults.down} days with a site away, ${faults.killed} killed runs, ${faults.missed} days without a run`,
  );
  for (const { source, made, kept, differences, storedBytes, copiesBytes } of sources) {
    const share = ((100 * storedBytes) / copiesBytes).toFixed(1);
    console.log(`${source}: ${made} made, ${kept} kept; stored ${share} % of a full copy for each`);
    for (const difference of differences) console.log(`  DIFFERENT  ${difference}`);
    if (differences.length > 0) process.exitCode = 1;
  }
  await Promise.all(sites.map((site) => site.close()));
} finally {
  await Promise.allSettled([ceph.stop(), sshd.stop()]);
  await rm(directory, { recursive: true, force: true });
}
