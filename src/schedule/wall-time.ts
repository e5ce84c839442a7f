/** Moments as the clocks of a time zone show them, and back, also where those clocks are set. */

const hourMs = 3_600_000;
/** No zone is more than 14 hours ahead of UTC or 12 behind; an hour more, so that a change lies well inside. */
const mostAhead = 15 * hourMs;
const mostBehind = 13 * hourMs;

/**
 * A wall time is written as milliseconds since 1970 as if the zone were UTC: arithmetic with it knows no clock changes.
 */
export interface WallTime {
  /** What the clocks of the zone show at a moment. */
  wallOf(moment: number): number;
  /**
   * The first moment at which the clocks of the zone have reached a wall time: of one that they show twice the first, of
   * one that they skip the moment of the change.
   */
  momentOf(wall: number): number;
  /** When, between two moments, the clocks are set, and forward by how many milliseconds; undefined when they are not. */
  changeBetween(from: number, to: number): { at: number; by: number } | undefined;
}

/** @param timeZone of the IANA database @throws RangeError for one that there is none of */
export function wallTimeIn(timeZone: string): WallTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const wallOf = (moment: number): number => {
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type)!;
    const whole = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return whole + (((moment % 1000) + 1000) % 1000);
  };
  const offsetAt = (moment: number) => wallOf(moment) - moment;
  const changeBetween = (from: number, to: number) => {
    const before = offsetAt(from);
    const by = offsetAt(to) - before;
    if (by === 0) return undefined;
    let [earlier, later] = [from, to];
    while (later - earlier > 1) {
      const middle = Math.floor((earlier + later) / 2);
      if (offsetAt(middle) === before) earlier = middle;
      else later = middle;
    }
    return { at: later, by };
  };
  const momentOf = (wall: number): number => {
    const from = wall - mostAhead;
    const before = offsetAt(from);
    const change = changeBetween(from, wall + mostBehind);
    if (change === undefined || wall - before < change.at) return wall - before;
    return Math.max(change.at, wall - before - change.by);
  };
  return { wallOf, momentOf, changeBetween };
}
