/** Figures, moments and verdicts as the page says them. */
import { formatBytes, formatDuration } from '../../../base/units.ts';
import type { Verdict } from '../report.ts';

export interface VerdictWords {
  /** For a badge. */
  short: string;
  /** For the head of the page. */
  long: string;
  /** What it means, in a sentence or two. */
  meaning: string;
}

export const verdictWords: Record<Verdict, VerdictWords> = {
  pass: {
    short: 'Pass',
    long: 'Restored in full. Everything is equal.',
    meaning: 'Every backup named here was restored, and everything in it was compared with what was backed up.',
  },
  sampled: {
    short: 'Sample only',
    long: 'A sample was compared. What was compared is equal.',
    meaning: 'A part of the content was restored and compared. This is no proof of the rest.',
  },
  'could-not-verify': {
    short: 'Could not verify',
    long: 'Not proven: something could not be examined.',
    meaning: 'At least one question has no answer. Nothing is known to be wrong; but nobody knows. It is not a pass.',
  },
  fail: {
    short: 'Fail',
    long: 'Failed: something differs from what was backed up.',
    meaning: 'At least one comparison came out different, or something is not authentic. Act on it.',
  },
};

/** Symbols that differ in form, so that nobody depends on colour. */
export const verdictSymbol: Record<Verdict, string> = { pass: '✓', sampled: '◐', 'could-not-verify': '?', fail: '✕' };

/** `24 November 2026, 05:00:03` in the time zone. @param time ISO 8601 */
export function momentText(time: string, timeZone: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone }).format(
    date,
  );
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone } as const;
  return `${day}, ${new Intl.DateTimeFormat('en-GB', clock).format(date)}`;
}

/** `24 Nov` */
export function dayText(time: string, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone }).format(new Date(time));
}

/** `1,234,567`, also `12.5`. */
export function countText(count: number): string {
  return count.toLocaleString('en', { maximumFractionDigits: 2 });
}

export function bytesText(bytes: number): string {
  return formatBytes(bytes);
}

/** Below a second in milliseconds; `10 min` rather than `10 min 0 s`. */
export function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : formatDuration(ms).replace(/(?<=[a-z]) 0 (min|s|h)$/, '');
}

/** `rows: 1,234` as `1,234 rows`; bytes and milliseconds as such. */
export function figureText(name: string, value: number): string {
  if (/bytes$/i.test(name))
    return name === 'bytes' ? bytesText(value) : `${bytesText(value)} ${spaced(name.slice(0, -5))}`.trim();
  if (/Ms$/.test(name)) return `${durationText(value)} ${spaced(name.slice(0, -2))}`.trim();
  return `${countText(value)} ${spaced(name)}`;
}

/** `largeObjects` → `large objects` */
function spaced(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
