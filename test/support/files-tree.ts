import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silent } from '../../src/base/events.ts';
import type { Lanes } from '../../src/repository/lanes.ts';
import { readAttributes } from '../../src/sources/files/attributes.ts';
import {
  changeTimesAt,
  makeFifoAt,
  makeNodeAt,
  seekData,
  seekHole,
  setAttribute,
} from '../../src/sources/files/posix.ts';
import type { BackupContext, ManifestLine, RestoreContext } from '../../src/sources/source.ts';
import { MemoryRepository } from './memory-repository.ts';

/** Trees for tests of the files source, and a description of one that does not use the code under test where Node suffices. */

export const isRoot = process.geteuid?.() === 0;

/** A directory that is removed when the test ends, or what else `atEnd` is told to run at. */
export function temporaryDirectory(atEnd: (remove: () => void) => void = onTestFinished): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-files-'));
  // Node's own removal knows no paths beyond the system's limit.
  atEnd(() => void execFileSync('rm', ['-rf', path]));
  return path;
}

/** `user::rwx user:1234:r-- group::r-x mask::rwx other::---`, as Linux keeps it. */
export const accessAcl = acl([
  [0x01, 7, 0xffffffff],
  [0x02, 4, 1234],
  [0x04, 5, 0xffffffff],
  [0x10, 7, 0xffffffff],
  [0x20, 0, 0xffffffff],
]);

function acl(entries: [number, number, number][]): Buffer {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2, 0);
  for (const [i, [tag, permissions, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + i * 8);
    bytes.writeUInt16LE(permissions, 6 + i * 8);
    bytes.writeUInt32LE(id, 8 + i * 8);
  }
  return bytes;
}

/** Everything that a tree may hold, special names and times included. What only root may make is made when root runs the tests. */
export async function makeAwkwardTree(root: string): Promise<void> {
  const at = (name: string) => join(root, name);
  const bytes = (name: string) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, 'latin1')]);
  mkdirSync(root, { recursive: true });
  writeFileSync(at('plain.txt'), 'plain\n');
  writeFileSync(at('empty'), '');
  mkdirSync(at('empty-directory'));
  mkdirSync(at('a/b/c/d'), { recursive: true });
  writeFileSync(at('a/b/c/d/deep'), 'deep');
  // Sorts between `a` and what `a` holds, were the slash an ordinary character.
  writeFileSync(at('a-b'), 'minus');
  writeFileSync(at('a.b'), 'dot');
  writeFileSync(at('new\nline \x1b[31m'), 'newline');
  writeFileSync(bytes('caf\xe9 \xff\xfe'), 'latin1');
  mkdirSync(bytes('dir\xff'));
  writeFileSync(bytes('dir\xff/inside'), 'inside');
  writeFileSync(at('ünïcode 🎉'), 'unicode');
  writeFileSync(at('-rf'), 'dash');
  writeFileSync(at('back\\slash'), 'backslash');
  writeFileSync(at('n'.repeat(255)), 'long');
  symlinkSync('plain.txt', at('link'));
  symlinkSync('/nowhere/at/all', at('dangling'));
  symlinkSync('.', at('loop'));
  symlinkSync(Buffer.from('to \xff', 'latin1'), bytes('link \xff'));
  linkSync(at('plain.txt'), at('zz-hard-link'));
  linkSync(at('plain.txt'), at('a/b/hard-link'));
  writeFileSync(at('large.bin'), createHash('shake256', { outputLength: 3_000_000 }).update('large').digest());
  const directory = openSync(root, 'r');
  makeFifoAt(directory, 'fifo', 0o640);
  if (isRoot) {
    makeNodeAt(directory, 'null-device', 0o020666, 1, 3);
    makeNodeAt(directory, 'block-device', 0o060600, 259, 300);
  }
  await makeSocket(at('socket'));
  makeSparse(at('sparse'), 40_000_000, [
    [1_000_000, 5000],
    [20_000_000, 70_000],
  ]);
  makeSparse(at('all-hole'), 10_000_000, []);
  writeFileSync(at('setuid'), '#!');
  writeFileSync(at('other-owner'), 'theirs');
  if (isRoot) {
    chownSync(at('other-owner'), 4321, 8765);
    chownSync(at('setuid'), 4321, 8765);
    setAttribute(at('plain.txt'), 'trusted.holdfast', Buffer.from('trusted'));
    setAttribute(at('link'), 'trusted.link', Buffer.from('of the link'));
  }
  chmodSync(at('setuid'), 0o6751);
  mkdirSync(at('sticky'));
  chmodSync(at('sticky'), 0o3777);
  writeFileSync(at('attributes'), 'x');
  setAttribute(at('attributes'), 'user.binary', Buffer.from([0, 1, 255, 10]));
  setAttribute(at('attributes'), 'user.empty', Buffer.alloc(0));
  setAttribute(at('attributes'), 'user.ünï', Buffer.from('1'));
  setAttribute(at('empty-directory'), 'user.directory', Buffer.from('d'));
  writeFileSync(at('acl'), 'acl');
  setAttribute(at('acl'), 'system.posix_acl_access', accessAcl);
  mkdirSync(at('acl-directory'));
  setAttribute(at('acl-directory'), 'system.posix_acl_default', accessAcl);
  mkdirSync(at('acl-directory/inherits'));
  writeFileSync(at('acl-directory/inherits/file'), 'inherited');
  mkdirSync(at('read-only'));
  writeFileSync(at('read-only/file'), 'ro', { mode: 0o400 });
  chmodSync(at('read-only'), 0o555);
  changeTimesAt(directory, 'plain.txt', 1_234_567_890_123_456_789n);
  changeTimesAt(directory, 'link', 987_654_321_000_000_001n);
  changeTimesAt(directory, 'fifo', 1_000_000_000_000_000_003n);
  changeTimesAt(directory, 'empty', -1_500_000_000n);
  changeTimesAt(directory, 'a', 1_111_111_111_111_111_111n);
  utimesSync(root, 1_000_000, 1_000_000);
  closeSync(directory);
}

