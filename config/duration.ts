/** Durations as people write them in the configuration: `30s`, `90m`, `1h`, `7d`, `1h30m`. */

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;
const pattern = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

/** What a duration looks like, for messages. */
export const durationForm = 'a duration such as 30s, 90m, 1h or 7d';

/** Milliseconds, or undefined when `text` is no duration (or more than 2^53 ms). Zero is one. */
export function parseDuration(text: string): number | undefined {
  const found = pattern.exec(text);
  if (!found || text === '') return undefined;
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = found;
  const ms =
    Number(days) * unitMs.d + Number(hours) * unitMs.h + Number(minutes) * unitMs.m + Number(seconds) * unitMs.s;
  return Number.isSafeInteger(ms) ? ms : undefined;
}
