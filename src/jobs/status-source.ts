/** How one source is doing, as the sites and this machine's memory tell. */
import { isHoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { LocalState } from '../repository/local-state.ts';
import { contentVerdict, failedProof, proofPause, readProofs } from '../repository/proofs.ts';
import { type OldestReading, oldestUnread } from '../repository/read-days.ts';
import { planRetention, type RetentionPause, unusualContent } from '../repository/retention.ts';
import { type KnownSnapshot, listSnapshots, type Rollback, type SourceType } from '../repository/snapshot.ts';
import { openAnywhere } from './open-anywhere.ts';

export interface NewestSnapshot {
  id: string;
  sequence: number;
  /** Signed; ISO 8601, as the others. */
  time: string;
  /** What else is told only where the sites were asked. */
  host?: string;
  type?: SourceType;
  /** Things that should be in it and are not. */
  lacks?: number;
}

/** A site that does not have the newest snapshot. */
export interface SiteLag {
  site: string;
  /** The newest one there; missing when there is none. */
  newest?: { sequence: number; time: string };
  /** Snapshots after that one. */
  behind: number;
}

export interface ProofStatus {
  /** The end of the last full restore that proved a snapshot. */
  passed?: { time: string; site: string; snapshot: string; verifier: string };
  /** The newest proof of all, when that one failed. */
  failed?: { time: string; site: string; snapshot: string; verifier: string };
}

export interface SourceStatus {
  source: string;
  /** Whether the sites were asked; otherwise this is what the machine remembers. */
  asked: boolean;
  newest?: NewestSnapshot;
  /** Time of the oldest one that is kept. */
  oldest?: string;
  /** Snapshots that are kept; missing when the sites were not asked. */
  kept?: number;
  /** Names of the reachable sites that have the newest one. */
  sites: string[];
  lagging: SiteLag[];
  /** Missing when the sites were not asked. */
  proof?: ProofStatus;
  /** Why nothing of it is dropped or removed. */
  pause?: RetentionPause;
  rollback?: Rollback;
  /** Objects that do not count, since they are not trusted or damaged. */
  ignored: number;
  unread: OldestReading[];
  /** A database that its server no longer has: nothing new will come. */
  gone: boolean;
  /** Since when a snapshot must be there; missing where nothing tells. */
  expectedSince?: string;
  error?: PlainError;
}

/** What the sites tell of a source. What cannot be told of it is its `error`. @throws the signal's reason */
export async function askedSource(access: RepositoryAccess, name: string): Promise<SourceStatus> {
  const remembered = await rememberedSource(access, name);
  const status: SourceStatus = { ...remembered, asked: true };
  const sites = sitesOf(access);
  try {
    const source = await openAnywhere(access, name);
    const listing = await listSnapshots(access, source, sites);
    const { snapshots, rollback, ignored } = listing;
    const newest = snapshots.at(-1);
    const proofs = await readProofs(access, sites, source, ignored);
    const reachable = sites.live.map((site) => site.name);
    delete status.newest;
    return {
      ...status,
      ...(newest && { newest: newestOf(newest), oldest: snapshots[0]!.time }),
      kept: snapshots.length,
      sites: reachable.filter((site) => newest?.sites?.includes(site)),
      lagging: newest ? laggingOf(snapshots, newest, reachable) : [],
      proof: proofStatus(proofs),
      ...pauseOf(snapshots, proofPause(proofs), access.clock.now()),
      ...(rollback && { rollback }),
      ignored: ignored.length,
    };
  } catch (error) {
    access.signal.throwIfAborted();
    if (isHoldfastError(error, 'not-found')) return { ...status, kept: 0, proof: {} };
    return { ...status, error: toPlainError(error) };
  }
}

/** What this machine remembers of a source. */
export async function rememberedSource(access: RepositoryAccess, name: string): Promise<SourceStatus> {
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const id = access.trust.sourceId(name);
  // What cannot be read is as if it were lost.
  const { newest } = await state.read(id).catch((): Awaited<ReturnType<LocalState['read']>> => ({}));
  const unread = await oldestUnread(
    state,
    id,
    sitesOf(access).all.map((site) => site.name),
    access.clock.now(),
  );
  return {
    source: name,
    asked: false,
    ...(newest && { newest: { id: newest.snapshot, sequence: newest.sequence, time: newest.time } }),
    sites: [],
    lagging: [],
    ignored: 0,
    unread,
    gone: false,
  };
}

function newestOf({ id, sequence, time, signer, type, shortfalls }: KnownSnapshot): NewestSnapshot {
  const lacks = shortfalls.filter(({ degrades }) => degrades).length;
  return { id, sequence, time, host: signer, type, lacks };
}

function laggingOf(snapshots: readonly KnownSnapshot[], newest: KnownSnapshot, sites: readonly string[]): SiteLag[] {
  return sites
    .filter((site) => !newest.sites?.includes(site))
    .map((site) => {
      const last = snapshots.findLast(({ sites: holders }) => holders?.includes(site));
      const behind = snapshots.length - 1 - (last ? snapshots.indexOf(last) : -1);
      return { site, ...(last && { newest: { sequence: last.sequence, time: last.time } }), behind };
    });
}

type Proofs = Awaited<ReturnType<typeof readProofs>>;

function proofStatus(proofs: Proofs): ProofStatus {
  const shown = ({ predicate: { ended, site, snapshot, verifier } }: Proofs[number]) => ({
    time: ended,
    site: site.name,
    snapshot: snapshot.id,
    verifier,
  });
  const passed = proofs.find((proof) => contentVerdict(proof) === 'pass');
  const failed = failedProof(proofs);
  return { ...(passed && { passed: shown(passed) }), ...(failed && { failed: shown(failed) }) };
}

/** As `prune` would find it now. */
function pauseOf(
  snapshots: readonly KnownSnapshot[],
  found: RetentionPause | undefined,
  now: number,
): { pause?: RetentionPause } {
  if (snapshots.length === 0) return {};
  const { pause } = planRetention({
    snapshots,
    keep: { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
    timeZone: 'UTC',
    now,
    pinned: new Set(),
    pause: found ?? unusualContent([...snapshots].reverse()),
  });
  return pause ? { pause } : {};
}
