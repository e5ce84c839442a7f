/** Retention, grace and sweep over several sites, with a clock that is set. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { initRepository } from '../../src/jobs/init.ts';
import { prune } from '../../src/jobs/prune.ts';
import { sync } from '../../src/jobs/sync.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { makePin } from '../../src/repository/pins.ts';
import type { Keep } from '../../src/repository/retention.ts';
import { type KnownSnapshot, listSnapshots } from '../../src/repository/snapshot.ts';
import { alignSource } from '../../src/repository/source-copies.ts';
import { openSource } from '../../src/repository/source-record.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import { FaultySite, unreachable } from '../support/faulty-site.ts';
import {
  clockAt,
  hashes,
  parties,
  RepositoryFixture,
  readSnapshot,
  writeSnapshot,
} from '../support/repository-fixture.ts';

const dayMs = 86_400_000;
const begin = Date.parse('2026-01-01T04:00:00Z');
const keep: Keep = { last: 0, daily: 3, weekly: 0, monthly: 0, yearly: 0 };

let fixture: RepositoryFixture;
let clock: ReturnType<typeof clockAt>;
let sites: FaultySite[];
/** What each snapshot holds, by its id. */
let contents: Map<string, Record<string, Buffer>>;

beforeEach(async () => {
  fixture = new RepositoryFixture();
  clock = clockAt(begin);
  contents = new Map();
  sites = [];
  for (const name of ['near', 'far']) {
    const site = new FaultySite(await openDiskSite({ name, path: join(fixture.directory, name), create: true }));
    sites.push(site);
    await initRepository(await fixture.access({ site, clock }));
  }
});

function access(of: readonly FaultySite[] = sites, more: Partial<RepositoryAccess> = {}, patienceMs = 60_000) {
  return fixture.accessTo(of, { clock, ...more, patienceMs });
}

const common = randomBytes(300_000);

async function day(number: number, of: readonly FaultySite[] = sites): Promise<KnownSnapshot> {
  clock.set(begin + number * dayMs);
  const made = { common, own: randomBytes(200_000), day: Buffer.from(`${number}`) };
  const run = await access(of);
  await alignSource(run, 'app');
  const { snapshot } = await writeSnapshot(run, 'app', made);
  await alignSource(run, 'app');
  contents.set(snapshot.id, made);
  return snapshot;
}

async function pruned(of: readonly FaultySite[] = sites, more: Partial<Parameters<typeof prune>[1]> = {}) {
  const request = { sources: [{ name: 'app', keep }], timeZone: 'UTC', dryRun: false, ...more };
  const report = await prune(await access(of), request);
  expect(report.sources.map(({ error }) => error)).toEqual(report.sources.map(() => undefined));
  return { ...report, ...report.sources[0]! };
}

/** Restores all that one site shows, alone. */
async function shownAt(site: FaultySite): Promise<number[]> {
  const reader = await fixture.access({
    site: site.inner,
    clock,
    identities: [parties.anna],
    machine: `at-${site.name}`,
  });
  const { snapshots } = await listSnapshots(reader, await openSource(reader, 'app'));
  for (const snapshot of snapshots) {
    expect(hashes(await readSnapshot(reader, 'app', snapshot))).toEqual(hashes(contents.get(snapshot.id)!));
  }
  return snapshots.map(({ sequence }) => sequence);
}

async function objects(site: FaultySite, kind: string): Promise<number> {
  const paths = await readdir(join(fixture.directory, site.name), { recursive: true });
  return paths.filter((path) => path.includes(`/${kind}/`) && /[0-9a-f]{64}$/.test(path)).length;
}

