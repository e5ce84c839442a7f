/** Parties come and go: through the real program, each from a machine of its own. */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../config/load.ts';
import { partiesOf } from '../../config/trust-parties.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silent } from '../../src/base/events.ts';
import { seal } from '../../src/crypt/age.ts';
import { parseParty } from '../../src/crypt/parties.ts';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { sealCatalogObject } from '../../src/repository/catalog-object.ts';
import { encodeDirectory } from '../../src/repository/directory.ts';
import { chunkId } from '../../src/repository/frame.ts';
import { type IndexPayload, indexedPack } from '../../src/repository/index-object.ts';
import { listSnapshots, type SnapshotPayload } from '../../src/repository/snapshot.ts';
import { openSource } from '../../src/repository/source-record.ts';
import { makeTombstone } from '../../src/repository/tombstones.ts';
import { Trust } from '../../src/repository/trust.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import { holdfast, type Outcome, prepareBackup, useDirectory } from './run-holdfast.ts';

const directory = useDirectory(prepareBackup);
const path = (...parts: string[]) => join(directory.path, ...parts);

interface ConfigText {
  host: { public: string; identity?: { file: string } };
  owners: { public: string; retired?: boolean }[];
  hosts?: { public: string; retired?: boolean; distrusted?: boolean; dedupWith?: boolean }[];
  sites: { path: string }[];
  sources: { path: string }[];
}

/** A machine: its configuration, and what it remembers, in a directory of its own. */
class Machine {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  get at(): string {
    return this.name === 'web1' ? directory.path : path(this.name);
  }

  /** Another machine that has the configuration of web1, and no host key. */
  static async join(name: string, change: (config: ConfigText) => void = () => {}): Promise<Machine> {
    const machine = new Machine(name);
    await mkdir(machine.at);
    await cp(path('holdfast.yaml'), join(machine.at, 'holdfast.yaml'));
    await machine.configure((config) => {
      delete config.host.identity;
      for (const site of config.sites) site.path = path('site');
      for (const source of config.sources) source.path = path('tree');
      change(config);
    });
    return machine;
  }

  async configure(change: (config: ConfigText) => void): Promise<void> {
    const file = join(this.at, 'holdfast.yaml');
    const config = parse(await readFile(file, 'utf8')) as ConfigText;
    change(config);
    await writeFile(file, stringify(config));
  }

  run(...args: string[]): Promise<Outcome> {
    return holdfast(args, { cwd: this.at });
  }

  /** The run must end with `status`. */
  async must(status: number, ...args: string[]): Promise<Outcome> {
    const outcome = await this.run(...args);
    expect(outcome.status, `${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`).toBe(status);
    return outcome;
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse((await this.must(0, '--json', ...args)).stdout) as T;
  }

  async backUp(): Promise<{ id: string; stored: number; stderr: string }> {
    const { stdout, stderr } = await this.must(0, 'backup', '--json');
    const [source] = JSON.parse(stdout).sources;
    return { id: source.snapshot.id, stored: source.storedBytes, stderr };
  }

  /** What a restored file holds. */
  async restored(snapshot: string, identity: string, file: string): Promise<string> {
    const to = join(this.at, `out-${randomBytes(4).toString('hex')}`);
    await this.must(0, 'restore', `documents@${snapshot}`, '--to', to, '-i', path(identity));
    return readFile(join(to, file), 'utf8');
  }
}

const anna = ['-i', 'owners/anna.key'];
const newParty = async (name: string) =>
  (await new Machine('web1').must(0, 'keys', 'new', name, '--out', `${name}.key`)).stdout.trim();
const firstSnapshot = async () => (await readdir(path('site', 'sources', await sourceId(), 'snapshots')))[0]!;
const sourceId = async () => (await readdir(path('site', 'sources')))[0]!;

