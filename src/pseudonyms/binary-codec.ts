/** What becomes of single values between COPY in binary format and text. */
import type { ByteColumn } from './byte-column.ts';

export interface BinaryCells {
  /** Writes all cells of `into`: the text of those of `raw`. @throws RangeError for what the type has no values of */
  read(raw: ByteColumn, into: ByteColumn): void;
  /** Writes all cells of `into`: the binary form of those of `made`. @throws RangeError for what is no value of the type */
  write(made: ByteColumn, into: ByteColumn): void;
}

/** @param longest bytes of the text of a value */
export function codec(
  longest: number,
  one: {
    /** Appends the text to `into`, which has room for `longest` bytes. */
    read(raw: ByteColumn, from: number, to: number, into: ByteColumn): void;
    /** Appends the binary form. */
    write(made: ByteColumn, from: number, to: number, into: ByteColumn): void;
  },
): BinaryCells {
  return {
    read(raw, into) {
      const { count, from, to } = raw;
      into.begin(count, longest);
      for (let i = 0; i < count; i++) {
        const end = to[i]!;
        if (end < 0) into.nothing();
        else {
          one.read(raw, from[i]!, end, into);
          into.end();
        }
      }
    },
    write(made, into) {
      const { count, from, to } = made;
      // None has more bytes than its text, but for the four before an address.
      into.begin(count, longest + 4);
      for (let i = 0; i < count; i++) {
        const end = to[i]!;
        if (end < 0) into.nothing();
        else {
          one.write(made, from[i]!, end, into);
          into.end();
        }
      }
    },
  };
}

export function assertLength(is: number, expected: number): void {
  if (is !== expected) throw new RangeError(`a binary value has ${is} bytes in place of ${expected}`);
}

export const noValue = (type: string) => new RangeError(`a pseudonym is no ${type}`);
