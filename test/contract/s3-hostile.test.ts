/** The contract again, at a server and over a network that fail now and then. Nobody above the site may notice. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CephServer, startCeph } from '../support/ceph.ts';
import { type HostileS3, type S3Fault, startHostileS3 } from '../support/hostile-s3.ts';
import { seededRandom } from '../support/hostile-tcp.ts';
import { openSite, type SiteAddress } from '../support/open-site.ts';
import { siteContract } from './site.ts';

let ceph: CephServer;
let hostile: HostileS3;
const faults: S3Fault[] = [
  { type: 'reset' },
  { type: 'cut-up' },
  { type: 'lose-answer' },
  { type: 'cut-down' },
  { type: 'shorten' },
  { type: 'answer', status: 500, code: 'InternalError' },
  { type: 'answer', status: 503, code: 'SlowDown', headers: { 'retry-after': '0' } },
  { type: 'answer', status: 502 },
  { type: 'answer', status: 409, code: 'ConditionalRequestConflict' },
];
const met = new Map<S3Fault, number>();

beforeAll(async () => {
  ceph = await startCeph();
  hostile = await startHostileS3(ceph);
  const random = seededRandom(1);
  hostile.decide = () => {
    // One request in fifteen.
    const fault = faults[Math.floor(random() * faults.length * 15)];
    if (fault) met.set(fault, (met.get(fault) ?? 0) + 1);
    return fault;
  };
});
afterAll(async () => {
  await hostile?.stop();
  await ceph?.stop();
});

siteContract('the s3 site, at a bad server,', async () => {
  const { credentials } = ceph;
  const bucket = await ceph.bucket();
  const address: SiteAddress = {
    ...{ type: 's3', name: 's3', endpoint: hostile.endpoint, bucket, pathStyle: true, credentials },
    retry: { firstDelayMs: 2, longestDelayMs: 50, deadlineMs: 30_000 },
  };
  const reopen = () => openSite(address);
  return { site: await reopen(), address, reopen, dispose: async () => {} };
});

it('has met every fault', () => {
  for (const fault of faults) expect(met.get(fault) ?? 0, JSON.stringify(fault)).toBeGreaterThan(5);
});
