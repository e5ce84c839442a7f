/** The only module that asks what time it is, so that tests and simulations can set it. */
export interface Clock {
  /** Wall clock, in milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds on a clock that never goes back; its zero means nothing. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds of the monotonic clock; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const aborted = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      }, ms);
      signal?.addEventListener('abort', aborted, { once: true });
    }),
};

/** ISO 8601 in UTC with milliseconds, the one form in which times are stored. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
