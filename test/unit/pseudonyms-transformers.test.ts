import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { join } from 'node:path';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { parseArray } from '../../src/pseudonyms/array-text.ts';
import { ibanCheck, mod97, nirKey, passesLuhn, ribKey, vatKey } from '../../src/pseudonyms/check-digits.ts';
import { parseDate } from '../../src/pseudonyms/civil-date.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import type { RawOptions } from '../../src/pseudonyms/options.ts';
import { makeTransformer, transformerKinds } from '../../src/pseudonyms/registry.ts';
import type { Cell, ColumnFacts } from '../../src/pseudonyms/transformer.ts';

const key = new PseudonymKey(Buffer.alloc(32, 7)).domain('person');
const otherKey = new PseudonymKey(Buffer.alloc(32, 8)).domain('person');
const text: ColumnFacts = { name: 's.t.c', type: 'text', nullable: true, unique: false, defaultText: 'preset' };
const typed = (type: string, more: Partial<ColumnFacts> = {}): ColumnFacts => ({ ...text, type, ...more });

interface Case {
  readonly rule: RawOptions & { kind: string };
  readonly column?: ColumnFacts;
  readonly values: Arbitrary<string>;
  /** Whether the output is a value of the column's type, and of the kind. */
  readonly valid: (output: string, input: string) => boolean;
  /** Equal values in the canonical form. */
  readonly canonical?: (value: string) => string;
  /** Too few pseudonyms, or made to stay: another key may give the same. */
  readonly narrow?: boolean;
}

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
const word = fc.stringMatching(/^[A-Za-zéèÀ]{1,12}$/);
const anything = fc
  .array(fc.constantFrom('a', 'B', '7', ' ', 'é', 'e\u0301', '😀', '\n', '\\', '"', '-'), { maxLength: 30 })
  .map((list) => list.join(''));
const folded = (value: string) => value.toLowerCase().replace(/\s+/g, ' ').trim().normalize('NFC');
const compact = (value: string) => value.replace(/[ .\-\u00a0]/g, '').toUpperCase();
const luhn = (length: number) =>
  digits(length - 1).map((payload) => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((d) => payload + d).find(passesLuhn)!);
const sirens = luhn(9);
const day = fc.integer({ min: 1, max: 28 }).map((d) => String(d).padStart(2, '0'));
const dates = fc
  .tuple(fc.integer({ min: 1900, max: 2100 }), fc.integer({ min: 1, max: 12 }), day)
  .map(([y, m, d]) => `${y}-${String(m).padStart(2, '0')}-${d}`);
const times = fc.oneof(dates, fc.constant('infinity'), fc.constant('0044-03-15 BC'));
const iban = fc.oneof(
  digits(18).map((bban) => `DE${ibanCheck('DE', bban)}${bban}`),
  fc
    .stringMatching(/^[0-9]{10}[0-9A-Z]{11}$/)
    .map((payload) => `FR${ibanCheck('FR', payload + ribKey(payload))}${payload}${ribKey(payload)}`),
);
const isIban = (value: string) =>
  mod97(value.slice(4) + value.slice(0, 4)) === 1 && Number(value.slice(2, 4)) > 1 && Number(value.slice(2, 4)) < 99;
const nir = fc
  .tuple(
    fc.constantFrom('1', '2'),
    digits(2),
    fc.integer({ min: 1, max: 12 }),
    fc.constantFrom('01', '75', '2A', '2B', '99'),
    fc.integer({ min: 1, max: 999 }),
    fc.integer({ min: 1, max: 999 }),
  )
  .map(
    ([sex, year, month, place, commune, order]) =>
      sex +
      year +
      String(month).padStart(2, '0') +
      place +
      String(commune).padStart(3, '0') +
      String(order).padStart(3, '0'),
  )
  .map((number) => number + nirKey(number));
const isEmail = (value: string) => /^[a-z0-9.]+@[a-z0-9.-]+\.invalid$/.test(value) && value.indexOf('@') <= 64;
const inRange = (low: bigint, high: bigint) => (value: string, input: string) =>
  BigInt(value) >= low && BigInt(value) <= high && BigInt(value) < 0n === BigInt(input) < 0n;

