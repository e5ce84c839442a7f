/** System calls that fail in ways no test machine can be brought to, and the order in which things are synced. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import * as real from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { Site } from '../../src/sites/site.ts';

/** Stands before a system call: may throw, or do more than it should. */
const before: { link?: (from: string, to: string) => Promise<void>; rename?: () => void } = {};
const calls: string[] = [];
let path = '';

vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof real>();
  const named = (file: unknown) => String(file).slice(path.length + 1) || '/';
  return {
    ...actual,
    link: async (from: string, to: string) => {
      calls.push(`link ${named(to)}`);
      await before.link?.(from, to);
      await actual.link(from, to);
    },
    rename: async (from: string, to: string) => {
      calls.push(`rename ${named(to)}`);
      before.rename?.();
      await actual.rename(from, to);
    },
    mkdir: async (directory: string, options: object) => {
      const made = await actual.mkdir(directory, options);
      calls.push(`mkdir ${named(directory)}`);
      return made;
    },
    open: async (file: string, ...rest: []) => {
      const handle = await actual.open(file, ...rest);
      const sync = handle.sync.bind(handle);
      handle.sync = async () => {
        calls.push(file.includes('/.tmp/') ? 'sync body' : `sync ${named(file)}`);
        const failing = failSync.get(named(file));
        if (failing) throw fault(failing);
        await sync();
      };
      return handle;
    },
  };
});

/** Error codes of syncs, by directory. */
const failSync = new Map<string, string>();
const fault = (code: string) => Object.assign(new Error(code), { code });
const failure = (code: string) => expect.objectContaining({ name: 'HoldfastError', code });
const body = Buffer.from('an object');

let site: Site;

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  site = await openDiskSite({ name: 'shelf', path });
  calls.length = 0;
});
afterEach(async () => {
  delete before.link;
  delete before.rename;
  failSync.clear();
  await site.close();
  rmSync(path, { recursive: true });
});

async function temporaries(): Promise<string[]> {
  return real.readdir(join(path, '.tmp'));
}

describe('what is acknowledged survives a power cut, because', () => {
  it('create syncs the body, then names it, then syncs the directory, and each new directory in its parent', async () => {
    await site.create('packs/aa/one', body);
    expect(calls).toEqual([
      'mkdir .tmp',
      'sync /',
      'sync body',
      'mkdir packs',
      'sync /',
      'mkdir packs/aa',
      'sync packs',
      'link packs/aa/one',
      'sync packs/aa',
    ]);
    calls.length = 0;
    await site.create('packs/aa/two', body);
    expect(calls).toEqual(['sync body', 'link packs/aa/two', 'sync packs/aa']);
  });

  it('directories that another process made may not be synced yet: they are, once', async () => {
    await real.mkdir(join(path, 'packs/aa'), { recursive: true });
    calls.length = 0;
    await site.create('packs/aa/one', body);
    expect(calls).toEqual([
      'mkdir .tmp',
      'sync /',
      'sync body',
      'sync /',
      'sync packs',
      'link packs/aa/one',
      'sync packs/aa',
    ]);
  });

  it('exists is as durable as created: whoever created may not have come to its sync', async () => {
    await real.mkdir(join(path, 'packs'));
    await real.writeFile(join(path, 'packs/one'), body);
    calls.length = 0;
    expect(await site.create('packs/one', body)).toBe('exists');
    expect(calls).toEqual(['sync /', 'sync packs']);
  });

  it('replace syncs the body before the rename, and the directory after', async () => {
    await site.replace('leases/1', body);
    calls.length = 0;
    await site.replace('leases/1', body);
    expect(calls).toEqual(['sync body', 'rename leases/1', 'sync leases']);
  });

  it('remove syncs the directory', async () => {
    await site.create('packs/one', body);
    calls.length = 0;
    await site.remove('packs/one');
    expect(calls).toEqual(['sync packs']);
  });

  it('a new site is synced up to the directory that was there', async () => {
    const deep = join(path, 'x/y/site');
    const made = await openDiskSite({ name: 'shelf', path: deep, create: true });
    await made.close();
    expect(calls.filter((call) => call.startsWith('sync')).sort()).toEqual(['sync /', 'sync x', 'sync x/y']);
    expect(relative(path, deep)).toBe('x/y/site');
  });
});

