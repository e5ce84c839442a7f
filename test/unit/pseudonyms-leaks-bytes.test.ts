import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { admissionOf, columnAdmissionOf } from '../../src/pseudonyms/leaks/admit.ts';
import { byteNumberRuns, isNobodysCodes } from '../../src/pseudonyms/leaks/byte-numbers.ts';
import { digit } from '../../src/pseudonyms/leaks/character-facts.ts';
import { Characters } from '../../src/pseudonyms/leaks/characters.ts';
import { readingOf, scanCells } from '../../src/pseudonyms/leaks/columns.ts';
import { compactOf, isNobodys, numberRuns } from '../../src/pseudonyms/leaks/numbers.ts';
import { type Found, TextScanner } from '../../src/pseudonyms/leaks/scan-text.ts';
import { addPrint, hasPrint, newSketch } from '../../src/pseudonyms/leaks/sketch.ts';
import { sketchWatch } from '../../src/pseudonyms/leaks/watch.ts';
import { leadingPrint, leadingPrintOfWords, Words } from '../../src/pseudonyms/leaks/words.ts';
import type { RawOptions } from '../../src/pseudonyms/options.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';

const sketch = newSketch({ expected: 2000 });
const ascii = fc.string({ unit: fc.integer({ min: 1, max: 127 }).map((code) => String.fromCharCode(code)) });
const digits = (maxLength: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength });

/** What the search looks for, and what looks like it. */
const written = fc.constantFrom(
  ...'Ottilie Quist MARTIN thomas Moulin rue 12bis van der d’Arc O’Neil Jean-Paul Müller Zoe\u0308 lorem ipsum Admin'.split(
    ' ',
  ),
  ...'FR76 3000 6000 0112 3456 7890 189 GB29 NWBK 6016 GB29NWBK60161331926819 4970-1012-3456-7890'.split(' '),
  ...'+33 06 12 34 56 78 0612345678 203.0.113.77 127.0.0.1 255.255.255.255 fe80::1 localhost'.split(' '),
  ...'20260101 2026-01-01T12:00:00Z 01.02.2026 31122025 12345678 98765432 11111111'.split(' '),
  ...'z.q@labo.example z.q@mail.labo.example a@b.c.d.example mailto:z.q@labo.example z.q@labo.example.pdf'.split(' '),
  ...'z.q%40labo.example z.q&#64;labo.example .@foo.bar @ a@b k=a+b@x.example&z a@b-.c.d 100%'.split(' '),
);
const token = fc.oneof(
  { weight: 5, arbitrary: written },
  digits(12),
  fc.constantFrom('3f2b8c1e-77aa-4b1c-9d0e-0123456789ab'),
);
const gap = fc.constantFrom(' ', ' ', ' ', ' ', ', ', '\n', '. ', '-', '=', '', '"', ' (', '|', '\r\n', '\t');
const running = (maxLength: number) =>
  fc.array(fc.tuple(token, gap), { minLength: 1, maxLength }).map((parts) => parts.flat().join('').trimEnd());
const text = fc.oneof(running(4), running(12), running(60));
const plainText = text.map((each) => each.replace(/\P{ASCII}/gu, 'e'));

describe('bytes have the prints of the texts that they are', () => {
  const [ofText, ofBytes] = [new Words(sketch), new Words(sketch)];
  const seen = (words: Words, shift: number) => ({
    marks: words.marks & 0xf0,
    words: Array.from({ length: words.count }, (_, at) => [
      words.a[at],
      words.b[at],
      words.from[at]! - shift,
      words.to[at]! - shift,
      words.traits[at],
      words.slice(words.from[at]!, words.to[at]!),
    ]),
  });

  it('cut into words', () => {
    fc.assert(
      fc.property(fc.oneof(ascii, plainText), (given) => {
        ofText.cut(given);
        // What stands around a cell is not its own.
        ofBytes.cutBytes(Buffer.from(`a${given}b`), 1, 1 + given.length);
        expect(seen(ofBytes, 1)).toEqual(seen(ofText, 0));
      }),
      { numRuns: 500 },
    );
  });

  it('as letters and digits alone', () => {
    const [one, other] = [new Characters(sketch), new Characters(sketch)];
    const seen = ({ a, b, length, digits }: Characters) => ({ a, b, length, digits });
    fc.assert(
      fc.property(ascii, (given) => {
        const bytes = Buffer.from(`1${given}1`);
        const end = 1 + given.length;
        expect(seen(other.printBytes(bytes, 1, end))).toEqual(seen(one.print(given)));
        expect(seen(other.printBytes(bytes, 1, end, digit))).toEqual(seen(one.print(given.replace(/\D/g, ''))));
      }),
    );
  });

  it('by their first words, also when all words are cut already', () => {
    const long = fc.array(fc.tuple(plainText, gap), { maxLength: 12 }).map((parts) => parts.flat().join(''));
    fc.assert(
      fc.property(fc.oneof(plainText, long), (given) => {
        const prints = [0, 1].map(() => ({ a: 0, b: 0 }));
        const bytes = Buffer.from(given);
        const known = leadingPrint(ofText, given, 0, given.length, prints[0]!);
        ofBytes.cutBytes(bytes, 0, bytes.length);
        expect(leadingPrintOfWords(ofBytes, 0, 0, bytes.length, prints[1]!)).toBe(known);
        expect(prints[1]).toEqual(prints[0]);
      }),
    );
  });
});

