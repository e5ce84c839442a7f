/** For every kind of transformer a rule, values to try it on, and what must be true of what it makes. */
import { isIPv4, isIPv6 } from 'node:net';
import { join } from 'node:path';
import fc, { type Arbitrary } from 'fast-check';
import { parseArray } from '../../src/pseudonyms/array-text.ts';
import { ibanCheck, mod97, nirKey, passesLuhn, ribKey, vatKey } from '../../src/pseudonyms/check-digits.ts';
import { parseDate } from '../../src/pseudonyms/civil-date.ts';
import type { RawOptions } from '../../src/pseudonyms/options.ts';
import {
  formatHstore,
  formatRow,
  parseHstore,
  parseRanges,
  parseRow,
  type RangeText,
} from '../../src/pseudonyms/part-text.ts';
import { makeTransformer } from '../../src/pseudonyms/registry.ts';
import type { Cell, ColumnFacts, PrepareContext, Programs } from '../../src/pseudonyms/transformer.ts';

/** Where the files of `js` and `command` lie. */
export const rulesDirectory = join(import.meta.dirname, 'pseudonym-rules');

export const text: ColumnFacts = { name: 's.t.c', type: 'text', nullable: true, unique: false, defaultText: 'preset' };
export const typed = (type: string, more: Partial<ColumnFacts> = {}): ColumnFacts => ({ ...text, type, ...more });

export interface Case {
  readonly rule: RawOptions & { kind: string };
  readonly column?: ColumnFacts;
  readonly values: Arbitrary<string>;
  /** Whether the output is a value of the column's type, and of the kind. */
  readonly valid: (output: string, input: string) => boolean;
  /** Equal values in the canonical form. */
  readonly canonical?: (value: string) => string;
  /** Too few pseudonyms, or made to stay: another key may give the same. */
  readonly narrow?: boolean;
  /** Whether another process answers: fewer runs are enough. */
  readonly slow?: boolean;
}

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
const word = fc.stringMatching(/^[A-Za-zéèÀ]{1,12}$/);
const anything = fc
  .array(fc.constantFrom('a', 'B', '7', ' ', 'é', 'e\u0301', '😀', '\n', '\\', '"', '-'), { maxLength: 30 })
  .map((list) => list.join(''));
const folded = (value: string) => value.toLowerCase().replace(/\s+/g, ' ').trim().normalize('NFC');
export const compact = (value: string) => value.replace(/[ .\-\u00a0]/g, '').toUpperCase();
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
export const isEmail = (value: string) => /^[a-z0-9.]+@[a-z0-9.-]+\.invalid$/.test(value) && value.indexOf('@') <= 64;
const inRange = (low: bigint, high: bigint) => (value: string, input: string) =>
  BigInt(value) >= low && BigInt(value) <= high && BigInt(value) < 0n === BigInt(input) < 0n;

