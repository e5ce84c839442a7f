import type { Halves } from './binary-ff1.ts';

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

/** A product with a word of 32 bits, and a carry of its own size, is still counted exactly by a double. */
const largestProduct = 2 ** 21;
const word = 2 ** 32;
const perWord = 2 ** -32;

/** What there is to do for every text. */
interface Plan {
  /** Of every place: where it is from the start of a text on, and how many characters go there. */
  readonly at: Int32Array;
  readonly sizes: Int32Array;
  /** By byte: its place in its alphabet. */
  readonly ranks: Uint8Array;
  /** Places are counted in groups. Of every group: the place after its last, its product, and words of all up to it. */
  readonly ends: Int32Array;
  readonly products: Float64Array;
  readonly words: Int32Array;
  /** A group is written in steps. Of every group: the first one. */
  readonly firstSteps: Int32Array;
  /** Of every step: where its first character is, how many follow each other, and how many texts of them there are. */
  readonly stepAt: Int32Array;
  readonly stepLengths: Int32Array;
  readonly stepSizes: Int32Array;
  readonly stepInverses: Float64Array;
  /** Those texts, packed: the first character lowest. */
  readonly stepTexts: readonly Uint32Array[];
}

/** Up to three digits, or two letters: tables that stay in the nearest cache. */
const largestStep = 1024;
/** By the alphabets; there are few. */
const packed = new Map<string, Uint32Array>();

/** All texts of one character of each alphabet, in their order. */
function packedTexts(alphabets: readonly Alphabet[]): Uint32Array {
  const name = alphabets.map(({ text }) => text).join('\0');
  let texts = packed.get(name);
  if (texts === undefined) {
    let made = [0];
    for (const [k, { codes }] of alphabets.entries())
      made = made.flatMap((text) => Array.from(codes, (code) => text + code * 256 ** k));
    texts = Uint32Array.from(made);
    packed.set(name, texts);
  }
  return texts;
}

/**
 * All texts with a character of some alphabet at each of some places, numbered by those characters: the last one counts
 * fastest. Numbers of up to 128 bits are worked out in words of 32 bits, several characters at once: BigInt costs more than
 * the permutation of the number.
 */
export class PlaceRanks {
  /** How many texts there are. */
  readonly size: bigint;
  readonly #bits: number;
  readonly #plan: Plan;

