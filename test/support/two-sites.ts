/** A repository at several sites on disk, with an object of every kind. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { initRepository } from '../../src/jobs/init.ts';
import { testKeys } from '../../src/jobs/keys.ts';
import { accessTo, type RepositoryAccess } from '../../src/repository/access.ts';
import { makePin } from '../../src/repository/pins.ts';
import type { KnownSnapshot } from '../../src/repository/snapshot.ts';
import { alignSource } from '../../src/repository/source-copies.ts';
import { openSource } from '../../src/repository/source-record.ts';
import { makeTombstone } from '../../src/repository/tombstones.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import { FaultySite } from './faulty-site.ts';
import { clockAt, parties, RepositoryFixture, writeSnapshot } from './repository-fixture.ts';

export class SeveralSites {
  readonly fixture = new RepositoryFixture();
  readonly clock: ReturnType<typeof clockAt>;
  readonly sites: FaultySite[] = [];

  private constructor(now: number) {
    this.clock = clockAt(now);
  }

  static async make(names: readonly string[], now = Date.parse('2026-11-24T04:00:00Z')): Promise<SeveralSites> {
    const made = new SeveralSites(now);
    for (const name of names) {
      const path = join(made.fixture.directory, name);
      const site = new FaultySite(await openDiskSite({ name, path, create: true }));
      made.sites.push(site);
      await initRepository(await made.fixture.access({ site, clock: made.clock }));
    }
    return made;
  }

  /** A run over the sites, as the host; `machine` has a memory of its own. */
  async access(
    more: Partial<RepositoryAccess> & { machine?: string } = {},
    of: readonly FaultySite[] = this.sites,
  ): Promise<RepositoryAccess> {
    return this.fixture.accessTo(of, { clock: this.clock, ...more });
  }

  /** Without any key; with the memory of a machine that has seen nothing. */
  async keyless(of: readonly FaultySite[] = this.sites): Promise<RepositoryAccess> {
    const access = await this.fixture.accessTo(of, { clock: this.clock, machine: 'watchman' });
    const { host: _, site: __, ...keyless } = access;
    return accessTo(keyless, access.sites);
  }

  async backUp(contents: Record<string, Buffer>, source = 'app', of = this.sites): Promise<KnownSnapshot> {
    const run = await this.access({}, of);
    await alignSource(run, source);
    const { snapshot } = await writeSnapshot(run, source, contents);
    await alignSource(run, source);
    return snapshot;
  }

  async pin(snapshot: KnownSnapshot, source = 'app'): Promise<void> {
    const run = await this.access();
    const opened = await openSource(run, source);
    const { name, bytes } = makePin(run, parties.web1, opened, { snapshot: snapshot.id, pinned: true });
    for (const site of this.sites) await site.create(opened.layout.pins + name, bytes);
  }

  async drop(snapshot: KnownSnapshot, source = 'app', signer = parties.web1): Promise<void> {
    const run = await this.access();
    const opened = await openSource(run, source);
    const { name, bytes } = makeTombstone(run, signer, opened, snapshot);
    for (const site of this.sites) await site.create(opened.layout.tombstones + name, bytes);
  }

  /** An owner's answer, at every site. */
  async answer(source = 'app'): Promise<void> {
    const run = await this.access({ identities: [parties.anna] });
    await testKeys(run, [source]);
    const name = `${this.prefix(source)}answers/anna.json`;
    const bytes = await this.sites[0]!.read(name);
    for (const site of this.sites.slice(1)) await site.replace(name, bytes);
  }

  prefix(source = 'app'): string {
    return `sources/${this.sourceId(source)}/`;
  }

  sourceId(source = 'app'): string {
    const directories = readdirSync(join(this.fixture.directory, this.sites[0]!.name, 'sources'));
    if (directories.length !== 1 && source !== 'app') throw new Error('name the source by its id');
    return directories[0]!;
  }

  path(site: FaultySite, name: string): string {
    return join(this.fixture.directory, site.name, name);
  }

  /** Every object of a site, but for leases. */
  objects(site: FaultySite): string[] {
    const root = join(this.fixture.directory, site.name);
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('.tmp'))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .sort();
  }

  /** Everything a site holds, by hashes, to compare. */
  content(site: FaultySite): Record<string, string> {
    return Object.fromEntries(this.objects(site).map((name) => [name, sha256Hex(readFileSync(this.path(site, name)))]));
  }
}
