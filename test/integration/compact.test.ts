/** Compaction over several sites, with prune, sync and backups between: whatever happens, what a site lists it restores alone. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { check } from '../../src/jobs/check.ts';
import { compactSources } from '../../src/jobs/compact.ts';
import { initRepository } from '../../src/jobs/init.ts';
import { prune } from '../../src/jobs/prune.ts';
import { repair } from '../../src/jobs/repair.ts';
import { sync } from '../../src/jobs/sync.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { sealCatalogObject } from '../../src/repository/catalog-object.ts';
import { loadIndexes } from '../../src/repository/index-load.ts';
import { Ingest } from '../../src/repository/ingest.ts';
import type { Keep } from '../../src/repository/retention.ts';
import { type KnownSnapshot, listSnapshots } from '../../src/repository/snapshot.ts';
import { SnapshotWriter } from '../../src/repository/snapshot-writer.ts';
import { alignSource } from '../../src/repository/source-copies.ts';
import { openOrCreateSource, openSource } from '../../src/repository/source-record.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import { FaultySite, unreachable } from '../support/faulty-site.ts';
import { clockAt, hashes, parties, RepositoryFixture, readSnapshot } from '../support/repository-fixture.ts';

const run = promisify(execFile);
const dayMs = 86_400_000;
const begin = Date.parse('2026-01-01T04:00:00Z');
/** The newest, and one a month: the others go. */
const keep: Keep = { last: 1, daily: 0, weekly: 0, monthly: 12, yearly: 0 };

let fixture: RepositoryFixture;
let clock: ReturnType<typeof clockAt>;
let sites: FaultySite[];
let near: FaultySite;
let far: FaultySite;
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
  [near, far] = sites as [FaultySite, FaultySite];
});

function access(of: readonly FaultySite[] = sites, more: Partial<RepositoryAccess> & { machine?: string } = {}) {
  return fixture.accessTo(of, { clock, ...more });
}

const anna = () => ({ identities: [parties.anna], host: undefined as never, machine: 'laptop' });

/** A backup that can be held in the middle. */
async function beginBackup(of: readonly FaultySite[] = sites) {
  const at = await access(of);
  await alignSource(at, 'app');
  const writer = await SnapshotWriter.open(at, await openOrCreateSource(at, 'app'), () => {});
  return {
    async commit(made: Record<string, Buffer>): Promise<KnownSnapshot> {
      const ingest = new Ingest(writer.ingestSettings, writer);
      for (const [name, bytes] of Object.entries(made)) {
        const stream = ingest.stream(undefined, name.startsWith('long') ? 0 : undefined);
        await stream.write(bytes);
        const { stored } = await stream.end();
        if (name.startsWith('long')) expect(stored.list).toBeDefined();
        await writer.writeLine({ kind: 'output', filename: name, stream: stored });
      }
      await ingest.flush();
      const snapshot = await writer.commit({ type: 'command', tags: [], totals: {}, shortfalls: [] });
      contents.set(snapshot.id, made);
      await alignSource(at, 'app');
      return snapshot;
    },
    stored: () => writer.storedBytes,
  };
}

async function backUp(number: number, made: Record<string, Buffer>, of: readonly FaultySite[] = sites) {
  clock.set(begin + number * dayMs);
  return (await beginBackup(of)).commit(made);
}

async function compacted(of: readonly FaultySite[] = sites, more: { dryRun?: boolean; as?: object } = {}) {
  const request = { sources: ['app'], deadShare: 0.3, dryRun: more.dryRun ?? false };
  const report = await compactSources(await access(of, { ...anna(), ...more.as }), request);
  return { ...report, ...report.sources[0]! };
}

async function pruned(of: readonly FaultySite[] = sites) {
  const report = await prune(await access(of), {
    sources: [{ name: 'app', keep }],
    timeZone: 'UTC',
    dryRun: false,
    evenIfUnusual: true,
  });
  expect(report.sources.map(({ error, pause }) => error ?? pause)).toEqual([undefined]);
  return report.sources[0]!;
}

