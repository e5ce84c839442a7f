/**
 * The prints that the search asks the sketch for in the cells of a column, as `TextScanner` (leaks/scan-text.ts) does of
 * strings: all that it asks for before any is found. What it asks for then is left to it.
 */
import { giveShorter } from './address';
import { leadingEnd, shortestText } from './leading';
import { fewestDigits, phoneDigits } from './numbers';
import {
  beginPrints,
  give,
  giveFirst,
  giveSecond,
  keepPrints,
  lowPlain,
  number,
  other,
  plain,
  printsOf,
  start,
  telephone,
  wordWithDigits,
  written,
} from './prints';
import { giveRuns } from './runs';
import { digits, isDigit, markCode, markLine, marks } from './text';
import {
  compactForm,
  compactSeed,
  count,
  cut,
  finished,
  followed,
  longestCut,
  longestPhrase,
  mixed,
  mostWords,
  phoneForm,
  phraseForm,
  printCodes,
  printOf,
  seedCompact,
  seedWords,
  startForm,
  textForm,
  traitAt,
  traitCapital,
  traitDigits,
  traits,
  wordFrom,
  wordTo,
} from './words';

/** Modes by their places in leaks/column-search.ts. */
const numbers: i32 = 0;
const values: i32 = 2;

const shortestCell: i32 = 4;
const shortestWord: i32 = 4;
const shortestNumber: i32 = 10;
const longestPlainNumber: i32 = 19;

/** So many prints are given at a time, and those of the cell that comes next. */
const enough: i32 = 2048;
/** A word takes two bytes, with the one behind it: it has a print, begins a phrase, and is in 10 runs of two prints each. */
const mostOfCell: i32 = (longestCut >> 1) * 24 + 16;

/** The prints of each word, without a form. */
const printed = memory.data(mostWords * 8, 16);

/** How many prints there must be room for. */
export function sizeOfSearch(): i32 {
  return enough + mostOfCell;
}

/**
 * Takes the cells from `first` on until there are prints enough.
 *
 * @param settings mode; four seeds
 * @param bytes what `from` and `to` count from
 * @param wide of each cell, whether it is beyond ASCII
 * @param prints where they are written; there is room for `sizeOfSearch`
 * @param rest where the cells are written that must be searched as strings; none of their prints are given
 * @param told gets the count of prints and that of the rest
 * @returns the first cell that was not taken
 */
export function searchPrints(
  settings: usize,
  bytes: usize,
  from: usize,
  to: usize,
  wide: usize,
  first: i32,
  cells: i32,
  prints: usize,
  rest: usize,
  told: usize,
): i32 {
  const mode = load<i32>(settings);
  seedWords(load<i32>(settings, 4), load<i32>(settings, 8));
  seedCompact(load<i32>(settings, 12), load<i32>(settings, 16));
  beginPrints(prints);
  let resting = 0;
  let i = first;
  for (; i < cells && written() < enough; i++) {
    const place = usize(i) << 2;
    const begin = bytes + load<usize>(from + place);
    const size = load<i32>(to + place) - load<i32>(from + place);
    if (size < shortestCell) continue;
    printsOf(i);
    if (mode === numbers) {
      giveNumber(begin, size);
      continue;
    }
    let left = load<u8>(wide + i) !== 0 || size > longestCut || (mode === values && mayBeDocument(load<u8>(begin)));
    if (!left) {
      const kept = written();
      left = !giveText(begin, begin + size);
      if (left) keepPrints(kept);
    }
    if (left) store<i32>(rest + (usize(resting++) << 2), i);
  }
  store<i32>(told, written());
  store<i32>(told, resting, 4);
  return i;
}

/**
 * Gives the prints of the phrases that begin where the sketch knew of a beginning, with two words and more.
 *
 * @param settings as for `searchPrints`
 * @param starts what that gave, where `searchPrints` gave such a print of a cell: those of a cell one after the other
 * @param first, startCount the starts to take; they are taken until there are prints enough
 * @returns the first start that was not taken
 */
export function searchPhrases(
  settings: usize,
  bytes: usize,
  from: usize,
  to: usize,
  starts: usize,
  first: i32,
  startCount: i32,
  prints: usize,
  told: usize,
): i32 {
  seedWords(load<i32>(settings, 4), load<i32>(settings, 8));
  beginPrints(prints);
  let before = -1;
  let i = first;
  for (; i < startCount && written() < enough; i++) {
    const entry = starts + usize(i) * 12;
    const cell = load<i32>(entry, 8) >>> 3;
    if (cell !== before) {
      const place = usize(cell) << 2;
      cut(bytes + load<usize>(from + place), bytes + load<usize>(to + place));
      for (let at = 0; at < count; at++) store<u64>(printed + (usize(at) << 3), printOf(wordFrom(at), wordTo(at)));
      printsOf(cell);
      before = cell;
    }
    for (let at = 1; at < count; at++) givePhrases(at, load<u64>(entry));
  }
  store<i32>(told, written());
  return i;
}

