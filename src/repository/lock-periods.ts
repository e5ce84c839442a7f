import { calendarIn, type PeriodKind, type Periods, periodKinds } from './calendar.ts';
import { graceMs } from './parameters.ts';
import { type Keep, planRetention, type RetainedSnapshot } from './retention.ts';

const minuteMs = 60_000;

/** No lock is longer than some 99 years: services refuse it. */
const most: Readonly<Record<PeriodKind, number>> = { daily: 36_000, weekly: 5_100, monthly: 1_188, yearly: 99 };

export interface LockInput {
  /** Those that are not dropped, the one that is about to be made among them. */
  snapshots: readonly RetainedSnapshot[];
  keep: Keep;
  /** Of the IANA database. */
  timeZone: string;
  /** Milliseconds since 1970. */
  now: number;
  /** Ids. */
  pinned: ReadonlySet<string>;
  proven?: string | undefined;
  /** Milliseconds that every snapshot is promised when it is made. */
  minimumMs: number;
}

/**
 * Until when each snapshot must not be removable: as long as retention keeps it at the least, if a run is made every day
 * from now on, and the grace period. Docs/format.md §14. Pure.
 *
 * @returns id → milliseconds since 1970; snapshots that retention does not keep are left out
 */
export function lockDates(input: LockInput): Map<string, number> {
  const { keep, now, minimumMs } = input;
  const calendar = new Calendar(input.timeZone);
  const { decisions } = planRetention({ ...input, pause: undefined });
  const newest = decisions[0]?.snapshot;
  if (!newest) return new Map();
  // A clock that is behind must not shorten anything.
  const today = Math.max(now, Date.parse(newest.time));
  const current = calendar.periodsOf(today);
  /** Periods of each kind that were met, the newest first. */
  const ranks = new Map<PeriodKind, number>(periodKinds.map((kind) => [kind, 0]));
  const dates = new Map<string, number>();
  for (const [at, { snapshot, reasons }] of decisions.entries()) {
    let until: number | undefined;
    const promise = (date: number) => {
      until = Math.max(until ?? 0, date);
    };
    for (const reason of reasons) {
      if (!('period' in reason)) {
        promise(reason.rule === 'last' ? calendar.dayAfter(newest.time, keep.last - at) : today + minimumMs);
        continue;
      }
      const { rule, period } = reason;
      const rank = ranks.get(rule)!;
      ranks.set(rule, rank + 1);
      // A later run of the same week, month or year may take its place: only of days it is taken that there is none.
      if (rule !== 'daily' && period === current[rule]) continue;
      promise(calendar.periodAfter(rule, newest.time, keep[rule] - rank));
    }
    if (until !== undefined) dates.set(snapshot.id, until + graceMs);
  }
  return dates;
}

/** Beginnings of periods in a time zone. */
class Calendar {
  readonly periodsOf: (ms: number) => Periods;
  readonly #beginnings = new Map<number, number>();

  constructor(timeZone: string) {
    this.periodsOf = calendarIn(timeZone);
  }

  dayAfter(time: string, count: number): number {
    return this.periodAfter('daily', time, count);
  }

  /** When the period begins that is so many after the one of `time`. Milliseconds since 1970. */
  periodAfter(kind: PeriodKind, time: string, periods: number): number {
    const count = Math.min(periods, most[kind]);
    const [year, month, day] = this.periodsOf(Date.parse(time)).daily.split('-').map(Number) as [
      number,
      number,
      number,
    ];
    const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
    switch (kind) {
      case 'daily':
        return this.#beginningOf(Date.UTC(year, month - 1, day + count));
      case 'weekly':
        return this.#beginningOf(Date.UTC(year, month - 1, day - weekday + 7 * count));
      case 'monthly':
        return this.#beginningOf(Date.UTC(year, month - 1 + count, 1));
      case 'yearly':
        return this.#beginningOf(Date.UTC(year + count, 0, 1));
    }
  }

  /** When a day begins in the time zone: the first moment of it, also where its midnight is left out. @param utc the day's midnight in UTC */
  #beginningOf(utc: number): number {
    const known = this.#beginnings.get(utc);
    if (known !== undefined) return known;
    const day = new Date(utc).toISOString().slice(0, 10);
    // In minutes. Offsets are between −12 and +14 hours; a day that a zone has left out begins with the next one.
    let [before, after] = [-1440, 2880];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.periodsOf(utc + middle * minuteMs).daily >= day) after = middle;
      else before = middle;
    }
    const beginning = utc + after * minuteMs;
    this.#beginnings.set(utc, beginning);
    return beginning;
  }
}
