/**
 * A repository whose packs are there by name and size only, so that a terabyte fits anywhere; its keys, index and snapshot
 * objects are real. Made by one process and looked at by another, whose memory is then that of the work alone:
 *
 *   node test/support/large-repository.ts make DIRECTORY PACKS SNAPSHOTS
 *   node test/support/large-repository.ts check|keyless|prune DIRECTORY
 *
 * The second prints JSON: milliseconds, and the peak of its memory in bytes.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isoTime, systemClock } from '../../src/base/clock.ts';
import { silent } from '../../src/base/events.ts';
import { MiB } from '../../src/base/units.ts';
import { formatParty, generateParty, type Party, parseParty } from '../../src/crypt/parties.ts';
import { check } from '../../src/jobs/check.ts';
import { initRepository } from '../../src/jobs/init.ts';
import { prune } from '../../src/jobs/prune.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { sealCatalogObject } from '../../src/repository/catalog-object.ts';
import type { IndexPayload } from '../../src/repository/index-object.ts';
import { commitTo, type SnapshotPayload } from '../../src/repository/snapshot.ts';
import { openOrCreateSource } from '../../src/repository/source-record.ts';
import { Trust } from '../../src/repository/trust.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import type { ListedObject, Site } from '../../src/sites/site.ts';

const packBytes = 8 * MiB;
const packsPerIndex = 256;
const chunksPerPack = 8;
const dayMs = 86_400_000;
const now = Date.parse('2026-11-24T04:00:00Z');
const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const packName = (number: number) => hash(`pack ${number}`);

interface Setup {
  packs: number;
  owner: string;
  host: string;
}

/** A site that lists packs it does not have. */
function withPacks(site: Site, packs: number, sourceId: string): Site {
  const prefix = `sources/${sourceId}/`;
  return {
    name: site.name,
    create: (...args) => site.create(...args),
    replace: (...args) => site.replace(...args),
    read: (...args) => site.read(...args),
    stat: (name) => site.stat(name),
    remove: (name) => site.remove(name),
    close: () => site.close(),
    directories: (under) => site.directories!(under),
    async *list(under): AsyncGenerator<ListedObject> {
      yield* site.list(under);
      if (under !== prefix && under !== `${prefix}packs/`) return;
      for (let number = 0; number < packs; number++) {
        const name = packName(number);
        yield { name: `${prefix}packs/${name.slice(0, 2)}/${name}`, size: packBytes };
      }
    },
  };
}

async function open(directory: string, setup: Setup): Promise<RepositoryAccess & { host: Party }> {
  const [owner, host] = [await parseParty(setup.owner), await parseParty(setup.host)];
  const publicOf = ({ name, recipient, publicSigningKey }: Party) => ({ name, recipient, publicSigningKey });
  const trust = new Trust('00112233445566778899aabbccddeeff', [
    { ...publicOf(owner), role: 'owner' },
    { ...publicOf(host), role: 'backup' },
  ]);
  const disk = await openDiskSite({ name: 'vault', path: join(directory, 'site'), create: true });
  return {
    site: withPacks(disk, setup.packs, trust.sourceId('app')),
    trust,
    host,
    identities: [],
    dedupWith: [],
    stateDirectory: join(directory, 'state'),
    clock: { ...systemClock, now: () => now },
    emit: silent,
    signal: new AbortController().signal,
  };
}

async function make(directory: string, packs: number, snapshots: number): Promise<void> {
  const setup: Setup = {
    packs,
    owner: formatParty(await generateParty('anna', systemClock)),
    host: formatParty(await generateParty('web1', systemClock)),
  };
  writeFileSync(join(directory, 'setup.json'), JSON.stringify(setup));
  const access = await open(directory, setup);
  await initRepository(access);
  const { layout, keys } = await openOrCreateSource(access, 'app');
  const about = { repository: access.trust.repositoryId, source: layout.id, signer: access.host.name };
  const recipient = keys[0]!.catalogRecipient;
  const idOf = (pack: number, chunk: number) => hash(`chunk ${pack} ${chunk}`);
  for (let from = 0; from < packs; from += packsPerIndex) {
    const payload: IndexPayload = {
      kind: 'index',
      ...about,
      time: isoTime(now - 400 * dayMs),
      packs: Array.from({ length: Math.min(packsPerIndex, packs - from) }, (_, i) => ({
        pack: packName(from + i),
        size: packBytes,
        ids: Array.from({ length: chunksPerPack }, (_, chunk) => idOf(from + i, chunk)).join(''),
        lengths: new Array(chunksPerPack).fill(MiB),
        rawLengths: new Array(chunksPerPack).fill(MiB),
      })),
    };
    const { name, bytes } = await sealCatalogObject(payload, access.host, recipient);
    await access.site.create(layout.index + name, bytes);
  }
  let previous: string | null = null;
  for (let number = 1; number <= snapshots; number++) {
    // Most packs are in all of them; the oldest go, new ones come.
    const first = Math.floor((packs * (number - 1)) / snapshots / 4);
    const count = Math.floor((packs * 3) / 4);
    const sha256 = hash(`manifest ${number}`);
    const payload: SnapshotPayload = {
      kind: 'snapshot',
      ...about,
      sequence: number,
      time: isoTime(now - (snapshots - number + 1) * dayMs),
      previous,
      name: 'app',
      type: 'command',
      tags: [],
      generation: 1,
      packs: Array.from({ length: count }, (_, i) => packName(first + i)),
      manifest: { size: 1, sha256, chunks: [idOf(first, 0)] },
      totals: { bytes: count * packBytes },
      shortfalls: [],
      commitment: commitTo(sha256),
    };
    const { name, bytes } = await sealCatalogObject(payload, access.host, recipient);
    await access.site.create(layout.snapshots + name, bytes);
    previous = name;
  }
}

async function measure(what: string, directory: string): Promise<void> {
  const setup = JSON.parse(readFileSync(join(directory, 'setup.json'), 'utf8')) as Setup;
  const { host, ...keyless } = await open(directory, setup);
  const started = performance.now();
  let found: Record<string, unknown>;
  if (what === 'prune') {
    const keep = { last: 0, daily: 30, weekly: 0, monthly: 0, yearly: 0 };
    const sources = [{ name: 'app', keep }];
    const report = await prune({ ...keyless, host }, { sources, timeZone: 'UTC', dryRun: true });
    const [source] = report.sources;
    const dropped = source!.snapshots.filter(({ reasons }) => reasons.length === 0).length;
    found = { outcome: report.outcome, dropped, error: source!.error?.message };
  } else {
    const request = what === 'check' ? { sources: ['app'] } : { sources: [], unnamed: true };
    const report = await check(what === 'check' ? { ...keyless, host } : keyless, request);
    const damage = report.findings.filter(({ severity }) => severity === 'damage');
    found = { outcome: report.outcome, damage: damage.slice(0, 3), packs: report.sources[0]!.packs };
  }
  // What getrusage tells of a peak is in KiB.
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ ...found, ms: Math.round(performance.now() - started), peak }));
}

const [what, directory, packs, snapshots] = process.argv.slice(2);
if (what === 'make') await make(directory!, Number(packs), Number(snapshots));
else await measure(what!, directory!);
