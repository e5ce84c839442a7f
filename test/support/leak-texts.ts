/** Texts, as the search for originals meets them: generators for property tests. */
import fc from 'fast-check';
import type { RawOptions } from '../../src/pseudonyms/options.ts';

export const digits = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength });

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
  fc.constantFrom('3f2b8c1e-77aa-4b1c-9d0e-0123456789ab', 'GB29 NWBK 6016 1331 9268 19', 'z.q@labo.-.x-.example'),
  fc.constantFrom('+33 6 12 34 56 78', 'FR76 3000 6000 0112 3456 7890 189', '06 12 34 56 78', '1234 DE 5678'),
);
const gap = fc.constantFrom(' ', ' ', ' ', ' ', ', ', '\n', '. ', '-', '=', '', '"', ' (', '|', '\r\n', '\t');
const running = (maxLength: number) =>
  fc.array(fc.tuple(token, gap), { minLength: 1, maxLength }).map((parts) => parts.flat().join('').trimEnd());

export const text = fc.oneof(running(4), running(12), running(60));

/** Numbers among other things. */
export const pieces = fc
  .array(
    fc.constantFrom(
      ...'0 1 2 20 2026 01 12 31 19 06 +33 + ( ) - . , @ _ a : / FR76 GB A XY12 3000 1111 12345678 127.0.0.1'.split(
        ' ',
      ),
      ' ',
      ' ',
      '\n',
    ),
    { maxLength: 14 },
  )
  .map((all) => all.join(''));

/** Of lengths around what one look of a kernel takes in, what is cut at once, and what stands for a whole text. */
export const sized = fc
  .tuple(
    fc.constantFrom(15, 16, 17, 63, 64, 65, 66, 127, 128, 129, 399, 400, 401, 8191, 8192, 8193, 20_000),
    fc.array(fc.constantFrom('a', 'B', '7', '.', '-', ' ', 'word ', 'Ab@c.de ', 'x\n', '12 ', '_'), {
      minLength: 1,
      maxLength: 30,
    }),
  )
  .map(([size, units]) => units.join('').repeat(size).slice(0, size));

export const document = text.map((each) => JSON.stringify({ a: [each], b: 1234567890123 }));

export const cells = fc.array(
  fc.oneof({ weight: 1, arbitrary: fc.constantFrom(null, '', 'ab') }, { weight: 9, arbitrary: text }, document),
  { maxLength: 12 },
);

/** Rules whose originals are of every kind, with the type of their column. */
export const rules: [RawOptions, string][] = [
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