// Each starts the program a dozen times.
describe('keys over time', { timeout: 180_000 }, () => {
  it('a removed owner opens what was there, and nothing that comes after keys rotate', async () => {
    const web1 = new Machine('web1');
    const bert = await Machine.join('bert');
    const before = await firstSnapshot();
    await web1.configure((config) => void config.owners.splice(1, 1));
    const warned = await web1.backUp();
    expect(warned.stderr).toMatch(/^warning: New data is sealed to parties .* any more: bert \(documents\)\.$/m);
    expect(warned.stderr).toContain('holdfast keys rotate');
    const { stdout } = await web1.must(0, 'keys', 'rotate', ...anna);
    expect(stdout).toContain('documents: generation 2 began, for web1 (host), anna (owner)\n');
    expect(stdout).toContain('without bert, who can still open what was stored before');
    await writeFile(path('tree', 'new.txt'), 'after bert\n');
    const after = await web1.backUp();
    expect(after.stderr).not.toContain('keys rotate');

    expect(await bert.restored(before, 'owners/bert.key', 'a.txt')).toBe('first\n');
    const flags = ['--to', 'new', '-i', path('owners', 'bert.key')];
    for (const address of [`documents@${after.id}`, 'documents']) {
      const { stderr } = await bert.must(12, 'restore', address, ...flags);
      expect(stderr).toMatch(/^error: No key at hand opens (this snapshot|the newest snapshots) of documents\.$/m);
    }
    // On a machine whose host key opens the catalog he sees the snapshot, and no more.
    expect((await web1.must(12, 'restore', `documents@${after.id}`, ...flags)).stderr).toContain('generation 2');
    expect(await web1.restored(after.id, 'owners/anna.key', 'new.txt')).toBe('after bert\n');
    // New keys, and nothing stored again.
    expect(after.stored).toBeLessThan(30_000);
  });

  it('a party added later opens everything once an owner has granted it keys', async () => {
    const web1 = new Machine('web1');
    const line = await newParty('dora');
    await web1.configure((config) => void config.owners.push({ public: line }));
    expect((await web1.backUp()).stderr).toMatch(
      /^warning: Parties of the configuration lack keys: dora \(documents\)\.$/m,
    );
    const refused = await web1.must(12, 'restore', 'documents', '--to', 'none', '-i', 'dora.key');
    expect(refused.stderr).toContain('holdfast keys grant');
    // The host key alone grants nothing.
    expect((await web1.must(12, 'keys', 'grant')).stderr).toContain('--identity FILE');

    // What an act that was killed left behind.
    await writeFile(path('site', 'sources', await sourceId(), 'keys', '1', 'dora.age'), 'half');
    const { stdout } = await web1.must(0, 'keys', 'grant', ...anna);
    expect(stdout).toContain('documents: dora (owner) got its keys\n');
    expect(stdout).toContain('They can open what was backed up before, too.');
    const dora = await Machine.join('dora');
    expect(await dora.restored(await firstSnapshot(), 'dora.key', 'a.txt')).toBe('first\n');
    expect((await web1.must(0, 'keys', 'test', '-i', 'dora.key')).stdout).toContain('opens it');
    await web1.must(0, 'check', ...anna);
  });

  it('a new host takes the place of a lost one after one act of an owner', async () => {
    const lost = parse(await readFile(path('holdfast.yaml'), 'utf8')).host.public;
    const line = await newParty('web2');
    const web2 = await Machine.join('web2', (config) => {
      config.host = { public: line, identity: { file: path('web2.key') } };
      config.hosts = [{ public: lost }];
    });
    expect((await web2.must(12, 'backup')).stderr).toContain('holdfast keys grant web2');
    const grant = ['keys', 'grant', 'web2', '--succeeds', 'web1', '-i', path('owners', 'anna.key')];
    expect((await web2.must(2, ...grant)).stderr).toContain('retired: true');
    await web2.configure((config) => {
      config.hosts = [{ public: lost, retired: true }];
    });
    expect((await web2.must(0, ...grant)).stdout).toContain('relies on what web1 stored');
    const { id, stored } = await web2.backUp();
    // The tree has 300,000 random bytes.
    expect(stored).toBeLessThan(15_000);
    expect(await web2.restored(id, 'owners/anna.key', 'a.txt')).toBe('first\n');
  });

  it('what a thief wrote with a stolen host key does not count, and is stored again', async () => {
    const web1 = new Machine('web1');
    const first = await firstSnapshot();
    const wanted = 'what the next backup stores\n'.repeat(100);
    await forge(first, Buffer.from(wanted));
    await writeFile(path('tree', 'wanted.txt'), wanted);
    const stolen = parse(await readFile(path('holdfast.yaml'), 'utf8')).host.public;
    const line = await newParty('web2');
    const web2 = await Machine.join('web2', (config) => {
      config.host = { public: line, identity: { file: path('web2.key') } };
      config.hosts = [{ public: stolen, dedupWith: true }];
    });
    const owner = ['-i', path('owners', 'anna.key')];
    await web2.must(0, 'keys', 'grant', 'web2', ...owner);
    const poisoned = await web2.backUp();
    // So it is worth something: the thief's index made it refer to garbage.
    const bad = await web2.must(3, 'restore', `documents@${poisoned.id}`, '--to', 'bad', ...owner);
    expect(bad.stdout).toContain('wanted.txt: A chunk does not decompress');

    const distrust = ['keys', 'distrust', 'web1', '--since', '2', ...owner];
    const { stdout } = await web2.must(0, ...distrust);
    expect(stdout).toMatch(/^documents@[0-9a-f]+ +1 .* yes$/m);
    expect(stdout).toMatch(/^documents@[0-9a-f]+ +900 .* no$/m);
    expect(stdout).toContain(`hosts:\n  - public: ${stolen}\n    distrusted: true\n`);
    await web2.configure((config) => {
      config.hosts = [{ public: stolen, distrusted: true, dedupWith: true }];
    });
    const { id, stored } = await web2.backUp();
    expect(await web2.restored(id, 'owners/anna.key', 'wanted.txt')).toBe(wanted);
    expect(await web2.restored(first, 'owners/anna.key', 'a.txt')).toBe('first\n');
    // The owner has looked at the packs from before: those are relied on.
    expect(stored).toBeLessThan(30_000);
    const { sources } = await web2.json<Listing>('snapshots');
    expect(sources[0]!.snapshots.map((one) => one.id).sort()).toEqual([first, poisoned.id, id].sort());
    // What a stranger, as web2 is to web1, signed there is waited for, for a minute: leases have tests of their own.
    await rm(path('site', 'sources', await sourceId(), 'leases'), { recursive: true });
    expect((await web1.must(12, 'backup')).stderr).toContain('generation 2');
  });
});

