/** The prints of the originals of a column, as `Originals` (leaks/originals.ts) takes them of strings. */
import { enoughWords, leadingCharacters, leadingEnd, shortestText } from './leading';
import { fewestDigits, isNobodysText, longestNobodys, longestNumber, mayHoldNumber, phoneTailStart } from './numbers';
import { classify, countDigits, digits, forgetMarks, markAt, markLine, marks } from './text';
import {
  compactA,
  compactB,
  compactDigits,
  compactForm,
  compactLength,
  count,
  cut,
  finished,
  followed,
  longestCut,
  longestPhrase,
  mixed,
  phoneForm,
  phraseForm,
  printCompact,
  printWord,
  seedCompact,
  seedWords,
  startForm,
  textForm,
  traitAt,
  traitCapital,
  traitDigits,
  traitLetters,
  traitMixed,
  traits,
  wordA,
  wordB,
  wordForm,
  wordFrom,
  wordTo,
} from './words';

/** Modes by their places in `kernelModes` (leaks/column-originals.ts). */
const names: i32 = 0;
const phrases: i32 = 1;
const places: i32 = 2;
const identifiers: i32 = 3;
const phone: i32 = 4;
const texts: i32 = 5;
const parts: i32 = 6;
const any: i32 = 7;

/** Of `strength` and `form`. */
const identifier: i32 = 1;
const oneWord: i32 = 2;
const phrase: i32 = 4;
const start: i32 = 8;

const shortestOriginal: i32 = 4;
/** Values of kinds that say nothing of them are texts when they are longer. */
const longestValue: i32 = 200;

/** No cell has more prints: of two words of 32 bits, and how much each says. */
const mostOfCell: i32 = longestCut / shortestText + 4;

let out: usize = 0;
/** Prints written. */
let written: i32 = 0;
/** The cell is not for this place: it is told in strings. */
let left: bool = false;

function give(form: i32, a: i32, b: i32, strong: i32): void {
  admit(finished(a, form), finished(b, form), strong);
}

/** The only word. */
function giveWord(strong: i32): void {
  printWord(0);
  give(wordForm, wordA, wordB, strong);
}

function admit(a: i32, b: i32, strong: i32): void {
  const place = out + usize(written++) * 12;
  store<i32>(place, a);
  store<i32>(place, b, 4);
  store<i32>(place, strong, 8);
}

/**
 * Takes the cells from `first` on for as long as there is room for their prints.
 *
 * @param settings mode; four seeds
 * @param bytes what `from` and `to` count from
 * @param wide of each cell, whether it is beyond ASCII
 * @param prints where they are written, 12 bytes each; there is room for `room`
 * @param rest where the cells are written that must be taken as strings
 * @param told gets the count of prints and that of the rest
 * @returns the first cell that was not taken
 */
export function takeOriginals(
  settings: usize,
  bytes: usize,
  from: usize,
  to: usize,
  wide: usize,
  first: i32,
  cells: i32,
  prints: usize,
  room: i32,
  rest: usize,
  told: usize,
): i32 {
  const mode = load<i32>(settings);
  seedWords(load<i32>(settings, 4), load<i32>(settings, 8));
  seedCompact(load<i32>(settings, 12), load<i32>(settings, 16));
  out = prints;
  written = 0;
  let resting = 0;
  let before: usize = 0;
  let length = -1;
  let i = first;
  for (; i < cells && written + mostOfCell <= room; i++) {
    const place = usize(i) << 2;
    const begin = bytes + load<usize>(from + place);
    const size = load<i32>(to + place) - load<i32>(from + place);
    if (size < shortestOriginal) continue;
    if (size === length && isSame(begin, before, size)) continue;
    before = begin;
    length = size;
    left = load<u8>(wide + i) !== 0;
    if (!left) {
      const kept = written;
      take(mode, begin, begin + size);
      if (left) written = kept;
    }
    if (left) store<i32>(rest + (usize(resting++) << 2), i);
  }
  store<i32>(told, written);
  store<i32>(told, resting, 4);
  return i;
}

/** Whether two cells of `size` bytes are alike: those that differ mostly do so at their ends. */
function isSame(one: usize, another: usize, size: i32): bool {
  if (size >= 8 && load<u64>(one + size - 8) !== load<u64>(another + size - 8)) return false;
  return memory.compare(one, another, size) === 0;
}

function take(mode: i32, from: usize, to: usize): void {
  const size = i32(to - from);
  if (mode === texts || (mode === any && size > longestValue)) {
    const seen = leading(from, to, false);
    numbersAndAddresses(from, to, seen);
  } else if (mode === parts) numbersAndAddresses(from, to, marksOf(from, to));
  else if (size > longestCut) left = true;
  else {
    cut(from, to);
    if (count === 1) single(mode, from, to);
    else if (count > 1) several(mode, from, to);
  }
}

