/** What the sampled values of a column look like, taken together. */
import { signsOf, type ValueSign } from './detectors-values.ts';

/** Shares of the signs among values; keeps no value, and of dates the years. */
export interface ValueSummary {
  values: number;
  /** Different values, as a share. */
  variety: number;
  distinct: number;
  shares: ReadonlyMap<ValueSign, number>;
  /** Of the values that are dates, rising. */
  years: readonly number[];
}

export function summarize(values: Iterable<string | null>): ValueSummary {
  const counts = new Map<ValueSign, number>();
  const distinct = new Set<string>();
  const years: number[] = [];
  let total = 0;
  for (const value of values) {
    if (value === null || value.trim() === '') continue;
    total++;
    distinct.add(value);
    const signs = signsOf(value);
    for (const sign of signs) counts.set(sign, (counts.get(sign) ?? 0) + 1);
    if (signs.includes('date')) years.push(yearOf(value));
  }
  years.sort((a, b) => a - b);
  const shares = new Map([...counts].map(([sign, count]) => [sign, count / total] as const));
  return { values: total, variety: total === 0 ? 0 : distinct.size / total, distinct: distinct.size, shares, years };
}

/** Of a date in any of its spellings. */
function yearOf(value: string): number {
  return Number(
    /(?:^|\D|\d{4})((?:18|19|20|21)\d{2})(?:\D|$)|^((?:19|20)\d{2})\d{4}$/.exec(value.trim())?.slice(1).find(Boolean),
  );
}

/** Dates over decades, most of them long ago: what happens in a firm lies closer together. */
export function areBirths({ values, variety, years }: ValueSummary): boolean {
  if (years.length < 15 || years.length < values * 0.7 || variety < 0.3) return false;
  const at = (share: number) => years[Math.floor((years.length - 1) * share)]!;
  return at(0.05) >= 1900 && at(0.9) - at(0.1) >= 15 && at(0.5) <= 2002 && at(0.95) <= 2030;
}
