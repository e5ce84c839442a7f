/** Acts of owners on keys: interrupted, at the same moment, at sites that lie. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { signEnvelope } from '../../src/crypt/dsse.ts';
import type { Party } from '../../src/crypt/parties.ts';
import { distrustHost } from '../../src/jobs/keys-distrust.ts';
import { grantKeys } from '../../src/jobs/keys-grant.ts';
import { rotateKeys } from '../../src/jobs/keys-rotate.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { sitesOf } from '../../src/repository/access.ts';
import { sealCatalogObject } from '../../src/repository/catalog-object.ts';
import { SourceLayout } from '../../src/repository/layout.ts';
import { listSnapshots, type SnapshotPayload } from '../../src/repository/snapshot.ts';
import { alignSource } from '../../src/repository/source-copies.ts';
import {
  openSource,
  predecessorsOf,
  readSignedRecord,
  readSourceRecord,
  type SourceRecord,
} from '../../src/repository/source-record.ts';
import { prepareSweep } from '../../src/repository/sweep.ts';
import { makeTombstone } from '../../src/repository/tombstones.ts';
import { Trust, type TrustParty } from '../../src/repository/trust.ts';
import { hashes, parties, readSnapshot, repositoryKey, trusted, writeSnapshot } from '../support/repository-fixture.ts';
import { SeveralSites } from '../support/two-sites.ts';

const { anna, bob, web1, web2, stranger } = parties;
const usual = [trusted(web1, 'backup'), trusted(web2, 'backup'), trusted(anna, 'owner'), trusted(bob, 'owner')];
const request = { sources: ['app'], dryRun: false };
const trustOf = (list: TrustParty[]) => new Trust(repositoryKey, list);
/** The usual parties, some of them in another standing. */
const standing = (changes: Record<string, Partial<TrustParty>>) =>
  trustOf(usual.map((party) => ({ ...party, ...changes[party.name] })));
const layout = new SourceLayout(trustOf(usual).sourceId('app'));
const contents = { 'a.bin': randomBytes(200_000) };

async function begun(names: readonly string[] = ['vault']): Promise<SeveralSites> {
  const made = await SeveralSites.make(names);
  await made.backUp(contents);
  return made;
}

async function ownerAt(
  made: SeveralSites,
  owner: Party = anna,
  more: Partial<RepositoryAccess> & { machine?: string } = {},
) {
  const { host: _, ...access } = await made.access({ identities: [owner], machine: owner.name, ...more });
  return access as RepositoryAccess;
}

