import { HoldfastError } from '../../base/errors.ts';
import { writeBase32 } from '../base32.ts';
import { ByteColumn } from '../byte-column.ts';
import { onStrings } from '../byte-runs.ts';
import { ByteWords } from '../byte-words.ts';
import { exact, folded, keyedColumn, keyedIn } from '../canonical.ts';
import { firstNames } from '../dictionaries/first-names.ts';
import { lastNames } from '../dictionaries/last-names.ts';
import { kernels } from '../kernels/kernels.ts';
import { writePlain } from '../kernels/plain-cells.ts';
import { WordList } from '../kernels/word-list.ts';
import type { Options } from '../options.ts';
import { Prf } from '../prf.ts';
import {
  assertFits,
  assertType,
  type ByteRun,
  type ColumnFacts,
  type Guarantee,
  type PrepareContext,
  type Transformer,
} from '../transformer.ts';
import { deciding, decidingIn, firstNameAt, type Locale, lastNameAt, locales, subjectOf } from './names.ts';

/** As they stand in an address: small ASCII letters only. */
function plain(names: readonly string[]): readonly string[] {
  return names.map((name) =>
    name
      .normalize('NFD')
      .toLowerCase()
      .replace(/[^a-z]/g, ''),
  );
}
const given: Record<Locale, readonly string[]> = { en: plain(firstNames.en), fr: plain(firstNames.fr) };
const family: Record<Locale, readonly string[]> = { en: plain(lastNames.en), fr: plain(lastNames.fr) };
const longest = (words: readonly string[]): number => Math.max(...words.map((word) => word.length));

/** 65 bits: a million addresses collide with a probability below 2 in 10^8. */
const suffixLength = 13;

/** How much of the name there is room for, and how long the unique part is. */
interface Fit {
  readonly first: boolean;
  readonly last: boolean;
  readonly suffix: number;
  readonly length: number;
}

function formFor(kind: string, locale: Locale, tail: number, column: ColumnFacts): Fit {
  const a = longest(given[locale]) + 1;
  const b = longest(family[locale]) + 1;
  const room = column.maxLength ?? Number.POSITIVE_INFINITY;
  for (const [first, last] of [
    [true, true],
    [true, false],
    [false, false],
  ] as const) {
    const length = (first ? a : 0) + (last ? b : 0) + suffixLength + tail;
    if (length <= room) return { first, last, suffix: suffixLength, length };
  }
  assertFits(kind, 8 + tail, column);
  return { first: false, last: false, suffix: room - tail, length: room };
}

/**
 * `first.last.<13 characters>@domain`. The characters are a keyed function of the whole address and make it unique; the
 * names are for people to read, and are those of the subject where the rule names one.
 */
