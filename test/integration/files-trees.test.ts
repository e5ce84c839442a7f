import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { backupFiles } from '../../src/sources/files/backup.ts';
import { compareTree } from '../../src/sources/files/compare.ts';
import { markerName } from '../../src/sources/files/marker.ts';
import { restoreFiles } from '../../src/sources/files/restore.ts';
import { paths, Source, tree } from '../support/files-source.ts';
import { isRoot, sharedLanes, temporaryDirectory, withoutRights } from '../support/files-tree.ts';
import { MemoryRepository } from '../support/memory-repository.ts';

const shared = sharedLanes();

describe('a tree', () => {
  it('that may not be read in places is backed up in the others, and says so', async () => {
    const root = tree({ 'closed/inside': 'x', secret: 'x', open: 'x' });
    chmodSync(dirname(root), 0o755);
    chmodSync(join(root, 'closed'), 0o000);
    chmodSync(join(root, 'secret'), 0o000);
    const source = new Source(shared, root);
    chmodSync(source.cacheDirectory, 0o777);
    onTestFinished(() => chmodSync(join(root, 'closed'), 0o700));
    const outcome = await withoutRights(() => source.run());
    expect(outcome.shortfalls).toEqual([
      { object: 'closed', reason: 'what the directory holds is missing: permission denied', degrades: true },
      { object: 'secret', reason: 'permission denied', degrades: true },
    ]);
    expect(paths(outcome.lines)).toEqual(['.', 'closed', 'open']);
  });

  it('that is not there, or no directory, is a failed source', async () => {
    const root = tree({ file: 'x' });
    for (const [path, why] of [
      [join(root, 'nothing'), 'It does not exist.'],
      [join(root, 'file'), 'It is not a directory.'],
    ] as const) {
      await expect(new Source(shared, path).run()).rejects.toMatchObject({ code: 'source-failed', why });
    }
  });

  it('may be named by a symlink, and is then what that points to', async () => {
    const root = tree({ file: 'x' });
    symlinkSync(root, `${root}-link`);
    expect(paths((await new Source(shared, `${root}-link`).run()).lines)).toEqual(['.', 'file']);
  });

  it('is backed up without what is excluded', async () => {
    const root = tree({ 'a.tmp': 'x', 'b/cache/deep/file': 'x', 'b/keep.tmp': 'x', 'b/other.tmp': 'x', c: 'x' });
    const { lines, totals } = await new Source(shared, root).run({
      exclude: ['*.tmp', '!keep.tmp', 'cache/'],
    });
    expect(paths(lines)).toEqual(['.', 'b', 'b/keep.tmp', 'c']);
    expect(totals.excluded).toBe(3);
    await expect(new Source(shared, root).run({ exclude: ['[a'] })).rejects.toMatchObject({
      code: 'config',
    });
  });

  it('is left where another file system begins, when told so', async () => {
    const root = tree({ 'mounted/below': 'hidden', a: 'x' });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', 'none', join(root, 'mounted')], { encoding: 'utf8' });
    expect(mounted.status, `mounting needs root: ${mounted.stderr}`).toBe(0);
    onTestFinished(() => void execFileSync('umount', ['--lazy', join(root, 'mounted')]));
    writeFileSync(join(root, 'mounted/on-it'), 'x');
    const source = new Source(shared, root);
    expect(paths((await source.run({ oneFileSystem: true })).lines)).toEqual(['.', 'a', 'mounted']);
    expect(paths((await source.run()).lines)).toEqual(['.', 'a', 'mounted', 'mounted/on-it']);
  });

  it('that is an unfinished restore is no good source', async () => {
    const root = tree({ [markerName]: 'x', a: 'x' });
    const { lines, shortfalls } = await new Source(shared, root).run();
    expect(paths(lines)).toEqual(['.', 'a']);
    expect(shortfalls).toMatchObject([{ object: markerName, degrades: true }]);
    const odd = await new Source(shared, tree({ [`${markerName}/inside`]: 'x', a: 'x' })).run();
    expect(paths(odd.lines)).toEqual(['.', 'a']);
    expect(odd.shortfalls).toMatchObject([{ object: markerName, degrades: true }]);
  });

  it('ends at once when interrupted', async () => {
    const root = tree(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`f${i}`, 'x'])));
    const repository = await MemoryRepository.open();
    const abort = new AbortController();
    const backup = repository.backup(
      (context) => {
        const writeLine = async () => abort.abort(new HoldfastError('interrupted', 'Stop.'));
        return backupFiles({ ...context, writeLine }, { name: 'tree', path: root, exclude: [], oneFileSystem: false });
      },
      { lanes: 1, signal: abort.signal },
    );
    await expect(backup).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('keeps names of users and groups beside their numbers', async () => {
    const root = tree({ a: 'x' });
    const { lines } = await new Source(shared, root).run();
    if (isRoot) expect(lines[1]).toMatchObject({ uid: 0, gid: 0, user: 'root', group: 'root' });
    else expect(lines[1]).toMatchObject({ uid: process.getuid!(), gid: process.getgid!() });
  });

  it('may be deeper than a path may be long', async () => {
    const root = tree({});
    const name = 'd'.repeat(200);
    // 30 levels of 200 bytes are more than the 4096 that one path may have.
    execFileSync('sh', [
      '-c',
      `cd "$1" && for i in $(seq 30); do mkdir ${name} && cd -P ${name} || exit 1; done; echo deep > file`,
      'sh',
      root,
    ]);
    const source = new Source(shared, root);
    const { lines, shortfalls } = await source.run();
    expect(shortfalls).toEqual([]);
    expect(lines).toHaveLength(32);
    const target = join(temporaryDirectory(), 'target');
    await restoreFiles(source.restored, { target });
    const found = execFileSync('find', [target, '-name', 'file', '-execdir', 'cat', '{}', ';'], { encoding: 'utf8' });
    expect(found).toBe('deep\n');
    const { checks, equal } = await compareTree(source.restored, target);
    expect(checks).toEqual([]);
    expect(equal).toBe(32);
  });
});

describe('20,000 small files', () => {
  it('are backed up, known again, restored and compared', async () => {
    const root = join(temporaryDirectory(), 'tree');
    for (let i = 0; i < 20_000; i++) {
      const directory = join(root, `d${i % 40}/e${((i / 40) % 5) | 0}`);
      if (i < 200) mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, `file-${i}`), `content of ${i} ${'x'.repeat(i % 300)}`);
    }
    const source = new Source(shared, root);
    const first = await source.run();
    expect(first.totals).toMatchObject({ files: 20_000, readFiles: 20_000 });
    const second = await source.run();
    expect(second.totals).toMatchObject({ files: 20_000, readFiles: 0 });
    // As text: comparing so many objects would take longer than all else.
    expect(JSON.stringify(second.lines) === JSON.stringify(first.lines)).toBe(true);
    const target = join(dirname(root), 'target');
    await restoreFiles(source.restored, { target });
    expect(existsSync(join(target, markerName))).toBe(false);
    const { checks, equal } = await compareTree(source.restored, target);
    expect(checks).toEqual([]);
    expect(equal).toBe(first.lines.length);
  }, 180_000);
});
