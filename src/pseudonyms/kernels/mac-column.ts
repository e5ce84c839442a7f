/** AES-256-CMAC of the canonical forms of a whole column, in the memory of the kernels: only the cipher is called from here. */
import { free } from '../../base/memory.ts';
import type { ByteColumn } from '../byte-column.ts';
import type { Prf } from '../prf.ts';
import type { BroughtCells, Kernels } from './kernels.ts';

/**
 * @param folds whether the canonical form of ASCII is that of `folded`; else it is the cell
 * @param canonical the form of what is beyond ASCII
 * @param brought where the cells lie
 * @returns where four words for each cell lie, of the empty text for NULL
 */
export function macColumn(
  kernel: Kernels,
  prf: Prf,
  { folds, canonical }: { folds: boolean; canonical: (text: string) => string },
  cells: ByteColumn,
  { bytes, from, to, wide }: BroughtCells,
): number {
  const { count } = cells;
  const { sizeOfCells, macTexts, padded, firstBlocks, nextBlocks } = kernel.run;
  const text = kernel.take(sizeOfCells(from, to, count) + 32 * count);
  const [places, rest, told] = [kernel.take(count * 8), kernel.take(count * 4), kernel.take(4)];
  const keys = kernel.put(prf.subkeys);
  macTexts(bytes, from, to, wide, count, folds ? 1 : 0, text, places, keys, rest, told);
  for (let k = 0, others = kernel.words[told >>> 2]!; k < others; k++) {
    const i = kernel.words[(rest >>> 2) + k]!;
    const form = Buffer.from(canonical(cells.cellAt(i)!));
    // Behind the others: places count from the first of them.
    const at = kernel.take(form.length + 32);
    kernel.bytes.set(form, at);
    const end = padded(at, form.length, keys) >>> 0;
    kernel.words[(places >>> 2) + 2 * i] = (at - text) / 16;
    kernel.words[(places >>> 2) + 2 * i + 1] = (end - text) / 16;
  }
  const [blocks, sealed, out] = [kernel.take(count * 16), kernel.take(count * 16), kernel.take(count * 16)];
  const active = kernel.take(count * 4);
  firstBlocks(text, places, count, blocks, active);
  for (let left = count, level = 1; left > 0; level++) {
    const made = prf.seal(kernel.bytes.subarray(blocks, blocks + left * 16));
    made.copy(kernel.bytes, sealed);
    free(made);
    left = nextBlocks(text, places, left, level, blocks, active, sealed, out);
  }
  return out;
}
