import type { ByteColumn } from './byte-column.ts';
import type { DomainKey } from './keys.ts';
import { PlacePermutation } from './place-permutation.ts';
import { Alphabet } from './place-ranks.ts';

/** Digits, small letters, capitals: each class keeps to itself. */
export const characterClasses = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Cells that have the same class of character, or the same other byte, at every position. */
interface Shape {
  /** Of every position: 256 + the class, or the byte that stays. */
  readonly codes: Uint16Array;
  /** Undefined where every byte stays. */
  readonly permutation: PlacePermutation | undefined;
  /** Cells of this batch that have it. */
  count: number;
  starts: Int32Array;
}

const noStarts = new Int32Array(0);
const noCodes = new Uint16Array(0);

/** What every text becomes under the permutation of its shape. Used by `code`, and by check-digit kinds for odd values. */
export class ShapePermutation {
  readonly #key: DomainKey;
  readonly #alphabets: readonly Alphabet[];
  readonly #small: (shape: string) => void;
  /** By a hash of their codes. */
  readonly #shapes = new Map<number, Shape[]>();
  #kept = 0;
  /** By byte: 256 + its class, or the byte itself. */
  readonly #codes = Uint16Array.from({ length: 256 }, (_, byte) => byte);
  /** Of every cell, in this batch. */
  #found: (Shape | undefined)[] = [];

  /** @param small called for a shape of fewer than a million values; it may throw */
  constructor(key: DomainKey, alphabets: readonly string[], small: (shape: string) => void) {
    this.#key = key;
    this.#alphabets = alphabets.map((text) => new Alphabet(text));
    this.#small = small;
    for (const [index, { codes }] of this.#alphabets.entries())
      for (const byte of codes) this.#codes[byte] = 256 + index;
  }

  /** Cells of UTF-8; NULL and '' stay. */
  runBytes(cells: ByteColumn, out: ByteColumn, backwards = false): void {
    const { count, bytes, from, to, wide } = cells;
    let total = 0;
    for (let i = 0; i < count; i++) if (to[i]! > from[i]!) total += to[i]! - from[i]!;
    out.begin(count);
    out.reserve(total);
    const target = out.bytes;
    const codeOf = this.#codes;
    const found = this.#found;
    let shape: Shape | undefined;
    let codes: Uint16Array = noCodes;
    let shapes = 0;
    for (let i = 0; i < count; i++) {
      const start = from[i]!;
      const length = to[i]! - start;
      if (length <= 0) {
        found[i] = undefined;
        shapes++;
        if (to[i]! < 0) out.nothing();
        else out.end();
        continue;
      }
      const at = out.at;
      let same = length === codes.length;
      if (same)
        for (let k = 0; k < length; k++) {
          const byte = bytes[start + k]!;
          target[at + k] = byte;
          if (codeOf[byte]! !== codes[k]!) same = false;
        }
      else for (let k = 0; k < length; k++) target[at + k] = bytes[start + k]!;
      if (!same) {
        shape = this.#shapeOf(bytes, start, length);
        codes = shape.codes;
        shapes++;
      }
      found[i] = shape;
      out.at = at + length;
      out.end(wide[i]);
    }
    // Most columns of codes have one shape; NULL counts here too.
    if (shapes === 1) shape?.permutation?.run(out.bytes, out.from, count, backwards);
    else this.#permute(out, backwards);
    // Free text has a shape a row; they are not worth keeping.
    if (this.#kept > 2000) {
      this.#shapes.clear();
      this.#kept = 0;
    }
  }

  /** What is in `out` becomes what it is to be. */
  #permute(out: ByteColumn, backwards: boolean): void {
    const { count, from } = out;
    const found = this.#found;
    const used: Shape[] = [];
    for (let i = 0; i < count; i++) {
      const shape = found[i];
      if (shape?.permutation !== undefined && shape.count++ === 0) used.push(shape);
    }
    for (const shape of used) {
      if (shape.starts.length < shape.count) shape.starts = new Int32Array(shape.count);
      shape.count = 0;
    }
    for (let i = 0; i < count; i++) {
      const shape = found[i];
      if (shape?.permutation !== undefined) shape.starts[shape.count++] = from[i]!;
    }
    for (const shape of used) {
      shape.permutation!.run(out.bytes, shape.starts, shape.count, backwards);
      shape.count = 0;
    }
  }

  #shapeOf(bytes: Buffer, start: number, length: number): Shape {
    let hash = length;
    for (let k = 0; k < length; k++) hash = Math.imul(hash ^ this.#codes[bytes[start + k]!]!, 0x0100_0193);
    const alike = this.#shapes.get(hash);
    const found = alike?.find(({ codes }) => this.#fits(bytes, start, length, codes));
    if (found !== undefined) return found;
    const shape = this.#newShape(bytes, start, length);
    if (alike === undefined) this.#shapes.set(hash, [shape]);
    else alike.push(shape);
    this.#kept++;
    return shape;
  }

  #fits(bytes: Buffer, start: number, length: number, codes: Uint16Array): boolean {
    if (length !== codes.length) return false;
    for (let k = 0; k < length; k++) if (this.#codes[bytes[start + k]!] !== codes[k]) return false;
    return true;
  }

  #newShape(bytes: Buffer, start: number, length: number): Shape {
    const codes = new Uint16Array(length);
    for (let k = 0; k < length; k++) codes[k] = this.#codes[bytes[start + k]!]!;
    const places: number[] = [];
    const alphabets: Alphabet[] = [];
    const name: number[] = [];
    for (const [k, code] of codes.entries()) {
      if (code < 256) name.push(code);
      else {
        places.push(k);
        alphabets.push(this.#alphabets[code - 256]!);
        // A class is written with a character that no other byte can be, and counts from 1.
        name.push(0, 0x31 + code - 256);
      }
    }
    if (places.length === 0) return { codes, permutation: undefined, count: 0, starts: noStarts };
    const shape = Buffer.from(name).toString();
    const purpose = `code\0${this.#alphabets.map(({ text }) => text).join('\0')}\0${shape}`;
    const permutation = new PlacePermutation(this.#key, purpose, places, alphabets);
    if (permutation.small) this.#small(shape);
    return { codes, permutation, count: 0, starts: noStarts };
  }
}
