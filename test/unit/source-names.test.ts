import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterPrefixOf, sourceIdOf } from '../../src/repository/layout.ts';
import { clusterOf, covers, databaseOf, memberName } from '../../src/repository/source-name.ts';

const key = '00112233445566778899aabbccddeeff';

describe('the name of a database as a source', () => {
  it.each([
    ['app', 'main/app'],
    ['a "b"; c=d\'e', 'main/a%20%22b%22%3B%20c%3Dd%27e'],
    ['ä/%41', 'main/%C3%A4%2F%2541'],
    ['..', 'main/..'],
    ['~!*()', 'main/%7E%21%2A%28%29'],
    ['😀', 'main/%F0%9F%98%80'],
  ])('%s is written %s', (database, name) => {
    expect(memberName('main', database)).toBe(name);
    expect(databaseOf(name)).toBe(database);
    expect(clusterOf(name)).toBe('main');
  });

  it('is another for every database, of few characters, and tells it', () => {
    const database = fc.string({
      unit: fc.oneof(
        fc.constantFrom('%', '/', '@', '2', 'F', 'f', 'é', '\n', ' '),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
      ),
      minLength: 1,
    });
    fc.assert(
      fc.property(database, database, (one, other) => {
        const name = memberName('main', one);
        expect(name).toMatch(/^main\/[A-Za-z0-9._%-]+$/);
        expect(databaseOf(name)).toBe(one);
        expect(name === memberName('main', other)).toBe(one === other);
      }),
    );
  });

  it.each(['main', 'main/', 'main/a b', 'main/a%2f', 'main/%41', 'main/%ff', 'main/%', 'main/a/b', 'main/ä'])(
    '%s is none',
    (name) => expect(databaseOf(name)).toBeUndefined(),
  );
});

describe('what a party may act for', () => {
  it.each([
    [undefined, 'main/app', true],
    [['main'], 'main', true],
    [['main'], 'main/app', true],
    [['main'], 'mainly/app', false],
    [['main'], 'other/main', false],
    [['main/app'], 'main/app', true],
    [['main/app'], 'main/apple', false],
    [['main/app'], 'main', false],
    [['app'], 'main/app', false],
  ] as const)('%j covers %s: %s', (allowed, name, expected) => expect(covers(allowed, name)).toBe(expected));
});

describe('the id of a database', () => {
  const prefix = clusterPrefixOf(sourceIdOf(key, 'main'));

  it('begins as the id of its cluster does, and no other', () => {
    expect(sourceIdOf(key, 'main/app')).toMatch(new RegExp(`^${prefix}[0-9a-f]{16}$`));
    expect(sourceIdOf(key, 'main/app')).not.toBe(sourceIdOf(key, 'main'));
    expect(sourceIdOf(key, 'main/app')).not.toBe(sourceIdOf(key, 'main/App'));
    expect(sourceIdOf(key, 'mainly')).not.toMatch(prefix);
    expect(sourceIdOf(key, 'other/app')).not.toMatch(prefix);
  });

  it('of an ordinary source is as it always was', () => {
    expect(sourceIdOf(key, 'app')).toBe('27430c841c8ca61f128c738dea5680ba');
  });
});
