import { isHoldfastError } from '../base/errors.ts';
import { randomSecret, sha256Hex } from '../crypt/secrets.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { CatalogOpener } from './catalog-object.ts';
import type { IgnoredObject } from './ignored-object.ts';
import { promisedHash } from './layout.ts';
import { LocalState } from './local-state.ts';
import { listAcross, readAcross, readsAhead } from './objects-across-sites.ts';
import { readAhead } from './read-ahead.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';
import type { StoredStream } from './stored-stream.ts';
import { readTombstones, type TombstonePayload } from './tombstones.ts';
import type { SignedPayload } from './trust.ts';

/** Objects that are read at the same time. */
const readsUnderWay = 8;

export type SourceType = 'postgres' | 'postgres-globals' | 'files' | 'command';

/** One source at one moment: docs/format.md §6. */
export interface SnapshotPayload extends SignedPayload {
  kind: 'snapshot';
  source: string;
  sequence: number;
  time: string;
  /** SHA-256 of the snapshot object before it. */
  previous: string | null;
  /** The source's name. */
  name: string;
  type: SourceType;
  tags: string[];
  generation: number;
  packs: string[];
  manifest: StoredStream;
  totals: Record<string, number>;
  shortfalls: { object: string; reason: string; degrades: boolean }[];
  commitment: { salt: string; sha256: string };
}

export interface KnownSnapshot extends SnapshotPayload {
  /** SHA-256 of its object. */
  id: string;
  /** Names of the sites that list it, of those that were asked. */
  sites?: readonly string[];
}

export type { IgnoredObject } from './ignored-object.ts';

/** The site shows less than this machine has seen there. */
export interface Rollback {
  /** What this machine knows. */
  known: { sequence: number; snapshot: string; time: string };
  /** The newest the site shows; undefined when it shows none. */
  shown?: { sequence: number; snapshot: string; time: string };
}

export interface SnapshotListing {
  /** In the order of their sequence, the oldest first. */
  snapshots: KnownSnapshot[];
  /** Dropped ones that are still there, in the order of their sequence. */
  tombstoned: KnownSnapshot[];
  /** Every tombstone, also of snapshots that are gone: id of the snapshot → tombstone. */
  tombstones: ReadonlyMap<string, TombstonePayload>;
  ignored: IgnoredObject[];
  rollback?: Rollback;
  /** False on a machine that has never seen the source: whether the site shows the newest cannot be known. */
  freshnessKnown: boolean;
  /** Predecessors that a snapshot names and the site does not have. */
  gaps: { after: string; missing: string }[];
}

/**
 * Reads every snapshot of a source, at whichever site it lies. What cannot be trusted is named and left out.
 *
 * @throws HoldfastError when no site is left to read
 */
export async function listSnapshots(
  access: RepositoryAccess,
  source: OpenedSource,
  sites: RunSites = sitesOf(access),
): Promise<SnapshotListing> {
  const opener = new CatalogOpener(
    source.keys.map(({ catalogIdentity }) => catalogIdentity),
    access.trust,
  );
  const all: KnownSnapshot[] = [];
  const packNames = new Map<string, string>();
  const ignored: IgnoredObject[] = [];
  const tombstones = await readTombstones(access, sites, source, ignored);
  const held = await listAcross(sites, source.layout.snapshots);
  const read = readAhead(held, readsAhead(held, readsUnderWay), async (object) => {
    access.signal.throwIfAborted();
    const id = promisedHash(object.name);
    if (id === undefined) return void ignored.push({ object: object.name, why: 'Its name is no SHA-256.' });
    const expected = { kind: 'snapshot', source: source.name, roles: ['backup'] } as const;
    try {
      const payload = await readAcross(sites, object, (bytes) => opener.open<SnapshotPayload>(id, bytes, expected));
      // Snapshots name nearly the same packs: one text for each, not one for each snapshot.
      payload.packs = payload.packs.map((pack) => once(packNames, pack));
      return { ...payload, id, sites: object.sites.map(({ name }) => name) };
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'wrong-key', 'object-missing')) throw error;
      return void ignored.push({ object: object.name, why: error.why ?? error.message });
    }
  });
  for await (const snapshot of read) if (snapshot) all.push(snapshot);
  all.sort((a, b) => a.sequence - b.sequence || (a.time < b.time ? -1 : 1));
  const ids = new Set(all.map(({ id }) => id));
  const snapshots = all.filter(({ id }) => !tombstones.has(id));
  const gaps = all.flatMap(({ id, previous }) =>
    previous !== null && !ids.has(previous) && !tombstones.has(previous) ? [{ after: id, missing: previous }] : [],
  );
  const tombstoned = all.filter(({ id }) => tombstones.has(id));
  const memory = await new LocalState(access.stateDirectory, access.trust.repositoryId).read(source.layout.id);
  const freshnessKnown = memory.newest !== undefined;
  const listing: SnapshotListing = { snapshots, tombstoned, tombstones, ignored, gaps, freshnessKnown };
  const newest = all.at(-1);
  const known = memory.newest;
  if (known !== undefined && !ids.has(known.snapshot) && (newest === undefined || newest.sequence <= known.sequence)) {
    listing.rollback = { known };
    if (newest) listing.rollback.shown = { sequence: newest.sequence, snapshot: newest.id, time: newest.time };
  } else if (newest !== undefined && (known === undefined || newest.sequence > known.sequence)) {
    await rememberNewest(access, source, newest);
  }
  return listing;
}

function once(known: Map<string, string>, text: string): string {
  const same = known.get(text);
  if (same === undefined) known.set(text, text);
  return same ?? text;
}

/** Raises this machine's high-water mark. */
export async function rememberNewest(
  access: RepositoryAccess,
  source: OpenedSource,
  { sequence, id, time }: Pick<KnownSnapshot, 'sequence' | 'id' | 'time'>,
): Promise<void> {
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const memory = await state.read(source.layout.id);
  if ((memory.newest?.sequence ?? 0) > sequence) return;
  await state.write(source.layout.id, { ...memory, newest: { sequence, snapshot: id, time } });
}

/** Binds a snapshot to the fingerprints in its manifest without telling them to those who read the catalog only. */
export function commitTo(manifestSha256: string): SnapshotPayload['commitment'] {
  const salt = randomSecret(16);
  return { salt: salt.toString('hex'), sha256: sha256Hex(salt, Buffer.from(manifestSha256, 'hex')) };
}

/** Whether the commitment is the one to this manifest. */
export function commitmentHolds({ commitment, manifest }: Pick<SnapshotPayload, 'commitment' | 'manifest'>): boolean {
  const { salt, sha256 } = commitment;
  return sha256Hex(Buffer.from(salt, 'hex'), Buffer.from(manifest.sha256, 'hex')) === sha256;
}
