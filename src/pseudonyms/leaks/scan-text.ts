/** Holds texts against the sketch: whole values, words, phrases, numbers, documents within texts. */
import { eachLeaf, eachLine, emailWithin } from './admit.ts';
import { numberRuns, phoneTail } from './numbers.ts';
import { hasPrint, printNumber, type SharedSketch } from './sketch.ts';
import { isVocabulary } from './vocabulary.ts';
import { Characters, finished, form, leadingPrint, longestPhrase, mixed, shortestText, trait, Words } from './words.ts';

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
  readonly #sketch: SharedSketch;
  readonly #words: Words;
  readonly #lines: Words;
  readonly #characters: Characters;
  readonly #print = { a: 0, b: 0 };
  /** Words of the piece that were found: a number is not counted twice for the ways in which it is known. */
  readonly #met = new Set<number>();
  /** Phrases under way: prints, and how many words they have. */
  readonly #openA = new Int32Array(longestPhrase);
  readonly #openB = new Int32Array(longestPhrase);
  readonly #openFrom = new Int32Array(longestPhrase);

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

  text(given: string, found: Found, options: TextOptions = {}): void {
    if (given.length < 4) return;
    const text = /%40|&#/.test(given) ? given.replace(/%40|&#(?:64|x40);/gi, '@') : given;
    if (text.length <= pieceCharacters) this.#piece(text, 0, text.length, 0, found, options);
    else {
      for (let from = 0; from < text.length; from += pieceCharacters - overlap) {
        const to = Math.min(text.length, from + pieceCharacters);
        this.#piece(text, from, to, from === 0 ? 0 : from + overlap, found, options);
        if (to === text.length) break;
      }
    }
    this.#leading(text, found);
    if (options.joined) {
      const apart = text.replace(/\.[a-z0-9]{1,5}$/i, '').replace(/[_./\\-]+/g, ' ');
      if (apart !== text) this.#piece(apart, 0, apart.length, 0, found, {});
    }
    this.#words.release();
  }

  #leading(text: string, found: Found): void {
    if (text.length < shortestText) return;
    const print = this.#print;
    const look = () => {
      if (hasPrint(this.#sketch, print.a, print.b)) found(printNumber(print.a, print.b), false, false);
    };
    if (leadingPrint(this.#lines, text, 0, text.length, print)) look();
    if (!text.includes('\n')) return;
    eachLine(text, (from, to) => {
      if (to < text.length || from > 0) if (leadingPrint(this.#lines, text, from, to, print)) look();
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
    const words = this.#words;
    words.cut(text, from, to);
    const sketch = this.#sketch;
    let open = 0;
    let digits = false;
    const met = this.#met;
    met.clear();
    for (let at = 0; at < words.count; at++) {
      const [a, b, seen] = [words.a[at]!, words.b[at]!, words.traits[at]!];
      const [start, end] = [words.from[at]!, words.to[at]!];
      const isNew = end > fresh;
      if (isNew && end - start >= (options.noise ? 8 : 4)) {
        const [first, second] = [finished(a, form.word), finished(b, form.word)];
        if (hasPrint(sketch, first, second)) {
          met.add(at);
          this.#word(first, second, at, found);
        }
        if ((seen & trait.at) !== 0) this.#addresses(words.text.slice(start, end), found);
      }
      if ((seen & trait.digits) !== 0) digits = true;
      // Phrases that this word goes on with, then the one that it begins with the word before.
      let kept = 0;
      for (let k = 0; k < open; k++) {
        const nextA = mixed(this.#openA[k]!, a);
        const nextB = mixed(this.#openB[k]!, b);
        const begun = this.#openFrom[k]!;
        if (isNew) this.#phrase(nextA, nextB, begun, at, found);
        if (at - begun + 1 < longestPhrase) {
          this.#openA[kept] = nextA;
          this.#openB[kept] = nextB;
          this.#openFrom[kept++] = begun;
        }
      }
      open = kept;
      if (at === 0) continue;
      const startA = mixed(words.a[at - 1]!, a);
      const startB = mixed(words.b[at - 1]!, b);
      if (!hasPrint(sketch, finished(startA, form.start), finished(startB, form.start))) continue;
      if (isNew) this.#phrase(startA, startB, at - 1, at, found);
      this.#openA[open] = startA;
      this.#openB[open] = startB;
      this.#openFrom[open++] = at - 1;
    }
    if (digits) {
      numberRuns(words, (compact, first, last, phone) => {
        const counted = first === last && met.has(first);
        if (words.to[last]! > fresh && !counted) this.#compact(compact, phone, found);
      });
    }
  }

  #word(first: number, second: number, at: number, found: Found): void {
    const words = this.#words;
    const seen = words.traits[at]!;
    const isPlain = (seen & (trait.digits | trait.at)) === 0;
    const low = isPlain && (seen & trait.capital) === 0;
    // Such a name alone is nobody's, and any copy is full of it.
    if (isPlain && isVocabulary(words.text.slice(words.from[at]!, words.to[at]!))) return;
    found(printNumber(first, second), low, false);
  }

  #phrase(a: number, b: number, from: number, last: number, found: Found): void {
    const [first, second] = [finished(a, form.phrase), finished(b, form.phrase)];
    if (!hasPrint(this.#sketch, first, second)) return;
    const words = this.#words;
    const text = words.text.slice(words.from[from]!, words.to[last]!);
    found(printNumber(first, second), false, isVocabulary(text));
  }

  /** Addresses within a word: behind `mailto:`, before `.pdf`. */
  #addresses(word: string, found: Found): void {
    const tried = new Set([word]);
    for (const [address] of word.matchAll(emailWithin)) {
      for (let each = address, cut = 0; cut < 3; cut++) {
        if (!tried.has(each)) {
          tried.add(each);
          const lines = this.#lines;
          lines.cut(each);
          if (lines.count === 1) this.#look(form.word, lines.a[0]!, lines.b[0]!, found);
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
