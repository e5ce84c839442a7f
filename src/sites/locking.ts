import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { CreateOptions, LockTerms, Site } from './site.ts';

export interface LockingOptions {
  terms: LockTerms;
  /** For how long an object of this name is locked at least, in milliseconds; undefined: it never is. */
  lockMs: (name: string) => number | undefined;
  clock: Clock;
}

/**
 * A site where everything that is written is locked, whoever writes it and whether or not he asks for it. What is removed
 * goes with all its versions, and stays while one of them is locked.
 *
 * @throws HoldfastError `site-unavailable` when the site cannot lock: it is never written to unlocked
 */
export function lockingSite(site: Site, { terms, lockMs, clock }: LockingOptions): Site {
  const { versions } = site;
  if (!site.capabilities?.objectLock || !versions || !site.retain || !site.lockedUntil) throw cannotLock(site.name);
  const { retain, lockedUntil } = { retain: site.retain.bind(site), lockedUntil: site.lockedUntil.bind(site) };
  const untilOf = (name: string, { retainUntil }: CreateOptions = {}): CreateOptions => {
    const period = lockMs(name);
    if (period === undefined) return {};
    // A date that is past is refused, and says nothing.
    return { retainUntil: Math.max(clock.now() + period, retainUntil ?? 0) };
  };
  return {
    name: site.name,
    capabilities: site.capabilities,
    versions,
    locks: terms,
    async create(name, body, options) {
      const lock = untilOf(name, options);
      const outcome = await site.create(name, body, lock);
      // It keeps the date of whoever was first.
      if (outcome === 'exists' && lock.retainUntil !== undefined) await retain(name, lock.retainUntil);
      return outcome;
    },
    replace: (name, body, options) => site.replace(name, body, untilOf(name, options)),
    read: (name, range) => site.read(name, range),
    stat: (name) => site.stat(name),
    list: (prefix) => site.list(prefix),
    ...(site.directories && { directories: (prefix: string) => site.directories!(prefix) }),
    async remove(name) {
      // Nothing to free: versions of these are left to the rules of the bucket.
      if (lockMs(name) === undefined) return site.remove(name);
      if (((await lockedUntil(name)) ?? 0) > clock.now()) return;
      await versions.removeAll(name);
    },
    retain,
    lockedUntil,
    close: () => site.close(),
  };
}

export function cannotLock(site: string): HoldfastError {
  return new HoldfastError('site-unavailable', `The site "${site}" cannot lock objects.`, {
    why: 'Its bucket was not made with Object Lock, or these credentials may not ask whether it was.',
    hint: 'Make a bucket with Object Lock enabled, and allow s3:GetBucketObjectLockConfiguration.',
  });
}
