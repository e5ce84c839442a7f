/** Numbers that belong to somebody, in running text, and those that belong to nobody. */
import { trait, type Words } from './words.ts';

/** Fewer digits are everywhere. */
export const fewestDigits = 8;
export const longestNumber = 40;
const mostParts = 10;

/** Letters and digits alone. */
export function compactOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}]+/gu, '').toLowerCase();
}

export function digitsIn(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) count++;
  }
  return count;
}

const dateLike =
  /^(?:1[89]|20|21)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{2}){0,6}\d?(?:t\d+z?)?$|^(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:1[89]|20|21)\d\d(?:\d{2}){0,3}$/;

/** Dates, numbers of one digit over and over, and those that people type when they must type one. */
export function isNobodys(compact: string): boolean {
  if (compact.length > 20) return false;
  if (dateLike.test(compact) || /^(.)\1*$/.test(compact)) return true;
  return '01234567890123456789'.includes(compact) || '98765432109876543210'.includes(compact);
}

/**
 * Tells of every run of words that may be one number in groups: `+33 6 12 34 56 78`, `FR76 3000 …`, `GB29 NWBK 6016 …`.
 *
 * @param told its letters and digits in lower case; the positions of its first and last word; whether it is written as a
 *   telephone number is
 */
export function numberRuns(words: Words, told: (compact: string, first: number, last: number, phone: boolean) => void) {
  for (let first = 0; first < words.count; first++) {
    if (!mayBegin(words, first)) continue;
    let text = '';
    let digits = 0;
    for (let last = first; last < words.count && last < first + mostParts; last++) {
      if (!goesOn(words, first, last)) break;
      const part = compactOf(words.slice(words.from[last]!, words.to[last]!));
      text += part;
      if (text.length > longestNumber) break;
      digits += digitsIn(part);
      if (digits < fewestDigits || isNobodys(text)) continue;
      const before = words.codeAt(words.from[first]! - 1);
      told(text, first, last, digits === text.length && (before === 0x2b || text.startsWith('0')));
    }
  }
}

/** Whether a run that begins with this word has digits enough: next to no word does, and runs are costly to read. */
function mayBegin(words: Words, first: number): boolean {
  if (!isPart(words, first)) return false;
  let digits = 0;
  for (let last = first; last < words.count && last < first + mostParts; last++) {
    if (!goesOn(words, first, last)) return false;
    for (let at = words.from[last]!, to = words.to[last]!; at < to; at++) {
      const code = words.codeAt(at);
      if (code >= 0x30 && code <= 0x39) digits++;
    }
    if (digits >= fewestDigits) return true;
  }
  return false;
}

/** Whether a word may belong to the number that began with another, or is that one. */
function goesOn(words: Words, first: number, at: number): boolean {
  return isPart(words, at) || (at > first && isBankCode(words, at));
}

/** Whether a word may be a number, or a group of one. */
function isPart(words: Words, at: number): boolean {
  const seen = words.traits[at]!;
  return (seen & trait.digits) !== 0 && (seen & trait.at) === 0 && words.to[at]! - words.from[at]! <= longestNumber;
}

/** The letters of a bank, or of a country, between groups of digits. */
function isBankCode(words: Words, at: number): boolean {
  const length = words.to[at]! - words.from[at]!;
  return length >= 2 && length <= 4 && words.traits[at] === (trait.capital | trait.letters);
}

/** What stands in a running text and can be nobody else's: accounts, telephone numbers, other long numbers. */
const within: readonly RegExp[] = [
  /\b[A-Z]{2}\d\d(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,4})?\b/g,
  /(?<![\w.])(?:\+|00)\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}(?!\w)|(?<![\w.])0\d(?:[ .-]?\d\d){4}(?!\w)/g,
  /(?<![\w@.,])\d(?:[ -]?\d){7,}(?![\w@.,]\d)/g,
];

/** @param told letters and digits, and whether it is a telephone number */
export function numbersWithin(text: string, told: (compact: string, phone: boolean) => void): void {
  for (const [at, pattern] of within.entries()) {
    for (const [found] of text.matchAll(pattern)) {
      const compact = compactOf(found);
      if (digitsIn(compact) >= fewestDigits && !isNobodys(compact)) told(compact, at === 1);
    }
  }
}

/** What is alike in every way of writing a telephone number: its last digits. */
const phoneDigits = 9;

/** @returns undefined when it is too short */
export function phoneTail(compact: string): string | undefined {
  const digits = compact.replace(/\D+/g, '');
  return digits.length >= phoneDigits ? digits.slice(-phoneDigits) : undefined;
}

/** Addresses of networks that every machine has. */
export function isNobodysAddress(text: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|0\.0\.0\.0|255\.255\.255\.255|::1?|fe80::|localhost)(?:\/\d+)?$/i.test(text);
}
