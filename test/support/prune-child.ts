/**
 * A prune in a process of its own, to be killed: `node prune-child.ts DIRECTORY MILLISECONDS SITE…`, the keys of the host on
 * its standard input. Prints a line when it begins.
 */
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { systemClock } from '../../src/base/clock.ts';
import { silent } from '../../src/base/events.ts';
import { type Party, parseParty } from '../../src/crypt/parties.ts';
import { prune } from '../../src/jobs/prune.ts';
import { accessTo } from '../../src/repository/access.ts';
import { RunSites } from '../../src/repository/run-sites.ts';
import { Trust } from '../../src/repository/trust.ts';
import { openDiskSite } from '../../src/sites/disk.ts';

const [directory, now, ...names] = process.argv.slice(2);
const keys = JSON.parse(await text(process.stdin)) as { repository: string; parties: Record<string, string> };
const parties = await Promise.all(Object.values(keys.parties).map((one) => parseParty(one)));
const role = ({ name }: Party) => (name.startsWith('web') ? ('backup' as const) : ('owner' as const));
const trusted = parties.map((party) => {
  const { name, recipient, publicSigningKey } = party;
  return { name, recipient, publicSigningKey, role: role(party) };
});
const clock = { ...systemClock, now: () => Number(now) };
const sites = await Promise.all(names.map((name) => openDiskSite({ name, path: join(directory!, name) })));
const access = accessTo(
  {
    trust: new Trust(keys.repository, trusted),
    host: parties.find(({ name }) => name === 'web1')!,
    identities: [],
    dedupWith: [],
    stateDirectory: join(directory!, 'state-web1'),
    clock,
    emit: silent,
    signal: new AbortController().signal,
  },
  new RunSites(sites, { clock }),
);
process.stdout.write('begun\n');
const keep = { last: 0, daily: 3, weekly: 0, monthly: 0, yearly: 0 };
await prune(access, { sources: [{ name: 'app', keep }], timeZone: 'UTC', dryRun: false });
