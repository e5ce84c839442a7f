import type { ByteColumn } from '../byte-column.ts';
import { type BroughtCells, type Kernels, kernels } from '../kernels/kernels.ts';
import type { ShapePermutation } from '../shape-permutation.ts';
import type { ByteRun } from '../transformer.ts';

/**
 * What check-digit kinds have in common: a cell is stripped of its grouping, valid numbers become valid numbers, and all
 * other texts become other texts of their shape that are not valid either. So the whole is a permutation.
 */

/** How numbers of a kind may be written: with some characters (and spaces that do not break) between theirs. */
export class Grouping {
  /** As kernels/assembly/grouping.ts has them. */
  readonly flags: number;
  readonly #between: RegExp;
  readonly #capitals: boolean;

  /**
   * @param between of space, `-` and `.`: the first two, or all
   * @param capitals whether small letters count as capitals
   */
  constructor(between: ' -' | ' .-', capitals: boolean) {
    this.flags = (between === ' .-' ? 1 : 0) | (capitals ? 2 : 0);
    this.#between = new RegExp(`[${between.replace('-', '\\-')}\u00a0]`, 'g');
    this.#capitals = capitals;
  }

  /** A text, which may be beyond ASCII, without its grouping. */
  strip(text: string): string {
    const bare = text.replace(this.#between, '');
    return this.#capitals ? bare.toUpperCase() : bare;
  }
}

/** As kernels/assembly/number-kinds.ts has them. */
export const numberCodes = { iban: 0, siren: 1, siret: 2, vat: 3, 'national-id': 4, card: 5 } as const;

/** Bytes of an IBAN. */
const longestNumber = 34;

/** Numbers of a kind among texts. */
export interface NumberForm {
  readonly kind: keyof typeof numberCodes;
  readonly grouping: Grouping;
}

/** A column in the memory of the kernels: addresses. */
type Written = Omit<BroughtCells, 'wide'>;

/** Valid numbers without grouping, in the memory of the kernels: those of a column that are listed. */
export interface ValidNumbers extends Written {
  /** The address of which they are. */
  readonly list: number;
  readonly count: number;
}

/** Maps valid numbers to valid ones of the same length, one to one and in place. */
export type NumberMap = (kernel: Kernels, valid: ValidNumbers) => void;

/** The permutation of the texts of a column: `map` of those that are valid, and that of their shapes of all others. */
export function numberRun({ kind, grouping }: NumberForm, map: NumberMap, shapes: ShapePermutation): ByteRun {
  const code = numberCodes[kind];
  return (cells, out) => {
    const { count } = cells;
    const kernel = kernels().begin();
    const { sizeOfCells, findNumbers, regroupCells } = kernel.run;
    const { bytes, from, to, wide } = kernel.bring(cells);
    const size = sizeOfCells(from, to, count);
    const { bare, end, changed, beyond } = strip(kernel, grouping, cells, { bytes, from, to, wide }, size);
    const [valid, list] = [kernel.take(count), kernel.take(count * 4)];
    const found = findNumbers(code, bare.bytes, bare.from, bare.to, count, valid, list);
    if (found > 0) map(kernel, { ...bare, list, count: found });
    let [made, last] = [bare, end];
    if (changed) {
      made = kernel.takeCells(count, size + count * longestNumber + 16);
      const bareCells = [bare.bytes, bare.from, bare.to] as const;
      last = regroupCells(bytes, from, to, count, valid, ...bareCells, made.bytes, made.from, made.to);
    }
    if (found < count) {
      // Nothing needs them any more, unless they are the result: then there is no grouping, and none can come.
      const odd = { made, count, valid, wide, beyond, room: changed ? bare.bytes : 0 };
      moveOdd(kernel, { code, grouping }, shapes, odd);
    }
    kernel.give(out, count, made, last);
    // What stays of a text may be beyond ASCII.
    out.wide.set(cells.wide.subarray(0, count));
  };
}

/** @returns all cells without grouping, where those of ASCII end, whether any is not as it was, and which are beyond ASCII */
function strip(
  kernel: Kernels,
  grouping: Grouping,
  cells: ByteColumn,
  { bytes, from, to, wide }: BroughtCells,
  size: number,
): { bare: Written; end: number; changed: boolean; beyond: readonly number[] } {
  const { count } = cells;
  const bare = kernel.takeCells(count, size + 16);
  const [rest, told] = [kernel.take(count * 4), kernel.take(8)];
  const end = kernel.run.stripCells(
    ...[bytes, from, to, wide, count, grouping.flags, bare.bytes, bare.from, bare.to, rest, told],
  );
  const [resting, changed] = [kernel.words[told >>> 2]!, kernel.words[(told >>> 2) + 1]!];
  const beyond = Array.from(kernel.words.subarray(rest >>> 2, (rest >>> 2) + resting));
  for (const i of beyond) {
    const text = Buffer.from(grouping.strip(cells.cellAt(i)!));
    // Behind the others, from which places count.
    const at = kernel.take(text.length);
    kernel.bytes.set(text, at);
    kernel.words[(bare.from >>> 2) + i] = at - bare.bytes;
    kernel.words[(bare.to >>> 2) + i] = at - bare.bytes + text.length;
  }
  return { bare, end, changed: resting + changed > 0, beyond };
}

interface OddCells {
  readonly made: Written;
  readonly count: number;
  readonly valid: number;
  /** By cell; it is written over. */
  readonly wide: number;
  readonly beyond: readonly number[];
  /** As long as any cell; 0 when all are without grouping. */
  readonly room: number;
}

/** The permutation of the shapes of cells that are no valid numbers, walked on while they are some. */
function moveOdd(
  kernel: Kernels,
  { code, grouping }: { code: number; grouping: Grouping },
  shapes: ShapePermutation,
  { made, count, valid, wide, beyond, room }: OddCells,
): void {
  const { findOdd, oddNumbers, isNumber } = kernel.run;
  const { bytes, from, to } = made;
  const [where, oddFrom, oddTo] = [kernel.take(count * 4), kernel.take(count * 4), kernel.take(count * 4)];
  let left = findOdd(code, bytes, from, to, count, valid, where, oddFrom, oddTo);
  while (left > 0) {
    shapes.permuteIn(kernel, { bytes, from: oddFrom, to: oddTo }, left);
    for (const i of beyond) {
      const [start, end] = [kernel.words[(from >>> 2) + i]!, kernel.words[(to >>> 2) + i]!];
      const text = grouping.strip(kernel.bytes.toString('utf8', bytes + start, bytes + end));
      let is = 0;
      if (/^[0-9A-Z]{9,34}$/.test(text)) is = isNumber(code, room, room + kernel.bytes.write(text, room, 'latin1'));
      kernel.bytes[wide + i] = 1 + is;
    }
    left = oddNumbers(code, grouping.flags, bytes, from, wide, where, oddFrom, oddTo, left, room);
  }
}
