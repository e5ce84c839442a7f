/** The first words of a text or line, which stand for all of it: as `leadingPrintOfWords` (leaks/words.ts) takes them. */
import { count, wordFrom } from './words';

const leadingWords: i32 = 24;
export const leadingCharacters: i32 = 400;
const fewestWords: i32 = 5;
export const shortestText: i32 = 20;

/**
 * Which words of a text, or line, are its first. All words are cut.
 *
 * @param first its first word, or any that is not behind it when there is none
 * @returns behind the last of them; `first` when they are too few
 */
export function leadingEnd(first: i32, from: usize, to: usize): i32 {
  if (i32(to - from) < shortestText) return first;
  const end = min(to, from + leadingCharacters);
  let last = first;
  // One more than are looked at: the last of a text that goes on does not count.
  while (last < count && wordFrom(last) < end && last - first <= leadingWords) last++;
  return enoughWords(first, end < to ? last - 1 : last);
}

/** As many of some words as are looked at; none when they are too few. */
export function enoughWords(first: i32, end: i32): i32 {
  return end - first < fewestWords ? first : min(end, first + leadingWords);
}
