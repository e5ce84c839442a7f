/** What is looked for of one value: its words, phrases, numbers, addresses, by what kind of value it is. */
import type { Cell } from '../transformer.ts';
import { Characters } from './characters.ts';
import {
  compactOf,
  fewestDigits,
  isNobodys,
  isNobodysAddress,
  longestNumber,
  numbersWithin,
  phoneTail,
} from './numbers.ts';
import type { SharedSketch } from './sketch.ts';
import { finished, form, leadingPrint, longestPhrase, mixed, trait, Words } from './words.ts';

/** How surely a print is that of an original and of nothing else. */
export const strength = {
  /** An address, a number, a code: nobody else has it. */
  identifier: 1,
  /** One word of a name: it may be a word of the language too. */
  word: 2,
  /** Several words: of a name, a company, an address. */
  phrase: 4,
  /** Only tells where a phrase may begin. */
  start: 8,
} as const;

/** Told of each print of an original: two words of 32 bits, and how much it says. */
export type Admit = (a: number, b: number, strong: number) => void;

/** Takes one original. */
export type Admission = (cell: Cell) => void;

/** What kind of value a column holds, as far as originals go. */
export type Mode = 'names' | 'phrases' | 'places' | 'identifiers' | 'phone' | 'texts' | 'parts' | 'any' | 'bytes';

export interface Taker {
  take: Admission;
  /** Characters of a value that are enough; undefined where all of it is needed. */
  enough?: number;
}

/** Shorter values tell nobody apart. */
const shortestOriginal = 4;
/** Values of kinds that say nothing of them are texts when they are longer. */
const longestValue = 200;

/** Digits in hexadecimal, with the `\x`. */
const shortestBinary = 18;
const longestBinary = 4096;

/** Values of a bytea, `\x…`: as a whole, since what replaces them has nothing of them. */
export class BinaryOriginals implements Taker {
  readonly enough = longestBinary;
  readonly #characters: Characters;
  readonly #admit: Admit;

  constructor(sketch: Pick<SharedSketch, 'seeds'>, admit: Admit) {
    this.#characters = new Characters(sketch);
    this.#admit = admit;
  }

  readonly take = (cell: Cell): void => {
    if (cell === null || cell.length < shortestBinary) return;
    this.#characters.print(cell, 2, Math.min(cell.length, longestBinary));
    this.#give();
  };

  #give(): void {
    const { a, b } = this.#characters;
    this.#admit(finished(a, form.bytes), finished(b, form.bytes), strength.identifier);
  }
}

const noDigits = { digits: 0, length: 0, a: 0, b: 0 };

/** Originals as strings. Most are taken as bytes, column by column, by a kernel that says the same (column-originals.ts). */
export class Originals implements Taker {
  readonly mode: Exclude<Mode, 'bytes'>;
  readonly #words: Words;
  /** What stands within a text is cut apart from the text. */
  readonly #inner: Words;
  readonly #characters: Characters;
  readonly #admit: Admit;
  readonly #print = { a: 0, b: 0 };

  constructor(mode: Exclude<Mode, 'bytes'>, sketch: Pick<SharedSketch, 'seeds'>, admit: Admit) {
    this.mode = mode;
    this.#words = new Words(sketch);
    this.#inner = new Words(sketch);
    this.#characters = new Characters(sketch);
    this.#admit = admit;
  }

  readonly take = (cell: Cell): void => {
    if (cell === null || cell.length < shortestOriginal) return;
    const mode = this.mode;
    if (mode === 'texts' || (mode === 'any' && cell.length > longestValue)) this.#text(cell);
    else if (mode === 'parts') this.#parts(cell);
    else {
      const words = this.#words;
      words.cut(cell);
      if (words.count === 1) this.#single(cell);
      else if (words.count > 1) this.#several(cell);
      words.release();
    }
  };

