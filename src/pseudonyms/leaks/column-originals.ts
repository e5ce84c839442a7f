/** The originals of a column, taken by a kernel: most cells never become a string. */
import type { ByteColumn } from '../byte-column.ts';
import { kernels } from '../kernels/kernels.ts';
import type { Admission, Admit, Mode } from './originals.ts';
import type { SharedSketch } from './sketch.ts';

/** Told of `count` prints: each has three of the words from `at` on, which are what `Admit` takes. */
export type AdmitAll = (words: Int32Array, at: number, count: number) => void;

export function eachPrint(admit: Admit): AdmitAll {
  return (words, at, count) => {
    for (let k = at; k < at + 3 * count; k += 3) admit(words[k]!, words[k + 1]!, words[k + 2]!);
  };
}

/** By the numbers that the kernel knows them by. */
const modes: readonly Mode[] = ['names', 'phrases', 'places', 'identifiers', 'phone', 'texts', 'parts', 'any'];

/** A cell may have some hundred prints (its lines), and most have three at most. */
const room = 16_384;
const bytesOfPrint = 12;
/** Characters of a string that are taken at once: none may have more than 2^29. */
const longestString = 2 ** 26;

/** @param take the cells that the kernel leaves: those beyond ASCII, texts with numbers or addresses in them, long ones */
export function takeOriginals(
  cells: ByteColumn,
  mode: Mode,
  { seeds }: Pick<SharedSketch, 'seeds'>,
  admitAll: AdmitAll,
  take: Admission,
): void {
  const { count } = cells;
  if (count === 0) return;
  const kernel = kernels().begin();
  const brought = kernel.bring(cells);
  const settings = kernel.put(Int32Array.of(modes.indexOf(mode), ...seeds));
  const prints = kernel.take(room * bytesOfPrint);
  const rest = kernel.take(count * 4);
  const told = kernel.take(8);
  const { bytes, from, to, wide } = brought;
  const left: number[] = [];
  for (let first = 0; first < count; ) {
    first = kernel.run.takeOriginals(settings, bytes, from, to, wide, first, count, prints, room, rest, told);
    const { words } = kernel;
    admitAll(words, prints >>> 2, words[told >>> 2]!);
    for (let k = 0; k < words[(told >>> 2) + 1]!; k++) left.push(words[(rest >>> 2) + k]!);
  }
  for (const i of left) takeString(cells, i, take);
}

function takeString(cells: ByteColumn, i: number, take: Admission): void {
  const [start, end] = [cells.from[i]!, cells.to[i]!];
  if (end - start <= longestString) take(cells.cellAt(i));
  else
    for (let at = start; at < end; at += longestString)
      take(
        cells.bytes.toString(cells.wide[i] === 0 ? 'latin1' : cells.encoding, at, Math.min(end, at + longestString)),
      );
}
