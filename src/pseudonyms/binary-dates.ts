/** Dates and times in binary format. */
import { assertLength, type BinaryCells, codec, noValue } from './binary-codec.ts';
import { formatDate, parseDate } from './civil-date.ts';

/** Days from 1970-01-01 to 2000-01-01. */
const epoch = 10_957;
const [endless, endlessBefore] = [0x7fff_ffff, -0x8000_0000];

/** Days since 2000-01-01. */
export const date = codec(
  16,
  { read: 'readDates', write: 'writeDates', option: 4 },
  {
    read({ view }, from, to, into) {
      assertLength(to - from, 4);
      const value = view.getInt32(from);
      if (value === endless) into.text('infinity');
      else if (value === endlessBefore) into.text('-infinity');
      else into.text(formatDate(value + epoch, ''));
    },
    write(made, from, to, into) {
      const text = made.bytes.toString('latin1', from, to);
      const parsed = parseDate(text);
      let value: number;
      if (text === 'infinity') value = endless;
      else if (text === '-infinity') value = endlessBefore;
      else if (parsed === undefined || parsed.rest !== '') throw noValue('date');
      else value = parsed.day - epoch;
      into.view.setInt32(into.at, value);
      into.at += 4;
    },
  },
);

const usOfDay = 86_400_000_000n;
const [lastMoment, firstMoment] = [2n ** 63n - 1n, -(2n ** 63n)];
const clock = /^(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?(\+00)?$/;

/** Microseconds since 2000-01-01, of the zone UTC when there is one: sessions are set to it. */
export function moment(zone: '' | '+00'): BinaryCells {
  return codec(
    34,
    { read: 'readMoments', write: 'writeMoments', option: zone === '' ? 0 : 1 },
    {
      read({ view }, from, to, into) {
        assertLength(to - from, 8);
        const value = view.getBigInt64(from);
        if (value === lastMoment || value === firstMoment) {
          into.text(value > 0n ? 'infinity' : '-infinity');
          return;
        }
        const day = (value < 0n ? value - usOfDay + 1n : value) / usOfDay;
        const us = Number(value - day * usOfDay);
        const seconds = Math.floor(us / 1e6);
        into.text(formatDate(Number(day) + epoch, ` ${clockText(seconds, us - seconds * 1e6)}${zone}`));
      },
      write({ bytes }, from, to, into) {
        const text = bytes.toString('latin1', from, to);
        const parsed = parseDate(text);
        const [, hours = '0', minutes = '0', seconds = '0', fraction = '', told = ''] =
          clock.exec(parsed?.rest ?? '-') ?? [];
        let value: bigint;
        if (text === 'infinity' || text === '-infinity') value = text === 'infinity' ? lastMoment : firstMoment;
        else if (parsed === undefined || told !== zone || !clock.test(parsed.rest)) throw noValue('time');
        else {
          const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
          value = BigInt(parsed.day - epoch) * usOfDay + BigInt(whole * 1e6 + Number(fraction.padEnd(6, '0')));
        }
        into.view.setBigInt64(into.at, value);
        into.at += 8;
      },
    },
  );
}

/** Seconds of a day, and microseconds. */
function clockText(seconds: number, us: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const fraction = us === 0 ? '' : `.${String(us).padStart(6, '0').replace(/0+$/, '')}`;
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}${fraction}`;
}
