/** Machines with clocks of their own, which share an arbiter site in a directory. For the tests of leases. */
import { createHmac } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { defaultLeaseTtlMs, type LeaseSettings } from '../../src/repository/lease.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { ListedObject, Site } from '../../src/sites/site.ts';

export const source = 's1';
export const prefix = 'sources/s1/leases/';
export const ttl = defaultLeaseTtlMs;
export const held = expect.objectContaining({ name: 'HoldfastError', code: 'lease-held' });

export let path: string;
export let disk: Site;
/** Operations on the disk under way: time stands still meanwhile. */
let busy = 0;

/** Gives each test of a file an empty arbiter. */
export function useArbiter(): void {
  beforeEach(async () => {
    path = mkdtempSync(join(tmpdir(), 'holdfast-lease-'));
    disk = await openDiskSite({ name: 'arbiter', path });
    busy = 0;
  });
  afterEach(async () => {
    await disk.close();
    rmSync(path, { recursive: true });
  });
}

/** A machine with a clock of its own, which stands still unless told to run. */
export class Machine implements Clock {
  readonly name: string;
  wall = Date.parse('2026-11-22T10:00:00Z');
  time: number;
  #sleepers: { at: number; wake: () => void }[] = [];

  constructor(name: string, time = 5) {
    this.name = name;
    this.time = time;
  }

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.time;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const sleeper = { at: this.time + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
    });
  }

  /** Lets `ms` pass, waking who sleeps at the right moments, and what they start come to rest each time. */
  async run(ms: number): Promise<void> {
    await rest();
    const end = this.time + ms;
    for (;;) {
      const next = this.#sleepers.sort((a, b) => a.at - b.at)[0];
      const at = Math.max(this.time, Math.min(next?.at ?? end, end));
      this.wall += at - this.time;
      this.time = at;
      if (next === undefined || next.at > end) break;
      this.#sleepers.shift();
      next.wake();
      await rest();
    }
  }

  /** Nothing runs, but time goes by: the machine was too busy, or its process stopped. */
  skip(ms: number): void {
    this.time += ms;
    this.wall += ms;
  }
}

export async function rest(): Promise<void> {
  for (let quiet = 0; quiet < 5; quiet++) {
    await turn();
    if (busy > 0) quiet = 0;
  }
}

/** Lets time go by although `work`, a part of an operation, does not end. */
export async function unwatched(work: Promise<void>): Promise<void> {
  busy--;
  await work;
  busy++;
}

type Operation = 'create' | 'replace' | 'read' | 'list' | 'remove';

/** The disk, with `before` in the way of every operation. */
export function arbiter(before: (operation: Operation, name: string) => void | Promise<void> = () => {}): Site {
  const watched = async <T>(operation: Operation, name: string, work: () => Promise<T>): Promise<T> => {
    busy++;
    try {
      await before(operation, name);
      return await work();
    } finally {
      busy--;
    }
  };
  return {
    name: 'arbiter',
    create: (name, body) => watched('create', name, () => disk.create(name, body)),
    replace: (name, body) => watched('replace', name, () => disk.replace(name, body)),
    read: (name) => watched('read', name, () => disk.read(name)),
    stat: (name) => disk.stat(name),
    list: async function* (start) {
      yield* await watched('list', start, async () => {
        const found: ListedObject[] = [];
        for await (const object of disk.list(start)) found.push(object);
        return found;
      });
    },
    remove: (name) => watched('remove', name, () => disk.remove(name)),
    close: async () => {},
  };
}

export const noDelete = () =>
  arbiter((operation) => {
    if (operation === 'remove') throw new HoldfastError('site-unavailable', 'No right to delete.');
  });

export function signWith(key: string): (payload: Record<string, unknown>) => Uint8Array {
  return (payload) => {
    const text = JSON.stringify(payload);
    return Buffer.from(JSON.stringify({ text, mac: createHmac('sha256', key).update(text).digest('hex') }));
  };
}

export function verify(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const { text, mac } = JSON.parse(Buffer.from(bytes).toString());
    return createHmac('sha256', 'trusted').update(text).digest('hex') === mac ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

export function settings(machine: Machine, more: Partial<LeaseSettings> = {}): LeaseSettings {
  const holder = { host: machine.name, process: `p-${machine.name}`, pid: 4711, bootId: machine.name, startedAt: '1' };
  const sign = signWith('trusted');
  return { site: arbiter(), source, prefix, holder, ttlMs: ttl, clock: machine, sign, verify, what: 'backup', ...more };
}

export const numbers = () => readdirSync(join(path, prefix)).map(Number).sort();

export async function stored(number: number): Promise<Record<string, unknown>> {
  return verify(await disk.read(prefix + number))!;
}

/** What a claim came to, at the machine's time. */
export function outcome<T>(machine: Machine, work: Promise<T>): { at?: number; value?: T; error?: HoldfastError } {
  const seen: { at?: number; value?: T; error?: HoldfastError } = {};
  work.then(
    (value) => Object.assign(seen, { at: machine.time, value }),
    (error) => Object.assign(seen, { at: machine.time, error }),
  );
  return seen;
}
