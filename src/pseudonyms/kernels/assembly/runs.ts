/** Words of the text that was cut last that may be one number in groups, as `numberRuns` (leaks/numbers.ts) tells of strings. */
import { fewestDigits, isNobodysCodes, longestNumber, phoneDigits } from './numbers';
import { give, number, telephone } from './prints';
import { isDigit, isLetter } from './text';
import {
  compactForm,
  compactSeed,
  count,
  longestCut,
  mostWords,
  phoneForm,
  printCodes,
  traitAt,
  traitCapital,
  traitDigits,
  traitLetters,
  traits,
  wordFrom,
  wordTo,
} from './words';

const mostParts: i32 = 10;

/** Letters in lower case and digits of words one after the other that are numbers, or groups of one. */
const codes = memory.data(longestCut);
/** Where those of each word begin, and how many digits are before. */
const places = memory.data((mostWords + 1) * 8, 16);

/** @param from where the text begins */
export function giveRuns(from: usize): void {
  for (let first = 0; first < count; first++) {
    if (!isPart(first)) continue;
    let end = first + 1;
    while (end < count && (isPart(end) || isBankCode(end))) end++;
    if (gather(first, end) >= fewestDigits) giveRunsOf(first, end, from);
    first = end;
  }
}

/** Whether a word may be a number, or a group of one. */
function isPart(at: i32): bool {
  return (traits(at) & (traitDigits | traitAt)) === traitDigits && i32(wordTo(at) - wordFrom(at)) <= longestNumber;
}

/** The letters of a bank, or of a country, between groups of digits. */
function isBankCode(at: i32): bool {
  return traits(at) === (traitCapital | traitLetters) && u32(wordTo(at) - wordFrom(at)) - 2 <= 2;
}

/** @returns digits of all */
function gather(first: i32, end: i32): i32 {
  let next = codes;
  let digits = 0;
  let place = places;
  for (let index = first; index < end; index++) {
    store<usize>(place, next);
    store<i32>(place, digits, 4);
    place += 8;
    const to = wordTo(index);
    for (let at = wordFrom(index); at < to; at++) {
      const byte = i32(load<u8>(at));
      if (isDigit(byte)) {
        store<u8>(next++, byte);
        digits++;
      } else if (isLetter(byte)) store<u8>(next++, byte | 0x20);
    }
  }
  store<usize>(place, next);
  store<i32>(place, digits, 4);
  return digits;
}

function giveRunsOf(begin: i32, end: i32, text: usize): void {
  for (let first = begin; first < end; first++) {
    if (!isPart(first)) continue;
    const place = places + (usize(first - begin) << 3);
    const from = load<usize>(place);
    const digitsBefore = load<i32>(place, 4);
    const word = wordFrom(first);
    const isDialled = load<u8>(from) === 0x30 || (word > text && load<u8>(word - 1) === 0x2b);
    const stop = min(end, first + mostParts);
    let print = compactSeed();
    let printed = from;
    for (let last = first; last < stop; last++) {
      const behind = places + (usize(last + 1 - begin) << 3);
      const to = load<usize>(behind);
      if (i32(to - from) > longestNumber) break;
      const digits = load<i32>(behind, 4) - digitsBefore;
      if (digits < fewestDigits || isNobodysCodes(from, to)) continue;
      print = printCodes(printed, to, print);
      printed = to;
      give(compactForm, print, number);
      if (isDialled && digits >= phoneDigits && digits === i32(to - from))
        give(phoneForm, printCodes(to - phoneDigits, to, compactSeed()), telephone);
    }
  }
}
