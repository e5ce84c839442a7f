import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupFiles } from '../../src/sources/files/backup.ts';
import { type CompareOptions, compareTree } from '../../src/sources/files/compare.ts';
import { changeTimesAt, makeFifoAt, removeAttribute, setAttribute } from '../../src/sources/files/posix.ts';
import type { ManifestLine } from '../../src/sources/source.ts';
import { isRoot, makeAwkwardTree, sharedLanes, temporaryDirectory, withoutRights } from '../support/files-tree.ts';

const base = temporaryDirectory(afterAll);
const original = join(base, 'tree');
const shared = sharedLanes();
const lines: ManifestLine[] = [];
let entries: number;

beforeAll(async () => {
  await makeAwkwardTree(original);
  await backupFiles(
    { ...shared.backup, writeLine: async (line) => void lines.push(line) },
    { name: 'tree', path: original, exclude: [], oneFileSystem: false },
  );
  await shared.backup.lanes.flush();
  entries = lines.length - 1;
});

/** A copy that has everything the original has. */
function copy(): string {
  const path = join(temporaryDirectory(), 'copy');
  execFileSync('cp', ['-a', original, path]);
  return path;
}

async function* allLines() {
  yield* lines;
}

const compare = (path: string, options: CompareOptions = {}) =>
  compareTree({ ...shared.restore, lines: allLines }, path, options);

/** Does something and puts the times of these entries back, so that only what the test is about differs. */
function keepingTimes(root: string, paths: string[], work: () => void): void {
  const times = paths.map((path) => statSync(join(root, path), { bigint: true }).mtimeNs);
  work();
  for (const [i, path] of paths.entries()) setTime(root, path, times[i]!);
}

function setTime(root: string, path: string, mtime: bigint): void {
  const directory = openSync(root, 'r');
  changeTimesAt(directory, path, mtime);
  closeSync(directory);
}

interface Damage {
  what: string;
  /** @param at the path of an entry of the copy */
  damage: (root: string, at: (path: string) => string) => void;
  object: string;
  detail: string;
}

