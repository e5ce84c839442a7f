/** Trying again, for sites that are reached over a network. */
import type { Clock } from '../base/clock.ts';

export interface RetrySettings {
  clock: Clock;
  /**
   * Milliseconds after the first failure of an operation within which it is tried again; 0 is never. An attempt that
   * is under way is not cut off: how long one may be silent is the business of its connection.
   */
  deadlineMs: number;
  /** About how long the first pause is; each next one is twice as long. */
  firstDelayMs: number;
  longestDelayMs: number;
  /** From 0 up to 1: spreads the pauses, so that clients that failed together do not come back together. */
  random(): number;
  /** Called before each pause. */
  onRetry?(retry: Retry): void;
}

export interface Retry {
  /** Name of the site. */
  site: string;
  /** What is tried, as the beginning of a sentence: `packs/… could not be stored`. */
  what: string;
  /** Attempts that have failed so far. */
  failed: number;
  delayMs: number;
  /** In a few words, without secrets. */
  why: string;
}

/** Everything but the clock. Two minutes outlast a server's restart, and a router's. */
export const defaultRetry: Omit<RetrySettings, 'clock'> = {
  deadlineMs: 120_000,
  firstDelayMs: 200,
  longestDelayMs: 10_000,
  random: Math.random,
};

/** What to make of a failure: `final`, or worth another attempt. */
export type Verdict = 'final' | { why: string; retryAfterMs?: number | undefined };

export interface Attempted {
  site: string;
  what: string;
  judge(error: unknown): Verdict;
  /** Ends the waiting, with its reason. */
  signal?: AbortSignal;
}

/**
 * Runs `work` until it succeeds, fails for good, or the deadline is over; then throws what the last attempt threw.
 *
 * An attempt that fails may have done its work all the same. `work` itself has to see to that.
 */
export async function withRetries<T>(
  settings: RetrySettings,
  { site, what, judge, signal }: Attempted,
  work: () => Promise<T>,
): Promise<T> {
  const { clock } = settings;
  let since: number | undefined;
  for (let failed = 1; ; failed++) {
    try {
      return await work();
    } catch (error) {
      const verdict = judge(error);
      if (verdict === 'final') throw error;
      since ??= clock.monotonic();
      const step = Math.min(settings.longestDelayMs, settings.firstDelayMs * 2 ** Math.min(failed - 1, 30));
      const delayMs = Math.max(step * (0.5 + settings.random() / 2), verdict.retryAfterMs ?? 0);
      if (clock.monotonic() - since + delayMs >= settings.deadlineMs) throw error;
      settings.onRetry?.({ site, what, failed, delayMs, why: verdict.why });
      await clock.sleep(delayMs, signal);
    }
  }
}
