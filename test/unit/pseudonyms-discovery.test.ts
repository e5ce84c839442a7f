import { describe, expect, it } from 'vitest';
import { Random } from '../../src/jobs/demo/random.ts';
import { type ColumnContext, judge } from '../../src/pseudonyms/detectors.ts';
import {
  codiceFiscaleValid,
  dniValid,
  drivingLicenceForm,
  ibanValid,
  luhnValid,
  nhsValid,
  ninoForm,
  nirValid,
  ppsValid,
  vatForm,
  vinForm,
} from '../../src/pseudonyms/detectors-checksums.ts';
import { nameSign, tableSubject, tokensOf } from '../../src/pseudonyms/detectors-columns.ts';
import { judgeDocuments } from '../../src/pseudonyms/detectors-documents.ts';
import { summarize } from '../../src/pseudonyms/detectors-summary.ts';
import { signsOf } from '../../src/pseudonyms/detectors-values.ts';
import { literalsOf } from '../../src/pseudonyms/discovery-definitions.ts';
import * as made from '../support/made-up.ts';

const random = new Random('discovery');
const many = (make: (random: Random) => string, count = 60) => Array.from({ length: count }, () => make(random));

describe('check digits', () => {
  // Each of these rules notices every single wrong digit.
  it.each([
    ['iban', ibanValid, made.iban],
    ['nir', nirValid, made.nir],
    ['card', luhnValid, (r: Random) => made.luhn(r, '4', 16)],
    ['siret', luhnValid, made.siret],
  ])('of %s hold, and fail with any digit changed', (_name, valid, make) => {
    for (const value of many(make, 40)) {
      expect(valid(value)).toBe(true);
      for (let at = 4; at < value.length; at++) {
        const other = String((Number(value[at]) + random.between(1, 9)) % 10);
        if (/\d/.test(value[at]!)) expect(valid(value.slice(0, at) + other + value.slice(at + 1)), `${at}`).toBe(false);
      }
    }
  });

  it('know numbers that authorities publish as examples', () => {
    expect(ibanValid('GB82WEST12345698765432')).toBe(true);
    expect(dniValid('12345678Z')).toBe(true);
    expect(dniValid('12345678A')).toBe(false);
    expect(codiceFiscaleValid('RSSMRA85T10A562S')).toBe(true);
    expect(codiceFiscaleValid('RSSMRA85T10A562T')).toBe(false);
    expect(nhsValid('9434765919')).toBe(true);
    expect(nhsValid('9434765918')).toBe(false);
    expect(vatForm('DE123456789')).toBe(true);
    expect(vatForm('ZZ123456789')).toBe(false);
    expect(luhnValid('0000000000')).toBe(false);
    expect(ppsValid('1234567T')).toBe(true);
    expect(ppsValid('1234567FA')).toBe(true);
    expect(ppsValid('1234567U')).toBe(false);
    expect(ninoForm('AB123456C')).toBe(true);
    // The example that the authority gives out is given to nobody.
    expect(ninoForm('QQ123456C')).toBe(false);
    expect(drivingLicenceForm('MORGA657054SM9IJ')).toBe(true);
    expect(drivingLicenceForm('MORGA607054SM9IJ')).toBe(true);
    expect(drivingLicenceForm('MORGA637054SM9IJ')).toBe(false);
    expect(vinForm('1M8GDM9AXKP042788')).toBe(true);
    expect(vinForm('1M8GDM9AXKP04278')).toBe(false);
  });
});

