/** Holds texts against the sketch: whole values, words, phrases, numbers, documents within texts. */
import type { ByteColumn } from '../byte-column.ts';
import { eachLeaf } from './admit.ts';
import { byteNumberRuns, type ToldRun } from './byte-numbers.ts';
import { mark } from './character-facts.ts';
import { Characters } from './characters.ts';
import { numberRuns, phoneDigits, phoneTail } from './numbers.ts';
import { eachLine, emailWithin } from './originals.ts';
import { hasPrint, printNumber, type SharedSketch } from './sketch.ts';
import { isVocabulary } from './vocabulary.ts';
import {
  finished,
  form,
  leadingPrint,
  leadingPrintOfWords,
  longestPhrase,
  mixed,
  shortestText,
  trait,
  Words,
} from './words.ts';

/**
 * Told of a print that the sketch knows.
 *
 * @param low it is a word in small letters
 * @param vocabulary it is a phrase of words of the built-in dictionaries alone
 */
export type Found = (print: number, low: boolean, vocabulary: boolean) => void;

export interface TextOptions {
  /** Bytes of no known kind: short words are chance. */
  noise?: boolean;
  /** Also where words are joined by `_`, `.` and `-`, as in names of files. */
  joined?: boolean;
}

/** Longer texts are cut into pieces of this many characters, which overlap by as many as a phrase may have. */
const pieceCharacters = 64 * 1024;
const overlap = 512;
const deepest = 4;
/** Words of which is kept whether the dictionaries have them; a power of two. */
const keptWords = 8192;
const plain: TextOptions = {};

export class TextScanner {
  readonly #sketch: SharedSketch;
  readonly #words: Words;
  readonly #lines: Words;
  readonly #characters: Characters;
  readonly #print = { a: 0, b: 0 };
  /** Words of the piece with digits that were found: a number is not counted twice for the ways in which it is known. */
  readonly #met = new Set<number>();
  /** Phrases under way: prints, and how many words they have. */
  readonly #openA = new Int32Array(longestPhrase);
  readonly #openB = new Int32Array(longestPhrase);
  readonly #openFrom = new Int32Array(longestPhrase);
  /** Prints of words, and what the vocabulary said of them: 1 no, 2 yes. */
  readonly #keptA = new Int32Array(keptWords);
  readonly #keptB = new Int32Array(keptWords);
  readonly #kept = new Uint8Array(keptWords);
  #found: Found = () => {};
  #fresh = 0;

  constructor(sketch: SharedSketch) {
    this.#sketch = sketch;
    this.#words = new Words(sketch);
    this.#lines = new Words(sketch);
    this.#characters = new Characters(sketch);
  }

  /** A value that may be a document: its leaves, and the names in it; else the text itself. */
  value(cell: string, found: Found, options: TextOptions = {}, depth = 0): void {
    if (cell.length < 4) return;
    const first = cell.charCodeAt(0);
    if (depth < deepest && (first === 0x7b || first === 0x5b || first === 0x22)) {
      let leaves = 0;
      eachLeaf(cell, (leaf, number) => {
        if (leaf === cell) return;
        leaves++;
        if (number) this.number(leaf, found);
        else this.value(leaf, found, options, depth + 1);
      });
      if (leaves > 0) return;
    }
    this.text(cell, found, options);
  }

  /** The cell of a column of numbers: only long ones are told from amounts and ids. */
  number(cell: string, found: Found): void {
    if (/^\d{10,19}$/.test(cell)) this.#compact(cell, cell.startsWith('0'), found);
  }

  /** `\x…` of a bytea. */
  bytes(hex: string, found: Found): void {
    if (hex.length < 18) return;
    const { a, b } = this.#characters.print(hex, 2, Math.min(hex.length, 4096));
    this.#look(form.bytes, a, b, found);
  }

  /** A cell of a column that holds numbers, as `number`. */
  numberAt({ bytes, from, to }: ByteColumn, i: number, found: Found): void {
    const [start, end] = [from[i]!, to[i]!];
    if (end - start < 10 || end - start > 19) return;
    for (let at = start; at < end; at++) if (bytes[at]! < 0x30 || bytes[at]! > 0x39) return;
    this.#compactBytes(bytes, start, end, bytes[start] === 0x30, found);
  }

