import { afterAll, beforeAll } from 'vitest';
import { type CephServer, startCeph } from '../support/ceph.ts';
import { openSite, type SiteAddress } from '../support/open-site.ts';
import { siteContract } from './site.ts';

let ceph: CephServer;
beforeAll(async () => {
  ceph = await startCeph();
});
afterAll(() => ceph?.stop());

siteContract('the s3 site', async () => {
  const { endpoint, credentials } = ceph;
  const bucket = await ceph.bucket();
  const address: SiteAddress = {
    ...{ type: 's3', name: 's3', endpoint, bucket, prefix: 'backups/example', pathStyle: true, credentials },
  };
  const reopen = () => openSite(address);
  return { site: await reopen(), address, reopen, dispose: async () => {} };
});