describe('acts on keys', () => {
  let made: SeveralSites;
  beforeAll(async () => {
    made = await begun();
  });

  it('that were cut off anywhere leave a source that opens, and are made by the next', async () => {
    const access = await ownerAt(made);
    const [site] = made.sites;
    const steps = { replace: 0, create: 0 };
    site!.fault = (operation) => void (operation in steps && steps[operation as 'create']++);
    const before = await readSignedRecord(access, 'app');
    expect((await rotateKeys(access, request)).outcome).toBe('done');
    const writes = steps.create + steps.replace;
    expect(writes).toBeGreaterThanOrEqual(4);
    await site!.inner.replace(layout.source, before!.bytes);
    for (let cut = 1; cut < writes; cut++) {
      let done = 0;
      site!.fault = (operation) => {
        if ((operation === 'create' || operation === 'replace') && ++done > cut)
          throw new HoldfastError('failed', 'cut off');
      };
      const machine = `cut-${cut}`;
      const report = await rotateKeys(await ownerAt(made, anna, { machine }), request);
      site!.fault = undefined;
      // The record is the last that is written: without it nothing has changed.
      expect(report.outcome).toBe('failed');
      expect((await readSignedRecord(access, 'app'))!.bytes.equals(before!.bytes)).toBe(true);
      await openSource(await made.access({ identities: [bob], machine }), 'app');
    }
    const fresh = { machine: 'fresh' };
    expect((await rotateKeys(await ownerAt(made, bob, fresh), request)).outcome).toBe('done');
    const opened = await openSource(await made.access({ identities: [anna], ...fresh }), 'app');
    expect(opened.keys.map(({ generation }) => generation)).toEqual([2, 1]);
    expect(opened.keys[0]!.chunkIdSecret).toBe(opened.keys[1]!.chunkIdSecret);
    expect(opened.keys[0]!.dataRecipient).not.toBe(opened.keys[1]!.dataRecipient);
  });

  it('of two owners at the same moment: whoever is late is told, and the other act stands with its keys', async () => {
    const own = await begun();
    const [site] = own.sites;
    let other: Promise<unknown> | undefined;
    // Bob's whole act comes between the key objects of Anna's and her record.
    site!.fault = async (operation, name) => {
      if (other === undefined && operation === 'create' && name.includes('/keys/2/')) {
        other = ownerAt(own, bob).then((access) => rotateKeys(access, request));
        await other;
      }
    };
    const late = await rotateKeys(await ownerAt(own), request);
    site!.fault = undefined;
    expect(late.sources[0]).toMatchObject({ result: 'failed', error: { code: 'lease-held' } });
    expect(await other).toMatchObject({ outcome: 'done' });
    expect((await readSourceRecord(await ownerAt(own), 'app'))!.signer).toBe('bob');
    for (const owner of [anna, bob]) {
      const opened = await openSource(await own.access({ identities: [owner] }), 'app');
      expect(opened.keys).toHaveLength(2);
    }
  });

  it('reach a site that was away, also where its record was signed by a host that is distrusted now', async () => {
    const two = await begun(['vault', 'offsite']);
    const [vault, offsite] = two.sites;
    const report = await distrustHost(await ownerAt(two, anna, {}), {
      ...request,
      host: 'web1',
      since: '2',
      without: [],
    });
    expect(report.outcome).toBe('done');
    // The site comes back as it was before the act.
    const source = await openSource(await ownerAt(two), 'app');
    const old: SourceRecord = { ...source.record, generations: source.record.generations.slice(0, 1), signer: 'web1' };
    for (const key of ['revision', 'distrusted', 'successions'] as const) delete old[key];
    await offsite!.inner.replace(layout.source, signEnvelope(old, web1));
    rmSync(`${two.fixture.directory}/offsite/${layout.distrusted}`, { recursive: true });
    const trust = standing({ web1: { distrusted: true } });
    const access = await two.access({ host: web2, machine: 'web2', trust });
    await alignSource(access, 'app');
    expect(sitesOf(access).dropped).toEqual([]);
    const [first, second] = [await vault!.read(layout.source), await offsite!.read(layout.source)];
    expect(first.equals(second)).toBe(true);
    const there = await openSource(await two.access({ host: web2, machine: 'web2b', trust }, [offsite!]), 'app');
    expect((await listSnapshots(access, there)).snapshots).toHaveLength(1);
  });

  it('at two sites that know nothing of each other contradict, and are not chosen between', async () => {
    const two = await begun(['vault', 'offsite']);
    const [vault, offsite] = two.sites;
    await rotateKeys(await ownerAt(two, anna, { machine: 'a' }), { ...request });
    const other = await two.access({ identities: [bob], machine: 'b' }, [offsite!]);
    const record = (await readSignedRecord(await ownerAt(two), 'app'))!.record;
    await offsite!.inner.replace(layout.source, signEnvelope({ ...record, signer: 'bob' }, bob));
    await expect(alignSource(await two.access({ machine: 'c' }), 'app')).rejects.toMatchObject({
      code: 'not-trusted',
      message: expect.stringContaining('Two owners have changed the keys'),
    });
    expect((await readSourceRecord(other, 'app'))!.signer).toBe('bob');
    await expect(readSourceRecord(await two.access({ machine: 'b' }, [vault!]), 'app')).rejects.toMatchObject({
      hint: expect.stringContaining('keys rotate'),
    });
  });
});

