import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { admissionOf } from '../../src/pseudonyms/leaks/admit.ts';
import { textsOf } from '../../src/pseudonyms/leaks/file-text.ts';
import { isNobodys, phoneTail } from '../../src/pseudonyms/leaks/numbers.ts';
import { strength } from '../../src/pseudonyms/leaks/originals.ts';
import { TextScanner } from '../../src/pseudonyms/leaks/scan-text.ts';
import {
  addPrint,
  hasPrint,
  largestSketchBytes,
  newSketch,
  OwnSketch,
  PrintBatch,
  printNumber,
} from '../../src/pseudonyms/leaks/sketch.ts';
import { isVocabulary } from '../../src/pseudonyms/leaks/vocabulary.ts';
import { sketchWatch } from '../../src/pseudonyms/leaks/watch.ts';
import { Words } from '../../src/pseudonyms/leaks/words.ts';
import type { RawOptions } from '../../src/pseudonyms/options.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import { CopyCells } from '../support/copy-cells.ts';

/** A sketch of originals of one column. */
function sketched(rule: RawOptions, originals: Cell[], type = 'text') {
  const sketch = newSketch({ expected: originals.length * 2 });
  const facts = { name: 'c', type, nullable: true, unique: false };
  sketchWatch(sketch, { ruled: [{ at: 0, column: 'c', rule, facts, domain: 'd' }] }).originals(
    'c',
    new ByteColumn().fill(originals),
  );
  return new TextScanner(sketch);
}

function finds(scanner: TextScanner, text: string): boolean {
  let found = false;
  scanner.value(text, (_print, low) => {
    found ||= !low;
  });
  return found;
}

describe('the sketch', () => {
  it('never says no to what was added, and seldom yes to anything else', () => {
    const sketch = newSketch({ expected: 20_000 });
    const random = (seed: number) => Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) ^ Math.imul(seed, 0x297a2d39);
    for (let at = 0; at < 20_000; at++) addPrint(sketch, random(at), random(at + 1_000_000));
    let [wrong, missed] = [0, 0];
    for (let at = 0; at < 20_000; at++) {
      if (!hasPrint(sketch, random(at), random(at + 1_000_000))) missed++;
      if (hasPrint(sketch, random(at + 2_000_000), random(at + 3_000_000))) wrong++;
    }
    expect(missed).toBe(0);
    expect(wrong).toBeLessThan(20);
  });

  it('stays within its bound, is shared when it is sent to another thread, and differs in every run', () => {
    expect(newSketch({ expected: 1e12 }).words.byteLength).toBe(largestSketchBytes);
    expect(newSketch({ expected: 0 }).words.byteLength).toBeGreaterThan(0);
    const one = newSketch({ expected: 10 });
    const sent = structuredClone(one);
    addPrint(sent, 5, 6);
    expect(hasPrint(one, 5, 6)).toBe(true);
    expect([...newSketch({ expected: 10 }).seeds]).not.toEqual([...one.seeds]);
  });

  it.each([1, 40_000, 60_000, 100_000])('knows what was added to one apart once that is merged (%s)', (expected) => {
    const sketch = newSketch({ expected });
    const [one, other] = [new OwnSketch(sketch), new OwnSketch(sketch)];
    const random = (seed: number) => Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) ^ Math.imul(seed, 0x297a2d39);
    const [ofOne, ofOther, ofAll] = [new PrintBatch(one), new PrintBatch(other), new PrintBatch(sketch)];
    const prints = Array.from({ length: 3000 }, (_, at) => [random(at), random(at + 1_000_000)] as const);
    for (const [at, [a, b]] of prints.entries()) [ofOne, ofOther, ofAll][at % 3]!.add(a, b);
    for (const batch of [ofOne, ofOther, ofAll]) batch.flush();
    expect(() => new TextScanner(sketch)).toThrow('before all originals');
    one.merge();
    expect(() => new TextScanner(sketch)).toThrow('before all originals');
    other.merge();
    other.merge();
    expect(() => new TextScanner(sketch)).not.toThrow();
    expect(prints.every(([a, b]) => hasPrint(sketch, a, b))).toBe(true);
    const strangers = prints.filter(([a, b]) => hasPrint(sketch, a ^ 0x5555, b ^ 0x3333));
    expect(strangers.length).toBeLessThan(10);
  });

  it('has room that is a power of two, or three of one, and uses all of it', () => {
    const sizes = [32_000, 33_000, 50_000, 70_000].map((expected) => newSketch({ expected }).words.byteLength / 1024);
    expect(sizes).toEqual([64, 96, 128, 192]);
    for (const expected of [50_000, 70_000]) {
      const sketch = newSketch({ expected });
      for (let at = 0; at < 200_000; at++) addPrint(sketch, Math.imul(at, 0x9e3779b1), Math.imul(at + 7, 0x85ebca77));
      expect(sketch.words.every((word) => word !== 0)).toBe(true);
    }
  });

  it('makes numbers of prints that are told apart', () => {
    expect(printNumber(-1, -1)).toBeLessThan(Number.MAX_SAFE_INTEGER + 1);
    expect(printNumber(1, 0)).not.toBe(printNumber(0, 1 << 11));
  });
});

