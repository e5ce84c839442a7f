import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
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
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import type { HoldfastEvent } from '../../src/base/events.ts';
import type { Lanes } from '../../src/repository/lanes.ts';
import { backupFiles, type FilesSettings } from '../../src/sources/files/backup.ts';
import { compareTree } from '../../src/sources/files/compare.ts';
import type { EntryLine } from '../../src/sources/files/manifest.ts';
import { markerName } from '../../src/sources/files/marker.ts';
import { changeTimes, setAttribute } from '../../src/sources/files/posix.ts';
import { restoreFiles } from '../../src/sources/files/restore.ts';
import type { StoredFile } from '../../src/sources/files/store-batch.ts';
import type { BackupContext, BackupOutcome, ManifestLine, RestoreContext } from '../../src/sources/source.ts';
import { isRoot, sharedLanes, temporaryDirectory, withoutRights } from '../support/files-tree.ts';
import { MemoryRepository } from '../support/memory-repository.ts';

/** Later than every file was touched: what the cache knows is then trusted. */
const later = (context: BackupContext): BackupContext['clock'] => ({
  ...context.clock,
  now: () => context.clock.now() + 60_000,
});

const shared = sharedLanes();

interface Run extends BackupOutcome {
  lines: EntryLine[];
}

/** A source, with what one run of it leaves to the next. */
class Source {
  readonly root: string;
  readonly cacheDirectory = temporaryDirectory();
  lines: ManifestLine[] = [];

  constructor(root: string) {
    this.root = root;
  }

  /** Backs up as the next run. */
  async run(
    rest: Partial<FilesSettings> = {},
    change: (context: BackupContext) => BackupContext = (context) => ({ ...context, clock: later(context) }),
  ): Promise<Run> {
    this.lines = [];
    const context: BackupContext = {
      ...shared.backup,
      cacheDirectory: this.cacheDirectory,
      writeLine: async (line) => void this.lines.push(JSON.parse(JSON.stringify(line))),
    };
    const settings = { name: 'tree', path: this.root, exclude: [], oneFileSystem: false, ...rest };
    const outcome = await backupFiles(change(context), settings);
    await shared.backup.lanes.flush();
    return { ...outcome, lines: this.lines.slice(1) as EntryLine[] };
  }

  /** What a restore of the last run is given. */
  get restored(): RestoreContext {
    const { lines } = this;
    return {
      ...shared.restore,
      lines: async function* () {
        yield* lines;
      },
    };
  }
}