const damages: Damage[] = [
  {
    what: 'one flipped bit',
    damage: (root, at) => {
      const bytes = readFileSync(at('large.bin'));
      bytes[2_345_678]! ^= 4;
      keepingTimes(root, ['large.bin'], () => writeFileSync(at('large.bin'), bytes));
    },
    object: 'large.bin',
    detail: 'its content is another',
  },
  {
    what: 'a byte in what was a hole',
    damage: (root, at) =>
      keepingTimes(root, ['all-hole'], () => {
        const file = openSync(at('all-hole'), 'r+');
        writeSync(file, 'x', 5_000_000);
        closeSync(file);
      }),
    object: 'all-hole',
    detail: 'its content is another',
  },
  {
    what: 'a byte too many',
    damage: (root, at) => keepingTimes(root, ['a-b'], () => appendFileSync(at('a-b'), '!')),
    object: 'a-b',
    detail: 'it has 6 bytes instead of 5',
  },
  {
    what: 'content in a file that was empty',
    damage: (root, at) => keepingTimes(root, ['empty'], () => appendFileSync(at('empty'), '!')),
    object: 'empty',
    detail: 'it has 1 bytes instead of 0',
  },
  {
    what: 'another mode of a file',
    damage: (_, at) => chmodSync(at('a-b'), 0o4640),
    object: 'a-b',
    detail: 'its mode is 4640 instead of 0644',
  },
  {
    what: 'another mode of a directory',
    damage: (_, at) => chmodSync(at('sticky'), 0o777),
    object: 'sticky',
    detail: 'its mode is 0777 instead of 3777',
  },
  {
    what: 'another mode of the root',
    damage: (root) => chmodSync(root, 0o700),
    object: '.',
    detail: 'its mode is 0700 instead of 0755',
  },
  {
    what: 'a time that is one nanosecond off',
    damage: (root) => setTime(root, 'link', 987_654_321_000_000_002n),
    object: 'link',
    detail: 'it was modified at 2001-04-19T04:25:21.000000002Z instead of 2001-04-19T04:25:21.000000001Z',
  },
  {
    what: 'another time of a directory',
    damage: (root) => setTime(root, 'a', 1_111_111_111_000_000_000n),
    object: 'a',
    detail: 'it was modified at 2005-03-18T01:58:31.000000000Z instead of 2005-03-18T01:58:31.111111111Z',
  },
  {
    what: 'another value of an attribute, without telling it',
    damage: (_, at) => setAttribute(at('attributes'), 'user.binary', Buffer.from('secret')),
    object: 'attributes',
    detail: 'its attribute user.binary has another value',
  },
  {
    what: 'a missing attribute',
    damage: (_, at) => {
      const file = openSync(at('attributes'), 'r+');
      removeAttribute(file, 'user.empty');
      closeSync(file);
    },
    object: 'attributes',
    detail: 'its attribute user.empty is missing',
  },
  {
    what: 'an attribute too many, of a directory',
    damage: (_, at) => setAttribute(at('sticky'), 'user.more', Buffer.alloc(0)),
    object: 'sticky',
    detail: 'it has an attribute user.more more',
  },
  {
    what: 'a missing file',
    damage: (root, at) => keepingTimes(root, ['a/b/c/d'], () => rmSync(at('a/b/c/d/deep'))),
    object: 'a/b/c/d/deep',
    detail: 'it is missing',
  },
  {
    what: 'a missing empty directory',
    damage: (root, at) => keepingTimes(root, ['.'], () => rmdirSync(at('empty-directory'))),
    object: 'empty-directory',
    detail: 'it is missing',
  },
  {
    what: 'the last entry missing',
    damage: (root, at) => keepingTimes(root, ['.'], () => rmSync(at('ünïcode 🎉'))),
    object: 'ünïcode 🎉',
    detail: 'it is missing',
  },
  {
    what: 'a missing directory, told once',
    damage: (root, at) => keepingTimes(root, ['a/b'], () => rmSync(at('a/b/c'), { recursive: true })),
    object: 'a/b/c',
    detail: 'it is missing, with 2 entries in it',
  },
  {
    what: 'a file too many',
    damage: (root, at) => keepingTimes(root, ['a/b'], () => writeFileSync(at('a/b/extra'), 'x')),
    object: 'a/b/extra',
    detail: 'the snapshot does not have it',
  },
  {
    what: 'a file too many behind all others',
    damage: (root, at) => keepingTimes(root, ['.'], () => writeFileSync(at('😀'), 'x')),
    object: '😀',
    detail: 'the snapshot does not have it',
  },
  {
    what: 'a directory too many, told once',
    damage: (root, at) =>
      keepingTimes(root, ['a/b'], () => {
        mkdirSync(at('a/b/extra'));
        writeFileSync(at('a/b/extra/x'), 'x');
      }),
    object: 'a/b/extra',
    detail: 'the snapshot does not have it, nor the 1 entries in it',
  },
  {
    what: 'a hard link that became a copy',
    damage: (root, at) =>
      keepingTimes(root, ['.', 'zz-hard-link'], () => {
        copyFileSync(at('zz-hard-link'), at('zz-copy'));
        renameSync(at('zz-copy'), at('zz-hard-link'));
      }),
    object: 'zz-hard-link',
    detail: 'it is no hard link of a/b/hard-link any more',
  },
  {
    what: 'a file that became a hard link',
    damage: (root, at) =>
      keepingTimes(root, ['.'], () => {
        rmSync(at('a.b'));
        linkSync(at('a-b'), at('a.b'));
      }),
    object: 'a.b',
    detail: 'it is a hard link of a-b',
  },
  {
    what: 'another target of a symlink',
    damage: (root, at) =>
      keepingTimes(root, ['.'], () => {
        rmSync(at('dangling'));
        symlinkSync('/elsewhere', at('dangling'));
      }),
    object: 'dangling',
    detail: 'it points to /elsewhere instead of /nowhere/at/all',
  },
  {
    what: 'a symlink in place of a file, even one to the same content',
    damage: (root, at) =>
      keepingTimes(root, ['.'], () => {
        renameSync(at('a-b'), join(dirname(root), 'a-b'));
        symlinkSync(join(dirname(root), 'a-b'), at('a-b'));
      }),
    object: 'a-b',
    detail: 'it is a symlink instead of a regular file',
  },
  {
    what: 'a fifo in place of a file, without waiting for a writer',
    damage: (root, at) =>
      keepingTimes(root, ['.'], () => {
        rmSync(at('a-b'));
        const directory = openSync(root, 'r');
        makeFifoAt(directory, 'a-b', 0o644);
        closeSync(directory);
      }),
    object: 'a-b',
    detail: 'it is a fifo instead of a regular file',
  },
];