/** Drops, waits for the grace period and removes, as daily runs would. */
async function prunedForDays(first: number, days: number, of: readonly FaultySite[] = sites) {
  for (let number = first; number <= first + days; number += 4) {
    clock.set(begin + number * dayMs + 3_600_000);
    await pruned(of);
  }
}

/** Restores all that one site shows, with nothing but that site. */
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

async function packsAt(site: FaultySite): Promise<Set<string>> {
  const paths = await readdir(join(fixture.directory, site.name), { recursive: true });
  return new Set(paths.flatMap((path) => /packs\/..\/([0-9a-f]{64})$/.exec(path)?.[1] ?? []));
}

async function bytesAt(site: FaultySite): Promise<number> {
  const at = await openDiskSite({ name: site.name, path: join(fixture.directory, site.name) });
  let sum = 0;
  for await (const { name, size } of at.list('sources/')) if (name.includes('/packs/')) sum += size;
  return sum;
}

const keptFromTheFirst = randomBytes(150_000);

/**
 * Day 0 stores much of which day 1 needs little; day 0's own snapshot goes when day 2 is there. What is needed after that
 * is a seventh of the first pack, and all of what day 1 and 2 added.
 */
async function mostlyDead() {
  const passing = randomBytes(900_000);
  const first = await backUp(0, { passing, long: keptFromTheFirst });
  const second = await backUp(1, { long: keptFromTheFirst, own: randomBytes(90_000) });
  await backUp(32, { long: keptFromTheFirst, own: randomBytes(90_000) });
  await prunedForDays(32, 12);
  return { first, second, passing };
}

