import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { backupFiles } from '../../src/sources/files/backup.ts';
import { compareTree } from '../../src/sources/files/compare.ts';
import { catFile, listFiles } from '../../src/sources/files/contents.ts';
import type { EntryLine } from '../../src/sources/files/manifest.ts';
import { markerName } from '../../src/sources/files/marker.ts';
import { seekData, setAttribute } from '../../src/sources/files/posix.ts';
import { type RestoreFilesSettings, restoreFiles } from '../../src/sources/files/restore.ts';
import type { ManifestLine, RestoreContext } from '../../src/sources/source.ts';
import {
  accessAcl,
  describeTree,
  isRoot,
  makeAwkwardTree,
  makeSparse,
  sharedLanes,
  temporaryDirectory,
  withoutLanes,
  withoutRights,
} from '../support/files-tree.ts';

const shared = sharedLanes(2);
const caches = temporaryDirectory(afterAll);

/** The manifest of a backup. */
async function backedUp(path: string): Promise<ManifestLine[]> {
  const lines: ManifestLine[] = [];
  const { shortfalls } = await backupFiles(
    {
      ...shared.backup,
      cacheDirectory: mkdtempSync(join(caches, 'cache-')),
      writeLine: async (line) => void lines.push(JSON.parse(JSON.stringify(line))),
    },
    { name: 'tree', path, exclude: [], oneFileSystem: false },
  );
  await shared.backup.lanes.flush();
  expect(shortfalls).toEqual([]);
  return lines;
}

function contextOf(manifest: readonly ManifestLine[]): RestoreContext {
  return {
    ...shared.restore,
    lines: async function* () {
      yield* manifest;
    },
  };
}

function restored(manifest: readonly ManifestLine[], target: string, rest: Partial<RestoreFilesSettings> = {}) {
  return restoreFiles(contextOf(manifest), { target, ...rest });
}

/** One awkward tree and its backup, for the tests that change neither. */
const source = join(temporaryDirectory(afterAll), 'source');
let awkward: ManifestLine[];
let before: Map<string, string>;
beforeAll(async () => {
  await makeAwkwardTree(source);
  before = describeTree(source);
  awkward = await backedUp(source);
});

describe('a restored tree', () => {
  it('equals its source in everything', async () => {
    expect(describeTree(source), 'a backup changes nothing').toEqual(before);
    const target = join(temporaryDirectory(), 'made/on the way');
    const { totals, shortfalls } = await restored(awkward, target);
    expect(shortfalls).toEqual([]);
    expect(describeTree(target)).toEqual(before);
    expect(before.get('a/b/hard-link')).toContain('same as a/b/hard-link');
    expect(before.get('zz-hard-link')).toContain('same as a/b/hard-link');
    expect(totals).toMatchObject({ hardLinks: 2, symlinks: 4, specials: isRoot ? 4 : 2 });
    const { checks, equal } = await compareTree(contextOf(awkward), target);
    expect(checks).toEqual([]);
    expect(equal).toBe(before.size);
  });

  it('has its holes, and its several gigabytes', async () => {
    const base = temporaryDirectory();
    const source = join(base, 'source');
    mkdirSync(source);
    // More than a signed number of 32 bits holds.
    const size = 2_200_000_000;
    const data: [number, number][] = [
      [0, 4096],
      [2 ** 31 - 4096, 100_000],
      [size - 8192, 8192],
    ];
    makeSparse(join(source, 'disk.img'), size, data);
    const manifest = await backedUp(source);
    const target = join(base, 'target');
    await restored(manifest, target);
    const image = openSync(join(target, 'disk.img'), 'r');
    onTestFinished(() => closeSync(image));
    expect(fstatSync(image)).toMatchObject({ size });
    expect(fstatSync(image).blocks * 512).toBeLessThan(1_000_000);
    for (const [offset, length] of data) {
      const bytes = Buffer.alloc(length);
      readSync(image, bytes, 0, length, offset);
      expect(bytes.equals(Buffer.alloc(length, 7)), `at ${offset}`).toBe(true);
      expect(seekData(image, offset)).toBe(offset);
    }
  }, 240_000);

  it('does not take over the default ACL of where it is put', async () => {
    const base = temporaryDirectory();
    const source = join(base, 'source');
    mkdirSync(join(source, 'd'), { recursive: true });
    writeFileSync(join(source, 'd/file'), 'x');
    const before = describeTree(source);
    const manifest = await backedUp(source);
    const target = join(base, 'target');
    mkdirSync(target);
    setAttribute(target, 'system.posix_acl_default', accessAcl);
    await restored(manifest, target);
    expect(describeTree(target)).toEqual(before);
  });

  it('made by somebody else has no setuid bit, and says so', async () => {
    const base = temporaryDirectory();
    chmodSync(base, 0o777);
    const source = join(base, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'program'), '#!');
    writeFileSync(join(source, 'file'), 'x');
    const manifest = await backedUp(source);
    // As it would be on the machine of another user.
    for (const line of manifest as EntryLine[]) if (line.kind === 'file') Object.assign(line, { uid: 4242, gid: 4343 });
    Object.assign(manifest.find((line) => 'path' in line && line.path === 'program')!, { mode: 0o6755 });
    const target = join(base, 'target');
    const { shortfalls } = await withoutRights(() => restored(manifest, target));
    expect(shortfalls).toMatchObject([
      { object: 'owners', degrades: false },
      { object: 'setuid and setgid bits', degrades: false },
    ]);
    expect(lstatSync(join(target, 'program')).mode & 0o7777).toBe(0o755);
    const compared = await compareTree(contextOf(manifest), target, { owners: 'ignore' });
    expect(compared.checks).toMatchObject([
      { kind: 'owners', verdict: 'could-not-compare', detail: expect.stringContaining('setuid') },
    ]);
    expect(compared.checks).toHaveLength(1);
    // Any other bit of the mode is compared all the same.
    chmodSync(join(target, 'program'), 0o745);
    expect((await compareTree(contextOf(manifest), target, { owners: 'ignore' })).checks).toMatchObject([
      { kind: 'file', object: 'program', verdict: 'differs', detail: expect.stringContaining('mode') },
      { kind: 'owners', verdict: 'could-not-compare' },
    ]);
  });
});

