import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';

/**
 * Waits for one step at a site, and not for ever. Work that goes on after it was given up keeps what it holds; nobody
 * waits for it.
 *
 * @param site its name
 * @throws HoldfastError `site-unavailable` when nothing came of the work in time
 */
export async function inTime<T>(site: string, work: Promise<T>, patienceMs: number, clock: Clock): Promise<T> {
  const over = new AbortController();
  const tooLong = clock.sleep(patienceMs, over.signal).then(() => {
    throw new HoldfastError('site-unavailable', `The site "${site}" does not answer.`, {
      why: `Nothing came of a request within ${Math.round(patienceMs / 1000)} seconds.`,
    });
  });
  tooLong.catch(() => {});
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    over.abort();
  }
}
