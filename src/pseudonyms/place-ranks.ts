import type { Kernels } from './kernels/kernels.ts';

/** ASCII characters that become each other. */
export class Alphabet {
  readonly text: string;
  readonly codes: Uint8Array;

  constructor(text: string) {
    this.text = text;
    this.codes = Buffer.from(text, 'latin1');
  }
}

export const digitAlphabet = new Alphabet('0123456789');

/** Of characters that are counted as one part: a kernel has 32 bits for it. */
const largestProduct = 2 ** 32 - 1;
/** Digits that follow each other are read and written in one go. */
const mostDigits = 16;

interface Place {
  readonly at: number;
  readonly alphabet: Alphabet;
}

/** Characters that are counted as one part of a number. */
interface Part {
  readonly places: Place[];
  readonly digits: boolean;
  product: number;
}

/** From the last place on: a number of two large parts is divided once. */
function partsOf(places: readonly Place[]): Part[] {
  const parts: Part[] = [];
  for (const place of places.toReversed()) {
    const part = parts.at(-1);
    const digits = place.alphabet.text === digitAlphabet.text;
    const size = place.alphabet.codes.length;
    const fits = (to: Part): boolean =>
      digits ? to.places[0]!.at === place.at + 1 && to.places.length < mostDigits : to.product * size <= largestProduct;
    if (part?.digits === digits && fits(part)) {
      part.places.unshift(place);
      part.product *= size;
    } else parts.push({ places: [place], digits, product: size });
  }
  return parts.reverse();
}

/** What there is to do for every text, as kernels/assembly/ranks.ts reads it. */
function planOf(parts: readonly Part[], alphabets: ReadonlySet<Alphabet>): Int32Array {
  const others = parts.filter(({ digits }) => !digits);
  const placesAt = 16 + 256 + parts.length * 32;
  let charactersAt = placesAt + others.reduce((sum, { places }) => sum + places.length, 0) * 24;
  const characters = new Map<Alphabet, number>();
  for (const alphabet of alphabets) {
    characters.set(alphabet, charactersAt);
    charactersAt += alphabet.codes.length;
  }
  const plan = Buffer.alloc((charactersAt + 3) & -4);
  plan.writeInt32LE(parts.length, 0);
  plan.writeInt32LE(placesAt, 4);
  for (const [{ codes }, at] of characters) {
    plan.set(codes, at);
    for (let k = 0; k < codes.length; k++) plan[16 + codes[k]!] = k;
  }
  let next = 0;
  for (const [k, { places, digits, product }] of parts.entries()) {
    const at = 16 + 256 + k * 32;
    plan.writeInt32LE(places.length, at);
    plan.writeInt32LE(places[0]!.at, at + 4);
    plan.writeInt32LE(digits ? -1 : next, at + 8);
    // Up to 10^16: doubles have it to the last bit.
    plan.writeBigUInt64LE(BigInt(product), at + 16);
    plan.writeDoubleLE(1 / product, at + 24);
    if (digits) continue;
    for (const { at, alphabet } of places) {
      const place = placesAt + next++ * 24;
      plan.writeInt32LE(at, place);
      plan.writeInt32LE(alphabet.codes.length, place + 4);
      plan.writeInt32LE(characters.get(alphabet)!, place + 8);
      plan.writeDoubleLE(1 / alphabet.codes.length, place + 16);
    }
  }
  return new Int32Array(Uint8Array.from(plan).buffer);
}

/**
 * All texts with a character of some alphabet at each of some places, numbered by those characters: the last one counts
 * fastest. Numbers of up to 128 bits are worked out by a kernel, several characters at once.
 */
export class PlaceRanks {
  /** How many texts there are. */
  readonly size: bigint;
  readonly #places: readonly Place[];
  readonly #plan: Int32Array;

  /** @param alphabets one for each place; different ones share no character */
  constructor(places: readonly number[], alphabets: readonly Alphabet[]) {
    this.#places = places.map((at, k) => ({ at, alphabet: alphabets[k]! }));
    const parts = partsOf(this.#places);
    this.#plan = planOf(parts, new Set(alphabets));
    this.size = parts.reduce((size, { product }) => size * BigInt(product), 1n);
  }

  /**
   * Works out the numbers of `count` texts, for sizes up to 2^128.
   *
   * @param bytes an address, from which `starts` (the address of their places) counts
   * @param right bits of the right half
   * @param values the address of 16 bytes for each: two halves of 64 bits
   */
  read(kernel: Kernels, bytes: number, starts: number, count: number, right: number, values: number): void {
    kernel.within(() => kernel.run.readRanks(bytes, starts, count, kernel.put(this.#plan), right, values));
  }

  /** Writes the texts of such numbers over those that begin at `starts`. */
  write(kernel: Kernels, values: number, right: number, bytes: number, starts: number, count: number): void {
    kernel.within(() => kernel.run.writeRanks(values, right, count, kernel.put(this.#plan), bytes, starts));
  }

  /** The number of the text that begins at `start`; for any size. */
  readBig(bytes: Uint8Array, start: number): bigint {
    let rank = 0n;
    for (const { at, alphabet } of this.#places)
      rank = rank * BigInt(alphabet.codes.length) + BigInt(alphabet.codes.indexOf(bytes[start + at]!));
    return rank;
  }

  writeBig(value: bigint, bytes: Uint8Array, start: number): void {
    let left = value;
    for (let k = this.#places.length - 1; k >= 0; k--) {
      const { at, alphabet } = this.#places[k]!;
      const size = BigInt(alphabet.codes.length);
      bytes[start + at] = alphabet.codes[Number(left % size)]!;
      left /= size;
    }
  }
}
