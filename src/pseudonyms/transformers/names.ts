import { ByteColumn } from '../byte-column.ts';
import { onStrings } from '../byte-runs.ts';
import { exact, folded, keyedIn } from '../canonical.ts';
import { firstNames } from '../dictionaries/first-names.ts';
import { lastNames } from '../dictionaries/last-names.ts';
import { companyWords } from '../dictionaries/words.ts';
import { type BroughtCells, type Kernels, kernels } from '../kernels/kernels.ts';
import { giveWide } from '../kernels/plain-cells.ts';
import { WordList } from '../kernels/word-list.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Prf, pick } from '../prf.ts';
import {
  assertFits,
  assertType,
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
  const within = decidingIn(key, purpose, bySubject);
  return (cells: ByteColumn, companions: readonly ByteColumn[] | undefined): Uint32Array => {
    const kernel = kernels().begin();
    const at = within(kernel, cells, kernel.bring(cells), companions);
    return own.received(kernel.bytes.subarray(at, at + 16 * cells.count), cells.count);
  };
}

/** The same in the memory of the kernels. What it gives tells where the words lie. */
export function decidingIn(key: DomainKey, purpose: string, bySubject: boolean) {
  const own = new Prf(key.subkey(purpose));
  const subject = new Prf(key.subkey('subject'));
  return (
    kernel: Kernels,
    cells: ByteColumn,
    brought: BroughtCells,
    companions: readonly ByteColumn[] | undefined,
  ): number => {
    if (!bySubject) return keyedIn(kernel, own, folded, cells, brought);
    const subjects = companions![0]!;
    const words = keyedIn(kernel, subject, exact, subjects, kernel.bring(subjects));
    let rest: number | undefined;
    for (let i = 0; i < cells.count; i++) {
      if (!subjects.isEmpty(i)) continue;
      rest ??= keyedIn(kernel, own, folded, cells, brought);
      kernel.bytes.copyWithin(words + i * 16, rest + i * 16, rest + i * 16 + 16);
    }
    return words;
  };
}

/** The first and last name that four words stand for; e-mail addresses and usernames of the same subject use them too. */
export const firstNameAt = (words: Uint32Array, i: number, count: number): number => pick(words[i * 4]!, count);
export const lastNameAt = (words: Uint32Array, i: number, count: number): number => pick(words[i * 4 + 1]!, count);

const lossy = (maxLength: number, column: ColumnFacts, canonical = 'NFC, lower case, trimmed'): Guarantee => ({
  uniqueness: 'lossy',
  maxLength: Math.min(maxLength, column.maxLength ?? maxLength),
  nulls: 'kept',
  empty: 'kept',
  canonical,
  reversible: false,
});

const longest = (words: readonly string[]): number => Math.max(...words.map((word) => word.length));

/** Whether a cell is written in capitals, so that its pseudonym is too. */
export function inCapitals({ bytes, from, to, wide }: ByteColumn, i: number): boolean {
  const [start, end] = [from[i]!, to[i]!];
  if (end - start < 2) return false;
  if (wide[i] !== 0) {
    const original = bytes.toString('utf8', start, end);
    return original.length > 1 && original === original.toUpperCase() && original !== original.toLowerCase();
  }
  let found = false;
  for (let k = start; k < end; k++) {
    const byte = bytes[k]!;
    if (byte >= 0x61 && byte <= 0x7a) return false;
    if (byte >= 0x41 && byte <= 0x5a) found = true;
  }
  return found;
}

/** Words of a list as cells: in capitals where the original was, and cut to what the column holds. */
export class CellWords {
  readonly #plain: WordList;
  readonly #capitals: WordList;

  constructor(words: readonly string[], maxLength: number | undefined) {
    this.#plain = new WordList(words.map((word) => fitted(word, maxLength)));
    this.#capitals = new WordList(words.map((word) => fitted(word.toUpperCase(), maxLength)));
  }