const cases: Case[] = [
  { rule: { kind: 'keep' }, values: anything, valid: (out, input) => out === input, narrow: true },
  { rule: { kind: 'default' }, values: anything, valid: (out) => out === 'preset', narrow: true },
  {
    rule: { kind: 'fixed', value: 'x', nulls: 'replace' },
    values: anything,
    valid: (out) => out === 'x',
    narrow: true,
  },
  {
    rule: { kind: 'id' },
    column: typed('bigint'),
    values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    valid: inRange(-(2n ** 63n), 2n ** 63n - 1n),
  },
  {
    rule: { kind: 'id' },
    column: typed('integer'),
    values: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(String),
    valid: inRange(-(2n ** 31n), 2n ** 31n - 1n),
  },
  {
    rule: { kind: 'id' },
    column: typed('smallint'),
    values: fc.integer({ min: -32_768, max: 32_767 }).map(String),
    valid: inRange(-32_768n, 32_767n),
    narrow: true,
  },
  {
    rule: { kind: 'id' },
    column: typed('numeric', { precision: 24, scale: 0 }),
    values: fc.bigInt({ min: -(10n ** 24n) + 1n, max: 10n ** 24n - 1n }).map(String),
    valid: inRange(-(10n ** 24n) + 1n, 10n ** 24n - 1n),
  },
  {
    rule: { kind: 'id', min: 1000, max: 9_999_999 },
    column: typed('integer'),
    values: fc.integer({ min: 1000, max: 9_999_999 }).map(String),
    valid: inRange(1000n, 9_999_999n),
  },
  {
    rule: { kind: 'uuid' },
    column: typed('uuid'),
    values: fc.uuid(),
    valid: (out, input) =>
      /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(out) &&
      out[14] === input[14] &&
      (Number.parseInt(out[19]!, 16) & 12) === (Number.parseInt(input[19]!, 16) & 12),
  },
  {
    rule: { kind: 'token', prefix: 'tok_' },
    column: typed('character varying', { maxLength: 20 }),
    values: anything,
    canonical: (value) => value.normalize('NFC'),
    valid: (out) => /^tok_[0-9a-z]{16}$/.test(out),
  },
  {
    rule: { kind: 'code' },
    values: fc.stringMatching(/^[A-Z]{2}-[0-9]{6}[a-zéÀ]{0,40}$/),
    valid: (out, input) =>
      out.replace(/[A-Z]/g, 'A').replace(/[0-9]/g, '0').replace(/[a-z]/g, 'a') ===
      input.replace(/[A-Z]/g, 'A').replace(/[0-9]/g, '0').replace(/[a-z]/g, 'a'),
  },
  {
    rule: { kind: 'code', alphabet: 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789' },
    values: fc.stringMatching(/^[A-HJ-NP-Z2-9]{6}$/),
    valid: (out) => /^[A-HJ-NP-Z2-9]{6}$/.test(out),
  },
  {
    rule: { kind: 'first-name', locale: 'fr' },
    column: typed('character varying', { maxLength: 5 }),
    values: word,
    canonical: folded,
    valid: (out) => out.length > 0,
    narrow: true,
  },
  { rule: { kind: 'last-name' }, values: word, canonical: folded, valid: (out) => out.length > 1, narrow: true },
  {
    rule: { kind: 'full-name', locale: 'fr' },
    column: typed('character varying', { maxLength: 18 }),
    values: fc.tuple(word, word).map((two) => two.join(' ')),
    canonical: folded,
    valid: (out) => out.includes(' '),
    narrow: true,
  },
  {
    rule: { kind: 'full-name', by: 'id', order: 'last-first' },
    values: word,
    canonical: () => '',
    valid: (out) => out.includes(' '),
    narrow: true,
  },
  { rule: { kind: 'email', by: 'id' }, values: fc.emailAddress(), canonical: folded, valid: isEmail },
  {
    rule: { kind: 'email', domains: 'mapped', domain: 'p.invalid' },
    column: typed('character varying', { maxLength: 40 }),
    values: fc.emailAddress(),
    canonical: folded,
    valid: isEmail,
  },
  { rule: { kind: 'username' }, values: word, canonical: folded, valid: (out) => /^[a-z]{2,}-[0-9a-z]{12}$/.test(out) },
  {
    rule: { kind: 'phone' },
    values: digits(8).map((n) => `06${n}`),
    valid: (out) => /^0639980?\d{4}$/.test(out) || /^063998\d{4}$/.test(out),
    narrow: true,
  },
  {
    rule: { kind: 'phone', range: 'permute' },
    values: digits(8).map((n) => `+33 6 ${n}`),
    valid: (out) => /^\+33 6 \d{8}$/.test(out),
  },
  {
    rule: { kind: 'date-shift', by: 'id' },
    column: typed('timestamp with time zone'),
    values: dates.map((d) => `${d} 10:11:12.5+00`),
    canonical: () => '',
    valid: (out, input) =>
      parseDate(out)!.rest === parseDate(input)!.rest && parseDate(out)!.day !== parseDate(input)!.day,
    narrow: true,
  },
  {
    rule: { kind: 'birth-date', days: 100 },
    column: typed('date'),
    values: times,
    canonical: () => '',
    valid: (out, input) =>
      input === 'infinity'
        ? out === input
        : Math.abs(parseDate(out)!.day - parseDate(input)!.day) <= 100 && out !== input,
    narrow: true,
  },
  {
    rule: { kind: 'iban' },
    values: iban,
    canonical: compact,
    valid: (out, input) =>
      mod97(out.slice(4) + out.slice(0, 4)) === 1 &&
      out.slice(0, 2) === input.slice(0, 2) &&
      out.length === input.length &&
      (!out.startsWith('FR') || ribKey(out.slice(4, 25)) === out.slice(25)),
  },
  {
    rule: { kind: 'iban' },
    values: fc.stringMatching(/^(FR|DE)[0-9]{13}$/),
    canonical: compact,
    valid: (out, input) => isIban(out) === isIban(input),
  },
  {
    rule: { kind: 'bic' },
    values: fc.stringMatching(/^[A-Z]{4}(FR|DE)[A-Z0-9]{2}([A-Z0-9]{3})?$/),
    canonical: folded,
    valid: (out, input) => /^ZZ[A-Z]{2}(FR|DE)[A-Z]{2}([A-Z]{3})?$/.test(out) && out.length === input.length,
  },
  {
    rule: { kind: 'siren' },
    values: fc.oneof(sirens, digits(9)),
    valid: (out, input) => out.length === 9 && passesLuhn(out) === passesLuhn(input),
  },
  {
    rule: { kind: 'siret' },
    values: fc
      .tuple(sirens, digits(4))
      .map(([s, n]) => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((d) => s + n + d).find(passesLuhn)!),
    valid: (out) => out.length === 14 && passesLuhn(out) && passesLuhn(out.slice(0, 9)),
  },
  {
    rule: { kind: 'vat' },
    values: sirens.map((s) => `FR${vatKey(s)}${s}`),
    canonical: compact,
    valid: (out) => out.slice(2, 4) === vatKey(out.slice(4)) && passesLuhn(out.slice(4)),
  },
  {
    rule: { kind: 'national-id' },
    values: nir,
    canonical: compact,
    valid: (out, input) =>
      out[0] === input[0] &&
      /^[12]\d\d(0[1-9]|1[0-2])(\d\d|2[AB])\d{8}$/.test(out) &&
      nirKey(out.slice(0, 13)) === out.slice(13),
  },
  {
    rule: { kind: 'card' },
    values: fc.oneof(luhn(16), luhn(15)),
    canonical: compact,
    valid: (out, input) =>
      passesLuhn(out) && out.length === input.length && /^(222300|378282|424242|555555|601111)/.test(out),
  },
  {
    rule: { kind: 'card', range: 'permute' },
    values: luhn(16),
    canonical: compact,
    valid: (out, input) => passesLuhn(out) && out[0] === input[0],
  },
  {
    rule: { kind: 'company', locale: 'fr' },
    values: word,
    canonical: folded,
    valid: (out) => out.split(' ').length > 2,
    narrow: true,
  },
  {
    rule: { kind: 'address', locale: 'fr' },
    values: word,
    canonical: folded,
    valid: (out) => /\d{5} /.test(out),
    narrow: true,
  },
  { rule: { kind: 'city', by: 'id' }, values: word, canonical: () => '', valid: (out) => out.length > 2, narrow: true },
  {
    rule: { kind: 'zip', by: 'id' },
    values: digits(5),
    canonical: () => '',
    valid: (out) => /^\d{5}$/.test(out),
    narrow: true,
  },
  {
    rule: { kind: 'country', code: true },
    values: word,
    canonical: folded,
    valid: (out) => out === 'US',
    narrow: true,
  },
  {
    rule: { kind: 'text' },
    values: anything,
    valid: (out, input) => [...out].length === [...input].length,
    narrow: true,
  },
  {
    rule: { kind: 'text', mode: 'patterns', known: ['id'] },
    values: fc.emailAddress().map((e) => `write to ${e} now`),
    valid: (out) => out.startsWith('write to ') && out.endsWith(' now'),
    narrow: true,
  },
  {
    rule: { kind: 'generalize', step: 10 },
    column: typed('integer'),
    values: fc.integer({ min: -999, max: 999 }).map(String),
    valid: (out) => Number(out) % 10 === 0,
    narrow: true,
  },
  {
    rule: { kind: 'generalize', unit: 'quarter' },
    column: typed('date'),
    values: dates,
    valid: (out) => /-(01|04|07|10)-01$/.test(out),
    narrow: true,
  },
  {
    rule: { kind: 'generalize', characters: 2, mask: '0' },
    values: digits(5),
    valid: (out, input) => out === `${input.slice(0, 2)}000`,
    narrow: true,
  },
  {
    rule: { kind: 'noise', ratio: 0.2 },
    column: typed('numeric', { precision: 8, scale: 2 }),
    values: fc.integer({ min: -99_999_999, max: 99_999_999 }).map((n) => (n / 100).toFixed(2)),
    valid: (out, input) =>
      /^-?\d{1,6}\.\d\d$/.test(out) && Math.abs(Number(out) - Number(input)) <= Math.abs(Number(input)) * 0.2 + 0.01,
    narrow: true,
  },
  {
    rule: { kind: 'ip' },
    column: typed('inet'),
    values: fc.oneof(
      fc.ipV4(),
      fc.ipV6().filter((v) => !v.includes('.')),
    ),
    canonical: (v) => (isIPv6(v) ? new URL(`http://[${v}]`).hostname : v),
    valid: (out, input) => (isIPv4(input) ? isIPv4(out) : isIPv6(out)),
  },
  {
    rule: { kind: 'ip', prefix: 'keep' },
    column: typed('inet'),
    values: fc.ipV4(),
    valid: (out) => isIPv4(out),
    narrow: true,
  },
  {
    rule: { kind: 'mac' },
    column: typed('macaddr'),
    values: fc.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/),
    valid: (out) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(out),
  },
  { rule: { kind: 'url' }, values: fc.webUrl(), valid: (out) => new URL(out).hostname.endsWith('.example.invalid') },
  { rule: { kind: 'user-agent' }, values: word, valid: (out) => out.startsWith('Mozilla/5.0'), narrow: true },
  {
    rule: { kind: 'password', hash: '$2y$10$test' },
    values: anything,
    valid: (out) => out === '$2y$10$test',
    narrow: true,
  },
  {
    rule: { kind: 'secret' },
    values: anything,
    canonical: (value) => value.normalize('NFC'),
    valid: (out) => /^[0-9a-z]{25}$/.test(out),
  },
  {
    rule: { kind: 'json', paths: { a: { kind: 'email' }, 'b[].c': { kind: 'id' } }, default: { kind: 'text' } },
    column: typed('jsonb'),
    values: fc
      .tuple(fc.emailAddress(), fc.bigInt({ min: 1n, max: 2n ** 62n }), anything)
      .map(([a, c, x]) => `{"a": ${JSON.stringify(a)}, "b": [{"c": ${c}}], "x": [${JSON.stringify(x)}, true, null]}`),
    valid: (out) => isEmail(JSON.parse(out).a) && /"c": \d+}/.test(out) && JSON.parse(out).x[1] === true,
    narrow: true,
  },
  {
    rule: { kind: 'array', element: { kind: 'email' } },
    column: typed('text[]'),
    values: fc
      .array(fc.emailAddress(), { minLength: 1 })
      .map((list) => `{${list.map((e) => `"${e.replace(/["\\]/g, '\\$&')}"`).join(',')},NULL}`),
    valid: (out, input) =>
      parseArray(out)!.elements.length === parseArray(input)!.elements.length && !out.includes('"'),
    narrow: true,
  },
  {
    rule: { kind: 'template', template: '<{id}>' },
    values: anything,
    canonical: () => '',
    valid: (out) => /^<.*>$/s.test(out),
    narrow: true,
  },
  {
    rule: { kind: 'copy-of', column: 'id', as: 'upper' },
    values: anything,
    canonical: () => '',
    valid: (out) => out === out.toUpperCase(),
    narrow: true,
  },
  {
    rule: { kind: 'bytea' },
    column: typed('bytea'),
    values: fc.stringMatching(/^([0-9a-f]{2}){1,20}$/).map((h) => `\\x${h}`),
    valid: (out, input) => /^\\x[0-9a-f]+$/.test(out) && out.length === input.length,
    narrow: true,
  },
  {
    rule: { kind: 'html' },
    column: typed('xml'),
    values: word.map((w) => `<a href="https://x/${w}" b='${w}'>${w} <i/>&amp;<!-- ${w} --></a>`),
    valid: (out) => /^<a href="#" b="[^"]*">[^<]* <i\/>[^<]*<\/a>$/.test(out),
    narrow: true,
  },
];

