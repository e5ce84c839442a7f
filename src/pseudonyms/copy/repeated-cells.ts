/**
 * Cells that come again and again, such as first names and towns: what became of one is kept, as its bytes, and every further
 * one costs a look. For kinds that go by the cell alone.
 */
import { ByteColumn, type CellEncoding } from '../byte-column.ts';
import type { ByteRun } from '../transformer.ts';

/** Longer ones seldom come again. */
const longestCell = 64;
const mostEntries = 8192;
const places = 2 * mostEntries;

const nothing: Buffer<ArrayBuffer> = Buffer.alloc(0);

/** Fewer are not worth looking for. */
const fewestCells = 64;
/** A share of repeated cells that pays for looking. */
const worthwhile = 1 / 8;
/** So many batches in a row that are not worth it, and the next ones go without. */
const patience = 2;
const pause = 30;

export class RepeatedCells {
  readonly #run: ByteRun;
  readonly #mostBytes: number;
  readonly #watch: ((cells: ByteColumn) => void) | undefined;
  /** 1 + an entry, by the hash of its cell; 0 where there is none. */
  readonly #table = new Int32Array(places);
  readonly #hash = new Int32Array(mostEntries);
  /** Of entries: where the original lies in `#originals`, and the pseudonym in the bytes of `#out`; below 0 for NULL. */
  readonly #givenFrom = new Int32Array(mostEntries);
  readonly #givenTo = new Int32Array(mostEntries);
  readonly #from = new Int32Array(mostEntries);
  readonly #to = new Int32Array(mostEntries);
  readonly #wide = new Uint8Array(mostEntries);
  #entries = 0;
  #originals = nothing;
  #originalsView = new DataView(this.#originals.buffer);
  #originalBytes = 0;
  #pool = nothing;
  #poolView = new DataView(this.#pool.buffer);
  /** Of the pool, that entries lie in. */
  #keptBytes = 0;
  /** Of each cell of a batch: its entry, or ~ its place among those that are transformed. */
  #which = new Int32Array(0);
  /** Of those that are transformed: the entry, or -1. */
  #entryOf = new Int32Array(0);
  readonly #missing: ByteColumn;
  readonly #made: ByteColumn;
  readonly #out: ByteColumn;
  #unworthy = 0;
  #paused = 0;

  /**
   * @param watch is shown every original once at least
   * @param bytes of originals that are kept at most, and of pseudonyms; those of one batch come on top
   */
  constructor(
    run: ByteRun,
    watch?: (cells: ByteColumn) => void,
    { encoding = 'utf8', bytes = 1 << 20 }: { encoding?: CellEncoding; bytes?: number } = {},
  ) {
    this.#run = run;
    this.#mostBytes = bytes;
    this.#watch = watch;
    this.#missing = new ByteColumn(encoding);
    this.#made = new ByteColumn(encoding);
    this.#out = new ByteColumn(encoding);
  }

  /** @returns the pseudonyms, until the next call */
  apply(cells: ByteColumn): ByteColumn {
    if (cells.count < fewestCells) return this.#transform(cells);
    if (this.#paused > 0) {
      this.#paused--;
      return this.#transform(cells);
    }
    const before = this.#entries;
    const missing = this.#look(cells);
    try {
      const made = missing === 0 ? undefined : this.#transform(this.#missing);
      if (made !== undefined) this.#keep(made, this.#entries > before);
      // None came before: they are as they were made.
      return missing === cells.count ? made! : this.#gather(cells.count);
    } catch (error) {
      // Some have an entry and nothing in it.
      this.#forget();
      throw error;
    } finally {
      if (cells.count - missing >= cells.count * worthwhile) this.#unworthy = 0;
      else if (++this.#unworthy === patience) this.#pause();
      else if (this.#keptBytes > this.#mostBytes) this.#forget();
    }
  }

  /** What does not come again now may do so later: other values may follow. */
  #pause(): void {
    this.#forget();
    // Room that nothing is in: every column of every lane would keep its own.
    this.#originals = this.#pool = nothing;
    this.#originalsView = this.#poolView = new DataView(nothing.buffer);
    this.#unworthy = 0;
    this.#paused = pause;
  }

  #transform(cells: ByteColumn): ByteColumn {
    this.#watch?.(cells);
    this.#run(cells, this.#made);
    return this.#made;
  }

