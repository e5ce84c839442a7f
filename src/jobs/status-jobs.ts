/** How jobs of the schedule are doing, as far as this machine remembers. */
import { isoTime } from '../base/clock.ts';
import { missedBetween } from '../schedule/missed.ts';
import { type DueTimes, dueTimes } from '../schedule/slots.ts';
import type { RunRecord } from './run-record.ts';

export interface ScheduledJob {
  name: string;
  schedule: string;
  /** Names of sources that it backs up: `all`, some, or none. */
  backup: 'all' | readonly string[] | undefined;
}

export interface JobStatus {
  job: string;
  schedule: string;
  /** The last run that came to its end; missing when this machine knows of none. */
  last?: RunRecord;
  lastSuccess?: { slot: string; ended: string };
  failuresInRow: number;
  /** When it is due next; ISO 8601, as the others. */
  next?: string;
  /** The latest due time of which a run should have ended by now. */
  expected?: string;
  /** No run for `expected`, or a later due time, has ended. */
  late: boolean;
  /** Due times without a run since the last one, `expected` included. */
  missed: number;
  /** Nothing here has run it in time, and somebody else has: all its sources have a snapshot from then or later. */
  elsewhere: boolean;
}

/** A job may take so long, in milliseconds, or half the time to the next one if that is less, before it is late. */
const longestToleranceMs = 6 * 3_600_000;

/** The latest due time of which a run should have ended; undefined when there was none. */
export function expectedSlot(due: DueTimes, now: number): number | undefined {
  const latest = due.atOrBefore(now);
  if (latest === undefined) return undefined;
  const next = due.after(latest) ?? Number.POSITIVE_INFINITY;
  const tolerance = Math.min(longestToleranceMs, (next - latest) / 2);
  return latest + tolerance <= now ? latest : due.atOrBefore(latest - 1);
}

/** @param last what this machine remembers of the job */
export function jobStatus(
  { name, schedule }: ScheduledJob,
  last: RunRecord | undefined,
  { timeZone, now }: { timeZone: string; now: number },
): JobStatus {
  const due = dueTimes(schedule, timeZone);
  const next = due.after(now);
  const expected = expectedSlot(due, now);
  const done = last && Date.parse(last.slot);
  // A slot that is yet to come was written by a clock that was wrong, and proves nothing.
  const late = expected !== undefined && (done === undefined || done < expected || done > now);
  const missed = !late
    ? 0
    : done === undefined || done > now
      ? 1
      : 1 + missedBetween(schedule, timeZone, done, expected);
  return {
    job: name,
    schedule,
    ...(last && { last }),
    ...(last?.lastSuccess && { lastSuccess: last.lastSuccess }),
    failuresInRow: last?.failuresInRow ?? (last && last.outcome !== 'done' ? 1 : 0),
    ...(next !== undefined && { next: isoTime(next) }),
    ...(expected !== undefined && { expected: isoTime(expected) }),
    late,
    missed,
    elsewhere: false,
  };
}

/**
 * From when on a source must have a snapshot: the latest due time of any job that backs it up and should have ended.
 *
 * @returns milliseconds since 1970; undefined when no job backs it up, or none was due
 */
export function snapshotDueSince(
  source: string,
  jobs: readonly ScheduledJob[],
  { timeZone, now }: { timeZone: string; now: number },
): number | undefined {
  const slots = jobs
    .filter(({ backup }) => backup === 'all' || backup?.includes(source))
    .flatMap(({ schedule }) => expectedSlot(dueTimes(schedule, timeZone), now) ?? []);
  return slots.length === 0 ? undefined : Math.max(...slots);
}
