import { describe, expect, it } from 'vitest';
import { readPart } from '../../commands/check.ts';
import { hostNameFrom, readFiles, readPostgres } from '../../commands/init/answers.ts';
import { readPostgresUrl } from '../../commands/postgres-url.ts';
import { readTable, readTarget, type TargetWords } from '../../commands/restore-target.ts';
import { withPassword } from '../../commands/source-settings.ts';
import { connection } from '../../config/postgres-connection.ts';
import type { Source } from '../../config/sources.ts';
import { isHoldfastError } from '../../src/base/errors.ts';

const server = { host: 'db', port: 5432, user: 'backup', database: 'app', sslmode: 'require' as const };
const app: Source = { name: 'app', type: 'postgres', connection: server, exclude: { tables: [] } };
const tree: Source = { name: 'documents', type: 'files', path: '/srv', exclude: [], oneFileSystem: false };

const target = (to: string, more: Partial<TargetWords> = {}) =>
  readTarget({
    to,
    source: app,
    sourceConnection: async () => ({ ...server, password: 'of-the-source' }),
    cwd: '/srv/ops',
    environment: { PGPASSWORD: 'of-the-environment' },
    ...more,
  });

const usage = (work: () => unknown) =>
  expect(async () => work()).rejects.toSatisfy((error) => isHoldfastError(error, 'usage'));

describe('restore --to', () => {
  it('a name is a new database on the server of the source', async () => {
    expect(await target('app_new')).toEqual({
      kind: 'database',
      database: 'app_new',
      admin: { ...server, password: 'of-the-source' },
    });
  });

  it('a URL is a new database on its server, reached through postgres', async () => {
    expect(await target('postgres://u:pw@other:5433/app_new')).toEqual({
      kind: 'database',
      database: 'app_new',
      admin: { host: 'other', port: 5433, user: 'u', database: 'postgres', sslmode: 'prefer', password: 'pw' },
    });
    expect(await target('postgres://u@other/app_new')).toMatchObject({ admin: { password: 'of-the-environment' } });
  });

  it('with --into-schema the database is one that exists', async () => {
    expect(await target('app', { intoSchema: 'rescued' })).toEqual({
      kind: 'schema',
      connection: { ...server, password: 'of-the-source' },
      intoSchema: 'rescued',
    });
    expect(await target('postgres://u@other/crm', { intoSchema: 'rescued' })).toMatchObject({
      kind: 'schema',
      connection: { host: 'other', database: 'crm' },
    });
  });

  it.each([
    ['dir:out', app, '/srv/ops/out'],
    ['dir:/srv/out', tree, '/srv/out'],
    ['/srv/out', tree, '/srv/out'],
    ['out', tree, '/srv/ops/out'],
  ])('%s is a directory', async (to, source, path) => {
    expect(await target(to, { source })).toEqual({ kind: 'directory', path });
  });

  it.each([
    ['/srv/out', {}],
    ['', {}],
    ['dir:', {}],
    ['dir:/out', { intoSchema: 'x' }],
    ['postgres://nowhere', {}],
  ])('%j with %j is a usage error', async (to, more) => {
    await usage(() => target(to, more));
  });

  it('never quotes a URL, which may hold a password', async () => {
    for (const to of ['postgres://u:hunter2@', 'postgres://u:hunter2@h:99999/x', 'postgres://u@h/x?passwrd=hunter2']) {
      await expect(target(to)).rejects.not.toHaveProperty('message', expect.stringContaining('hunter2'));
    }
  });
});

describe('restore --table', () => {
  it.each([
    ['people', { name: 'people' }],
    ['app.people', { schema: 'app', name: 'people' }],
    ['"Ödd ""schema"""."a.b"', { schema: 'Ödd "schema"', name: 'a.b' }],
    ['"a.b"', { name: 'a.b' }],
    ['Mixed Case.x y', { schema: 'Mixed Case', name: 'x y' }],
  ])('%s', (text, table) => expect(readTable(text)).toEqual(table));

  it.each(['', 'a.b.c', '.a', 'a.', '"a'])('%j is a usage error', async (text) => usage(() => readTable(text)));
});

describe('check --read-data', () => {
  it('is a part, all, or nothing', () => {
    expect(readPart('3/7')).toEqual({ part: 3, parts: 7 });
    expect(readPart(true)).toEqual({ part: 1, parts: 1 });
    expect(readPart('oldest/30')).toEqual({ oldestOf: 30 });
    expect(readPart(undefined)).toBeUndefined();
  });

  it.each(['0/7', '8/7', '7', 'app', '1/0', '-1/2', 'oldest', 'oldest/0', 'newest/3'])(
    '%s is a usage error',
    async (text) => usage(() => readPart(text)),
  );
});

describe('init', () => {
  it('names sources after what they are, unless told', () => {
    expect(readPostgres('postgres://u@h/My%20App').name).toBe('my-app');
    expect(readPostgres('crm=postgres://u@h/app')).toEqual({
      name: 'crm',
      type: 'postgres',
      url: 'postgres://u@h/app',
    });
    expect(readFiles('/srv/Client Files/').name).toBe('client-files');
    expect(readFiles('docs=/srv/a=b')).toEqual({ name: 'docs', type: 'files', path: '/srv/a=b' });
    expect(readFiles('./a=b')).toMatchObject({ path: './a=b', name: 'a-b' });
    // `all` stands for every source.
    expect(readPostgres('postgres://u@h/all').name).toBe('database');
  });

  it('takes passwords out of URLs, wherever they stand', () => {
    for (const url of ['postgres://u:p%40ss@h/app', 'postgres://u@h/app?password=p%40ss']) {
      const answer = readPostgres(url);
      expect(answer.password).toBe('p@ss');
      expect(answer.url).toBe('postgres://u@h/app');
    }
  });

  it.each([
    ['postgres://u@/app?host=%2Frun%2Fpg&port=5433', { host: '/run/pg', port: 5433, user: 'u' }],
    ['postgres://u@/app?host=/run/pg', { host: '/run/pg', port: 5432 }],
    ['postgres://u@%2Frun%2Fpg:5433/app', { host: '/run/pg', port: 5433 }],
    ['postgres://u@/app', { host: 'localhost' }],
    ['postgres://u@:5433/app', { host: 'localhost', port: 5433 }],
    ['postgres://u@a/app?host=b', { host: 'b' }],
    ['postgres://u@[::1]:5433/app', { host: '::1', port: 5433 }],
  ])('reads %s as libpq does', (text, parts) => {
    const { connection: read, url } = readPostgresUrl(text, '--postgres');
    expect(read).toMatchObject({ ...parts, database: 'app' });
    // What is written must be read the same from the configuration.
    expect(connection.parse(url)).toEqual(read);
  });

  it('makes a name of any host name', () => {
    expect(['WEB-1.example.org', '--x', 'Büro PC', ''].map(hostNameFrom)).toEqual([
      'web-1.example.org',
      'x',
      'b-ro-pc',
      'host',
    ]);
  });
});

describe('settings of a source', () => {
  it('know no mode that the source does not', () => {
    expect(withPassword({ ...server, sslmode: 'allow' }, undefined)).toEqual({ ...server, sslmode: 'prefer' });
    expect(withPassword(server, 'pw')).toEqual({ ...server, password: 'pw' });
  });
});
