/** Columns that a kernel writes but for single cells, which are left to the program: what is rare is not worth a kernel. */
import type { ByteColumn } from '../byte-column.ts';
import type { BroughtCells, Kernels } from './kernels.ts';

/** Between binary format and text: all take the same. */
export type PlainKernel =
  | `read${'Dates' | 'Moments' | 'Networks' | 'Uuids' | 'Wholes'}`
  | `write${'Dates' | 'Moments' | 'Networks' | 'Uuids' | 'Wholes'}`;

/**
 * @param column `length` bytes that the kernel writes at most, into `count` cells of `out`
 * @param write calls it with where the cells go, and where the list of those that it leaves does. Returns where the last cell ends
 * @param other writes cell `i` of `out` as the next one; it leaves the memory of the kernels as it is
 */
export function writePlain(
  kernel: Kernels,
  { count, length, out }: { count: number; length: number; out: ByteColumn },
  write: (made: Omit<BroughtCells, 'wide'>, rest: number) => number,
  other: (i: number) => void,
): void {
  const made = kernel.takeCells(count, length);
  const rest = takeRest(kernel, count);
  const end = write(made, rest);
  kernel.give(out, count, made, end);
  for (const i of restOf(kernel, rest)) {
    out.again(i);
    other(i);
  }
}

/** Room for a list of cells that are left. */
export function takeRest(kernel: Kernels, count: number): number {
  return kernel.take(count * 4 + 4);
}

/** The cells that a kernel left. */
export function restOf({ words }: Kernels, rest: number): Int32Array {
  const at = rest >>> 2;
  return words.slice(at + 1, at + 1 + words[at]!);
}

/** Takes cells from there of which some are beyond ASCII. */
export function giveWide(kernel: Kernels, out: ByteColumn, count: number, made: BroughtCells, end: number): void {
  kernel.give(out, count, made, end);
  out.wide.set(kernel.bytes.subarray(made.wide, made.wide + count));
}
