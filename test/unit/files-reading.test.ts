import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Ingest } from '../../src/repository/ingest.ts';
import type { LaneContext } from '../../src/repository/lane.ts';
import { mtimeText } from '../../src/sources/files/kinds.ts';
import { changeTimes, changeTimesAt, factsAt, factsOf } from '../../src/sources/files/posix.ts';
import { coarser, dataRanges, dataWithin } from '../../src/sources/files/sparse.ts';
import { storeBatch } from '../../src/sources/files/store-batch.ts';
import { Trail } from '../../src/sources/files/trail.ts';
import { makeSparse, temporaryDirectory } from '../support/files-tree.ts';

/** A lane that keeps what it is given, and calls `onProgress` after every piece that was read. */
function fakeLane(onProgress: () => void = () => {}) {
  const kept: Buffer[] = [];
  const end = (bytes: Buffer) => {
    kept.push(bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { stored: { size: bytes.length, sha256, chunks: [] }, ids: new Uint8Array(0) };
  };
  let open = 0;
  const ingest = {
    whole: async (bytes: Uint8Array) => end(Buffer.from(bytes)),
    stream: () => {
      open++;
      const pieces: Buffer[] = [];
      const room = Buffer.alloc(300_000, 0xee);
      return {
        space: () => room,
        filled: async (length: number) => void pieces.push(Buffer.from(room.subarray(0, length))),
        end: async () => {
          open--;
          return end(Buffer.concat(pieces));
        },
        abandon: () => open--,
      };
    },
  };
  const lane = { ingest: ingest as unknown as Ingest, progress: onProgress } as unknown as LaneContext;
  return { lane, kept, open: () => open };
}

async function store(root: string, path: string, onProgress?: () => void) {
  const fake = fakeLane(onProgress);
  const descriptor = openSync(root, 'r');
  try {
    const [result] = await storeBatch(fake.lane, { root: descriptor, paths: [path] });
    return { result: result!, kept: fake.kept, open: fake.open() };
  } finally {
    closeSync(descriptor);
  }
}

describe('a file that changes while it is read', () => {
  it.each([
    ['small', 1000],
    ['large', 3_000_000],
  ])('is read once more, and is whole then (%s)', async (_, size) => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), Buffer.alloc(size, 1));
    let changed = false;
    const { result, kept, open } = await store(root, 'f', () => {
      if (!changed) appendFileSync(join(root, 'f'), 'more');
      changed = true;
    });
    expect(result).toMatchObject({ outcome: 'stored', changed: false });
    expect(kept).toHaveLength(2);
    expect(kept[1]!.equals(readFileSync(join(root, 'f')))).toBe(true);
    expect(open).toBe(0);
  });

  it('every time says that it changed', async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), 'content');
    const { result, kept } = await store(root, 'f', () => appendFileSync(join(root, 'f'), '!'));
    expect(result).toMatchObject({ outcome: 'stored', changed: true });
    expect(kept.map(String)).toEqual(['content', 'content!']);
  });

  it('in its content only, its size and time the same, is noticed', async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), 'content');
    const { result } = await store(root, 'f', () => {
      execFileSync('sh', ['-c', 'cp -p f stamp && printf CONTENT > f && touch -r stamp f', 'sh'], { cwd: root });
    });
    expect(result).toMatchObject({ changed: true });
  });

  it.each([
    ['small', 1000],
    ['large', 3_000_000],
  ])('and shrinks is kept as it was found (%s)', async (_, size) => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), Buffer.alloc(size, 1));
    let calls = 0;
    const { result, open } = await store(root, 'f', () => writeFileSync(join(root, 'f'), Buffer.alloc(10, ++calls)));
    expect(result).toMatchObject({ outcome: 'stored', changed: true });
    expect(open).toBe(0);
  });

  it('and is a new file each time is the one that was opened', async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), 'old');
    const { result, kept } = await store(root, 'f', () => {
      writeFileSync(join(root, 'new'), 'new');
      renameSync(join(root, 'new'), join(root, 'f'));
    });
    // Whoever replaces a file whole does not change the one that is being read, but for its count of links.
    expect(result).toMatchObject({ outcome: 'stored' });
    expect(['old', 'new']).toContain(kept.at(-1)!.toString());
  });
});

describe('what is no regular file any more', () => {
  it('is not waited for, and not followed', async () => {
    const root = temporaryDirectory();
    const outside = temporaryDirectory();
    writeFileSync(join(outside, 'secret'), 'secret');
    execFileSync('mkfifo', [join(root, 'fifo')]);
    symlinkSync(join(outside, 'secret'), join(root, 'link'));
    symlinkSync(outside, join(root, 'directory-link'));
    mkdirSync(join(root, 'directory'));
    expect((await store(root, 'fifo')).result).toEqual({ outcome: 'replaced' });
    expect((await store(root, 'link')).result).toEqual({ outcome: 'failed', code: 'ELOOP' });
    expect((await store(root, 'directory-link/secret')).result).toEqual({ outcome: 'failed', code: 'ENOTDIR' });
    expect((await store(root, 'directory')).result).toEqual({ outcome: 'replaced' });
    expect((await store(root, 'nothing')).result).toEqual({ outcome: 'failed', code: 'ENOENT' });
  });

  it('leaves no descriptor open', async () => {
    const root = temporaryDirectory();
    execFileSync('mkfifo', [join(root, 'fifo')]);
    mkdirSync(join(root, 'a/b'), { recursive: true });
    writeFileSync(join(root, 'a/b/f'), 'x');
    const open = () =>
      readdirSync('/proc/self/fd').filter((descriptor) => {
        try {
          return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(root);
        } catch {
          return false;
        }
      });
    const descriptor = openSync(join(root, 'a/b/f'), 'r');
    expect(open()).toHaveLength(1);
    closeSync(descriptor);
    for (const path of ['a/b/f', 'fifo', 'a/b/nothing', 'a/nothing/f', 'a/b', 'a/b/f/g']) await store(root, path);
    expect(open()).toEqual([]);
  });
});

