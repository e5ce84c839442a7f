import { ByteColumn } from '../byte-column.ts';
import { writeRegrouped } from '../byte-groups.ts';
import type { DomainKey } from '../keys.ts';
import { characterClasses, ShapePermutation } from '../shape-permutation.ts';

/**
 * What check-digit kinds have in common: a cell is stripped of its grouping, valid numbers become valid numbers, and all
 * other texts become other texts of their shape that are not valid either. So the whole is a permutation.
 */

/**
 * Writes the next cell of `out`: cell `i` of `originals` with the characters of cell `k` of `compacts` in place of its letters
 * and digits; as it is when their counts differ.
 */
export function regroup(originals: ByteColumn, i: number, compacts: ByteColumn, k: number, out: ByteColumn): void {
  const { bytes } = originals;
  let places = 0;
  for (let at = originals.from[i]!, end = originals.to[i]!; at < end; at++) places += alphanumeric[bytes[at]!]!;
  const from = compacts.from[k]!;
  const to = compacts.to[k]!;
  if (places === to - from) writeRegrouped(out, originals, i, compacts.bytes.subarray(from, to));
  else out.keep(compacts, k);
}

/** By byte: 1 for letters and digits. */
const alphanumeric = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9A-Za-z]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** How numbers of a kind may be written: with some characters (and spaces that do not break) between theirs. */
export class Grouping {
  readonly #between: RegExp;
  readonly #capitals: boolean;
  /** By byte: what it counts as; 256 for nothing. */
  readonly #as = Uint16Array.from({ length: 256 }, (_, byte) => byte);

  /** @param capitals whether small letters count as capitals */
  constructor(between: string, capitals: boolean) {
    this.#between = new RegExp(`[${between.replace('-', '\\-')}\u00a0]`, 'g');
    this.#capitals = capitals;
    for (const byte of Buffer.from(between)) this.#as[byte] = 256;
    if (capitals) for (let byte = 0x61; byte <= 0x7a; byte++) this.#as[byte] = byte - 0x20;
  }

  /** Whether cell `i` is already as `strip` would write it. */
  isPlain({ bytes, from, to, wide }: ByteColumn, i: number): boolean {
    if (wide[i] !== 0) return false;
    for (let k = from[i]!, end = to[i]!; k < end; k++) if (this.#as[bytes[k]!] !== bytes[k]) return false;
    return true;
  }

  /** Writes cell `i` without its grouping; NULL as ''. */
  strip(cells: ByteColumn, i: number, out: ByteColumn): void {
    if (cells.wide[i] !== 0 && cells.to[i]! >= 0) {
      const text = cells.cellAt(i)!.replace(this.#between, '');
      out.cell(this.#capitals ? text.toUpperCase() : text);
      return;
    }
    const { bytes } = cells;
    const [start, end] = [cells.from[i]!, cells.to[i]!];
    out.reserve(Math.max(0, end - start));
    const target = out.bytes;
    const as = this.#as;
    let at = out.at;
    for (let k = start; k < end; k++) {
      const byte = as[bytes[k]!]!;
      target[at] = byte;
      if (byte < 256) at++;
    }
    out.at = at;
    out.end();
  }
}

/** Numbers of a kind among texts. */
export interface NumberForm {
  readonly grouping: Grouping;
  /** Of a text without grouping. */
  isValid(bytes: Uint8Array, from: number, to: number): boolean;
  /** Bytes at the beginning of a cell that stay even where the number is not valid. */
  headLength?(bytes: Uint8Array, from: number, to: number): number;
}

/** For the first `count` cells at `where` of a column that `out` is still the same as. */
export type OddValues = (cells: ByteColumn, where: Int32Array, count: number, out: ByteColumn) => void;

/** The permutation of the shapes of texts, walked on while they are valid numbers. */
export function oddValues(key: DomainKey, { grouping, isValid, headLength }: NumberForm): OddValues {
  const shapes = new ShapePermutation(key, characterClasses, () => {});
  const left = new ByteColumn();
  const made = [new ByteColumn(), new ByteColumn()] as const;
  const stripped = new ByteColumn();
  return (cells, where, count, out) => {
    const at = where.slice(0, count);
    left.lieIn(cells, count);
    for (let k = 0; k < count; k++) {
      const i = where[k]!;
      const start = cells.from[i]!;
      left.from[k] = start + (headLength?.(cells.bytes, start, cells.to[i]!) ?? 0);
      left.to[k] = cells.to[i]!;
      left.wide[k] = cells.wide[i]!;
    }
    for (let turn = 0; left.count > 0; turn ^= 1) {
      const next = made[turn]!;
      shapes.runBytes(left, next);
      stripped.begin(left.count);
      let again = 0;
      for (let k = 0; k < left.count; k++) {
        const i = at[k]!;
        const [start, end] = [next.from[k]!, next.to[k]!];
        // Texts keep their length: this one ends where the original does.
        let to = out.to[i]! - (end - start);
        for (let from = start; from < end; from++) out.bytes[to++] = next.bytes[from]!;
        grouping.strip(out, i, stripped);
        if (!isValid(stripped.bytes, stripped.from[k]!, stripped.to[k]!)) continue;
        at[again] = i;
        left.from[again] = start;
        left.to[again] = end;
        left.wide[again++] = next.wide[k]!;
      }
      left.lieIn(next, again);
    }
  };
}