describe('names of columns', () => {
  it.each([
    ['addrLine1', ['addr', 'line', '1']],
    ['adr_l1', ['adr', 'l', '1']],
    ['Prénom', ['prenom']],
    ['IBANNumber', ['iban', 'number']],
    ['wéird\t"x"', ['weird', 'x']],
    ['名前', ['名前']],
  ])('%j has the words %j', (name, tokens) => expect(tokensOf(name)).toEqual(tokens));

  it.each([
    ['email', 'email'],
    ['date_naissance', 'birth-date'],
    ['numeroSecu', 'national-id'],
    ['lastName', 'last-name'],
    ['code_postal', 'zip'],
    ['mdp', 'password'],
    ['refresh_token', 'secret'],
    ['lastCountedBy', 'username'],
    ['reg_mark', 'code'],
    ['trackingLinkId', 'url'],
  ])('%s says %s', (name, kind) => expect(nameSign(name, { textual: true })).toMatchObject({ kind }));

  it.each([
    'email_count',
    'phone_model',
    'nb_tel',
    'is_email',
    'email_template',
    'tel_format',
    'password_policy',
    'address_type',
    'email_id',
  ])('%s says little', (name) => expect(nameSign(name, { textual: true })?.weight ?? 0).toBeLessThan(0.3));

  it('tell what a table is about', () => {
    expect(tableSubject('public', 'patients', ['id'])).toBe('person');
    expect(tableSubject('public', 'x', ['first_name'])).toBe('person');
    expect(tableSubject('public', 'products', ['name', 'price'])).toBe('reference');
    expect(tableSubject('public', 'suppliers', ['name'])).toBe('company');
    expect(tableSubject('public', 'x', ['y'])).toBe('unknown');
  });
});

describe('values', () => {
  it.each([
    ['jane.roe@example.org', 'email'],
    ['+33 6 39 98 12 34', 'phone'],
    ['192.0.2.7', 'ip'],
    ['2001:db8::1', 'ip'],
    ['02:00:5e:10:00:01', 'mac'],
    ['https://example.org/u/7', 'url'],
    ['12 rue des Lilas', 'address'],
    ['14 Mill Lane', 'address'],
    ['Flat 5, 15 Mill Lane, LS17 7NP', 'address'],
    ['LS17 7NP', 'postcode'],
    ['Тарас Ткачук', 'names-shape'],
    ['حميد الخطيب', 'names-shape'],
    ['$2b$12$abcdefghijklmnopqrstuv', 'password'],
    ['<p>Bonjour</p>', 'html'],
    ['{"a": 1}', 'json'],
    ['Please call Mr Roe back', 'within'],
    ['see jane@example.org, thanks', 'within'],
    ['Marie Dupont', 'full-name'],
    ['Dupont SARL', 'company'],
    ['DUPONT, Marie', 'full-name'],
    ['O’Brien, Siobhán', 'full-name'],
    ['Aïssatou Diallo', 'full-name'],
    ['Nguyen Thi', 'full-name'],
    ['DUPONT/MARIE ANNE', 'full-name'],
    ['Djibril’s iPhone', 'within'],
    ['BNPAFRPPXXX', 'bank'],
    ['jdupont', 'username'],
    ['marie.martin2', 'username'],
    ['AB-123-CD', 'plate'],
    ['242-G-16650', 'plate'],
    ['1M8GDM9AXKP042788', 'vin'],
    ['411DUPONT', 'ledger'],
    ['https://example.org/reset?u=jane%40example.org', 'within'],
    ['VIR BE68 5390 0754 7034 LOYER JUILLET', 'within'],
    ['VIR BE68539007547034 LOYER', 'within'],
    ['paid to GB82 WEST 1234 5698 7654 32 by hand', 'within'],
  ])('%j is %s', (value, sign) => expect(signsOf(value)).toContain(sign));

  it.each([
    'Doliprane 1000 mg',
    'AB-1234-XL',
    'v1.2.3',
    '2026-11-29',
    '12.50',
    'draft',
    'FA-2026-000123',
    '5449000000996',
    'DB55797268990853',
    'BE6853900754703412',
    'BE69 5390 0754 7034',
    'WMAM302ZKXR75209',
    'order',
    'settings.general',
  ])('%j is nothing personal', (value) => {
    const harmless = new Set(['date', 'birth-year', 'zip', 'name-shape', 'bic', 'code-shape', 'domain']);
    expect(signsOf(value).filter((sign) => !harmless.has(sign))).toEqual([]);
  });
});

const column = (name: string, more: Partial<ColumnContext> = {}): ColumnContext => ({
  name,
  type: 'text',
  subject: 'unknown',
  ...more,
});

