import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import type { Ingest } from '../../src/repository/ingest.ts';
import { unprivilegedAccount } from '../../src/sources/postgres/unprivileged.ts';
import { recover } from '../support/recovery-run.ts';
import { entry, fileLine, RecoverySite } from '../support/recovery-site.ts';
import { RepositoryFixture, writeSnapshot } from '../support/repository-fixture.ts';

/** Manifests that a backup would not write: what a stolen host could sign, and sizes that the demo does not have. */

const fixture = new RepositoryFixture();
afterAll(() => rm(fixture.directory, { recursive: true }));
let access: RepositoryAccess;
beforeAll(async () => {
  await fixture.init();
  access = await fixture.access();
  await writeSnapshot(access, 'papers', { first: Buffer.from('to begin the source') });
});

async function restoreCrafted(
  type: 'files' | 'command' | 'postgres',
  lines: (ingest: Ingest) => Promise<readonly object[]>,
) {
  const site = await RecoverySite.copyOf(fixture, access);
  await site.craft('papers', type, lines);
  const to = await site.target();
  const { status, said } = await recover([...site.facts, '--source', 'papers', '--to', to], { script: site.script });
  return { status, said, to, there: await readdir(to), beside: await readdir(dirname(to)) };
}

const root = { kind: 'root', path: '/srv', exclude: [] };

describe('a manifest that leaves its place', () => {
  const paths: [string, (ingest: Ingest) => Promise<object[]>][] = [
    ['by ..', async (i) => [await fileLine(i, '../evil', Buffer.from('x'))]],
    ['by .. further down', async (i) => [entry('directory', 'a'), await fileLine(i, 'a/../../evil', Buffer.from('x'))]],
    [
      'by .. in base64',
      async () => [entry('fifo', '', { path: { base64: Buffer.from('../evil').toString('base64') } })],
    ],
    ['by an absolute path', async (i) => [await fileLine(i, '/tmp/evil', Buffer.from('x'))]],
    ['by an empty path', async () => [entry('directory', '')]],
    ['by a single point inside', async () => [entry('directory', 'a'), entry('directory', 'a/./b')]],
    [
      'through a symlink',
      async (i) => [entry('symlink', 'out', { target: '..' }), await fileLine(i, 'out/evil', Buffer.from('x'))],
    ],
    ['through a file', async (i) => [await fileLine(i, 'f', Buffer.from('x')), entry('directory', 'f/evil')]],
    ['by a directory that is not listed', async () => [entry('directory', 'a/evil')]],
    [
      'by naming a path twice',
      async (i) => [entry('symlink', 'x', { target: '../evil' }), await fileLine(i, 'x', Buffer.from('x'))],
    ],
    ['by a hard link out', async () => [entry('file', 'x', { hardLinkOf: '../identity', size: 1 })]],
    [
      'by a hard link to a symlink',
      async () => [entry('symlink', 'l', { target: '../identity' }), entry('file', 'x', { hardLinkOf: 'l', size: 1 })],
    ],
  ];
  it.each(paths)('is refused: %s', async (_, lines) => {
    const { status, there, beside, said } = await restoreCrafted('files', async (i) => [
      root,
      entry('directory', '.'),
      ...(await lines(i)),
    ]);
    expect({ status, there, beside, said }).toEqual({
      status: 1,
      there: [],
      beside: ['restored'],
      said: expect.stringMatching(/leaves its place|is no directory|twice|hard link to no file/),
    });
  });

  it.each(['../evil', 'a/evil', '/evil', '..', ''])(
    'is refused: the output of a command called %j',
    async (filename) => {
      const { status, there, beside } = await restoreCrafted('command', async (ingest) => [
        { kind: 'output', filename, stream: (await ingest.whole(Buffer.from('x'))).stored },
      ]);
      expect({ status, there, beside }).toEqual({ status: 1, there: [], beside: ['restored'] });
    },
  );
});

describe('a manifest that cannot be followed', () => {
  it.each(['files', 'postgres', 'command'] as const)('is refused: a kind of %s that is not known', async (type) => {
    const { status, there, said } = await restoreCrafted(type, async () => [entry('wormhole', 'x')]);
    expect({ status, there }).toEqual({ status: 1, there: [] });
    expect(said).toContain('unknown kind');
  });

  it('is refused: content that does not hash to what it says, of another size, or without its chunks', async () => {
    const content = randomBytes(5000);
    for (const [change, said] of [
      [{ sha256: '0'.repeat(64) }, 'b.bin is not what was backed up'],
      [{ size: 4999 }, 'another size'],
      [{ chunks: ['1'.repeat(64)] }, `chunk ${'1'.repeat(64)} is in no pack`],
    ] as const) {
      const result = await restoreCrafted('files', async (ingest) => {
        const { stored } = await ingest.whole(content);
        return [
          root,
          await fileLine(ingest, 'a.bin', content),
          entry('file', 'b.bin', { size: 5000, stream: { ...stored, ...change } }),
        ];
      });
      expect(result).toMatchObject({ status: 1, there: [], said: expect.stringContaining(said) });
    }
  });
});

