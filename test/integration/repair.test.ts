/** Whatever happens to an object at one site is found without a key, and mended from another. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../src/jobs/check.ts';
import { repair } from '../../src/jobs/repair.ts';
import type { FaultySite } from '../support/faulty-site.ts';
import { parties, readSnapshot } from '../support/repository-fixture.ts';
import { forEveryRun } from '../support/thorough.ts';
import { SeveralSites } from '../support/two-sites.ts';

const all = { part: 1, parts: 1 };
const unnamed = { sources: [], unnamed: true };
const dayMs = 86_400_000;

const harms: Record<string, (path: string) => void> = {
  deleted: (path) => rmSync(path),
  'changed in one byte': (path) => {
    const bytes = readFileSync(path);
    bytes[randomInt(bytes.length)]! ^= randomInt(1, 256);
    writeFileSync(path, bytes);
  },
  'cut short': (path) => writeFileSync(path, readFileSync(path).subarray(0, -1)),
  emptied: (path) => writeFileSync(path, ''),
  'replaced by garbage of its size': (path) => writeFileSync(path, randomBytes(readFileSync(path).length)),
};

/** One object of each kind, by its place. */
function kindsOf(objects: readonly string[]): Map<string, string> {
  const kinds = new Map<string, string>();
  for (const name of objects) {
    const kind = name.replace(/sources\/[0-9a-f]{32}\//, '').replace(/(^|\/)[0-9a-f]{2}\/[0-9a-f]{64}$/, '$1…');
    kinds.set(kind.replace(/[0-9a-f]{64}$/, '…'), name);
  }
  return kinds;
}

describe('an object of any kind', () => {
  let made: SeveralSites;
  let kinds: Map<string, string>;

  beforeAll(async () => {
    made = await SeveralSites.make(['near', 'far']);
    const first = await made.backUp({ data: randomBytes(300_000) });
    const second = await made.backUp({ data: randomBytes(100_000) });
    await made.backUp({ data: randomBytes(50_000) });
    await made.pin(second);
    await made.drop(first);
    await made.answer();
    // What only a dropped snapshot needs may be missing; see below.
    const gone = new Set([first.id, ...first.packs]);
    kinds = kindsOf(made.objects(made.sites[0]!).filter((name) => !gone.has(name.slice(-64))));
  });

  it('is among those that are tried', () => {
    expect([...kinds.keys()].sort()).toEqual(
      [
        ...['RECOVERY.md', 'holdfast.json', 'recover.sh', 'recover/…', 'trust.json', 'trust/…', 'source.json'],
        ...['answers/anna.json', 'index/…', 'packs/…', 'pins/…', 'snapshots/…', 'tombstones/…'],
        ...['anna', 'bob', 'web1', 'web2'].map((party) => `keys/1/${party}.age`),
      ].sort(),
    );
  });

  it.each(
    forEveryRun(
      Object.keys(harms).flatMap((harm) => [0, 1].map((at) => [harm, at] as const)),
      ([harm, at], index) => (at === 0 ? index % 4 === 0 : harm === 'deleted' || harm.includes('byte')),
    ),
  )('that was %s is found without a key and mended, at site %i', async (harm, at) => {
    const site = made.sites[at]!;
    for (const [kind, object] of kinds) {
      const before = made.content(site);
      for (const keys of at === 0 ? (['none'] as const) : (['none', 'host'] as const)) {
        const access = () => (keys === 'none' ? made.keyless() : made.access());
        const request = keys === 'none' ? unnamed : { sources: ['app'] };
        harms[harm]!(made.path(site, object));
        // A newer format is believed; all else is damage.
        if (kind === 'holdfast.json' && /"format":[2-9]/.test(read(site, object)))
          harms.emptied!(made.path(site, object));
        const found = await check(await access(), { ...request, readData: all });
        const label = `${kind} ${harm}, keys: ${keys}`;
        const where = expect.objectContaining({ site: site.name, object });
        expect(found.findings, label).toContainEqual(where);
        expect(found.findings.filter((one) => one.object === object && one.site !== site.name)).toEqual([]);
        const mended = await repair(await access(), { ...request, readData: all, dryRun: false });
        expect(mended, label).toMatchObject({ outcome: 'done', lost: [], unmended: [], mended: [where] });
        expect(made.content(site), label).toEqual(before);
        const after = await check(await access(), { ...request, readData: all });
        expect(after, label).toMatchObject({ outcome: 'sound', findings: [] });
      }
    }
    expect(made.content(made.sites[0]!)).toEqual(made.content(made.sites[1]!));
  });

  const read = (site: FaultySite, object: string) => {
    try {
      return readFileSync(made.path(site, object), 'latin1');
    } catch {
      return '';
    }
  };
});

describe('repair', () => {
  const lostPack = async (made: SeveralSites, content: Record<string, Buffer>) => {
    const snapshot = await made.backUp(content);
    const run = await made.access({ identities: [parties.anna] });
    expect(Object.keys(await readSnapshot(run, 'app', snapshot))).toEqual(Object.keys(content));
    return snapshot;
  };
  const packName = (made: SeveralSites, pack: string) => `${made.prefix()}packs/${pack.slice(0, 2)}/${pack}`;

  it('names what no site has by snapshot and by what lies in it', async () => {
    const made = await SeveralSites.make(['near', 'far']);
    const common = randomBytes(2_000);
    await made.backUp({ common });
    const before = new Set(made.objects(made.sites[0]!));
    const snapshot = await lostPack(made, { common, 'mine.bin': randomBytes(20_000) });
    // The manifest has a pack of its own, which is smaller.
    const packs = made.objects(made.sites[0]!).filter((name) => name.includes('/packs/') && !before.has(name));
    const size = (name: string) => readFileSync(made.path(made.sites[0]!, name)).length;
    const [object] = packs.sort((a, b) => size(b) - size(a));
    rmSync(made.path(made.sites[0]!, object!));
    harms['changed in one byte']!(made.path(made.sites[1]!, object!));
    const request = { sources: ['app'], readData: all, dryRun: false };
    const report = await repair(await made.access({ identities: [parties.anna] }), request);
    expect(report).toMatchObject({
      outcome: 'partial',
      mended: [],
      broken: [{ source: 'app', id: snapshot.id, sequence: 2, contents: ['output mine.bin'] }],
    });
    expect(report.lost.map(({ site, object }) => [site, object])).toEqual([
      ['near', object],
      ['far', object],
    ]);
    const asHost = await repair(await made.access(), request);
    expect(asHost.broken).toMatchObject([{ id: snapshot.id, contents: null, because: 'no-owner' }]);
    const blind = await repair(await made.keyless(), { ...unnamed, readData: all, dryRun: false });
    expect(blind).toMatchObject({ outcome: 'partial', broken: [], lost: [{ object }, { object }] });
  });

  it('gives no snapshot to a site that lacks its packs', async () => {
    const made = await SeveralSites.make(['near', 'far']);
    const snapshot = await made.backUp({ data: randomBytes(20_000) });
    const [near, far] = made.sites as [FaultySite, FaultySite];
    const pack = packName(made, snapshot.packs[0]!);
    const object = `${made.prefix()}snapshots/${snapshot.id}`;
    for (const name of [pack, object]) rmSync(made.path(near, name));
    harms['changed in one byte']!(made.path(far, pack));
    for (const access of [await made.access(), await made.keyless()]) {
      const keyed = access.host !== undefined;
      const request = { ...(keyed ? { sources: ['app'] } : unnamed), readData: all, dryRun: false };
      const report = await repair(access, request);
      expect(report.outcome).toBe('partial');
      expect(made.objects(near)).not.toContain(object);
    }
  });

  it('brings back nothing that is dropped, and carries no forgery around', async () => {
    const made = await SeveralSites.make(['near', 'far']);
    const [near, far] = made.sites as [FaultySite, FaultySite];
    const first = await made.backUp({ data: randomBytes(20_000) });
    await made.backUp({ data: randomBytes(20_000) });
    await made.drop(first);
    // The sweep has been at the near site, and the far one was away.
    rmSync(made.path(near, `${made.prefix()}snapshots/${first.id}`));
    for (const pack of first.packs) rmSync(made.path(near, packName(made, pack)));
    const forged = randomBytes(500);
    const hash = createHash('sha256').update(forged).digest('hex');
    for (const kind of ['snapshots', 'index', 'pins', 'tombstones']) {
      await far.create(`${made.prefix()}${kind}/${hash}`, forged);
    }
    const before = made.content(near);
    const report = await repair(await made.access(), { sources: ['app'], readData: all, dryRun: false });
    expect(report.mended).toEqual([]);
    expect(made.content(near)).toEqual(before);
    // Without keys the packs are told, and left alone.
    const blind = await check(await made.keyless([near, far]), { ...unnamed, readData: all });
    const packs = blind.findings.filter(({ object }) => object.includes('/packs/'));
    expect(packs.map(({ severity }) => severity)).toEqual(packs.map(() => 'notice'));
    expect(packs).toHaveLength(first.packs.length);
  });

  it('mends one site and takes copies from any, and a dry run writes nothing', async () => {
    const made = await SeveralSites.make(['near', 'far']);
    const snapshot = await made.backUp({ data: randomBytes(20_000) });
    const [near, far] = made.sites as [FaultySite, FaultySite];
    const [one, two] = snapshot.packs.map((pack) => packName(made, pack)) as [string, string];
    rmSync(made.path(near, one));
    rmSync(made.path(far, two));
    const before = [made.content(near), made.content(far)];
    const plan = await repair(await made.access(), { sources: ['app'], dryRun: true });
    expect(plan).toMatchObject({ outcome: 'done', mended: [{ site: 'near' }, { site: 'far' }] });
    expect([made.content(near), made.content(far)]).toEqual(before);
    const report = await repair(await made.access(), { sources: ['app'], site: 'far', dryRun: false });
    expect(report).toMatchObject({ outcome: 'done', mended: [{ site: 'far', object: two, from: 'near' }] });
    expect(made.content(near)).toEqual(before[0]);
    expect(made.objects(far)).toContain(two);
  });

  it('killed at any write leaves the old or the new, and goes on where it was', async () => {
    const made = await SeveralSites.make(['near', 'far']);
    await made.backUp({ data: randomBytes(20_000) });
    const [near, far] = made.sites as [FaultySite, FaultySite];
    const whole = made.content(far);
    for (const name of made.objects(near))
      if (name !== 'holdfast.json') harms['changed in one byte']!(made.path(near, name));
    const damaged = made.content(near);
    for (let most = 0; ; most += 2) {
      let left = most;
      near.fault = (operation) => {
        if ((operation === 'create' || operation === 'replace') && --left < 0) throw new Error('killed');
      };
      const request = { ...unnamed, readData: all, dryRun: false };
      const done = await repair(await made.keyless(), request).catch((error) => {
        expect(error.message).toBe('killed');
      });
      near.fault = undefined;
      const now = made.content(near);
      for (const name of Object.keys(now)) expect([damaged[name], whole[name]], name).toContain(now[name]);
      if (done) break;
      expect(most).toBeLessThan(50);
    }
    expect(made.content(near)).toEqual(whole);
  });

  it('goes on without a site that fails, and writes nothing over keys that contradict each other', async () => {
    const made = await SeveralSites.make(['near', 'far', 'away']);
    const [near, far, away] = made.sites as [FaultySite, FaultySite, FaultySite];
    await made.backUp({ data: randomBytes(20_000) }, 'app', [near, far]);
    const other = await made.access({ stateDirectory: `${made.fixture.directory}/another` }, [away]);
    const { writeSnapshot } = await import('../support/repository-fixture.ts');
    await writeSnapshot(other, 'app', { data: randomBytes(20_000) });
    const before = made.content(away);
    rmSync(made.path(near, `${made.prefix()}keys/1/anna.age`));
    const report = await repair(await made.access(), { sources: ['app'], dryRun: false });
    expect(report.outcome).toBe('partial');
    expect(report.mended).toContainEqual(expect.objectContaining({ site: 'near', from: 'far' }));
    expect(made.content(away)[`${made.prefix()}source.json`]).toBe(before[`${made.prefix()}source.json`]);
  });
});

describe('check', () => {
  it('takes no empty directory for a repository that lost its record', async () => {
    const made = await SeveralSites.make(['near', 'far']);
    await made.backUp({ data: randomBytes(20_000) });
    const far = made.sites[1]!;
    for (const name of made.objects(far)) rmSync(made.path(far, name));
    const report = await check(await made.access(), { sources: ['app'] });
    expect(report).toMatchObject({ outcome: 'partial', findings: [], dropped: [{ site: 'far' }] });
    expect(await repair(await made.access(), { sources: ['app'], dryRun: false })).toMatchObject({ mended: [] });
    expect(made.objects(far)).toEqual([]);
  });

  it('reads the packs read longest ago, so that each is read within as many runs, and tells how old the oldest is', async () => {
    const made = await SeveralSites.make(['near', 'far']);
    for (let i = 0; i < 7; i++) await made.backUp({ [`n${i}`]: randomBytes(30_000 + i * 5_000) });
    const seen = new Set<string>();
    let first = true;
    for (let day = 0; day < 5; day++) {
      const access = await made.access();
      made.clock.set(made.clock.now() + (first ? 0 : dayMs));
      first = false;
      const calls = made.sites[0]!.calls.length;
      const report = await check(access, { sources: ['app'], readData: { oldestOf: 5 } });
      expect(report.outcome).toBe('sound');
      for (const { operation, name } of made.sites[0]!.calls.slice(calls)) {
        if (operation === 'read' && name.includes('/packs/')) seen.add(name);
      }
      const [near] = report.sources;
      expect(near!.bytesRead).toBeLessThan(near!.bytes / 2);
      if (day < 4) expect(near!.oldestReading).toMatchObject({ days: day });
      else expect(near!.oldestReading).toMatchObject({ neverRead: 0 });
      expect(near!.oldestReading!.days).toBeLessThan(5);
    }
    expect(seen.size).toBe(made.objects(made.sites[0]!).filter((name) => name.includes('/packs/')).length);
  });
});
