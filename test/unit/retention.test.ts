import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarIn } from '../../src/repository/calendar.ts';
import { type Keep, planRetention, type RetainedSnapshot, unusualContent } from '../../src/repository/retention.ts';

const dayMs = 86_400_000;
const promised: Keep = { last: 0, daily: 30, weekly: 0, monthly: 12, yearly: 0 };

function snapshotsAt(times: readonly (string | number)[]): RetainedSnapshot[] {
  return times.map((time, i) => ({
    id: `s${String(i + 1).padStart(4, '0')}`,
    sequence: i + 1,
    time: new Date(time).toISOString(),
  }));
}

function plan(
  snapshots: readonly RetainedSnapshot[],
  keep: Keep,
  more: Partial<Parameters<typeof planRetention>[0]> = {},
) {
  const now = Math.max(0, ...snapshots.map(({ time }) => Date.parse(time)));
  return planRetention({ snapshots, keep, timeZone: 'UTC', now, pinned: new Set(), ...more });
}

const kept = (made: ReturnType<typeof plan>) =>
  made.decisions.filter(({ reasons }) => reasons.length > 0).map(({ snapshot }) => snapshot.time);

/** Every day at four in the morning of a zone that has daylight saving. */
function everyDay(days: number, zoneHour = 2): string[] {
  return Array.from({ length: days }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i, zoneHour)).toISOString());
}

describe('the calendar', () => {
  it.each([
    ['2026-03-29T00:59:59Z', 'Europe/Paris', '2026-03-29', '2026-W13', '2026-03', '2026'],
    ['2026-03-29T22:00:00Z', 'Europe/Paris', '2026-03-30', '2026-W14', '2026-03', '2026'],
    ['2026-10-25T00:30:00Z', 'Europe/Paris', '2026-10-25', '2026-W43', '2026-10', '2026'],
    ['2026-10-25T23:00:00Z', 'Europe/Paris', '2026-10-26', '2026-W44', '2026-10', '2026'],
    ['2026-12-31T23:30:00Z', 'Europe/Paris', '2027-01-01', '2026-W53', '2027-01', '2027'],
    ['2028-02-29T12:00:00Z', 'UTC', '2028-02-29', '2028-W09', '2028-02', '2028'],
    ['2024-12-30T12:00:00Z', 'UTC', '2024-12-30', '2025-W01', '2024-12', '2024'],
    ['2026-06-30T14:30:00Z', 'Pacific/Kiritimati', '2026-07-01', '2026-W27', '2026-07', '2026'],
    ['2026-07-01T09:30:00Z', 'Pacific/Niue', '2026-06-30', '2026-W27', '2026-06', '2026'],
  ])('puts %s in %s where it belongs', (time, zone, daily, weekly, monthly, yearly) => {
    expect(calendarIn(zone)(Date.parse(time))).toEqual({ daily, weekly, monthly, yearly });
  });
});

