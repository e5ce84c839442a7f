import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteText,
  fromPathText,
  pathText,
  shownPath,
  unescapedPath,
  walkKey,
} from '../../src/sources/files/byte-text.ts';
import { Excludes } from '../../src/sources/files/excludes.ts';
import { Selection } from '../../src/sources/files/selection.ts';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((array) => Buffer.from(array).toString('latin1'));

describe('names as bytes', () => {
  it('survive a manifest, whatever they are', () => {
    fc.assert(
      fc.property(bytes, (name) => {
        const stored = JSON.parse(JSON.stringify(pathText(name)));
        expect(fromPathText(stored)).toBe(name);
      }),
    );
  });

  it('are text in a manifest exactly when they are UTF-8', () => {
    expect(pathText(byteText('ünï 🎉'))).toBe('ünï 🎉');
    expect(pathText('caf\xe9')).toEqual({ base64: 'Y2Fm6Q==' });
    // A lone surrogate in WTF-8, an overlong slash: no UTF-8.
    expect(pathText('\xed\xa0\x80')).toHaveProperty('base64');
    expect(pathText('\xc0\xaf')).toHaveProperty('base64');
  });

  it('can be typed as they are shown', () => {
    fc.assert(
      fc.property(bytes, (name) => {
        const shown = shownPath(name);
        expect(shown).not.toMatch(/[\p{Cc}\u202e]/u);
        // What shows no escape is typed as it is.
        expect(unescapedPath(shown) ?? byteText(shown)).toBe(name);
      }),
    );
    expect(shownPath(byteText('a\u202eb\u0085'))).toBe('a\\xe2\\x80\\xaeb\\xc2\\x85');
  });

  it('sort as the walk goes', () => {
    const paths = ['a', 'a/b', 'a/b/c', 'a-b', 'a.b', 'a/z', 'b', '.', 'a\x01', 'a/\xff'];
    const sorted = [...paths].sort((x, y) => (walkKey(x) < walkKey(y) ? -1 : 1));
    expect(sorted).toEqual(['.', 'a', 'a/b', 'a/b/c', 'a/z', 'a/\xff', 'a\x01', 'a-b', 'a.b', 'b']);
  });
});

describe('exclude patterns', () => {
  const excluded = (patterns: string[], path: string, isDirectory = false) =>
    new Excludes(patterns).excludes(byteText(path), isDirectory);

  it.each<[string, string[], string[]]>([
    ['*.tmp', ['a.tmp', 'd/e/a.tmp', '.tmp'], ['a.tmp.gz', 'tmp']],
    ['/top', ['top'], ['d/top', 'top/x']],
    ['d/inner', ['d/inner'], ['x/d/inner', 'd/inner2']],
    ['**/deep', ['deep', 'a/deep', 'a/b/deep'], ['adeep']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['az', 'b/a/z']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'b']],
    ['log?', ['log1', 'logé', 'log🎉'], ['log', 'log12', 'log/']],
    ['[a-c]x', ['ax', 'cx'], ['dx', '-x', 'abx']],
    ['[!a-c]x', ['dx', 'éx'], ['ax', 'x']],
    ['[]a]', [']', 'a'], ['b']],
    ['[a\\-z]', ['a', '-', 'z'], ['m']],
    ['\\*', ['*'], ['a']],
    ['\\!a', ['!a'], ['a']],
    ['\\#a', ['#a'], ['a']],
    ['ünï', ['ünï', 'd/ünï'], ['uni']],
    ['a+(b)|c', ['a+(b)|c'], ['aab', 'c']],
    ['trailing   ', ['trailing'], ['trailing   ']],
    ['a*b*c', ['abc', 'a1b2c'], ['ab', 'a/b/c']],
  ])('%s', (pattern, yes, no) => {
    for (const path of yes) expect(excluded([pattern], path), path).toBe(true);
    for (const path of no) expect(excluded([pattern], path), path).toBe(false);
  });

  it('with a slash at the end are for directories', () => {
    expect(excluded(['cache/'], 'a/cache', true)).toBe(true);
    expect(excluded(['cache/'], 'a/cache', false)).toBe(false);
  });

  it('decide by the last one that matches', () => {
    const patterns = ['*.log', '!keep.log', '/d/keep.log'];
    expect(excluded(patterns, 'a.log')).toBe(true);
    expect(excluded(patterns, 'keep.log')).toBe(false);
    expect(excluded(patterns, 'd/keep.log')).toBe(true);
  });

  it('may be blank or a comment, as copied from a .gitignore', () => {
    expect(excluded(['', '  ', '# everything: *'], '# everything: *')).toBe(false);
  });

  it('match names that are not UTF-8', () => {
    expect(new Excludes(['caf?']).excludes('caf\xe9', false)).toBe(true);
    expect(new Excludes(['*.tmp']).excludes('\xff\xfe\n.tmp', false)).toBe(true);
  });

  it.each(['[a', '[', '/', '!', 'a\\', '[z-a]', '[é]'])('that mean nothing are refused: %s', (pattern) => {
    expect(() => new Excludes([pattern])).toThrow(expect.objectContaining({ code: 'config' }));
  });
});

describe('a selection', () => {
  const select = (paths: string[], root = '/srv/data') => {
    const selection = new Selection(paths);
    selection.setRoot({ kind: 'root', path: root, exclude: [] });
    return selection;
  };

  it('covers what was asked for and what is under it, and leads there', () => {
    const selection = select(['a/b', './c/', '/srv/data/d/e']);
    for (const path of ['a/b', 'a/b/x/y', 'c', 'c/x', 'd/e']) expect(selection.covers(path), path).toBe(true);
    for (const path of ['.', 'a', 'a/bc', 'a/x', 'd', 'cc', 'srv']) expect(selection.covers(path), path).toBe(false);
    for (const path of ['.', 'a', 'd']) expect(selection.leadsTo(path), path).toBe(true);
    for (const path of ['c', 'a/b', 'x']) expect(selection.leadsTo(path), path).toBe(false);
  });

  it.each([['.'], ['/srv/data'], ['/srv/data/'], ['']])('of %j is everything', (path) => {
    expect(select([path]).covers('any/thing')).toBe(true);
  });

  it('knows what did not come', () => {
    const selection = select(['a', 'b']);
    selection.covers('a');
    selection.covers('b/inside');
    expect(() => selection.assertFound()).toThrow(expect.objectContaining({ code: 'not-found' }));
    selection.covers('b');
    selection.assertFound();
  });
});