describe('words', () => {
  const cut = (text: string) => {
    const words = new Words(newSketch({ expected: 1 }));
    words.cut(text);
    return Array.from({ length: words.count }, (_, at) => words.text.slice(words.from[at]!, words.to[at]!));
  };

  it('are what stands between spaces, brackets and quotes, without punctuation around them', () => {
    expect(cut(' Call "Jeanne d’Arc", (at jeanne.arc@x.org!) — 12:30, «fin».')).toEqual([
      'Call',
      'Jeanne',
      'd’Arc',
      'at',
      'jeanne.arc@x.org',
      '12:30',
      'fin',
    ]);
    expect(cut('')).toEqual([]);
    expect(cut('... --- !!')).toEqual([]);
  });

  it('have the same print however they are composed and written', () => {
    const words = new Words(newSketch({ expected: 1 }));
    const print = (text: string) => {
      words.cut(text);
      return [words.a[0], words.b[0]];
    };
    expect(print('Zoe\u0308')).toEqual(print('ZOË'));
    expect(print("L'Hôte")).toEqual(print('l’hôte'));
    expect(print('zoe')).not.toEqual(print('zoë'));
  });
});

describe('what is looked for', () => {
  it('is found wherever an address stands', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'abcdefgh0123456789'), minLength: 3, maxLength: 12 });
    const address = fc.tuple(letters, letters).map(([a, b]) => `${a}.q@${b}.example`);
    const around = fc.constantFrom(
      (x: string) => x,
      (x: string) => `Write to ${x}.`,
      (x: string) => `<a href="mailto:${x}">`,
      (x: string) => JSON.stringify({ a: [{ b: JSON.stringify([x]) }] }),
      (x: string) => `docs/${x}.pdf`,
      (x: string) => `k=${x.replace('@', '%40')}&z`,
      (x: string) => `${'lorem ipsum '.repeat(9000)}${x} ${'dolor '.repeat(9000)}`,
      (x: string) => x.toUpperCase(),
    );
    fc.assert(
      fc.property(address, around, (original, write) => {
        expect(finds(sketched({ kind: 'email' }, [original]), write(original))).toBe(true);
        expect(finds(sketched({ kind: 'email' }, [`x${original}`]), write(original))).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['phone', '+33 6 12 34 56 78', 'call 06.12.34.56.78 now'],
    ['phone', '0612345678', '{"tel": "+33 (6) 12 34 56 78"}'],
    ['iban', 'FR7630006000011234567890189', 'account FR76 3000 6000 0112 3456 7890 189 of'],
    ['iban', 'GB29NWBK60161331926819', 'GB29 NWBK 6016 1331 9268 19'],
    ['card', '4970101234567890', 'card 4970-1012-3456-7890.'],
    ['full-name', 'Ottilie van der Quist', 'by OTTILIE VAN DER QUIST, signed'],
    ['full-name', 'Müller, Ottilie', 'von Müller Ottilie'],
    ['address', '12 bis rue du Moulin', 'at 12 bis, rue du Moulin'],
    ['ip', '203.0.113.77', 'from 203.0.113.77:8080'.replace(':8080', ' port')],
    ['token', 'Xk29-pqLm', 'code (XK29-PQLM)'],
    ['text', 'note: mail z.q@labo.example, or 06 12 34 56 78', 'z.q@labo.example'],
    ['text', 'note: mail z.q@labo.example, or 06 12 34 56 78', '+33612345678'],
    ['null', 'Ottilie Quist', 'met Ottilie Quist'],
    ['uuid', '3f2b8c1e-77aa-4b1c-9d0e-0123456789ab', 'id=3F2B8C1E-77AA-4B1C-9D0E-0123456789AB'],
  ])('%s %s is found in: %s', (kind, original, text) => {
    expect(finds(sketched({ kind }, [original]), text)).toBe(true);
  });

  it.each([
    ['id', '123456789', '123456789'],
    ['birth-date', '1980-05-04', '1980-05-04'],
    ['city', 'Saint-Chamond', 'Saint-Chamond'],
    ['user-agent', 'Mozilla/5.0 (X11)', 'Mozilla/5.0 (X11)'],
    ['text', 'paid', 'paid'],
    ['text', 'seen on 2026-01-01', "FROM ('2026-01-01')"],
    ['username', 'admin', 'role Admin'],
    ['last-name', 'Martin', 'Martin'],
    ['last-name', 'Page', 'the page'],
    ['phone', '00000000000', '00000000000'],
    ['ip', '127.0.0.1', '127.0.0.1'],
  ])('%s %s is not, for it tells nobody apart', (kind, original, text) => {
    expect(finds(sketched({ kind }, [original]), text)).toBe(false);
  });

  it('goes by the path in documents, and by the element in arrays', () => {
    const rule = { kind: 'json', paths: { '$.a[].mail': { kind: 'email' }, '$.b': { kind: 'keep' } } };
    const scanner = sketched(rule, ['{"a": [{"mail": "in@x.example"}], "b": "kept@x.example"}'], 'jsonb');
    expect(finds(scanner, 'in@x.example')).toBe(true);
    expect(finds(scanner, 'kept@x.example')).toBe(false);
    const array = sketched({ kind: 'array', element: { kind: 'email' } }, ['{a@x.example,"b@x.example"}'], 'text[]');
    expect(finds(array, '["b@x.example"]')).toBe(true);
  });

  it('says how much each print tells', () => {
    const told: number[] = [];
    const take = admissionOf({ kind: 'last-name' }, 'text', newSketch({ expected: 1 }), (_a, _b, strong) =>
      told.push(strong),
    )!;
    take('Quisquater');
    take('a');
    take(null);
    expect(told).toEqual([strength.word]);
  });
});

