import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scheduleFields } from '../../src/schedule/fields.ts';
import { onCalendar } from '../../src/schedule/on-calendar.ts';
import { dueTimes, scheduleProblem, skippedDueTimes } from '../../src/schedule/slots.ts';
import { wallTimeIn } from '../../src/schedule/wall-time.ts';

const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) => ms && new Date(ms).toISOString().replace(':00.000Z', 'Z');
const dueAfter = (expression: string, zone: string, from: string, count = 1) => {
  const due = dueTimes(expression, zone);
  const found: (string | number | undefined)[] = [];
  for (let moment = due.after(at(from)); found.length < count; moment = moment && due.after(moment)) {
    found.push(iso(moment));
  }
  return found;
};

describe('due times', () => {
  it('a time that clocks skip comes once, when they have skipped it', () => {
    expect(dueAfter('30 2 * * *', 'Europe/Paris', '2026-03-28T00:00Z', 3)).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ]);
    // Four of them are skipped, and make one.
    expect(dueAfter('*/15 2 * * *', 'Europe/Paris', '2026-03-28T12:00Z', 2)).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-30T00:00Z',
    ]);
  });

  it('a time that clocks show twice comes once, the first time', () => {
    expect(dueAfter('30 2 * * *', 'Europe/Paris', '2026-10-24T12:00Z', 2)).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ]);
    expect(iso(dueTimes('30 2 * * *', 'Europe/Paris').atOrBefore(at('2026-10-25T01:45Z')))).toBe('2026-10-25T00:30Z');
  });

  it('the default is at 04:00 of the zone on every day of the year', () => {
    const due = dueTimes('0 4 * * *', 'Europe/Paris');
    const { wallOf } = wallTimeIn('Europe/Paris');
    let moment = at('2026-01-01T00:00Z');
    for (let day = 1; day <= 365; day++) {
      moment = due.after(moment)!;
      expect(wallOf(moment)).toBe(Date.UTC(2026, 0, day, 4));
    }
  });

  it.each([
    ['0 0 29 2 *', 'UTC', '2026-11-24T00:00Z', '2028-02-29T00:00Z'],
    ['0 12 1,15 * mon', 'UTC', '2026-11-02T13:00Z', '2026-11-09T12:00Z'],
    ['0 12 1,15 * mon', 'UTC', '2026-11-09T12:00Z', '2026-11-15T12:00Z'],
    ['10-20/5 8-10 * jan-mar sun', 'UTC', '2026-11-24T00:00Z', '2027-01-03T08:10Z'],
    ['5 0 * * 7', 'Australia/Lord_Howe', '2026-11-24T00:00Z', '2026-11-28T13:05Z'],
    ['30 0 * * *', 'America/Havana', '2026-03-07T12:00Z', '2026-03-08T05:00Z'],
    // Samoa had no 30 December 2011 at all.
    ['0 4 * * *', 'Pacific/Apia', '2011-12-29T20:00Z', '2011-12-30T10:00Z'],
  ])('%s in %s after %s is %s', (expression, zone, from, expected) => {
    expect(dueAfter(expression, zone, from)).toEqual([expected]);
  });

  it('an exact due time is the latest one, and not the next', () => {
    const due = dueTimes('0 4 * * *', 'UTC');
    const moment = at('2026-11-24T04:00Z');
    expect(due.atOrBefore(moment)).toBe(moment);
    expect(iso(due.atOrBefore(moment - 1))).toBe('2026-11-23T04:00Z');
    expect(iso(due.after(moment))).toBe('2026-11-25T04:00Z');
  });

  it('tells what is no schedule from what never comes', () => {
    const now = at('2026-11-24T00:00Z');
    expect(scheduleProblem('0 0 30 2 *', now)).toBe('never');
    expect(scheduleProblem('0 0 29 2 *', now)).toBeUndefined();
    for (const bad of ['@daily', '0 4 * *', '0 0 4 * * *', '61 * * * *', '0 4 * * foo', '']) {
      expect(scheduleProblem(bad, now), bad).toBe('malformed');
    }
  });
});

const zones = ['UTC', 'Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'America/Havana', 'Asia/Kathmandu'];
const field = (least: number, most: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: least, max: most }).map(String),
    fc
      .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: 1, max: 9 }))
      .map(([a, by]) => `${a}-${most}/${by}`),
    fc.integer({ min: 1, max: 7 }).map((by) => `*/${by}`),
    fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 2, maxLength: 4 }).map((all) => all.join(',')),
  );
const expressions = fc
  .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7))
  .map((fields) => fields.join(' '));
const moments = fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2028-12-31T00:00Z') });

/** What clocks of a zone show, minute by minute: the plainest way to find out. */
function isDue(expression: string, wall: number): boolean {
  const { minutes, hours, days, months, weekdays } = scheduleFields(expression);
  const date = new Date(wall);
  const day = days.includes(date.getUTCDate());
  const weekday = weekdays.includes(date.getUTCDay());
  return (
    minutes.includes(date.getUTCMinutes()) &&
    hours.includes(date.getUTCHours()) &&
    months.includes(date.getUTCMonth() + 1) &&
    (days.length < 31 && weekdays.length < 7 ? day || weekday : day && weekday)
  );
}

