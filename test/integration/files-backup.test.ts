import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import type { HoldfastEvent } from '../../src/base/events.ts';
import type { Lanes } from '../../src/repository/lanes.ts';
import { compareTree } from '../../src/sources/files/compare.ts';
import { changeTimes, setAttribute } from '../../src/sources/files/posix.ts';
import type { StoredFile } from '../../src/sources/files/store-batch.ts';
import type { BackupContext } from '../../src/sources/source.ts';
import { later, paths, Source, tree } from '../support/files-source.ts';
import { sharedLanes } from '../support/files-tree.ts';

const shared = sharedLanes();

/** Lanes that do something before the files of a tree are read, or to what came of it. */
function between(
  context: BackupContext,
  meanwhile: () => void,
  change: (files: StoredFile[], paths: string[]) => void = () => {},
): BackupContext {
  let first = true;
  const lanes: Lanes = {
    count: context.lanes.count,
    expect: (bytes) => context.lanes.expect(bytes),
    runInEach: (task, input) => context.lanes.runInEach(task, input),
    flush: () => context.lanes.flush(),
    [Symbol.asyncDispose]: () => context.lanes[Symbol.asyncDispose](),
    run: async <Output>(task: string, input: unknown) => {
      if (first) meanwhile();
      first = false;
      const output = await context.lanes.run<Output>(task, input);
      change(output as StoredFile[], (input as { paths: string[] }).paths);
      return output;
    },
  };
  return { ...context, lanes, clock: later(context) };
}

function setTime(file: string, mtime: bigint): void {
  const descriptor = openSync(file, 'r');
  changeTimes(descriptor, mtime);
  closeSync(descriptor);
}

