import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { countryCodes } from '../../config/countries.ts';
import { parseDuration } from '../../config/duration.ts';
import { parseConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problems.ts';
import type { Source } from '../../config/sources.ts';
import { suggestion } from '../../config/suggestion.ts';

const example = parse(readFileSync(join(import.meta.dirname, '../../config/example.yaml'), 'utf8'));

async function read(source: object): Promise<Source> {
  const { jobs: _, owners, ...rest } = example;
  const text = stringify({ ...rest, owners: owners.slice(0, 2), sources: [{ name: 'one', ...source }] });
  return (await parseConfig(text, 'f')).sources[0]!;
}

async function problems(source: object): Promise<string[]> {
  const error = await read(source).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw new Error(`accepted: ${JSON.stringify(error)}`);
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('a connection to PostgreSQL', () => {
  const server = { host: 'db', port: 5432, user: 'u', database: 'app', sslmode: 'prefer' };
  it.each<[string, object]>([
    ['postgres://u@db/app', server],
    [
      'postgresql://u@db:5433/app?sslmode=verify-full&sslrootcert=system',
      { ...server, port: 5433, sslmode: 'verify-full', sslrootcert: 'system' },
    ],
    ['postgres://u@%2Fvar%2Frun%2Fpostgresql/app', { ...server, host: '/var/run/postgresql' }],
    ['postgres:///app?host=/run/pg&user=u&port=6000', { ...server, host: '/run/pg', port: 6000 }],
    ['postgres://u@/app?host=/run/pg', { ...server, host: '/run/pg' }],
    ['postgres://b%40ck@[::1]/my%20db%23', { ...server, user: 'b@ck', host: '::1', database: 'my db#' }],
    ['postgres://u:@db/app', server],
  ])('is read from %s', async (connection, expected) => {
    expect(await read({ type: 'postgres', connection })).toEqual({
      name: 'one',
      type: 'postgres',
      connection: expected,
      exclude: { tables: [] },
    });
  });

  it('is the same as a mapping, its password beside it or in it', async () => {
    const parts = { host: 'db', user: 'u', database: 'app' };
    const password = { credential: 'pw' };
    expect(await read({ type: 'postgres', connection: parts })).toMatchObject({ connection: server });
    const inside = await read({ type: 'postgres', connection: { ...parts, password } });
    expect(inside).toEqual(await read({ type: 'postgres', connection: 'postgres://u@db/app', password }));
    expect(inside).toMatchObject({ connection: server, password });
    expect(await problems({ type: 'postgres', connection: { ...parts, password }, password })).toEqual([
      'sources[0].password: the password is here and in `connection`; one is enough',
    ]);
  });

  it.each<[string, RegExp[]]>([
    ['postgres://u:secret@db/app', [/holds a password; .*password: \{env: NAME\}/]],
    ['postgres://u@db/app?passfile=x', [/holds a password/]],
    ['mysql://u@db/app', [/starts with postgres/]],
    ['postgres://db', [/names no user/, /names no database/]],
    ['postgres://u@/app', [/names no host/]],
    ['postgres://u@a,b/app', [/several hosts/]],
    ['postgres://u@db:0/app', [/port/]],
    ['postgres://u@db:99999/app', [/expected a URL/]],
    ['postgres://u@db/app?port=x1', [/port/]],
    ['postgres://u@db/app?sslmod=require', [/did you mean `sslmode`/]],
    ['postgres://u@db/app?options=-c', [/not supported; known are host/]],
    ['postgres://u@db/app?sslmode=yes', [/sslmode that is none of disable/]],
    ['postgres://u@db/app#x', [/%23/]],
    ['postgres://u@db/100%', [/%25/]],
    ['host=db user=u', [/expected a URL/]],
  ])('is refused: %s', async (connection, expected) => {
    const found = await problems({ type: 'postgres', connection });
    expect(found).toHaveLength(expected.length);
    for (const [at, message] of expected.entries()) expect(found[at]).toMatch(message);
  });

  it('lacks each part that its mapping leaves out', async () => {
    expect(await problems({ type: 'postgres', connection: { hots: 'db', port: 0, sslmode: 'on' } })).toEqual([
      expect.stringMatching(/connection\.host: is missing/),
      expect.stringMatching(/connection\.user: is missing/),
      expect.stringMatching(/connection\.database: is missing/),
      expect.stringMatching(/connection\.hots: unknown key `hots`; did you mean `host`\?/),
      expect.stringMatching(/connection\.port: expected a whole number from 1 to 65535/),
      expect.stringMatching(/connection\.sslmode: expected `disable`, .* or `verify-full`/),
    ]);
    expect(await problems({ type: 'postgres', connection: 7 })).toEqual([
      expect.stringMatching(/expected a postgres:\/\/ URL or a mapping/),
    ]);
  });

  it.each<[string, object | undefined]>([
    ['public.t', { schema: 'public', table: 't' }],
    ['Public.My Table', { schema: 'Public', table: 'My Table' }],
    ['"a.b"."c""d"', { schema: 'a.b', table: 'c"d' }],
    ['t', undefined],
    ['a.b.c', undefined],
    ['.t', undefined],
    ['""."t"', undefined],
    ['a."b', undefined],
  ])('excludes the table %s', async (name, expected) => {
    const source = { type: 'postgres', connection: 'postgres://u@db/app', exclude: { tables: [name] } };
    if (expected) expect(await read(source)).toMatchObject({ exclude: { tables: [expected] } });
    else
      expect(await problems(source)).toEqual([expect.stringMatching(/exclude\.tables\[0\]: expected schema\.table/)]);
  });
});

describe('a command', () => {
  it('is a list or a text, with a default for its time', async () => {
    expect(await read({ type: 'command', command: 'a | b', filename: 'f' })).toMatchObject({
      command: 'a | b',
      timeout: 86_400_000,
    });
    expect(await read({ type: 'command', command: ['a'], filename: 'f', timeout: '90m' })).toMatchObject({
      command: ['a'],
      timeout: 5_400_000,
    });
  });

  it.each([
    ['command', { command: [], filename: 'f' }],
    ['command', { command: { a: 1 }, filename: 'f' }],
    ['command[1]', { command: ['a', 7], filename: 'f' }],
    ['command', { command: '', filename: 'f' }],
    ['filename', { command: 'a', filename: '../f' }],
    ['filename', { command: 'a', filename: '..' }],
    ['filename', { command: 'a', filename: 'é'.repeat(128) }],
    ['filename', { command: 'a', filename: 'a\0' }],
    ['timeout', { command: 'a', filename: 'f', timeout: '0s' }],
    ['timeout', { command: 'a', filename: 'f', timeout: '8d' }],
    ['timeout', { command: 'a', filename: 'f', timeout: 3600 }],
  ])('is refused for its %s', async (key, source) => {
    expect(await problems({ type: 'command', ...source })).toEqual([
      expect.stringContaining(`sources[0].${key}: expected`),
    ]);
  });
});

describe('durations', () => {
  it.each<[string, number | undefined]>([
    ['30s', 30_000],
    ['90m', 5_400_000],
    ['1h', 3_600_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['0s', 0],
    ['', undefined],
    ['1', undefined],
    ['1.5h', undefined],
    ['-1h', undefined],
    ['30m1h', undefined],
    ['1 h', undefined],
    ['1h\n', undefined],
    ['99999999999999999d', undefined],
  ])('%j is %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms));
});

describe('suggestions', () => {
  it('are near, or none', () => {
    expect(suggestion('onefilesystem', ['path', 'oneFileSystem'])).toBe('oneFileSystem');
    expect(suggestion('pth', ['path', 'name'])).toBe('path');
    expect(suggestion('colour', ['path', 'name'])).toBeUndefined();
    expect(suggestion('x', [])).toBeUndefined();
  });
});

describe('country codes', () => {
  it('are those that the regions of Unicode know too', () => {
    const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
    expect(countryCodes.size).toBe(249);
    expect([...countryCodes].filter((code) => !names.of(code))).toEqual([]);
    for (const code of ['EU', 'UK', 'XX', 'fr', '']) expect(countryCodes.has(code)).toBe(false);
  });
});

describe('a whole cluster', () => {
  const server = { host: 'db', port: 5432, user: 'u', sslmode: 'prefer' };

  it('needs no database, and reads its list through postgres', async () => {
    for (const connection of ['postgres://u@db', 'postgres://u@db/', { host: 'db', user: 'u' }]) {
      const read_ = await read({ type: 'postgres', connection, databases: 'all' });
      expect(read_).toMatchObject({ connection: { ...server, database: 'postgres' }, databases: 'all' });
    }
    const named = { type: 'postgres', connection: 'postgres://u@db/list', databases: ['app', 'tenant_*'] };
    expect(await read({ ...named, exclude: { databases: ['x?'] } })).toMatchObject({
      connection: { ...server, database: 'list' },
      databases: ['app', 'tenant_*'],
      exclude: { databases: ['x?'], tables: [] },
    });
  });

  it('is told from one database', async () => {
    expect(await problems({ type: 'postgres', connection: 'postgres://u@db' })).toEqual([
      'sources[0].connection: the URL names no database',
    ]);
    expect(await problems({ type: 'postgres', connection: { host: 'db', user: 'u' } })).toEqual([
      'sources[0].connection.database: is missing (The database)',
    ]);
    const one = { type: 'postgres', connection: 'postgres://u@db/app' };
    expect(await problems({ ...one, exclude: { databases: ['x'] } })).toEqual([
      'sources[0].exclude.databases: only a cluster has databases to leave out; say `databases: all` beside `exclude`',
    ]);
    for (const databases of ['every', [], [''], {}]) expect(await problems({ ...one, databases })).toHaveLength(1);
  });

  it('can be named, whole or in part, where sources are', async () => {
    const { jobs: _, owners, ...rest } = example;
    const parse_ = (...sources: string[]) =>
      parseConfig(
        stringify({
          ...rest,
          owners: [owners[0], { ...owners[1], sources }],
          sources: [{ name: 'main', type: 'postgres', connection: 'postgres://u@db', databases: 'all' }],
        }),
        'f',
      );
    expect((await parse_('main', 'main/app', 'main/a%20b')).owners[1]!.sources).toEqual([
      'main',
      'main/app',
      'main/a%20b',
    ]);
    for (const wrong of ['mian/app', 'main/', 'main/a b', 'main/a/b']) {
      await expect(parse_(wrong), wrong).rejects.toBeInstanceOf(ConfigError);
    }
  });
});
