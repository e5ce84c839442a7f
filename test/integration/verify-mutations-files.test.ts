import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SnapshotProof } from '../../src/jobs/verify/report.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { changeTimesAt, makeFifoAt, makeNodeAt, removeAttribute, setAttribute } from '../../src/sources/files/posix.ts';
import { accessAcl, makeSparse } from '../support/files-tree.ts';
import { RepositoryFixture } from '../support/repository-fixture.ts';
import { forEveryRun } from '../support/thorough.ts';
import { backUp, expectGreen, expectRed, mark, ownerAccess, prove } from '../support/verify-proof.ts';

/** Each damage of a restored tree or output alone, through the whole proof: red, and about the entry that it was done to. */

const fixture = new RepositoryFixture();
afterAll(() => rmSync(fixture.directory, { recursive: true }));
const directory = join(fixture.directory, 'scratch');
const tree = join(fixture.directory, 'tree');
let access: RepositoryAccess;

/** Runs with a descriptor of the directory. */
function within<T>(path: string, work: (descriptor: number) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const when = 1_700_000_000_123_456_789n;
const setTime = (root: string, path: string, time = when) =>
  within(join(root, dirname(path)), (at) => changeTimesAt(at, path.split('/').at(-1)!, time));

beforeAll(async () => {
  const at = (path: string) => join(tree, path);
  mkdirSync(at('papers/empty'), { recursive: true });
  writeFileSync(at('papers/one.txt'), `${mark} one\n`, { mode: 0o640 });
  writeFileSync(at('papers/two.txt'), `${mark} two\n`);
  writeFileSync(at('papers/twin.txt'), `${mark} two\n`);
  writeFileSync(at('empty'), '');
  writeFileSync(at('tool'), '#!/bin/sh\n', { mode: 0o755 });
  chmodSync(at('tool'), 0o4755);
  symlinkSync('papers/one.txt', at('link'));
  writeFileSync(at('first'), `${mark} shared\n`);
  linkSync(at('first'), at('second'));
  makeSparse(at('sparse'), 4_000_000, [[1_000_000, 5000]]);
  setAttribute(at('papers/two.txt'), 'user.note', Buffer.from(mark));
  setAttribute(at('papers'), 'system.posix_acl_access', accessAcl);
  within(tree, (descriptor) => {
    makeFifoAt(descriptor, 'fifo', 0o600);
    makeNodeAt(descriptor, 'device', 0o020666, 1, 3);
  });
  chownSync(at('papers/twin.txt'), 4321, 8765);
  for (const path of ['papers/one.txt', 'papers/two.txt', 'link', 'papers/empty', 'papers']) setTime(tree, path);
  const host = await fixture.access();
  await fixture.init();
  await backUp(host, { type: 'files', name: 'tree', path: tree, exclude: [], oneFileSystem: false });
  const command = ['sh', '-c', `for i in $(seq 20000); do echo ${mark} $i; done`];
  await backUp(host, { type: 'command', name: 'output', command, filename: 'numbers', timeoutMs: 60_000 });
  access = await ownerAccess(fixture);
});

interface Damage {
  name: string;
  /** The entry that is damaged. */
  path: string;
  /** Entries that the proof must name; by default `path`. */
  told?: string[];
  damage(path: string, root: string): void;
}

const times = (path: string) => {
  const { mtimeNs } = lstatSync(path, { bigint: true });
  return () => within(dirname(path), (at) => changeTimesAt(at, path.split('/').at(-1)!, mtimeNs));
};

/** Nothing but what was damaged may be found: times that change with it are put back. */
async function proveDamaged({ path, damage }: Pick<Damage, 'path' | 'damage'>): Promise<SnapshotProof> {
  return prove(
    access,
    { source: 'tree', type: 'files', directory },
    {
      hooks: {
        afterRestore: async ({ place }) => {
          if (place.kind !== 'directory') throw new Error('a tree is restored into a directory');
          const root = place.path;
          const back = [...new Set([join(root, dirname(path)), root])].map(times);
          damage(join(root, path), root);
          for (const putBack of back) putBack();
        },
      },
    },
  );
}

/** Writes into a file, and leaves its time as it was. */
const written = (offset: number, bytes: string) => (path: string) => {
  const back = times(path);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from(bytes), 0, bytes.length, offset);
  closeSync(file);
  back();
};
const keepingTime = (change: (path: string) => void) => (path: string) => {
  const back = times(path);
  change(path);
  back();
};