  /**
   * Writes a word for each cell that is not empty.
   *
   * @param brought the cells in the memory of the kernels, for which that is the last use
   * @param words where those lie that draw: one for each cell, 16 bytes apart
   */
  write(kernel: Kernels, out: ByteColumn, cells: ByteColumn, brought: BroughtCells, words: number): void {
    const { count, wide } = cells;
    const { bytes, from, to, wide: cases } = brought;
    for (let i = 0; i < count; i++) {
      if (wide[i] !== 0 && !cells.isEmpty(i)) kernel.bytes[cases + i] = inCapitals(cells, i) ? 2 : 1;
    }
    const longest = Math.max(this.#plain.longest, this.#capitals.longest);
    const made = { ...kernel.takeCells(count, count * longest), wide: kernel.take(count) };
    const [plain, capitals] = [this.#plain.put(kernel), this.#capitals.put(kernel)];
    const end = kernel.run.writeWords(
      ...[bytes, from, to, cases, count, words, plain, capitals, made.bytes, made.from, made.to, made.wide],
    );
    giveWide(kernel, out, count, made, end);
  }
}

/** Texts as cells, in the same way. */
export function writeCased(
  out: ByteColumn,
  cells: ByteColumn,
  i: number,
  text: string,
  maxLength: number | undefined,
): void {
  out.cell(fitted(inCapitals(cells, i) ? text.toUpperCase() : text, maxLength));
}

function nameKind(
  kind: string,
  options: Options,
  shape: {
    purpose: string;
    names: Record<Locale, readonly string[]>;
    /** Which of the four words draws it: as `firstNameAt` and `lastNameAt` say. */
    word: number;
  },
): Transformer {
  const locale = options.choice('locale', locales, 'en');
  const companions = subjectOf(options);
  options.done();
  const names = shape.names[locale];
  return {
    kind,
    companions,
    guarantee(column) {
      assertType(kind, column, 'text');
      assertFits(kind, 2, column);
      return lossy(longest(names), column);
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const decide = decidingIn(key, shape.purpose, companions.length > 0);
      const list = new CellWords(names, column.maxLength);
      return (cells, out, others) => {
        const kernel = kernels().begin();
        const brought = kernel.bring(cells);
        const words = decide(kernel, cells, brought, others);
        list.write(kernel, out, cells, brought, words + 4 * shape.word);
      };
    },
  };
}

export const firstName = (options: Options): Transformer =>
  nameKind('first-name', options, { purpose: 'first name', names: firstNames, word: 0 });

export const lastName = (options: Options): Transformer =>
  nameKind('last-name', options, { purpose: 'last name', names: lastNames, word: 1 });

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
  const [firsts, lasts] = [firstNames[locale], lastNames[locale]];
  return {
    kind: 'full-name',
    companions,
    guarantee(column) {
      assertType('full-name', column, 'text');
      assertFits('full-name', 5, column);
      return lossy(longest(firsts) + 1 + longest(lasts), column);
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const first = deciding(key, 'first name', bySubject);
      const last = deciding(key, 'last name', bySubject);
      const max = column.maxLength ?? Number.POSITIVE_INFINITY;
      const [givenPart, familyPart] = [new ByteColumn(), new ByteColumn()];
      return (cells, out, others) => {
        if (!bySubject) split(cells, order, givenPart, familyPart);
        const given = first(bySubject ? cells : givenPart, others);
        const family = last(bySubject ? cells : familyPart, others);
        out.begin(cells.count);
        for (let i = 0; i < cells.count; i++) {
          if (cells.isEmpty(i)) {
            out.keep(cells, i);
            continue;
          }
          const a = firsts[firstNameAt(given, i, firsts.length)]!;
          const b = lasts[lastNameAt(family, i, lasts.length)]!;
          // One word stays one word.
          const single = !bySubject && givenPart.isEmpty(i);
          const whole = single ? b : order === 'first-last' ? `${a} ${b}` : `${b} ${a}`;
          const short = whole.length <= max ? whole : order === 'first-last' ? `${a[0]}. ${b}` : `${b} ${a[0]}.`;
          writeCased(out, cells, i, short, column.maxLength);
        }
      };
    },
  };
}

/** The given and the family parts; a single word is a family name. */
function split(cells: ByteColumn, order: 'first-last' | 'last-first', given: ByteColumn, family: ByteColumn): void {
  given.begin(cells.count);
  family.begin(cells.count);
  const { bytes, from, to, wide } = cells;
  const [head, tail] = order === 'first-last' ? [given, family] : [family, given];
  for (let i = 0; i < cells.count; i++) {
    if (wide[i] !== 0) {
      const name = cells.cellAt(i)?.trim() ?? '';
      const at = order === 'first-last' ? name.search(/\s/) : name.lastIndexOf(' ');
      if (at < 0) {
        given.cell('');
        family.cell(name);
      } else {
        head.cell(name.slice(0, at));
        tail.cell(name.slice(at + 1));
      }
      continue;
    }
    let [start, end] = [from[i]!, Math.max(from[i]!, to[i]!)];
    while (start < end && isSpace(bytes[start]!)) start++;
    while (end > start && isSpace(bytes[end - 1]!)) end--;
    let at = -1;
    if (order === 'first-last') {
      for (let k = start; at < 0 && k < end; k++) if (isSpace(bytes[k]!)) at = k;
    } else for (let k = end - 1; at < 0 && k >= start; k--) if (bytes[k] === 0x20) at = k;
    if (at < 0) {
      given.end();
      copyCell(family, bytes, start, end);
    } else {
      copyCell(head, bytes, start, at);
      copyCell(tail, bytes, at + 1, end);
    }
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

function copyCell(out: ByteColumn, bytes: Buffer, start: number, end: number): void {
  out.reserve(end - start);
  for (let k = start; k < end; k++) out.bytes[out.at++] = bytes[k]!;
  out.end();
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
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const decide = deciding(key, 'company', companions.length > 0);
      return (cells, out, others) => {
        const words = decide(cells, others);
        out.begin(cells.count);
        for (let i = 0; i < cells.count; i++) {
          if (cells.isEmpty(i)) {
            out.keep(cells, i);
            continue;
          }
          const [a, b, c] = [heads, cores, tails].map((list, k) => list[pick(words[i * 4 + k]!, list.length)]!);
          const whole = `${a} ${b} ${c}`;
          const max = column.maxLength ?? whole.length;
          writeCased(out, cells, i, whole.length <= max ? whole : `${a} ${b}`, column.maxLength);
        }
      };
    },
  };
}