describe('an unchanged file', () => {
  it('is not read again, and the manifest is the same', async () => {
    const root = tree({ a: 'content of a', 'd/b': 'content of b', 'd/empty': '' });
    setAttribute(join(root, 'a'), 'user.kept', Buffer.from('in the cache as well'));
    execFileSync('truncate', ['-s', '3M', join(root, 'sparse')]);
    const source = new Source(shared, root);
    const first = await source.run();
    expect(first.totals).toMatchObject({ files: 4, readFiles: 4, directories: 2 });
    const second = await source.run();
    expect(second.totals).toMatchObject({ files: 4, readFiles: 0, readBytes: 0, bytes: first.totals.bytes });
    expect(second.lines).toEqual(first.lines);
    const third = await source.run();
    expect(third.totals.readFiles).toBe(0);
    expect(third.lines).toEqual(first.lines);
  });

  it('is read again when its chunks are not to be relied on', async () => {
    const root = tree({ a: 'content' });
    const source = new Source(shared, root);
    const first = await source.run();
    const second = await source.run({}, (context) => ({
      ...context,
      clock: later(context),
      reuse: () => false,
    }));
    expect(second.totals.readFiles).toBe(1);
    expect(second.lines).toEqual(first.lines);
  });

  const changes: [string, (file: string) => void][] = [
    [
      'other content of the same size and time',
      (file) => {
        const { mtimeNs } = statSync(file, { bigint: true });
        writeFileSync(file, 'CONTENT');
        setTime(file, mtimeNs);
      },
    ],
    ['another size', (file) => appendFileSync(file, 'more')],
    ['another mode', (file) => chmodSync(file, 0o600)],
    ['another attribute', (file) => setAttribute(file, 'user.new', Buffer.from('1'))],
    [
      'another inode in its place',
      (file) => {
        writeFileSync(`${file}.new`, 'content');
        setTime(`${file}.new`, statSync(file, { bigint: true }).mtimeNs);
        renameSync(`${file}.new`, file);
      },
    ],
  ];
  it.each(changes)('with %s is read again', async (_, change) => {
    const root = tree({ a: 'content', b: 'stays' });
    const source = new Source(shared, root);
    await source.run();
    change(join(root, 'a'));
    const { totals, lines } = await source.run();
    expect(totals.readFiles).toBe(1);
    expect((await compareTree(source.restored, root)).checks).toEqual([]);
    expect(lines).toHaveLength(3);
  });

  it('that was touched when the last run began is read again: it may have changed in the same tick', async () => {
    const root = tree({ a: 'content' });
    const source = new Source(shared, root);
    // The clock of the run says exactly when the file was touched.
    const { ctimeMs } = statSync(join(root, 'a'));
    const at = (now: number) => (context: BackupContext) => ({
      ...context,
      clock: { ...context.clock, now: () => now },
    });
    await source.run({}, at(Math.ceil(ctimeMs)));
    expect((await source.run({}, at(ctimeMs + 50))).totals.readFiles).toBe(1);
    expect((await source.run({}, at(ctimeMs + 60_000))).totals.readFiles).toBe(1);
    expect((await source.run({}, at(ctimeMs + 120_000))).totals.readFiles).toBe(0);
  });

  it.each([
    ['gone', (file: string) => rmSync(file)],
    ['empty', (file: string) => truncateSync(file, 0)],
    ['cut short', (file: string) => truncateSync(file, statSync(file).size - 3)],
    ['something else', (file: string) => writeFileSync(file, 'HFFCACHE1\nsomething else altogether')],
    [
      'damaged',
      (file: string) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 20]! ^= 1;
        writeFileSync(file, bytes);
      },
    ],
  ])('is read again when the cache is %s, and nothing else is amiss', async (_, damage) => {
    const root = tree({ a: 'content', b: 'more' });
    const source = new Source(shared, root);
    const first = await source.run();
    expect(readdirSync(source.cacheDirectory)).toEqual(['files.cache']);
    damage(join(source.cacheDirectory, 'files.cache'));
    const second = await source.run();
    expect(second.totals.readFiles).toBe(2);
    expect(second.lines).toEqual(first.lines);
    expect((await source.run()).totals.readFiles).toBe(0);
  });

  it('cannot be told when nothing can be remembered, which is said and fails nothing', async () => {
    const source = new Source(shared, tree({ a: 'content' }));
    const events: HoldfastEvent[] = [];
    const change = (context: BackupContext): BackupContext => ({
      ...context,
      cacheDirectory: join(source.cacheDirectory, 'not/there'),
      emit: (event) => void events.push(event),
    });
    const { totals, shortfalls } = await source.run({}, change);
    expect(totals.readFiles).toBe(1);
    expect(shortfalls).toEqual([]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'warning', text: expect.stringContaining('ENOENT') }),
    );
  });

  it('is known after a run that was interrupted', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [`f${String(i).padStart(5, '0')}`, `${i}`]),
    );
    const root = tree(files);
    const source = new Source(shared, root);
    let lines = 0;
    const interrupted = source.run({}, (context) => ({
      ...context,
      clock: later(context),
      writeLine: async (line) => {
        if (++lines === 2900) throw new HoldfastError('interrupted', 'Stop.');
        await context.writeLine(line);
      },
    }));
    await expect(interrupted).rejects.toMatchObject({ code: 'interrupted' });
    const { totals, shortfalls } = await source.run();
    expect(shortfalls).toEqual([]);
    expect(totals.files).toBe(3000);
    // Blocks of the cache are written as they fill; the last one was lost.
    expect(totals.readFiles).toBeGreaterThan(0);
    expect(totals.readFiles).toBeLessThan(2500);
    expect(readdirSync(source.cacheDirectory)).toEqual(['files.cache']);
  });
});