describe('a column', () => {
  it('without a telling name is known by its values', () => {
    expect(judge(column('x1'), summarize(many(made.mail)))).toMatchObject({ kind: 'email' });
    expect(judge(column('x1'), summarize(many(made.iban)))).toMatchObject({ kind: 'iban' });
    expect(judge(column('x1'), summarize(many(made.nir)))).toMatchObject({ kind: 'national-id' });
    expect(judge(column('x1'), summarize(many(made.fullName)))).toMatchObject({ kind: 'full-name' });
    expect(judge(column('x1'), summarize(many((r) => r.hex(32))))).toMatchObject({ kind: undefined });
  });

  it('without rows is known by its name', () => {
    expect(judge(column('email'))).toMatchObject({ kind: 'email', sampled: 0 });
    expect(judge(column('status'))).toMatchObject({ kind: undefined });
  });

  it('is sure when both say so, and says why in words, without a value', () => {
    const values = many(made.mail);
    const { confidence, reasons } = judge(column('courriel'), summarize(values));
    expect(confidence).toBeGreaterThan(0.95);
    expect(reasons).toEqual(['the name says email', '100 % of 60 values are e-mail addresses']);
  });

  it('called `name` depends on its table', () => {
    const products = summarize(many((r) => r.pick(['Lamp 40 W', 'Desk', 'Chair 2', 'Shelf X', 'Rug', 'Vase'])));
    expect(judge(column('name', { subject: 'reference' }), products)).toMatchObject({ kind: undefined });
    expect(judge(column('name', { subject: 'person' }), summarize(many(made.fullName)))).toMatchObject({
      kind: 'full-name',
    });
    expect(judge(column('name', { subject: 'company' }))).toMatchObject({ kind: 'company' });
  });

  it('of text with one person in a hundred rows is personal', () => {
    const values = [...many(() => 'ok', 99), 'ok, jane.roe@example.org called'];
    expect(judge(column('result'), summarize(values))).toMatchObject({ kind: 'text' });
  });

  it('of dates that lie as far apart as birthdays do is one of birthdays, in whatever spelling', () => {
    const day = (r: Random) => String(r.between(10, 28));
    const between = (first: number, last: number) => (r: Random) =>
      `${r.between(first, last)}-${r.between(10, 12)}-${day(r)}`;
    const births = summarize(many(between(1940, 2004)));
    expect(judge(column('v5', { type: 'date' }), births)).toMatchObject({ kind: 'birth-date' });
    expect(judge(column('built_on', { type: 'date' }), births)).toMatchObject({ kind: undefined });
    expect(judge(column('d', { type: 'date', subject: 'reference' }), births)).toMatchObject({ kind: undefined });
    expect(judge(column('signed', { type: 'date' }), summarize(many(between(2015, 2026))))).toMatchObject({
      kind: undefined,
    });
    const written = summarize(many((r) => r.pick(['', '/', '.']) && `${day(r)}/11/${r.between(1940, 2004)}`));
    expect(judge(column('dt_n'), written)).toMatchObject({ kind: 'birth-date' });
    const dense = summarize(many((r) => `${day(r)}11${r.between(1940, 2004)}`));
    expect(judge(column('dt_n'), dense)).toMatchObject({ kind: 'birth-date' });
  });

  it('of names that hardly any dictionary has is known by how they are written', () => {
    const made = (r: Random) => {
      const word = () =>
        r.pick(['Q', 'W', 'Z', 'X']) + r.pick(['ana', 'olo', 'uru', 'ebe']) + r.pick(['kx', 'pt', 'vv']);
      return `${word()} ${word()}`;
    };
    const some = summarize([...many(made, 50), ...many(() => `Marie ${made(random).split(' ')[0]}`, 10)]);
    expect(judge(column('who'), some)).toMatchObject({ kind: 'full-name' });
    expect(judge(column('who'), summarize(many(made)))).toMatchObject({ kind: undefined });
  });

  it('of random values is one of keys where it is called so', () => {
    const sums = summarize(many((r) => r.hex(32)));
    expect(judge(column('unsub_key'), sums)).toMatchObject({ kind: 'secret' });
    expect(judge(column('content_key'), sums)).toMatchObject({ kind: undefined });
    expect(judge(column('checksum'), sums)).toMatchObject({ kind: undefined });
  });

  it('of codes is personal where people are kept, and each has another one', () => {
    const codes = summarize(many((r) => `K${r.between(1_000_000, 9_999_999)}`));
    expect(judge(column('doc', { subject: 'person' }), codes)).toMatchObject({ kind: 'code' });
    expect(judge(column('doc'), codes)).toMatchObject({ kind: undefined });
    expect(judge(column('doc', { subject: 'person', key: true }), codes)).toMatchObject({ kind: undefined });
  });

  it('of names of users keeps its kind when some are addresses', () => {
    const logins = summarize([...many(() => `u${random.between(100, 999)}`, 40), ...many(made.mail, 10)]);
    expect(judge(column('login'), logins)).toMatchObject({ kind: 'username' });
  });

  it('of a type that says all needs no values', () => {
    expect(judge(column('x', { type: 'ip' }))).toMatchObject({ kind: 'ip' });
    expect(judge(column('email', { type: 'boolean' }))).toMatchObject({ kind: undefined });
    expect(judge(column('email', { type: 'time' }))).toMatchObject({ kind: undefined });
  });
});