export const cases: Case[] = [
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
  {
    rule: { kind: 'file' },
    column: typed('bytea'),
    values: fc.constantFrom('\\x255044462d312e340a00', '\\x89504e470d0a1a0a00000000', '\\x00112233445566'),
    valid: (out, input) => /^\\x([0-9a-f]{2})*$/.test(out) && out !== input,
    narrow: true,
  },
  {
    rule: { kind: 'hstore', paths: { mail: { kind: 'email' }, n: { kind: 'id' } }, default: { kind: 'text' } },
    column: typed('hstore'),
    values: fc.tuple(fc.emailAddress(), fc.integer({ min: 1, max: 10 ** 9 }), anything).map(([mail, n, x]) =>
      formatHstore([
        ['mail', mail],
        ['n', String(n)],
        ['x "\\ y', x],
        ['none', null],
      ]),
    ),
    valid: (out, input) => {
      const [made, from] = [parseHstore(out)!, parseHstore(input)!];
      return (
        made.map(([name]) => name).join() === from.map(([name]) => name).join() &&
        isEmail(made[0]![1]!) &&
        /^\d+$/.test(made[1]![1]!) &&
        [...made[2]![1]!].length === [...from[2]![1]!].length &&
        made[3]![1] === null
      );
    },
    narrow: true,
  },
  {
    rule: {
      kind: 'xml',
      paths: { 'a/b': { kind: 'email' }, 'a/*/@id': { kind: 'id' }, 'a/note': { kind: 'text' } },
      default: 'null',
    },
    column: typed('xml'),
    values: fc
      .tuple(fc.emailAddress(), fc.integer({ min: 1, max: 10 ** 9 }), anything)
      .map(
        ([mail, id, note]) =>
          `<?xml version="1.0"?><a xmlns="urn:x">\n <!-- ${mail.replaceAll('-', '')} --><b id="${id}" gone='${id}'>${escapeXml(mail)}</b><note><![CDATA[${note}]]></note><c>${id}</c></a>`,
      ),
    valid: (out, input) =>
      /^<\?xml version="1.0"\?><a xmlns="urn:x">\n <b id="\d+" gone="">[^<]+@[^<]+\.invalid<\/b><note>[^<]*<\/note><c><\/c><\/a>$/.test(
        out,
      ) && !out.includes(/id="(\d+)"/.exec(input)![0]),
    narrow: true,
  },
  {
    rule: { kind: 'composite', fields: { mail: { kind: 'email' }, '2': { kind: 'id' } }, default: 'keep' },
    column: typed('contact', {
      fields: [
        { name: 'mail', type: 'text' },
        { name: 'n', type: 'integer' },
        { name: 'x', type: 'text' },
      ],
    }),
    values: fc
      .tuple(fc.emailAddress(), fc.integer({ min: 1, max: 10 ** 9 }), fc.option(anything))
      .map(([mail, n, x]) => formatRow([mail, String(n), x])),
    valid: (out, input) => {
      const [made, from] = [parseRow(out)!, parseRow(input)!];
      return isEmail(made[0]!) && /^\d+$/.test(made[1]!) && made[2] === from[2] && made[1] !== from[1];
    },
    narrow: true,
  },
  {
    rule: { kind: 'range', bounds: { kind: 'date-shift', by: 'id' } },
    column: typed('daterange', { subtype: 'date' }),
    values: fc.oneof(
      fc.constantFrom('empty', '(,)', '[2024-01-01,)', '(,2024-01-01)'),
      fc
        .tuple(dates, dates)
        .map((two) => `[${two.sort().join(',')})`)
        .filter((range) => range.slice(1, 11) !== range.slice(12, 22)),
    ),
    canonical: () => '',
    valid: (out, input) => {
      const [made, from] = [parseRanges(out)!.ranges[0], parseRanges(input)!.ranges[0]];
      if (made === undefined || from === undefined) return made === from;
      const days = (range: RangeText) => parseDate(range.upper!)!.day - parseDate(range.lower!)!.day;
      if (made.lower === undefined || made.upper === undefined)
        return made.lower === from.lower || made.upper === from.upper;
      return days(made) === days(from) && made.lower !== from.lower;
    },
    narrow: true,
  },
  {
    rule: { kind: 'range', bounds: { kind: 'generalize', step: 10 } },
    column: typed('int4range', { subtype: 'integer' }),
    values: fc
      .tuple(fc.integer({ min: -999, max: 999 }), fc.integer({ min: 1, max: 999 }))
      .map(([low, length]) => `[${low},${low + length})`),
    valid: (out) => {
      const { lower, upper, lowerInclusive, upperInclusive } = parseRanges(out)!.ranges[0]!;
      return Number(lower) < Number(upper) || (lower === upper && lowerInclusive && upperInclusive);
    },
    narrow: true,
  },
  {
    rule: { kind: 'shuffle', by: 'row' },
    values: anything,
    canonical: () => '',
    valid: () => true,
    narrow: true,
  },
  {
    rule: { kind: 'sql', expression: 'upper(c)' },
    values: anything,
    valid: (out, input) => out === input,
    narrow: true,
  },
  {
    rule: { kind: 'js', file: 'rule.js', unique: true, maxLength: 40 },
    values: anything.map((value) => `v${value}`),
    valid: (out) => /^somebody-[0-9a-f]{20}$/.test(out),
  },
  {
    rule: { kind: 'command', command: [process.execPath, 'program.js'] },
    values: anything.map((value) => `value ${value}`),
    valid: (out) => /^[0-9a-f]{16}$/.test(out),
    narrow: true,
    slow: true,
  },
];

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** Columns of ids for those that look at another column; a third of the rows has none. */
export const subjects = (count: number): Cell[] =>
  Array.from({ length: count }, (_, i) => (i % 3 === 2 ? null : `s${i % 5}`));

export interface Batch {
  cells: readonly Cell[];
  ids: readonly Cell[];
  /** Place of each row among those of the table, as `row` knows it; 0, 1, … when undefined. */
  rows?: readonly number[];
  /** All cells of the column; those of the batch when undefined. */
  all?: readonly Cell[];
}

/** Transforms a batch as a lane would, by a transformer of its own. */
export function transform(
  rule: RawOptions,
  column: ColumnFacts,
  { cells, ids, rows = [...cells.keys()], all = cells }: Batch,
  { key, programs }: { key: PrepareContext['key']; programs?: Programs },
): Cell[] {
  const transformer = makeTransformer(rule);
  const whole = transformer.whole && { by: all.map((_, row) => `r${row}`), values: all };
  const run = transformer.prepare({ key, column, baseDirectory: rulesDirectory, programs, whole });
  const out: Cell[] = new Array(cells.length);
  const beside = transformer.companions.map(({ column: name }) =>
    name === 'row' ? rows.map((row) => `r${row}`) : ids,
  );
  run(cells, out, beside);
  return out;
}
