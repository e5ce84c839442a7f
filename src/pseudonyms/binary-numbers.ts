/** Whole numbers and UUIDs in binary format. */
import { assertLength, type BinaryCells, codec, noValue } from './binary-codec.ts';
import { hexValues } from './hex-digits.ts';

/** Whole numbers of 2, 4 and 8 bytes. */
export function whole(bytes: 2 | 4 | 8): BinaryCells {
  const least = -(2n ** BigInt(bytes * 8 - 1));
  return codec(
    20,
    { read: 'readWholes', write: 'writeWholes', option: bytes },
    {
      read: (_raw, from, to) => assertLength(to - from, bytes),
      write({ bytes: text }, from, to, into) {
        const digits = text.toString('latin1', from, to);
        if (!/^-?[0-9]+$/.test(digits)) throw noValue('whole number');
        const value = BigInt(digits);
        if (value < least || value >= -least) throw noValue('whole number of its type');
        const { view } = into;
        if (bytes === 8) view.setBigInt64(into.at, value);
        else if (bytes === 4) view.setInt32(into.at, Number(value));
        else view.setInt16(into.at, Number(value));
        into.at += bytes;
      },
    },
  );
}

const uuidPlain = { read: 'readUuids', write: 'writeUuids', option: 16 } as const;

export const uuid = codec(36, uuidPlain, {
  read: (_raw, from, to) => assertLength(to - from, 16),
  // Dashes may be anywhere, or nowhere.
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
