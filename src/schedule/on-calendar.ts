/** A schedule in the words of systemd.time(7). */
import { restricts, scheduleFields } from './fields.ts';

const weekdayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/**
 * Values of `OnCalendar=` that together mean the schedule: two where day and weekday are both restricted, since a
 * crontab then means either and systemd both.
 *
 * @param timeZone of the IANA database
 */
export function onCalendar(expression: string, timeZone: string): string[] {
  const fields = scheduleFields(expression);
  const { minutes, hours, days, months, weekdays } = fields;
  const time = `${list(hours, 24)}:${list(minutes, 60)}:00 ${timeZone}`;
  const date = (of: readonly number[]) => `*-${list(months, 12)}-${list(of, 31)} ${time}`;
  const names = weekdays.map((day) => weekdayNames[day]).join(',');
  const restricted = restricts(fields);
  const all = Array.from({ length: 31 }, (_, index) => index + 1);
  if (restricted.days && restricted.weekdays) return [date(days), `${names} ${date(all)}`];
  return [restricted.weekdays ? `${names} ${date(all)}` : date(days)];
}

/** `*`, `04`, `00..05,30`: runs of three and more as ranges. */
function list(values: readonly number[], of: number): string {
  if (values.length === of) return '*';
  const parts: string[] = [];
  for (let at = 0; at < values.length; ) {
    let end = at;
    while (values[end + 1] === values[end]! + 1) end++;
    if (end - at >= 2) parts.push(`${two(values[at]!)}..${two(values[end]!)}`);
    else parts.push(...values.slice(at, end + 1).map(two));
    at = end + 1;
  }
  return parts.join(',');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
