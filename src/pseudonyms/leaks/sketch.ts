/**
 * A keyed sketch of the originals of a copy, shared by all lanes: a Bloom filter of which every entry lies in two words.
 * It answers whether a print was added: never falsely no, and falsely yes in fewer than one of 1000 cases at its size.
 */
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { free, inLargePages } from '../../base/memory.ts';

/** Survives structured cloning; lanes that get it share the memory. Never written anywhere. */
export interface SharedSketch {
  words: Int32Array<SharedArrayBuffer>;
  /** Random, of this run: prints of another run, or guesses from outside, meet nothing. */
  seeds: Int32Array<SharedArrayBuffer>;
  /** How many sketches there are whose prints are to come into this one (`OwnSketch`). */
  apart: Int32Array<SharedArrayBuffer>;
}

const bitsOfEntry = 16;
const smallestBytes = 64 * 1024;
/** Of 268 million originals. */
export const largestSketchBytes = 512 * 1024 * 1024;

/** @param expected originals, each counted once for every row: too many is better than too few */
export function newSketch({ expected }: { expected: number }): SharedSketch {
  const wanted = (Math.max(0, expected) * bitsOfEntry) / 8;
  // A power of two, or three of one.
  let bytes = smallestBytes;
  while (bytes < wanted && bytes < largestSketchBytes) bytes = bytes % 3 === 0 ? (bytes / 3) * 4 : (bytes / 2) * 3;
  const seeds = new Int32Array(new SharedArrayBuffer(16));
  const random = randomBytes(16);
  for (let i = 0; i < 4; i++) seeds[i] = random.readInt32LE(i * 4);
  const words = new Int32Array(new SharedArrayBuffer(bytes));
  inLargePages(words);
  return { words, seeds, apart: new Int32Array(new SharedArrayBuffer(4)) };
}

/** Three bits of a word, from 15 bits of a print. */
function bitsOf(print: number): number {
  return (1 << (print & 31)) | (1 << ((print >>> 5) & 31)) | (1 << ((print >>> 10) & 31));
}

/** Of a sketch: how many parts its words have, two or three, each as long as a power of two; and the last word of one. */
interface Shape {
  readonly parts: number;
  readonly last: number;
}

function shapeOf({ length }: Int32Array): Shape {
  const parts = length % 3 === 0 ? 3 : 2;
  return { parts, last: length / parts - 1 };
}

/** The word of half a print: a part by its highest bits, and a place in that by its lowest. */
function wordOf(half: number, { parts, last }: Shape): number {
  return (half & last) + (((half >>> 24) * parts) >>> 8) * (last + 1);
}

/** Adds a print of two 32-bit words. */
export function addPrint({ words }: SharedSketch, a: number, b: number): void {
  addShared(words, shapeOf(words), a, b);
}

function addShared(words: Int32Array, shape: Shape, a: number, b: number): void {
  const [first, second] = [wordOf(a, shape), wordOf(b, shape)];
  const [firstBits, secondBits] = [bitsOf(Math.imul(b, 0x9e3779b1) >>> 8), bitsOf(Math.imul(a, 0x85ebca77) >>> 8)];
  // Most values come again: reading costs less than an atomic write.
  if ((words[first]! & firstBits) !== firstBits) Atomics.or(words, first, firstBits);
  if ((words[second]! & secondBits) !== secondBits) Atomics.or(words, second, secondBits);
}

/** Of all lanes together: more would take more memory than it is worth. */
const mostOwnBytes = 64 * 1024 * 1024;

/**
 * A sketch of one thread's own, as large as the shared one and seen by nobody else: adding to it takes a third of the time, since no
 * write must be atomic and no line of the cache belongs to another core. Its prints count once it is merged.
 */
export class OwnSketch {
  readonly words: Int32Array<ArrayBuffer>;
  readonly #sketch: SharedSketch;
  #isMerged = false;

  constructor(sketch: SharedSketch) {
    this.#sketch = sketch;
    this.words = new Int32Array(sketch.words.length);
    inLargePages(this.words);
    Atomics.add(sketch.apart, 0, 1);
  }

  /** Whether the sketch is so small that each of some lanes may have one of its own. */
  static isWorthwhile({ words }: SharedSketch, lanes: number): boolean {
    return words.byteLength * lanes <= mostOwnBytes;
  }