/** Columns of ids for those that look at another column; a third of the rows has none. */
const subjects = (count: number): Cell[] => Array.from({ length: count }, (_, i) => (i % 3 === 2 ? null : `s${i % 5}`));

function transform(
  rule: RawOptions,
  column: ColumnFacts,
  cells: readonly Cell[],
  ids: readonly Cell[],
  domain = key,
): Cell[] {
  const transformer = makeTransformer(rule);
  const run = transformer.prepare({ key: domain, column });
  const out: Cell[] = new Array(cells.length);
  run(
    cells,
    out,
    transformer.companions.map(() => ids),
  );
  return out;
}

it('every kind, and no other, stands in the table of the docs', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/pseudonymization.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names]) => names!.match(/(?<=`)[a-z-]+(?=`)/g)!);
  expect([...new Set(rows)].sort()).toEqual([...transformerKinds].sort());
});

it('every kind is tried here', () => {
  expect([...new Set(cases.map(({ rule }) => rule.kind)), 'null'].sort()).toEqual([...transformerKinds].sort());
});

describe.each(cases.map((each) => [JSON.stringify(each.rule), each.column?.type ?? 'text', each] as const))(
  '%s on %s',
  (_, __, each) => {
    const column = each.column ?? text;
    const transformer = makeTransformer(each.rule);
    const guarantee = transformer.guarantee(column);
    const batch = fc.array(
      fc.oneof({ weight: 8, arbitrary: each.values }, { weight: 1, arbitrary: fc.constant(null) }),
      { minLength: 1, maxLength: 24 },
    );

    it('keeps its promises', () => {
      fc.assert(
        fc.property(batch, fc.integer({ min: 1, max: 7 }), (cells, size) => {
          const ids = subjects(cells.length);
          const out = transform(each.rule, column, cells, ids);
          for (const [i, cell] of cells.entries()) {
            const made = out[i]!;
            if (cell === null) {
              if (guarantee.nulls === 'kept') expect(made).toBeNull();
              else expect(made).not.toBeNull();
            } else if (cell === '') {
              if (guarantee.empty === 'kept') expect(made).toBe('');
            } else if (made === null) expect(each.rule.kind).toBe('copy-of');
            else {
              if (!each.valid(made, cell)) throw new Error(`${JSON.stringify(cell)} became ${JSON.stringify(made)}`);
              const limit = Math.min(guarantee.maxLength ?? 1e9, column.maxLength ?? 1e9);
              expect([...made].length).toBeLessThanOrEqual(limit);
            }
          }
          // In batches of another size, in another order, by another instance: the same.
          const backwards = [...cells.keys()].reverse();
          const again: Cell[] = [];
          for (let at = 0; at < backwards.length; at += size) {
            const part = backwards.slice(at, at + size);
            again.push(
              ...transform(
                each.rule,
                column,
                part.map((i) => cells[i]!),
                part.map((i) => ids[i]!),
              ),
            );
          }
          expect(again.reverse()).toEqual(out);
          if (each.canonical === undefined || guarantee.uniqueness !== 'lossy') {
            const form = each.canonical ?? ((value: string) => value);
            const values = cells.flatMap((cell, i) => (cell ? [[form(cell), out[i]!] as const] : []));
            // Equal originals are equal pseudonyms; and the other way round where that is promised.
            if (guarantee.uniqueness !== 'lossy') {
              const inputs = new Set(values.map(([value]) => value));
              const outputs = new Set(
                values.map(([, made]) =>
                  each.canonical === compact ? compact(made!) : each.rule.by ? made!.slice(-30) : made,
                ),
              );
              expect(outputs.size).toBe(inputs.size);
            }
          }
        }),
        { numRuns: 15 },
      );
    });

    it('does what the key says', () => {
      const cells = fc.sample(each.values, { numRuns: 40, seed: 1 }).filter((cell) => cell.length > 5);
      const ids = subjects(cells.length);
      const [mine, other] = [key, otherKey].map((domain) => transform(each.rule, column, cells, ids, domain));
      if (!each.narrow) {
        const shared = new Set(mine).intersection(new Set(other));
        shared.delete('infinity');
        expect([...shared]).toEqual([]);
        expect([...new Set(mine).intersection(new Set(cells))]).toEqual([]);
      }
      expect(transform(each.rule, column, cells, ids)).toEqual(mine);
    });

    if (transformer.reveal !== undefined)
      it('leads back', () => {
        fc.assert(
          fc.property(batch, (cells) => {
            const back: Cell[] = new Array(cells.length);
            transformer.reveal!({ key, column })(transform(each.rule, column, cells, []), back);
            expect(back).toEqual(cells);
          }),
          { numRuns: 15 },
        );
      });
  },
);