describe('compact', () => {
  it('plans, rewrites, and gives the bytes back after the grace period; then the oldest snapshot restores', async () => {
    const { first } = await mostlyDead();
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    const before = await bytesAt(near);
    const plan = await compacted(sites, { dryRun: true });
    expect(plan).toMatchObject({ outcome: 'done', rewrite: { packs: 1 } });
    expect(plan.deadBytes).toBeGreaterThan(800_000);
    expect(plan.done).toBeUndefined();
    expect(await bytesAt(near)).toBe(before);

    const report = await compacted();
    expect(report).toMatchObject({
      outcome: 'done',
      done: { replaced: { packs: 1 }, written: { packs: 1 }, indexes: 1 },
    });
    expect(report.removableFrom).toBe(new Date(clock.now() + 7 * dayMs).toISOString());
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    // Done once is done: nothing is to be rewritten again, although the old pack is still there.
    expect(await compacted()).toMatchObject({ rewrite: { packs: 0 } });

    await prunedForDays(45, 4);
    for (const site of sites)
      expect((await packsAt(site)).has(first.packs[0]!) || (await packsAt(site)).has(first.packs[1]!)).toBe(true);
    await prunedForDays(53, 4);
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    expect(await bytesAt(near)).toBeLessThan(before - 800_000);
    expect(await packsAt(near)).toEqual(await packsAt(far));
    // And the index object by which they are found stays as long as they are needed.
    await prunedForDays(60, 20);
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
  });

  it('is deduplicated against, and what was replaced is not', async () => {
    const { first, second, passing } = await mostlyDead();
    const [replaced] = second.packs.filter((pack) => first.packs.includes(pack));
    const underWay = await beginBackup();
    await compacted();
    // It began before, names the old pack, and keeps it alive.
    expect((await underWay.commit({ passing, long: keptFromTheFirst })).packs).toContain(replaced);
    const next = await beginBackup();
    const snapshot = await next.commit({ long: keptFromTheFirst });
    expect(next.stored()).toBeLessThan(20_000);
    expect(snapshot.packs).not.toContain(replaced);
    // Nobody takes up any more what is only there.
    const again = await beginBackup();
    expect((await again.commit({ passing })).packs).not.toContain(replaced);
    expect(again.stored()).toBeGreaterThan(900_000);
    await prunedForDays(45, 20);
    for (const site of sites) expect((await shownAt(site)).at(-1)).toBe(6);
  });

  it('loses nothing to a backup that began before it and takes up what was dead', async () => {
    const { passing } = await mostlyDead();
    // A snapshot that is dropped still names the pack; so the writer finds the dead chunks there.
    const underWay = await beginBackup();
    expect(await compacted()).toMatchObject({ rewrite: { packs: 1 } });
    clock.set(clock.now() + 3 * dayMs);
    const snapshot = await underWay.commit({ passing, more: randomBytes(1000) });
    expect(underWay.stored()).toBeLessThan(100_000);
    for (const site of sites) expect((await shownAt(site)).at(-1)).toBe(snapshot.sequence);
    await prunedForDays(50, 24);
    for (const site of sites) expect((await shownAt(site)).at(-1)).toBe(snapshot.sequence);
    // It can be compacted in its turn, for the new snapshot too.
    await compacted();
    await prunedForDays(76, 24);
    for (const site of sites) expect((await shownAt(site)).at(-1)).toBe(snapshot.sequence);
  });

  it('does not remove at once what a backup under way relies on, because a dropped snapshot named it too', async () => {
    await backUp(0, { passing: randomBytes(900_000), long: keptFromTheFirst });
    await backUp(1, { long: keptFromTheFirst });
    await backUp(32, { long: keptFromTheFirst });
    await pruned();
    clock.set(begin + 38 * dayMs);
    const underWay = await beginBackup();
    expect(await compacted()).toMatchObject({ rewrite: { packs: 1 } });
    clock.set(begin + 40 * dayMs);
    expect(await pruned()).toMatchObject({ sites: [{ snapshots: 1 }, { snapshots: 1 }] });
    const snapshot = await underWay.commit({ long: keptFromTheFirst });
    for (const site of sites) expect((await shownAt(site)).at(-1)).toBe(snapshot.sequence);
  });

  it('twice in a row, and a third time down to nothing', async () => {
    const pieces = Array.from({ length: 3 }, () => randomBytes(300_000));
    const passing = randomBytes(900_000);
    await backUp(0, { passing, a: pieces[0]!, b: pieces[1]!, c: pieces[2]! });
    await backUp(1, { a: pieces[0]!, b: pieces[1]!, c: pieces[2]! });
    await backUp(32, { a: pieces[0]! });
    await prunedForDays(32, 12);
    expect(await compacted()).toMatchObject({ rewrite: { packs: 1 } });
    await prunedForDays(45, 12);
    // The snapshot of January goes: of what was rewritten a third is live.
    for (const { id } of await snapshotsNow()) {
      if (contents.get(id)!.b) await drop(id);
    }
    await prunedForDays(58, 12);
    expect(await compacted()).toMatchObject({ rewrite: { packs: 1 } });
    for (const site of sites) expect(await shownAt(site)).toEqual([3]);
    await prunedForDays(71, 16);
    for (const site of sites) expect(await shownAt(site)).toEqual([3]);
    expect(await bytesAt(near)).toBeLessThan(420_000);
    await prunedForDays(88, 30);
    for (const site of sites) expect(await shownAt(site)).toEqual([3]);
    const { stdout } = await recover(near, (await snapshotsNow())[0]!.id);
    expect(stdout.equals(contents.get((await snapshotsNow())[0]!.id)!.a!)).toBe(true);
  });

  it('killed at any moment leaves everything restorable, and is done the next time', async () => {
    await mostlyDead();
    for (let most = 0; ; most++) {
      let left = most;
      for (const site of sites) {
        site.fault = (operation) => {
          if ((operation === 'create' || operation === 'stat') && --left < 0) throw new Error('killed');
        };
      }
      const report = await compacted().catch((error) => error);
      for (const site of sites) site.fault = undefined;
      for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
      clock.set(clock.now() + 1000);
      await pruned();
      for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
      if (report.outcome === 'done') break;
      expect(most).toBeLessThan(30);
    }
    // Where only one of the sites had got the index object, sync brings it to the other.
    await sync(await access(), { sources: ['app'], dryRun: false });
    await prunedForDays(46, 24);
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    expect(await packsAt(near)).toEqual(await packsAt(far));
  });

  it('copies nothing that is damaged, and says so', async () => {
    const { first } = await mostlyDead();
    const name = `sources/${(await access()).trust.sourceId('app')}/packs`;
    for (const pack of first.packs) {
      for (const site of sites) {
        const path = join(fixture.directory, site.name, name, pack.slice(0, 2), pack);
        const bytes = await readFile(path).catch(() => undefined);
        if (bytes === undefined || bytes.length < 500_000) continue;
        bytes[bytes.length >> 2]! ^= 1;
        await rm(path);
        await writeFile(path, bytes);
      }
    }
    const report = await compacted();
    expect(report.outcome).toBe('partial');
    expect((report.done?.damaged.length ?? 0) + report.unread.length).toBeGreaterThan(0);
    expect(report.done?.indexes ?? 0).toBe(0);
  });
});

