/** Words that any copy is made of: what is put together from them alone tells nothing of where it came from. */
import { firstNames } from '../dictionaries/first-names.ts';
import { lastNames } from '../dictionaries/last-names.ts';
import { countries, places, streets } from '../dictionaries/places.ts';
import { companyWords, fillerWords } from '../dictionaries/words.ts';

let known: ReadonlySet<string> | undefined;

function vocabulary(): ReadonlySet<string> {
  if (known) return known;
  const made = new Set<string>();
  const add = (text: string) => {
    for (const word of text.normalize('NFC').toLowerCase().replaceAll('’', "'").split(/\s+/)) made.add(word);
  };
  for (const locale of ['fr', 'en'] as const) {
    for (const name of [...firstNames[locale], ...lastNames[locale]]) add(name);
    for (const { city, region, zip } of places[locale]) add(`${city} ${region} ${zip}`);
    add(countries[locale].name);
    for (const name of [...streets[locale].names, ...streets[locale].ways]) add(name);
    const { heads, cores, tails } = companyWords[locale];
    for (const word of [...heads, ...cores, ...tails]) add(word);
  }
  for (const word of fillerWords) add(word);
  known = made;
  return made;
}

/** Whether every word is in the built-in dictionaries, or a number as houses have. */
export function isVocabulary(text: string): boolean {
  const words = text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('’', "'")
    .split(/[\s,;()"]+/);
  return words.every((word) => {
    const bare = word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
    return bare === '' || /^\d{1,3}$/.test(bare) || vocabulary().has(bare);
  });
}