describe('across columns', () => {
  const alone = (rule: RawOptions, column: ColumnFacts, ...cells: Cell[]) => transform(rule, column, cells, []);

  it('an integer and a bigint that refer to each other map alike', () => {
    const ids = ['1', '77', '2147483647', '-5', '0'];
    const made = alone({ kind: 'id' }, typed('integer'), ...ids);
    expect(alone({ kind: 'id' }, typed('bigint'), ...ids)).toEqual(made);
    expect(alone({ kind: 'id' }, typed('numeric', { precision: 12 }), ...ids)).toEqual(made);
    expect(alone({ kind: 'id' }, text, ...ids)).toEqual(made);
  });

  it('names, addresses and accounts of one person agree however they are written', () => {
    expect(alone({ kind: 'full-name' }, text, 'Jean Dupont')[0]).toBe(
      `${alone({ kind: 'first-name' }, text, 'jean ')[0]} ${alone({ kind: 'last-name' }, text, ' dupont')[0]}`,
    );
    const ids = ['7', '7'];
    const by = (kind: string) => transform({ kind, by: 'id', locale: 'en' }, text, ['a', 'B@x.org'], ids);
    expect(by('full-name')[0]).toBe(`${by('first-name')[0]} ${by('last-name')[0]}`);
    expect(by('email')[1]!.split('.').slice(0, 2).join(' ')).toBe(by('full-name')[0]!.toLowerCase());
    expect(new Set(alone({ kind: 'email' }, text, 'A@x.org', ' a@X.org', 'a@x.org')).size).toBe(1);
    expect(new Set(alone({ kind: 'phone' }, text, '+33612345678', '+33 (0)6 12 34 56 78', '0033612345678')).size).toBe(
      1,
    );
    expect(alone({ kind: 'siret' }, text, '73282932000074')[0]!.slice(0, 9)).toBe(
      alone({ kind: 'siren' }, text, '732829320')[0],
    );
    expect(alone({ kind: 'vat' }, text, 'FR44732829320')[0]!.slice(4)).toBe(
      alone({ kind: 'siren' }, text, '732829320')[0],
    );
  });

  it('towns and postal codes of one subject belong together', async () => {
    const { places } = await import('../../src/pseudonyms/dictionaries/places.ts');
    const ids = Array.from({ length: 50 }, (_, i) => String(i));
    const part = (kind: string) => transform({ kind, by: 'id', locale: 'fr' }, text, ids, ids);
    const [cities, zips] = [part('city'), part('zip')];
    expect(ids.every((_, i) => places.fr.some(({ city, zip }) => city === cities[i] && zip === zips[i]))).toBe(true);
  });

  it('dates of a subject keep their order and intervals', () => {
    const cells = ['2024-02-28', '2024-03-01', '2025-01-01'];
    const out = transform({ kind: 'date-shift', by: 'id' }, typed('date'), cells, ['a', 'a', 'a']).map(
      (date) => parseDate(date!)!.day,
    );
    expect([out[1]! - out[0]!, out[2]! - out[1]!]).toEqual([2, 306]);
  });

  it('addresses that share a prefix still do, and no more of it', () => {
    const pair = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.integer({ min: 0, max: 31 }));
    const dotted = (n: number) => [24, 16, 8, 0].map((s) => (n >>> s) & 255).join('.');
    const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    fc.assert(
      fc.property(pair, ([a, b, bits]) => {
        const c = bits === 0 ? b : ((a & ~(2 ** (32 - bits) - 1)) | (b & (2 ** (32 - bits) - 1))) >>> 0;
        const [x, y] = alone({ kind: 'ip', prefix: 'keep' }, typed('inet'), dotted(a), dotted(c)).map((ip) =>
          number(ip!),
        );
        expect(Math.clz32(x! ^ y!)).toBe(Math.clz32(a ^ c));
      }),
      { numRuns: 40 },
    );
  });
});

