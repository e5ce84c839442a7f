/** Cuts texts into words and takes their prints, both of originals and of what is searched: the two must agree. */
import { classMask, combining, digit, facts, letter, separator, upperBit } from './character-facts.ts';
import type { SharedSketch } from './sketch.ts';

/** What a print is of; part of the print. */
export const form = {
  /** One word, or anything without white space: a name, an e-mail address, a code. */
  word: 1,
  /** Several words. */
  phrase: 2,
  /** The first two words of a phrase: so that longer ones are tried only where they may be. */
  start: 3,
  /** A whole text, or a line of one. */
  text: 4,
  /** Letters and digits without what groups them: numbers of accounts, cards, identity. */
  compact: 5,
  /** The last nine digits of a telephone number, however it is written. */
  phone: 6,
  bytes: 7,
} as const;

/** Longest phrase that is searched within a text. */
export const longestPhrase = 6;

/** What was seen of a word beside its print. */
export const trait = { digits: 1, at: 2, mixed: 4, capital: 8, letters: 16 } as const;

/**
 * The words of one text, in arrays that are used again for the next: prints without a form, places, traits. Words are
 * what white space, brackets, quotes, commas and the like leave; punctuation around them is not theirs.
 */
export class Words {
  count = 0;
  /** What was cut. */
  text = '';
  /** Facts of all characters that were looked at, together. */
  marks = 0;
  /** It has combining characters: places are those of the composed text. */
  combining = false;
  a = new Int32Array(256);
  b = new Int32Array(256);
  from = new Int32Array(256);
  to = new Int32Array(256);
  traits = new Uint8Array(256);
  readonly #first: number;
  readonly #second: number;

  constructor({ seeds }: Pick<SharedSketch, 'seeds'>) {
    this.#first = seeds[0]!;
    this.#second = seeds[1]!;
  }

  /** @param from, to the part of the text to cut */
  cut(given: string, from = 0, to = given.length): void {
    this.count = 0;
    this.text = given;
    this.combining = false;
    const table = facts;
    let all = 0;
    let start = -1;
    let end = 0;
    let seen = 0;
    for (let at = from; at < to; at++) {
      const fact = table[given.charCodeAt(at)]!;
      const kind = fact & classMask;
      all |= fact;
      if (kind === separator) {
        if (start >= 0) this.#add(given, start, end, seen);
        start = -1;
        continue;
      }
      if (start < 0) {
        if (kind !== letter && kind !== digit) continue;
        start = at;
        seen = fact & upperBit;
      }
      if (kind === letter || kind === digit) {
        end = at + 1;
        seen |= kind === digit ? trait.digits : trait.letters;
      } else if (kind === combining) {
        // Composed characters are told apart from their parts; only few texts have any.
        const composed = given.slice(from, to).normalize('NFC');
        if (composed.length !== to - from) {
          this.cut(composed);
          this.combining = true;
          return;
        }
        this.combining = true;
        end = at + 1;
      } else seen |= fact >>> 8 === 0x40 ? trait.at : trait.mixed;
    }
    if (start >= 0) this.#add(given, start, end, seen);
    this.marks = all;
  }

  /** A part of what was cut. */
  slice(from: number, to: number): string {
    return this.text.slice(from, to);
  }

  /** The code unit at a place of what was cut. */
  codeAt(at: number): number {
    return this.text.charCodeAt(at);
  }

  /** A word of a string. Of ASCII the print is that of its bytes; other characters have more than a byte can hold. */
  #add(text: string, from: number, to: number, seen: number): void {
    const table = facts;
    let a = this.#first;
    let b = this.#second;
    let beyond = 0;
    for (let at = from; at < to; at += 4) {
      let word = 0;
      for (let k = 0; k < 4 && at + k < to; k++) {
        const unit = table[text.charCodeAt(at + k)]! >>> 8;
        if (unit > 127) beyond = Math.imul(beyond ^ unit, 0x27d4eb2f) + at + k - from;
        word |= (unit & 0xff) << (8 * k);
      }
      a = Math.imul(a ^ word, 0x85ebca6b);
      a ^= a >>> 15;
      b = Math.imul((b ^ word) + (b >>> 16), 0xc2b2ae35);
    }
    if (beyond !== 0) {
      a = mixed(a, beyond);
      b = mixed(b, beyond);
    }
    const at = this.count++;
    if (at === this.a.length) this.#grow();
    this.a[at] = a;
    this.b[at] = b;
    this.from[at] = from;
    this.to[at] = to;
    this.traits[at] = seen;
  }

  #grow(): void {
    const wider = <T extends Int32Array | Uint8Array>(array: T): T => {
      const made = new (array.constructor as new (length: number) => T)(array.length * 2);
      made.set(array);
      return made;
    };
    this.a = wider(this.a);
    this.b = wider(this.b);
    this.from = wider(this.from);
    this.to = wider(this.to);
    this.traits = wider(this.traits);
  }

  /** A long text must not keep its room for good. */
  release(): void {
    this.text = '';
    if (this.a.length <= 65536) return;
    for (const name of ['a', 'b', 'from', 'to'] as const) this[name] = new Int32Array(256);
    this.traits = new Uint8Array(256);
  }
}

/** Mixes a word into a running print of several, or a form into the print of one. */
export function mixed(print: number, next: number): number {
  const h = Math.imul(print ^ next, 0x27d4eb2f);
  return Math.imul(h ^ (h >>> 15), 0x165667b1) ^ (h >>> 13);
}

/** The same of a text, which has many, in fewer steps: a polynomial of the prints of its words. */
function followed(print: number, next: number): number {
  return (Math.imul(print, 0x27d4eb2f) + next) | 0;
}

/** The first words of a text or line stand for all of it, so that a long one costs no more than a short one. */
const leadingWords = 24;
const leadingCharacters = 400;
/** Fewer say nothing that only one could have written. */
const fewestWords = 5;
export const shortestText = 20;

/**
 * Takes the print of a text, or of a line of one, by its first words.
 *
 * @param words to cut it with
 * @returns false when it is too short to be known by
 */
export function leadingPrint(words: Words, text: string, from: number, to: number, into: { a: number; b: number }) {
  if (to - from < shortestText) return false;
  const end = Math.min(to, from + leadingCharacters);
  words.cut(text, from, end);
  return leadingOf(words, 0, end < to ? words.count - 1 : words.count, into);
}

/**
 * The same of a text or line of which the words are cut already. There must be no combining characters in it.
 *
 * @param first its first word, or any before its end when there is none
 * @param to where it ends among the places of the words
 */
export function leadingPrintOfWords(
  words: Words,
  first: number,
  from: number,
  to: number,
  into: { a: number; b: number },
): boolean {
  if (to - from < shortestText) return false;
  const end = Math.min(to, from + leadingCharacters);
  let last = first;
  // One more than are looked at: the last of a text that goes on does not count.
  while (last < words.count && words.from[last]! < end && last - first <= leadingWords) last++;
  return leadingOf(words, first, end < to ? last - 1 : last, into);
}

function leadingOf(words: Words, first: number, end: number, into: { a: number; b: number }): boolean {
  if (end - first < fewestWords) return false;
  const last = Math.min(end, first + leadingWords);
  let [a, b] = [words.a[first]!, words.b[first]!];
  for (let at = first + 1; at < last; at++) {
    a = followed(a, words.a[at]!);
    b = followed(b, words.b[at]!);
  }
  into.a = finished(a, form.text);
  into.b = finished(b, form.text);
  return true;
}

/** A finished print: every bit hangs on every bit. */
export function finished(print: number, of: number): number {
  let h = print ^ Math.imul(of, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