describe('numbers within bytes', () => {
  const series = fc
    .tuple(fc.nat(9), fc.constantFrom(0, 1, 9), fc.nat(22))
    .map(([first, step, length]) => Array.from({ length }, (_, at) => (first + at * step) % 10).join(''));
  const dated = fc
    .tuple(
      fc.constantFrom('20260101', '31122025', '20261301', '32012026', '18991231'),
      digits(14),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([date, rest, time, zone]) => `${date}${time ? 't' : ''}${rest}${zone ? 'z' : ''}`);

  it('are nobody’s when those of the text are', () => {
    fc.assert(
      fc.property(fc.oneof(series, dated, digits(24), fc.constant('aaaaaaaa'), plainText), (given) => {
        const compact = compactOf(given);
        expect(isNobodysCodes(Buffer.from(compact), 0, compact.length)).toBe(isNobodys(compact));
      }),
      { numRuns: 1000 },
    );
  });

  it('are the same runs of words', () => {
    const words = new Words(sketch);
    fc.assert(
      fc.property(plainText, (given) => {
        const [ofText, ofBytes]: unknown[][][] = [[], []];
        words.cut(given);
        numberRuns(words, (...run) => ofText!.push(run));
        words.cutBytes(Buffer.from(`+${given}`), 1, 1 + given.length);
        byteNumberRuns(words, (codes, from, to, ...run) => ofBytes!.push([codes.toString('latin1', from, to), ...run]));
        expect(ofBytes).toEqual(ofText);
      }),
      { numRuns: 500 },
    );
  });
});

const rules: [RawOptions, string][] = [
  ...[
    'last-name',
    'full-name',
    'company',
    'address',
    'phone',
    'text',
    'email',
    'iban',
    'ip',
    'token',
    'null',
    'xml',
  ].map((kind): [RawOptions, string] => [{ kind }, 'text']),
  [{ kind: 'text', mode: 'patterns' }, 'text'],
  [{ kind: 'null' }, 'jsonb'],
  [{ kind: 'array', element: { kind: 'email' } }, 'text[]'],
  [{ kind: 'json', default: { kind: 'text' } }, 'jsonb'],
];
const document = text.map((each) => JSON.stringify({ a: [each], b: 1234567890123 }));
const binary = text.map((each) => `\\x${Buffer.from(each).toString('hex')}`);
const cells = fc.array(
  fc.oneof({ weight: 1, arbitrary: fc.constantFrom(null, '', 'ab') }, { weight: 9, arbitrary: text }, document),
  { maxLength: 12 },
);

const sorted = (prints: ReadonlySet<string>) => [...prints].sort();

function printsOfStrings(rule: RawOptions, type: string, given: readonly Cell[]): string[] {
  const prints = new Set<string>();
  const take = admissionOf(rule, type, sketch, (...print) => prints.add(print.join()))!;
  for (const cell of given) take(cell);
  return sorted(prints);
}

/** Those that follow each other are taken once, and those that the kernel leaves at the end. */
function printsOfColumn(rule: RawOptions, type: string, given: readonly Cell[]): string[] {
  const prints = new Set<string>();
  columnAdmissionOf(rule, type, sketch, (...print) => prints.add(print.join()))!(new ByteColumn().fill(given));
  return sorted(prints);
}

