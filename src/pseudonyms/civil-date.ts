/** Dates as PostgreSQL writes them with DateStyle ISO, and days: the calendar is proleptic Gregorian, as there. */
export interface CivilDate {
  /** Days since 1970-01-01. */
  readonly day: number;
  /** What follows the date and precedes ` BC`: time and zone, or ''. */
  readonly rest: string;
}

const pattern = /^(\d{4,7})-(\d\d)-(\d\d)(.*?)( BC)?$/s;

/** @returns undefined for `infinity`, `-infinity` and what is no date */
export function parseDate(text: string): CivilDate | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, rest, bc] = match;
  const m = Number(month);
  const d = Number(day);
  if (m < 1 || m > 12 || d < 1 || d > 31) return undefined;
  return { day: dayOf(bc ? 1 - Number(year) : Number(year), m, d), rest: rest! };
}

export function formatDate(day: number, rest: string): string {
  const [year, month, date] = civilOf(day);
  const bc = year < 1;
  const written = String(bc ? 1 - year : year).padStart(4, '0');
  return `${written}-${String(month).padStart(2, '0')}-${String(date).padStart(2, '0')}${rest}${bc ? ' BC' : ''}`;
}

/** Years begin in March here, so that the leap day is the last; eras are 400 years. */
export function dayOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

export function civilOf(day: number): [year: number, month: number, day: number] {
  const z = day + 719_468;
  const era = Math.floor(z / 146_097);
  const ofEra = z - era * 146_097;
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const m = Math.floor((5 * ofYear + 2) / 153);
  const month = m < 10 ? m + 3 : m - 9;
  return [year + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - Math.floor((153 * m + 2) / 5) + 1];
}
