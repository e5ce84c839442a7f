/** Writers that slept, machines that remember too little, prunes that meet each other or die: nothing that is needed goes. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { formatParty } from '../../src/crypt/parties.ts';
import { check } from '../../src/jobs/check.ts';
import { prune } from '../../src/jobs/prune.ts';
import { repair } from '../../src/jobs/repair.ts';
import { sync } from '../../src/jobs/sync.ts';
import { Ingest } from '../../src/repository/ingest.ts';
import { type KnownSnapshot, listSnapshots } from '../../src/repository/snapshot.ts';
import { SnapshotWriter } from '../../src/repository/snapshot-writer.ts';
import { openOrCreateSource, openSource } from '../../src/repository/source-record.ts';
import type { FaultySite } from '../support/faulty-site.ts';
import { hashes, parties, readSnapshot, repositoryKey } from '../support/repository-fixture.ts';
import { SeveralSites } from '../support/two-sites.ts';

const dayMs = 86_400_000;
const keep = { last: 0, daily: 3, weekly: 0, monthly: 0, yearly: 0 };
const request = { sources: [{ name: 'app', keep }], timeZone: 'UTC', dryRun: false };
const all = { part: 1, parts: 1 };

/** Several sites, and what each snapshot holds. */
class Bench {
  readonly contents = new Map<string, Record<string, Buffer>>();
  readonly made: SeveralSites;
  readonly common = randomBytes(150_000);

  private constructor(made: SeveralSites) {
    this.made = made;
  }

  static async make(names: readonly string[], days = 0): Promise<Bench> {
    const bench = new Bench(await SeveralSites.make(names));
    for (let number = 0; number < days; number++) await bench.day();
    return bench;
  }

  /** A backup, and then it is the next day. */
  async day(of: readonly FaultySite[] = this.made.sites): Promise<KnownSnapshot> {
    const content = { common: this.common, own: randomBytes(60_000) };
    const snapshot = await this.made.backUp(content, 'app', [...of]);
    this.contents.set(snapshot.id, content);
    this.pass(1);
    return snapshot;
  }

  pass(days: number): void {
    this.made.clock.set(this.made.clock.now() + days * dayMs);
  }

  async prune(of = this.made.sites, more: { machine?: string; host?: typeof parties.web1 } = {}) {
    const report = await prune(await this.made.access(more, of), request);
    expect(report.sources.map(({ error, pause }) => error ?? pause)).toEqual([undefined]);
    return report.sources[0]!;
  }

  /** Restores all that one site lists, alone, as somebody who has seen nothing. @returns sequences */
  async restoreAll(site: FaultySite): Promise<number[]> {
    const machine = `reader-${Math.random()}`;
    const reader = await this.made.access({ identities: [parties.anna], machine }, [site]);
    const { snapshots } = await listSnapshots(reader, await openSource(reader, 'app'));
    for (const snapshot of snapshots) {
      expect(hashes(await readSnapshot(reader, 'app', snapshot))).toEqual(hashes(this.contents.get(snapshot.id)!));
    }
    return snapshots.map(({ sequence }) => sequence);
  }

  /** Nothing lies there that no snapshot needs, and nothing is amiss. */
  async isClean(): Promise<void> {
    const report = await check(await this.made.access(), { sources: ['app'], readData: all });
    expect(report).toMatchObject({ outcome: 'sound', findings: [] });
    const run = await this.made.access();
    const { snapshots, tombstoned } = await listSnapshots(run, await openSource(run, 'app'));
    expect(tombstoned).toEqual([]);
    const needed = new Set(snapshots.flatMap(({ packs }) => packs));
    for (const site of this.made.sites) {
      const packs = this.made.objects(site).filter((name) => name.includes('/packs/'));
      expect(packs.map((name) => name.slice(-64)).sort()).toEqual([...needed].sort());
    }
  }
}