export function makeSparse(path: string, size: number, data: [number, number][]): void {
  const file = openSync(path, 'w');
  for (const [offset, length] of data) writeSync(file, Buffer.alloc(length, 7), 0, length, offset);
  ftruncateSync(file, size);
  closeSync(file);
}

async function makeSocket(path: string): Promise<void> {
  // A socket file stays when nobody listens any more, unless Node removes it: so it is made by another program.
  const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  try {
    execFileSync(process.execPath, ['-e', script, path], { stdio: 'ignore' });
  } catch {
    // It was killed, as it had to be.
  }
  lstatSync(path);
}

/** Every entry with all that a restore must bring back, by its path in latin1. */
export function describeTree(root: string): Map<string, string> {
  const entries = new Map<string, string>();
  const inodes = new Map<bigint, string>();
  const visit = (path: string) => {
    const full = Buffer.concat([Buffer.from(root), Buffer.from(path === '.' ? '' : `/${path}`, 'latin1')]);
    const stat = lstatSync(full, { bigint: true });
    const parts = [`${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.mtimeNs}`];
    if (stat.isFile()) {
      const content = readFileSync(full);
      parts.push(`${content.length} ${createHash('sha256').update(content).digest('hex')}`);
      if (stat.nlink > 1n) {
        if (!inodes.has(stat.ino)) inodes.set(stat.ino, path);
        parts.push(`same as ${inodes.get(stat.ino)}`);
      }
      parts.push(holesOf(full));
    }
    if (stat.isSymbolicLink()) parts.push(readlinkSync(full, 'latin1'));
    if (stat.isCharacterDevice() || stat.isBlockDevice()) parts.push(`device ${stat.rdev}`);
    parts.push(JSON.stringify(readAttributes(full.toString('latin1')) ?? {}));
    entries.set(path, parts.join(' | '));
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(full, 'latin1').sort()) visit(path === '.' ? name : `${path}/${name}`);
  };
  visit('.');
  return entries;
}

function holesOf(path: Buffer): string {
  const file = openSync(path, 'r');
  try {
    const ranges: string[] = [];
    const size = Number(lstatSync(path).size);
    for (let at = 0; at < size; ) {
      const data = seekData(file, at);
      if (data === undefined) break;
      at = seekHole(file, data);
      ranges.push(`${data}-${at}`);
    }
    return `data ${ranges.join(',')}`;
  } finally {
    closeSync(file);
  }
}

/** Lanes of a memory repository that serve all tests of a file: to start threads for each takes longer than the tests do. */
export interface SharedLanes {
  repository: MemoryRepository;
  backup: BackupContext;
  restore: RestoreContext;
}

/** Opens them before the tests, and closes them afterwards. Filled when the tests run. */
export function sharedLanes(count = 1): SharedLanes {
  const shared = {} as SharedLanes;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const open: Promise<void>[] = [];
  beforeAll(async () => {
    const repository = await MemoryRepository.open();
    shared.repository = repository;
    // Threads load their modules now, with all rights: a test may give rights away.
    const opened = <Context extends { lanes: Lanes }>(
      run: (work: (context: Context) => Promise<void>) => Promise<void>,
    ) =>
      new Promise<Context>((resolve, reject) => {
        const running = run(async (context) => {
          await context.lanes.runInEach('files.examine', { root: 0, paths: [] });
          resolve(context);
          await finished;
        });
        running.catch(reject);
        open.push(running);
      });
    shared.backup = await opened<BackupContext>((work) => repository.backup(work, { lanes: count }));
    shared.restore = await opened<RestoreContext>((work) => repository.restore(work, { lanes: count }));
  });
  afterAll(async () => {
    finish();
    await Promise.all(open);
  });
  return shared;
}

/** A context for work that ends before any lane is needed: one that is used fails the test. */
export function withoutLanes(lines: readonly ManifestLine[]): RestoreContext {
  const refuse = () => Promise.reject(new Error('no lane is needed here'));
  return {
    lanes: {
      count: 1,
      expect() {},
      run: refuse,
      runInEach: refuse,
      flush: refuse,
      [Symbol.asyncDispose]: async () => {},
    },
    lines: async function* () {
      yield* lines;
    },
    reader: undefined as never,
    rowKey: '',
    emit: silent,
    clock: systemClock,
    signal: new AbortController().signal,
  };
}

/** Runs `work` with the rights of a user who owns nothing. Only root can; everybody else owns nothing already. */
export async function withoutRights<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return await work();
  process.setegid!(65_534);
  process.seteuid!(65_534);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
  }
}
