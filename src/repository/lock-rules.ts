import { graceMs } from './parameters.ts';

/** For how long objects are locked by their names: docs/format.md §14. */

const dayMs = 86_400_000;

/** What is neither a snapshot nor needed by one: from each backup on. Milliseconds. */
export const rollingLockMs = 35 * dayMs;
/** Renewed when less than this is left. */
export const rollingLeastMs = 28 * dayMs;
/** Locked so much longer than needed, so that nothing is extended at every backup. */
export const lockSlackMs = 3 * dayMs;

/** `content`: packs, index objects and snapshots, by retention. `rolling`: the rest. Undefined: never locked. */
export type LockClass = 'content' | 'rolling';

const contentDirectories = ['packs', 'index', 'snapshots'];

/** @param name of an object of a repository */
export function lockClassOf(name: string): LockClass | undefined {
  const [root, , directory] = name.split('/');
  if (root === 'probes' || root?.startsWith('.')) return undefined;
  if (root !== 'sources') return 'rolling';
  if (directory === 'leases') return undefined;
  return contentDirectories.includes(directory ?? '') ? 'content' : 'rolling';
}

/** How long from now an object is locked whoever writes it. @param minimumMs see LockTerms */
export function lockMsOf(name: string, minimumMs: number): number | undefined {
  switch (lockClassOf(name)) {
    case 'content':
      return minimumMs + graceMs;
    case 'rolling':
      return rollingLockMs;
    default:
      return undefined;
  }
}
