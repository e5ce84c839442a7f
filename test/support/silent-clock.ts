import type { Clock } from '../../src/base/clock.ts';

/** A clock on which no time passes: whoever sleeps wakes at once. */
export const silentClock: Clock = { now: () => 0, monotonic: () => 0, sleep: async () => {} };