/** Lanes that do something before the files of a tree are read, or to what came of it. */
function between(
  context: BackupContext,
  meanwhile: () => void,
  change: (files: StoredFile[], paths: string[]) => void = () => {},
): BackupContext {
  let first = true;
  const lanes: Lanes = {
    count: context.lanes.count,
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

function tree(files: Record<string, string>): string {
  const root = join(temporaryDirectory(), 'tree');
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

function setTime(file: string, mtime: bigint): void {
  const descriptor = openSync(file, 'r');
  changeTimes(descriptor, mtime);
  closeSync(descriptor);
}

const paths = (lines: EntryLine[]) => lines.map(({ path }) => path);

describe('an unchanged file', () => {
  it('is not read again, and the manifest is the same', async () => {
    const root = tree({ a: 'content of a', 'd/b': 'content of b', 'd/empty': '' });
    setAttribute(join(root, 'a'), 'user.kept', Buffer.from('in the cache as well'));
    execFileSync('truncate', ['-s', '3M', join(root, 'sparse')]);
    const source = new Source(root);
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
    const source = new Source(root);
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
    const source = new Source(root);
    await source.run();
    change(join(root, 'a'));
    const { totals, lines } = await source.run();
    expect(totals.readFiles).toBe(1);
    expect((await compareTree(source.restored, root)).checks).toEqual([]);
    expect(lines).toHaveLength(3);
  });

  it('that was touched when the last run began is read again: it may have changed in the same tick', async () => {
    const root = tree({ a: 'content' });
    const source = new Source(root);
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
    const source = new Source(root);
    const first = await source.run();
    expect(readdirSync(source.cacheDirectory)).toEqual(['files.cache']);
    damage(join(source.cacheDirectory, 'files.cache'));
    const second = await source.run();
    expect(second.totals.readFiles).toBe(2);
    expect(second.lines).toEqual(first.lines);
    expect((await source.run()).totals.readFiles).toBe(0);
  });

  it('cannot be told when nothing can be remembered, which is said and fails nothing', async () => {
    const source = new Source(tree({ a: 'content' }));
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
    const source = new Source(root);
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
    const source = new Source(root);
    const outcome = await source.run({}, (context) => between(context, () => rmSync(join(root, 'b'))));
    expect(outcome.shortfalls).toEqual([{ object: 'b', reason: 'it vanished meanwhile', degrades: false }]);
    expect(paths(outcome.lines)).toEqual(['.', 'a']);
  });

  it('the first name of a hard link that vanishes leaves its content to the next one', async () => {
    const root = tree({ a: 'content', z: 'other' });
    linkSync(join(root, 'a'), join(root, 'b'));
    linkSync(join(root, 'a'), join(root, 'c'));
    const source = new Source(root);
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
    const source = new Source(root);
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
    const source = new Source(root);
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
    const source = new Source(root);
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
    const source = new Source(root);
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

describe('a tree', () => {
  it('that may not be read in places is backed up in the others, and says so', async () => {
    const root = tree({ 'closed/inside': 'x', secret: 'x', open: 'x' });
    chmodSync(dirname(root), 0o755);
    chmodSync(join(root, 'closed'), 0o000);
    chmodSync(join(root, 'secret'), 0o000);
    const source = new Source(root);
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
      await expect(new Source(path).run()).rejects.toMatchObject({ code: 'source-failed', why });
    }
  });

  it('may be named by a symlink, and is then what that points to', async () => {
    const root = tree({ file: 'x' });
    symlinkSync(root, `${root}-link`);
    expect(paths((await new Source(`${root}-link`).run()).lines)).toEqual(['.', 'file']);
  });

  it('is backed up without what is excluded', async () => {
    const root = tree({ 'a.tmp': 'x', 'b/cache/deep/file': 'x', 'b/keep.tmp': 'x', 'b/other.tmp': 'x', c: 'x' });
    const { lines, totals } = await new Source(root).run({
      exclude: ['*.tmp', '!keep.tmp', 'cache/'],
    });
    expect(paths(lines)).toEqual(['.', 'b', 'b/keep.tmp', 'c']);
    expect(totals.excluded).toBe(3);
    await expect(new Source(root).run({ exclude: ['[a'] })).rejects.toMatchObject({
      code: 'config',
    });
  });

  it('is left where another file system begins, when told so', async () => {
    const root = tree({ 'mounted/below': 'hidden', a: 'x' });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', 'none', join(root, 'mounted')], { encoding: 'utf8' });
    expect(mounted.status, `mounting needs root: ${mounted.stderr}`).toBe(0);
    onTestFinished(() => void execFileSync('umount', ['--lazy', join(root, 'mounted')]));
    writeFileSync(join(root, 'mounted/on-it'), 'x');
    const source = new Source(root);
    expect(paths((await source.run({ oneFileSystem: true })).lines)).toEqual(['.', 'a', 'mounted']);
    expect(paths((await source.run()).lines)).toEqual(['.', 'a', 'mounted', 'mounted/on-it']);
  });

  it('that is an unfinished restore is no good source', async () => {
    const root = tree({ [markerName]: 'x', a: 'x' });
    const { lines, shortfalls } = await new Source(root).run();
    expect(paths(lines)).toEqual(['.', 'a']);
    expect(shortfalls).toMatchObject([{ object: markerName, degrades: true }]);
    const odd = await new Source(tree({ [`${markerName}/inside`]: 'x', a: 'x' })).run();
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
    const { lines } = await new Source(root).run();
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
    const source = new Source(root);
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
    const source = new Source(root);
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
