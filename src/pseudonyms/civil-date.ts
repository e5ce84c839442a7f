import { writePair } from './byte-numbers.ts';

/** Dates as PostgreSQL writes them with DateStyle ISO, and days: the calendar is proleptic Gregorian, as there. */
export interface CivilDate {
  /** Days since 1970-01-01. */
  readonly day: number;
  /** What follows the date and precedes ` BC`: time and zone, or ''. */
  readonly rest: string;
}

const dash = 0x2d;
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

/** Days that `plainDay` and `writePlainDay` do not go beyond: those of 0001-01-01 and 9999-12-31. */
export const firstPlainDay = -719_162;
export const lastPlainDay = 2_932_896;
/** No day. */
export const notPlain = -0x4000_0000;

/**
 * The day of what begins with `YYYY-MM-DD`, of the years 1 to 9999; `notPlain` for anything else, also for what ends in
 * ` BC`. All whole numbers of 32 bits: most columns of dates hold no others.
 */
export function plainDay(bytes: Buffer, from: number, to: number): number {
  if (to - from < 10 || bytes[from + 4] !== dash || bytes[from + 7] !== dash) return notPlain;
  const [a, b, c, d] = [bytes[from]! - 48, bytes[from + 1]! - 48, bytes[from + 2]! - 48, bytes[from + 3]! - 48];
  const [e, f, g, h] = [bytes[from + 5]! - 48, bytes[from + 6]! - 48, bytes[from + 8]! - 48, bytes[from + 9]! - 48];
  if ((a | b | c | d | e | f | g | h) < 0 || a > 9 || b > 9 || c > 9 || d > 9 || e > 1 || f > 9 || g > 3 || h > 9)
    return notPlain;
  const year = a * 1000 + b * 100 + c * 10 + d;
  const month = e * 10 + f;
  const day = g * 10 + h;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31) return notPlain;
  if (to - from > 12 && bytes[to - 1] === 0x43 && bytes[to - 2] === 0x42 && bytes[to - 3] === 0x20) return notPlain;
  // As `dayOf`, of years that are not below zero.
  const y = month <= 2 ? year - 1 : year;
  const ofYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1;
  return 365 * y + ((y / 4) | 0) - ((y / 100) | 0) + ((y / 400) | 0) + ofYear - 719_468;
}

/** Writes `YYYY-MM-DD`, for days from `firstPlainDay` to `lastPlainDay`. */
export function writePlainDay(bytes: Buffer, at: number, day: number): void {
  // As `civilOf`.
  const z = (day + 719_468) | 0;
  const era = (z / 146_097) | 0;
  const ofEra = (z - era * 146_097) | 0;
  const y = ((ofEra - ((ofEra / 1460) | 0) + ((ofEra / 36_524) | 0) - ((ofEra / 146_096) | 0)) / 365) | 0;
  const ofYear = (ofEra - (365 * y + ((y / 4) | 0) - ((y / 100) | 0))) | 0;
  const m = ((5 * ofYear + 2) / 153) | 0;
  const month = m < 10 ? m + 3 : m - 9;
  const year = y + era * 400 + (month <= 2 ? 1 : 0);
  const century = (year / 100) | 0;
  writePair(bytes, at, century);
  writePair(bytes, at + 2, year - century * 100);
  bytes[at + 4] = dash;
  writePair(bytes, at + 5, month);
  bytes[at + 7] = dash;
  writePair(bytes, at + 8, ofYear - (((153 * m + 2) / 5) | 0) + 1);
}