  /** Adds all of its prints to the shared sketch, and gives its memory back. Nothing can be added to it afterwards. */
  merge(): void {
    if (this.#isMerged) return;
    this.#isMerged = true;
    const { words, apart } = this.#sketch;
    const own = this.words;
    for (let at = 0; at < own.length; at++) if (own[at] !== 0) Atomics.or(words, at, own[at]!);
    Atomics.sub(apart, 0, 1);
    free(new Uint8Array(own.buffer));
  }
}

/** @throws HoldfastError `internal` when prints are still to come: what is not found in the sketch might be an original */
export function assertWhole({ apart }: SharedSketch): void {
  if (Atomics.load(apart, 0) === 0) return;
  throw new HoldfastError('internal', 'The sketch was to be searched before all originals are in it.');
}

/** Prints on their way into the sketch. */
const batchPrints = 1024;

/**
 * Adds prints by the thousand: each meets memory that is in no cache, and such waits overlap as long as nothing is
 * written between them. None is in the sketch before `flush`.
 */
export class PrintBatch {
  readonly #words: Int32Array;
  readonly #isOwn: boolean;
  readonly #shape: Shape;
  readonly #prints = new Int32Array(3 * batchPrints);
  #count = 0;
  /** Only so that the reading of the words is no idle work. */
  read = 0;

  constructor(sketch: SharedSketch | OwnSketch) {
    this.#words = sketch.words;
    this.#isOwn = sketch instanceof OwnSketch;
    this.#shape = shapeOf(sketch.words);
  }

  add(a: number, b: number): void {
    this.#prints[3 * this.#count] = a;
    this.#prints[3 * this.#count++ + 1] = b;
    if (this.#count === batchPrints) this.flush();
  }

  /** Adds many prints at once: the first two of every three words are one. */
  addAll(prints: Int32Array, from: number, count: number): void {
    if (this.#isOwn) this.#addOwn(prints, from, count);
    else this.#addShared(prints, from, count);
  }

  #addShared(prints: Int32Array, from: number, count: number): void {
    const [words, shape] = [this.#words, this.#shape];
    let read = 0;
    for (let at = from, end = from + 3 * count; at < end; ) {
      const until = Math.min(end, at + 3 * batchPrints);
      for (let k = at; k < until; k += 3)
        read ^= words[wordOf(prints[k]!, shape)]! ^ words[wordOf(prints[k + 1]!, shape)]!;
      for (; at < until; at += 3) addShared(words, shape, prints[at]!, prints[at + 1]!);
    }
    this.read = read;
  }

  /** Without atomic writes waits overlap by themselves. */
  #addOwn(prints: Int32Array, from: number, count: number): void {
    const [words, shape] = [this.#words, this.#shape];
    for (let at = from, end = from + 3 * count; at < end; at += 3) {
      const [a, b] = [prints[at]!, prints[at + 1]!];
      words[wordOf(a, shape)]! |= bitsOf(Math.imul(b, 0x9e3779b1) >>> 8);
      words[wordOf(b, shape)]! |= bitsOf(Math.imul(a, 0x85ebca77) >>> 8);
    }
  }

  flush(): void {
    this.addAll(this.#prints, 0, this.#count);
    this.#count = 0;
  }
}

export function hasPrint({ words }: SharedSketch, a: number, b: number): boolean {
  return isIn(words, shapeOf(words), a, b);
}

function isIn(words: Int32Array, shape: Shape, a: number, b: number): boolean {
  const firstBits = bitsOf(Math.imul(b, 0x9e3779b1) >>> 8);
  if ((words[wordOf(a, shape)]! & firstBits) !== firstBits) return false;
  const secondBits = bitsOf(Math.imul(a, 0x85ebca77) >>> 8);
  return (words[wordOf(b, shape)]! & secondBits) === secondBits;
}

/**
 * Keeps those of many prints that the sketch knows: they move to the front, in their order.
 *
 * @param prints three words each, the first two of which are the print; `count` of them from `from` on
 * @returns how many are known
 */
export function keepKnown({ words }: SharedSketch, prints: Int32Array, from: number, count: number): number {
  const shape = shapeOf(words);
  let kept = from;
  // Next to none is known: the memory that the next ones need is waited for at the same time.
  for (let at = from, end = from + 3 * count; at < end; at += 3) {
    const a = prints[at]!;
    const b = prints[at + 1]!;
    if (!isIn(words, shape, a, b)) continue;
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
