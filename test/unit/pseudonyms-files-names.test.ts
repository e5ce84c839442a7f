import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pseudonymizedFiles } from '../../config/pseudonymize-files.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { PathPattern } from '../../src/pseudonyms/files/path-pattern.ts';
import { readyRules, type TreeRule } from '../../src/pseudonyms/files/tree-rules.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { makeTransformer } from '../../src/pseudonyms/registry.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import { byteText } from '../../src/sources/files/byte-text.ts';

const key = new PseudonymKey(Buffer.alloc(32, 7));
const shown = {
  part: (name: string, value: string) => `<${name}=${value}>`,
  wildcard: (value: string, ends: boolean) => `<${value}${ends ? '|' : ''}>`,
};
const rewritten = (pattern: string, path: string) => new PathPattern(pattern).rewrite(byteText(path), shown)?.join('/');
const column = (type: string) => ({ name: 's.t.c', type, nullable: true, unique: false });
const pseudonym = (kind: string, domain: string, type: string, value: string) => {
  const out: Cell[] = [];
  makeTransformer({ kind }).prepare({ key: key.domain(domain), column: column(type) })([value], out);
  return out[0]!;
};
const target = (rule: TreeRule, path: string) =>
  Buffer.from(readyRules([rule], { key })[0]!.target(byteText(path)).join('/'), 'latin1').toString();

describe('patterns of paths', () => {
  it.each([
    ['a/{x}/{y}.pdf', 'a/7/k-1.pdf', 'a/<x=7>/<y=k-1>.pdf'],
    ['{x}-{y}.pdf', '1-2-3.pdf', '<x=1>-<y=2-3>.pdf'],
    ['{x}/{x}-{y}', '7/7-1', '<x=7>/<x=7>-<y=1>'],
    ['{x}/{x}1', '2/21', '<x=2>/<x=2>1'],
    ['{x}/{x}', '7/8', undefined],
    ['*.pdf', 'a.pdf', '<a>.pdf'],
    ['*.pdf', 'a/b.pdf', undefined],
    ['*.pdf', 'axpdf', undefined],
    ['*', '.hidden', '<.hidden|>'],
    ['**', 'a/b/c', '<a>/<b>/<c|>'],
    ['**/*.png', 'c.png', '<c>.png'],
    ['**/*.png', 'a/b/c.png', '<a>/<b>/<c>.png'],
    ['x/**/y/*', 'x/y/z', 'x/y/<z|>'],
    ['x/**/y/*', 'x/a/y/z', 'x/<a>/y/<z|>'],
    ['x/**', 'x', undefined],
    ['?.txt', 'é.txt', `<${byteText('é')}>.txt`],
    ['\\{a\\}\\[\\*', '{a}[*', '{a}[*'],
    ['été/{x}', 'été/1', `${byteText('été')}/<x=1>`],
  ])('%s on %s', (pattern, path, expected) => {
    expect(rewritten(pattern, path)).toBe(expected);
    expect(new PathPattern(pattern).matches(byteText(path))).toBe(expected !== undefined);
  });

  it.each(['', '/a', 'a/', 'a//b', '../a', 'a/./b', '{', '{}', '{a b}', '{a}}', '[ab]', 'a\\'])(
    'refuses %j',
    (pattern) => {
      expect(() => new PathPattern(pattern)).toThrow(HoldfastError);
    },
  );

  it('give back as many segments as there were', () => {
    const segment = fc.stringMatching(/^[a-z0-9.\xff-]{1,8}$/).filter((name) => !/^\.\.?$/.test(name));
    const patterns = ['**', '**/*', '**/{x}', '{x}/**', '*/**/?*'].map((text) => new PathPattern(text));
    const same = { part: (_: string, value: string) => value, wildcard: (value: string) => value };
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), fc.constantFrom(...patterns), (names, pattern) => {
        const path = names.join('/');
        const made = pattern.rewrite(path, same);
        if (made !== undefined) expect(made).toEqual(names);
        else expect(pattern.matches(path)).toBe(false);
      }),
    );
  });
});