describe('a writer that was suspended', () => {
  it('past its lease, a prune and the grace period commits nothing; the next run does', async () => {
    const bench = await Bench.make(['near', 'far'], 1);
    const passing = randomBytes(120_000);
    const old = await bench.made.backUp({ passing });
    bench.contents.set(old.id, { passing });
    bench.pass(1);
    const run = await bench.made.access();
    const writer = await SnapshotWriter.open(run, await openOrCreateSource(run, 'app'), () => {});
    const ingest = new Ingest(writer.ingestSettings, writer);
    // It relies on packs that are there now, and stores nothing of its own.
    const { stored } = await ingest.whole(passing);
    await writer.writeLine({ kind: 'output', filename: 'passing', stream: stored });

    // Meanwhile another host goes on; the old snapshot is dropped, and swept.
    for (let day = 0; day < 4; day++) await bench.day();
    await bench.prune();
    bench.pass(8);
    expect((await bench.prune()).sites[0]!.packs).toBeGreaterThan(0);
    const there = bench.made.objects(bench.made.sites[0]!).map((name) => name.slice(-64));
    expect(old.packs.filter((pack) => there.includes(pack)).length).toBeLessThan(old.packs.length);

    await ingest.flush();
    const content = { type: 'command' as const, tags: [], totals: {}, shortfalls: [] };
    await expect(writer.commit(content)).rejects.toMatchObject({
      code: expect.stringMatching(/lease-held|object-missing/),
    });
    for (const site of bench.made.sites) expect(await bench.restoreAll(site)).not.toContain(7);

    const next = await bench.made.backUp({ passing });
    bench.contents.set(next.id, { passing });
    for (const site of bench.made.sites) expect((await bench.restoreAll(site)).at(-1)).toBe(next.sequence);
  });
});

describe('a machine whose state is weeks old', () => {
  it('backs up, prunes and syncs, and accuses no site', async () => {
    const bench = await Bench.make(['near', 'far'], 2);
    await bench.prune();
    const state = join(bench.made.fixture.directory, 'state-web1');
    const copy = join(bench.made.fixture.directory, 'state-then');
    cpSync(state, copy, { recursive: true });
    for (let day = 0; day < 8; day++) await bench.day();
    await bench.prune();
    bench.pass(8);
    await bench.day();
    await bench.prune();
    rmSync(state, { recursive: true });
    cpSync(copy, state, { recursive: true });

    const run = await bench.made.access();
    expect((await listSnapshots(run, await openSource(run, 'app'))).rollback).toBeUndefined();
    const snapshot = await bench.day();
    expect(snapshot.sequence).toBe(12);
    const synced = await sync(await bench.made.access(), { sources: ['app'], dryRun: false });
    expect(synced).toMatchObject({ outcome: 'done', problems: [] });
    await bench.prune();
    bench.pass(9);
    await bench.day();
    await bench.prune();
    bench.pass(9);
    await bench.prune();
    for (const site of bench.made.sites) expect((await bench.restoreAll(site)).slice(-2)).toEqual([12, 13]);
    await bench.isClean();
  });
});

