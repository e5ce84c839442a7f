/** Objects that somebody who may write to a site, and may not sign, puts there; and what a host with a wrong clock signs. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { signEnvelope } from '../../src/crypt/dsse.ts';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { backup } from '../../src/jobs/backup.ts';
import { check } from '../../src/jobs/check.ts';
import { dropSnapshot } from '../../src/jobs/drop-snapshot.ts';
import { prune } from '../../src/jobs/prune.ts';
import { snapshotsOf } from '../../src/jobs/snapshots.ts';
import { sitesOf } from '../../src/repository/access.ts';
import { sealCatalogObject } from '../../src/repository/catalog-object.ts';
import { makePin, readPins } from '../../src/repository/pins.ts';
import { type KnownSnapshot, listSnapshots } from '../../src/repository/snapshot.ts';
import { openOrCreateSource, openSource } from '../../src/repository/source-record.ts';
import { makeTombstone } from '../../src/repository/tombstones.ts';
import { Trust } from '../../src/repository/trust.ts';
import { clockAt, hashes, parties, readSnapshot, usualTrust, writeSnapshot } from '../support/repository-fixture.ts';
import { isThorough } from '../support/thorough.ts';
import { SeveralSites } from '../support/two-sites.ts';

const dayMs = 86_400_000;
const keep = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const request = { sources: [{ name: 'app', keep }], timeZone: 'UTC', dryRun: false };

/** So many forged snapshots. */
const flood = isThorough ? 10_000 : 3_000;

/** Puts bytes under the name that their hash demands. */
async function put(made: SeveralSites, directory: string, bytes: Buffer): Promise<string> {
  const name = `${made.prefix()}${directory}/${sha256Hex(bytes)}`;
  for (const site of made.sites) await site.create(name, bytes);
  return name;
}

describe('forged and misplaced objects', () => {
  let made: SeveralSites;
  let kept: KnownSnapshot;
  const content = { data: randomBytes(40_000) };
  const forged: string[] = [];

  beforeAll(async () => {
    made = await SeveralSites.make(['near', 'far']);
    kept = await made.backUp(content);
    const run = await made.access();
    const source = await openSource(run, 'app');
    const stranger = await made.access({ host: parties.stranger });
    forged.push(
      await put(made, 'tombstones', makeTombstone(stranger, parties.stranger, source, kept).bytes),
      await put(made, 'pins', makePin(stranger, parties.stranger, source, { snapshot: kept.id, pinned: true }).bytes),
    );
    // A tombstone of another source, by a host that may: it names a snapshot of this one.
    const other = await openOrCreateSource(
      await made.fixture.access({ site: made.sites[0]!, clock: made.clock }),
      'other',
    );
    forged.push(await put(made, 'tombstones', makeTombstone(run, parties.web1, other, kept).bytes));
    forged.push(await put(made, 'pins', makePin(run, parties.web1, other, { snapshot: kept.id, pinned: true }).bytes));
    // A snapshot of another source, sealed to the keys of this one, and one as it lies there.
    const { packs: _, sites: __, id: ___, ...payload } = kept;
    const own = source.keys[0]!.catalogRecipient;
    const foreign = { ...payload, packs: [], source: other.layout.id, sequence: 99 };
    forged.push(await put(made, 'snapshots', (await sealCatalogObject(foreign, parties.web1, own)).bytes));
    const there = other.keys[0]!.catalogRecipient;
    forged.push(await put(made, 'snapshots', (await sealCatalogObject(foreign, parties.web1, there)).bytes));
    // An index object of another repository, by the same host, and sealed to the same key.
    const index = { kind: 'index', source: source.layout.id, signer: 'web1', time: payload.time, packs: [] };
    const elsewhere = { ...index, repository: new Trust('ff'.repeat(16), usualTrust).repositoryId };
    forged.push(await put(made, 'index', (await sealCatalogObject(elsewhere, parties.web1, own)).bytes));
  });

  it('are ignored and named', async () => {
    const run = await made.access();
    const source = await openSource(run, 'app');
    const { snapshots, tombstones, ignored } = await listSnapshots(run, source);
    expect(snapshots.map(({ id }) => id)).toEqual([kept.id]);
    expect(tombstones.size).toBe(0);
    const pins: { object: string; why: string }[] = [];
    expect([...(await readPins(run, sitesOf(run), source, pins))]).toEqual([]);
    const told = [...ignored, ...pins].map(({ object }) => object);
    const readHere = forged.filter((name) => !name.includes('/index/'));
    expect(told.sort()).toEqual(readHere.sort());
    const report = await check(await made.access(), { sources: ['app'] });
    for (const name of forged) expect(report.findings.map(({ object }) => object)).toContain(name);
  });

  it('keep nobody from a backup, a prune or a restore', async () => {
    const next = await made.backUp({ ...content, more: randomBytes(1000) });
    expect(next).toMatchObject({ sequence: 2, previous: kept.id });
    made.clock.set(made.clock.now() + dayMs);
    const report = await prune(await made.access(), { ...request, dryRun: true });
    expect(report.sources[0]).toMatchObject({ source: 'app' });
    expect(report.sources[0]!.snapshots.map(({ id }) => id)).toEqual([next.id, kept.id]);
    const reader = await made.access({ identities: [parties.anna] });
    expect(hashes(await readSnapshot(reader, 'app', kept))).toEqual(hashes(content));
  });
});