describe('times', () => {
  it.each([0n, 1n, -1n, -1_500_000_000n, 1_234_567_890_123_456_789n, 999_999_999n, -1_000_000_000n])(
    'are set to the nanosecond: %s',
    (mtime) => {
      const root = temporaryDirectory();
      writeFileSync(join(root, 'f'), '');
      symlinkSync('f', join(root, 'link'));
      const directory = openSync(root, 'r');
      const file = openSync(join(root, 'f'), 'r');
      const facts = [];
      changeTimes(file, mtime);
      facts.push(factsOf(file));
      changeTimesAt(directory, 'link', mtime);
      facts.push(factsAt(directory, 'link'));
      closeSync(file);
      closeSync(directory);
      expect(lstatSync(join(root, 'f'), { bigint: true }).mtimeNs).toBe(mtime);
      expect(lstatSync(join(root, 'link'), { bigint: true }).mtimeNs).toBe(mtime);
      expect(facts.map(mtimeText)).toEqual([`${mtime}`, `${mtime}`]);
    },
  );
});

describe('a trail', () => {
  it('goes up, down and aside, and never through a symlink', () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'a/b/c'), { recursive: true });
    mkdirSync(join(root, 'a/d'));
    symlinkSync('/etc', join(root, 'a/etc'));
    const inode = (descriptor: number) => factsOf(descriptor).inodeLow;
    const direct = (path: string) => {
      const descriptor = openSync(join(root, path), 'r');
      try {
        return inode(descriptor);
      } finally {
        closeSync(descriptor);
      }
    };
    const descriptor = openSync(root, 'r');
    using trail = new Trail(descriptor);
    for (const path of ['a/b/c', 'a', 'a/d', '.', 'a/b', 'a/b/c']) {
      expect(inode(trail.directory(path)), path).toBe(direct(path));
    }
    expect(() => trail.directory('a/etc')).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    // It is where it got to, and goes on from there.
    expect(inode(trail.directory('a'))).toBe(direct('a'));
    expect(() => trail.directory('a/nothing/x')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(inode(trail.directory('a/b/c'))).toBe(direct('a/b/c'));
    closeSync(descriptor);
  });
});

describe('holes', () => {
  it('are found, and skipped as zeros', async () => {
    const root = temporaryDirectory();
    makeSparse(join(root, 'f'), 5_000_000, [
      [1_000_000, 5000],
      [4_990_000, 10_000],
    ]);
    const { result, kept } = await store(root, 'f');
    expect(kept[0]!.equals(readFileSync(join(root, 'f')))).toBe(true);
    expect(result).toMatchObject({ outcome: 'stored', changed: false });
    if (result.outcome !== 'stored') return;
    for (const [offset, length] of result.content.data!) {
      expect(offset % 4096).toBe(0);
      expect(length).toBeGreaterThan(0);
    }
    expect(result.content.data).toHaveLength(2);
  });

  it('beyond four gigabytes are where they are', () => {
    const root = temporaryDirectory();
    const size = 3 * 2 ** 32;
    makeSparse(join(root, 'f'), size, [[2 ** 33 + 8192, 4096]]);
    const descriptor = openSync(join(root, 'f'), 'r');
    expect(factsOf(descriptor).size).toBe(size);
    expect(dataRanges(descriptor, factsOf(descriptor))).toEqual([[2 ** 33 + 8192, 4096]]);
    closeSync(descriptor);
  });

  it('there are none in a file that is all data, or empty', () => {
    const root = temporaryDirectory();
    for (const content of ['', 'x', 'x'.repeat(100_000)]) {
      writeFileSync(join(root, 'f'), content);
      const descriptor = openSync(join(root, 'f'), 'r');
      expect(dataRanges(descriptor, factsOf(descriptor))).toBeUndefined();
      closeSync(descriptor);
    }
  });

  it('that are small are given up when there are too many', () => {
    const ranges = Array.from({ length: 100 }, (_, i): [number, number] => [
      i * 10_000 + (i >= 50 ? 1_000_000 : 0),
      5000,
    ]);
    const fewer = coarser(ranges, 10);
    expect(fewer).toEqual([
      [0, 495_000],
      [1_500_000, 495_000],
    ]);
  });

  it('cut a range into its pieces of data', () => {
    const data: [number, number][] = [
      [10, 10],
      [30, 5],
      [100, 100],
    ];
    expect([...dataWithin([0, 5], data)]).toEqual([]);
    expect([...dataWithin([0, 1000], data)]).toEqual(data);
    expect([...dataWithin([15, 17], data)]).toEqual([
      [15, 5],
      [30, 2],
    ]);
    expect([...dataWithin([20, 10], data)]).toEqual([]);
    expect([...dataWithin([150, 10], data)]).toEqual([[150, 10]]);
    expect([...dataWithin([3, 4], undefined)]).toEqual([[3, 4]]);
  });
});
