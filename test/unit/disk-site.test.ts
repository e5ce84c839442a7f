/** What only a site in a directory has to get right; the rest is in test/contract. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MiB } from '../../src/base/units.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { Site } from '../../src/sites/site.ts';

const child = join(import.meta.dirname, '../support/site-child.ts');
const failure = (code: string) => expect.objectContaining({ name: 'HoldfastError', code });
const unavailable = failure('site-unavailable');
const body = Buffer.from('an object');
const day = 24 * 3600;

let base: string;
let path: string;
let site: Site;

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
  path = join(base, 'site');
  site = await openDiskSite({ name: 'shelf', path, create: true });
});
afterEach(async () => {
  await site.close();
  rmSync(base, { recursive: true });
});

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of site.list('')) found.push(name);
  return found.sort();
}

const temporaries = () => (existsSync(join(path, '.tmp')) ? readdirSync(join(path, '.tmp')) : []);

describe('opening', () => {
  it('refuses a directory that is missing, unless it may make it', async () => {
    const missing = join(base, 'not/mounted');
    await expect(openDiskSite({ name: 'shelf', path: missing })).rejects.toEqual(failure('no-repository'));
    expect(existsSync(join(base, 'not'))).toBe(false);
    const made = await openDiskSite({ name: 'shelf', path: missing, create: true });
    await made.create('a', body);
    await made.close();
    expect(statSync(missing).mode & 0o777).toBe(0o700);
    const again = await openDiskSite({ name: 'shelf', path: missing });
    expect(await again.stat('a')).toEqual({ size: body.length });
    await again.close();
  });

  it.each([true, false])('refuses a file in its place (create: %s)', async (create) => {
    const file = join(base, 'file');
    writeFileSync(file, 'x');
    await expect(openDiskSite({ name: 'shelf', path: file, create })).rejects.toEqual(unavailable);
    await expect(openDiskSite({ name: 'shelf', path: join(file, 'below'), create })).rejects.toEqual(unavailable);
  });

  it('follows a symbolic link to its directory', async () => {
    symlinkSync(path, join(base, 'alias'));
    const alias = await openDiskSite({ name: 'shelf', path: join(base, 'alias') });
    await alias.create('a/b', body);
    await alias.close();
    expect(await names()).toEqual(['a/b']);
  });
});

describe('unfinished uploads', () => {
  it('of a killed writer are no objects, and are removed at an open a day later, not before', async () => {
    for (let attempt = 0; temporaries().length === 0; attempt++) {
      expect(attempt).toBeLessThan(20);
      const writer = spawn(
        process.execPath,
        [child, JSON.stringify({ type: 'disk', path }), 'write', 'p/', '99000000'],
        {
          stdio: ['ignore', 'ignore', 'inherit'],
        },
      );
      const ended = once(writer, 'close');
      while (!temporaries().some((name) => sizeOf(join(path, '.tmp', name)) > 0)) await turn();
      writer.kill('SIGKILL');
      await ended;
    }
    const [left] = temporaries();
    for await (const { size } of site.list('')) expect(size).toBe(99_000_000);

    await (await openDiskSite({ name: 'shelf', path })).close();
    expect(temporaries()).toEqual([left]);
    setAge(join(path, '.tmp', left!), day - 60);
    await (await openDiskSite({ name: 'shelf', path })).close();
    expect(temporaries()).toEqual([left]);
    setAge(join(path, '.tmp', left!), day + 60);
    await (await openDiskSite({ name: 'shelf', path })).close();
    expect(temporaries()).toEqual([]);
  });

  it('are told from what others keep there, and not looked for behind a symbolic link', async () => {
    const stale = randomBytes(16).toString('hex');
    mkdirSync(join(path, '.tmp'));
    mkdirSync(join(path, '.tmp', 'd'.repeat(32)));
    for (const name of ['note.txt', `${stale}.bak`, stale]) writeFileSync(join(path, '.tmp', name), 'x');
    for (const name of temporaries()) setAge(join(path, '.tmp', name), 9 * day);
    await (await openDiskSite({ name: 'shelf', path })).close();
    expect(temporaries().sort()).toEqual(['d'.repeat(32), `${stale}.bak`, 'note.txt'].sort());

    renameSync(join(path, '.tmp'), join(base, 'elsewhere'));
    writeFileSync(join(base, 'elsewhere', stale), 'x');
    setAge(join(base, 'elsewhere', stale), 9 * day);
    symlinkSync(join(base, 'elsewhere'), join(path, '.tmp'));
    await (await openDiskSite({ name: 'shelf', path })).close();
    expect(existsSync(join(base, 'elsewhere', stale))).toBe(true);
    await expect(site.create('a', body)).rejects.toEqual(unavailable);
  });

  it('that vanish are an error of their writer, and no object', async () => {
    const creation = site.create('packs/one', new Uint8Array(64 * MiB));
    const outcome = creation.catch((error) => error);
    while (temporaries().length === 0) await turn();
    for (const name of temporaries()) unlinkSync(join(path, '.tmp', name));
    expect(await outcome).toEqual(unavailable);
    expect(await site.stat('packs/one')).toBeUndefined();
    expect(await site.create('packs/one', body)).toBe('created');
  });

  it('do not stay behind after any outcome', async () => {
    await site.create('a', body);
    await site.create('a', body);
    await Promise.all(Array.from({ length: 10 }, () => site.create('b', body)));
    await site.replace('c', body);
    mkdirSync(join(path, 'd'));
    await expect(site.create('d', body)).rejects.toEqual(unavailable);
    await expect(site.replace('d', body)).rejects.toEqual(unavailable);
    expect(temporaries()).toEqual([]);
  });
});

describe('a full disk', () => {
  const full = ['fill', 'packs/aa/', String(MiB)];

  it('at the limit of file sizes gives site-full and leaves nothing', () => {
    const address = JSON.stringify({ type: 'disk', path });
    const result = runShell('ulimit -f 600; exec "$@"', [process.execPath, child, address, ...full]);
    expect(result).toEqual({ code: 'site-full', created: 0, listed: [], sizes: [] });
    expect(temporaries()).toEqual([]);
  });

  // Mounting is root's alone; without root the limit above provokes the same failure of a write half way.
  if (process.getuid?.() === 0) {
    it('gives site-full, leaves nothing under the name, and keeps what was stored', () => {
      const address = JSON.stringify({ type: 'disk', path });
      const script = 'mount -t tmpfs -o size=4m none "$0" && exec "$@"';
      const result = runMounted(script, [path, process.execPath, child, address, ...full]);
      expect(result).toMatchObject({ code: 'site-full', listed: expect.any(Array) });
      expect(result.created).toBeGreaterThan(1);
      expect(result.listed).toHaveLength(result.created);
      expect(new Set(result.sizes)).toEqual(new Set([MiB]));
      expect(result).not.toHaveProperty('left');
    });

    it('without inodes gives site-full too', () => {
      const address = JSON.stringify({ type: 'disk', path });
      const script = 'mount -t tmpfs -o nr_inodes=20 none "$0" && exec "$@"';
      const result = runMounted(script, [path, process.execPath, child, address, 'fill', 'packs/aa/', '10']);
      expect(result).toMatchObject({ code: 'site-full' });
      expect(result.listed).toHaveLength(result.created);
      expect(result.created).toBeGreaterThan(5);
    });

    it('that is read-only can be read, and says that it cannot be written', () => {
      const address = JSON.stringify({ type: 'disk', path });
      writeFileSync(join(path, 'object'), body);
      const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
      const result = runMounted(script, [path, process.execPath, child, address, ...full]);
      expect(result).toEqual({ code: 'site-unavailable', created: 0, listed: ['object'], sizes: [body.length] });
    });
  }
});

describe('symbolic links', () => {
  beforeEach(async () => {
    mkdirSync(join(base, 'outside/sub'), { recursive: true });
    writeFileSync(join(base, 'outside/secret'), 'secret');
    writeFileSync(join(base, 'outside/sub/secret'), 'secret');
    await site.create('dir/real', body);
    symlinkSync(join(base, 'outside/secret'), join(path, 'dir/link'));
    symlinkSync(join(base, 'outside'), join(path, 'away'));
    symlinkSync(join(base, 'nowhere'), join(path, 'dir/dangling'));
    symlinkSync('real', join(path, 'dir/alias'));
    symlinkSync('loop', join(path, 'dir/loop'));
  });

  const links = ['dir/link', 'dir/dangling', 'dir/alias', 'dir/loop', 'away', 'away/secret', 'away/sub/secret'];

  it.each(links)('are no objects: %s', async (name) => {
    await expect(site.read(name)).rejects.toEqual(failure('object-missing'));
    expect(await site.stat(name)).toBeUndefined();
    await site.remove(name);
    await expect(site.create(name, body)).rejects.toEqual(unavailable);
    await expect(site.replace(name, body)).rejects.toEqual(unavailable);
    expect(readFileSync(join(base, 'outside/secret'), 'utf8')).toBe('secret');
    expect(readFileSync(join(base, 'outside/sub/secret'), 'utf8')).toBe('secret');
    expect(existsSync(join(base, 'nowhere'))).toBe(false);
    expect((await site.read('dir/real')).equals(body)).toBe(true);
  });

  it('are not listed, nor anything behind them', async () => {
    expect(await names()).toEqual(['dir/real']);
    for await (const object of site.list('away/')) throw new Error(`listed ${object.name}`);
    for await (const object of site.list('away/sub/')) throw new Error(`listed ${object.name}`);
  });

  it('do not let new objects out', async () => {
    await expect(site.create('away/new', body)).rejects.toEqual(unavailable);
    await expect(site.create('away/new/deeper', body)).rejects.toEqual(unavailable);
    expect(readdirSync(join(base, 'outside')).sort()).toEqual(['secret', 'sub']);
  });
});

describe('something in the way', () => {
  it('a directory where an object should be is refused, and no object', async () => {
    await site.create('a/b', body);
    await expect(site.create('a', body)).rejects.toEqual(unavailable);
    await expect(site.replace('a', body)).rejects.toEqual(unavailable);
    expect(await names()).toEqual(['a/b']);
  });

  it('a file where a directory should be is refused', async () => {
    await site.create('a', body);
    await expect(site.create('a/b', body)).rejects.toEqual(unavailable);
    await expect(site.create('a/b/c', body)).rejects.toEqual(unavailable);
    await expect(site.replace('a/b', body)).rejects.toEqual(unavailable);
    expect((await site.read('a')).equals(body)).toBe(true);
    expect(await names()).toEqual(['a']);
  });

  it('a fifo or a socket is no object and keeps nobody waiting', async () => {
    expect(spawnSync('mkfifo', [join(path, 'fifo')]).status).toBe(0);
    const server = createServer().listen(join(path, 'socket'));
    await once(server, 'listening');
    try {
      for (const name of ['fifo', 'socket']) {
        await expect(site.read(name)).rejects.toEqual(failure('object-missing'));
        expect(await site.stat(name)).toBeUndefined();
        await expect(site.create(name, body)).rejects.toEqual(unavailable);
        await expect(site.replace(name, body)).rejects.toEqual(unavailable);
        await site.remove(name);
        expect(existsSync(join(path, name))).toBe(true);
      }
      expect(await names()).toEqual([]);
    } finally {
      server.close();
    }
  });

  it('files that no object can be called like are passed over', async () => {
    await site.create('a', body);
    for (const name of ['with space', 'lost+found', '#backup#', 'ü']) writeFileSync(join(path, name), 'x');
    mkdirSync(join(path, 'System Volume Information'));
    writeFileSync(join(path, 'System Volume Information/a'), 'x');
    expect(await names()).toEqual(['a']);
  });
});

describe('a directory that is gone', () => {
  const everything = (): Record<string, () => Promise<unknown>> => ({
    create: () => site.create('b', body),
    'create of what exists': () => site.create('dir/a', body),
    replace: () => site.replace('dir/a', body),
    read: () => site.read('dir/a'),
    stat: () => site.stat('dir/a'),
    list: () => names(),
    remove: () => site.remove('dir/a'),
  });

  it.each(['moved away', 'replaced by an empty one'])('%s is told from an empty site', async (how) => {
    await site.create('dir/a', body);
    renameSync(path, join(base, 'moved'));
    if (how !== 'moved away') mkdirSync(path);
    for (const [what, work] of Object.entries(everything())) await expect(work(), what).rejects.toEqual(unavailable);
    if (how !== 'moved away') {
      expect(readdirSync(path)).toEqual([]);
      rmSync(path, { recursive: true });
    }
    expect(existsSync(path)).toBe(false);
    renameSync(join(base, 'moved'), path);
    expect((await site.read('dir/a')).equals(body)).toBe(true);
    expect(await names()).toEqual(['dir/a']);
  });

  // Mounting is root's alone; the tests above see the same with directories.
  if (process.getuid?.() === 0) {
    it('unmounted by force is told from an empty site, and nothing is written beside it', () => {
      const address = JSON.stringify({ type: 'disk', path });
      const script = 'mount -t tmpfs none "$0" && exec "$@"';
      const result = runMounted(script, [path, process.execPath, child, address, 'unmount', path]);
      const gone = 'site-unavailable';
      const codes = { create: gone, replace: gone, read: gone, stat: gone, list: gone, remove: gone };
      expect(result).toEqual({ codes, beside: [] });
    });
  }

  it('replaced before anything was stored is not begun in', async () => {
    renameSync(path, join(base, 'moved'));
    mkdirSync(path);
    await expect(site.create('dir/a', body)).rejects.toEqual(unavailable);
    await expect(site.replace('dir/a', body)).rejects.toEqual(unavailable);
    expect(readdirSync(path)).toEqual([]);
  });

  it('vanishing during a listing does not make a short list', async () => {
    for (let i = 0; i < 20; i++) await site.create(`dir-${i}/object`, body);
    const seen: string[] = [];
    const listing = (async () => {
      for await (const { name } of site.list('')) {
        if (seen.push(name) === 1) renameSync(path, join(base, 'moved'));
      }
    })();
    await expect(listing).rejects.toEqual(unavailable);
    renameSync(join(base, 'moved'), path);
  });

  it('comes to light when subdirectories vanish: they are made again', async () => {
    await site.create('a/b/c', body);
    rmSync(join(path, 'a'), { recursive: true });
    rmSync(join(path, '.tmp'), { recursive: true });
    await expect(site.read('a/b/c')).rejects.toEqual(failure('object-missing'));
    expect(await site.create('a/b/c', body)).toBe('created');
    rmSync(join(path, 'a'), { recursive: true });
    await site.replace('a/b/d', body);
    expect(await names()).toEqual(['a/b/d']);
  });

  it('is not lost sight of when unused directories are removed meanwhile', async () => {
    await site.create('a/b/c', body);
    await site.remove('a/b/c');
    rmSync(join(path, 'a'), { recursive: true });
    await site.remove('a/b/c');
    expect(await names()).toEqual([]);
  });
});

it('keeps objects from other users', async () => {
  await site.create('a/b', body);
  await site.replace('a/c', body);
  expect(statSync(join(path, 'a')).mode & 0o777).toBe(0o700);
  for (const name of ['a/b', 'a/c']) expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
});

it('leaves no file open', async () => {
  const open = () =>
    readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).startsWith(realpathSync(base))).length;
  expect(open()).toBe(1);
  mkdirSync(join(path, 'directory'));
  for (let i = 0; i < 20; i++) {
    await site.create(`a/${i}`, body);
    await site.create(`a/${i}`, body);
    await site.replace(`a/${i}`, body);
    await site.read(`a/${i}`, { offset: 1, length: 2 });
    await expect(site.read(`a/${i}`, { offset: 1, length: 200 })).rejects.toEqual(failure('object-damaged'));
    await expect(site.read('directory')).rejects.toEqual(failure('object-missing'));
    await expect(site.create('directory', body)).rejects.toEqual(unavailable);
    for await (const _ of site.list('')) break;
    await site.remove(`a/${i}`);
  }
  expect(open()).toBe(1);
  await site.close();
  expect(open()).toBe(0);
});

function linkOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return '';
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function setAge(file: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(file, then, then);
}

interface Filled {
  code: string;
  created: number;
  listed: string[];
  sizes: number[];
}

/** Runs a script of sh that ends in a site child, and gives what that printed. */
function runShell(script: string, args: string[], before: string[] = []): Filled {
  const [command, ...rest] = [...before, 'sh', '-c', script, ...(before.length > 0 ? args : ['sh', ...args])];
  const run = spawnSync(command!, rest, { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  return JSON.parse(run.stdout);
}

/** The same where mounts are seen by nobody else and end with it; `args[0]` is the script's $0. */
function runMounted(script: string, args: string[]): Filled {
  return runShell(script, args, ['unshare', '--mount', '--propagation', 'private']);
}
