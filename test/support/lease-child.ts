/**
 * A process that takes a lease on a site and holds it: `node lease-child.ts '<settings as JSON>'`. Prints its number.
 * `keep: false` takes it and does nothing more, not even release it.
 */
import { systemClock } from '../../src/base/clock.ts';
import { takeLease } from '../../src/repository/lease.ts';
import { isAlive, thisProcess } from '../../src/repository/lease-holder.ts';
import { openSite, type SiteAddress } from './open-site.ts';

const { address, keep, ttlMs } = JSON.parse(process.argv[2]!) as { address: SiteAddress; keep: boolean; ttlMs: number };
const lease = await takeLease({
  site: await openSite(address),
  source: 's1',
  prefix: 'sources/s1/leases/',
  holder: thisProcess('child'),
  ttlMs,
  clock: systemClock,
  sign: (payload) => Buffer.from(JSON.stringify(payload)),
  verify: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  isAlive,
  what: 'backup',
});
console.log(lease.number);
// A server or a timer is what keeps a real run alive; the heartbeat alone must not.
if (keep) setInterval(() => {}, 1000);