describe('records of a source', () => {
  let made: SeveralSites;
  let first: { record: SourceRecord; bytes: Buffer };
  beforeAll(async () => {
    made = await begun();
    first = (await readSignedRecord(await made.access(), 'app'))!;
  });

  const put = async (record: SourceRecord, signer: Party) => {
    const bytes = signEnvelope({ ...record, signer: signer.name }, signer);
    await made.sites[0]!.replace(layout.source, bytes);
  };
  const read = async (machine: string, trust = trustOf(usual)) =>
    readSourceRecord(await made.access({ machine, trust }), 'app');

  it('that say what only an owner may say do not count from a host', async () => {
    const acts: Partial<SourceRecord>[] = [
      { revision: 1 },
      { successions: [{ host: 'web1', of: 'web2' }] },
      { distrusted: [{ party: 'web2', statement: '0'.repeat(64) }] },
    ];
    for (const act of acts) {
      await put({ ...first.record, ...act }, web1);
      await expect(read('new')).rejects.toMatchObject({
        code: 'not-trusted',
        why: expect.stringContaining('Only an owner'),
      });
      await put({ ...first.record, revision: 1, ...act }, anna);
      expect(await read(`new-${Object.keys(act)[0]}`)).toMatchObject(act);
    }
  });

  it('never go back, and never become another of the same number', async () => {
    await put({ ...first.record, revision: 2 }, anna);
    await read('seen');
    await put({ ...first.record, revision: 1 }, anna);
    await expect(read('seen')).rejects.toMatchObject({ code: 'not-trusted', why: expect.stringContaining('older') });
    await put({ ...first.record, revision: 2 }, bob);
    await expect(read('seen')).rejects.toMatchObject({ why: expect.stringContaining('at the same moment') });
    await put({ ...first.record, revision: 3 }, bob);
    expect(await read('seen')).toMatchObject({ revision: 3 });
    await made.sites[0]!.replace(layout.source, first.bytes);
    await expect(read('seen')).rejects.toMatchObject({ code: 'not-trusted' });
  });

  it('of a retired owner count as they are, and no later one', async () => {
    const trust = standing({ bob: { retired: true } });
    await put({ ...first.record, revision: 1 }, bob);
    expect(await read('retiring', trust)).toMatchObject({ revision: 1 });
    await put({ ...first.record, revision: 2 }, bob);
    await expect(read('retiring', trust)).rejects.toMatchObject({ why: expect.stringContaining('retired') });
    const report = await rotateKeys(await ownerAt(made, bob, { trust, machine: 'bob2' }), request);
    expect(report.sources[0]).toMatchObject({ error: { code: 'wrong-key' } });
    const next = await rotateKeys(await ownerAt(made, anna, { trust, machine: 'retiring' }), request);
    expect(next.sources[0]).toMatchObject({ result: 'changed', left: ['bob'] });
    expect((await read('retiring', trust))!.generations[1]!.keys.map(({ party }) => party)).toEqual([
      'web1',
      'web2',
      'anna',
    ]);
  });
});