  /** @param alphabets one for each place; different ones share no character */
  constructor(places: readonly number[], alphabets: readonly Alphabet[]) {
    const ends: number[] = [];
    const products: number[] = [];
    const words: number[] = [];
    const firstSteps: number[] = [];
    const steps: { at: number; alphabets: Alphabet[]; size: number }[] = [];
    const ranks = new Uint8Array(256);
    for (const { codes } of new Set(alphabets)) for (let k = 0; k < codes.length; k++) ranks[codes[k]!] = k;
    let size = 1n;
    let product = 1;
    const close = (end: number): void => {
      ends.push(end);
      products.push(product);
      size *= BigInt(product);
      words.push(Math.ceil((size - 1n).toString(16).length / 8));
      product = 1;
    };
    for (const [k, alphabet] of alphabets.entries()) {
      const characters = alphabet.codes.length;
      if (product * characters > largestProduct) close(k);
      const last = steps.at(-1);
      const follows = last !== undefined && last.at + last.alphabets.length === places[k];
      if (product > 1 && follows && last.alphabets.length < 4 && last.size * characters <= largestStep) {
        last.alphabets.push(alphabet);
        last.size *= characters;
      } else {
        if (product === 1) firstSteps.push(steps.length);
        steps.push({ at: places[k]!, alphabets: [alphabet], size: characters });
      }
      product *= characters;
    }
    close(alphabets.length);
    this.#plan = {
      at: new Int32Array(places),
      sizes: new Int32Array(alphabets.map(({ codes }) => codes.length)),
      ranks,
      ends: new Int32Array(ends),
      products: new Float64Array(products),
      words: new Int32Array(words),
      firstSteps: new Int32Array(firstSteps),
      stepAt: new Int32Array(steps.map(({ at }) => at)),
      stepLengths: new Int32Array(steps.map((step) => step.alphabets.length)),
      stepSizes: new Int32Array(steps.map((step) => step.size)),
      stepInverses: new Float64Array(steps.map((step) => 1 / step.size)),
      stepTexts: steps.map((step) => packedTexts(step.alphabets)),
    };
    this.size = size;
    this.#bits = (size - 1n).toString(2).length;
  }

  /**
   * The numbers of `count` texts, which begin at `starts`, in halves.
   *
   * @param right bits of the right half
   */
  read(bytes: Uint8Array, starts: Int32Array, count: number, right: number, h: Halves): void {
    if (this.#bits <= 53) this.#readNumbers(bytes, starts, count, right, h);
    else this.#readWords(bytes, starts, count, right, h);
  }

  /** Writes the texts of numbers in halves over those that begin at `starts`. */
  write(h: Halves, right: number, bytes: Uint8Array, starts: Int32Array, count: number): void {
    if (this.#bits <= 53) this.#writeNumbers(h, right, bytes, starts, count);
    else this.#writeWords(h, right, bytes, starts, count);
  }

  /** The number of the text that begins at `start`; for any size. */
  readBig(bytes: Uint8Array, start: number): bigint {
    const { at, sizes, ranks, ends, products } = this.#plan;
    let rank = 0n;
    let k = 0;
    for (const [g, end] of ends.entries()) {
      let part = 0;
      for (; k < end; k++) part = part * sizes[k]! + ranks[bytes[start + at[k]!]!]!;
      rank = rank * BigInt(products[g]!) + BigInt(part);
    }
    return rank;
  }

  writeBig(value: bigint, bytes: Uint8Array, start: number): void {
    const { stepAt, stepLengths, stepSizes, stepTexts } = this.#plan;
    let left = value;
    for (let step = stepAt.length - 1; step >= 0; step--) {
      const size = BigInt(stepSizes[step]!);
      const text = stepTexts[step]![Number(left % size)]!;
      left /= size;
      for (let k = 0; k < stepLengths[step]!; k++) bytes[start + stepAt[step]! + k] = text >>> (8 * k);
    }
  }

  #readNumbers(bytes: Uint8Array, starts: Int32Array, count: number, right: number, h: Halves): void {
    const { aHigh, aLow, bHigh, bLow } = h;
    const { at, sizes, ranks, ends, products } = this.#plan;
    const groups = ends.length;
    const split = 2 ** right;
    const perSplit = 1 / split;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      let rank = 0;
      for (let g = 0, k = 0; g < groups; g++) {
        const end = ends[g]!;
        let part = 0;
        for (; k < end; k++) part = Math.imul(part, sizes[k]!) + ranks[bytes[start + at[k]!]!]!;
        rank = rank * products[g]! + part;
      }
      const a = Math.floor(rank * perSplit);
      aLow[i] = a;
      bLow[i] = rank - a * split;
      aHigh[i] = 0;
      bHigh[i] = 0;
    }
  }

  #writeNumbers({ aLow, bLow }: Halves, right: number, bytes: Uint8Array, starts: Int32Array, count: number): void {
    const { products, firstSteps, stepAt, stepLengths, stepSizes, stepInverses, stepTexts } = this.#plan;
    const split = 2 ** right;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      let left = aLow[i]! * split + bLow[i]!;
      for (let g = products.length - 1, step = stepAt.length - 1; g >= 0; g--) {
        const product = products[g]!;
        const rest = Math.floor(left / product);
        let part = (left - rest * product) | 0;
        left = rest;
        for (const first = firstSteps[g]!; step >= first; step--) {
          // Half a unit more keeps the quotient clear of whole numbers, from which rounding could lead astray.
          const quotient = ((part + 0.5) * stepInverses[step]!) | 0;
          let text = stepTexts[step]![part - Math.imul(quotient, stepSizes[step]!)]!;
          part = quotient;
          for (let to = start + stepAt[step]!, end = to + stepLengths[step]!; to < end; to++) {
            bytes[to] = text;
            text >>>= 8;
          }
        }
      }
    }
  }

  #readWords(bytes: Uint8Array, starts: Int32Array, count: number, right: number, h: Halves): void {
    const { aHigh, aLow, bHigh, bLow } = h;
    const { at, sizes, ranks, ends, products, words } = this.#plan;
    const groups = ends.length;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      // From the lowest on.
      let w0 = 0;
      let w1 = 0;
      let w2 = 0;
      let w3 = 0;
      for (let g = 0, k = 0; g < groups; g++) {
        const end = ends[g]!;
        const product = products[g]!;
        const used = words[g]!;
        let part = 0;
        for (; k < end; k++) part = Math.imul(part, sizes[k]!) + ranks[bytes[start + at[k]!]!]!;
        let sum = w0 * product + part;
        w0 = sum >>> 0;
        if (used > 1) {
          sum = w1 * product + (sum - w0) * perWord;
          w1 = sum >>> 0;
          if (used > 2) {
            sum = w2 * product + (sum - w1) * perWord;
            w2 = sum >>> 0;
            if (used > 3) w3 = (w3 * product + (sum - w2) * perWord) >>> 0;
          }
        }
      }
      // Above 53 bits the right half has more than 26.
      if (right <= 32) {
        bHigh[i] = 0;
        bLow[i] = right === 32 ? w0 : w0 & ((1 << right) - 1);
        aHigh[i] = 0;
        aLow[i] = right === 32 ? w1 : (w0 >>> right) | (w1 << (32 - right));
      } else if (right === 64) {
        bHigh[i] = w1;
        bLow[i] = w0;
        aHigh[i] = w3;
        aLow[i] = w2;
      } else {
        const shift = right - 32;
        bHigh[i] = w1 & ((1 << shift) - 1);
        bLow[i] = w0;
        aHigh[i] = (w2 >>> shift) | (w3 << (32 - shift));
        aLow[i] = (w1 >>> shift) | (w2 << (32 - shift));
      }
    }
  }

  #writeWords(h: Halves, right: number, bytes: Uint8Array, starts: Int32Array, count: number): void {
    const { aHigh, aLow, bHigh, bLow } = h;
    const { products, words, firstSteps, stepAt, stepLengths, stepSizes, stepInverses, stepTexts } = this.#plan;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      const high = aLow[i]!;
      let w0 = bLow[i]!;
      let w1 = 0;
      let w2 = 0;
      let w3 = 0;
      if (right <= 32) {
        if (right === 32) w1 = high;
        else {
          w0 = (w0 | (high << right)) >>> 0;
          w1 = high >>> (32 - right);
        }
      } else if (right === 64) {
        w1 = bHigh[i]!;
        w2 = high;
        w3 = aHigh[i]!;
      } else {
        const shift = right - 32;
        w1 = (bHigh[i]! | (high << shift)) >>> 0;
        w2 = ((high >>> (32 - shift)) | (aHigh[i]! << shift)) >>> 0;
        w3 = aHigh[i]! >>> (32 - shift);
      }
      for (let g = products.length - 1, step = stepAt.length - 1; g >= 0; g--) {
        const product = products[g]!;
        const used = words[g]!;
        // Long division, from the highest word on.
        let rest = 0;
        if (used > 3) {
          const quotient = Math.floor(w3 / product);
          rest = w3 - quotient * product;
          w3 = quotient;
        }
        if (used > 2) {
          const dividend = rest * word + w2;
          w2 = Math.floor(dividend / product);
          rest = dividend - w2 * product;
        }
        if (used > 1) {
          const dividend = rest * word + w1;
          w1 = Math.floor(dividend / product);
          rest = dividend - w1 * product;
        }
        const dividend = rest * word + w0;
        w0 = Math.floor(dividend / product);
        let part = (dividend - w0 * product) | 0;
        for (const first = firstSteps[g]!; step >= first; step--) {
          const quotient = ((part + 0.5) * stepInverses[step]!) | 0;
          let text = stepTexts[step]![part - Math.imul(quotient, stepSizes[step]!)]!;
          part = quotient;
          for (let to = start + stepAt[step]!, end = to + stepLengths[step]!; to < end; to++) {
            bytes[to] = text;
            text >>>= 8;
          }
        }
      }
    }
  }
}