describe('texts of files', () => {
  const said = (bytes: Buffer) => {
    const texts: string[] = [];
    const unread = textsOf(bytes, (text) => void texts.push(text));
    return { text: texts.join('\n'), unread };
  };
  const pdf = (head: string, stream: Buffer) =>
    Buffer.concat([
      Buffer.from(`%PDF-1.4\n1 0 obj << ${head} >>\nstream\n`),
      stream,
      Buffer.from('\nendstream endobj'),
    ]);

  it('are those of a PDF, letter by letter too, in hexadecimal and through the map of its font', () => {
    const flate = (text: string) => pdf('/Filter /FlateDecode', deflateSync(Buffer.from(text)));
    expect(said(flate('BT [(Ott)-3(ilie)] TJ ET')).text).toContain('Ottilie');
    expect(said(flate('BT (O) Tj 5 0 Td (t) Tj 5 0 Td (to) Tj ET')).text).toContain('Otto');
    expect(said(flate('BT (Zo\\353 \\(x\\)) Tj ET')).text).toContain('Zoë (x)');
    expect(said(flate('<< /Author <FEFF005A006F00EB00510075> >>')).text).toContain('Zoë');
    const map = deflateSync(
      Buffer.from('begincmap 1 beginbfrange <0001> <0003> <0041> endbfrange 1 beginbfchar <0010> <00EB> endbfchar'),
    );
    const both = Buffer.concat([flate('BT <00010002000300100001> Tj ET'), pdf('/Filter /FlateDecode', map)]);
    expect(said(both).text).toContain('ABCëA');
    expect(said(pdf('/Filter /ASCIIHexDecode', Buffer.from('28 4f74746f 29 20 54 6a>'))).text).toContain('Otto');
    expect(
      said(pdf('/Type /Metadata', Buffer.from('<x:xmpmeta><dc:creator>Zoë</dc:creator></x:xmpmeta>'))).text,
    ).toContain('Zoë');
  });

  it('are not given for what is encrypted or unknown, and that is told', () => {
    expect(said(pdf('/Encrypt 2 0 R', Buffer.from('x'))).unread).toBeGreaterThan(0);
    expect(said(pdf('/Filter /LZWDecode', Buffer.from('x'))).unread).toBe(1);
    expect(said(pdf('/Filter /FlateDecode', Buffer.from('no zlib'))).unread).toBe(1);
    expect(said(Buffer.from('PK\x03\x04'.padEnd(60, 'x'))).unread).toBe(1);
    expect(said(gzipSync(Buffer.alloc(33 * 1024 * 1024))).unread).toBe(1);
    expect(said(gzipSync(Buffer.from('Zoe Quist lives here')).subarray(0, -9)).unread).toBe(1);
  });

  it('are read in their encoding, also within bytes of no known kind', () => {
    expect(said(Buffer.from('\ufeffZoë Quist', 'utf16le')).text).toContain('Zoë Quist');
    expect(said(Buffer.from('Zo\xeb Quist lives here', 'latin1')).text).toContain('Zoë Quist');
    expect(said(gzipSync(Buffer.from('Zoë Quist'))).text).toContain('Zoë Quist');
    const noise = Buffer.concat([
      Buffer.from([0, 1, 2, 255, 254, 3, 0, 1]),
      Buffer.from('Artist: Zoe Quist'),
      Buffer.alloc(9),
    ]);
    expect(said(noise).text).toContain('Artist: Zoe Quist');
    expect(
      said(Buffer.concat([Buffer.from([0, 1, 2, 255, 9]), Buffer.from('zoe@x.example', 'utf16le')])).text,
    ).toContain('zoe@x.example');
  });

  it('are none of a hash that begins as a file of some kind would', () => {
    const hash = (...bytes: number[]) => Buffer.concat([Buffer.from(bytes), Buffer.alloc(32 - bytes.length, 0xc5)]);
    // Of a million hashes fifteen begin with the mark of gzip: none may keep a copy from being published.
    expect(said(hash(0x1f, 0x8b)).unread).toBe(0);
    expect(said(hash(0x1f, 0x8b, 8, 0xe0)).unread).toBe(0);
    expect(said(hash(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 77)).unread).toBe(0);
    // A mark of UTF-16, and a text that is none.
    for (const mark of [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])])
      expect(said(Buffer.concat([mark, Buffer.from('call Zoe Quist at once')])).text).toContain('Zoe Quist');
  });

  it('never fail, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom('', '%PDF-', 'PK\x03\x04', '\x1f\x8b'),
        (bytes, head) => {
          said(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(bytes)]));
        },
      ),
    );
  });
});

