import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { lastNames } from '../../src/pseudonyms/dictionaries/last-names.ts';
import { admissionOf } from '../../src/pseudonyms/leaks/admit.ts';
import { Characters } from '../../src/pseudonyms/leaks/characters.ts';
import { type ColumnReading, readingOf, scanCell, scanCells } from '../../src/pseudonyms/leaks/columns.ts';
import { KnownWords } from '../../src/pseudonyms/leaks/known-words.ts';
import { compactOf } from '../../src/pseudonyms/leaks/numbers.ts';
import { type Found, TextScanner } from '../../src/pseudonyms/leaks/scan-text.ts';
import { addPrint, keepKnown, newSketch, type SharedSketch } from '../../src/pseudonyms/leaks/sketch.ts';
import { finished, form, leadingPrint, leadingPrintOfWords, Words } from '../../src/pseudonyms/leaks/words.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import { cells, digits, pieces, rules, sized, text } from '../support/leak-texts.ts';

const { seeds, apart } = newSketch({ expected: 1 });
const reading = (type: 'text' | 'uuid' | 'number') =>
  readingOf({ name: 'c', class: type, type: type === 'number' ? 'bigint' : type })!;
const readings = (['text', 'uuid', 'number'] as const).map(reading);
type Print = readonly [a: number, b: number];

function sketchOf(prints: Iterable<Print>): SharedSketch {
  const made = { words: newSketch({ expected: 1 }).words, seeds, apart };
  for (const [a, b] of prints) addPrint(made, a, b);
  return made;
}

function told(look: (found: Found) => void): string[] {
  const all: string[] = [];
  look((...found) => all.push(found.join()));
  return all.sort();
}

/** What is found in cells as strings, and as a column: each in no order. */
function expectSame(of: ColumnReading, sketch: SharedSketch, given: readonly Cell[]): number {
  const [ofStrings, ofColumn] = [new TextScanner(sketch), new TextScanner(sketch)];
  const column = new ByteColumn().fill(given);
  const inStrings = told((found) => {
    for (const cell of given) scanCell(of, ofStrings, cell, found);
  });
  // What the words of a column are is known the second time.
  for (let time = 0; time < 2; time++)
    expect(told((found) => void scanCells(of, ofColumn, column, found))).toEqual(inStrings);
  let row = -1;
  const ofCells = told((found) => {
    scanCells(
      of,
      ofColumn,
      column,
      (...each) => found(...([row, ...each] as unknown as Parameters<Found>)),
      (next) => {
        row = next;
      },
    );
  });
  const eachString = given.flatMap((cell, at) =>
    told((found) => void scanCell(of, ofStrings, cell, found)).map((each) => `${at},${each}`),
  );
  expect(ofCells).toEqual(eachString.sort());
  return inStrings.length;
}

/** What the scanner asks a sketch for in a text, when that has some prints and no others. */
function asked(of: ColumnReading, cell: string, has: ReadonlySet<string>): Map<string, Print> {
  const all = new Map<string, Print>();
  let first: number | undefined;
  // Of this length the place of a print's word is the word itself.
  const words = new Proxy(new Int32Array(0), {
    get: (_, name) => {
      if (name === 'length') return 2 ** 32;
      const word = Number(name);
      if (first === undefined) {
        first = word;
        return -1;
      }
      const key = `${first},${word}`;
      all.set(key, [first, word]);
      first = undefined;
      return has.has(key) ? -1 : 0;
    },
  }) as unknown as SharedSketch['words'];
  scanCell(of, new TextScanner({ words, seeds, apart }), cell, () => {});
  return all;
}

describe('prints of texts', () => {
  it('by their first words are the same when all words are cut already', () => {
    const words = new Words({ seeds });
    const long = fc.array(text, { maxLength: 12 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.oneof(text, long), (given) => {
        const prints = [0, 1].map(() => ({ a: 0, b: 0 }));
        const known = leadingPrint(words, given, 0, given.length, prints[0]!);
        words.cut(given);
        if (words.combining) return;
        expect(leadingPrintOfWords(words, 0, 0, given.length, prints[1]!)).toBe(known);
        expect(prints[1]).toEqual(prints[0]);
      }),
    );
  });

  it('that the sketch knows are kept, in their order', () => {
    const own = sketchOf([
      [1, 2],
      [-3, 4],
    ]);
    const prints = Int32Array.of(7, 7, 7, 9, 9, 0, -3, 4, 1, 1, 2, 2, -3, 4, 3, 8, 8, 8);
    expect(keepKnown(own, prints, 3, 4)).toBe(3);
    expect([...prints.subarray(0, 12)]).toEqual([7, 7, 7, -3, 4, 1, 1, 2, 2, -3, 4, 3]);
  });
});

