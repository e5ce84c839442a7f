/**
 * When a job is due. A run of a job belongs to a slot: the latest due time at or before now. All hosts that share a
 * configuration find the same one, whatever the moment at which each of them starts.
 */
import { CronTime } from 'cron';
import { wallTimeIn } from './wall-time.ts';

/** Longer than between two 29th of February. */
const farthestMs = 9 * 366 * 86_400_000;

/** The due times of one schedule, in milliseconds since 1970. */
export interface DueTimes {
  /** The first after a moment; undefined when it never comes due, such as on 30 February. */
  after(moment: number): number | undefined;
  /** The latest at or before a moment; undefined when there was none in nine years. */
  atOrBefore(moment: number): number | undefined;
}

/**
 * Due times of a schedule. One that the clocks of the zone skip comes due at the moment at which they skip it; one that
 * they show twice comes due the first time only.
 *
 * @param expression five fields as in a crontab
 * @param timeZone of the IANA database
 * @throws Error when the expression is none
 */
export function dueTimes(expression: string, timeZone: string): DueTimes {
  // Left to itself CronTime runs some jobs twice, or at another time, on days on which clocks are set. In UTC it counts
  // plainly, so it is given what clocks show, and what that means as a moment is found out here.
  const cron = new CronTime(expression, 'UTC');
  const { wallOf, momentOf } = wallTimeIn(timeZone);
  const nextWall = (wall: number): number | undefined => {
    try {
      return cron.getNextDateFrom(new Date(wall), 'UTC').toMillis();
    } catch {
      return undefined;
    }
  };
  const after = (moment: number): number | undefined => {
    for (let wall = nextWall(wallOf(moment)); wall !== undefined; wall = nextWall(wall)) {
      const due = momentOf(wall);
      if (due > moment) return due;
    }
    return undefined;
  };
  const atOrBefore = (moment: number): number | undefined => {
    let best: number | undefined;
    for (let span = 60_000; best === undefined; span *= 4) {
      const found = after(moment - Math.min(span, farthestMs));
      if (found !== undefined && found <= moment) best = found;
      else if (span >= farthestMs) return undefined;
    }
    for (let end = moment; ; ) {
      const next = after(best);
      if (next === undefined || next > moment) return best;
      const middle = Math.floor((best + end) / 2);
      const found = after(middle);
      if (found !== undefined && found <= moment) {
        best = Math.max(found, next);
      } else {
        end = middle;
        best = next;
      }
    }
  };
  return { after, atOrBefore };
}

/** Every zone that sets its clocks does so in this time. In milliseconds, both. */
const yearAndMore = 400 * 86_400_000;
const lookEvery = 12 * 3_600_000;

/**
 * The moments at which the clocks of a zone are set forward over a due time, in the thirteen months after a moment.
 *
 * @param timeZone of the IANA database
 */
export function skippedDueTimes(expression: string, timeZone: string, from: number): number[] {
  const due = dueTimes(expression, timeZone);
  const { changeBetween } = wallTimeIn(timeZone);
  const found: number[] = [];
  for (let at = from; at < from + yearAndMore; at += lookEvery) {
    const change = changeBetween(at, at + lookEvery);
    if (change !== undefined && change.by > 0 && due.after(change.at - 1) === change.at) found.push(change.at);
  }
  return found;
}

/** Whether an expression has five fields that mean something, and comes due at all. */
export function scheduleProblem(expression: string, now: number): 'malformed' | 'never' | undefined {
  if (expression.trim().split(/\s+/).length !== 5) return 'malformed';
  if (!CronTime.validateCronExpression(expression).valid) return 'malformed';
  return dueTimes(expression, 'UTC').after(now) === undefined ? 'never' : undefined;
}