describe('what does not go', () => {
  const refused = (act: () => unknown): boolean => {
    try {
      act();
    } catch (error) {
      // The value must not be told.
      return isHoldfastError(error, 'config') && !`${error.message} ${error.why} ${error.hint}`.includes('SECRET');
    }
    return false;
  };
  it.each<[RawOptions, ColumnFacts, Cell]>([
    [{ kind: 'nonsense' }, text, 'a'],
    [{ kind: 'toString' }, text, 'a'],
    [{ kind: 'email', domian: 'x' }, text, 'a'],
    [{ kind: 'email', domain: 'no spaces' }, text, 'a'],
    [{ kind: 'email' }, typed('character varying', { maxLength: 20 }), 'a'],
    [{ kind: 'email' }, typed('integer'), '1'],
    [{ kind: 'null' }, typed('text', { nullable: false }), 'a'],
    [{ kind: 'default' }, typed('text', { defaultText: undefined }), 'a'],
    [{ kind: 'fixed' }, text, 'a'],
    [{ kind: 'fixed', value: 'abc' }, typed('character', { maxLength: 2 }), 'a'],
    [{ kind: 'id', min: 5 }, typed('integer'), '1'],
    [{ kind: 'id', min: 1, max: 3_000_000_000 }, typed('integer'), '1'],
    [{ kind: 'id', min: 1, max: 2_000_000 }, typed('integer'), '5000000'],
    [{ kind: 'id' }, text, '007'],
    [{ kind: 'id' }, text, 'SECRET'],
    [{ kind: 'uuid' }, text, 'SECRET'],
    [{ kind: 'code' }, text, 'SECRET'.slice(0, 4)],
    [{ kind: 'city' }, text, 'a'],
    [{ kind: 'date-shift' }, typed('date'), '2024-01-01'],
    [{ kind: 'birth-date' }, text, 'SECRET'],
    [{ kind: 'ip' }, typed('cidr'), '10.0.0.0/8'],
    [{ kind: 'ip' }, text, 'SECRET'],
    [{ kind: 'json' }, typed('jsonb'), '{"a": "SECRET"}'],
    [{ kind: 'json', paths: { a: { kind: 'email', by: 'id' } } }, typed('jsonb'), '{}'],
    [{ kind: 'json', default: 'keep' }, typed('text'), '{SECRET'],
    [
      { kind: 'json', paths: { a: { kind: 'email' } } },
      typed('character varying', { maxLength: 20 }),
      '{"a": "SECRET"}',
    ],
    [{ kind: 'array', element: { kind: 'email' } }, typed('text[]'), '{SECRET'],
    [{ kind: 'phone', range: 'permute' }, text, 'SECRET'],
    [{ kind: 'generalize' }, text, 'a'],
  ])('%j is refused', (rule, column, cell) => {
    expect(refused(() => transform(rule, column, [cell], ['x']))).toBe(true);
  });
});
