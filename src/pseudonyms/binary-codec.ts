/** What becomes of single values between COPY in binary format and text. */
import type { ByteColumn } from './byte-column.ts';
import { kernels } from './kernels/kernels.ts';
import { type PlainKernel, writePlain } from './kernels/plain-cells.ts';

export interface BinaryCells {
  /** Writes all cells of `into`: the text of those of `raw`. @throws RangeError for what the type has no values of */
  read(raw: ByteColumn, into: ByteColumn): void;
  /** Writes all cells of `into`: the binary form of those of `made`. @throws RangeError for what is no value of the type */
  write(made: ByteColumn, into: ByteColumn): void;
}

/**
 * A codec of which kernels do what is plain.
 *
 * @param longest bytes of the text of a value
 * @param plain the two kernels, and what both take besides the cells
 * @param one what does single values that they leave
 */
export function codec(
  longest: number,
  plain: { readonly read: PlainKernel; readonly write: PlainKernel; readonly option: number },
  one: {
    /** Appends the text to `into`, which has room for `longest` bytes. */
    read(raw: ByteColumn, from: number, to: number, into: ByteColumn): void;
    /** Appends the binary form, which has at most four bytes more than its text. */
    write(made: ByteColumn, from: number, to: number, into: ByteColumn): void;
  },
): BinaryCells {
  const through = (name: PlainKernel, run: typeof one.read, cells: ByteColumn, into: ByteColumn): void => {
    const kernel = kernels().begin();
    const { bytes, from, to } = kernel.bring(cells);
    const { count } = cells;
    writePlain(
      kernel,
      { count, length: count * longest, out: into },
      (made, rest) => kernel.run[name](bytes, from, to, count, plain.option, made.bytes, made.from, made.to, rest),
      (i) => {
        into.reserve(longest + 4);
        run(cells, cells.from[i]!, cells.to[i]!, into);
        into.end();
      },
    );
  };
  return {
    read: (raw, into) => through(plain.read, one.read, raw, into),
    write: (made, into) => through(plain.write, one.write, made, into),
  };
}

export function assertLength(is: number, expected: number): void {
  if (is !== expected) throw new RangeError(`a binary value has ${is} bytes in place of ${expected}`);
}

export const noValue = (type: string) => new RangeError(`a pseudonym is no ${type}`);
