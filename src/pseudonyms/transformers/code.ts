import { HoldfastError } from '../../base/errors.ts';
import { smallDomain } from '../ff1.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Permutation } from '../permutation.ts';
import {
  assertType,
  type Cell,
  type ColumnFacts,
  type Guarantee,
  type Run,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

const characterClasses = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Cells that have the same class of character, or the same other character, at every position. */
interface Shape {
  /** Of every position: 1 + the class, or 0 where the character stays. */
  readonly classes: Uint8Array;
  /** The code units that stay; 0 elsewhere. */
  readonly literals: Uint16Array;
  readonly permutation: Permutation | undefined;
  readonly exact: boolean;
  readonly numbers: number[];
  readonly bigints: bigint[];
  readonly where: number[];
}

/** What every text becomes under the permutation of its shape. Used by `code`, and by check-digit kinds for odd values. */
export class ShapePermutation {
  readonly #key: DomainKey;
  readonly #alphabets: readonly string[];
  readonly #small: (shape: string) => void;
  readonly #shapes = new Map<string, Shape>();
  /** By code unit below 128: 1 + class, and the rank within it. */
  readonly #classOf = new Uint8Array(128);
  readonly #rankOf = new Uint8Array(128);

  /** @param small called for a shape of fewer than a million values; it may throw */
  constructor(key: DomainKey, alphabets: readonly string[], small: (shape: string) => void) {
    this.#key = key;
    this.#alphabets = alphabets;
    this.#small = small;
    alphabets.forEach((alphabet, index) => {
      for (let k = 0; k < alphabet.length; k++) {
        this.#classOf[alphabet.charCodeAt(k)] = index + 1;
        this.#rankOf[alphabet.charCodeAt(k)] = k;
      }
    });
  }

  run(cells: readonly Cell[], out: Cell[], backwards = false): void {
    let shape: Shape | undefined;
    const used = new Set<Shape>();
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!;
      if (!cell) {
        out[i] = cell;
        continue;
      }
      if (shape === undefined || !this.#fits(cell, shape)) shape = this.#shapeOf(cell);
      if (shape.permutation === undefined) {
        out[i] = cell;
        continue;
      }
      used.add(shape);
      shape.where.push(i);
      if (shape.exact) shape.numbers.push(this.#rank(cell, shape));
      else shape.bigints.push(this.#bigRank(cell, shape));
    }
    for (const group of used) this.#permute(group, out, backwards);
    // Free text has a shape a row; they are not worth keeping.
    if (this.#shapes.size > 2000) this.#shapes.clear();
  }

  #fits(cell: string, { classes, literals }: Shape): boolean {
    if (cell.length !== classes.length) return false;
    for (let k = 0; k < cell.length; k++) {
      const unit = cell.charCodeAt(k);
      const known = unit < 128 ? this.#classOf[unit]! : 0;
      if (known !== classes[k] || (known === 0 && unit !== literals[k])) return false;
    }
    return true;
  }

  #shapeOf(cell: string): Shape {
    const classes = new Uint8Array(cell.length);
    const literals = new Uint16Array(cell.length);
    let size = 1n;
    let name = '';
    for (let k = 0; k < cell.length; k++) {
      const unit = cell.charCodeAt(k);
      const known = unit < 128 ? this.#classOf[unit]! : 0;
      classes[k] = known;
      if (known === 0) literals[k] = unit;
      else size *= BigInt(this.#alphabets[known - 1]!.length);
      // A class is written with a character that no literal can be.
      name += known === 0 ? cell[k] : `\0${known}`;
    }
    const found = this.#shapes.get(name);
    if (found !== undefined) return found;
    const permutation =
      size === 1n ? undefined : new Permutation(this.#key, `code\0${this.#alphabets.join('\0')}\0${name}`, size);
    if (permutation?.small) this.#small(name);
    const exact = size <= 2n ** 53n;
    const shape = { classes, literals, permutation, exact, numbers: [], bigints: [], where: [] };
    this.#shapes.set(name, shape);
    return shape;
  }

  #rank(cell: string, { classes }: Shape): number {
    let rank = 0;
    for (let k = 0; k < cell.length; k++) {
      const known = classes[k]!;
      if (known !== 0) rank = rank * this.#alphabets[known - 1]!.length + this.#rankOf[cell.charCodeAt(k)]!;
    }
    return rank;
  }

  #bigRank(cell: string, { classes }: Shape): bigint {
    let rank = 0n;
    for (let k = 0; k < cell.length; k++) {
      const known = classes[k]!;
      if (known !== 0)
        rank = rank * BigInt(this.#alphabets[known - 1]!.length) + BigInt(this.#rankOf[cell.charCodeAt(k)]!);
    }
    return rank;
  }

  #permute(shape: Shape, out: Cell[], backwards: boolean): void {
    const { classes, literals, where, numbers, bigints } = shape;
    const units = new Uint16Array(classes.length);
    const write = (at: number, digit: (size: number) => number): void => {
      for (let k = classes.length - 1; k >= 0; k--) {
        const alphabet = this.#alphabets[classes[k]! - 1];
        units[k] = alphabet === undefined ? literals[k]! : alphabet.charCodeAt(digit(alphabet.length));
      }
      out[at] = textOf(units);
    };
    if (shape.exact) {
      const values = Float64Array.from(numbers);
      shape.permutation!.numbers(values, values.length, backwards);
      // One buffer for the shape's cells, and one string of it: a call for each cell would cost more than its cipher.
      const width = classes.length;
      const text = Buffer.allocUnsafe(values.length * width * 2);
      for (let i = 0; i < values.length; i++) {
        let left = values[i]!;
        for (let k = width - 1, at = (i + 1) * width * 2 - 2; k >= 0; k--, at -= 2) {
          const alphabet = this.#alphabets[classes[k]! - 1];
          let unit = literals[k]!;
          if (alphabet !== undefined) {
            const rest = Math.floor(left / alphabet.length);
            unit = alphabet.charCodeAt(left - rest * alphabet.length);
            left = rest;
          }
          text[at] = unit & 0xff;
          text[at + 1] = unit >> 8;
        }
      }
      const whole = text.toString('utf16le');
      for (let i = 0; i < values.length; i++) out[where[i]!] = whole.slice(i * width, (i + 1) * width);
    } else {
      shape.permutation!.bigints(bigints, bigints.length, backwards);
      for (let i = 0; i < bigints.length; i++) {
        let left = bigints[i]!;
        write(where[i]!, (size) => {
          const digit = Number(left % BigInt(size));
          left /= BigInt(size);
          return digit;
        });
      }
    }
    where.length = numbers.length = bigints.length = 0;
  }
}

/** In pieces: a call takes some ten thousand arguments. */
function textOf(units: Uint16Array): string {
  if (units.length < 4096) return String.fromCharCode(...units);
  let text = '';
  for (let at = 0; at < units.length; at += 4096) text += String.fromCharCode(...units.subarray(at, at + 4096));
  return text;
}

/**
 * Digits become digits, small letters small letters, capitals capitals; all other characters stay. With `alphabet`, its
 * characters become each other, and all others stay. A permutation of all texts of a shape (FF1).
 */
export function code(options: Options): Transformer {
  const alphabet = options.text('alphabet');
  const small = options.choice('small', ['refuse', 'shuffle'], 'refuse');
  options.done();
  if (alphabet !== undefined) {
    const plain = /^[\x20-\x7e]{2,}$/.test(alphabet) && new Set(alphabet).size === alphabet.length;
    if (!plain)
      throw new HoldfastError('config', 'The option `alphabet` of `code` is wrong.', {
        why: 'It must be two or more different ASCII characters.',
      });
  }
  const guarantee = (column: ColumnFacts): Guarantee => {
    assertType('code', column, 'text');
    return {
      uniqueness: 'bijective',
      maxLength: undefined,
      nulls: 'kept',
      empty: 'kept',
      canonical: 'the text itself',
      reversible: true,
    };
  };
  const run = (key: DomainKey, column: ColumnFacts, backwards: boolean): Run => {
    guarantee(column);
    const shapes = new ShapePermutation(key, alphabet === undefined ? characterClasses : [alphabet], () => {
      if (small === 'shuffle') return;
      const { why, hint } = smallDomain();
      throw new HoldfastError('config', unfitValue('code', column, '').message, { why: why!, hint: hint! });
    });
    return (cells, out) => shapes.run(cells, out, backwards);
  };
  return {
    kind: 'code',
    companions: [],
    guarantee,
    prepare: ({ key, column }) => run(key, column, false),
    reveal: ({ key, column }) => run(key, column, true),
  };
}

export { characterClasses };
