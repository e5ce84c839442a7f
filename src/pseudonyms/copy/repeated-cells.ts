/**
 * Cells that come again and again, such as first names and towns: what became of one is kept, as its bytes, and every further
 * one costs a look. For kinds that go by the cell alone.
 */
import { ByteColumn, type CellEncoding } from '../byte-column.ts';
import { type Kernels, kernels } from '../kernels/kernels.ts';
import type { ByteRun } from '../transformer.ts';

/** Fewer are not worth looking for. */
const fewestCells = 64;
/** The kernel takes no more at once. */
const mostCells = 4096;
/** A share of repeated cells that pays for looking. */
const worthwhile = 1 / 8;
/** So many batches in a row that are not worth it, and the next ones go without. */
const patience = 2;
const pause = 30;

export class RepeatedCells {
  readonly #run: ByteRun;
  readonly #watch: ((cells: ByteColumn) => void) | undefined;
  readonly #missing: ByteColumn;
  readonly #made: ByteColumn;
  readonly #out: ByteColumn;
  #unworthy = 0;
  #paused = 0;

  /** @param watch is shown every original once at least */
  constructor(
    run: ByteRun,
    watch?: (cells: ByteColumn) => void,
    { encoding = 'utf8' }: { encoding?: CellEncoding } = {},
  ) {
    this.#run = run;
    this.#watch = watch;
    this.#missing = new ByteColumn(encoding);
    this.#made = new ByteColumn(encoding);
    this.#out = new ByteColumn(encoding);
  }

  /** @returns the pseudonyms, until the next call */
  apply(cells: ByteColumn): ByteColumn {
    const { count } = cells;
    if (count < fewestCells || count > mostCells) return this.#transform(cells);
    if (this.#paused > 0) {
      this.#paused--;
      return this.#transform(cells);
    }
    const kernel = kernels();
    const { forgetCells } = kernel.run;
    const { address: slot, isKept } = kernel.slot(this);
    if (!isKept) forgetCells(slot);
    let forgets = true;
    try {
      const missing = this.#look(kernel, slot, cells);
      const made = missing === 0 ? undefined : this.#transform(this.#missing);
      const full = this.#gather(kernel, slot, made, count, missing === count);
      if (count - missing >= count * worthwhile) this.#unworthy = 0;
      else if (++this.#unworthy === patience) this.#pause(kernel);
      forgets = full;
      // None came before: they are as they were made.
      return missing === count ? made! : this.#out;
    } finally {
      // Some may have an entry and nothing in it.
      if (forgets) forgetCells(slot);
    }
  }

  /** What does not come again now may do so later: other values may follow. */
  #pause(kernel: Kernels): void {
    kernel.giveUpSlot(this);
    this.#unworthy = 0;
    this.#paused = pause;
  }

  #transform(cells: ByteColumn): ByteColumn {
    this.#watch?.(cells);
    this.#run(cells, this.#made);
    return this.#made;
  }

  /** Finds what is known, and gathers what is not. @returns how many are not */
  #look(kernel: Kernels, slot: number, cells: ByteColumn): number {
    const { bytes, from, to, wide } = kernel.begin().bring(cells);
    const { lookCells, missingCells } = kernel.run;
    const taken = lookCells(slot, bytes, from, to, wide, cells.count);
    const missing = this.#missing;
    missing.lieIn(cells, taken);
    const at = missingCells(slot);
    const words = (place: number) => kernel.words.subarray(place >>> 2, (place >>> 2) + taken);
    missing.from.set(words(at));
    missing.to.set(words(at + 4 * mostCells));
    missing.wide.set(kernel.bytes.subarray(at + 8 * mostCells, at + 8 * mostCells + taken));
    return taken;
  }

  /**
   * Keeps what was made, and puts what became of all cells into `#out`.
   *
   * @param onlyMade it is all that there is, and need not be put anywhere
   * @returns whether there was no room for some of it
   */
  #gather(kernel: Kernels, slot: number, made: ByteColumn | undefined, count: number, onlyMade: boolean): boolean {
    const { keepCells, sizeOfGathered, gatherCells } = kernel.run;
    const { bytes, from, to, wide } = kernel.begin().bring(made ?? nothing);
    const full = keepCells(slot, bytes, from, to, wide, made?.count ?? 0) !== 0;
    if (onlyMade) return full;
    const out = kernel.takeCells(count, sizeOfGathered(slot, from, to, count));
    const outWide = kernel.take(count);
    const end = gatherCells(slot, bytes, from, to, wide, count, out.bytes, out.from, out.to, outWide);
    kernel.give(this.#out, count, out, end);
    this.#out.wide.set(kernel.bytes.subarray(outWide, outWide + count));
    return full;
  }
}

const nothing = new ByteColumn();
