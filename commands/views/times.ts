/** Moments as people read them. */
import { formatDuration } from '../../src/base/units.ts';

/**
 * `2026-11-22 11:00:05` in the given IANA time zone, or the machine's own.
 *
 * @param time ISO 8601, as stored
 */
export function formatTime(time: string, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZone,
  }).formatToParts(new Date(time));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((candidate) => candidate.type === type)?.value;
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}`;
}

/** `3 h 5 min ago`; a time that lies ahead says so, since a clock is wrong then. */
export function formatAge(time: string, now: number): string {
  const age = now - Date.parse(time);
  if (age < 0) return `in ${formatDuration(-age)}`;
  return `${formatDuration(age < 10_000 ? Math.floor(age / 1000) * 1000 : age).replace('.0 s', ' s')} ago`;
}

/** `1 file`, `3 files`, with thin grouping. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en').replaceAll(',', ' ')} ${count === 1 ? one : many}`;
}