describe('of any schedule', () => {
  it('the latest due time and the next leave none between', () => {
    fc.assert(
      fc.property(expressions, fc.constantFrom(...zones), moments, (expression, zone, moment) => {
        const due = dueTimes(expression, zone);
        const next = due.after(moment)!;
        const latest = due.atOrBefore(moment)!;
        expect(latest).toBeLessThanOrEqual(moment);
        expect(next).toBeGreaterThan(moment);
        expect(due.after(latest)).toBe(next);
        expect(due.atOrBefore(next)).toBe(next);
      }),
      { numRuns: 40 },
    );
  });

  it('the fields mean what the cron package makes of them', () => {
    const walls = (expression: string, from: number) => {
      const found: number[] = [];
      for (
        let wall = from - (from % 60_000) + 60_000;
        found.length < 3 && wall < from + 40 * 86_400_000;
        wall += 60_000
      ) {
        if (isDue(expression, wall)) found.push(wall);
      }
      return found;
    };
    fc.assert(
      fc.property(expressions, moments, (expression, moment) => {
        const due = dueTimes(expression, 'UTC');
        let last = moment;
        for (const wall of walls(expression, moment)) {
          last = due.after(last)!;
          expect(last).toBe(wall);
        }
      }),
      { numRuns: 6 },
    );
  });

  it('around a change of clocks, each day has its run', () => {
    const { wallOf } = wallTimeIn('Europe/Paris');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), (hour, minute) => {
        const due = dueTimes(`${minute} ${hour} * * *`, 'Europe/Paris');
        for (const [from, first] of [
          ['2026-03-27T23:00Z', 28],
          ['2026-10-23T22:00Z', 24],
        ] as const) {
          let moment = at(from) - 1;
          for (const day of [first, first + 1, first + 2]) {
            moment = due.after(moment)!;
            expect(new Date(wallOf(moment)).getUTCDate()).toBe(day);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('in the words of systemd', () => {
  it.each([
    ['0 4 * * *', ['*-*-* 04:00:00 UTC']],
    ['*/15 0-6,22 * * mon-fri', ['Mon,Tue,Wed,Thu,Fri *-*-* 00..06,22:00,15,30,45:00 UTC']],
    ['0 12 1,15 * 7', ['*-*-01,15 12:00:00 UTC', 'Sun *-*-* 12:00:00 UTC']],
    ['0 0 29 2 *', ['*-02-29 00:00:00 UTC']],
  ])('%s', (expression, expected) => expect(onCalendar(expression, 'UTC')).toEqual(expected));

  it('means the same moments to systemd', () => {
    const cases: [string, string, number?][] = [
      ['0 4 * * *', 'Europe/Paris'],
      ['7-59/13 1,3,5-9 * 2-11/3 *', 'America/New_York'],
      ['0 0 29 2 *', 'UTC', 2],
      ['30 23 31 * *', 'Asia/Kathmandu'],
      ['15 6 * * tue,thu', 'Australia/Lord_Howe'],
      ['0 12 1,15 * 5', 'Europe/Paris'],
    ];
    for (const [expression, zone, count = 6] of cases) {
      const values = onCalendar(expression, zone);
      const found = values.flatMap((value) => elapses(value, '2026-11-24 00:00:00 UTC', count));
      const expected = dueAfter(expression, zone, '2026-11-24T00:00Z', count);
      expect([...new Set(found)].sort().slice(0, count), expression).toEqual(expected);
    }
  });

  it('systemd leaves out what clocks skip, and we know when', () => {
    expect(elapses('*-*-* 02:30:00 Europe/Paris', '2026-03-28 12:00:00 UTC', 1)).toEqual(['2026-03-30T00:30Z']);
    const from = at('2026-11-24T00:00Z');
    expect(skippedDueTimes('30 2 * * *', 'Europe/Paris', from).map(iso)).toEqual(['2027-03-28T01:00Z']);
    expect(skippedDueTimes('0 4 * * *', 'Europe/Paris', from)).toEqual([]);
    expect(skippedDueTimes('30 2 * * *', 'UTC', from)).toEqual([]);
  });
});

/** As systemd itself tells. */
function elapses(value: string, from: string, count: number): string[] {
  const { status, stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['calendar', `--base-time=${from}`, `--iterations=${count}`, value],
    { encoding: 'utf8', env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } },
  );
  if (status !== 0) throw new Error(`systemd-analyze (apt-get install systemd): ${stderr}`);
  return [...stdout.matchAll(/(?:Next elapse|Iter\. #\d+): \w{3} (\S+) (\d\d:\d\d):00 UTC/g)].map(
    ([, date, time]) => `${date}T${time}Z`,
  );
}