  /** A cell as `value` takes it; no string is made of most. */
  valueAt(cells: ByteColumn, i: number, found: Found): void {
    const first = cells.bytes[cells.from[i]!];
    if (first === 0x7b || first === 0x5b || first === 0x22) {
      if (cells.to[i]! - cells.from[i]! >= 4) this.value(cells.cellAt(i)!, found);
    } else this.textAt(cells, i, found);
  }

  /** A cell as `text` takes it. */
  textAt(cells: ByteColumn, i: number, found: Found): void {
    const { bytes } = cells;
    const [from, to] = [cells.from[i]!, cells.to[i]!];
    if (to - from < 4) return;
    const words = this.#words;
    if (cells.wide[i] !== 0 || to - from > pieceCharacters) {
      this.text(cells.cellAt(i)!, found);
      return;
    }
    words.cutBytes(bytes, from, to);
    if ((words.marks & mark.code) !== 0 && holdsCode(bytes, from, to)) {
      this.text(cells.cellAt(i)!, found);
      return;
    }
    this.#search(from, found, plain);
    this.#leadingOfWords(from, to, found);
    words.release();
  }

  text(given: string, found: Found, options: TextOptions = {}): void {
    if (given.length < 4) return;
    const text = /%40|&#/.test(given) ? given.replace(/%40|&#(?:64|x40);/gi, '@') : given;
    if (text.length <= pieceCharacters) {
      this.#piece(text, 0, text.length, 0, found, options);
      if (this.#words.combining) this.#leading(text, found);
      else this.#leadingOfWords(0, text.length, found);
    } else {
      for (let from = 0; from < text.length; from += pieceCharacters - overlap) {
        const to = Math.min(text.length, from + pieceCharacters);
        this.#piece(text, from, to, from === 0 ? 0 : from + overlap, found, options);
        if (to === text.length) break;
      }
      this.#leading(text, found);
    }
    if (options.joined) {
      const apart = text.replace(/\.[a-z0-9]{1,5}$/i, '').replace(/[_./\\-]+/g, ' ');
      if (apart !== text) this.#piece(apart, 0, apart.length, 0, found, {});
    }
    this.#words.release();
  }

  /** Of a text of which all words are cut. */
  #leadingOfWords(from: number, to: number, found: Found): void {
    const words = this.#words;
    if (to - from < shortestText) return;
    const print = this.#print;
    if (leadingPrintOfWords(words, 0, from, to, print)) this.#lookLeading(found);
    if ((words.marks & mark.line) === 0) return;
    for (let start = from, first = 0; start <= to; ) {
      let end = start;
      while (end < to && words.codeAt(end) !== 0x0a) end++;
      while (first < words.count && words.from[first]! < start) first++;
      if ((end < to || start > from) && leadingPrintOfWords(words, first, start, end, print)) this.#lookLeading(found);
      start = end + 1;
    }
  }

