/** One backup, several sites: what fails at one degrades the run, and every snapshot a site lists it restores alone. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { backup } from '../../src/jobs/backup.ts';
import { initRepository } from '../../src/jobs/init.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { listSnapshots } from '../../src/repository/snapshot.ts';
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

const siteNames = ['near', 'far', 'away'] as const;
type SiteName = (typeof siteNames)[number];
const code = (code: string, more: object = {}) => expect.objectContaining({ name: 'HoldfastError', code, ...more });

let fixture: RepositoryFixture;
let sites: Record<SiteName, FaultySite>;

beforeEach(async () => {
  fixture = new RepositoryFixture();
  const open = async (name: SiteName) =>
    new FaultySite(await openDiskSite({ name, path: join(fixture.directory, name), create: true }));
  sites = { near: await open('near'), far: await open('far'), away: await open('away') };
  for (const site of Object.values(sites)) await initRepository(await fixture.access({ site }));
});

/** A run over some of the sites, in this order. */
async function run(names: readonly SiteName[], more: Partial<RepositoryAccess> = {}, patienceMs = 60_000) {
  const access = await fixture.accessTo(
    names.map((name) => sites[name]),
    { ...more, patienceMs },
  );
  return { access, runSites: access.sites };
}

async function backUp(
  names: readonly SiteName[],
  contents: Record<string, Buffer>,
  more: Partial<RepositoryAccess> = {},
) {
  const { access, runSites } = await run(names, more);
  await alignSource(access, 'app');
  const { snapshot } = await writeSnapshot(access, 'app', contents);
  // The first backup of a source makes its keys at the first site.
  await alignSource(access, 'app');
  return { snapshot, dropped: runSites.dropped.map(({ site }) => site.name) };
}

/** A machine that has only this site. */
function alone(name: SiteName): Promise<RepositoryAccess> {
  return fixture.access({ site: sites[name].inner, identities: [parties.anna], machine: `reader-${name}` });
}

/** Restores every snapshot that a site lists, with nothing but that site. */
async function everythingAt(name: SiteName): Promise<Record<string, string>[]> {
  const access = await alone(name);
  const source = await openSource(access, 'app');
  const { snapshots } = await listSnapshots(access, source);
  const contents: Record<string, string>[] = [];
  for (const snapshot of snapshots) contents.push(hashes(await readSnapshot(access, 'app', snapshot)));
  return contents;
}

const content = () => ({ data: randomBytes(700_000), more: randomBytes(300) });

async function packsOf(name: SiteName): Promise<string[]> {
  const paths = await readdir(join(fixture.directory, name), { recursive: true });
  return paths.filter((path) => /packs\/..\/[0-9a-f]{64}$/.test(path)).sort();
}

describe('a whole run over several sites', () => {
  const command = { name: 'app', type: 'command', filename: 'data', timeoutMs: 60_000 } as const;

  it.each(['near', 'away'] as const)('goes on when %s dies in the middle of it', async (dying) => {
    const file = join(fixture.directory, 'data');
    await writeFile(file, randomBytes(20_000_000));
    let packs = 0;
    let isDead = false;
    sites[dying].fault = (operation, name) => {
      if (operation === 'create' && name.includes('/packs/')) isDead ||= ++packs > 1;
      if (isDead) unreachable(dying)(operation, name);
    };
    const { access } = await run(siteNames);
    const settings = { ...command, command: ['cat', file] };
    const report = await backup(access, { sources: [settings], tags: [], env: { PATH: process.env.PATH } });
    const others = siteNames.filter((name) => name !== dying);
    expect(report).toMatchObject({ outcome: 'partial', sources: [{ outcome: 'done', sites: others }] });
    expect(report.sites.filter(({ error }) => error)).toMatchObject([
      { site: dying, error: { code: 'site-unavailable' } },
    ]);
    for (const name of others) {
      const reader = await alone(name);
      const { snapshots } = await listSnapshots(reader, await openSource(reader, 'app'));
      const { data } = await readSnapshot(reader, 'app', snapshots.at(-1)!);
      expect(data?.equals(await readFile(file))).toBe(true);
    }
  });

  it('touches no site that holds another repository, or none', async () => {
    await writeFile(join(fixture.directory, 'far', 'holdfast.json'), '{"format":1,"repository":"another"}');
    await rm(join(fixture.directory, 'away', 'holdfast.json'));
    const before = [await readdir(join(fixture.directory, 'far')), await readdir(join(fixture.directory, 'away'))];
    const { access } = await run(siteNames);
    const settings = { ...command, command: ['echo', 'text'] };
    const report = await backup(access, { sources: [settings], tags: [], env: { PATH: process.env.PATH } });
    expect(report).toMatchObject({
      outcome: 'partial',
      sources: [{ sites: ['near'] }],
      sites: [{ site: 'near' }, { error: { code: 'not-trusted' } }, { error: { code: 'no-repository' } }],
    });
    expect([await readdir(join(fixture.directory, 'far')), await readdir(join(fixture.directory, 'away'))]).toEqual(
      before,
    );
  });
});

