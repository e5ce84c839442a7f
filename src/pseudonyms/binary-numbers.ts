/** Whole numbers and UUIDs in binary format. */
import { assertLength, type BinaryCells, codec, noValue } from './binary-codec.ts';
import { writeWhole } from './byte-numbers.ts';
import { hexDigits, hexValues } from './hex-digits.ts';

/** Whole numbers of 2, 4 and 8 bytes. */
export function whole(bytes: 2 | 4 | 8): BinaryCells {
  const least = -(2n ** BigInt(bytes * 8 - 1));
  return codec(20, {
    read({ view }, from, to, into) {
      assertLength(to - from, bytes);
      const high = bytes === 8 ? view.getInt32(from) : 0;
      let value: number;
      if (bytes === 2) value = view.getInt16(from);
      else if (bytes === 4) value = view.getInt32(from);
      else if (high >= -0x20_0000 && high < 0x20_0000) value = high * 2 ** 32 + view.getUint32(from + 4);
      else {
        into.text(String(view.getBigInt64(from)));
        return;
      }
      if (value < 0) into.bytes[into.at++] = 0x2d;
      into.at = writeWhole(into.bytes, into.at, Math.abs(value));
    },
    write({ bytes: text }, from, to, into) {
      let at = from;
      const negative = text[at] === 0x2d;
      if (negative) at++;
      if (at === to) throw noValue('whole number');
      let value = 0;
      for (let k = at; k < to; k++) {
        const digit = text[k]! - 0x30;
        if (digit < 0 || digit > 9) throw noValue('whole number');
        value = value * 10 + digit;
      }
      const { view } = into;
      if (to - at > 15 || bytes === 2) {
        const large = BigInt(text.toString('latin1', from, to));
        if (large < least || large >= -least) throw noValue('whole number of its type');
        if (bytes === 8) view.setBigInt64(into.at, large);
        else if (bytes === 4) view.setInt32(into.at, Number(large));
        else view.setInt16(into.at, Number(large));
      } else {
        if (negative) value = -value;
        if (bytes === 4) {
          if (value !== (value | 0)) throw noValue('whole number of its type');
          view.setInt32(into.at, value);
        } else {
          const high = Math.floor(value / 2 ** 32);
          view.setInt32(into.at, high);
          view.setUint32(into.at + 4, value - high * 2 ** 32);
        }
      }
      into.at += bytes;
    },
  });
}

export const uuid = codec(36, {
  read({ bytes }, from, to, into) {
    assertLength(to - from, 16);
    const target = into.bytes;
    let at = into.at;
    for (let k = 0; k < 16; k++) {
      if (k === 4 || k === 6 || k === 8 || k === 10) target[at++] = 0x2d;
      const byte = bytes[from + k]!;
      target[at++] = hexDigits[byte >> 4]!;
      target[at++] = hexDigits[byte & 15]!;
    }
    into.at = at;
  },
  write({ bytes }, from, to, into) {
    const start = into.at;
    let digits = 0;
    for (let k = from; k < to; k++) {
      const byte = bytes[k]!;
      if (byte === 0x2d) continue;
      const digit = hexValues[byte]!;
      if (digit < 0 || digits === 32) throw noValue('UUID');
      const at = start + (digits >> 1);
      into.bytes[at] = digits & 1 ? into.bytes[at]! | digit : digit << 4;
      digits++;
    }
    if (digits !== 32) throw noValue('UUID');
    into.at = start + 16;
  },
});