export function email(options: Options): Transformer {
  const locale = options.choice('locale', locales, 'en');
  const domain = options.text('domain') ?? 'example.invalid';
  const domains = options.choice('domains', ['one', 'mapped'], 'one');
  const keepDomains = new Set(options.texts('keepDomains').map((name) => name.toLowerCase()));
  const allow = options.texts('allow').map((entry) => entry.toLowerCase());
  const caseSensitive = options.flag('caseSensitive', false);
  const companions = subjectOf(options);
  options.done();
  const wellFormed = (name: string): boolean => /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name);
  if (!wellFormed(domain) || [...keepDomains].some((name) => !wellFormed(name)))
    throw new HoldfastError('config', 'A domain of `email` is wrong.', {
      why: 'It must be a host name such as `pseudonym.example.org`.',
    });
  const allowed = new Set(allow.filter((entry) => !entry.startsWith('@')));
  const allowedDomains = new Set(allow.filter((entry) => entry.startsWith('@')).map((entry) => entry.slice(1)));

  // `@`, then the domain; a mapped one has a label of its own before it.
  const mappedLabel = 10;
  const tail =
    1 +
    Math.max(domain.length + (domains === 'mapped' ? mappedLabel + 1 : 0), ...[...keepDomains].map((d) => d.length));
  const guarantee = (column: ColumnFacts): Guarantee => {
    assertType('email', column, 'text');
    const { suffix, length } = formFor('email', locale, tail, column);
    return {
      uniqueness: { bits: suffix * 5 },
      maxLength: allow.length > 0 ? undefined : length,
      nulls: 'kept',
      empty: 'kept',
      canonical: caseSensitive ? 'NFC' : 'NFC, lower case, trimmed',
      reversible: false,
    };
  };

  return {
    kind: 'email',
    companions,
    guarantee,
    prepare: (context) => onStrings(prepareBytes(context)),
    prepareBytes,
  };

  function prepareBytes({ key, column }: PrepareContext): ByteRun {
    guarantee(column);
    const form = formFor('email', locale, tail, column);
    const prf = new Prf(key.subkey('email'));
    const ofDomain = new Prf(key.subkey('email domain'));
    const decide = companions.length > 0 ? decidingIn(key, 'email', true) : undefined;
    const [firsts, lasts] = [new WordList(given[locale]), new WordList(family[locale])];
    const endings = new WordList([domain, ...keepDomains]);
    const kept = new Map([...keepDomains].map((name, k) => [name, k + 1]));
    const domainCells = new ByteColumn();
    return (cells, out, others) => {
      const { count } = cells;
      const kernel = kernels().begin();
      const brought = kernel.bring(cells);
      const words = keyedIn(kernel, prf, caseSensitive ? exact : folded, cells, brought);
      const names = decide === undefined ? words : decide(kernel, cells, brought, others);
      if (domains === 'mapped' || kept.size > 0) writeDomains(cells, domainCells);
      const labels =
        domains === 'mapped' ? keyedIn(kernel, ofDomain, folded, domainCells, kernel.bring(domainCells)) : 0;
      const which = kept.size > 0 || allow.length > 0 ? kernel.put(endingsOf(cells)) : 0;
      const [first, last] = [form.first ? firsts.put(kernel) : 0, form.last ? lasts.put(kernel) : 0];
      const ending = endings.put(kernel);
      const { from, to } = brought;
      writePlain(
        kernel,
        { count, length: count * form.length, out },
        (made, rest) =>
          kernel.run.writeEmails(
            ...[from, to, count, words, names, first, last, form.suffix, labels, ending, which],
            ...[made.bytes, made.from, made.to, rest],
          ),
        (i) => out.keep(cells, i),
      );
    };

    /** Which domain each cell gets; -1 for those that stay. */
    function endingsOf(cells: ByteColumn): Int32Array {
      return Int32Array.from({ length: cells.count }, (_, i) => {
        if (cells.isEmpty(i)) return 0;
        if (allow.length > 0 && isAllowed(cells.cellAt(i)!)) return -1;
        return kept.size > 0 ? (kept.get(domainCells.cellAt(i)!) ?? 0) : 0;
      });
    }
  }

  function isAllowed(cell: string): boolean {
    const address = cell.trim().toLowerCase();
    return address !== '' && (allowed.has(address) || allowedDomains.has(domainOf(address)));
  }
}

/** Domains in small letters; of NULL none. */
function writeDomains(cells: ByteColumn, out: ByteColumn): void {
  out.begin(cells.count);
  for (let i = 0; i < cells.count; i++) out.cell(domainOf(cells.cellAt(i)));
}

function domainOf(address: string | null): string {
  return address === null
    ? ''
    : address
        .slice(address.lastIndexOf('@') + 1)
        .trim()
        .toLowerCase();
}

/** A letter, a family name, and 12 characters that make it unique: `jdupont-7k2m…`. */
export function username(options: Options): Transformer {
  const locale = options.choice('locale', locales, 'en');
  const caseSensitive = options.flag('caseSensitive', false);
  const companions = subjectOf(options);
  options.done();
  const lead = longest(family[locale]) + 2;
  const form = (column: ColumnFacts): { named: boolean; suffix: number } => {
    assertType('username', column, 'text');
    assertFits('username', 4, column);
    const room = column.maxLength ?? Number.POSITIVE_INFINITY;
    return room >= lead + 12 ? { named: true, suffix: 12 } : { named: false, suffix: Math.min(room, 16) };
  };
  const guarantee = (column: ColumnFacts): Guarantee => {
    const { named, suffix } = form(column);
    return {
      uniqueness: { bits: suffix * 5 },
      maxLength: suffix + (named ? lead : 0),
      nulls: 'kept',
      empty: 'kept',
      canonical: caseSensitive ? 'NFC' : 'NFC, lower case, trimmed',
      reversible: false,
    };
  };
  return {
    kind: 'username',
    companions,
    guarantee,
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      const { named, suffix } = form(column);
      const prf = new Prf(key.subkey('username'));
      const decide = companions.length > 0 ? deciding(key, 'username', true) : undefined;
      const initials = new ByteWords(given[locale].map((name) => name[0]!));
      const lasts = new ByteWords(family[locale]);
      return (cells, out, others) => {
        const words = keyedColumn(prf, caseSensitive ? exact : folded, cells);
        const names = decide === undefined ? words : decide(cells, others);
        out.begin(cells.count, lead + 16);
        for (let i = 0; i < cells.count; i++) {
          if (cells.isEmpty(i)) {
            out.keep(cells, i);
            continue;
          }
          if (named) {
            initials.write(out, firstNameAt(names, i, initials.count));
            lasts.write(out, lastNameAt(names, i, lasts.count));
            out.bytes[out.at++] = 0x2d;
          }
          writeBase32(out, words, i * 4, suffix);
          out.end();
        }
      };
    },
  };
}