  #forget(): void {
    this.#table.fill(0);
    this.#entries = this.#originalBytes = this.#keptBytes = 0;
  }

  /** Finds the entry of each cell, and gathers those that have none. @returns how many have none */
  #look(cells: ByteColumn): number {
    const { bytes, view, from, to, wide, count } = cells;
    const missing = this.#missing;
    missing.lieIn(cells, count);
    if (this.#which.length < count) {
      this.#which = new Int32Array(count);
      this.#entryOf = new Int32Array(count);
    }
    const [which, entryOf, table, hashes] = [this.#which, this.#entryOf, this.#table, this.#hash];
    this.#reserveOriginals(count);
    let taken = 0;
    for (let i = 0; i < count; i++) {
      const start = from[i]!;
      const end = to[i]!;
      let entry = -1;
      if (end >= start && end - start <= longestCell) {
        let hash = end - start;
        let at = start;
        for (; at <= end - 4; at += 4) {
          hash = Math.imul(hash ^ view.getInt32(at, true), 0x85ebca6b);
          hash ^= hash >>> 15;
        }
        for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
        hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
        hash ^= hash >>> 16;
        let place = hash & (places - 1);
        for (;;) {
          entry = table[place]! - 1;
          if (entry < 0 || (hashes[entry] === hash && this.#isOf(entry, cells, start, end))) break;
          place = (place + 1) & (places - 1);
        }
        if (entry >= 0) {
          which[i] = entry;
          continue;
        }
        // The rest of this batch goes without an entry when they are used up.
        if (this.#entries < mostEntries && this.#originalBytes + end - start <= this.#originals.length) {
          entry = this.#entries++;
          table[place] = entry + 1;
          hashes[entry] = hash;
          this.#remember(entry, cells, start, end);
          which[i] = entry;
        }
      }
      missing.from[taken] = start;
      missing.to[taken] = end;
      missing.wide[taken] = wide[i]!;
      entryOf[taken] = entry;
      if (entry < 0) which[i] = ~taken;
      taken++;
    }
    missing.resize(taken);
    return taken;
  }

  #reserveOriginals(count: number): void {
    const room = this.#originalBytes + count * longestCell;
    if (this.#originals.length >= Math.min(room, this.#mostBytes)) return;
    const before = this.#originals;
    this.#originals = Buffer.allocUnsafeSlow(Math.min(Math.max(room, before.length * 2), this.#mostBytes));
    this.#originalsView = new DataView(this.#originals.buffer);
    before.copy(this.#originals, 0, 0, this.#originalBytes);
  }

  #isOf(entry: number, { bytes, view }: ByteColumn, start: number, end: number): boolean {
    let at = this.#givenFrom[entry]!;
    if (this.#givenTo[entry]! - at !== end - start) return false;
    const kept = this.#originalsView;
    let k = start;
    for (; k <= end - 4; k += 4, at += 4) if (view.getInt32(k, true) !== kept.getInt32(at, true)) return false;
    for (; k < end; k++, at++) if (bytes[k] !== this.#originals[at]) return false;
    return true;
  }

  #remember(entry: number, { bytes }: ByteColumn, start: number, end: number): void {
    const kept = this.#originals;
    let at = this.#originalBytes;
    this.#givenFrom[entry] = at;
    for (let k = start; k < end; k++) kept[at++] = bytes[k]!;
    this.#givenTo[entry] = this.#originalBytes = at;
  }

  /** Puts what became of the cells that were transformed into the pool. @param forGood entries lie there */
  #keep({ bytes, from, to, wide, count }: ByteColumn, forGood: boolean): void {
    let [first, last] = [Number.MAX_SAFE_INTEGER, 0];
    for (let k = 0; k < count; k++) {
      if (to[k]! < 0) continue;
      if (from[k]! < first) first = from[k]!;
      if (to[k]! > last) last = to[k]!;
    }
    const length = Math.max(0, last - first);
    if (this.#pool.length < this.#keptBytes + length) {
      const before = this.#pool;
      this.#pool = Buffer.allocUnsafeSlow(Math.max(this.#keptBytes + length, before.length * 2, 4096));
      this.#poolView = new DataView(this.#pool.buffer);
      before.copy(this.#pool, 0, 0, this.#keptBytes);
    }
    if (length > 0) bytes.copy(this.#pool, this.#keptBytes, first, last);
    const moved = this.#keptBytes - first;
    for (let k = 0; k < count; k++) {
      const entry = this.#entryOf[k]!;
      if (entry < 0) continue;
      const isNull = to[k]! < 0;
      this.#from[entry] = isNull ? 0 : from[k]! + moved;
      this.#to[entry] = isNull ? -1 : to[k]! + moved;
      this.#wide[entry] = wide[k]!;
    }
    this.#moved = moved;
    if (forGood) this.#keptBytes += length;
  }
  /** From where a transformed cell of the batch at hand lies to where it is kept. */
  #moved = 0;

  #gather(count: number): ByteColumn {
    const [out, made, which] = [this.#out, this.#made, this.#which];
    out.lieIn({ bytes: this.#pool, view: this.#poolView }, count);
    const { from, to, wide } = out;
    for (let i = 0; i < count; i++) {
      const entry = which[i]!;
      if (entry >= 0) {
        from[i] = this.#from[entry]!;
        to[i] = this.#to[entry]!;
        wide[i] = this.#wide[entry]!;
        continue;
      }
      const isNull = made.to[~entry]! < 0;
      from[i] = isNull ? 0 : made.from[~entry]! + this.#moved;
      to[i] = isNull ? -1 : made.to[~entry]! + this.#moved;
      wide[i] = made.wide[~entry]!;
    }
    return out;
  }
}