describe('retention', () => {
  it('keeps thirty days and twelve months of a year and a half, each with its reason', () => {
    const made = plan(snapshotsAt(everyDay(549)), promised);
    // The last day is 2027-07-03: thirty days, and the last days of the eleven months before.
    const days = Array.from({ length: 30 }, (_, i) => new Date(Date.UTC(2027, 6, 3 - i)).toISOString().slice(0, 10));
    const months = Array.from({ length: 11 }, (_, i) => new Date(Date.UTC(2027, 6 - i, 0)).toISOString().slice(0, 10));
    expect(kept(made).map((time) => time.slice(0, 10))).toEqual([...new Set([...days, ...months])].sort().reverse());
    const reasonsOf = (day: string) => made.decisions.find(({ snapshot }) => snapshot.time.startsWith(day))!.reasons;
    expect(reasonsOf('2027-07-03')).toEqual([
      { rule: 'newest' },
      { rule: 'daily', period: '2027-07-03' },
      { rule: 'monthly', period: '2027-07' },
    ]);
    expect(reasonsOf('2027-06-30')).toEqual([
      { rule: 'daily', period: '2027-06-30' },
      { rule: 'monthly', period: '2027-06' },
    ]);
    expect(reasonsOf('2026-08-31')).toEqual([{ rule: 'monthly', period: '2026-08' }]);
    expect(reasonsOf('2026-07-31')).toEqual([]);
    expect(made.pause).toBeUndefined();
  });

  it('counts a night of daylight saving as one day, whatever its length', () => {
    // 02:30 happens twice on this day in Paris, and the run before midnight UTC belongs to the next day.
    const snapshots = snapshotsAt(['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T23:30:00Z']);
    const made = plan(snapshots, { ...promised, monthly: 0 }, { timeZone: 'Europe/Paris' });
    expect(kept(made)).toEqual(['2026-10-25T23:30:00.000Z', '2026-10-25T01:30:00.000Z']);
  });

  it('shortens nothing when a month of runs is missing', () => {
    const times = [...everyDay(40), ...everyDay(75).slice(-5)];
    expect(kept(plan(snapshotsAt(times), { ...promised, monthly: 0 }))).toHaveLength(30);
  });

  it('never lets go of the newest, the proven and the pinned ones', () => {
    const snapshots = snapshotsAt(everyDay(10));
    const only: Keep = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
    const made = plan(snapshots, only, { proven: 's0003', pinned: new Set(['s0001']) });
    const reasons = new Map(made.decisions.map((decision) => [decision.snapshot.id, decision.reasons]));
    expect(reasons.get('s0010')).toEqual([{ rule: 'newest' }, { rule: 'last' }]);
    expect(reasons.get('s0003')).toEqual([{ rule: 'proven' }]);
    expect(reasons.get('s0001')).toEqual([{ rule: 'pinned' }]);
    expect(kept(made)).toHaveLength(3);
  });

  it('pauses when the clock is behind what was signed, and when a snapshot is from the future', () => {
    const snapshots = snapshotsAt(everyDay(3));
    const newest = Date.parse(snapshots.at(-1)!.time);
    expect(plan(snapshots, promised, { now: newest - 30_000 }).pause).toBeUndefined();
    expect(plan(snapshots, promised, { now: newest - 61_000 }).pause).toMatchObject({ because: 'clock' });
    const forged = snapshotsAt([...everyDay(3), '2099-01-01T00:00:00Z']);
    expect(plan(forged, promised, { now: newest }).pause).toMatchObject({
      because: 'clock',
      why: expect.stringContaining('2099-01-01T00:00:00.000Z'),
    });
  });

  it('does not let a flood of snapshots of one day push out other days', () => {
    const flood = Array.from({ length: 500 }, (_, i) => Date.UTC(2026, 0, 40, 5) + i * 1000);
    const made = kept(plan(snapshotsAt([...everyDay(40), ...flood]), promised));
    expect(new Set(made.map((time) => time.slice(0, 10))).size).toBe(made.length);
    expect(made.length).toBe(30);
  });

  it('keeps the same by pruning every day as by pruning at the end', () => {
    fc.assert(
      fc.property(
        fc.record({
          last: fc.integer({ min: 0, max: 3 }),
          daily: fc.integer({ min: 1, max: 8 }),
          weekly: fc.integer({ min: 0, max: 6 }),
          monthly: fc.integer({ min: 0, max: 4 }),
          yearly: fc.integer({ min: 0, max: 2 }),
        }),
        fc.array(fc.integer({ min: 1, max: 40 * 24 }), { minLength: 1, maxLength: 120 }),
        fc.constantFrom('UTC', 'Europe/Paris', 'America/St_Johns', 'Pacific/Chatham'),
        (keep, gaps, timeZone) => {
          let at = Date.UTC(2025, 10, 3, 4);
          const all = snapshotsAt(
            gaps.map((hours) => {
              at += hours * 3_600_000;
              return at;
            }),
          );
          let there: RetainedSnapshot[] = [];
          for (const snapshot of all) {
            there.push(snapshot);
            const decisions = plan(there, keep, { timeZone }).decisions;
            there = decisions.filter(({ reasons }) => reasons.length > 0).map((decision) => decision.snapshot);
            there.reverse();
          }
          const atTheEnd = kept(plan(all, keep, { timeZone }));
          expect(there.map(({ time }) => time).reverse()).toEqual(atTheEnd);
          // And once more changes nothing.
          expect(kept(plan(there, keep, { timeZone }))).toEqual(atTheEnd);
          expect(atTheEnd).toContain(all.at(-1)!.time);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does not depend on the order in which snapshots are given', () => {
    const snapshots = snapshotsAt(everyDay(100));
    const shuffled = [...snapshots].sort((a, b) => (a.id.slice(-1) < b.id.slice(-1) ? -1 : 1));
    expect(plan(shuffled, promised)).toEqual(plan(snapshots, promised));
  });

  it('has nothing to say about nothing', () => {
    expect(plan([], promised)).toEqual({ decisions: [] });
  });
});

describe('unusual content', () => {
  const usual = Array.from({ length: 10 }, (_, i) => ({ totals: { rows: 1000 + i, bytes: 50_000 } }));

  it('is much less than before, of any figure', () => {
    expect(unusualContent([{ totals: { rows: 400, bytes: 50_000 } }, ...usual])).toMatchObject({
      because: 'unusual',
      why: expect.stringContaining('400 rows'),
    });
    expect(unusualContent([{ totals: { rows: 1000, bytes: 20_000 } }, ...usual])).toMatchObject({ because: 'unusual' });
    expect(unusualContent([{ totals: { rows: 700, bytes: 40_000 } }, ...usual])).toBeUndefined();
    expect(unusualContent([{ totals: { rows: 9_000_000, bytes: 50_000_000 } }, ...usual])).toBeUndefined();
  });

  it('is not told from a few snapshots, nor when it is turned off', () => {
    expect(unusualContent([{ totals: { rows: 1 } }, ...usual.slice(0, 6)])).toBeUndefined();
    expect(unusualContent([{ totals: { rows: 1 } }, ...usual], 0)).toBeUndefined();
    expect(unusualContent([])).toBeUndefined();
  });
});

it('plans a hundred thousand snapshots within a second or two', () => {
  const snapshots = snapshotsAt(Array.from({ length: 100_000 }, (_, i) => Date.UTC(2000, 0, 1) + (i * dayMs) / 12));
  expect(kept(plan(snapshots, promised)).length).toBe(40);
});
