/** Periods of the calendar in a time zone: what retention counts by. */

export const periodKinds = ['daily', 'weekly', 'monthly', 'yearly'] as const;
export type PeriodKind = (typeof periodKinds)[number];

/** The day, ISO week, month and year that a moment belongs to: `2026-11-24`, `2026-W48`, `2026-11`, `2026`. */
export type Periods = Readonly<Record<PeriodKind, string>>;

const dayMs = 86_400_000;

/**
 * Tells periods in one time zone.
 *
 * @param timeZone of the IANA database
 * @returns a function of milliseconds since 1970
 * @throws RangeError for a time zone that there is none of
 */
export function calendarIn(timeZone: string): (ms: number) => Periods {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const [year, month, day] = [parts.get('year')!.padStart(4, '0'), parts.get('month')!, parts.get('day')!];
    return {
      daily: `${year}-${month}-${day}`,
      weekly: isoWeek(Number(year), Number(month), Number(day)),
      monthly: `${year}-${month}`,
      yearly: year,
    };
  };
}

/** ISO 8601: weeks begin on Monday, and belong to the year that has their Thursday. */
function isoWeek(year: number, month: number, day: number): string {
  const date = Date.UTC(year, month - 1, day);
  const weekday = (new Date(date).getUTCDay() + 6) % 7;
  const thursday = date + (3 - weekday) * dayMs;
  const weekYear = new Date(thursday).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(weekYear, 0, 1)) / (7 * dayMs)) + 1;
  return `${String(weekYear).padStart(4, '0')}-W${String(week).padStart(2, '0')}`;
}
