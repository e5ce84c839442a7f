import { exact, folded, keyed } from '../canonical.ts';
import { firstNames } from '../dictionaries/first-names.ts';
import { lastNames } from '../dictionaries/last-names.ts';
import { companyWords } from '../dictionaries/words.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Prf, pick } from '../prf.ts';
import {
  assertFits,
  assertType,
  type Cell,
  type ColumnFacts,
  type Companion,
  fitted,
  type Guarantee,
  type Transformer,
} from '../transformer.ts';

export const locales = ['en', 'fr'] as const;
export type Locale = (typeof locales)[number];

/** The subject that a row is about: what decides in place of the cell's own value. */
export function subjectOf(options: Options): Companion[] {
  const by = options.text('by');
  return by === undefined ? [] : [{ column: by, value: 'original' }];
}

/** Words that decide on each row: by its subject where the rule names one (and the row has one), else by its own value. */
export function deciding(key: DomainKey, purpose: string, bySubject: boolean) {
  const own = new Prf(key.subkey(purpose));
  const subject = new Prf(key.subkey('subject'));
  return (cells: readonly Cell[], companions: readonly (readonly Cell[])[] | undefined): Uint32Array => {
    if (!bySubject) return keyed(own, folded, cells);
    const subjects = companions![0]!;
    const words = keyed(subject, exact, subjects);
    if (subjects.every((value) => value)) return words;
    const rest = keyed(own, folded, cells);
    for (let i = 0; i < cells.length; i++) if (!subjects[i]) words.set(rest.subarray(i * 4, i * 4 + 4), i * 4);
    return words;
  };
}

/** The first and last name that four words stand for; e-mail addresses and usernames of the same subject use them too. */
export function firstNameOf(words: Uint32Array, at: number, locale: Locale): string {
  return firstNames[locale][pick(words[at]!, firstNames[locale].length)]!;
}

export function lastNameOf(words: Uint32Array, at: number, locale: Locale): string {
  return lastNames[locale][pick(words[at + 1]!, lastNames[locale].length)]!;
}

const lossy = (maxLength: number, column: ColumnFacts, canonical = 'NFC, lower case, trimmed'): Guarantee => ({
  uniqueness: 'lossy',
  maxLength: Math.min(maxLength, column.maxLength ?? maxLength),
  nulls: 'kept',
  empty: 'kept',
  canonical,
  reversible: false,
});

const longest = (words: readonly string[]): number => Math.max(...words.map((word) => word.length));

/** In capitals where the original was. */
export function inCaseOf(original: string, text: string): string {
  return original.length > 1 && original === original.toUpperCase() && original !== original.toLowerCase()
    ? text.toUpperCase()
    : text;
}

function nameKind(
  kind: string,
  options: Options,
  shape: {
    purpose: string;
    longest: (locale: Locale) => number;
    name: (w: Uint32Array, at: number, l: Locale) => string;
  },
): Transformer {
  const locale = options.choice('locale', locales, 'en');
  const companions = subjectOf(options);
  options.done();
  return {
    kind,
    companions,
    guarantee(column) {
      assertType(kind, column, 'text');
      assertFits(kind, 2, column);
      return lossy(shape.longest(locale), column);
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const decide = deciding(key, shape.purpose, companions.length > 0);
      return (cells, out, others) => {
        const words = decide(cells, others);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          out[i] = cell ? fitted(inCaseOf(cell, shape.name(words, i * 4, locale)), column.maxLength) : cell;
        }
      };
    },
  };
}

export const firstName = (options: Options): Transformer =>
  nameKind('first-name', options, {
    purpose: 'first name',
    longest: (locale) => longest(firstNames[locale]),
    name: firstNameOf,
  });

export const lastName = (options: Options): Transformer =>
  nameKind('last-name', options, {
    purpose: 'last name',
    longest: (locale) => longest(lastNames[locale]),
    name: lastNameOf,
  });

/**
 * First and last name. By a subject they are that subject's names; without one, the first word is mapped as `first-name`
 * and the rest as `last-name`, so that a column of full names agrees with two columns of parts.
 */
export function fullName(options: Options): Transformer {
  const locale = options.choice('locale', locales, 'en');
  const order = options.choice('order', ['first-last', 'last-first'], 'first-last');
  const companions = subjectOf(options);
  options.done();
  const bySubject = companions.length > 0;
  return {
    kind: 'full-name',
    companions,
    guarantee(column) {
      assertType('full-name', column, 'text');
      assertFits('full-name', 5, column);
      return lossy(longest(firstNames[locale]) + 1 + longest(lastNames[locale]), column);
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const first = deciding(key, 'first name', bySubject);
      const last = deciding(key, 'last name', bySubject);
      const max = column.maxLength ?? Number.POSITIVE_INFINITY;
      return (cells, out, others) => {
        const parts = cells.map((cell) => split(cell ?? '', order));
        const given = first(bySubject ? cells : parts.map(([name]) => name), others);
        const family = last(bySubject ? cells : parts.map(([, name]) => name), others);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          if (!cell) {
            out[i] = cell;
            continue;
          }
          const [a, b] = [firstNameOf(given, i * 4, locale), lastNameOf(family, i * 4, locale)];
          // One word stays one word.
          const whole = parts[i]![0] === '' && !bySubject ? b : order === 'first-last' ? `${a} ${b}` : `${b} ${a}`;
          const short = whole.length <= max ? whole : order === 'first-last' ? `${a[0]}. ${b}` : `${b} ${a[0]}.`;
          out[i] = fitted(inCaseOf(cell, short), column.maxLength);
        }
      };
    },
  };
}

/** The given and the family part; a single word is a family name. */
function split(cell: string, order: 'first-last' | 'last-first'): [string, string] {
  const name = cell.trim();
  const at = order === 'first-last' ? name.search(/\s/) : name.lastIndexOf(' ');
  if (at < 0) return ['', name];
  return order === 'first-last' ? [name.slice(0, at), name.slice(at + 1)] : [name.slice(at + 1), name.slice(0, at)];
}

/** Two words and a legal form. */
export function company(options: Options): Transformer {
  const locale = options.choice('locale', locales, 'en');
  const companions = subjectOf(options);
  options.done();
  const { heads, cores, tails } = companyWords[locale];
  return {
    kind: 'company',
    companions,
    guarantee(column) {
      assertType('company', column, 'text');
      assertFits('company', 4, column);
      return lossy(longest(heads) + longest(cores) + longest(tails) + 2, column);
    },
    prepare({ key, column }) {
      this.guarantee(column);
      const decide = deciding(key, 'company', companions.length > 0);
      return (cells, out, others) => {
        const words = decide(cells, others);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          if (!cell) {
            out[i] = cell;
            continue;
          }
          const [a, b, c] = [heads, cores, tails].map((list, k) => list[pick(words[i * 4 + k]!, list.length)]!);
          const whole = `${a} ${b} ${c}`;
          const max = column.maxLength ?? whole.length;
          out[i] = fitted(inCaseOf(cell, whole.length <= max ? whole : `${a} ${b}`), column.maxLength);
        }
      };
    },
  };
}