describe('names and sizes', () => {
  it('come back whatever bytes and code they hold', async () => {
    const names = [
      '$(touch evil)',
      '`touch evil`',
      ';touch evil',
      '*',
      '?',
      '[a]',
      '@',
      '\\',
      '\\n',
      '\\\\',
      'a\u001fb',
      '\t',
      '\n\n',
      'ends\n',
      ' ',
      '-n',
      "'",
      '"',
      'é\u0001',
      '{a,b}',
      '~',
      '#',
      '!',
      '%s',
      '..a',
      '...',
    ];
    const bytes = [Buffer.from([0xff]), Buffer.from('x\xe9\n', 'latin1'), Buffer.from([0xfe, 0x1f, 0x5c, 0x0a])];
    const { status, to, said } = await restoreCrafted('files', async (ingest) => [
      root,
      entry('directory', '.'),
      ...(await Promise.all(names.map((name) => fileLine(ingest, name, Buffer.from(`content of ${name}`))))),
      ...(await Promise.all(
        bytes.map(async (name) => ({
          ...(await fileLine(ingest, '', name)),
          path: { base64: name.toString('base64') },
        })),
      )),
    ]);
    expect({ status, said }).toMatchObject({ status: 0 });
    expect((await readdir(to)).length).toBe(names.length + bytes.length);
    for (const name of names) expect(await readFile(join(to, name), 'utf8')).toBe(`content of ${name}`);
    for (const name of bytes) {
      expect(await readFile(Buffer.concat([Buffer.from(`${to}/`), name]))).toEqual(name);
    }
  });

  it('come back of streams with very many chunks, which repeat and lie in several packs', async () => {
    const half = randomBytes(700_000);
    const long = Buffer.concat([half, Buffer.alloc(300_000), half, randomBytes(900_000)]);
    let chunks = 0;
    const { status, to, said } = await restoreCrafted('files', async (ingest) => {
      const lines = [
        await fileLine(ingest, 'long', long),
        await fileLine(ingest, 'half', half),
        await fileLine(ingest, 'again', long),
      ];
      const { stream } = lines[0] as { stream: { list?: string[] } };
      chunks = stream.list?.length ?? 0;
      return [root, ...lines];
    });
    expect(chunks, 'the long stream is written by a list').toBeGreaterThan(10);
    expect({ status, said }).toMatchObject({ status: 0 });
    expect((await readFile(join(to, 'long'))).equals(long)).toBe(true);
    expect((await readFile(join(to, 'again'))).equals(long)).toBe(true);
    expect((await readFile(join(to, 'half'))).equals(half)).toBe(true);
  });
});

describe('somebody else than root', () => {
  it('gets everything but owners, setuid bits and devices, and is told so', async () => {
    const site = await RecoverySite.copyOf(fixture, access);
    const theirs = { uid: 12_345, gid: 12_345 };
    await site.craft('papers', 'files', async (ingest) => [
      root,
      entry('directory', '.', { ...theirs, mode: 0o755 }),
      entry('directory', 'read-only', { ...theirs, mode: 0o555, mtime: '1600000000000000000' }),
      await fileLine(ingest, 'read-only/program', Buffer.from('#!'), { ...theirs, mode: 0o4755 }),
      entry('device', 'null', { deviceType: 'character', major: 1, minor: 3 }),
      entry('socket', 'socket'),
    ]);
    const account = await unprivilegedAccount();
    const to = await site.target();
    await mkdir(to);
    await chmod(fixture.directory, 0o755);
    await execa('chmod', ['-R', 'a+rX', site.path]);
    for (const directory of [dirname(site.path), dirname(to)]) await chmod(directory, 0o755);
    if (account) for (const path of [to, site.identityFile]) await chown(path, account.uid, account.gid);
    const { status, said } = await recover([...site.facts, '--source', 'papers', '--to', to], {
      script: site.script,
      account,
    });
    expect({ status, said }).toMatchObject({ status: 0 });
    expect(said).toContain('owners, setuid and setgid bits are not restored');
    expect(said).toContain('null is left out: only root can make a device');
    expect(said).toContain('socket is left out');
    const [directory, file] = [await stat(join(to, 'read-only')), await stat(join(to, 'read-only/program'))];
    expect((directory.mode & 0o7777).toString(8)).toBe('555');
    expect(directory.mtimeMs).toBe(1_600_000_000_000);
    expect((file.mode & 0o7777).toString(8)).toBe('755');
    expect(await readdir(to)).toEqual(['read-only']);
  });
});