describe('a part of a tree', () => {
  it('comes with the directories above it, and with what its hard links need', async () => {
    const target = join(temporaryDirectory(), 'target');
    await restored(awkward, target, {
      paths: ['a/b/c', './zz-hard-link', `${source}/sticky/`, 'caf\\xe9 \\xff\\xfe'],
    });
    const after = describeTree(target);
    const names = ['.', 'a', 'a/b', 'a/b/c', 'a/b/c/d', 'a/b/c/d/deep', 'caf\xe9 \xff\xfe', 'sticky', 'zz-hard-link'];
    expect([...after.keys()]).toEqual(names);
    for (const path of ['a', 'a/b/c/d/deep', 'sticky', 'caf\xe9 \xff\xfe']) {
      expect(after.get(path)).toBe(before.get(path));
    }
    // Its first name was not asked for, so it is a file of its own, with its content and attributes.
    expect(after.get('zz-hard-link')).toBe(before.get('zz-hard-link')!.replace(' | same as a/b/hard-link', ''));
  });

  it('leaves the directory it is put into as open as it was', async () => {
    const target = join(temporaryDirectory(), 'target');
    mkdirSync(target, { mode: 0o751 });
    chmodSync(target, 0o751);
    await restored(awkward, target, { paths: ['plain.txt'] });
    expect(lstatSync(target).mode & 0o7777).toBe(0o751);
    expect(readdirSync(target)).toEqual(['plain.txt']);
  });

  it('links what was asked for to each other', async () => {
    const target = join(temporaryDirectory(), 'target');
    const { totals } = await restored(awkward, target, { paths: ['plain.txt', 'zz-hard-link'] });
    expect(totals).toMatchObject({ files: 1, hardLinks: 1 });
    const [first, second] = ['plain.txt', 'zz-hard-link'].map((name) => lstatSync(join(target, name)));
    expect(first!.ino).toBe(second!.ino);
    expect(readFileSync(join(target, 'plain.txt'), 'utf8')).toBe('plain\n');
  });

  it('is not begun when something that was asked for is not there', async () => {
    const target = join(temporaryDirectory(), 'target');
    for (const path of ['plain', 'a/b/c/x', '/etc/passwd']) {
      const restore = restoreFiles(withoutLanes(awkward), { target, paths: ['plain.txt', path] });
      await expect(restore).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining(path) });
    }
    expect(existsSync(target)).toBe(false);
  });
});