interface Listing {
  sources: { snapshots: { id: string }[] }[];
}

/**
 * With the key of web1: an index that claims a chunk lies in a pack of garbage, a snapshot of a later sequence, a tombstone
 * of the first one.
 */
async function forge(first: string, chunk: Buffer): Promise<void> {
  const { config } = await loadConfig(path('holdfast.yaml'));
  const site = await openDiskSite({ name: 'vault', path: path('site'), create: false });
  const host = await parseParty(await readFile(path('host.key'), 'utf8'));
  const access = {
    ...{ site, host, identities: [], dedupWith: [], stateDirectory: path('thief'), clock: systemClock, emit: silent },
    trust: new Trust(config.repository, partiesOf(config)),
    signal: new AbortController().signal,
  };
  const source = await openSource(access, 'documents');
  const [keys] = source.keys;
  const { snapshots } = await listSnapshots(access, source);
  const entry = {
    ...{ id: chunkId(Buffer.from(keys!.chunkIdSecret, 'hex'), chunk), offset: 0, length: 64, rawLength: chunk.length },
  };
  const garbage = randomBytes(entry.length);
  const pack = await seal([keys!.dataRecipient], [garbage, encodeDirectory([entry], garbage.length)]);
  const packName = sha256Hex(pack);
  await site.create(source.layout.pack(packName), pack);
  const common = { repository: access.trust.repositoryId, source: source.layout.id, signer: host.name };
  const index: IndexPayload = {
    ...{ kind: 'index', ...common, time: new Date().toISOString() },
    packs: [indexedPack(packName, pack.length, [entry])],
  };
  const { id: _, sites: _sites, ...genuine } = snapshots[0]!;
  const snapshot: SnapshotPayload = { ...genuine, sequence: 900, time: new Date().toISOString(), previous: first };
  const sealed = [
    [source.layout.index, await sealCatalogObject(index, host, keys!.catalogRecipient)],
    [source.layout.snapshots, await sealCatalogObject(snapshot, host, keys!.catalogRecipient)],
    [source.layout.tombstones, makeTombstone(access, host, source, snapshots[0]!)],
  ] as const;
  for (const [prefix, { name, bytes }] of sealed) await site.create(prefix + name, bytes);
  await site.close();
}