describe('a backup to several sites', () => {
  it('is whole at each of them', async () => {
    const contents = content();
    const { snapshot, dropped } = await backUp(siteNames, contents);
    expect(snapshot.sites).toEqual(siteNames);
    expect(dropped).toEqual([]);
    for (const name of siteNames) expect(await everythingAt(name)).toEqual([hashes(contents)]);
    expect(await packsOf('far')).toEqual(await packsOf('near'));
  });

  it.each([
    ['the packs', (operation: string, name: string) => operation === 'create' && name.includes('/packs/')],
    ['the index', (operation: string, name: string) => operation === 'create' && name.includes('/index/')],
    ['the snapshot', (operation: string, name: string) => operation === 'create' && name.includes('/snapshots/')],
    ['anything', () => true],
  ])('goes on when one does not take %s', async (_, when) => {
    const first = content();
    await backUp(siteNames, first);
    for (const name of ['far', 'near'] as const) {
      sites[name].fault = unreachable(name, when);
      const second = content();
      const { snapshot, dropped } = await backUp(siteNames, second).catch(async (error) => {
        // Where the first site cannot even be looked at, the job begins again without it.
        expect(when('list', '')).toBe(true);
        expect(error).toEqual(code('site-unavailable'));
        return backUp(
          siteNames.filter((other) => other !== name),
          second,
        );
      });
      sites[name].fault = undefined;
      if (when('list', '') !== true || name === 'far') expect(dropped).toEqual([name]);
      expect(snapshot.sites).toEqual(siteNames.filter((other) => other !== name));
      expect((await everythingAt('away')).at(-1)).toEqual(hashes(second));
      expect((await everythingAt(name)).length).toBeLessThan((await everythingAt('away')).length);
    }
  });

  it('fails when none is left', async () => {
    for (const site of Object.values(sites)) site.fault = unreachable(site.name, (_, name) => name.includes('/packs/'));
    await expect(backUp(siteNames, content())).rejects.toEqual(code('site-unavailable'));
  });

  it('does not wait for ever for one that does not answer', async () => {
    const { access, runSites } = await run(siteNames, {}, 3000);
    await writeSnapshot(access, 'app', content());
    await alignSource(access, 'app');
    sites.far.fault = (operation, name) =>
      operation === 'create' && name.includes('/packs/') ? new Promise(() => {}) : undefined;
    const contents = content();
    const { snapshot } = await writeSnapshot(access, 'app', contents);
    expect(snapshot.sites).toEqual(['near', 'away']);
    expect(runSites.dropped).toEqual([{ site: sites.far, error: code('site-unavailable') }]);
    expect((await everythingAt('away')).at(-1)).toEqual(hashes(contents));
  });

  it('leaves each site able to restore everything it lists when they are down on alternate days', async () => {
    // The same chunks come and go, so that a site lacks what the next snapshot refers to.
    const pieces = Array.from({ length: 6 }, () => randomBytes(300_000));
    const days: Record<string, Buffer>[] = [];
    const listed: Record<SiteName, Record<string, Buffer>[]> = { near: [], far: [], away: [] };
    for (let day = 0; day < 9; day++) {
      const down = day === 0 ? undefined : siteNames[day % 3];
      const up = siteNames.filter((name) => name !== down);
      const contents = { a: pieces[day % 6]!, b: pieces[(day * 5 + 1) % 6]!, day: Buffer.from(`day ${day}`) };
      days.push(contents);
      const { snapshot } = await backUp(up, contents);
      expect(snapshot.sites).toEqual(up);
      for (const name of up) listed[name].push(contents);
    }
    for (const name of siteNames) expect(await everythingAt(name)).toEqual(listed[name].map(hashes));
  });

  it('brings a new site what its snapshot needs, from whichever site has it undamaged', async () => {
    const contents = content();
    await backUp(['near', 'far'], contents);
    const [damaged] = await packsOf('near');
    const path = join(fixture.directory, 'near', damaged!);
    const bytes = await readFile(path);
    bytes[100]! ^= 1;
    await rm(path);
    await writeFile(path, bytes);
    const { snapshot } = await backUp(siteNames, contents);
    expect(snapshot.sites).toEqual(siteNames);
    expect(await everythingAt('away')).toEqual([hashes(contents)]);
    const copied = await readFile(join(fixture.directory, 'away', damaged!));
    expect(copied.equals(await readFile(join(fixture.directory, 'far', damaged!)))).toBe(true);
  });

  it('gives no snapshot to a site whose pack was cut', async () => {
    const contents = content();
    await backUp(siteNames, contents);
    const [cut] = await packsOf('far');
    await truncate(join(fixture.directory, 'far', cut!), 50);
    const { snapshot, dropped } = await backUp(siteNames, contents);
    expect(snapshot.sites).toEqual(['near', 'away']);
    expect(dropped).toEqual(['far']);
  });

  it('stores again what no site lists any more', async () => {
    const contents = content();
    await backUp(siteNames, contents);
    for (const name of siteNames) {
      for (const pack of await packsOf(name)) await rm(join(fixture.directory, name, pack));
    }
    await backUp(siteNames, contents);
    for (const name of siteNames) {
      const access = await alone(name);
      const { snapshots } = await listSnapshots(access, await openSource(access, 'app'));
      expect(hashes(await readSnapshot(access, 'app', snapshots.at(-1)!))).toEqual(hashes(contents));
    }
  });

  it('gives a site that was never written to the keys of the source', async () => {
    await backUp(['near'], content());
    expect(await everythingAt('near')).toHaveLength(1);
    // In front now: nobody may begin the source anew there.
    await backUp(['away', 'near'], content());
    expect(await everythingAt('away')).toHaveLength(1);
    expect(await everythingAt('near')).toHaveLength(2);
  });

  it('goes on without a site that has other keys for the source', async () => {
    await backUp(['near', 'far'], content());
    await backUp(['away'], content(), { stateDirectory: join(fixture.directory, 'another-machine') });
    const { snapshot, dropped } = await backUp(siteNames, content());
    expect(snapshot.sites).toEqual(['near', 'far']);
    expect(dropped).toEqual(['away']);
  });

  it('is not finished when it took longer than what it relies on is safe', async () => {
    const clock = clockAt(Date.parse('2026-11-24T04:00:00Z'));
    await backUp(siteNames, content(), { clock });
    sites.near.fault = (operation, name) => {
      // The machine sleeps for four days in the middle.
      if (operation === 'create' && name.includes('/packs/')) clock.set(Date.parse('2026-11-28T05:00:00Z'));
    };
    await expect(backUp(siteNames, content(), { clock })).rejects.toEqual(code('lease-held'));
    for (const name of siteNames) expect(await everythingAt(name)).toHaveLength(1);
  });
});