describe('a distrusted host', () => {
  it('counts by the list of an owner alone; without it nothing of it goes', async () => {
    const made = await begun();
    const [site] = made.sites;
    const second = await made.backUp({ ...contents, 'b.bin': randomBytes(50_000) });
    const access = await ownerAt(made);
    const source = await openSource(access, 'app');
    const [kept] = (await listSnapshots(access, source)).snapshots;
    const stone = makeTombstone(access, web1, source, kept!);
    await site!.create(layout.tombstones + stone.name, stone.bytes);
    const flagged = standing({ web1: { distrusted: true } });

    // The configuration alone: whether any counts nobody can tell, so none does, and what they need stays.
    const before = await made.access({ host: web2, machine: 'web2', trust: flagged });
    await expect(openSource(before, 'app')).rejects.toMatchObject({ code: 'not-trusted' });
    const act = { ...request, host: 'web1', since: second.id.slice(0, 12), without: [] };
    const report = await distrustHost(access, act);
    expect(report.sources[0]).toMatchObject({ result: 'changed', since: 2, kept: [{ id: kept!.id }], generation: 2 });

    // Also on machines whose configuration does not say it yet.
    for (const trust of [flagged, trustOf(usual)]) {
      const reader = await made.access({ host: web2, identities: [bob], machine: 'reader', trust });
      const opened = await openSource(reader, 'app');
      const listing = await listSnapshots(reader, opened);
      expect(listing.snapshots.map(({ id }) => id)).toEqual([kept!.id]);
      expect(listing.tombstones.size).toBe(0);
      expect(listing.gaps).toEqual([]);
      expect(listing.rollback).toBeUndefined();
      expect(listing.ignored.every(({ isDisowned }) => isDisowned)).toBe(true);
      expect(hashes(await readSnapshot(reader, 'app', kept!))).toEqual(hashes(contents));
    }
    // Another host relies on the packs that the owner has looked at.
    const next = await made.access({ host: web2, machine: 'web2', trust: flagged });
    const { snapshot, storedBytes } = await writeSnapshot(next, 'app', contents);
    expect(snapshot).toMatchObject({ sequence: 2, previous: kept!.id, generation: 2 });
    expect(storedBytes).toBeLessThan(10_000);

    rmSync(`${made.fixture.directory}/vault/${layout.distrusted}`, { recursive: true });
    const hidden = await openSource(next, 'app');
    const listing = await listSnapshots(next, hidden);
    expect(listing.snapshots.map(({ id }) => id)).toEqual([snapshot.id]);
    expect(listing.undecided.sort()).toEqual([kept!.id, second.id].sort());
    const sweeping = prepareSweep(next, sitesOf(next), hidden, listing, { remember: false });
    await expect(sweeping).rejects.toMatchObject({ code: 'not-trusted' });
    // Said once more, with another beginning.
    const again = await distrustHost(await ownerAt(made, bob, { trust: flagged }), { ...act, since: '2026-12-31' });
    expect(again.sources[0]).toMatchObject({ kept: [{ id: kept!.id }, { id: second.id }], dropped: [] });
    expect((await listSnapshots(next, await openSource(next, 'app'))).snapshots).toHaveLength(3);
  });

  it('cannot slip one in among those from before', async () => {
    const made = await begun();
    const first = (await listSnapshots(await made.access(), await openSource(await made.access(), 'app')))
      .snapshots[0]!;
    await made.backUp({ 'b.bin': randomBytes(1000) });
    // Another one of the same number.
    const { id: _, sites: __, ...payload } = first;
    const source = await openSource(await made.access(), 'app');
    const forgery: SnapshotPayload = { ...payload, tags: ['forged'] };
    const forged = await sealCatalogObject(forgery, web1, source.keys[0]!.catalogRecipient);
    await made.sites[0]!.create(layout.snapshots + forged.name, forged.bytes);
    const act = { ...request, host: 'web1', since: '2', without: [] };
    const refused = await distrustHost(await ownerAt(made), act);
    expect(refused.sources[0]).toMatchObject({ error: { code: 'failed', hint: expect.stringContaining('--without') } });
    const report = await distrustHost(await ownerAt(made), { ...act, without: [forged.name.slice(0, 16)] });
    expect(report.sources[0]).toMatchObject({ kept: [{ id: first.id }] });
  });

  it('is named by a name that is a host, and by a beginning that fits', async () => {
    const made = await begun();
    const access = await ownerAt(made);
    const act = { ...request, host: 'anna', since: '2', without: [] };
    await expect(distrustHost(access, act)).rejects.toMatchObject({ code: 'usage' });
    const two = { ...act, host: 'web1', sources: ['app', 'crm'] };
    await expect(distrustHost(access, two)).rejects.toMatchObject({ code: 'usage' });
    const none = await distrustHost(access, { ...act, host: 'web1', since: 'abcdef' });
    expect(none.sources[0]).toMatchObject({ error: { code: 'usage' } });
    expect((await distrustHost(access, { ...two, since: '2026-01-01' })).sources[1]).toMatchObject({
      result: 'not-begun',
    });
  });
});

describe('successions', () => {
  it('let a host rely on those before it, one after the other, and on no other', async () => {
    const made = await begun();
    const lost = [trusted(web1, 'backup'), trusted(web2, 'backup'), trusted(stranger, 'backup')];
    const trust = trustOf([...lost.map((one, at) => ({ ...one, retired: at < 2 })), trusted(anna, 'owner')]);
    const access = await ownerAt(made, anna, { trust });
    const grant = (heir: string, of: string) => grantKeys(access, { ...request, parties: [heir], succeeds: of });
    await expect(grant('web2', 'web1')).rejects.toMatchObject({ code: 'usage' });
    await expect(grant('stranger', 'anna')).rejects.toMatchObject({ code: 'usage' });
    expect((await grantKeys(access, { ...request, parties: ['stranger'] })).outcome).toBe('done');
    const heir = await made.access({ host: stranger, machine: 'heir', trust });
    const alone = await writeSnapshot(heir, 'app', contents);
    expect(alone.storedBytes).toBeGreaterThan(200_000);
    expect((await grant('stranger', 'web1')).sources[0]).toMatchObject({ result: 'changed', succeeds: 'web1' });
    expect((await grant('stranger', 'web1')).sources[0]).toMatchObject({ result: 'unchanged' });
    const opened = await openSource(heir, 'app');
    const later = {
      successions: [
        { host: 'c', of: 'b' },
        { host: 'b', of: 'a' },
        { host: 'x', of: 'y' },
      ],
    };
    expect([...predecessorsOf(later, 'c')]).toEqual(['c', 'b', 'a']);
    expect([...predecessorsOf(later, 'a')]).toEqual(['a']);
    expect(opened.record.successions).toEqual([{ host: 'stranger', of: 'web1' }]);
  });
});