describe('cells of a COPY', () => {
  it('are what was written, wherever the bytes are cut', async () => {
    const cell = fc.option(fc.string({ unit: fc.constantFrom(...'aé名🎉\t\n\\\r\b\v\f\u0001N.'), maxLength: 20 }), {
      nil: null,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { maxLength: 20 }),
        fc.integer({ min: 1, max: 50 }),
        async (rows, step) => {
          const escaped = (value: string | null) =>
            value === null
              ? '\\N'
              : value.replace(
                  /[\\\b\f\n\r\t\v]/g,
                  (char) => `\\${{ '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v' }[char] ?? char}`,
                );
          const bytes = Buffer.from(rows.map((row) => `${row.map(escaped).join('\t')}\n`).join(''));
          const got: Cell[][] = [];
          const sink = new CopyCells({
            columns: 2,
            encoding: 'utf8',
            take: ([first, second], count) => {
              for (let row = 0; row < count; row++) got.push([first![row]!, second![row]!]);
            },
          });
          for (let at = 0; at < bytes.length; at += step) {
            const part = bytes.subarray(at, at + step);
            sink.space().set(part);
            await sink.filled(part.length);
          }
          expect(got).toEqual(rows);
        },
      ),
      { numRuns: 50 },
    );
  });
});

it('numbers of nobody are told from numbers of somebody', () => {
  for (const each of ['20260101', '20260101120000', '31122025', '11111111', '12345678', '987654321'])
    expect(isNobodys(each)).toBe(true);
  for (const each of ['0612345678', '73282932100007', '20269901', '4970101234567890'])
    expect(isNobodys(each)).toBe(false);
  expect(phoneTail('+33612345678')).toBe(phoneTail('0612345678'));
  expect(phoneTail('12345')).toBeUndefined();
});

it('the vocabulary is that of the dictionaries', () => {
  expect(isVocabulary('12 rue du Moulin')).toBe(true);
  expect(isVocabulary('Thomas MARTIN')).toBe(true);
  expect(isVocabulary('Thomas Quisquater')).toBe(false);
});
