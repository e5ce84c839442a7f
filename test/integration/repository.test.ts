import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Opener } from '../../src/crypt/age.ts';
import { signEnvelope } from '../../src/crypt/dsse.ts';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { check } from '../../src/jobs/check.ts';
import { ownersWithoutAnswer, testKeys } from '../../src/jobs/keys.ts';
import { findSnapshot, snapshotsOf } from '../../src/jobs/snapshots.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { CatalogOpener, sealCatalogObject } from '../../src/repository/catalog-object.ts';
import { listPacks } from '../../src/repository/index-load.ts';
import type { IndexPayload } from '../../src/repository/index-object.ts';
import { indexPacks } from '../../src/repository/index-rebuild.ts';
import { Ingest } from '../../src/repository/ingest.ts';
import { graceMs } from '../../src/repository/parameters.ts';
import { listSnapshots, type SnapshotPayload } from '../../src/repository/snapshot.ts';
import { SnapshotWriter } from '../../src/repository/snapshot-writer.ts';
import { openOrCreateSource, openSource } from '../../src/repository/source-record.ts';
import {
  clockAt,
  parties,
  RepositoryFixture,
  readSnapshot,
  trusted,
  usualTrust,
  writeSnapshot,
} from '../support/repository-fixture.ts';

const { anna, bob, web1, web2, stranger } = parties;
const code = (expected: string) => expect.objectContaining({ name: 'HoldfastError', code: expected });

let fixture: RepositoryFixture;
let host: RepositoryAccess;
let owner: RepositoryAccess;
const secretText = 'Aurélie Lefèvre owes 1,234 euros';
const contents = { 'people.csv': Buffer.from(`${secretText}\n`.repeat(60_000)), noise: randomBytes(3_000_000) };

beforeEach(async () => {
  fixture = new RepositoryFixture();
  await fixture.init();
  host = await fixture.access();
  owner = await fixture.access({ machine: 'laptop', host: undefined, identities: [anna] });
});