describe('originals', () => {
  it.each([...rules, [{ kind: 'bytea' }, 'bytea'] as const])(
    'of %o %s have the same prints as bytes and as strings',
    (rule, type) => {
      fc.assert(
        fc.property(type === 'bytea' ? fc.array(binary) : cells, (given: Cell[]) => {
          expect(printsOfColumn(rule, type, given)).toEqual(printsOfStrings(rule, type, given));
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each(['text', 'phone', 'token', 'null'])(
    'of %s have the same prints where numbers stand among other things',
    (kind) => {
      const piece = fc.constantFrom(
        ...'0 1 2 20 2026 01 12 31 19 06 +33 + ( ) - . , @ _ a : / FR76 GB A XY12 3000 1111 12345678 127.0.0.1'.split(
          ' ',
        ),
        ' ',
        ' ',
        '\n',
      );
      fc.assert(
        fc.property(fc.array(fc.array(piece, { maxLength: 14 }), { maxLength: 4 }), (all) => {
          const given = all.map((pieces) => pieces.join(''));
          expect(printsOfColumn({ kind }, 'text', given)).toEqual(printsOfStrings({ kind }, 'text', given));
        }),
        { numRuns: 1000 },
      );
    },
  );

  it('have the same prints at any length', () => {
    // Around what one look takes in, what is cut at once, and what stands for a whole text.
    const length = fc.constantFrom(15, 16, 17, 63, 64, 65, 66, 127, 128, 129, 399, 400, 401, 8191, 8192, 8193, 20_000);
    const unit = fc.constantFrom('a', 'B', '7', '.', '-', ' ', 'word ', 'Ab@c.de ', 'x\n', '12 ', '_');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(length, fc.array(unit, { minLength: 1, maxLength: 30 })), { maxLength: 3 }),
        (all) => {
          const given = all.map(([size, units]) => units.join('').repeat(size).slice(0, size));
          for (const kind of ['text', 'token', 'company', 'null'])
            expect(printsOfColumn({ kind }, 'text', given)).toEqual(printsOfStrings({ kind }, 'text', given));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('that follow each other are taken once', () => {
    let told = 0;
    const take = columnAdmissionOf({ kind: 'email' }, 'text', sketch, () => told++)!;
    take(new ByteColumn().fill(['z@x.example', 'z@x.example', null, 'z@x.example', 'zoë@x.example', 'zoë@x.example']));
    expect(told).toBe(2);
  });

  it.each(['full-name', 'company', 'last-name'])('of %s are phrases also with an address in them', (kind) => {
    const given = 'Ottilie van Quist z.q@labo.example';
    const own = newSketch({ expected: 100 });
    admissionOf({ kind }, 'text', own, (a, b) => addPrint(own, a, b))!(given);
    const found: number[] = [];
    new TextScanner(own).text('by OTTILIE VAN QUIST Z.Q@LABO.EXAMPLE, signed', (print) => found.push(print));
    // The address by itself, and the phrase that it ends.
    expect(found).toHaveLength(2);
  });

  it('are all in the sketch when a batch was shown', () => {
    const own = newSketch({ expected: 5000 });
    const facts = { name: 'c', type: 'text', nullable: true, unique: false };
    const rule = { kind: 'email' };
    const given = Array.from({ length: 2500 }, (_, at) => `z${at}@x.example`);
    sketchWatch(own, { ruled: [{ at: 0, column: 'c', rule, facts, domain: 'd' }] }).originals(
      'c',
      new ByteColumn().fill(given),
    );
    let [told, missed] = [0, 0];
    const take = admissionOf(rule, 'text', own, (a, b) => {
      told++;
      if (!hasPrint(own, a, b)) missed++;
    })!;
    for (const each of given) take(each);
    expect([told, missed]).toEqual([2500, 0]);
  });
});

describe('the search', () => {
  const told = (look: (found: Found) => void) => {
    const all: string[] = [];
    look((...found) => all.push(found.join()));
    return all;
  };

  it('finds in bytes what it finds in strings', () => {
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
        const column = new ByteColumn().fill(given);
        const [ofStrings, ofBytes] = [new TextScanner(own), new TextScanner(own)];
        for (const [type, name] of [
          ['text', 'text'],
          ['uuid', 'uuid'],
          ['number', 'bigint'],
        ] as const) {
          const reading = readingOf({ name: 'c', class: type, type: name })!;
          for (const [i, cell] of given.entries()) {
            const inString = told((found) => {
              if (cell !== null && cell.length >= 4) reading.scan(ofStrings, cell, found);
            });
            expect(told((found) => void reading.scanAt(ofBytes, column, i, found))).toEqual(inString);
            all += inString.length;
          }
        }
      }),
      { numRuns: 60 },
    );
    expect(all).toBeGreaterThan(1000);
  });

  it('goes through all cells of a column, and tells of those that are not read to their end', () => {
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
    const column = new ByteColumn().fill(given);
    let found = 0;
    const reading = readingOf({ name: 'c', class: 'text', type: 'text' })!;
    expect(scanCells(reading, scanner, column, () => found++)).toBe(1);
    expect(found).toBe(2);
    const hex = new ByteColumn().fill([`\\x${Buffer.from('by z.q@labo.example').toString('hex')}`, null]);
    expect(
      told((each) => void scanCells(readingOf({ name: 'c', class: 'bytea', type: 'bytea' })!, scanner, hex, each)),
    ).toHaveLength(1);
  });
});
