import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { inTime } from './in-time.ts';
import type { Site } from './site.ts';

/**
 * A site that is given up when one request takes too long: for those who would rather know less than wait. What was begun
 * goes on behind their back, so it is for reading only.
 *
 * @param patienceMs for each request, and for each further object of a listing
 */
export function impatient(site: Site, patienceMs: number, clock: Clock): Site {
  const bounded = <T>(work: Promise<T>) => inTime(site.name, work, patienceMs, clock);
  const refuse = () => Promise.reject(new HoldfastError('internal', 'An impatient site was to be written to.'));
  return {
    name: site.name,
    ...(site.capabilities && { capabilities: site.capabilities }),
    create: refuse,
    replace: refuse,
    remove: refuse,
    read: (name, range) => bounded(site.read(name, range)),
    stat: (name) => bounded(site.stat(name)),
    async *list(prefix) {
      const objects = site.list(prefix)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await bounded(objects.next());
        if (done) return;
        yield value;
      }
    },
    ...(site.directories && { directories: (prefix: string) => bounded(site.directories!(prefix)) }),
    close: () => site.close(),
  };
}