describe('a site that was away', () => {
  it('during a compaction gets what it needs by sync, and each site alone restores what it lists', async () => {
    const { first } = await mostlyDead();
    const before = await packsAt(far);
    far.fault = unreachable('far');
    expect(await compacted()).toMatchObject({ outcome: 'partial', dropped: [{ site: 'far' }] });
    await prunedForDays(46, 16, [near]);
    far.fault = undefined;
    expect([...before].some((pack) => first.packs.includes(pack))).toBe(true);
    expect(await shownAt(near)).toEqual([2, 3]);
    // A prune at both, before it has got anything: it keeps what it has.
    await pruned();
    expect(await shownAt(far)).toEqual([2, 3]);
    await prunedForDays(63, 16);
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    expect(await packsAt(far)).toEqual(before);
    const report = await sync(await access(), { sources: ['app'], dryRun: false });
    expect(report.outcome).toBe('done');
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    await prunedForDays(80, 16);
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    expect(await packsAt(far)).toEqual(await packsAt(near));
    expect(await packsAt(far)).not.toEqual(before);
  });

  it('with a snapshot that the compaction did not know keeps its packs, and gives them to the others', async () => {
    const { passing } = await mostlyDead();
    // Only the far site has it, and it refers to what is dead everywhere else.
    const underWay = await beginBackup([far]);
    const snapshot = await underWay.commit({ passing });
    expect(underWay.stored()).toBeLessThan(50_000);
    far.fault = unreachable('far');
    expect(await compacted([near])).toMatchObject({ outcome: 'done', rewrite: { packs: 1 } });
    // The machine that prunes has never seen it either.
    clock.set(begin + 46 * dayMs);
    const other = await access([near], { machine: 'pruner' });
    for (const day of [46, 50, 54, 58]) {
      clock.set(begin + day * dayMs);
      const request = { sources: [{ name: 'app', keep }], timeZone: 'UTC', dryRun: false, evenIfUnusual: true };
      await prune(other, request);
    }
    expect(await shownAt(near)).toEqual([2, 3]);
    far.fault = undefined;
    await sync(await access(), { sources: ['app'], dryRun: false });
    for (const site of sites) expect(await shownAt(site)).toContain(snapshot.sequence);
    await prunedForDays(60, 16);
    for (const site of sites) expect(await shownAt(site)).toContain(snapshot.sequence);
  });

  it('is filled from the one that was not compacted, where that is said', async () => {
    await mostlyDead();
    await compacted([near]);
    const third = new FaultySite(
      await openDiskSite({ name: 'third', path: join(fixture.directory, 'third'), create: true }),
    );
    await initRepository(await fixture.access({ site: third, clock }));
    const report = await sync(await access([near, far, third]), {
      sources: ['app'],
      from: 'far',
      to: 'third',
      dryRun: false,
    });
    expect(report.outcome).toBe('done');
    expect(await shownAt(third)).toEqual([2, 3]);
  });
});