/** Paths of objects below a directory of the only source. */
function objects(kind: 'packs' | 'index' | 'snapshots' | 'keys'): string[] {
  const base = join(fixture.sitePath, 'sources');
  const directory = join(base, readdirSync(base)[0]!, kind);
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const largestFirst = (paths: string[]) => [...paths].sort((a, b) => statSync(b).size - statSync(a).size);
/** Buffers of megabytes take the test runner seconds to compare. */
const digests = (of: Record<string, Buffer>) =>
  Object.fromEntries(Object.entries(of).map(([name, bytes]) => [name, sha256Hex(bytes)]));
const shown = async (access: RepositoryAccess) => (await snapshotsOf(access, ['app']))[0]!;

describe('a snapshot', () => {
  it('comes back as it was, for either owner', async () => {
    const { snapshot } = await writeSnapshot(host, 'app', contents);
    for (const identity of [anna, bob]) {
      const access = await fixture.access({ host: undefined, identities: [identity], machine: identity.name });
      expect(digests(await readSnapshot(access, 'app', snapshot))).toEqual(digests(contents));
    }
  });

  it('stores only what is new', async () => {
    const first = await writeSnapshot(host, 'app', contents);
    const changed = { ...contents, extra: randomBytes(100_000) };
    const second = await writeSnapshot(host, 'app', changed);
    expect(first.storedBytes).toBeGreaterThan(3_000_000);
    expect(second.storedBytes).toBeLessThan(150_000);
    expect(second.snapshot).toMatchObject({ sequence: 2, previous: first.snapshot.id });
    expect(digests(await readSnapshot(owner, 'app', first.snapshot))).toEqual(digests(contents));
    expect(digests(await readSnapshot(owner, 'app', second.snapshot))).toEqual(digests(changed));
  });

  it('is found by its address', async () => {
    const clock = clockAt(Date.parse('2026-11-22T04:00:00Z'));
    const dated = await fixture.access({ clock });
    const first = await writeSnapshot(dated, 'app', contents);
    clock.set(Date.parse('2026-11-23T04:00:00Z'));
    const second = await writeSnapshot(dated, 'app', contents);
    const found = async (address: string) => (await findSnapshot(owner, address)).snapshot.id;
    expect(await found('app')).toBe(second.snapshot.id);
    expect(await found('app@latest')).toBe(second.snapshot.id);
    expect(await found('app@2026-11-22')).toBe(first.snapshot.id);
    expect(await found(`app@${first.snapshot.id.slice(0, 8)}`)).toBe(first.snapshot.id);
    await expect(found('app@2026-11-21')).rejects.toThrow(code('not-found'));
    await expect(found('app@yesterday')).rejects.toThrow(code('usage'));
    await expect(found('other')).rejects.toThrow(code('not-found'));
  });

  it('rises in time though the clock jumps back', async () => {
    const clock = clockAt(Date.parse('2026-11-22T04:00:00Z'));
    const access = await fixture.access({ clock });
    const first = await writeSnapshot(access, 'app', contents);
    clock.set(Date.parse('2020-01-01T00:00:00Z'));
    const second = await writeSnapshot(access, 'app', contents);
    expect(second.snapshot.time > first.snapshot.time).toBe(true);
  });
});

describe('what a host can open', () => {
  it('is no pack, no manifest, no content', async () => {
    const { snapshot } = await writeSnapshot(host, 'app', contents);
    const source = await openSource(host, 'app');
    expect(source.keys[0]!.dataIdentity).toBeUndefined();
    const identities = [web1.identity, source.keys[0]!.catalogIdentity];
    for (const path of objects('packs')) {
      await expect(new Opener(identities).open(readFileSync(path))).rejects.toThrow(code('wrong-key'));
    }
    await expect(readSnapshot(host, 'app', snapshot)).rejects.toThrow(code('wrong-key'));
    const everything = readdirSync(fixture.sitePath, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'));
    for (const text of everything) {
      expect(text).not.toContain('people.csv');
      expect(text).not.toContain(Buffer.from(secretText).toString('latin1'));
    }
  });

  it('is nothing for a stranger', async () => {
    const { snapshot } = await writeSnapshot(host, 'app', contents);
    const access = await fixture.access({ host: undefined, identities: [stranger], machine: 'stranger' });
    await expect(readSnapshot(access, 'app', snapshot)).rejects.toThrow(code('wrong-key'));
  });
});

describe('damage', () => {
  it.each(['flipped', 'truncated', 'missing', 'swapped'])(
    'to a pack (%s) is found, named and not restored',
    async (how) => {
      const { snapshot } = await writeSnapshot(host, 'app', contents);
      await writeSnapshot(host, 'app', { more: randomBytes(400_000) });
      const [first, second] = largestFirst(objects('packs')) as [string, string];
      if (how === 'flipped') {
        const bytes = readFileSync(first);
        bytes[Math.floor(bytes.length / 2)]! ^= 1;
        writeFileSync(first, bytes);
      } else if (how === 'truncated') truncateSync(first, statSync(first).size - 100);
      else if (how === 'missing') rmSync(first);
      else writeFileSync(first, readFileSync(second));
      const error = await readSnapshot(owner, 'app', snapshot).then(
        () => undefined,
        (reason) => reason,
      );
      expect(['object-damaged', 'object-missing']).toContain(error?.code);
      const name = first.slice(-64);
      expect(`${error.message} ${error.why}`).toContain(name);
      const report = await check(owner, { sources: ['app'], readData: { part: 1, parts: 1 } });
      expect(report.outcome).toBe('damaged');
      expect(report.findings.some(({ object, problem }) => `${object} ${problem}`.includes(name))).toBe(true);
    },
  );

  it('to a snapshot object is named, and the others still count', async () => {
    const first = await writeSnapshot(host, 'app', contents);
    const second = await writeSnapshot(host, 'app', contents);
    const path = objects('snapshots').find((object) => object.endsWith(first.snapshot.id))!;
    const bytes = readFileSync(path);
    bytes[bytes.length - 5]! ^= 1;
    writeFileSync(path, bytes);
    const listing = await shown(owner);
    expect(listing.snapshots.map(({ id }) => id)).toEqual([second.snapshot.id]);
    expect(listing.ignored).toEqual([{ object: expect.stringContaining(first.snapshot.id), why: expect.any(String) }]);
    expect(listing.gaps).toEqual([{ after: second.snapshot.id, missing: first.snapshot.id }]);
  });

  it('to a key object is refused', async () => {
    const { snapshot } = await writeSnapshot(host, 'app', contents);
    const path = objects('keys').find((object) => object.endsWith('anna.age'))!;
    writeFileSync(path, readFileSync(objects('keys').find((object) => object.endsWith('bob.age'))!));
    await expect(readSnapshot(owner, 'app', snapshot)).rejects.toThrow(code('not-trusted'));
    const report = await check(host, { sources: ['app'] });
    expect(report.findings).toContainEqual(expect.objectContaining({ object: expect.stringContaining('anna.age') }));
  });

  it('is not reported where there is none', async () => {
    await writeSnapshot(host, 'app', contents);
    await writeSnapshot(host, 'app', { ...contents, more: randomBytes(50_000) });
    for (const access of [host, owner]) {
      const report = await check(access, { sources: ['app'], readData: { part: 1, parts: 1 } });
      expect(report.findings).toEqual([]);
      expect(report.outcome).toBe('sound');
      expect(report.sources[0]!.packsRead).toBe(report.sources[0]!.packs);
    }
  });

  it('is looked for in parts that make up the whole', async () => {
    for (let i = 0; i < 6; i++) await writeSnapshot(host, 'app', { [`n${i}`]: randomBytes(200_000) });
    const parts = await Promise.all(
      [1, 2, 3].map((part) => check(host, { sources: ['app'], readData: { part, parts: 3 } })),
    );
    const read = parts.map(({ sources }) => sources[0]!.packsRead);
    expect(read.reduce((a, b) => a + b)).toBe(parts[0]!.sources[0]!.packs);
    const again = await check(host, { sources: ['app'], readData: { part: 2, parts: 3 } });
    expect(again.sources[0]!.packsRead).toBe(read[1]);
  });
});

describe('the index', () => {
  it('lost altogether, costs an owner nothing and is rebuilt from the packs', async () => {
    const { snapshot } = await writeSnapshot(host, 'app', contents);
    for (const path of objects('index')) rmSync(path);
    rmSync(join(fixture.directory, 'state-web1'), { recursive: true });
    expect(digests(await readSnapshot(owner, 'app', snapshot))).toEqual(digests(contents));
    const both = await fixture.access({ identities: [anna] });
    const report = await check(both, { sources: ['app'], rebuildIndex: true });
    expect(report.sources[0]!.rebuiltIndexObjects).toBe(1);
    expect(report.findings).toEqual([]);
    const again = await writeSnapshot(host, 'app', contents);
    expect(again.storedBytes).toBe(0);
  });

  it('lost altogether, makes a host store again, and harms nothing', async () => {
    const first = await writeSnapshot(host, 'app', contents);
    for (const path of objects('index')) rmSync(path);
    const second = await writeSnapshot(host, 'app', contents);
    expect(second.storedBytes).toBeGreaterThan(3_000_000);
    for (const { snapshot } of [first, second])
      expect(digests(await readSnapshot(owner, 'app', snapshot))).toEqual(digests(contents));
  });

  it('is not relied on where its pack is gone or has another size', async () => {
    await writeSnapshot(host, 'app', contents);
    const [largest] = largestFirst(objects('packs')) as [string];
    truncateSync(largest, statSync(largest).size - 1);
    const second = await writeSnapshot(host, 'app', contents);
    expect(second.storedBytes).toBeGreaterThan(2_000_000);
    expect(digests(await readSnapshot(owner, 'app', second.snapshot))).toEqual(digests(contents));
  });

  it('counts only from this host, or one in dedupWith', async () => {
    await writeSnapshot(host, 'app', contents);
    const other = await fixture.access({ host: web2, machine: 'web2' });
    const alone = await writeSnapshot(other, 'app', contents);
    expect(alone.storedBytes).toBeGreaterThan(3_000_000);
    const trusting = await fixture.access({ host: web2, machine: 'web2b', dedupWith: ['web1'] });
    expect((await writeSnapshot(trusting, 'app', contents)).storedBytes).toBe(0);
  });

  it('signed by an owner counts for every host: owners open what they vouch for', async () => {
    await writeSnapshot(host, 'app', contents);
    const source = await openSource(owner, 'app');
    const packs = await listPacks(owner.site, source);
    for (const path of objects('index')) rmSync(path);
    expect(await indexPacks(owner, anna, source, new Set(packs.keys()))).toBe(packs.size);
    const other = await fixture.access({ host: web2, machine: 'web2d' });
    expect((await writeSnapshot(other, 'app', contents)).storedBytes).toBeLessThan(10_000);
  });

  it('signed by another host or a stranger is never deduplicated against', async () => {
    const { snapshot } = await writeSnapshot(host, 'app', contents);
    const source = await openSource(host, 'app');
    const opener = new CatalogOpener([source.keys[0]!.catalogIdentity], host.trust);
    const paths = objects('index');
    for (const signer of [web2, stranger]) {
      for (const path of paths) {
        const expected = { kind: 'index', source: 'app', roles: ['backup' as const] };
        const payload = await opener.open<IndexPayload>(path.slice(-64), readFileSync(path), expected);
        const forged = await sealCatalogObject(
          { ...payload, signer: signer.name } as IndexPayload,
          signer,
          source.keys[0]!.catalogRecipient,
        );
        writeFileSync(join(dirname(path), forged.name), forged.bytes);
      }
    }
    for (const path of paths) rmSync(path);
    const ignored: { object: string; why: string }[] = [];
    const second = await writeSnapshot(host, 'app', contents, ignored);
    expect(second.storedBytes).toBeGreaterThan(3_000_000);
    expect(ignored.map(({ why }) => why)).toEqual([expect.stringContaining('not in the configuration')]);
    expect(digests(await readSnapshot(owner, 'app', snapshot))).toEqual(digests(contents));
  });

  it('of orphans counts while they are young', async () => {
    const clock = clockAt(Date.parse('2026-11-01T04:00:00Z'));
    const access = await fixture.access({ clock });
    const source = await openOrCreateSource(access, 'app');
    const writer = await SnapshotWriter.open(access, source, () => {});
    const ingest = new Ingest(writer.ingestSettings, writer);
    await ingest.whole(contents.noise);
    await ingest.flush();
    await writer.abandon();
    clock.set(clock.now() + graceMs / 2 - 1000);
    const young = await writeSnapshot(access, 'app', { noise: contents.noise });
    expect(young.storedBytes).toBeLessThan(100_000);
    rmSync(objects('snapshots')[0]!);
    rmSync(join(fixture.directory, 'state-web1'), { recursive: true });
    clock.set(clock.now() + graceMs);
    const old = await writeSnapshot(access, 'app', { noise: contents.noise });
    expect(old.storedBytes).toBeGreaterThan(2_900_000);
  });
});

describe('forgery', () => {
  it.each(['a stranger', 'an owner', 'a host of another source'])(
    'of a snapshot by %s is named and ignored',
    async (by) => {
      const limited = [trusted(web2, 'backup', ['files']), ...usualTrust.filter(({ name }) => name !== 'web2')];
      const access = await fixture.access({ host: undefined, identities: [anna], machine: 'l', trustParties: limited });
      const { snapshot } = await writeSnapshot(host, 'app', contents);
      const source = await openSource(host, 'app');
      const signer = by === 'a stranger' ? stranger : by === 'an owner' ? anna : web2;
      const { id, ...payload } = snapshot;
      const forged = await sealCatalogObject(
        { ...payload, signer: signer.name, sequence: 99, previous: id } as SnapshotPayload,
        signer,
        source.keys[0]!.catalogRecipient,
      );
      writeFileSync(join(dirname(objects('snapshots')[0]!), forged.name), forged.bytes);
      const listing = await listSnapshots(access, await openSource(access, 'app'));
      expect(listing.snapshots.map((one) => one.id)).toEqual([id]);
      expect(listing.ignored[0]!.object).toContain(forged.name);
    },
  );

  it('of the public keys of a source is refused', async () => {
    const { snapshot } = await writeSnapshot(host, 'app', contents);
    const path = join(dirname(dirname(dirname(objects('keys')[0]!))), 'source.json');
    const source = await openSource(host, 'app');
    const record = structuredClone(source.record);
    record.generations[0]!.dataRecipient = stranger.recipient;
    for (const signer of [stranger, web2]) {
      writeFileSync(path, signEnvelope({ ...record, signer: signer.name }, signer));
      await expect(writeSnapshot(host, 'app', contents)).rejects.toThrow(code('not-trusted'));
      await expect(readSnapshot(owner, 'app', snapshot)).rejects.toThrow(code('not-trusted'));
    }
  });

  it('of a whole source is refused by whoever has seen the first', async () => {
    await writeSnapshot(host, 'app', contents);
    const moved = join(fixture.directory, 'away');
    renameSync(join(fixture.sitePath, 'sources'), moved);
    mkdirSync(join(fixture.sitePath, 'sources'));
    const other = await fixture.access({ host: web2, machine: 'web2' });
    await writeSnapshot(other, 'app', contents);
    await expect(writeSnapshot(host, 'app', contents)).rejects.toThrow(code('not-trusted'));
  });

  it('by replaying an object of another source is refused', async () => {
    await writeSnapshot(host, 'app', contents);
    const appSnapshot = objects('snapshots')[0]!;
    await writeSnapshot(host, 'other', contents);
    const other = await openSource(host, 'other');
    const target = join(fixture.sitePath, other.layout.snapshots, appSnapshot.slice(-64));
    writeFileSync(target, readFileSync(appSnapshot));
    const [, listing] = await snapshotsOf(owner, ['app', 'other']);
    expect(listing!.snapshots).toHaveLength(1);
    expect(listing!.ignored).toHaveLength(1);
  });
});

describe('an older head served as the newest', () => {
  it('is reported as a rollback, refused as the latest, and degrades nothing else', async () => {
    const first = await writeSnapshot(host, 'app', contents);
    const second = await writeSnapshot(host, 'app', contents);
    await shown(owner);
    rmSync(objects('snapshots').find((path) => path.endsWith(second.snapshot.id))!);
    for (const access of [host, owner]) {
      expect((await shown(access)).rollback).toMatchObject({
        known: { sequence: 2, snapshot: second.snapshot.id },
        shown: { sequence: 1, snapshot: first.snapshot.id },
      });
    }
    await expect(findSnapshot(owner, 'app')).rejects.toThrow(code('rollback'));
    await expect(findSnapshot(owner, `app@${first.snapshot.id.slice(0, 12)}`)).resolves.toBeDefined();
    const report = await check(owner, { sources: ['app'] });
    expect(report.findings.map(({ problem }) => problem).join()).toContain('rolled back');
    const third = await writeSnapshot(host, 'app', contents);
    expect(third.snapshot).toMatchObject({ sequence: 3, previous: second.snapshot.id });
  });

  it('cannot be told by a machine that sees the source for the first time, and it says so', async () => {
    await writeSnapshot(host, 'app', contents);
    await findSnapshot(owner, 'app');
    expect(fixture.events).toContainEqual(
      expect.objectContaining({ text: expect.stringContaining('for the first time') }),
    );
  });
});

describe('answers of owners', () => {
  it('are missing until each has opened its key', async () => {
    await writeSnapshot(host, 'app', contents);
    const source = await openSource(host, 'app');
    expect(await ownersWithoutAnswer(host, source)).toEqual(['anna', 'bob']);
    expect(await testKeys(owner, ['app', 'later'])).toEqual([
      { source: 'app', party: 'anna', result: 'opened' },
      { source: 'later', party: 'anna', result: 'not-begun' },
    ]);
    expect(await ownersWithoutAnswer(host, source)).toEqual(['bob']);
    const foreign = await fixture.access({ host: undefined, identities: [stranger], machine: 's' });
    expect(await testKeys(foreign, ['app'])).toEqual([{ source: 'app', party: 'stranger', result: 'not-a-party' }]);
  });
});

it('needs an owner before anything is stored', async () => {
  const access = await fixture.access({ machine: 'm', trustParties: [trusted(web1, 'backup')], clock: systemClock });
  await expect(writeSnapshot(access, 'app', contents)).rejects.toThrow(code('wrong-key'));
});

describe('two hosts that begin one source at once', () => {
  it('leave keys that every owner can open, whoever wins', async () => {
    for (let round = 0; round < 12; round++) {
      const name = `app-${round}`;
      const hosts = await Promise.all(
        [web1, web2].map((party) => fixture.access({ host: party, machine: `${party.name}-${round}` })),
      );
      const begun = await Promise.allSettled(hosts.map((access) => openOrCreateSource(access, name)));
      expect(begun.some(({ status }) => status === 'fulfilled')).toBe(true);
      const opened = await openSource(owner, name);
      expect(opened.keys[0]!.dataIdentity).toBeDefined();
      for (const access of hosts) await openSource(access, name);
    }
  });

  it('do not stumble over key objects that a killed one left', async () => {
    const { layout } = await openOrCreateSource(host, 'app');
    rmSync(join(fixture.sitePath, layout.source));
    const other = await fixture.access({ host: web2, machine: 'web2' });
    await openOrCreateSource(other, 'app');
    const bobs = await fixture.access({ host: undefined, identities: [bob], machine: 'b' });
    expect((await openSource(bobs, 'app')).keys[0]!.dataIdentity).toBeDefined();
  });
});