function single(mode: i32, from: usize, to: usize): void {
  const seen = traits(0);
  const length = i32(wordTo(0) - wordFrom(0));
  if (length < shortestOriginal) return;
  if ((seen & traitAt) !== 0) {
    giveWord(identifier);
    return;
  }
  const isMixed = (seen & traitMixed) !== 0;
  if ((seen & traitDigits) === 0) {
    if (mode === names || mode === phrases) giveWord(oneWord);
    // Roots and admins are everybody's; what is long, or put together, is not.
    else if (mode === identifiers && length >= (isMixed ? 6 : 12)) giveWord(identifier);
    return;
  }
  printCompact(from, to, false);
  const numerals = compactDigits;
  const size = compactLength;
  if (numerals === size) {
    if (numerals < fewestDigits || (size <= longestNobodys && isNobodysText(from, to))) return;
  } else if (length < (mode === identifiers ? 6 : 8)) return;
  if (isMixed && length < 16 && mayBeEverybodysAddress(from)) {
    left = true;
    return;
  }
  const isNumber = numerals >= fewestDigits && size <= longestNumber;
  // Of a number the search looks for its letters and digits, in one word or several.
  if (!isNumber || (numerals !== size && size <= longestNobodys && isNobodysText(from, to))) giveWord(identifier);
  if (!isNumber) return;
  give(compactForm, compactA, compactB, identifier);
  if (mode === phone) dialled(from, to);
}

/** The first two characters of those addresses that every machine has. */
function mayBeEverybodysAddress(from: usize): bool {
  const first = i32(load<u8>(from));
  const two = (first << 8) | i32(load<u8>(from, 1));
  if (two === 0x3132 || two === 0x302e || two === 0x3235 || two === 0x3a3a) return true;
  const small = two | 0x2020;
  return small === 0x6665 || small === 0x6c6f;
}

function dialled(from: usize, to: usize): void {
  const tail = phoneTailStart(from, to);
  if (tail === 0) return;
  printCompact(tail, to, true);
  give(phoneForm, compactA, compactB, identifier);
}

function several(mode: i32, from: usize, to: usize): void {
  let seen = 0;
  let all = traitCapital | traitLetters;
  for (let at = 0; at < count; at++) {
    const its = traits(at);
    seen |= its;
    all &= its;
  }
  let numerals = 0;
  let length = 0;
  if ((seen & traitDigits) !== 0) {
    printCompact(from, to, false);
    numerals = compactDigits;
    length = compactLength;
  }
  if (numerals >= fewestDigits && mode !== places && numerals * 2 >= length) {
    if (length > longestNumber || (numerals === length && isNobodysText(from, to))) return;
    give(compactForm, compactA, compactB, identifier);
    if (mode === phone) dialled(from, to);
    return;
  }
  if ((seen & traitAt) !== 0 || numerals >= fewestDigits) {
    numbersAndAddresses(from, to, marks);
    if (left) return;
  }
  // Of a kind that says nothing of its values only what is written as a name is.
  const named = mode === any && count <= 4 && (all & traitCapital) !== 0 && (seen & traitDigits) === 0;
  const wanted = mode === names || mode === phrases || named || (mode === places && numerals > 0);
  if (wanted && to - from >= 6 && count <= longestPhrase) {
    printStart();
    give(startForm, mixedA, mixedB, start);
    for (let at = 2; at < count; at++) mixIn(at);
    give(phraseForm, mixedA, mixedB, mode === names ? oneWord : phrase);
  } else if (mode !== names) leading(from, to, true);
}

/**
 * By its first words, and by those of its lines.
 *
 * @param isCut its words are, and `marks` are those of all of it
 * @returns what stands anywhere in it, as `marks` has it
 */
function leading(from: usize, to: usize, isCut: bool): i32 {
  let seen = marks;
  if (isCut) firstWords(leadingEnd(0, from, to));
  else if (i32(to - from) < shortestText) seen = marksOf(from, to);
  else {
    leadingOf(from, to);
    seen = marks;
    if (i32(to - from) > leadingCharacters) {
      const before = digits;
      seen |= marksOf(from + leadingCharacters, to);
      countDigits(before);
    }
  }
  if ((seen & markLine) === 0) return seen;
  const all = digits;
  if (i32(to - from) > longestCut) {
    left = true;
    return seen;
  }
  for (let begin = from; begin <= to; ) {
    let end = begin;
    while (end < to && load<u8>(end) !== 0x0a) end++;
    leadingOf(begin, end);
    begin = end + 1;
  }
  // Those of the last line were counted since.
  countDigits(all);
  return seen;
}

/** Cuts the beginning of a text, or of a line, and takes the print of that. */
function leadingOf(from: usize, to: usize): void {
  if (i32(to - from) < shortestText) return;
  const end = min(to, from + leadingCharacters);
  cut(from, end);
  firstWords(enoughWords(0, end < to ? count - 1 : count));
}

function firstWords(end: i32): void {
  if (end === 0) return;
  printWord(0);
  let a = wordA;
  let b = wordB;
  for (let at = 1; at < end; at++) {
    printWord(at);
    a = followed(a, wordA);
    b = followed(b, wordB);
  }
  give(textForm, a, b, phrase);
}

let mixedA: i32 = 0;
let mixedB: i32 = 0;

/** The print of the first two words together. */
function printStart(): void {
  printWord(0);
  mixedA = wordA;
  mixedB = wordB;
  mixIn(1);
}

function mixIn(at: i32): void {
  printWord(at);
  mixedA = mixed(mixedA, wordA);
  mixedB = mixed(mixedB, wordB);
}

function marksOf(from: usize, to: usize): i32 {
  forgetMarks();
  for (let at = from; at < to; at += 64) classify(at, i32(min(to - at, 64)));
  return marks;
}

/** E-mail addresses and numbers that stand in a text: strings know which. */
function numbersAndAddresses(from: usize, to: usize, seen: i32): void {
  if ((seen & markAt) !== 0 || (digits >= fewestDigits && mayHoldNumber(from, to))) left = true;
}
