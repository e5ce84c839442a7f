import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lockDates } from '../../src/repository/lock-periods.ts';
import { lockClassOf, lockMsOf } from '../../src/repository/lock-rules.ts';
import { graceMs } from '../../src/repository/parameters.ts';
import { type Keep, planRetention, type RetainedSnapshot } from '../../src/repository/retention.ts';

const dayMs = 86_400_000;
const none: Keep = { last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const promised: Keep = { ...none, daily: 30, monthly: 12 };

function snapshotsAt(times: readonly (string | number)[]): RetainedSnapshot[] {
  return times.map((time, i) => ({ id: `s${i + 1}`, sequence: i + 1, time: new Date(time).toISOString() }));
}

/** Without the grace period, so that dates are those of the policy. */
function dates(times: readonly (string | number)[], keep: Keep, more: Partial<Parameters<typeof lockDates>[0]> = {}) {
  const snapshots = snapshotsAt(times);
  const now = Math.max(...snapshots.map(({ time }) => Date.parse(time)));
  const input = { snapshots, keep, timeZone: 'UTC', now, pinned: new Set<string>(), minimumMs: 14 * dayMs, ...more };
  const found = lockDates(input);
  return Object.fromEntries([...found].map(([id, until]) => [id, new Date(until - graceMs).toISOString()]));
}

describe('until when a snapshot is locked', () => {
  it('is the beginning of the day on which thirty newer ones have a snapshot', () => {
    expect(dates(['2026-11-10T04:00:00Z'], promised)).toEqual({ s1: '2026-12-10T00:00:00.000Z' });
    const week = Array.from({ length: 7 }, (_, i) => `2026-11-1${i}T04:00:00Z`);
    expect(Object.values(dates(week, promised)).reverse()).toEqual(
      Array.from({ length: 7 }, (_, i) => `2026-12-1${i}T00:00:00.000Z`),
    );
  });

  it('counts the days that have one: where days are left out, later', () => {
    const found = dates(['2026-11-01T04:00:00Z', '2026-11-02T04:00:00Z', '2026-11-20T04:00:00Z'], {
      ...none,
      daily: 5,
    });
    expect(found).toMatchObject({ s1: '2026-11-23T00:00:00.000Z', s2: '2026-11-24T00:00:00.000Z' });
  });

  it('is that of the month once the month is over, and not before', () => {
    const end = '2026-11-30T04:00:00Z';
    expect(dates([end], promised)).toEqual({ s1: '2026-12-30T00:00:00.000Z' });
    // The next run, or a prune of the next month.
    expect(dates([end, '2026-12-01T04:00:00Z'], promised)).toEqual({
      s1: '2027-11-01T00:00:00.000Z',
      s2: '2026-12-31T00:00:00.000Z',
    });
    expect(dates([end], promised, { now: Date.parse('2026-12-02T00:00:00Z') })).toMatchObject({
      s1: '2027-11-01T00:00:00.000Z',
    });
  });

  it('is that of weeks and years in the same way', () => {
    const times = ['2026-12-27T04:00:00Z', '2026-12-31T04:00:00Z', '2027-01-04T04:00:00Z'];
    expect(dates(times, { ...none, weekly: 3, yearly: 2 })).toEqual({
      // The weeks before 53 and 1; weeks begin on Monday.
      s1: '2027-01-11T00:00:00.000Z',
      s2: '2028-01-01T00:00:00.000Z',
      s3: '2027-01-18T04:00:00.000Z',
    });
  });

  it('is never less than the minimum for the newest, the proven and the pinned', () => {
    const times = ['2026-11-01T04:00:00Z', '2026-11-02T04:00:00Z', '2026-11-03T04:00:00Z'];
    expect(dates(times, { ...none, daily: 1 }, { pinned: new Set(['s1']), proven: 's2' })).toEqual({
      s1: '2026-11-17T04:00:00.000Z',
      s2: '2026-11-17T04:00:00.000Z',
      s3: '2026-11-17T04:00:00.000Z',
    });
    expect(dates(times, { ...none, last: 40 })).toMatchObject({ s1: '2026-12-11T00:00:00.000Z' });
  });

  it('begins days where the time zone does', () => {
    const keep = { ...none, daily: 20 };
    const inZone = (timeZone: string) => dates(['2026-10-20T22:30:00Z'], keep, { timeZone });
    expect(inZone('Europe/Paris')).toEqual({ s1: '2026-11-09T23:00:00.000Z' });
    expect(inZone('Pacific/Kiritimati')).toEqual({ s1: '2026-11-09T10:00:00.000Z' });
    expect(inZone('Pacific/Niue')).toEqual({ s1: '2026-11-09T11:00:00.000Z' });
  });

  it('stays within what services take', () => {
    const [until] = Object.values(
      dates(['2026-11-01T04:00:00Z', '2027-11-01T04:00:00Z'], { ...none, yearly: 100_000 }),
    );
    expect(until).toBe('2027-11-15T04:00:00.000Z');
    expect(dates(['2026-11-01T04:00:00Z', '2027-11-01T04:00:00Z'], { ...none, yearly: 100_000 }).s1).toBe(
      '2126-01-01T00:00:00.000Z',
    );
  });

  it('covers all that retention keeps between daily runs, and is over when retention drops it', () => {
    const amount = fc.integer({ min: 0, max: 9 });
    const keeps = fc
      .record({ last: amount, daily: amount, weekly: amount, monthly: amount, yearly: fc.integer({ min: 0, max: 2 }) })
      .filter((keep) => Object.values(keep).some((number) => number > 0));
    const zones = fc.constantFrom('UTC', 'Europe/Paris', 'America/St_Johns', 'Pacific/Apia');
    fc.assert(
      fc.property(keeps, zones, fc.integer({ min: 0, max: 400 }), (keep, timeZone, start) => {
        const all = snapshotsAt(Array.from({ length: 75 }, (_, i) => Date.UTC(2026, 0, 1 + start + i, 5)));
        const pinned = new Set<string>();
        const locks = new Map<string, number>();
        let snapshots: RetainedSnapshot[] = [];
        for (const coming of all) {
          const now = Date.parse(coming.time);
          snapshots.push(coming);
          const found = lockDates({ snapshots, keep, timeZone, now, pinned, minimumMs: dayMs });
          for (const [id, until] of found) locks.set(id, Math.max(locks.get(id) ?? 0, until));
          const { decisions } = planRetention({ snapshots, keep, timeZone, now, pinned });
          snapshots = [];
          for (const { snapshot, reasons } of decisions.toReversed()) {
            const left = locks.get(snapshot.id)! - graceMs - now;
            if (reasons.length > 0) {
              // Days begin up to 24 hours before the next run.
              expect(left).toBeGreaterThan(0);
              snapshots.push(snapshot);
            } else expect(left).toBeLessThanOrEqual(dayMs);
          }
        }
      }),
      { numRuns: 4 },
    );
  });
});

describe('what is locked', () => {
  it.each([
    ['sources/0123/packs/ab/abc', 'content'],
    ['sources/0123/index/abc', 'content'],
    ['sources/0123/snapshots/abc', 'content'],
    ['sources/0123/source.json', 'rolling'],
    ['sources/0123/keys/1/anna.age', 'rolling'],
    ['sources/0123/tombstones/abc', 'rolling'],
    ['sources/0123/proofs/abc', 'rolling'],
    ['sources/0123/leases/7', undefined],
    ['holdfast.json', 'rolling'],
    ['trust/abc', 'rolling'],
    ['probes/abc', undefined],
    ['.tmp/abc', undefined],
  ] as const)('%s is %s', (name, expected) => {
    expect(lockClassOf(name)).toBe(expected);
    const ms = lockMsOf(name, 3 * dayMs);
    expect(ms).toBe(expected === 'content' ? 10 * dayMs : expected === 'rolling' ? 35 * dayMs : undefined);
  });
});