describe('a target', () => {
  async function smallManifest(base: string): Promise<ManifestLine[]> {
    mkdirSync(join(base, 'source/inner'), { recursive: true });
    writeFileSync(join(base, 'source/inner/file'), 'content');
    return backedUp(join(base, 'source'));
  }

  it('that holds anything is refused, and left as it is', async () => {
    const base = temporaryDirectory();
    const manifest = await smallManifest(base);
    const target = join(base, 'target');
    mkdirSync(target);
    writeFileSync(join(target, '.hidden'), 'mine');
    const before = describeTree(target);
    for (const overwrite of [false, true]) {
      await expect(restored(manifest, target, { overwrite })).rejects.toMatchObject({ code: 'target-exists' });
    }
    await expect(restored(manifest, join(target, '.hidden'))).rejects.toMatchObject({ code: 'target-exists' });
    expect(describeTree(target)).toEqual(before);
  });

  it('of an interrupted restore says so, and is used again only when told', async () => {
    const base = temporaryDirectory();
    const manifest = await smallManifest(base);
    const target = join(base, 'target');
    const abort = new AbortController();
    const interrupted = shared.repository.restore(
      (context) => {
        const { lines } = contextOf(manifest);
        let calls = 0;
        // In the middle of writing: the manifest has been read once before.
        const aborting = async function* () {
          calls++;
          for await (const line of lines()) {
            if (calls === 2 && 'path' in line && line.path === 'inner/file')
              abort.abort(new HoldfastError('interrupted', 'Stop.'));
            yield line;
          }
        };
        return restoreFiles({ ...context, lines: aborting }, { target });
      },
      { signal: abort.signal },
    );
    await expect(interrupted).rejects.toMatchObject({ code: 'interrupted' });
    expect(readdirSync(target)).toContain(markerName);
    mkdirSync(join(target, 'left'), { recursive: true });
    writeFileSync(join(target, 'left/over'), 'half');
    symlinkSync(join(base, 'source'), join(target, 'left/link'));
    chmodSync(join(target, 'left'), 0);
    await expect(restored(manifest, target)).rejects.toMatchObject({
      code: 'target-exists',
      hint: expect.stringContaining('--overwrite'),
    });
    await restored(manifest, target, { overwrite: true });
    expect(describeTree(target)).toEqual(describeTree(join(base, 'source')));
  });

  it('whose disk is full gives one clear error, and stays marked', async () => {
    const base = temporaryDirectory();
    const source = join(base, 'source');
    mkdirSync(source);
    for (let i = 0; i < 8; i++) writeFileSync(join(source, `file-${i}`), Buffer.alloc(1_000_000, i));
    const manifest = await backedUp(source);
    const target = join(base, 'small');
    mkdirSync(target);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', target], { encoding: 'utf8' });
    expect(mounted.status, `mounting needs root: ${mounted.stderr}`).toBe(0);
    onTestFinished(() => void execFileSync('umount', ['--lazy', target]));
    await expect(restored(manifest, target)).rejects.toMatchObject({
      code: 'target-failed',
      why: 'The disk is full.',
    });
    expect(readdirSync(target)).toContain(markerName);
  });
});

