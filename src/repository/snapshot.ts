import { isHoldfastError } from '../base/errors.ts';
import { randomSecret, sha256Hex } from '../crypt/secrets.ts';
import type { RepositoryAccess } from './access.ts';
import { CatalogOpener } from './catalog-object.ts';
import { promisedHash } from './layout.ts';
import { LocalState } from './local-state.ts';
import type { OpenedSource } from './source-record.ts';
import type { StoredStream } from './stored-stream.ts';
import type { SignedPayload } from './trust.ts';

export type SourceType = 'postgres' | 'files' | 'command';

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
}

/** An object that does not count, and why. */
export interface IgnoredObject {
  object: string;
  why: string;
}

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
  ignored: IgnoredObject[];
  rollback?: Rollback;
  /** False on a machine that has never seen the source: whether the site shows the newest cannot be known. */
  freshnessKnown: boolean;
  /** Predecessors that a snapshot names and the site does not have. */
  gaps: { after: string; missing: string }[];
}

/** Reads every snapshot of a source. What cannot be trusted is named and left out. */
export async function listSnapshots(access: RepositoryAccess, source: OpenedSource): Promise<SnapshotListing> {
  const opener = new CatalogOpener(
    source.keys.map(({ catalogIdentity }) => catalogIdentity),
    access.trust,
  );
  const snapshots: KnownSnapshot[] = [];
  const ignored: IgnoredObject[] = [];
  for await (const { name } of access.site.list(source.layout.snapshots)) {
    access.signal.throwIfAborted();
    const id = promisedHash(name);
    if (id === undefined) {
      ignored.push({ object: name, why: 'Its name is no SHA-256.' });
      continue;
    }
    try {
      const payload = await opener.open<SnapshotPayload>(id, await access.site.read(name), {
        kind: 'snapshot',
        source: source.name,
        roles: ['backup'],
      });
      snapshots.push({ ...payload, id });
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'wrong-key', 'object-missing')) throw error;
      ignored.push({ object: name, why: error.why ?? error.message });
    }
  }
  snapshots.sort((a, b) => a.sequence - b.sequence || (a.time < b.time ? -1 : 1));
  const ids = new Set(snapshots.map(({ id }) => id));
  const gaps = snapshots.flatMap(({ id, previous }) =>
    previous !== null && !ids.has(previous) ? [{ after: id, missing: previous }] : [],
  );
  const memory = await new LocalState(access.stateDirectory, access.trust.repositoryId).read(source.layout.id);
  const listing: SnapshotListing = { snapshots, ignored, gaps, freshnessKnown: memory.newest !== undefined };
  const newest = snapshots.at(-1);
  const known = memory.newest;
  if (known !== undefined && !ids.has(known.snapshot) && (newest === undefined || newest.sequence <= known.sequence)) {
    listing.rollback = { known };
    if (newest) listing.rollback.shown = { sequence: newest.sequence, snapshot: newest.id, time: newest.time };
  } else if (newest !== undefined && (known === undefined || newest.sequence > known.sequence)) {
    await rememberNewest(access, source, newest);
  }
  return listing;
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
