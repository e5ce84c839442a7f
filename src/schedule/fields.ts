/** The five fields of a schedule as numbers, for what has to write them down in another form. */
import { HoldfastError } from '../base/errors.ts';

export interface ScheduleFields {
  /** 0 to 59, ascending; so are the others. */
  minutes: number[];
  hours: number[];
  /** 1 to 31. */
  days: number[];
  months: number[];
  /** 0 is Sunday. */
  weekdays: number[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/**
 * Takes a schedule apart, as the cron package reads it: `*`, numbers, names, ranges, lists and steps.
 *
 * @throws HoldfastError `config` when it is none
 */
export function scheduleFields(expression: string): ScheduleFields {
  const texts = expression.trim().toLowerCase().split(/\s+/);
  if (texts.length !== 5) throw malformed(expression);
  const [minute, hour, day, month, weekday] = texts as [string, string, string, string, string];
  const field = (text: string, least: number, most: number, names: readonly string[] = []) => {
    const found = new Set<number>();
    for (const part of text.split(',')) {
      const [range = '', step] = part.split('/');
      const [from, to] = range === '*' ? [least, most] : range.split('-').map((word) => numberOf(word, least, names));
      const end = to ?? (step === undefined ? from : most);
      const by = step === undefined ? 1 : Number(step);
      if (from === undefined || end === undefined || !(from >= least && end <= most && from <= end && by >= 1)) {
        throw malformed(expression);
      }
      for (let value = from; value <= end; value += by) found.add(value);
    }
    return [...found].sort((a, b) => a - b);
  };
  return {
    minutes: field(minute, 0, 59),
    hours: field(hour, 0, 23),
    days: field(day, 1, 31),
    months: field(month, 1, 12, months),
    weekdays: [...new Set(field(weekday, 0, 7, weekdays).map((value) => value % 7))].sort((a, b) => a - b),
  };
}

/** Days and weekdays that are both restricted mean either; where one is not, the other decides. */
export function restricts({ days, weekdays: some }: ScheduleFields): { days: boolean; weekdays: boolean } {
  return { days: days.length < 31, weekdays: some.length < 7 };
}

function numberOf(word: string, least: number, names: readonly string[]): number {
  const named = names.indexOf(word);
  if (named >= 0) return named + (names === months ? least : 0);
  return /^\d{1,2}$/.test(word) ? Number(word) : Number.NaN;
}

function malformed(expression: string): HoldfastError {
  return new HoldfastError('config', `"${expression}" is no schedule.`, {
    hint: 'Write five fields as in a crontab: minute, hour, day, month, weekday.',
  });
}