const damages: Damage[] = [
  {
    name: 'a time that differs by a nanosecond',
    path: 'papers/one.txt',
    damage: (_, root) => setTime(root, 'papers/one.txt', when + 1n),
  },
  {
    name: 'a time of a directory',
    path: 'papers/empty',
    damage: (_, root) => setTime(root, 'papers/empty', when - 1_000_000_000n),
  },
  { name: 'a time of a symlink', path: 'link', damage: (_, root) => setTime(root, 'link', when + 1n) },
  { name: 'a mode', path: 'papers/one.txt', damage: (path) => chmodSync(path, 0o644) },
  { name: 'a mode without its setuid bit', path: 'tool', damage: (path) => chmodSync(path, 0o755) },
  { name: 'a mode of a directory', path: 'papers/empty', damage: (path) => chmodSync(path, 0o700) },
  { name: 'an owner', path: 'papers/one.txt', damage: (path) => chownSync(path, 4321, lstatSync(path).gid) },
  { name: 'a group', path: 'papers/twin.txt', damage: (path) => chownSync(path, 4321, 8766) },
  { name: 'a byte of a file', path: 'papers/one.txt', damage: written(3, 'x') },
  { name: 'a byte in a hole', path: 'sparse', damage: written(3_000_000, 'x') },
  { name: 'a file that is cut', path: 'papers/two.txt', damage: keepingTime((path) => truncateSync(path, 5)) },
  {
    name: 'a file that is longer by a zero',
    path: 'papers/one.txt',
    damage: keepingTime((path) => truncateSync(path, lstatSync(path).size + 1)),
  },
  {
    name: 'a sparse file that is cut in its last hole',
    path: 'sparse',
    damage: keepingTime((path) => truncateSync(path, 3_999_999)),
  },
  { name: 'an empty file with content', path: 'empty', damage: written(0, 'x') },
  {
    name: 'two files that changed their names',
    path: 'papers/one.txt',
    told: ['papers/one.txt', 'papers/two.txt'],
    damage: (path) => {
      const [two, held] = [path.replace('one', 'two'), path.replace('one', 'held')];
      renameSync(path, held);
      renameSync(two, path);
      renameSync(held, two);
    },
  },
  { name: 'a file that is missing', path: 'papers/two.txt', damage: (path) => rmSync(path) },
  { name: 'an empty file that is missing', path: 'empty', damage: (path) => rmSync(path) },
  { name: 'an empty directory that is missing', path: 'papers/empty', damage: (path) => rmdirSync(path) },
  { name: 'a file more', path: 'papers/more.txt', damage: (path) => writeFileSync(path, '') },
  { name: 'an empty directory more', path: 'papers/more', damage: (path) => mkdirSync(path) },
  {
    name: 'a name in the other case',
    path: 'papers/one.txt',
    told: ['papers/One.txt', 'papers/one.txt'],
    damage: (path) => renameSync(path, path.replace('one', 'One')),
  },
  {
    name: 'another target of a symlink',
    path: 'link',
    damage: keepingTime((path) => {
      rmSync(path);
      symlinkSync('papers/two.txt', path);
    }),
  },
  {
    name: 'a symlink to the absolute path of the same file',
    path: 'link',
    damage: keepingTime((path) => {
      rmSync(path);
      symlinkSync(path.replace('link', 'papers/one.txt'), path);
    }),
  },
  {
    name: 'a file in the place of a symlink to one like it',
    path: 'link',
    damage: keepingTime((path) => {
      rmSync(path);
      copyFileSync(path.replace('link', 'papers/one.txt'), path);
    }),
  },
  {
    name: 'a symlink in the place of a file like its target',
    path: 'papers/twin.txt',
    damage: keepingTime((path) => {
      rmSync(path);
      symlinkSync('two.txt', path);
    }),
  },
  {
    name: 'another attribute',
    path: 'papers/two.txt',
    damage: (path) => setAttribute(path, 'user.note', Buffer.from('x')),
  },
  {
    name: 'an attribute that is missing',
    path: 'papers/two.txt',
    damage: (path) => within(path, (file) => removeAttribute(file, 'user.note')),
  },
  {
    name: 'an attribute more',
    path: 'papers/one.txt',
    damage: (path) => setAttribute(path, 'user.more', Buffer.alloc(0)),
  },
  {
    name: 'an access list that is missing',
    path: 'papers',
    damage: (path) => within(path, (file) => removeAttribute(file, 'system.posix_acl_access')),
  },
  {
    name: 'a hard link that became a file of its own',
    path: 'second',
    damage: (path) => {
      copyFileSync(path, `${path}.new`);
      within(dirname(path), (at) => changeTimesAt(at, 'second.new', lstatSync(path, { bigint: true }).mtimeNs));
      renameSync(`${path}.new`, path);
    },
  },
  {
    name: 'two equal files that became one',
    path: 'papers/two.txt',
    damage: (path) => {
      rmSync(path);
      linkSync(path.replace('two', 'one'), path);
    },
  },
  { name: 'a fifo that is missing', path: 'fifo', damage: (path) => rmSync(path) },
  {
    name: 'a file in the place of a fifo',
    path: 'fifo',
    damage: keepingTime((path) => {
      rmSync(path);
      writeFileSync(path, '', { mode: 0o600 });
    }),
  },
  {
    name: 'another device',
    path: 'device',
    damage: keepingTime((path) => {
      rmSync(path);
      within(dirname(path), (at) => makeNodeAt(at, 'device', 0o020666, 1, 5));
    }),
  },
  { name: 'the mode of the tree itself', path: '.', damage: (path) => chmodSync(path, 0o711) },
  {
    name: 'nothing but the directory',
    path: '.',
    told: ['device', 'empty', 'fifo', 'first', 'link', 'papers', 'second', 'sparse', 'tool'],
    damage: (root) => {
      for (const name of ['device', 'empty', 'fifo', 'first', 'link', 'papers', 'second', 'sparse', 'tool'])
        rmSync(join(root, name), { recursive: true });
    },
  },
];