describe('check and repair', () => {
  it('know what took the place of packs that are gone, and bring it back from another site', async () => {
    await mostlyDead();
    const before = await packsAt(near);
    await compacted();
    const owner = { identities: [parties.anna] };
    expect((await check(await access(sites, owner), { sources: ['app'] })).findings).toEqual([]);
    await prunedForDays(46, 16);
    const after = await packsAt(near);
    expect([...before].some((pack) => !after.has(pack))).toBe(true);
    const read = await check(await access(sites, owner), { sources: ['app'], readData: { part: 1, parts: 1 } });
    expect(read.findings).toEqual([]);
    const fresh = [...after].find((pack) => !before.has(pack))!;
    const name = `sources/${(await access()).trust.sourceId('app')}/packs/${fresh.slice(0, 2)}/${fresh}`;
    await near.remove(name);
    const found = await check(await access(sites, owner), { sources: ['app'] });
    expect(found.findings).toMatchObject([{ site: 'near', object: name, severity: 'damage' }]);
    await repair(await access(sites, owner), { sources: ['app'], dryRun: false });
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    expect(await packsAt(near)).toEqual(after);
    // Lost at both, it is what the snapshots lack, and not the packs that are gone on purpose.
    for (const site of sites) await site.remove(name);
    const lost = await check(await access(sites, owner), { sources: ['app'] });
    expect(lost.findings.map(({ object }) => object)).toContain(name);
  });
});

describe('a replacement', () => {
  /** An index object that claims to replace everything by nothing. */
  async function forge(signer: 'web1' | 'stranger' | 'anna', snapshots: string[]) {
    const at = await access(sites, { identities: [parties.anna] });
    const source = await openSource(at, 'app');
    const packs: string[] = [];
    for await (const index of loadIndexes(at, source, () => {})) packs.push(...index.packs.map(({ pack }) => pack));
    const payload = {
      kind: 'index',
      repository: at.trust.repositoryId,
      source: source.layout.id,
      signer,
      time: new Date(clock.now()).toISOString(),
      packs: [],
      replaces: packs,
      snapshots,
    };
    const { name, bytes } = await sealCatalogObject(payload, parties[signer], source.keys[0]!.catalogRecipient);
    for (const site of sites) await site.create(source.layout.index + name, bytes);
  }

  it.each(['web1', 'stranger'] as const)('that %s signed is ignored', async (signer) => {
    await mostlyDead();
    await forge(
      signer,
      (await snapshotsNow()).map(({ id }) => id),
    );
    await prunedForDays(46, 24);
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
    expect((await beginBackup()).stored()).toBe(0);
  });

  it('counts for no snapshot that it does not name', async () => {
    await mostlyDead();
    await forge('anna', []);
    await prunedForDays(46, 24);
    for (const site of sites) expect(await shownAt(site)).toEqual([2, 3]);
  });

  it('is signed by nobody but an owner or a verifier', async () => {
    await mostlyDead();
    const report = await compacted(sites, { as: { identities: [], host: parties.web1, machine: 'web1' } });
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'wrong-key' } });
  });
});

async function snapshotsNow(): Promise<KnownSnapshot[]> {
  const at = await access();
  return (await listSnapshots(at, await openSource(at, 'app'))).snapshots;
}

async function drop(id: string): Promise<void> {
  const { makeTombstone } = await import('../../src/repository/tombstones.ts');
  const at = await access();
  const source = await openSource(at, 'app');
  const snapshot = (await snapshotsNow()).find((one) => one.id === id)!;
  const { name, bytes } = makeTombstone(at, parties.web1, source, snapshot);
  for (const site of sites) await site.create(source.layout.tombstones + name, bytes);
}

/** Restores the output `a` by recover.sh alone. */
async function recover(site: FaultySite, id: string): Promise<{ stdout: Buffer }> {
  const at = await fixture.access({ site: site.inner });
  const identity = join(fixture.directory, 'identity');
  await writeFile(identity, `${parties.anna.identity}\n`, { mode: 0o600 });
  const path = join(fixture.directory, site.name);
  const to = join(fixture.directory, `recovered-${id.slice(0, 8)}`);
  const facts = ['--site', path, '--identity', identity, '--trust-sha256', at.trust.sha256];
  await run('bash', [join(path, 'recover.sh'), ...facts, '--source', 'app', '--snapshot', id, '--to', to]);
  return { stdout: await readFile(join(to, 'a')) };
}