  #give(of: number, a: number, b: number, strong: number): void {
    this.#admit(finished(a, of), finished(b, of), strong);
  }

  #single(cell: string): void {
    const words = this.#words;
    const [a, b, seen] = [words.a[0]!, words.b[0]!, words.traits[0]!];
    const length = words.to[0]! - words.from[0]!;
    if (length < shortestOriginal) return;
    const mode = this.mode;
    if ((seen & trait.at) !== 0) {
      this.#give(form.word, a, b, strength.identifier);
      return;
    }
    if ((seen & trait.digits) === 0) {
      if (mode === 'names' || mode === 'phrases') this.#give(form.word, a, b, strength.word);
      // Roots and admins are everybody's; what is long, or put together, is not.
      else if (mode === 'identifiers' && length >= ((seen & trait.mixed) !== 0 ? 6 : 12))
        this.#give(form.word, a, b, strength.identifier);
      return;
    }
    const { digits, length: size, a: compactA, b: compactB } = this.#characters.print(cell);
    if (digits === size) {
      if (digits < fewestDigits || isNobodys(compactOf(cell))) return;
    } else if (length < (mode === 'identifiers' ? 6 : 8)) return;
    if ((seen & trait.mixed) !== 0 && length < 16 && isNobodysAddress(cell)) return;
    const isNumber = digits >= fewestDigits && size <= longestNumber;
    // Of a number the search looks for its letters and digits, in one word or several.
    if (!isNumber || isNobodys(compactOf(cell))) this.#give(form.word, a, b, strength.identifier);
    if (!isNumber) return;
    this.#give(form.compact, compactA, compactB, strength.identifier);
    if (mode === 'phone') this.#phone(cell);
  }

  /** Of a telephone number. */
  #phone(text: string): void {
    const tail = phoneTail(text);
    if (tail === undefined) return;
    const { a, b } = this.#characters.print(tail);
    this.#give(form.phone, a, b, strength.identifier);
  }

  #several(cell: string): void {
    const words = this.#words;
    const mode = this.mode;
    const { count, traits } = words;
    let [seen, all] = [0, trait.capital | trait.letters];
    for (let at = 0; at < count; at++) {
      seen |= traits[at]!;
      all &= traits[at]!;
    }
    const { digits, length, a, b } = (seen & trait.digits) === 0 ? noDigits : this.#characters.print(cell);
    if (digits >= fewestDigits && mode !== 'places' && digits * 2 >= length) {
      if (length > longestNumber || (digits === length && isNobodys(compactOf(cell)))) return;
      this.#give(form.compact, a, b, strength.identifier);
      if (mode === 'phone') this.#phone(cell);
      return;
    }
    if ((seen & trait.at) !== 0 || digits >= fewestDigits) this.#parts(cell);
    // Of a kind that says nothing of its values only what is written as a name is.
    const named = mode === 'any' && count <= 4 && (all & trait.capital) !== 0 && (seen & trait.digits) === 0;
    const wanted = mode === 'names' || mode === 'phrases' || named || (mode === 'places' && digits > 0);
    if (wanted && cell.length >= 6 && count <= longestPhrase) this.#phrase(mode === 'names');
    else if (mode !== 'names') this.#leading(cell);
  }

  #phrase(partOfName: boolean): void {
    const words = this.#words;
    let [a, b] = [mixed(words.a[0]!, words.a[1]!), mixed(words.b[0]!, words.b[1]!)];
    this.#give(form.start, a, b, strength.start);
    for (let at = 2; at < words.count; at++) {
      a = mixed(a, words.a[at]!);
      b = mixed(b, words.b[at]!);
    }
    this.#give(form.phrase, a, b, partOfName ? strength.word : strength.phrase);
  }

  #text(cell: string): void {
    this.#leading(cell);
    this.#parts(cell);
  }

  /** By its first words, and by those of its lines. */
  #leading(text: string): void {
    const words = this.#words;
    const print = this.#print;
    this.#known(leadingPrint(words, text, 0, text.length, print));
    if (text.includes('\n')) eachLine(text, (start, end) => this.#known(leadingPrint(words, text, start, end, print)));
  }

  /** @param known whether there is such a print */
  #known(known: boolean): void {
    if (known) this.#admit(this.#print.a, this.#print.b, strength.phrase);
  }

  /** E-mail addresses and numbers that stand in a text. */
  #parts(text: string): void {
    if (text.includes('@')) {
      const inner = this.#inner;
      for (const [address] of text.matchAll(emailWithin)) {
        inner.cut(address);
        if (inner.count === 1) this.#give(form.word, inner.a[0]!, inner.b[0]!, strength.identifier);
      }
    }
    if (/\d\D?\d\D?\d\D?\d/.test(text)) {
      numbersWithin(text, (compact, phone) => {
        const { a, b, length } = this.#characters.print(compact);
        if (length > longestNumber) return;
        this.#give(form.compact, a, b, strength.identifier);
        if (phone) this.#phone(compact);
      });
    }
  }
}

/** Within words too: `mailto:`, or a file that is called after one. */
export const emailWithin = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu;

export function eachLine(text: string, told: (from: number, to: number) => void): void {
  for (let from = 0; from <= text.length; ) {
    let to = text.indexOf('\n', from);
    if (to < 0) to = text.length;
    told(from, to);
    from = to + 1;
  }
}
