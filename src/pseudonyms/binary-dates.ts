/** Dates and times in binary format. */
import { assertLength, type BinaryCells, codec, noValue } from './binary-codec.ts';
import type { ByteColumn } from './byte-column.ts';
import { writeDigits, writePair } from './byte-numbers.ts';
import { firstPlainDay, formatDate, lastPlainDay, notPlain, parseDate, plainDay, writePlainDay } from './civil-date.ts';

/** Days from 1970-01-01 to 2000-01-01. */
const epoch = 10_957;
const [endless, endlessBefore] = [0x7fff_ffff, -0x8000_0000];

/** Days since 2000-01-01. */
export const date = codec(16, {
  read({ view }, from, to, into) {
    assertLength(to - from, 4);
    const value = view.getInt32(from);
    const day = value + epoch;
    if (value === endless) into.text('infinity');
    else if (value === endlessBefore) into.text('-infinity');
    else if (day >= firstPlainDay && day <= lastPlainDay) {
      writePlainDay(into.bytes, into.at, day);
      into.at += 10;
    } else into.text(formatDate(day, ''));
  },
  write(made, from, to, into) {
    let day = to - from === 10 ? plainDay(made.bytes, from, to) : notPlain;
    if (day === notPlain) {
      const text = made.bytes.toString('latin1', from, to);
      const parsed = parseDate(text);
      if (text === 'infinity') day = endless + epoch;
      else if (text === '-infinity') day = endlessBefore + epoch;
      else if (parsed === undefined || parsed.rest !== '') throw noValue('date');
      else day = parsed.day;
    }
    into.view.setInt32(into.at, day - epoch);
    into.at += 4;
  },
});

const [usOfSecond, usOfDay] = [1e6, 86_400e6];
const [lastMoment, firstMoment] = [2n ** 63n - 1n, -(2n ** 63n)];
const clock = /^(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?(\+00)?$/;

/** Microseconds since 2000-01-01, of the zone UTC when there is one: sessions are set to it. */
export function moment(zone: '' | '+00'): BinaryCells {
  const write = (into: ByteColumn, day: number, us: number): void => {
    // Exact below 2^53, which are 285 years to both sides.
    const value = (day - epoch) * usOfDay + us;
    if (Number.isSafeInteger(value)) {
      const high = Math.floor(value / 2 ** 32);
      into.view.setInt32(into.at, high);
      into.view.setUint32(into.at + 4, value - high * 2 ** 32);
    } else into.view.setBigInt64(into.at, BigInt(day - epoch) * BigInt(usOfDay) + BigInt(us));
  };
  return codec(34, {
    read({ view }, from, to, into) {
      assertLength(to - from, 8);
      const high = view.getInt32(from);
      let day: number;
      let us: number;
      if (high >= -0x20_0000 && high < 0x20_0000) {
        const value = high * 2 ** 32 + view.getUint32(from + 4);
        day = Math.floor(value / usOfDay);
        us = value - day * usOfDay;
      } else {
        const value = view.getBigInt64(from);
        if (value === lastMoment || value === firstMoment) {
          into.text(value > 0n ? 'infinity' : '-infinity');
          return;
        }
        const days = (value < 0n ? value - BigInt(usOfDay) + 1n : value) / BigInt(usOfDay);
        day = Number(days);
        us = Number(value - days * BigInt(usOfDay));
      }
      day += epoch;
      const seconds = Math.floor(us / usOfSecond);
      const rest = us - seconds * usOfSecond;
      if (day < firstPlainDay || day > lastPlainDay) {
        into.text(formatDate(day, ` ${clockText(seconds, rest)}${zone}`));
        return;
      }
      const { bytes, at } = into;
      writePlainDay(bytes, at, day);
      bytes[at + 10] = 0x20;
      bytes[at + 13] = bytes[at + 16] = 0x3a;
      const minutes = Math.floor(seconds / 60);
      const hours = Math.floor(minutes / 60);
      writePair(bytes, at + 11, hours);
      writePair(bytes, at + 14, minutes - hours * 60);
      writePair(bytes, at + 17, seconds - minutes * 60);
      into.at = at + 19;
      if (rest > 0) {
        bytes[into.at++] = 0x2e;
        into.at = writeDigits(bytes, into.at, rest, 6);
        while (bytes[into.at - 1] === 0x30) into.at--;
      }
      for (let k = 0; k < zone.length; k++) bytes[into.at++] = zone.charCodeAt(k);
    },
    write({ bytes }, from, to, into) {
      const text = bytes.toString('latin1', from, to);
      const parsed = parseDate(text);
      const [, hours = '0', minutes = '0', seconds = '0', fraction = '', told = ''] =
        clock.exec(parsed?.rest ?? '-') ?? [];
      if (text === 'infinity' || text === '-infinity')
        into.view.setBigInt64(into.at, text === 'infinity' ? lastMoment : firstMoment);
      else if (parsed === undefined || told !== zone || !clock.test(parsed.rest)) throw noValue('time');
      else {
        const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
        write(into, parsed.day, whole * usOfSecond + Number(fraction.padEnd(6, '0')));
      }
      into.at += 8;
    },
  });
}

/** Seconds of a day, and microseconds. */
function clockText(seconds: number, us: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const fraction = us === 0 ? '' : `.${String(us).padStart(6, '0').replace(/0+$/, '')}`;
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}${fraction}`;
}
