import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { defaultRetry, type Retry, type RetrySettings, type Verdict, withRetries } from '../../src/sites/retry.ts';

/** Sleeps at once, and remembers. */
class QuickClock implements Clock {
  time = 1000;
  slept: number[] = [];
  now = () => this.time;
  monotonic = () => this.time;
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    this.time += ms;
  }
}

const again: Verdict = { why: 'busy' };
const settings = (clock: Clock, more: Partial<RetrySettings> = {}): RetrySettings => ({
  ...{ clock, deadlineMs: 10_000, firstDelayMs: 100, longestDelayMs: 2000, random: () => 1 },
  ...more,
});

async function failing(clock: QuickClock, verdict: Verdict, more: Partial<RetrySettings> = {}, times = Infinity) {
  let attempts = 0;
  const judge = () => verdict;
  const outcome = await withRetries(settings(clock, more), { site: 's', what: 'it failed', judge }, async () => {
    clock.time += 10;
    if (++attempts <= times) throw new Error(`attempt ${attempts}`);
    return 'done';
  }).catch((error: Error) => error.message);
  return { attempts, outcome };
}

describe('withRetries', () => {
  it('does it once when that succeeds, or fails for good', async () => {
    const clock = new QuickClock();
    expect(await failing(clock, again, {}, 0)).toEqual({ attempts: 1, outcome: 'done' });
    expect(await failing(clock, 'final')).toEqual({ attempts: 1, outcome: 'attempt 1' });
    expect(clock.slept).toEqual([]);
  });

  it('doubles its pauses up to the longest, until the deadline after the first failure', async () => {
    const clock = new QuickClock();
    const { attempts, outcome } = await failing(clock, again);
    expect(clock.slept).toEqual([100, 200, 400, 800, 1600, 2000, 2000, 2000]);
    expect(outcome).toBe(`attempt ${attempts}`);
    // 9,100 ms of pauses; another would have gone past the deadline.
    expect(attempts).toBe(9);
    expect(await failing(new QuickClock(), again, { deadlineMs: 0 })).toMatchObject({ attempts: 1 });
  });

  it('spreads them between half and all', async () => {
    const clock = new QuickClock();
    await failing(clock, again, { random: () => 0 }, 3);
    expect(clock.slept).toEqual([50, 100, 200]);
    expect(defaultRetry.random).toBe(Math.random);
  });

  it('waits as long as it is asked, or not at all if that is too long', async () => {
    const clock = new QuickClock();
    expect(await failing(clock, { why: 'busy', retryAfterMs: 5000 }, {}, 1)).toMatchObject({ outcome: 'done' });
    expect(clock.slept).toEqual([5000]);
    const late = new QuickClock();
    expect(await failing(late, { why: 'busy', retryAfterMs: 50_000 })).toMatchObject({ attempts: 1 });
    expect(late.slept).toEqual([]);
  });

  it('does not count the time of an attempt that succeeds or is the first', async () => {
    const clock = new QuickClock();
    let attempts = 0;
    const slow = withRetries(settings(clock), { site: 's', what: 'x', judge: () => again }, async () => {
      clock.time += 3_600_000;
      if (++attempts < 2) throw new Error('after an hour');
      return attempts;
    });
    expect(await slow).toBe(2);
  });

  it('tells of each pause, and stops when it is told to', async () => {
    const clock = new QuickClock();
    const retries: Retry[] = [];
    const stop = new AbortController();
    const onRetry = (retry: Retry) => {
      if (retries.push(retry) === 2) stop.abort(new Error('stopped'));
    };
    const attempted = { site: 's', what: 'it failed', judge: () => again, signal: stop.signal };
    const work = async () => {
      throw new Error('again');
    };
    await expect(withRetries(settings(clock, { onRetry }), attempted, work)).rejects.toThrow('stopped');
    expect(retries).toEqual([
      { site: 's', what: 'it failed', failed: 1, delayMs: 100, why: 'busy' },
      { site: 's', what: 'it failed', failed: 2, delayMs: 200, why: 'busy' },
    ]);
  });
});

it('what is heavy is loaded only by the sites that use it', () => {
  const root = join(import.meta.dirname, '../..');
  const heavy = /import\s+(?!type\b)[^;]*?from\s+'(@aws-sdk|@smithy|ssh2|hpagent)/;
  for (const file of globSync('{bin,commands,config,src}/**/*.ts', { cwd: root })) {
    expect(readFileSync(join(root, file), 'utf8'), file).not.toMatch(heavy);
  }
});