describe('failing system calls', () => {
  it('a body that cannot be written gets no name', async () => {
    await site.create('packs/one', body);
    const handle = await real.open(join(path, 'packs/one'));
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    const writev = vi.spyOn(prototype, 'writev').mockRejectedValueOnce(fault('EIO'));
    try {
      await expect(site.create('packs/two', body)).rejects.toEqual(failure('site-unavailable'));
    } finally {
      writev.mockRestore();
    }
    expect(await site.stat('packs/two')).toBeUndefined();
    expect(await temporaries()).toEqual([]);
  });

  it('short writes are gone on with', async () => {
    await site.create('packs/one', body);
    const handle = await real.open(join(path, 'packs/one'));
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    const whole = prototype.writev;
    const writev = vi.spyOn(prototype, 'writev').mockImplementation(function (this: unknown, parts: unknown) {
      return whole.call(this, [(parts as Uint8Array[])[0]!.subarray(0, 4)]);
    });
    const parts = ['', 'abc', 'defg', '', 'hijklmno', 'p'].map((text) => Buffer.from(text));
    try {
      await site.create('packs/two', parts);
      expect(writev).toHaveBeenCalledTimes(5);
    } finally {
      writev.mockRestore();
    }
    expect((await site.read('packs/two')).toString()).toBe('abcdefghijklmnop');
  });

  it.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('%s is site-full', async (code) => {
    before.link = async () => {
      throw fault(code);
    };
    await expect(site.create('packs/one', body)).rejects.toEqual(failure('site-full'));
    before.rename = () => {
      throw fault(code);
    };
    await expect(site.replace('packs/one', body)).rejects.toEqual(failure('site-full'));
    expect(await site.stat('packs/one')).toBeUndefined();
    expect(await temporaries()).toEqual([]);
  });

  it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])(
    'a filesystem without hard links (%s) is refused in words, and can be read',
    async (code) => {
      await real.writeFile(join(path, 'copied'), body);
      before.link = async () => {
        throw fault(code);
      };
      const refusal = expect.objectContaining({ code: 'site-unavailable', why: expect.stringContaining('hard links') });
      await expect(site.create('packs/one', body)).rejects.toEqual(refusal);
      expect(await site.stat('packs/one')).toBeUndefined();
      expect(await temporaries()).toEqual([]);
      expect((await site.read('copied')).equals(body)).toBe(true);
    },
  );

  it('a link that was made though it says EEXIST was ours', async () => {
    before.link = async (from, to) => {
      const { link } = await vi.importActual<typeof real>('node:fs/promises');
      await link(from, to);
    };
    expect(await site.create('packs/one', body)).toBe('created');
    expect(statSync(join(path, 'packs/one')).nlink).toBe(1);
    delete before.link;
    expect(await site.create('packs/one', body)).toBe('exists');
  });

  it('a directory that cannot be synced is an error, unless its filesystem never can', async () => {
    await site.create('packs/one', body);
    failSync.set('packs', 'EIO');
    await expect(site.create('packs/two', body)).rejects.toEqual(failure('site-unavailable'));
    await expect(site.create('packs/one', body)).rejects.toEqual(failure('site-unavailable'));
    failSync.set('packs', 'EINVAL');
    expect(await site.create('packs/three', body)).toBe('created');
    // What was linked before the failed sync is whole.
    expect((await site.read('packs/two')).equals(body)).toBe(true);
  });

  it('that are mistakes of this program are not blamed on the disk', async () => {
    for (const mistake of [new TypeError('a mistake'), fault('ERR_INVALID_ARG_TYPE')]) {
      before.link = async () => {
        throw mistake;
      };
      await expect(site.create('packs/one', body)).rejects.toBe(mistake);
    }
  });
});
