/** Holds texts against the sketch: whole values, words, phrases, numbers, documents within texts. */
import { eachLeaf } from './admit.ts';
import { lineBit } from './character-facts.ts';
import { Characters } from './characters.ts';
import { KnownWords } from './known-words.ts';
import { numberRuns, phoneTail } from './numbers.ts';
import { eachLine, emailWithin } from './originals.ts';
import { assertWhole, hasPrint, printNumber, type SharedSketch } from './sketch.ts';
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

export class TextScanner {
  readonly sketch: SharedSketch;
  readonly known = new KnownWords();
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

  /** @throws HoldfastError `internal` when the sketch is not whole yet */
  constructor(sketch: SharedSketch) {
    assertWhole(sketch);
    this.sketch = sketch;
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
    if ((words.marks & lineBit) === 0) return;
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
    if (hasPrint(this.sketch, a, b)) found(printNumber(a, b), false, false);
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
    if (!hasPrint(this.sketch, first, second)) return false;
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
    const sketch = this.sketch;
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
    numberRuns(words, (compact, first, last, phone) => {
      if (words.to[last]! <= fresh || (first === last && this.#met.has(first))) return;
      this.#compact(compact, phone, found);
    });
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
    if (!hasPrint(this.sketch, first, second)) return;
    found(printNumber(first, second), false, this.#areKnown(from, last));
  }

  /** Whether a phrase is vocabulary. Where blanks part its words, it is when each of them is. */
  #areKnown(from: number, last: number): boolean {
    const words = this.#words;
    const [start, end] = [words.from[from]!, words.to[last]!];
    let isParted = isAscii(words, start, end);
    for (let at = from; isParted && at < last; at++) isParted = hasBlank(words, words.to[at]!, words.from[at + 1]!);
    if (!isParted) return isVocabulary(words.slice(start, end));
    for (let at = from; at <= last; at++)
      if (!this.#isKnown(finished(words.a[at]!, form.word), finished(words.b[at]!, form.word), at)) return false;
    return true;
  }

  /** Whether a word is vocabulary. Those of ASCII are asked for again and again. */
  #isKnown(first: number, second: number, at: number): boolean {
    const words = this.#words;
    const [start, end] = [words.from[at]!, words.to[at]!];
    if (!isAscii(words, start, end)) return isVocabulary(words.slice(start, end));
    const kept = this.known.get(first, second);
    if (kept !== undefined) return kept;
    const isKnown = isVocabulary(words.slice(start, end));
    this.known.set(first, second, isKnown);
    return isKnown;
  }

  /** Addresses within a word: behind `mailto:`, before `.pdf`. */
  #addressesAt(at: number, found: Found): void {
    this.#addresses(this.#words.slice(this.#words.from[at]!, this.#words.to[at]!), found);
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
}

function isAscii(words: Words, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (words.codeAt(at) > 127) return false;
  return true;
}

/** Whether what parts two words of ASCII parts them for the vocabulary too. */
function hasBlank(words: Words, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = words.codeAt(at);
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return true;
    // , ; ( ) "
    if (code === 0x2c || code === 0x3b || code === 0x28 || code === 0x29 || code === 0x22) return true;
  }
  return false;
}