describe('while the backup runs', () => {
  it('a file that vanishes is noted, and does not degrade the run', async () => {
    const root = tree({ a: 'stays', b: 'goes' });
    const source = new Source(shared, root);
    const outcome = await source.run({}, (context) => between(context, () => rmSync(join(root, 'b'))));
    expect(outcome.shortfalls).toEqual([{ object: 'b', reason: 'it vanished meanwhile', degrades: false }]);
    expect(paths(outcome.lines)).toEqual(['.', 'a']);
  });

  it('the first name of a hard link that vanishes leaves its content to the next one', async () => {
    const root = tree({ a: 'content', z: 'other' });
    linkSync(join(root, 'a'), join(root, 'b'));
    linkSync(join(root, 'a'), join(root, 'c'));
    const source = new Source(shared, root);
    const outcome = await source.run({}, (context) => between(context, () => rmSync(join(root, 'a'))));
    expect(outcome.lines).toMatchObject([
      { path: '.' },
      { path: 'b', size: 7, stream: { size: 7 } },
      { path: 'c', hardLinkOf: 'b', size: 7 },
      { path: 'z' },
    ]);
    expect(outcome.totals).toMatchObject({ files: 2, hardLinks: 1 });
  });

  it('a hard link whose first name became another file keeps its own content', async () => {
    const root = tree({ a: 'content' });
    linkSync(join(root, 'a'), join(root, 'b'));
    linkSync(join(root, 'a'), join(root, 'c'));
    const source = new Source(shared, root);
    const outcome = await source.run({}, (context) =>
      between(context, () => {
        writeFileSync(join(root, 'new'), 'another content');
        renameSync(join(root, 'new'), join(root, 'a'));
      }),
    );
    expect(outcome.lines).toMatchObject([
      { path: '.' },
      { path: 'a', size: 15, stream: { size: 15 } },
      { path: 'b', size: 7, stream: { size: 7 } },
      { path: 'c', size: 7, hardLinkOf: 'b' },
    ]);
  });

  it('a file replaced by a fifo, a symlink or a directory is neither waited for nor followed', async () => {
    const root = tree({ a: 'a', b: 'b', c: 'c', 'd/inner': 'd', e: 'e' });
    const outside = tree({ inner: 'secret outside', c: 'secret outside' });
    const source = new Source(shared, root);
    const outcome = await source.run({}, (context) =>
      between(context, () => {
        rmSync(join(root, 'a'));
        execFileSync('mkfifo', [join(root, 'a')]);
        rmSync(join(root, 'b'));
        mkdirSync(join(root, 'b'));
        rmSync(join(root, 'c'));
        symlinkSync(join(outside, 'c'), join(root, 'c'));
        rmSync(join(root, 'd'), { recursive: true });
        symlinkSync(outside, join(root, 'd'));
      }),
    );
    expect(paths(outcome.lines)).toEqual(['.', 'd', 'e']);
    expect(outcome.shortfalls.map(({ object, degrades }) => [object, degrades])).toEqual([
      ['a', true],
      ['b', true],
      ['c', true],
      // Its directory is gone, and with it the file.
      ['d/inner', false],
    ]);
  });

  it('a file replaced by another one is backed up as it is now', async () => {
    const root = tree({ a: 'old' });
    const source = new Source(shared, root);
    const outcome = await source.run({}, (context) =>
      between(context, () => {
        writeFileSync(join(root, 'new'), 'new content', { mode: 0o600 });
        renameSync(join(root, 'new'), join(root, 'a'));
      }),
    );
    expect(outcome.shortfalls).toEqual([]);
    expect(outcome.lines[1]).toMatchObject({ path: 'a', size: 11, mode: 0o600 });
  });

  it('a file that changes or cannot be read degrades the run, and is not taken for known', async () => {
    const root = tree({ changes: 'content', fails: 'content', fine: 'content' });
    const source = new Source(shared, root);
    const outcome = await source.run({}, (context) =>
      between(
        context,
        () => {},
        (files, names) => {
          const changes = files[names.indexOf('changes')]!;
          if (changes.outcome === 'stored') changes.changed = true;
          files[names.indexOf('fails')] = { outcome: 'failed', code: 'EIO' };
        },
      ),
    );
    expect(outcome.shortfalls).toEqual([
      { object: 'changes', reason: 'it changed while it was read; what was read is kept', degrades: true },
      { object: 'fails', reason: 'the disk reported a read error', degrades: true },
    ]);
    expect(paths(outcome.lines)).toEqual(['.', 'changes', 'fine']);
    expect((await source.run()).totals.readFiles).toBe(2);
  });
});