const ofRoot: Damage[] = [
  {
    what: 'another owner',
    damage: (_, at) => chownSync(at('a-b'), 77, 0),
    object: 'a-b',
    detail: 'its owner is 77:0 instead of 0:0',
  },
  {
    what: 'another group of a directory',
    damage: (_, at) => chownSync(at('empty-directory'), 0, 78),
    object: 'empty-directory',
    detail: 'its owner is 0:78 instead of 0:0',
  },
  {
    what: 'another device',
    damage: (root, at) => {
      const before = statSync(at('null-device'), { bigint: true });
      keepingTimes(root, ['.'], () => {
        rmSync(at('null-device'));
        execFileSync('mknod', ['-m', '666', at('null-device'), 'c', '1', '5']);
      });
      setTime(root, 'null-device', before.mtimeNs);
    },
    object: 'null-device',
    detail: 'it is device character 1:5 instead of character 1:3',
  },
];

describe('a comparison', () => {
  it('of a true copy finds nothing', async () => {
    expect(await compare(copy())).toEqual({ checks: [], equal: entries });
  });

  it.each(isRoot ? [...damages, ...ofRoot] : damages)('finds $what', async ({ damage, object, detail }) => {
    const root = copy();
    damage(root, (path) => join(root, path));
    const { checks } = await compare(root);
    expect(checks).toHaveLength(1);
    expect(checks[0]).toMatchObject({ object, verdict: 'differs' });
    expect(checks[0]!.detail!.split('; ')).toContain(detail);
    expect(checks[0]!.detail).not.toContain('secret');
  });

  it('counts as equal only what is', async () => {
    const root = copy();
    appendFileSync(join(root, 'a-b'), '!');
    chmodSync(join(root, 'a.b'), 0o600);
    const { checks, equal } = await compare(root);
    expect(checks.map(({ object }) => object).sort()).toEqual(['a-b', 'a.b']);
    expect(equal).toBe(entries - 2);
  });

  it('says what it could not read, and does not count it as equal', async () => {
    const root = copy();
    chmodSync(dirname(root), 0o755);
    chmodSync(join(root, 'a/b'), 0);
    keepingTimes(root, ['.'], () => chmodSync(join(root, 'a-b'), 0));
    const { checks, equal } = await withoutRights(() => compare(root));
    expect(checks).toContainEqual({
      kind: 'file',
      object: 'a-b',
      verdict: 'could-not-compare',
      detail: 'permission denied',
    });
    expect(checks).toContainEqual({
      kind: 'directory',
      object: 'a/b',
      verdict: 'could-not-compare',
      detail: 'what it holds cannot be listed: permission denied',
    });
    expect(equal).toBeLessThan(entries);
  });

  it('without owners says that they were not compared', async () => {
    const root = copy();
    if (isRoot) chownSync(join(root, 'a-b'), 77, 88);
    const { checks } = await compare(root, { owners: 'ignore' });
    expect(checks).toMatchObject([{ kind: 'owners', verdict: 'could-not-compare' }]);
  });

  it('with what is not there could not be made', async () => {
    await expect(compare(join(original, 'nothing'))).rejects.toMatchObject({ code: 'could-not-verify' });
  });
});
