import { isHoldfastError } from '../base/errors.ts';
import { free } from '../base/memory.ts';
import { randomSecret, sha256Hex } from '../crypt/secrets.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { CatalogOpener } from './catalog-object.ts';
import { withoutStatements } from './distrusted.ts';
import { HashTexts } from './hash-texts.ts';
import type { IgnoredObject } from './ignored-object.ts';
import { parseWithPacks } from './large-payloads.ts';
import { promisedHash } from './layout.ts';
import { LocalState } from './local-state.ts';
import { listAcross, readAcross, readsAhead } from './objects-across-sites.ts';
import { readAhead } from './read-ahead.ts';
import type { RunSites } from './run-sites.ts';
import { closedGenerations, type OpenedSource } from './source-record.ts';
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
  /** Ids of snapshots that are sealed to a generation of keys which is not at hand. */
  sealed: string[];
  /** Ids of snapshots by a distrusted host of which no statement tells whether they count: nothing they may need may go. */
  undecided: string[];
  /** Of the names of packs, for whoever lists more of the same. */
  texts?: HashTexts;
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
  texts = new HashTexts(),
): Promise<SnapshotListing> {
  const opener = new CatalogOpener(
    source.keys.map(({ catalogIdentity }) => catalogIdentity),
    access.trust,
  );
  const all: KnownSnapshot[] = [];
  const parse = (bytes: Buffer) => parseWithPacks(bytes, texts);
  const ignored: IgnoredObject[] = [];
  const distrusted = source.distrusted ?? withoutStatements(access.trust, source.record);
  const isClosed = closedGenerations(source).length > 0;
  const sealed: string[] = [];
  const disowned: KnownSnapshot[] = [];
  const tombstones = await readTombstones(access, sites, source, ignored);
  const held = await listAcross(sites, source.layout.snapshots);
  const read = readAhead(held, readsAhead(held, readsUnderWay), async (object) => {
    access.signal.throwIfAborted();
    const id = promisedHash(object.name);
    if (id === undefined) return void ignored.push({ object: object.name, why: 'Its name is no SHA-256.' });
    const expected = { kind: 'snapshot', source: source.name, roles: ['backup'], distrusted: true, parse } as const;
    try {
      const payload = await readAcross(sites, object, async (bytes) => {
        const opened = await opener.open<SnapshotPayload>(id, bytes, expected);
        free(bytes);
        return opened;
      });
      return { ...payload, id, sites: object.sites.map(({ name }) => name) };
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'wrong-key', 'object-missing')) throw error;
      if (isClosed && isHoldfastError(error, 'wrong-key')) return void sealed.push(id);
      return void ignored.push({ object: object.name, why: error.why ?? error.message });
    }
  });
  for await (const snapshot of read) {
    if (!snapshot) continue;
    const why = distrusted.whyNot(snapshot.signer, snapshot.id);
    if (why === undefined) all.push(snapshot);
    else {
      disowned.push(snapshot);
      const isDisowned = !distrusted.isUntold(snapshot.signer);
      ignored.push({ object: source.layout.snapshots + snapshot.id, why, ...(isDisowned && { isDisowned }) });
    }
  }
  const undecided = disowned.filter(({ signer }) => distrusted.isUntold(signer)).map(({ id }) => id);
  all.sort((a, b) => a.sequence - b.sequence || (a.time < b.time ? -1 : 1));
  const ids = new Set([...all.map(({ id }) => id), ...sealed]);
  const passedOver = new Set(disowned.map(({ id }) => id));
  const snapshots = all.filter(({ id }) => !tombstones.has(id));
  const gaps = all.flatMap(({ id, previous }) =>
    previous !== null && !ids.has(previous) && !tombstones.has(previous) && !passedOver.has(previous)
      ? [{ after: id, missing: previous }]
      : [],
  );
  const tombstoned = all.filter(({ id }) => tombstones.has(id));
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const memory = await state.read(source.layout.id);
  const freshnessKnown = memory.newest !== undefined;
  const told = { sealed, undecided, texts };
  const listing: SnapshotListing = { snapshots, tombstoned, tombstones, ignored, gaps, freshnessKnown, ...told };
  const newest = all.at(-1);
  let known = memory.newest;
  // A high-water mark that a distrusted host set is none. Where nobody can tell what counts of it, it stays.
  const setter = known?.signer ?? disowned.find(({ id }) => id === known?.snapshot)?.signer;
  if (known && setter !== undefined && distrusted.whyNot(setter, known.snapshot) && !distrusted.isUntold(setter)) {
    known = undefined;
    const { newest: _, ...others } = memory;
    await state.write(source.layout.id, others);
  }
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
  { sequence, id, time, signer }: Pick<KnownSnapshot, 'sequence' | 'id' | 'time' | 'signer'>,
): Promise<void> {
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const memory = await state.read(source.layout.id);
  if ((memory.newest?.sequence ?? 0) > sequence) return;
  await state.write(source.layout.id, { ...memory, newest: { sequence, snapshot: id, time, signer } });
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
