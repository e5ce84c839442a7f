import type { ByteColumn } from './byte-column.ts';
import { type Kernels, kernels } from './kernels/kernels.ts';
import type { DomainKey } from './keys.ts';
import { PlacePermutation } from './place-permutation.ts';
import { Alphabet } from './place-ranks.ts';

/** Digits, small letters, capitals: each class keeps to itself. */
export const characterClasses = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** What stands for the first class in a shape, the others below it: bytes that UTF-8 has not. */
const firstClass = 0xff;
/** Free text has a shape a row; they are not worth keeping. */
const mostShapes = 2000;

/** What every text becomes under the permutation of its shape. Used by `code`, and by check-digit kinds for odd values. */
export class ShapePermutation {
  readonly #key: DomainKey;
  readonly #alphabets: readonly Alphabet[];
  readonly #small: (shape: string) => void;
  /** As kernels/assembly/shapes.ts reads them. */
  readonly #ranges: Uint8Array;
  /** By the codes of a shape: undefined where every byte stays. */
  readonly #shapes = new Map<string, PlacePermutation | undefined>();

  /**
   * @param alphabets up to three
   * @param small called for a shape of fewer than a million values; it may throw
   */
  constructor(key: DomainKey, alphabets: readonly string[], small: (shape: string) => void) {
    this.#key = key;
    this.#alphabets = alphabets.map((text) => new Alphabet(text));
    this.#small = small;
    this.#ranges = Uint8Array.from(
      this.#alphabets.flatMap(({ codes }, index) => rangesOf(codes).flatMap((range) => [...range, firstClass - index])),
    );
  }

  /** Cells of UTF-8; NULL and '' stay. */
  runBytes(cells: ByteColumn, out: ByteColumn, backwards = false): void {
    const { count } = cells;
    const kernel = kernels();
    kernel.within(() => {
      const { bytes, from, to } = kernel.bring(cells);
      const { sizeOfCells, copyCells } = kernel.run;
      const made = kernel.takeCells(count, sizeOfCells(from, to, count) + 16);
      const end = copyCells(bytes, from, to, count, made.bytes, made.from, made.to);
      this.permuteIn(kernel, made, count, backwards);
      kernel.give(out, count, made, end);
    });
    out.wide.set(cells.wide.subarray(0, count));
  }

  /** In place, on texts in the memory of the kernels: addresses. Those that are empty, or end below 0, stay. */
  permuteIn(
    kernel: Kernels,
    { bytes, from, to }: { readonly bytes: number; readonly from: number; readonly to: number },
    count: number,
    backwards = false,
  ): void {
    kernel.within(() => {
      const { sizeOfCells, groupShapes } = kernel.run;
      const codes = kernel.take(sizeOfCells(from, to, count) + 16 * count);
      const slots = 1 << (33 - Math.clz32(count));
      const [table, groups, starts] = [kernel.take(slots * 4), kernel.take(count * 4), kernel.take(count * 4)];
      const [told, ranges] = [kernel.take(count * 12), kernel.take(this.#ranges.length)];
      kernel.bytes.set(this.#ranges, ranges);
      const found = groupShapes(
        ...[bytes, from, to, count, ranges, this.#ranges.length / 3, codes, table, slots, groups, told, starts],
      );
      for (let g = 0, first = 0; g < found; g++) {
        const [at, length, end] = kernel.words.subarray((told >>> 2) + 3 * g);
        const permutation = this.#permutationOf(kernel.bytes, codes + at!, length!);
        permutation?.run(kernel, bytes, starts + 4 * first, end! - first, backwards);
        first = end!;
      }
    });
    if (this.#shapes.size > mostShapes) this.#shapes.clear();
  }

  #permutationOf(bytes: Buffer, at: number, length: number): PlacePermutation | undefined {
    const codes = bytes.toString('latin1', at, at + length);
    const known = this.#shapes.get(codes);
    if (known !== undefined || this.#shapes.has(codes)) return known;
    const permutation = this.#newPermutation(bytes.subarray(at, at + length));
    this.#shapes.set(codes, permutation);
    return permutation;
  }

  #newPermutation(codes: Uint8Array): PlacePermutation | undefined {
    const places: number[] = [];
    const alphabets: Alphabet[] = [];
    const name: number[] = [];
    for (const [k, code] of codes.entries()) {
      const alphabet = this.#alphabets[firstClass - code];
      if (alphabet === undefined) name.push(code);
      else {
        places.push(k);
        alphabets.push(alphabet);
        // A class is written with a character that no other byte can be, and counts from 1.
        name.push(0, 0x31 + firstClass - code);
      }
    }
    if (places.length === 0) return undefined;
    const shape = Buffer.from(name).toString();
    const purpose = `code\0${this.#alphabets.map(({ text }) => text).join('\0')}\0${shape}`;
    const permutation = new PlacePermutation(this.#key, purpose, places, alphabets);
    if (permutation.small) this.#small(shape);
    return permutation;
  }
}

/** Characters that follow each other in ASCII: of each range the first, and how many they are. */
function rangesOf(codes: Uint8Array): [number, number][] {
  const ranges: [number, number][] = [];
  for (const code of codes.toSorted()) {
    const last = ranges.at(-1);
    if (last !== undefined && last[0] + last[1] === code) last[1]++;
    else ranges.push([code, 1]);
  }
  return ranges;
}
