/** The contract again, over a network whose connections break now and then. Nobody above the site may notice. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HostileTcp, seededRandom, startHostileTcp } from '../support/hostile-tcp.ts';
import { openSite, type SiteAddress } from '../support/open-site.ts';
import { type SshServer, startSshd } from '../support/sshd.ts';
import { siteContract } from './site.ts';

let server: SshServer;
let hostile: HostileTcp;
beforeAll(async () => {
  server = await startSshd();
  hostile = await startHostileTcp(server.port);
  const random = seededRandom(2);
  hostile.faults = { loseAnswer: () => random() < 1 / 600, loseRequest: () => random() < 1 / 3000 };
});
afterAll(async () => {
  await hostile?.stop();
  await server?.stop();
});

siteContract('the sftp site, over a bad network,', async () => {
  const { user, identity, fingerprint } = server;
  const path = join(server.directory, 'site');
  mkdirSync(path);
  const address: SiteAddress = {
    ...{ type: 'sftp', name: 'sftp', host: '127.0.0.1', port: hostile.port, user, path, identity },
    ...{ hostKeys: [fingerprint], retry: { firstDelayMs: 2, longestDelayMs: 50, deadlineMs: 30_000 } },
  };
  const reopen = () => openSite(address);
  return { site: await reopen(), address, reopen, dispose: async () => {} };
});

it('has met broken connections', () => expect(hostile.cuts).toBeGreaterThan(10));