describe('names in a copy', () => {
  it('agree with the columns that hold the values', () => {
    const rule: TreeRule = {
      path: 'invoices/{customer}/{code}-{mail}.pdf',
      content: 'placeholder',
      parts: {
        customer: { kind: 'id', domain: 'customer-id' },
        code: { kind: 'code', domain: 'invoice' },
        mail: { kind: 'email' },
      },
    };
    const id = pseudonym('id', 'customer-id', 'bigint', '4711');
    const code = pseudonym('code', 'invoice', 'character varying', 'AB123456');
    const mail = pseudonym('email', 'email', 'text', 'jean@dupont.fr');
    expect(target(rule, 'invoices/4711/AB123456-jean@dupont.fr.pdf')).toBe(`invoices/${id}/${code}-${mail}.pdf`);
    const own = { ...rule, parts: { ...rule.parts, mail: { kind: 'email', domain: 'staff' } } };
    expect(target(own, 'invoices/4711/AB123456-jean@dupont.fr.pdf')).toContain(
      pseudonym('email', 'staff', 'text', 'jean@dupont.fr'),
    );
  });

  it('of a part may go by another part', () => {
    const rule: TreeRule = {
      path: '{customer}/{name}.txt',
      content: 'drop',
      parts: { customer: { kind: 'id', domain: 'c' }, name: { kind: 'last-name', by: 'customer' } },
    };
    const made = (path: string) => target({ ...rule, content: 'placeholder' }, path).split('/')[1];
    expect(made('7/Dupont.txt')).toBe(made('7/Durand.txt'));
  });

  it('are keyed where a wildcard stands, and keep well-known endings only', () => {
    const rule: TreeRule = { path: '**', content: 'placeholder' };
    const made = target(rule, 'Jean Dupont/photo of Jean.JPG');
    expect(made).toMatch(/^[0-9a-hjkmnp-tv-z]{16}\/[0-9a-hjkmnp-tv-z]{16}\.JPG$/);
    expect(target(rule, 'x/photo of Jean.pdf').slice(17, 33)).toBe(made.slice(17, 33));
    expect(target(rule, 'a.tar.gz')).toMatch(/^.{16}\.tar\.gz$/);
    for (const name of ['a.dupont', 'jean.dupont', '.pdf', 'a.jpg.dup', 'x.1985'])
      expect(target(rule, name)).toMatch(/^[^.]{16}$/);
    expect(target(rule, 'jean.dupont.pdf')).toMatch(/^[^.]{16}\.pdf$/);
    // A directory has no ending.
    expect(target(rule, 'a.pdf/b')).toMatch(/^[^.]{16}\/[^.]{16}$/);
    const other = readyRules([rule], { key: new PseudonymKey(Buffer.alloc(32, 8)) })[0]!;
    expect(other.target('Jean')).not.toEqual(readyRules([rule], { key })[0]!.target('Jean'));
  });

  it('of any bytes never collide, and never are the original', () => {
    const rule = readyRules([{ path: '**', content: 'placeholder' }], { key })[0]!;
    const name = fc
      .uint8Array({ minLength: 4, maxLength: 60 })
      .map((bytes) => Buffer.from(bytes).toString('latin1').replace(/[/\0]/g, '_'));
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 20 }), (names) => {
        const made = names.map((each) => rule.target(each)[0]!);
        expect(new Set(made).size).toBe(names.length);
        for (const [i, each] of made.entries()) {
          expect(each).not.toBe(names[i]);
          expect(each).toMatch(/^[0-9a-z]{16}(?:\.[A-Za-z0-9]+){0,2}$/);
        }
      }),
    );
  });

  it.each<[RegExp, Partial<TreeRule>, string]>([
    [/no name that|name that no file can have/, { path: '{a}', parts: { a: { kind: 'url' } } }, 'https:x.fr'],
    [/not UTF-8/, { path: '{a}', parts: { a: { kind: 'token', domain: 'x' } } }, '\xff'],
    [/cannot be transformed/, { path: '{a}', parts: { a: { kind: 'id', domain: 'x' } } }, 'SECRET'],
  ])('are refused: %s', (message, rule, path) => {
    try {
      readyRules([{ path: '', content: 'placeholder', ...rule }], { key })[0]!.target(path);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(HoldfastError);
      const { message: said, why, hint } = error as HoldfastError;
      expect(said).toMatch(message);
      expect(`${said}${why}${hint}`).not.toContain('SECRET');
    }
  });
});

