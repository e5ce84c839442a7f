/**
 * Runs jobs when they are due, one at a time. It looks at the clock on the wall again and again instead of trusting one
 * long timer, so that a machine that slept, or whose clock was set, finds out within half a minute.
 */
import type { Clock } from '../base/clock.ts';
import { type DueTimes, dueTimes } from './slots.ts';

export interface DueJob {
  name: string;
  /** Milliseconds since 1970. */
  slot: number;
}

export interface DaemonSettings {
  jobs: readonly { name: string; schedule: string }[];
  timeZone: string;
  clock: Clock;
  /** Ends the waiting at once; a run is expected to end by it too. */
  signal: AbortSignal;
  /** The slot of the last run of a job that came to its end, in milliseconds since 1970. */
  lastSlot(job: string): Promise<number | undefined>;
  /** Runs a job to its end. `retry`: the same again, later, might do more. Never rejects unless aborted. */
  run(due: DueJob): Promise<{ retry: boolean }>;
  /** Told when the next run changes. */
  onWaiting?(next: DueJob): void;
}

/** Longest sleep, in milliseconds. */
const longestSleepMs = 30_000;
/** After a run that might have done more: milliseconds until it is tried again, each time. */
export const retryAfterMs = [15 * 60_000, 60 * 60_000, 4 * 60 * 60_000];

interface JobState {
  name: string;
  due: DueTimes;
  /** The due times around the moment that was looked at last. */
  around?: { latest: number | undefined; next: number | undefined };
  /** The slot that this process has run; a run that could not even begin leaves no record. */
  tried?: number;
  retry?: { slot: number; at: number; times: number };
}

/** Resolves when the signal is aborted. At its start, and after a pause, each job that missed runs is run once. */
export async function runSchedule(settings: DaemonSettings): Promise<void> {
  const { clock, signal } = settings;
  const jobs: JobState[] = settings.jobs.map(({ name, schedule }) => ({
    name,
    due: dueTimes(schedule, settings.timeZone),
  }));
  let announced = '';
  while (!signal.aborted) {
    const now = clock.now();
    const due = await dueNow(jobs, settings, now);
    if (signal.aborted) return;
    if (due) {
      announced = '';
      await runOnce(due.state, due.slot, settings);
      continue;
    }
    const next = nextRun(jobs, now);
    if (next && announced !== `${next.name} ${next.slot}`) {
      announced = `${next.name} ${next.slot}`;
      settings.onWaiting?.(next);
    }
    const pause = Math.min(longestSleepMs, Math.max(1, (next?.at ?? Number.POSITIVE_INFINITY) - now));
    await clock.sleep(pause, signal).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** Looked up anew only when the clock has left the time between two due times, be it forward or back. */
function dueAround(state: JobState, now: number): NonNullable<JobState['around']> {
  const { around, due } = state;
  if (around && (around.latest ?? Number.NEGATIVE_INFINITY) <= now && now < (around.next ?? Number.POSITIVE_INFINITY)) {
    return around;
  }
  state.around = { latest: due.atOrBefore(now), next: due.after(now) };
  return state.around;
}

/** The job that has waited longest. */
async function dueNow(
  jobs: readonly JobState[],
  { lastSlot }: DaemonSettings,
  now: number,
): Promise<{ state: JobState; slot: number } | undefined> {
  const found: { state: JobState; slot: number }[] = [];
  for (const state of jobs) {
    const { latest: slot } = dueAround(state, now);
    if (slot === undefined) continue;
    const { retry } = state;
    const last = await lastSlot(state.name);
    // A slot that is yet to come was written by a clock that was wrong, and proves nothing.
    const isDone = state.tried === slot || (last !== undefined && last >= slot && last <= now);
    if (isDone ? retry?.slot === slot && retry.at <= now : true) found.push({ state, slot });
  }
  return found.sort((a, b) => a.slot - b.slot)[0];
}

async function runOnce(state: JobState, slot: number, { run, clock, signal }: DaemonSettings): Promise<void> {
  const times = state.retry?.slot === slot ? state.retry.times : 0;
  let retry: boolean;
  try {
    ({ retry } = await run({ name: state.name, slot }));
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  state.tried = slot;
  const after = retryAfterMs[times];
  if (retry && after !== undefined) state.retry = { slot, at: clock.now() + after, times: times + 1 };
  else delete state.retry;
}

function nextRun(jobs: readonly JobState[], now: number): (DueJob & { at: number }) | undefined {
  const all = jobs.flatMap((state) => {
    const { name, retry } = state;
    const { next: slot } = dueAround(state, now);
    if (retry && retry.at > now && (slot === undefined || retry.at < slot)) {
      return [{ name, slot: retry.slot, at: retry.at }];
    }
    return slot === undefined ? [] : [{ name, slot, at: slot }];
  });
  return all.sort((a, b) => a.at - b.at)[0];
}