describe('damage', () => {
  it('of one file leaves that file out, and restores the others', async () => {
    const base = temporaryDirectory();
    const source = join(base, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'bad'), 'bad');
    writeFileSync(join(source, 'good'), 'good');
    execFileSync('ln', [join(source, 'bad'), join(source, 'link-of-bad')]);
    const manifest = await backedUp(source);
    const bad = manifest.find((line) => 'path' in line && line.path === 'bad') as EntryLine & { kind: 'file' };
    bad.stream!.chunks = ['00'.repeat(32)];
    const target = join(base, 'target');
    const { shortfalls } = await restored(manifest, target);
    expect(shortfalls.map(({ object, degrades }) => [object, degrades])).toEqual([
      ['bad', true],
      ['link-of-bad', true],
    ]);
    expect(readdirSync(target)).toEqual(['good']);
  });

  const base = { mode: 0o644, uid: 0, gid: 0, mtime: '0' };
  const root = { kind: 'root', path: '/srv', exclude: [] } as ManifestLine;
  const dot = { kind: 'directory', path: '.', ...base, mode: 0o755 } as ManifestLine;
  const file = (path: unknown, rest: object = {}) =>
    ({ kind: 'file', path, ...base, size: 0, ...rest }) as ManifestLine;
  const directory = (path: unknown) => ({ kind: 'directory', path, ...base, mode: 0o755 }) as ManifestLine;
  const symlink = (path: unknown, target: unknown) => ({ kind: 'symlink', path, ...base, target }) as ManifestLine;

  const hostile: [string, (outside: string) => ManifestLine[]][] = [
    ['a path above the target', () => [root, dot, file('../escaped')]],
    [
      'a path above the target, in base64',
      () => [root, dot, file({ base64: Buffer.from('../escaped').toString('base64') })],
    ],
    ['the directory above', () => [root, dot, directory('..'), file('../escaped')]],
    ['the directory above by way of one', () => [root, dot, directory('a'), directory('a/..'), file('a/../escaped')]],
    ['an inner ..', () => [root, dot, directory('a'), file('a/../../escaped')]],
    ['an absolute path', (outside) => [root, dot, file(join(outside, 'escaped'))]],
    ['a file through a symlink', (outside) => [root, dot, symlink('a', outside), file('a/escaped')]],
    ['a file in a file', () => [root, dot, file('a'), file('a/escaped')]],
    ['a directory that never came', () => [root, dot, file('a/escaped')]],
    [
      'a symlink replaced by a directory',
      (outside) => [root, dot, symlink('a', outside), directory('a'), file('a/escaped')],
    ],
    ['an entry that is there twice', () => [root, dot, file('a'), file('a')]],
    ['entries out of order', () => [root, dot, file('b'), file('a')]],
    ['a path with a NUL', () => [root, dot, file('a\0b')]],
    ['an empty name', () => [root, dot, directory('a'), file('a//b')]],
    ['a lone dot', () => [root, dot, directory('a'), file('a/.')]],
    ['a hard link to the outside', (outside) => [root, dot, file('a', { hardLinkOf: join(outside, 'secret') })]],
    ['a hard link upwards', () => [root, dot, file('a', { hardLinkOf: '../secret' })]],
    ['a hard link to nothing', () => [root, dot, file('b', { hardLinkOf: 'a' })]],
    ['no root entry', () => [root, file('a')]],
    ['no root line', () => [dot, file('a')]],
    ['nothing', () => []],
    ['an unknown kind', () => [root, dot, { kind: 'whiteout', path: 'a', ...base } as ManifestLine]],
    ['the marker', () => [root, dot, file(markerName)]],
    ['a size without content', () => [root, dot, file('a', { size: 5 })]],
    ['an owner that means "leave it"', () => [root, dot, file('a', { uid: 0xffff_ffff })]],
    ['a mode with type bits', () => [root, dot, file('a', { mode: 0o120777 })]],
    ['a symlink without a target', () => [root, dot, symlink('a', '')]],
  ];

  it.each(hostile)('a manifest with %s is refused', async (_, linesOf) => {
    const outer = temporaryDirectory();
    const outside = join(outer, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'secret');
    const target = join(outer, 'target');
    const restore = restoreFiles(withoutLanes(linesOf(outside)), { target });
    await expect(restore).rejects.toMatchObject({ code: 'object-damaged' });
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readdirSync(outer).filter((name) => name !== 'target')).toEqual(['outside']);
    // Nothing was begun; but that a hard link leads nowhere is seen only at the end.
    if (existsSync(target)) expect(readdirSync(target)).toEqual([markerName]);
  });
});

describe('looking inside', () => {
  it('lists in walk order, with names that drive no terminal, and a part of it', async () => {
    const list = async (path?: string) => {
      const shown: string[] = [];
      const { lines } = withoutLanes(awkward);
      for await (const entry of listFiles(lines(), path === undefined ? {} : { path })) shown.push(entry.shownPath);
      return shown;
    };
    const all = await list();
    expect(all).toContain('new\\nline \\x1b[31m');
    expect(all).toContain('caf\\xe9 \\xff\\xfe');
    expect(all).toContain('ünïcode 🎉');
    expect(all).toContain('back\\\\slash');
    expect(all.indexOf('a/b')).toBe(all.indexOf('a') + 1);
    expect(all.indexOf('a-b')).toBeGreaterThan(all.indexOf('a/b/hard-link'));
    expect(await list('dir\\xff')).toEqual(['dir\\xff', 'dir\\xff/inside']);
    await expect(list('nothing')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('gives the content of a file, by any of its names', async () => {
    const context = contextOf(awkward);
    const cat = async (path: string) => {
      const pieces: Buffer[] = [];
      for await (const piece of catFile(context, path)) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    expect((await cat('zz-hard-link')).toString()).toBe('plain\n');
    expect((await cat('new\nline \x1b[31m')).toString()).toBe('newline');
    expect((await cat('empty')).length).toBe(0);
    expect((await cat('large.bin')).equals(readFileSync(join(source, 'large.bin')))).toBe(true);
    await expect(cat('link')).rejects.toMatchObject({ code: 'not-found', why: expect.stringContaining('symlink') });
    await expect(cat('nothing')).rejects.toMatchObject({ code: 'not-found' });
  });
});
