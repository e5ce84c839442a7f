import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishTrust } from '../../src/jobs/init.ts';
import { newestSnapshot } from '../../src/jobs/newest-snapshot.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { sourceDirectories } from '../../src/repository/source-directories.ts';
import { clusterRoster } from '../../src/repository/source-roster.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { Site } from '../../src/sites/site.ts';
import { recover } from '../support/recovery-run.ts';
import { RecoverySite } from '../support/recovery-site.ts';
import { parties, RepositoryFixture, trusted, writeSnapshot } from '../support/repository-fixture.ts';

const { anna, bob, web1, web2, stranger } = parties;
const fixture = new RepositoryFixture();
afterAll(() => rmSync(fixture.directory, { recursive: true }));
const contents = { 'a.txt': Buffer.from('what was backed up\n') };

/** Web1 may write what it likes, web2 the cluster `main`, and the stranger one database of it. */
const trustParties = [
  trusted(web1, 'backup'),
  trusted(web2, 'backup', ['main']),
  trusted(stranger, 'backup', ['main/app']),
  trusted(anna, 'owner'),
  trusted(bob, 'owner', ['main/app']),
];
const names = ['main/%C3%A9t%C3%A9', 'main/app', 'main/crm'];
let access: RepositoryAccess;

beforeAll(async () => {
  access = await fixture.access({ trustParties });
  await fixture.init();
  await publishTrust(access);
  for (const name of ['docs', 'mainly/app', ...names]) await writeSnapshot(access, name, contents);
});

/** A site that tells which objects were read. */
function watched(site: Site, read: string[]): Site {
  return new Proxy(site, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (key === 'read') read.push(String(args[0]));
        return value.apply(target, args);
      };
    },
  });
}

describe('the sources of a cluster', () => {
  it('are told by the site to a machine that never saw it, and remembered', async () => {
    const read: string[] = [];
    const fresh = await fixture.access({ trustParties, machine: 'fresh', site: watched(access.site, read) });
    expect(await clusterRoster(fresh, 'main')).toEqual({ names, ownSource: false, closed: [] });
    expect(read.length).toBeGreaterThan(0);
    read.splice(0);
    expect(await clusterRoster(fresh, 'main')).toEqual({ names, ownSource: false, closed: [] });
    expect(read).toEqual([]);

    // What is remembered wrongly is read anew.
    const memory = join(fresh.stateDirectory, fresh.trust.repositoryId, 'names');
    const file = join(memory, readdirSync(memory)[0]!);
    writeFileSync(file, readFileSync(file, 'utf8').replace('main/app', 'main/cash'));
    expect((await clusterRoster(fresh, 'main')).names).toEqual(names);
    writeFileSync(file, '{"cut');
    expect((await clusterRoster(fresh, 'main')).names).toEqual(names);
  });

  it('are counted where no key at hand opens them', async () => {
    const { host: _, ...owner } = await fixture.access({ trustParties, machine: 'bob', identities: [bob] });
    const roster = await clusterRoster(owner, 'main');
    expect(roster).toMatchObject({ names: ['main/app'], ownSource: false });
    expect(roster.closed).toHaveLength(2);
  });

  it('are found without a quick listing of directories too', async () => {
    const site = await openDiskSite({ name: 'vault', path: fixture.sitePath });
    const quick = await sourceDirectories(site);
    expect(quick).toHaveLength(5);
    Object.defineProperty(site, 'directories', { value: undefined });
    expect((await sourceDirectories(site)).sort()).toEqual(quick.sort());
  });

  it('have a newest snapshot, remembered or not', async () => {
    const fresh = await fixture.access({ trustParties, machine: 'third' });
    const known = await newestSnapshot(access, 'main/crm');
    expect(known).toMatchObject({ sequence: 1 });
    expect(await newestSnapshot(fresh, 'main/crm')).toEqual(known);
    expect(await newestSnapshot(fresh, 'main/none')).toBeUndefined();
  });
});

describe('recover.sh, which knows no names of clusters,', () => {
  const list = async (written: string, by: typeof web1) => {
    const host = await fixture.access({ trustParties, host: by, machine: `${by.name}-${written.replace('/', '-')}` });
    await writeSnapshot(host, written, contents).catch(() => {});
    const site = await RecoverySite.copyOf(fixture, access);
    return recover([...site.facts, '--list'], { script: site.script });
  };

  it('lists the databases of a host that may write the cluster', async () => {
    const { status, said, listed } = await list('main/shop', web2);
    expect(said).not.toContain('not trusted');
    expect(status).toBe(0);
    expect(listed).toMatch(/^main\/shop \(/m);
  });

  it('and of one that may write a single database, that one alone', async () => {
    expect((await list('main/app', stranger)).status).toBe(0);
    // Its own configuration is of no use to a stolen host: what counts is the trust root of the sheet.
    const rogue = [trusted(stranger, 'backup'), trusted(anna, 'owner')];
    const host = await fixture.access({ trustParties: rogue, host: stranger, machine: 'rogue' });
    await writeSnapshot(host, 'main/forged', contents);
    const site = await RecoverySite.copyOf(fixture, access);
    const { status, said } = await recover([...site.facts, '--list'], { script: site.script });
    expect(status).toBe(1);
    expect(said).toContain(
      `${host.trust.sourceId('main/forged')}/source.json: stranger signed it, who may not act for this source`,
    );
  });
});
