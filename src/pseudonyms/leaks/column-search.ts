/** The search of whole columns: a kernel takes the prints of all cells, and only few of them become strings. */
import type { ByteColumn } from '../byte-column.ts';
import { kernels } from '../kernels/kernels.ts';
import type { KnownWords } from './known-words.ts';
import type { TextScanner } from './scan-text.ts';
import { keepKnown, printNumber } from './sketch.ts';

/** How cells are looked at: by `TextScanner.number`, `text` or `value`. */
export type SearchMode = 'numbers' | 'texts' | 'values';

/** By the numbers that the kernel knows them by. */
const modes: readonly SearchMode[] = ['numbers', 'texts', 'values'];

export interface ColumnSearch {
  /** Told of the cells that must be searched as strings. */
  look(i: number): void;
  /**
   * Told of a print that the sketch knows, in cell `i`. Of such a cell it is told nothing but these.
   *
   * @param low it is a word in small letters
   */
  found(i: number, print: number, low: boolean): void;
}

/** A print has three words; the last one has the cell, and in its lowest bits what the print is of. */
const wordsOfPrint = 3;
const kindBits = 3;
const kind = {
  /** A word without digits that is an address, or a shorter one; a text. */
  other: 0,
  /** A word of letters alone; and one that is in small letters. */
  plain: 1,
  low: 2,
  /** Of two words, where a phrase may begin. */
  start: 3,
  /** Letters and digits of words that may be one number; its last digits. */
  number: 4,
  phone: 5,
  /** A word that has digits. */
  digits: 6,
} as const;
const kindMask = (1 << kindBits) - 1;

/**
 * Searches the cells of a column; every one in which the scanner would find anything is told of. Nothing that `search` does
 * may call a kernel.
 */
export function searchCells(
  cells: ByteColumn,
  mode: SearchMode,
  { sketch, known }: Pick<TextScanner, 'sketch' | 'known'>,
  search: ColumnSearch,
): void {
  const { count } = cells;
  if (count === 0) return;
  const kernel = kernels().begin();
  const { bytes, from, to, wide } = kernel.bring(cells);
  const settings = kernel.put(Int32Array.of(modes.indexOf(mode), ...sketch.seeds));
  const prints = kernel.take(kernel.run.sizeOfSearch() * wordsOfPrint * 4);
  const rest = kernel.take(count * 4);
  const told = kernel.take(8);
  const begin = prints >> 2;
  /** Where the prints end that were written and that the sketch knows. */
  const endOfKnown = () => begin + wordsOfPrint * keepKnown(sketch, kernel.words, begin, kernel.words[told >> 2]!);
  const starts: number[] = [];
  for (let first = 0; first < count; ) {
    first = kernel.run.searchPrints(settings, bytes, from, to, wide, first, count, prints, rest, told);
    const { words } = kernel;
    const end = endOfKnown();
    for (let at = begin; at < end; ) at = tellCell(words, at, end, known, search, starts);
    for (let k = 0; k < words[(told >> 2) + 1]!; k++) search.look(words[(rest >> 2) + k]!);
  }
  if (starts.length === 0) return;
  const list = kernel.put(Int32Array.from(starts));
  const startCount = starts.length / wordsOfPrint;
  let last = -1;
  for (let first = 0; first < startCount; ) {
    first = kernel.run.searchPhrases(settings, bytes, from, to, list, first, startCount, prints, told);
    const { words } = kernel;
    for (let at = begin, end = endOfKnown(); at < end; at += wordsOfPrint) {
      const i = words[at + 2]! >> kindBits;
      if (i !== last) search.look(i);
      last = i;
    }
  }
}

/**
 * Tells of a cell by the prints of it that the sketch knows.
 *
 * @param starts gets them where they are no more than beginnings of phrases
 * @returns where those of the next cell begin
 */
function tellCell(
  words: Int32Array,
  begin: number,
  behind: number,
  known: KnownWords,
  search: ColumnSearch,
  starts: number[],
): number {
  const i = words[begin + 2]! >> kindBits;
  let end = begin;
  /** Bits of the kinds that are there, but for plain words of the vocabulary, which tell nothing. */
  let kinds = 0;
  let isSettled = true;
  for (; end < behind && words[end + 2]! >> kindBits === i; end += wordsOfPrint) {
    const of = words[end + 2]! & kindMask;
    if (of === kind.plain || of === kind.low) {
      const isVocabulary = known.get(words[end]!, words[end + 1]!);
      if (isVocabulary) continue;
      if (isVocabulary === undefined) isSettled = false;
    }
    kinds |= 1 << of;
  }
  if (kinds === 0) return end;
  if (kinds === 1 << kind.start) {
    for (let at = begin; at < end; at += wordsOfPrint)
      if ((words[at + 2]! & kindMask) === kind.start) starts.push(words[at]!, words[at + 1]!, words[at + 2]!);
    return end;
  }
  if (!isSettled || hasAnother(kinds)) {
    search.look(i);
    return end;
  }
  for (let at = begin; at < end; at += wordsOfPrint) {
    const of = words[at + 2]! & kindMask;
    const [a, b] = [words[at]!, words[at + 1]!];
    if ((of === kind.plain || of === kind.low) && known.get(a, b)) continue;
    search.found(i, printNumber(a, b), of === kind.low);
  }
  return end;
}

/** Whether one kind says whether another counts: a number is counted once for all the ways in which it is known. */
function hasAnother(kinds: number): boolean {
  if ((kinds & (1 << kind.start)) !== 0) return true;
  const numbers = kinds & ((1 << kind.number) | (1 << kind.phone) | (1 << kind.digits));
  return (numbers & (numbers - 1)) !== 0;
}
