import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskSite } from '../../src/sites/disk.ts';
import { siteContract } from './site.ts';

siteContract('the disk site', async () => {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
  const reopen = () => openDiskSite({ name: 'disk', path });
  return {
    site: await reopen(),
    address: { type: 'disk', path },
    reopen,
    dispose: async () => rmSync(path, { recursive: true }),
  };
});