describe('nothing is wrong with', () => {
  it.concurrent.each<Omit<Damage, 'told'>>([
    { name: 'the tree as it is', path: '.', damage: () => {} },
    { name: 'zeros in the place of a hole', path: 'sparse', damage: written(2_000_000, '\0'.repeat(100_000)) },
    { name: 'a file that was read', path: 'papers/one.txt', damage: (path) => void readFileSync(path) },
    {
      name: 'another order of names in a directory',
      path: 'papers/one.txt',
      damage: (path) => {
        renameSync(path, `${path}.held`);
        renameSync(`${path}.held`, path);
      },
    },
  ])('$name', async (one) => expectGreen(await proveDamaged(one)));
});

describe('red is', () => {
  it.concurrent.each(forEveryRun(damages, (_, at) => at % 2 === 0))('$name', async (one) => {
    const proof = await proveDamaged(one);
    expectRed(proof, 'files');
    const { findings } = proof.checks.find(({ id }) => id === 'files')!;
    const { told = [one.path] } = one;
    expect([...new Set(findings.map(({ object }) => object))].sort()).toEqual(told);
    expect(proof.contents.filter(({ restored }) => restored !== undefined)).toEqual([]);
  });
});

describe('an output', () => {
  const proveOutput = (damage: (path: string) => void) =>
    prove(
      access,
      { source: 'output', type: 'command', directory },
      {
        hooks: {
          afterRestore: async ({ place }) => {
            if (place.kind === 'directory') damage(place.path);
          },
        },
      },
    );

  it('passes as it is', async () => expectGreen(await proveOutput(() => {})));

  it.each<[string, (path: string) => void]>([
    ['another byte', written(100_000, 'x')],
    ['one byte less', (path) => truncateSync(path, lstatSync(path).size - 1)],
    ['one byte more', (path) => writeFileSync(path, '\n', { flag: 'a' })],
    ['nothing in it', (path) => truncateSync(path, 0)],
    ['no file', (path) => rmSync(path)],
  ])('with %s is red', async (_, damage) => {
    expectRed(await proveOutput(damage), 'content');
  });
});
