import { dueTimes } from './slots.ts';

/** More are not counted: then the number itself says nothing any more. */
const most = 1000;

/**
 * How many due times lie between the slot of the last run and that of the next one, neither counted.
 *
 * @param last and next in milliseconds since 1970
 */
export function missedBetween(expression: string, timeZone: string, last: number, next: number): number {
  const due = dueTimes(expression, timeZone);
  let missed = 0;
  for (let at = due.after(last); at !== undefined && at < next && missed < most; at = due.after(at)) missed++;
  return missed;
}