describe('documents', () => {
  const paths = (texts: string[]) =>
    Object.fromEntries(
      judgeDocuments(texts, { subject: 'unknown', name: 'data' }).paths.map(({ path, verdict }) => [
        path,
        verdict.kind,
      ]),
    );

  it('are judged path by path', () => {
    const texts = many((r) =>
      JSON.stringify({ user: { mail: made.mail(r), tags: ['a', 'b'] }, n: 1, list: [{ tel: made.frenchPhone(r) }] }),
    );
    expect(paths(texts)).toEqual({
      '$.user.mail': 'email',
      '$.user.tags[]': undefined,
      '$.n': undefined,
      '$.list[].tel': 'phone',
    });
  });

  it('never give a value away as the name of a path', () => {
    const texts = many((r) => JSON.stringify({ [made.mail(r)]: { seen: 1 }, [r.uuid()]: 2, Marie: 3 }));
    expect(Object.keys(paths(texts)).sort()).toEqual(['$.*', '$.*.seen']);
    expect(paths(texts)['$.*']).toBe('text');
    const wide = many((r) => JSON.stringify({ [`k${r.hex(3)}x`]: 1 }), 300);
    expect(Object.keys(paths(wide))).toEqual(['$.*']);
  });

  it('may be hstore, lists, deep, broken, or have keys of the language', () => {
    expect(paths(['"nom"=>"Dupont", "n\\"x"=>NULL'])).toEqual({ '$.nom': 'last-name', '$.*': undefined });
    expect(paths(['["jane@example.org"]', '["joe@example.org"]'])).toEqual({ '$[]': 'email' });
    expect(judgeDocuments(['{"a":'], { subject: 'unknown', name: 'x' })).toMatchObject({ walked: 0, unread: 1 });
    expect(paths(['{"__proto__": {"mail": "jane@example.org"}, "constructor": 1}'])).toMatchObject({
      '$.constructor': undefined,
    });
    const deep = `${'{"a":'.repeat(40)}"jane@example.org"${'}'.repeat(40)}`;
    expect(Object.values(paths([deep]))).toEqual(['text']);
  });
});

describe('definitions', () => {
  it.each([
    ['default', `'a''b'::text`, ["a'b"]],
    ['default', 'now()', []],
    ['check', '(n > 612345678)', ['612345678']],
    ['comment', `it's "x"`, [`it's "x"`]],
    ['enum', '["a","b"]', ['a', 'b']],
    ['function', `BEGIN -- ask Jane\n RETURN 'x'; END`, ['x', '-- ask Jane']],
  ] as const)('of %s %j hold %j', (kind, text, literals) => expect(literalsOf(kind, text)).toEqual(literals));
});