/** Gives the phrases that begin with two words, if these have the print of the beginning. @param at the second */
function givePhrases(at: i32, beginning: u64): void {
  const place = printed + (usize(at) << 3);
  let a = mixed(load<i32>(place - 8), load<i32>(place));
  let b = mixed(load<i32>(place - 4), load<i32>(place, 4));
  if (finished(a, startForm) !== i32(beginning) || finished(b, startForm) !== i32(beginning >> 32)) return;
  const end = min(count, at - 1 + longestPhrase);
  for (let next = at; ; ) {
    give(phraseForm, u64(u32(a)) | (u64(u32(b)) << 32), other);
    if (++next >= end) return;
    const behind = printed + (usize(next) << 3);
    a = mixed(a, load<i32>(behind));
    b = mixed(b, load<i32>(behind, 4));
  }
}

/** `{`, `[` and `"`. */
function mayBeDocument(first: i32): bool {
  return first === 0x7b || first === 0x5b || first === 0x22;
}

/** The cell of a column of numbers: only long ones are told from amounts and ids. */
function giveNumber(from: usize, size: i32): void {
  if (size < shortestNumber || size > longestPlainNumber) return;
  const to = from + size;
  for (let at = from; at < to; at++) if (!isDigit(load<u8>(at))) return;
  give(compactForm, printCodes(from, to, compactSeed()), number);
  if (load<u8>(from) === 0x30) give(phoneForm, printCodes(to - phoneDigits, to, compactSeed()), telephone);
}

/** @returns false when it must be searched as a string */
function giveText(from: usize, to: usize): bool {
  cut(from, to);
  if ((marks & markCode) !== 0 && holdsCode(from, to)) return false;
  let before = i64x2(0, 0);
  for (let at = 0; at < count; at++) {
    const from = wordFrom(at);
    const to = wordTo(at);
    const seen = traits(at);
    const print = printOf(from, to);
    store<u64>(printed + (usize(at) << 3), print);
    const word = i64x2.splat(print);
    const both = finishedBoth(word, mixedBoth(before, word));
    before = word;
    if (at > 0) giveSecond(both, start);
    const isLong = i32(to - from) >= shortestWord;
    giveFirst(both, kindOf(seen), isLong);
    if ((seen & traitAt) !== 0 && isLong && !giveShorter(from, to)) return false;
  }
  if (digits >= fewestDigits) giveRuns(from);
  if (i32(to - from) >= shortestText) giveLeading(from, to);
  return true;
}

/** What the print of a word is of. */
function kindOf(seen: i32): i32 {
  if ((seen & (traitDigits | traitAt)) !== 0) return (seen & traitDigits) !== 0 ? wordWithDigits : other;
  return (seen & traitCapital) === 0 ? lowPlain : plain;
}

/**
 * What prints are multiplied by, four times each, and the forms of a word and of the beginning of a phrase times 0x9e3779b1. They
 * are read from memory, since vectors within a program take longer.
 */
const factors = memory.data<u32>(
  [
    0x27d4eb2f, 0x27d4eb2f, 0x27d4eb2f, 0x27d4eb2f, 0x165667b1, 0x165667b1, 0x165667b1, 0x165667b1, 0x85ebca6b,
    0x85ebca6b, 0x85ebca6b, 0x85ebca6b, 0xc2b2ae35, 0xc2b2ae35, 0xc2b2ae35, 0xc2b2ae35, 0x9e3779b1, 0x9e3779b1,
    0xdaa66d13, 0xdaa66d13,
  ],
  16,
);

/** `mixed` of each of two prints. */
function mixedBoth(prints: v128, next: v128): v128 {
  const h = i32x4.mul(v128.xor(prints, next), v128.load(factors));
  const mixed = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 15)), v128.load(factors, 16));
  return v128.xor(mixed, i32x4.shr_u(h, 13));
}

/** The finished prints of a word, of the first pair, and of the beginning of a phrase, of the second. */
function finishedBoth(word: v128, start: v128): v128 {
  let h = v128.xor(v128.shuffle<u64>(word, start, 0, 2), v128.load(factors, 64));
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), v128.load(factors, 32));
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), v128.load(factors, 48));
  return v128.xor(h, i32x4.shr_u(h, 16));
}

/** `%40` and `&#64;` stand for an `@`. */
function holdsCode(from: usize, to: usize): bool {
  for (let at = from; at + 1 < to; at++) {
    const two = i32(load<u16>(at));
    if (two === 0x2326 || (two === 0x3425 && at + 2 < to && load<u8>(at, 2) === 0x30)) return true;
  }
  return false;
}

/** By its first words, and by those of its lines. */
function giveLeading(from: usize, to: usize): void {
  giveFirstWords(0, from, to);
  if ((marks & markLine) === 0) return;
  let first = 0;
  for (let begin = from; begin <= to; ) {
    let end = begin;
    while (end < to && load<u8>(end) !== 0x0a) end++;
    while (first < count && wordFrom(first) < begin) first++;
    giveFirstWords(first, begin, end);
    begin = end + 1;
  }
}

function giveFirstWords(first: i32, from: usize, to: usize): void {
  const end = leadingEnd(first, from, to);
  if (end === first) return;
  let place = printed + (usize(first) << 3);
  const behind = printed + (usize(end) << 3);
  let a = load<i32>(place);
  let b = load<i32>(place, 4);
  for (place += 8; place < behind; place += 8) {
    a = followed(a, load<i32>(place));
    b = followed(b, load<i32>(place, 4));
  }
  give(textForm, u64(u32(a)) | (u64(u32(b)) << 32), other);
}