describe('prunes', () => {
  it('from two hosts at once, one of them beside a backup, remove what nobody needs and nothing else', async () => {
    const bench = await Bench.make(['near', 'far'], 6);
    const twice = () => Promise.all([bench.prune(), bench.prune(undefined, { machine: 'web2', host: parties.web2 })]);
    await twice();
    bench.pass(9);
    const [, , snapshot] = await Promise.all([twice(), sleep(20), sleep(5).then(() => bench.day())]);
    for (const site of bench.made.sites) {
      const restored = await bench.restoreAll(site);
      expect(restored.at(-1)).toBe(snapshot.sequence);
      expect(restored.length).toBeGreaterThanOrEqual(3);
    }
    await bench.prune();
    bench.pass(9);
    await twice();
    for (const site of bench.made.sites) expect((await bench.restoreAll(site)).length).toBe(3);
    await bench.isClean();
  });

  it('killed at any moment lose nothing, and the next one takes all that is left', async () => {
    const bench = await Bench.make(['near', 'far'], 6);
    await bench.prune();
    bench.pass(9);
    const child = join(import.meta.dirname, '../support/prune-child.ts');
    const { directory } = bench.made.fixture;
    let killed = 0;
    // The last one is left to finish.
    for (const wait of [0, 3, 10, 30, undefined]) {
      const running = spawn(process.execPath, [child, directory, String(bench.made.clock.now()), 'near', 'far'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const ended = once(running, 'exit');
      running.stdin.end(JSON.stringify(exportedKeys()));
      await once(running.stdout, 'data');
      if (wait !== undefined) {
        await sleep(wait);
        running.kill('SIGKILL');
      }
      const [status, signal] = await ended;
      if (signal === 'SIGKILL') killed++;
      else expect(status).toBe(0);
      for (const site of bench.made.sites) expect(await bench.restoreAll(site)).toEqual([4, 5, 6]);
    }
    expect(killed).toBeGreaterThan(0);
    await bench.isClean();
  });
});

/** The keys of the tests are made anew in each process. */
function exportedKeys() {
  const { anna, bob, web1, web2 } = parties;
  const texts = [anna, bob, web1, web2].map((party) => [party.name, formatParty(party)] as const);
  return { repository: repositoryKey, parties: Object.fromEntries(texts) };
}

describe('after a repair and a prune', () => {
  it('the oldest snapshot restores from every site, also with a site that lacked a pack of three', async () => {
    const bench = await Bench.make(['near', 'far', 'away'], 3);
    const [near, far, away] = bench.made.sites as [FaultySite, FaultySite, FaultySite];
    const packs = (site: FaultySite) => bench.made.objects(site).filter((name) => name.includes('/packs/'));
    // An index entry whose pack one site of three does not have: the next backup gives it what it needs.
    const before = packs(far);
    for (const name of before) rmSync(bench.made.path(far, name));
    const next = await bench.day();
    const there = packs(far).map((name) => name.slice(-64));
    expect(next.sites).toEqual(['near', 'far', 'away']);
    for (const pack of next.packs) expect(there).toContain(pack);
    const alone = await bench.made.access({ identities: [parties.anna], machine: 'lone' }, [far]);
    expect(hashes(await readSnapshot(alone, 'app', next))).toEqual(hashes(bench.contents.get(next.id)!));
    // What only older ones need is for repair.
    rmSync(bench.made.path(away, before[0]!));
    const mended = await repair(await bench.made.access(), { sources: ['app'], readData: all, dryRun: false });
    expect(mended).toMatchObject({ outcome: 'done', lost: [], unmended: [] });
    await bench.prune();
    bench.pass(9);
    await bench.prune();
    for (const site of [near, far, away]) expect(await bench.restoreAll(site)).toEqual([2, 3, 4]);
    await bench.isClean();
  });
});

describe('sync', () => {
  const writes = (bench: Bench) =>
    bench.made.sites.flatMap(({ name, calls }) =>
      calls
        .filter(({ operation }) => ['create', 'replace', 'remove'].includes(operation))
        .map((call) => [name, call.name]),
    );

  it('writes nothing where all is equal, and makes equal what was away in one go', async () => {
    const bench = await Bench.make(['near', 'far'], 2);
    const [near, far] = bench.made.sites as [FaultySite, FaultySite];
    const run = async () => sync(await bench.made.access(), { sources: ['app'], dryRun: false });
    const before = writes(bench).length;
    expect(await run()).toMatchObject({ outcome: 'done' });
    expect(writes(bench).slice(before)).toEqual([]);
    for (let day = 0; day < 3; day++) await bench.day([near]);
    expect(await run()).toMatchObject({ outcome: 'done' });
    expect(bench.made.content(far)).toEqual(bench.made.content(near));
    const after = writes(bench).length;
    await run();
    expect(writes(bench).slice(after)).toEqual([]);
  });

  it('from one site seeds another, and takes nothing from a third', async () => {
    const bench = await Bench.make(['near', 'far', 'fresh']);
    const [near, far, fresh] = bench.made.sites as [FaultySite, FaultySite, FaultySite];
    for (let day = 0; day < 2; day++) await bench.day([near]);
    await sync(await bench.made.access({}, [near, far]), { sources: ['app'], dryRun: false });
    await bench.day([far]);
    const calls = far.calls.length;
    const report = await sync(await bench.made.access(), {
      sources: ['app'],
      from: 'near',
      to: 'fresh',
      dryRun: false,
    });
    expect(report).toMatchObject({ outcome: 'done', sites: [{ site: 'fresh', snapshots: 2 }] });
    expect(await bench.restoreAll(fresh)).toEqual([1, 2]);
    const read = far.calls
      .slice(calls)
      .filter(({ operation, name }) => operation === 'read' && name.includes('/packs/'));
    expect(read).toEqual([]);
  });
});
