import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { type DueJob, runSchedule } from '../../src/schedule/daemon.ts';
import { watchdogInterval } from '../../src/schedule/service-notification.ts';

const at = (text: string) => Date.parse(text);
const minute = 60_000;
const hour = 60 * minute;

/** A clock on which time passes only by sleeping. */
class SleepingClock implements Clock {
  readonly sleeps: number[] = [];
  wall: number;
  /** Jumps of the wall clock, each before the next sleep. */
  readonly jumps: number[] = [];

  constructor(wall: number) {
    this.wall = wall;
  }

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.sleeps.reduce((sum, ms) => sum + ms, 0);
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    this.wall += ms + (this.jumps.shift() ?? 0);
  }
}

interface Daily {
  from: string;
  until: string;
  last?: string;
  jobs?: { name: string; schedule: string }[];
  jumps?: number[];
  /** How long a run takes, and whether it asks for another. */
  takes?: number;
  retry?: (runs: number) => boolean;
}

/** What was run, and when, between two moments. */
async function simulate(daily: Daily): Promise<{ runs: string[]; clock: SleepingClock }> {
  const { from, until, last, jobs = [{ name: 'daily', schedule: '0 4 * * *' }], takes = minute } = daily;
  const clock = new SleepingClock(at(from));
  clock.jumps.push(...(daily.jumps ?? []));
  const over = new AbortController();
  const done = new Map<string, number>();
  if (last !== undefined) for (const { name } of jobs) done.set(name, at(last));
  const runs: string[] = [];
  const stopping: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: async (ms, signal) => {
      await clock.sleep(ms, signal);
      if (clock.wall >= at(until)) over.abort();
    },
  };
  await runSchedule({
    jobs,
    timeZone: 'UTC',
    clock: stopping,
    signal: over.signal,
    lastSlot: async (job) => done.get(job),
    run: async ({ name, slot }: DueJob) => {
      runs.push(
        `${name} ${new Date(slot).toISOString().slice(5, 16)} at ${new Date(clock.wall).toISOString().slice(5, 16)}`,
      );
      clock.wall += takes;
      if (clock.wall >= at(until)) over.abort();
      done.set(name, slot);
      return { retry: daily.retry?.(runs.length) ?? false };
    },
  });
  return { runs, clock };
}

describe('the daemon', () => {
  it('runs a job at its due time, once', async () => {
    const { runs, clock } = await simulate({
      from: '2026-11-24T03:00Z',
      until: '2026-11-26T05:00Z',
      last: '2026-11-23T04:00Z',
    });
    expect(runs).toEqual([
      'daily 11-24T04:00 at 11-24T04:00',
      'daily 11-25T04:00 at 11-25T04:00',
      'daily 11-26T04:00 at 11-26T04:00',
    ]);
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(30_000);
  });

  it('makes up for what was missed while it was down, in one run', async () => {
    const { runs } = await simulate({
      from: '2026-11-24T12:00Z',
      until: '2026-11-24T13:00Z',
      last: '2026-11-19T04:00Z',
    });
    expect(runs).toEqual(['daily 11-24T04:00 at 11-24T12:00']);
  });

  it('a job that never ran is run at the start', async () => {
    const { runs } = await simulate({ from: '2026-11-24T12:00Z', until: '2026-11-24T13:00Z' });
    expect(runs).toEqual(['daily 11-24T04:00 at 11-24T12:00']);
  });

  it('notices that the machine slept, or its clock was set forward', async () => {
    const { runs } = await simulate({
      from: '2026-11-24T02:00Z',
      until: '2026-11-26T13:00Z',
      last: '2026-11-23T04:00Z',
      jumps: [0, 0, 2 * 24 * hour + 10 * hour],
    });
    expect(runs).toEqual(['daily 11-26T04:00 at 11-26T12:01']);
  });

  it('runs nothing twice when the clock is set back', async () => {
    const { runs } = await simulate({
      from: '2026-11-24T03:59Z',
      until: '2026-11-24T06:00Z',
      last: '2026-11-23T04:00Z',
      jumps: [0, 0, -30 * 1000],
    });
    expect(runs).toEqual(['daily 11-24T04:00 at 11-24T04:00']);
  });

  it('does not believe a record from the future', async () => {
    const { runs } = await simulate({
      from: '2026-11-24T12:00Z',
      until: '2026-11-25T05:00Z',
      last: '2099-01-01T04:00Z',
    });
    expect(runs).toEqual(['daily 11-24T04:00 at 11-24T12:00', 'daily 11-25T04:00 at 11-25T04:00']);
  });

  it('never runs two at once, and of a job that takes longer than its period only the latest slot', async () => {
    const jobs = [
      { name: 'hourly', schedule: '0 * * * *' },
      { name: 'daily', schedule: '0 4 * * *' },
    ];
    const { runs } = await simulate({
      from: '2026-11-24T03:30Z',
      until: '2026-11-24T09:00Z',
      last: '2026-11-24T03:00Z',
      jobs,
      takes: 2.5 * hour,
    });
    expect(runs).toEqual(['hourly 11-24T04:00 at 11-24T04:00', 'daily 11-24T04:00 at 11-24T06:30']);
  });

  it('tries again what failed, each time later, and then waits for the next due time', async () => {
    const { runs } = await simulate({
      from: '2026-11-24T03:59Z',
      until: '2026-11-25T04:05Z',
      last: '2026-11-23T04:00Z',
      takes: 0,
      retry: (count) => count <= 4,
    });
    expect(runs).toEqual([
      'daily 11-24T04:00 at 11-24T04:00',
      'daily 11-24T04:00 at 11-24T04:15',
      'daily 11-24T04:00 at 11-24T05:15',
      'daily 11-24T04:00 at 11-24T09:15',
      'daily 11-25T04:00 at 11-25T04:00',
    ]);
  });

  it('a run that leaves no record is not begun again at once', async () => {
    const clock = new SleepingClock(at('2026-11-24T12:00Z'));
    const over = new AbortController();
    let runs = 0;
    await runSchedule({
      jobs: [{ name: 'daily', schedule: '0 4 * * *' }],
      timeZone: 'UTC',
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        sleep: async (ms, signal) => {
          await clock.sleep(ms, signal);
          if (clock.wall > at('2026-11-24T12:10Z')) over.abort();
        },
      },
      signal: over.signal,
      lastSlot: async () => undefined,
      run: async () => {
        runs++;
        return { retry: false };
      },
    });
    expect(runs).toBe(1);
  });

  it('stops while it waits, and when a run is interrupted', async () => {
    const over = new AbortController();
    const clock = new SleepingClock(at('2026-11-24T12:00Z'));
    await runSchedule({
      jobs: [{ name: 'daily', schedule: '0 4 * * *' }],
      timeZone: 'UTC',
      clock,
      signal: over.signal,
      lastSlot: async () => undefined,
      run: async () => {
        over.abort(new Error('told to stop'));
        throw over.signal.reason;
      },
    });
    expect(clock.sleeps).toEqual([]);
  });
});

describe('the watchdog', () => {
  it('is fed twice as often as it asks, and only by the process it watches', () => {
    expect(watchdogInterval({ WATCHDOG_USEC: '30000000' }, 7)).toBe(15_000);
    expect(watchdogInterval({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7)).toBe(15_000);
    expect(watchdogInterval({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, 7)).toBeUndefined();
    expect(watchdogInterval({}, 7)).toBeUndefined();
    expect(watchdogInterval({ WATCHDOG_USEC: 'x' }, 7)).toBeUndefined();
  });
});