describe('prune', () => {
  it('drops what retention does not keep, removes it after the grace period, and then has nothing to do', async () => {
    for (let number = 0; number < 6; number++) await day(number);
    const packsBefore = await objects(sites[0]!, 'packs');
    const plan = await pruned(sites, { dryRun: true });
    expect(plan.snapshots.filter(({ reasons }) => reasons.length === 0).map(({ sequence }) => sequence)).toEqual([
      3, 2, 1,
    ]);
    for (const site of sites) expect(await shownAt(site)).toEqual([1, 2, 3, 4, 5, 6]);

    const first = await pruned();
    expect(first.outcome).toBe('done');
    expect(first.sites.map(({ packs, snapshots }) => packs + snapshots)).toEqual([0, 0]);
    for (const site of sites) expect(await shownAt(site)).toEqual([4, 5, 6]);
    expect(await objects(sites[0]!, 'packs')).toBe(packsBefore);
    expect((await pruned()).waiting).toHaveLength(3);

    clock.set(begin + 12 * dayMs + 1000);
    const second = await pruned();
    expect(second.sites).toMatchObject([
      { site: 'near', snapshots: 3 },
      { site: 'far', snapshots: 3 },
    ]);
    expect(second.sites[0]!.packs).toBeGreaterThan(0);
    expect(second.sites[0]!.bytes).toBeGreaterThan(2 * 200_000);
    for (const site of sites) {
      expect(await shownAt(site)).toEqual([4, 5, 6]);
      expect(await objects(site, 'packs')).toBe(packsBefore - second.sites[0]!.packs);
    }
    const third = await pruned();
    expect(third.sites.map(({ packs, snapshots, indexes }) => packs + snapshots + indexes)).toEqual([0, 0]);
    expect(third.waiting).toEqual([]);
    // The chunk that all have in common is still deduplicated against, and the chain goes on.
    expect((await day(13)).sequence).toBe(7);
    for (const site of sites) expect(await shownAt(site)).toEqual([4, 5, 6, 7]);
  });

  it('goes on where it was killed, at whichever removal', async () => {
    for (let number = 0; number < 6; number++) await day(number);
    await pruned();
    clock.set(begin + 13 * dayMs);
    for (let round = 1; ; round++) {
      let left = round;
      for (const site of sites) {
        site.fault = (operation) => {
          if (operation === 'remove' && --left < 0) throw new Error('killed');
        };
      }
      const run = await access();
      const report = await prune(run, { sources: [{ name: 'app', keep }], timeZone: 'UTC', dryRun: false });
      for (const site of sites) site.fault = undefined;
      for (const site of sites) expect(await shownAt(site)).toEqual([4, 5, 6]);
      if (report.sources[0]!.error === undefined) break;
      expect(report.sources[0]!.error.message).toBe('killed');
      expect(round).toBeLessThan(60);
    }
    // Packs that were left over by a killed removal of their snapshot wait for the grace period like any other.
    clock.set(begin + 21 * dayMs);
    await pruned();
    clock.set(begin + 29 * dayMs);
    await pruned();
    expect(await objects(sites[0]!, 'packs')).toBe(await objects(sites[1]!, 'packs'));
    expect(await objects(sites[0]!, 'snapshots')).toBe(3);
  });

  it('reaches a site that was away when it is back, and sync brings nothing back that is dropped', async () => {
    for (let number = 0; number < 6; number++) await day(number);
    const [near, far] = sites as [FaultySite, FaultySite];
    await pruned([near]);
    clock.set(begin + 13 * dayMs);
    await pruned([near]);
    expect(await objects(near, 'snapshots')).toBe(3);
    // Alone it knows of no tombstones, and shows all; together nothing is dropped shows.
    expect(await shownAt(far)).toEqual([1, 2, 3, 4, 5, 6]);
    const before = await objects(near, 'packs');
    const report = await sync(await access(), { sources: ['app'], dryRun: false });
    expect(report).toMatchObject({ outcome: 'done', problems: [] });
    expect(await objects(near, 'packs')).toBe(before);
    expect(await objects(near, 'snapshots')).toBe(3);
    expect(await shownAt(far)).toEqual([4, 5, 6]);
    await pruned();
    expect(await objects(far, 'snapshots')).toBe(3);
  });

  it('leaves a site alone that cannot be reached, and says so', async () => {
    for (let number = 0; number < 6; number++) await day(number);
    sites[1]!.fault = unreachable('far');
    const report = await pruned();
    expect(report).toMatchObject({
      outcome: 'partial',
      dropped: [{ site: 'far', error: { code: 'site-unavailable' } }],
    });
    sites[1]!.fault = undefined;
    expect(await shownAt(sites[1]!)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('removes no pack that a backup under way refers to when it is done', async () => {
    for (let number = 0; number < 6; number++) await day(number);
    await pruned();
    clock.set(begin + 13 * dayMs);
    // A backup commits between the plan and the removal.
    let meanwhile: Promise<unknown> | undefined;
    const [near] = sites as [FaultySite, FaultySite];
    let lists = 0;
    near.fault = async (operation, name) => {
      if (operation !== 'list' || !name.endsWith('/packs/') || meanwhile || ++lists < 1) return;
      near.fault = undefined;
      meanwhile = day(13);
      await meanwhile;
    };
    await pruned();
    expect(meanwhile).toBeDefined();
    for (const site of sites) expect(await shownAt(site)).toEqual([4, 5, 6, 7]);
  });

  it('pauses on a clock that is behind, on rollback, and on content that is unusual', async () => {
    for (let number = 0; number < 6; number++) await day(number);
    clock.set(begin);
    expect(await pruned()).toMatchObject({ pause: { because: 'clock' }, sites: [] });
    clock.set(begin + 6 * dayMs);
    const newest = (await day(6)).id;
    const path = `sources/${(await access()).trust.sourceId('app')}/snapshots/${newest}`;
    for (const site of sites) await site.remove(path);
    expect(await pruned()).toMatchObject({ pause: { because: 'rollback' } });
    for (const site of sites) expect(await shownAt(site)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('keeps what is pinned until it is not', async () => {
    const first = await day(0);
    for (let number = 1; number < 6; number++) await day(number);
    const run = await access();
    const source = await openSource(run, 'app');
    const pin = async (pinned: boolean) => {
      const { name, bytes } = makePin(run, parties.web1, source, { snapshot: first.id, pinned });
      for (const site of sites) await site.create(source.layout.pins + name, bytes);
    };
    await pin(true);
    await pruned();
    expect(await shownAt(sites[0]!)).toEqual([1, 4, 5, 6]);
    clock.set(clock.now() + 1000);
    await pin(false);
    await pruned();
    expect(await shownAt(sites[0]!)).toEqual([4, 5, 6]);
  });

  it('keeps what is pinned although the first site gives something else in place of the pin', async () => {
    const first = await day(0);
    for (let number = 1; number < 6; number++) await day(number);
    const run = await access();
    const source = await openSource(run, 'app');
    const pin = makePin(run, parties.web1, source, { snapshot: first.id, pinned: true });
    for (const site of sites) await site.create(source.layout.pins + pin.name, pin.bytes);
    // Signed as it must be, and not what its name promises.
    const other = makePin(run, parties.web1, source, { snapshot: first.id, pinned: false });
    await sites[0]!.replace(source.layout.pins + pin.name, other.bytes);
    await pruned();
    expect(await shownAt(sites[1]!)).toEqual([1, 4, 5, 6]);
  });

  it('never takes the last snapshots from a site that has missed the newer ones', async () => {
    const [near, far] = sites as [FaultySite, FaultySite];
    for (let number = 0; number < 2; number++) await day(number);
    for (let number = 2; number < 6; number++) await day(number, [near]);
    await pruned();
    clock.set(begin + 13 * dayMs);
    await pruned();
    expect(await objects(far, 'snapshots')).toBe(2);
    expect(await objects(near, 'snapshots')).toBe(3);
    await sync(await access(), { sources: ['app'], dryRun: false });
    await pruned();
    expect(await objects(far, 'snapshots')).toBe(3);
    expect(await shownAt(far)).toEqual([4, 5, 6]);
  });

  it('is not undercut by a backup whose clock has stopped', async () => {
    const gone = { own: randomBytes(400_000) };
    clock.set(begin);
    const first = await access();
    await writeSnapshot(first, 'app', gone);
    for (let number = 1; number < 6; number++) await day(number);
    await pruned();
    // Years behind, so that everything looks young: what only dropped snapshots need must not be relied on.
    const stopped = clockAt(begin);
    const late = await fixture.accessTo(sites, { clock: stopped });
    const { snapshot } = await writeSnapshot(late, 'app', gone);
    const { packs } = (await pruned(sites, { dryRun: true })) && snapshot;
    const old = (await listSnapshots(await access(), await openSource(await access(), 'app'))).tombstoned[0]!;
    expect(packs.filter((pack) => old.packs.includes(pack))).toEqual([]);
  });

  it('does not believe a tombstone that a stranger signed', async () => {
    const { id, sequence, time } = await day(0);
    const run = await access(sites, { host: parties.stranger });
    const { makeTombstone } = await import('../../src/repository/tombstones.ts');
    const source = await openSource(await access(), 'app');
    const { name, bytes } = makeTombstone(run, parties.stranger, source, { id, sequence, time });
    for (const site of sites) await site.create(source.layout.tombstones + name, bytes);
    expect(await shownAt(sites[0]!)).toEqual([1]);
  });
});

describe('sync', () => {
  it('makes sites equal, and then moves nothing', async () => {
    const [near, far] = sites as [FaultySite, FaultySite];
    await day(0);
    for (let number = 1; number < 4; number++) await day(number, [near]);
    expect(await shownAt(far)).toEqual([1]);
    const plan = await sync(await access(), { sources: ['app'], dryRun: true });
    expect(plan.sites).toMatchObject([{ objects: 0 }, { site: 'far', snapshots: 3 }]);
    expect(await shownAt(far)).toEqual([1]);
    const first = await sync(await access(), { sources: ['app'], dryRun: false });
    expect(first.sites).toEqual(plan.sites);
    expect(await shownAt(far)).toEqual([1, 2, 3, 4]);
    const second = await sync(await access(), { sources: ['app'], dryRun: false });
    expect(second).toMatchObject({ outcome: 'done', sites: [{ objects: 0 }, { objects: 0 }] });
  });

  it('needs no key at all, and seeds a new site', async () => {
    const [near, far] = sites as [FaultySite, FaultySite];
    for (let number = 0; number < 3; number++) await day(number, [near]);
    const { host: _, ...keyless } = await access();
    const blind = { ...keyless, identities: [] };
    Object.defineProperty(blind, 'site', { get: () => blind.sites!.primary });
    const report = await sync(blind, { sources: [], dryRun: false });
    expect(report).toMatchObject({ outcome: 'done', sites: [{ objects: 0 }, { site: 'far', snapshots: 3 }] });
    expect(await shownAt(far)).toEqual([1, 2, 3]);
  });

  it('passes on no damage, and gives no snapshot to a site that lacks a pack', async () => {
    const [near, far] = sites as [FaultySite, FaultySite];
    const { packs } = await day(0, [near]);
    const name = `sources/${(await access()).trust.sourceId('app')}/packs/${packs[0]!.slice(0, 2)}/${packs[0]}`;
    const bytes = await near.read(name);
    bytes[9]! ^= 1;
    await near.remove(name);
    await near.create(name, bytes);
    const report = await sync(await access(), { sources: ['app'], dryRun: false });
    expect(report).toMatchObject({ outcome: 'partial', problems: [{ site: 'near', object: name }] });
    expect(await shownAt(far)).toEqual([]);
    expect(await far.stat(name)).toBeUndefined();
  });

  it('does not give up a site that is slow and moves', async () => {
    const [near, far] = sites as [FaultySite, FaultySite];
    for (let number = 0; number < 3; number++) await day(number, [near]);
    const run = await access(sites, {}, 1500);
    far.fault = async (operation) => {
      if (operation === 'create') await new Promise((resolve) => setTimeout(resolve, 700));
    };
    const begun = performance.now();
    expect(await sync(run, { sources: ['app'], dryRun: false })).toMatchObject({ outcome: 'done', dropped: [] });
    expect(performance.now() - begun).toBeGreaterThan(1500);
    expect(await shownAt(far)).toEqual([1, 2, 3]);
  });

  it('goes on where it was cut off', async () => {
    const [near, far] = sites as [FaultySite, FaultySite];
    for (let number = 0; number < 3; number++) await day(number, [near]);
    for (let most = 1; ; most += 3) {
      let left = most;
      far.fault = (operation) => {
        if (operation === 'create' && --left < 0) throw new Error('killed');
      };
      const done = await sync(await access(), { sources: ['app'], dryRun: false }).catch((error) => {
        expect(error.message).toBe('killed');
      });
      far.fault = undefined;
      if (done) break;
    }
    expect(await shownAt(far)).toEqual([1, 2, 3]);
  });
});
