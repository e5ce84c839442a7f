/** The kinds of value that several sections share. Messages complete "key: …" and never quote what was written. */
import { z } from 'zod';
import { commonMistakes, countryCodes } from './countries.ts';
import { durationForm, parseDuration } from './duration.ts';

/**
 * Names of sources, sites and jobs. They stand in addresses (`source@latest`), flags and file names, so they keep to
 * what needs no quoting anywhere.
 */
export const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const nameForm = 'a name: 1 to 63 of a-z, 0-9, `.`, `_` and `-`, starting with a letter or digit';

export const name = z.string().regex(namePattern, `expected ${nameForm}`);

/** A text that is not empty. NUL is refused: it ends a string for every program that the text is handed to. */
export const text = z
  .string()
  .min(1, 'expected a text that is not empty')
  .refine((value) => !value.includes('\0'), 'expected a text without NUL characters');

/** A path; relative ones count from the directory of the configuration file. */
export const path = text.refine((value) => !/^~(\/|$)/.test(value), {
  error: 'expected a full path; `~` is not replaced by a home directory',
});

export const country = z.string().superRefine((value, context) => {
  if (countryCodes.has(value)) return;
  const upper = value.toUpperCase();
  const meant = commonMistakes[upper] ?? (countryCodes.has(upper) ? upper : undefined);
  context.addIssue({
    code: 'custom',
    message: `expected a country code of ISO 3166-1 alpha-2, such as FR${meant ? `; did you mean \`${meant}\`?` : ''}`,
  });
});

/** A time zone of the IANA database. Offsets are refused: they do not follow daylight saving. */
export const timeZone = z.string().refine(isTimeZone, 'expected a time zone such as UTC or Europe/Paris');

function isTimeZone(value: string): boolean {
  if (!/^[A-Za-z]/.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

/** A duration, read to milliseconds: at least one second, at most `longestMs`. */
export function duration(longestMs: number, longest: string) {
  return z.string().transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== undefined && ms > 0 && ms <= longestMs) return ms;
    const limits = ms === undefined ? '' : `, more than nothing and at most ${longest}`;
    context.addIssue({ code: 'custom', message: `expected ${durationForm}${limits}` });
    return z.NEVER;
  });
}

/** A whole number from `least` to `most`. */
export function count(least: number, most: number) {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.int().min(least, error).max(most, error);
}