describe('the search of a column', () => {
  it('asks for whatever the search of strings asks for', () => {
    let all = 0;
    const cell = fc.oneof({ weight: 4, arbitrary: text }, { weight: 2, arbitrary: pieces }, sized, digits(20));
    fc.assert(
      fc.property(
        fc.constantFrom(...readings),
        cell,
        cell,
        fc.array(fc.nat(), { minLength: 1, maxLength: 24 }),
        fc.nat(4),
        (of, given, other, picks, more) => {
          const first = [...asked(of, given, new Set()).values()];
          if (first.length === 0) return;
          // One by one, as the kernel must give each.
          for (const pick of picks.slice(0, 8))
            all += expectSame(of, sketchOf([first[pick % first.length]!]), [other, given]);
          // Several together, and what is asked for because these are there: phrases.
          const some = new Map(
            picks.slice(0, more + 1).map((pick) => [first[pick % first.length]!.join(), first[pick % first.length]!]),
          );
          const then = [...asked(of, given, new Set(some.keys())).entries()];
          for (const pick of picks) some.set(...then[pick % then.length]!);
          all += expectSame(of, sketchOf(some.values()), [given, null, other, given]);
          const everything = [...first, ...then.map(([, print]) => print)];
          all += expectSame(of, sketchOf(everything), [given, other]);
        },
      ),
      { numRuns: 250 },
    );
    expect(all).toBeGreaterThan(1000);
  });

  it('finds no number that is nobody’s', () => {
    const series = fc
      .tuple(fc.nat(9), fc.constantFrom(0, 1, 9), fc.nat(22))
      .map(([first, step, length]) => Array.from({ length }, (_, at) => (first + at * step) % 10).join(''));
    const dated = fc
      .tuple(
        fc.constantFrom('20260101', '31122025', '20261301', '32012026', '18991231', '18121920', '2026010'),
        digits(14),
        fc.constantFrom('', 't', 'x'),
        fc.constantFrom('', 'z', '0'),
        fc.boolean(),
      )
      .map(([date, rest, time, zone, short]) => `${date}${time}${short ? '' : rest}${zone}`);
    fc.assert(
      fc.property(fc.array(fc.oneof(series, dated, digits(24)), { minLength: 1, maxLength: 8 }), (given) => {
        const characters = new Characters({ seeds });
        const prints = given.map((each): Print => {
          const { a, b } = characters.print(compactOf(each));
          return [finished(a, form.compact), finished(b, form.compact)];
        });
        for (const of of readings) expectSame(of, sketchOf(prints), given);
      }),
      { numRuns: 500 },
    );
  });

  it('finds what the search of strings finds of originals of every kind', () => {
    let all = 0;
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), cells, fc.nat(), (originals, others, at) => {
        const own = newSketch({ expected: 2000 });
        for (const [rule, type] of rules) {
          const take = admissionOf(rule, type, own, (a, b) => addPrint(own, a, b))!;
          for (const original of originals) take(original);
        }
        const planted = originals.flatMap((original, k) => [
          original,
          original.toUpperCase(),
          `${others[(at + k) % Math.max(1, others.length)]} ${original}, fin`,
          JSON.stringify({ a: [original] }),
        ]);
        const given: Cell[] = [
          ...others,
          ...planted,
          '0612345678',
          '12345678901234',
          `${'lorem '.repeat(12_000)}${planted[0]}`,
        ];
        for (const of of readings) all += expectSame(of, own, given);
      }),
      { numRuns: 60 },
    );
    expect(all).toBeGreaterThan(1000);
  });

  it('tells of words that are no vocabulary, and of phrases of such that are', () => {
    const own = newSketch({ expected: 20_000 });
    const names = lastNames.fr.filter((name) => /^[a-z]+$/i.test(name)).slice(0, 40);
    for (const kind of ['last-name', 'full-name', 'company', 'address']) {
      const take = admissionOf({ kind }, 'text', own, (a, b) => addPrint(own, a, b))!;
      for (const [at, name] of names.entries())
        for (const each of [name, `Quist${at}x`, 'Quist', `12 rue ${name}`]) take(each);
      take(`${names[0]} ${names[1]}`);
      take(`${names[0]} Quist`);
    }
    const given = fc
      .array(fc.constantFrom(...names, 'Quist', 'quist', 'Quist1x', '12', 'rue', ' ', ' ', ' ', ',', '|', 'É'), {
        maxLength: 8,
      })
      .map((parts) => parts.join(' '));
    let all = 0;
    fc.assert(
      fc.property(fc.array(given, { maxLength: 20 }), (column) => {
        all += expectSame(readings[0]!, own, column);
      }),
      { numRuns: 300 },
    );
    expect(all).toBeGreaterThan(100);
    // Names alone are told of by no cell.
    expect(expectSame(readings[0]!, own, names)).toBe(0);
    expect(expectSame(readings[0]!, own, ['Quist', 'quist'])).toBe(2);
  });

  it.each([2, 3, 4, 5, 6])('finds phrases of %d words wherever they stand', (count) => {
    const phrase = 'Ottilie van Quist und Soehne Berlin'.split(' ').slice(0, count).join(' ');
    const own = sketchOf([]);
    admissionOf({ kind: 'company' }, 'text', own, (a, b) => addPrint(own, a, b))!(phrase);
    const given = [phrase, `by ${phrase.toUpperCase()}, signed`, `Ottilie ${phrase}; also ${phrase}.`, 'Ottilie Quist'];
    expect(expectSame(readings[0]!, own, given)).toBe(4);
  });

  it('takes many cells, and many prints of each', () => {
    const own = sketchOf([]);
    const take = admissionOf({ kind: 'email' }, 'text', own, (a, b) => addPrint(own, a, b))!;
    take('z.q@labo.example');
    const numbers = '0 1234567 '.repeat(800);
    const given = Array.from({ length: 3000 }, (_, at) =>
      at % 500 === 3 ? `${numbers} z.q@labo.example` : at % 7 === 0 ? null : `+${at} a${at}@b.example`,
    );
    expect(expectSame(readings[0]!, own, given)).toBe(6);
  });

  it('tells of cells that are not read to their end', () => {
    const own = newSketch({ expected: 100 });
    admissionOf({ kind: 'email' }, 'text', own, (a, b) => addPrint(own, a, b))!('z.q@labo.example');
    const scanner = new TextScanner(own);
    const given = [
      'z.q@labo.example',
      null,
      'é Z.Q@labo.example',
      'x'.repeat(8 * 1024 * 1024),
      'é'.repeat(5 * 1024 * 1024),
    ];
    let found = 0;
    expect(scanCells(readings[0]!, scanner, new ByteColumn().fill(given), () => found++)).toBe(1);
    expect(found).toBe(2);
    const hex = new ByteColumn().fill([`\\x${Buffer.from('by z.q@labo.example').toString('hex')}`, null]);
    expect(
      told((each) => void scanCells(readingOf({ name: 'c', class: 'bytea', type: 'bytea' })!, scanner, hex, each)),
    ).toHaveLength(1);
  });

  it('keeps what the vocabulary said of words, as far as there is room', () => {
    const known = new KnownWords();
    expect(known.get(0, 0)).toBeUndefined();
    // All of them belong to one place.
    const words = Array.from({ length: 12 }, (_, at): Print => [at << 20, at]);
    for (const [at, word] of words.entries()) {
      known.set(...word, at % 3 === 0);
      expect(known.get(...word)).toBe(at % 3 === 0);
    }
    let kept = 0;
    for (const [at, word] of words.entries()) {
      const isKnown = known.get(...word);
      if (isKnown === undefined) continue;
      kept++;
      expect(isKnown).toBe(at % 3 === 0);
    }
    expect(kept).toBe(4);
  });
});