describe('a flood of forged snapshots', () => {
  it('is summed up, and costs neither much time nor memory', async () => {
    const made = await SeveralSites.make(['near']);
    const first = await made.backUp({ data: randomBytes(10_000) });
    const source = await openSource(await made.access(), 'app');
    const payload = { ...first, sequence: 1000 };
    const outsider = await identityToRecipient(await generateX25519Identity());
    const wrong = [
      (await sealCatalogObject(payload, parties.stranger, source.keys[0]!.catalogRecipient)).bytes,
      (await sealCatalogObject(payload, parties.web1, outsider)).bytes,
      signEnvelope(payload, parties.web1),
      randomBytes(600),
    ];
    const directory = made.path(made.sites[0]!, `${made.prefix()}snapshots`);
    for (let i = 0; i < flood; i++) {
      // Mostly what is cheap to make.
      const template = wrong[i % 20 < 2 ? i % 20 : 2 + (i % 2)]!;
      // Each is another one: the whole ones by bytes after their end.
      const bytes = i < 4 ? template : Buffer.concat([template, Buffer.from(`${i}`)]);
      writeFileSync(join(directory, sha256Hex(bytes)), bytes);
    }
    const { events } = made.fixture;
    const warnings = () => events.splice(0).filter(({ type }) => type === 'warning');
    events.splice(0);
    mkdirSync(join(made.fixture.directory, 'tree'));
    writeFileSync(join(made.fixture.directory, 'tree', 'file'), 'content');
    const run = await made.access();
    const path = join(made.fixture.directory, 'tree');
    const settings = { name: 'app', type: 'files' as const, path, exclude: [], oneFileSystem: false };
    const done = await backup(run, {
      sources: [settings],
      tags: [],
      env: {},
    });
    expect(done.sources).toMatchObject([{ outcome: 'done', snapshot: { sequence: 2 } }]);
    expect(warnings().length).toBeLessThan(10);

    const [listed] = await snapshotsOf(await made.access(), ['app']);
    expect(listed!.snapshots.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(listed!.ignored).toHaveLength(flood);

    const pruned = await prune(await made.access(), { ...request, dryRun: true });
    expect(pruned).toMatchObject({ outcome: 'done', sources: [{ source: 'app' }] });
    expect(pruned.sources[0]!.snapshots.map(({ reasons }) => reasons.length > 0)).toEqual([true, false]);
    const told = warnings();
    expect(told.length).toBeLessThan(10);
    expect(told.at(-1)).toMatchObject({ text: expect.stringContaining(`${flood - 5} more objects do not count`) });
  }, 120_000);
});

describe('a snapshot dated 2099 by a host that may', () => {
  it('pauses pruning until it is dropped, and keeps nobody from a backup', async () => {
    const made = await SeveralSites.make(['near']);
    for (let day = 0; day < 3; day++) {
      await made.backUp({ data: randomBytes(5_000) });
      made.clock.set(made.clock.now() + dayMs);
    }
    const ahead = await made.access({ clock: clockAt(Date.parse('2099-01-01T00:00:00Z')), machine: 'ahead' });
    const { snapshot: future } = await writeSnapshot(ahead, 'app', { data: randomBytes(5_000) });
    const content = { data: randomBytes(5_000) };
    const next = await made.backUp(content);
    expect(next).toMatchObject({ sequence: 5, previous: future.id });
    const reader = await made.access({ identities: [parties.anna] });
    expect(hashes(await readSnapshot(reader, 'app', next))).toEqual(hashes(content));
    const paused = await prune(await made.access(), request);
    expect(paused.sources[0]).toMatchObject({ pause: { because: 'clock' }, sites: [] });
    const { snapshots } = await listSnapshots(await made.access(), await openSource(await made.access(), 'app'));
    expect(snapshots).toHaveLength(5);
    // Those that were signed with that time are dropped, and the next backup is of today again.
    for (const { id } of [future, next]) await dropSnapshot(await made.access(), `app@${id}`, { dryRun: false });
    const today = await made.backUp(content);
    expect(today.sequence).toBe(6);
    expect(today.time < '2027').toBe(true);
    const going = await prune(await made.access(), request);
    expect(going.sources[0]!.pause).toBeUndefined();
  });
});

describe('a site that was set back', () => {
  it('is only behind where another site shows the newest, and is told of where none does', async () => {
    const made = await SeveralSites.make(['near', 'far']);
    const old = await made.backUp({ data: randomBytes(5_000) });
    const before = new Set(made.objects(made.sites[1]!));
    const content = { data: randomBytes(5_000) };
    const newest = await made.backUp(content);
    const far = [made.sites[1]!];
    for (const name of made.objects(far[0]!)) if (!before.has(name)) rmSync(made.path(far[0]!, name));

    const both = await made.access();
    const listing = await listSnapshots(both, await openSource(both, 'app'));
    expect(listing.rollback).toBeUndefined();
    expect(listing.snapshots.map(({ id }) => id)).toEqual([old.id, newest.id]);

    const alone = await made.access({}, far);
    const lone = await listSnapshots(alone, await openSource(alone, 'app'));
    expect(lone.rollback).toMatchObject({ known: { snapshot: newest.id }, shown: { snapshot: old.id } });
    const paused = await prune(await made.access({}, far), request);
    expect(paused.sources[0]).toMatchObject({ pause: { because: 'rollback' } });

    // The next backup brings it what it needs, and the chain goes on.
    const next = await made.backUp({ ...content, more: randomBytes(500) });
    expect(next).toMatchObject({ sequence: 3, previous: newest.id, sites: ['near', 'far'] });
    const reader = await made.access({ identities: [parties.anna], machine: 'reader' }, far);
    const { snapshots } = await listSnapshots(reader, await openSource(reader, 'app'));
    expect(snapshots.map(({ id }) => id)).toEqual([old.id, next.id]);
    for (const one of snapshots) await readSnapshot(reader, 'app', one);
  });
});