  #lookLeading(found: Found): void {
    const { a, b } = this.#print;
    if (hasPrint(this.#sketch, a, b)) found(printNumber(a, b), false, false);
  }

  #leading(text: string, found: Found): void {
    if (text.length < shortestText) return;
    const print = this.#print;
    if (leadingPrint(this.#lines, text, 0, text.length, print)) this.#lookLeading(found);
    if (!text.includes('\n')) return;
    eachLine(text, (from, to) => {
      if (to < text.length || from > 0) if (leadingPrint(this.#lines, text, from, to, print)) this.#lookLeading(found);
    });
  }

  #look(of: number, a: number, b: number, found: Found): boolean {
    const [first, second] = [finished(a, of), finished(b, of)];
    if (!hasPrint(this.#sketch, first, second)) return false;
    found(printNumber(first, second), false, false);
    return true;
  }

  /** @param fresh what ends before it was looked at with the piece before */
  #piece(text: string, from: number, to: number, fresh: number, found: Found, options: TextOptions): void {
    this.#words.cut(text, from, to);
    this.#search(fresh, found, options);
  }

  /** Looks for the words that are cut, for phrases and numbers of them. */
  #search(fresh: number, found: Found, options: TextOptions): void {
    const words = this.#words;
    const { a: wordsA, b: wordsB, from: starts, to: ends, traits, count } = words;
    const sketch = this.#sketch;
    const [openA, openB, openFrom] = [this.#openA, this.#openB, this.#openFrom];
    const shortest = options.noise ? 8 : 4;
    let open = 0;
    let all = 0;
    const met = this.#met;
    if (met.size > 0) met.clear();
    for (let at = 0; at < count; at++) {
      const a = wordsA[at]!;
      const b = wordsB[at]!;
      const seen = traits[at]!;
      const end = ends[at]!;
      const isNew = end > fresh;
      if (isNew && end - starts[at]! >= shortest) {
        const first = finished(a, form.word);
        const second = finished(b, form.word);
        if (hasPrint(sketch, first, second)) {
          if ((seen & trait.digits) !== 0) met.add(at);
          this.#word(first, second, at, found);
        }
        if ((seen & trait.at) !== 0) this.#addressesAt(at, found);
      }
      all |= seen;
      // Phrases that this word goes on with, then the one that it begins with the word before.
      let kept = 0;
      for (let k = 0; k < open; k++) {
        const nextA = mixed(openA[k]!, a);
        const nextB = mixed(openB[k]!, b);
        const begun = openFrom[k]!;
        if (isNew) this.#phrase(nextA, nextB, begun, at, found);
        if (at - begun + 1 < longestPhrase) {
          openA[kept] = nextA;
          openB[kept] = nextB;
          openFrom[kept++] = begun;
        }
      }
      open = kept;
      if (at === 0) continue;
      const startA = mixed(wordsA[at - 1]!, a);
      const startB = mixed(wordsB[at - 1]!, b);
      if (!hasPrint(sketch, finished(startA, form.start), finished(startB, form.start))) continue;
      if (isNew) this.#phrase(startA, startB, at - 1, at, found);
      openA[open] = startA;
      openB[open] = startB;
      openFrom[open++] = at - 1;
    }
    if ((all & trait.digits) !== 0) this.#numbers(fresh, found);
  }

  #numbers(fresh: number, found: Found): void {
    const words = this.#words;
    if (words.bytes !== undefined) {
      this.#found = found;
      this.#fresh = fresh;
      byteNumberRuns(words, this.#run);
      return;
    }
    numberRuns(words, (compact, first, last, phone) => {
      if (this.#isCounted(first, last, fresh)) return;
      this.#compact(compact, phone, found);
    });
  }

  readonly #run: ToldRun = (codes, from, to, first, last, phone) => {
    if (!this.#isCounted(first, last, this.#fresh)) this.#compactBytes(codes, from, to, phone, this.#found);
  };

  #isCounted(first: number, last: number, fresh: number): boolean {
    return this.#words.to[last]! <= fresh || (first === last && this.#met.has(first));
  }

  #word(first: number, second: number, at: number, found: Found): void {
    const seen = this.#words.traits[at]!;
    const isPlain = (seen & (trait.digits | trait.at)) === 0;
    const low = isPlain && (seen & trait.capital) === 0;
    // Such a name alone is nobody's, and any copy is full of it.
    if (isPlain && this.#isKnown(first, second, at)) return;
    found(printNumber(first, second), low, false);
  }

  #phrase(a: number, b: number, from: number, last: number, found: Found): void {
    const [first, second] = [finished(a, form.phrase), finished(b, form.phrase)];
    if (!hasPrint(this.#sketch, first, second)) return;
    found(printNumber(first, second), false, this.#areKnown(from, last));
  }

  /** Whether a phrase is vocabulary. Where blanks part its words, it is when each of them is. */
  #areKnown(from: number, last: number): boolean {
    const words = this.#words;
    if (words.bytes === undefined) return isVocabulary(words.slice(words.from[from]!, words.to[last]!));
    for (let at = from; at < last; at++) {
      if (!hasBlank(words.bytes, words.to[at]!, words.from[at + 1]!))
        return isVocabulary(words.slice(words.from[from]!, words.to[last]!));
    }
    for (let at = from; at <= last; at++) {
      if (!this.#isKnown(finished(words.a[at]!, form.word), finished(words.b[at]!, form.word), at)) return false;
    }
    return true;
  }

  /** Whether a word is vocabulary. Any copy is full of names of which the sketch knows too: those are asked for again and again. */
  #isKnown(first: number, second: number, at: number): boolean {
    const words = this.#words;
    // Beyond ASCII words of one print may be written in several ways.
    if (words.bytes === undefined) return isVocabulary(words.slice(words.from[at]!, words.to[at]!));
    const slot = first & (keptWords - 1);
    if (this.#kept[slot] !== 0 && this.#keptA[slot] === first && this.#keptB[slot] === second)
      return this.#kept[slot] === 2;
    const known = isVocabulary(words.slice(words.from[at]!, words.to[at]!));
    this.#keptA[slot] = first;
    this.#keptB[slot] = second;
    this.#kept[slot] = known ? 2 : 1;
    return known;
  }

  /** Addresses within a word: behind `mailto:`, before `.pdf`. */
  #addressesAt(at: number, found: Found): void {
    const words = this.#words;
    const { bytes } = words;
    const [start, end] = [words.from[at]!, words.to[at]!];
    if (bytes === undefined || !isAddress(bytes, start, end)) {
      this.#addresses(words.slice(start, end), found);
      return;
    }
    // The word is one itself: what is shorter by the last of its labels, as long as two are left.
    let stop = end;
    for (let cut = 0; cut < 2; cut++) {
      let dot = stop - 1;
      while (bytes[dot] !== 0x2e) dot--;
      let other = dot - 1;
      while (bytes[other] !== 0x2e && bytes[other] !== 0x40) other--;
      if (bytes[other] === 0x40) return;
      stop = dot;
      this.#lines.cutBytes(bytes, start, stop);
      this.#lookLine(found);
    }
  }

  #lookLine(found: Found): void {
    const lines = this.#lines;
    if (lines.count === 1) this.#look(form.word, lines.a[0]!, lines.b[0]!, found);
  }

  #addresses(word: string, found: Found): void {
    const tried = new Set([word]);
    for (const [address] of word.matchAll(emailWithin)) {
      for (let each = address, cut = 0; cut < 3; cut++) {
        if (!tried.has(each)) {
          tried.add(each);
          this.#lines.cut(each);
          this.#lookLine(found);
        }
        const shorter = each.replace(/\.[\p{L}\p{N}-]+$/u, '');
        if (!/@.+\../.test(shorter)) break;
        each = shorter;
      }
    }
  }

  #compact(compact: string, phone: boolean, found: Found): void {
    const { a, b } = this.#characters.print(compact);
    if (this.#look(form.compact, a, b, found)) return;
    const tail = phone ? phoneTail(compact) : undefined;
    if (tail === undefined) return;
    const characters = this.#characters.print(tail);
    this.#look(form.phone, characters.a, characters.b, found);
  }

  /** @param phone only digits are in it */
  #compactBytes(codes: Buffer, from: number, to: number, phone: boolean, found: Found): void {
    const { a, b } = this.#characters.printBytes(codes, from, to);
    if (this.#look(form.compact, a, b, found) || !phone || to - from < phoneDigits) return;
    const characters = this.#characters.printBytes(codes, to - phoneDigits, to);
    this.#look(form.phone, characters.a, characters.b, found);
  }
}

/** `%40` and `&#64;` stand for an `@`. */
function holdsCode(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to - 1; at++) {
    if (bytes[at] === 0x26 && bytes[at + 1] === 0x23) return true;
    if (bytes[at] === 0x25 && bytes[at + 1] === 0x34 && at + 2 < to && bytes[at + 2] === 0x30) return true;
  }
  return false;
}

/** Whether what parts two words parts them for the vocabulary too. */
function hasBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return true;
    // , ; ( ) "
    if (byte === 0x2c || byte === 0x3b || byte === 0x28 || byte === 0x29 || byte === 0x22) return true;
  }
  return false;
}

/** Whether a word is an address and nothing else, as `emailWithin` has them. */
function isAddress(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  for (; at < to && bytes[at] !== 0x40; at++) if ((addressBytes[bytes[at]!]! & inLocal) === 0) return false;
  if (at === from || at === to) return false;
  let dots = 0;
  let label = 0;
  for (at++; at < to; at++) {
    const byte = bytes[at]!;
    if (byte === 0x2e) {
      if (label === 0) return false;
      label = 0;
      dots++;
    } else {
      if ((addressBytes[byte]! & inLabel) === 0) return false;
      label++;
    }
  }
  return dots > 0 && label > 0;
}

const inLocal = 1;
const inLabel = 2;
const addressBytes = new Uint8Array(256);
for (let byte = 0; byte < 128; byte++) {
  const char = String.fromCharCode(byte);
  if (/[A-Za-z0-9._%+-]/.test(char)) addressBytes[byte]! |= inLocal;
  if (/[A-Za-z0-9-]/.test(char)) addressBytes[byte]! |= inLabel;
}
