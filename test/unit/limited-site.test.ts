import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import { limitRate } from '../../src/sites/limited.ts';
import type { Site } from '../../src/sites/site.ts';

/** Sleeps take no time; the clock goes on by them. */
function jumpingClock(): Clock & { slept: number } {
  const clock = {
    slept: 0,
    now: () => clock.slept,
    monotonic: () => clock.slept,
    sleep: async (ms: number) => {
      clock.slept += ms;
    },
  };
  return clock;
}

let clock: ReturnType<typeof jumpingClock>;
let site: Site;
beforeEach(async () => {
  clock = jumpingClock();
  const path = mkdtempSync(join(tmpdir(), 'holdfast-limited-'));
  site = limitRate(await openDiskSite({ name: 'slow', path, create: true }), 1000, clock);
});

it('lets an object go when the one before has had its time', async () => {
  await site.create('first', Buffer.alloc(3000));
  expect(clock.slept).toBe(0);
  await site.create('second', [Buffer.alloc(500), Buffer.alloc(500)]);
  expect(clock.slept).toBe(3000);
  await site.replace('third', Buffer.alloc(1));
  expect(clock.slept).toBe(4000);
});

it('counts what is read, also what is only known afterwards', async () => {
  await site.create('first', Buffer.alloc(2000));
  await site.read('first', { offset: 0, length: 500 });
  expect(clock.slept).toBe(2000);
  await site.read('first');
  expect(clock.slept).toBe(2500);
  await site.read('first', { offset: 0, length: 1 });
  expect(clock.slept).toBe(4500);
});

it('does not save up for later what was not used', async () => {
  await site.create('first', Buffer.alloc(1000));
  await clock.sleep(60_000);
  await site.create('second', Buffer.alloc(1000));
  await site.create('third', Buffer.alloc(1000));
  expect(clock.slept).toBe(61_000);
});

it('is the same site otherwise', async () => {
  await site.create('a/b', Buffer.from('text'));
  expect(await site.create('a/b', Buffer.from('other'))).toBe('exists');
  expect((await site.read('a/b')).toString()).toBe('text');
  expect(await site.stat('a/b')).toEqual({ size: 4 });
  const names: string[] = [];
  for await (const { name } of site.list('')) names.push(name);
  expect(names).toEqual(['a/b']);
  await site.remove('a/b');
  expect(await site.stat('a/b')).toBeUndefined();
  await site.close();
});
