import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { HoldfastEvent } from '../../src/base/events.ts';
import { generateParty, type Party } from '../../src/crypt/parties.ts';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { initRepository } from '../../src/jobs/init.ts';
import { accessTo, type RepositoryAccess } from '../../src/repository/access.ts';
import { Ingest } from '../../src/repository/ingest.ts';
import { RunSites } from '../../src/repository/run-sites.ts';
import type { IgnoredObject, KnownSnapshot } from '../../src/repository/snapshot.ts';
import { SnapshotReader } from '../../src/repository/snapshot-reader.ts';
import { SnapshotWriter } from '../../src/repository/snapshot-writer.ts';
import { openOrCreateSource, openSource } from '../../src/repository/source-record.ts';
import type { StoredStream } from '../../src/repository/stored-stream.ts';
import { type PartyRole, Trust, type TrustParty } from '../../src/repository/trust.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { Site } from '../../src/sites/site.ts';

const anna = await generateParty('anna', systemClock);
const bob = await generateParty('bob', systemClock);
const web1 = await generateParty('web1', systemClock);
const web2 = await generateParty('web2', systemClock);
const stranger = await generateParty('stranger', systemClock);

/** Keys that protect nothing: made anew for each run of the tests. */
export const parties = { anna, bob, web1, web2, stranger };

export const repositoryKey = '00112233445566778899aabbccddeeff';

export function trusted(party: Party, role: PartyRole, sources?: string[]): TrustParty {
  const { name, recipient, publicSigningKey } = party;
  return { name, role, recipient, publicSigningKey, ...(sources && { sources }) };
}

export const usualTrust = [
  trusted(web1, 'backup'),
  trusted(web2, 'backup'),
  trusted(anna, 'owner'),
  trusted(bob, 'owner'),
];

export class RepositoryFixture {
  readonly directory: string;
  readonly sitePath: string;
  readonly events: HoldfastEvent[] = [];

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'holdfast-repository-'));
    this.sitePath = join(this.directory, 'site');
  }

  /** Access as one machine has it; its memory is that of `machine`. */
  async access(
    options: Partial<RepositoryAccess> & { machine?: string; trustParties?: TrustParty[] } = {},
  ): Promise<RepositoryAccess> {
    const { machine = 'web1', trustParties = usualTrust, ...others } = options;
    return {
      site: await openDiskSite({ name: 'vault', path: this.sitePath, create: true }),
      trust: new Trust(repositoryKey, trustParties),
      host: web1,
      identities: [],
      dedupWith: [],
      stateDirectory: join(this.directory, `state-${machine}`),
      clock: systemClock,
      emit: (event) => void this.events.push(event),
      signal: new AbortController().signal,
      ...others,
    };
  }

  /** Access to several sites at once, as a run has it. */
  async accessTo(
    sites: readonly Site[],
    options: Partial<RepositoryAccess> & { machine?: string; patienceMs?: number } = {},
  ): Promise<RepositoryAccess & { readonly sites: RunSites }> {
    const { patienceMs, ...more } = options;
    const base = await this.access({ ...more, site: sites[0]! });
    const runSites = new RunSites(sites, { clock: base.clock, ...(patienceMs !== undefined && { patienceMs }) });
    return Object.assign(accessTo(base, runSites), { sites: runSites });
  }

  async init(): Promise<void> {
    await initRepository(await this.access());
  }
}

/** A clock that can be set; its sleeps are real. */
export function clockAt(ms: number): Clock & { set(ms: number): void } {
  let now = ms;
  return {
    ...systemClock,
    now: () => now,
    set: (to) => {
      now = to;
    },
  };
}

/** Makes a snapshot of named contents, as a source would, without worker threads. */
export async function writeSnapshot(
  access: RepositoryAccess,
  source: string,
  contents: Record<string, Buffer>,
  ignored: IgnoredObject[] = [],
): Promise<{ snapshot: KnownSnapshot; storedBytes: number }> {
  const opened = await openOrCreateSource(access, source);
  const writer = await SnapshotWriter.open(access, opened, (object) => ignored.push(object));
  const ingest = new Ingest(writer.ingestSettings, writer);
  for (const [name, bytes] of Object.entries(contents)) {
    const { stored } = await ingest.whole(bytes);
    await writer.writeLine({ kind: 'output', filename: name, stream: stored });
  }
  await ingest.flush();
  const content = { type: 'command' as const, tags: [], totals: {}, shortfalls: [] };
  return { snapshot: await writer.commit(content), storedBytes: writer.storedBytes };
}

/** The contents of a snapshot. */
export async function readSnapshot(
  access: RepositoryAccess,
  source: string,
  snapshot: KnownSnapshot,
): Promise<Record<string, Buffer>> {
  const reader = await SnapshotReader.open(access, await openSource(access, source), snapshot, () => {});
  const contents: Record<string, Buffer> = {};
  for await (const { filename, stream } of reader.lines<{ filename: string; stream: StoredStream }>()) {
    contents[filename] = await reader.streams.whole(stream);
  }
  return contents;
}

/** What to compare of contents: buffers themselves are slow to compare. */
export function hashes(contents: Readonly<Record<string, Buffer>>): Record<string, string> {
  return Object.fromEntries(Object.entries(contents).map(([name, bytes]) => [name, sha256Hex(bytes)]));
}
