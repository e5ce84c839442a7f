import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openSite, type SiteAddress } from '../support/open-site.ts';
import { type SshServer, startSshd } from '../support/sshd.ts';
import { siteContract } from './site.ts';

let server: SshServer;
beforeAll(async () => {
  server = await startSshd();
});
afterAll(() => server?.stop());

siteContract('the sftp site', async () => {
  const { port, user, identity, fingerprint } = server;
  const path = join(server.directory, 'site');
  mkdirSync(path);
  const address: SiteAddress = {
    ...{ type: 'sftp', name: 'sftp', host: '127.0.0.1', port, user, path, identity, hostKeys: [fingerprint] },
  };
  const reopen = () => openSite(address);
  return { site: await reopen(), address, reopen, dispose: async () => {} };
});
