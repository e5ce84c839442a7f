import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FilesCache } from '../../src/sources/files/cache.ts';
import { contentOf, encodeRecord, type KnownContent } from '../../src/sources/files/cache-record.ts';
import { type Facts, factsOf } from '../../src/sources/files/posix.ts';
import { temporaryDirectory } from '../support/files-tree.ts';

/** Facts of a file that is old and has numbers of all sizes. */
function facts(seed: number): Facts {
  return {
    mode: 0o100644,
    links: 1,
    uid: 0,
    gid: 0,
    size: seed * 2 ** 34 + 7,
    blocks: 8,
    inodeLow: 0xffff_ffff - seed,
    inodeHigh: 0xf000_0000 + seed,
    deviceMajor: 8,
    deviceMinor: 1,
    specialMajor: 0,
    specialMinor: 0,
    mtimeSeconds: -5 + seed,
    mtimeNanos: 999_999_999,
    ctimeSeconds: 1_000_000 + seed,
    ctimeNanos: 1,
  };
}

function content(seed: number): KnownContent {
  const ids = Buffer.alloc(32 * (1 + (seed % 3)), seed);
  const stream = { size: seed * 2 ** 34 + 7, sha256: Buffer.alloc(32, seed).toString('hex') };
  if (seed % 5 === 0) return { ids: new Uint8Array(0) };
  if (seed % 7 === 0) return { ids, stream: { ...stream, list: [Buffer.alloc(32, seed).toString('hex')] } };
  const chunks = Array.from({ length: ids.length / 32 }, () => Buffer.alloc(32, seed).toString('hex'));
  const extra = seed % 3 === 0 ? { xattrs: { 'user.ünï': 'AA==' }, data: [[0, 5] as [number, number]] } : {};
  return { ids, stream: { ...stream, chunks }, ...extra };
}

const names = Array.from(
  { length: 3000 },
  (_, i) => `d${String(i % 50).padStart(2, '0')}/f\xff${String(i).padStart(5, '0')}`,
).sort();
const now = 2_000_000_000_000;

function open(directory: string, started = now): Disposable & FilesCache {
  const descriptor = openSync(directory, 'r');
  try {
    return FilesCache.open(
      directory,
      { descriptor, facts: { ...factsOf(descriptor), deviceMajor: 8, deviceMinor: 1 } },
      started,
    );
  } finally {
    closeSync(descriptor);
  }
}

function filled(directory: string, finish = true): void {
  using cache = open(directory);
  for (const [i, name] of names.entries()) cache.add(encodeRecord(name, facts(i % 250), content(i % 250)));
  if (finish) cache.finish();
}

/** What a next run finds, every record of it checked against what was put in. */
function found(directory: string): number {
  using cache = open(directory);
  let count = 0;
  for (const [i, name] of names.entries()) {
    const record = cache.find(name, facts(i % 250));
    if (record === undefined) continue;
    count++;
    const known = contentOf(record);
    // Not by expect, which would take most of the time.
    if (!isDeepStrictEqual(plain(known), plain(content(i % 250)))) throw new Error(`${name} came back as another`);
  }
  return count;
}

function plain({ ids, ...rest }: KnownContent) {
  return { ...rest, ids: Buffer.from(ids).toString('hex') };
}

describe('the cache of files', () => {
  it('gives back what was put in', () => {
    const directory = temporaryDirectory();
    filled(directory);
    expect(readdirSync(directory)).toEqual(['files.cache']);
    expect(statSync(join(directory, 'files.cache')).mode & 0o777).toBe(0o600);
    expect(found(directory)).toBe(names.length);
  });

  it('knows one version of a file only', () => {
    const directory = temporaryDirectory();
    filled(directory);
    const changes: Partial<Facts>[] = [
      { size: 8 },
      { mtimeSeconds: 9 },
      { mtimeNanos: 9 },
      { ctimeSeconds: 9 },
      { ctimeNanos: 9 },
      { inodeLow: 9 },
      { inodeHigh: 9 },
      { deviceMajor: 9 },
      { deviceMinor: 9 },
    ];
    for (const change of changes) {
      using cache = open(directory);
      expect(cache.find(names[0]!, { ...facts(0), ...change }), JSON.stringify(change)).toBeUndefined();
      expect(cache.find(names[1]!, facts(1))).toBeDefined();
    }
  });

  it('goes past what is gone and what is new', () => {
    const directory = temporaryDirectory();
    filled(directory);
    using cache = open(directory);
    expect(cache.find('a', facts(1))).toBeUndefined();
    expect(cache.find(`${names[5]!}x`, facts(5))).toBeUndefined();
    expect(cache.find(names[2000]!, facts(2000 % 250))).toBeDefined();
    expect(cache.find('zzz', facts(1))).toBeUndefined();
  });

  it('never gives anything wrong, whatever bit is flipped', () => {
    const directory = temporaryDirectory();
    filled(directory);
    const file = join(directory, 'files.cache');
    const whole = readFileSync(file);
    let lost = 0;
    for (let i = 0; i < 60; i++) {
      const bytes = Buffer.from(whole);
      const at = Math.floor((i * bytes.length) / 60);
      bytes[at]! ^= 1 << (i % 8);
      writeFileSync(file, bytes);
      const count = found(directory);
      expect(count).toBeLessThan(names.length);
      lost += names.length - count;
    }
    expect(lost).toBeGreaterThan(0);
  });

  it('uses what is whole of one that was cut short', () => {
    const directory = temporaryDirectory();
    filled(directory);
    truncateSync(join(directory, 'files.cache'), statSync(join(directory, 'files.cache')).size - 1);
    const count = found(directory);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(names.length);
  });

  it('uses what a killed run had written, and drops it when a run ends well', () => {
    const directory = temporaryDirectory();
    filled(directory, false);
    expect(readdirSync(directory)).toEqual(['files.cache.unfinished']);
    const count = found(directory);
    expect(count).toBeGreaterThan(0);
    expect(readdirSync(directory).sort()).toEqual(['files.cache.interrupted', 'files.cache.unfinished']);
    filled(directory);
    expect(readdirSync(directory)).toEqual(['files.cache']);
  });

  it('does not follow a symlink that somebody put in its place', () => {
    const directory = temporaryDirectory();
    filled(directory);
    const elsewhere = temporaryDirectory();
    symlinkSync(join(directory, 'files.cache'), join(elsewhere, 'files.cache'));
    expect(found(elsewhere)).toBe(0);
  });

  it('trusts no file that was touched as late as the run that saw it', () => {
    const directory = temporaryDirectory();
    const seconds = 1_000_000;
    const file = { ...facts(1), ctimeSeconds: seconds, ctimeNanos: 500_000_000 };
    const trusted = (started: number) => {
      using cache = open(directory, started);
      return cache.keeps(file);
    };
    expect(trusted(seconds * 1000)).toBe(false);
    expect(trusted(seconds * 1000 + 500)).toBe(false);
    // A kernel's clock ticks some milliseconds apart.
    expect(trusted(seconds * 1000 + 505)).toBe(false);
    expect(trusted(seconds * 1000 + 60_000)).toBe(true);
    const whole = { ...file, ctimeNanos: 0 };
    using cache = open(directory, seconds * 1000 + 1500);
    expect(cache.keeps(whole), 'whole seconds').toBe(false);
    const elsewhere = { ...file, deviceMinor: 77 };
    using other = open(directory, seconds * 1000 + 30_000);
    expect(other.keeps(elsewhere), 'another device, whose clock may be another').toBe(false);
  });
});