describe('rules', () => {
  it.each<[RegExp, Partial<TreeRule>]>([
    [/needs a `reason`/, { content: 'keep' }],
    [/needs a `reason`/, { content: 'keep', reason: ' ' }],
    [/needs a `reason`/, { names: 'keep' }],
    [/needs a `reason`/, { path: '{a}', parts: { a: { kind: 'keep' } } }],
    [/what becomes of \{a\}/, { path: '{a}' }],
    [/no part \{b\}/, { parts: { b: { kind: 'id', domain: 'x' } } }],
    [/names no domain/, { path: '{a}', parts: { a: { kind: 'id' } } }],
    [/another column/, { path: '{a}', parts: { a: { kind: 'last-name', by: 'b' } } }],
    [/another column/, { path: '{a}', parts: { a: { kind: 'template', template: '{a}' } } }],
    [/does not go with/, { path: '{a}', parts: { a: { kind: 'bytea', domain: 'x' } } }],
    [/no known kind/, { path: '{a}', parts: { a: { kind: 'nonsense', domain: 'x' } } }],
    [/`type` goes with/, { content: 'drop', type: 'pdf' }],
    [/`domain` and `options`/, { domain: 'x' }],
    [/no columns to name/, { content: 'text', options: { known: ['a'] } }],
    [/no option `x`/, { content: 'text', options: { x: 1 } }],
    [/means nothing/, { path: '/a' }],
    [/must be one of/, { content: 'shred' as 'drop' }],
  ])('that are refused: %s', (message, rule) => {
    const refused = () => readyRules([{ path: '**', content: 'placeholder', ...rule }], { key });
    expect(refused).toThrow(HoldfastError);
    let said = '';
    try {
      refused();
    } catch (error) {
      said = `${(error as HoldfastError).message} ${(error as HoldfastError).why}`;
    }
    expect(said).toMatch(message);
  });

  it('are needed', () => {
    expect(() => readyRules([], { key })).toThrow(/no rules/);
  });

  it('are read from a configuration as they are used', () => {
    const rules = [
      {
        path: 'invoices/{customer}/*.pdf',
        content: 'placeholder',
        type: 'pdf',
        parts: { customer: { kind: 'id', domain: 'c', min: 1, max: 9_999_999 } },
      },
      { path: 'letters/**', content: 'text', options: { locale: 'fr' }, domain: 'email' },
      { path: 'templates/**', content: 'keep', names: 'keep', reason: 'Letter templates.' },
      { path: '**', content: 'drop' },
    ];
    const [tree] = pseudonymizedFiles.parse([{ source: 'documents', target: '/srv/documents', rules }]);
    expect(tree).toEqual({ source: 'documents', target: '/srv/documents', times: 'constant', rules });
    expect(readyRules(tree!.rules, { key }).length).toBe(4);
    for (const wrong of [
      { path: '/x', content: 'drop' },
      { path: '**', content: 'keep' },
      { path: '**', content: 'drop', names: 'maybe' },
      { path: '**', content: 'drop', more: 1 },
    ])
      expect(pseudonymizedFiles.safeParse([{ source: 'a', target: '/b', rules: [wrong] }]).success).toBe(false);
    expect(pseudonymizedFiles.parse(undefined)).toEqual([]);
  });
});
