/**
 * A keyed sketch of the originals of a copy, shared by all lanes: a Bloom filter of which every entry lies in two words.
 * It answers whether a print was added: never falsely no, and falsely yes in fewer than one of 1000 cases at its size.
 */
import { randomBytes } from 'node:crypto';
import { inLargePages } from '../../base/memory.ts';

/** Survives structured cloning; lanes that get it share the memory. Never written anywhere. */
export interface SharedSketch {
  words: Int32Array<SharedArrayBuffer>;
  /** Random, of this run: prints of another run, or guesses from outside, meet nothing. */
  seeds: Int32Array<SharedArrayBuffer>;
}

const bitsOfEntry = 16;
const smallestBytes = 64 * 1024;
/** Of 268 million originals. */
export const largestSketchBytes = 512 * 1024 * 1024;

/** @param expected originals, each counted once for every row: too many is better than too few */
export function newSketch({ expected }: { expected: number }): SharedSketch {
  const wanted = (Math.max(0, expected) * bitsOfEntry) / 8;
  let bytes = smallestBytes;
  while (bytes < wanted && bytes < largestSketchBytes) bytes *= 2;
  const seeds = new Int32Array(new SharedArrayBuffer(16));
  const random = randomBytes(16);
  for (let i = 0; i < 4; i++) seeds[i] = random.readInt32LE(i * 4);
  const words = new Int32Array(new SharedArrayBuffer(bytes));
  inLargePages(words);
  return { words, seeds };
}

/** Three bits of a word, from 15 bits of a print. */
function bitsOf(print: number): number {
  return (1 << (print & 31)) | (1 << ((print >>> 5) & 31)) | (1 << ((print >>> 10) & 31));
}

/** Adds a print of two 32-bit words. */
export function addPrint({ words }: SharedSketch, a: number, b: number): void {
  const last = words.length - 1;
  const [first, second] = [a & last, b & last];
  const [firstBits, secondBits] = [bitsOf(Math.imul(b, 0x9e3779b1) >>> 8), bitsOf(Math.imul(a, 0x85ebca77) >>> 8)];
  // Most values come again: reading costs less than an atomic write.
  if ((words[first]! & firstBits) !== firstBits) Atomics.or(words, first, firstBits);
  if ((words[second]! & secondBits) !== secondBits) Atomics.or(words, second, secondBits);
}

/** Prints on their way into the sketch. */
const batchPrints = 1024;

/**
 * Adds prints by the thousand: each meets memory that is in no cache, and such waits overlap as long as nothing is
 * written between them. None is in the sketch before `flush`.
 */
export class PrintBatch {
  readonly #sketch: SharedSketch;
  readonly #a = new Int32Array(batchPrints);
  readonly #b = new Int32Array(batchPrints);
  #count = 0;
  /** Only so that the reading of the words is no idle work. */
  read = 0;

  constructor(sketch: SharedSketch) {
    this.#sketch = sketch;
  }

  add(a: number, b: number): void {
    this.#a[this.#count] = a;
    this.#b[this.#count++] = b;
    if (this.#count === batchPrints) this.flush();
  }

  /** Adds many prints at once: the first two of every three words are one. */
  addAll(prints: Int32Array, from: number, count: number): void {
    const sketch = this.#sketch;
    const { words } = sketch;
    const last = words.length - 1;
    let read = 0;
    for (let at = from, end = from + 3 * count; at < end; ) {
      const until = Math.min(end, at + 3 * batchPrints);
      for (let k = at; k < until; k += 3) read ^= words[prints[k]! & last]! ^ words[prints[k + 1]! & last]!;
      for (; at < until; at += 3) addPrint(sketch, prints[at]!, prints[at + 1]!);
    }
    this.read = read;
  }

  flush(): void {
    const { words } = this.#sketch;
    const last = words.length - 1;
    const [a, b, count] = [this.#a, this.#b, this.#count];
    let read = 0;
    for (let at = 0; at < count; at++) read ^= words[a[at]! & last]! ^ words[b[at]! & last]!;
    this.read = read;
    for (let at = 0; at < count; at++) addPrint(this.#sketch, a[at]!, b[at]!);
    this.#count = 0;
  }
}

export function hasPrint({ words }: SharedSketch, a: number, b: number): boolean {
  const last = words.length - 1;
  const firstBits = bitsOf(Math.imul(b, 0x9e3779b1) >>> 8);
  if ((words[a & last]! & firstBits) !== firstBits) return false;
  const secondBits = bitsOf(Math.imul(a, 0x85ebca77) >>> 8);
  return (words[b & last]! & secondBits) === secondBits;
}

/**
 * Keeps those of many prints that the sketch knows: they move to the front, in their order.
 *
 * @param prints three words each, the first two of which are the print; `count` of them from `from` on
 * @returns how many are known
 */
export function keepKnown(sketch: SharedSketch, prints: Int32Array, from: number, count: number): number {
  let kept = from;
  // Next to none is known: the memory that the next ones need is waited for at the same time.
  for (let at = from, end = from + 3 * count; at < end; at += 3) {
    const a = prints[at]!;
    const b = prints[at + 1]!;
    if (!hasPrint(sketch, a, b)) continue;
    prints[kept] = a;
    prints[kept + 1] = b;
    prints[kept + 2] = prints[at + 2]!;
    kept += 3;
  }
  return (kept - from) / 3;
}

/** A print as one number of 53 bits: what is kept of a value in place of the value. */
export function printNumber(a: number, b: number): number {
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}
