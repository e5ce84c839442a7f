/** What verifications of a source have found, as signed statements tell: docs/format.md §13. */
import { type HoldfastError, isHoldfastError } from '../base/errors.ts';
import { inTotoType } from '../crypt/dsse.ts';
import type { RepositoryAccess } from './access.ts';
import { CatalogOpener, type NamedObject } from './catalog-object.ts';
import type { IgnoredObject } from './ignored-object.ts';
import { promisedHash } from './layout.ts';
import { listAcross, readAcross, readsAhead } from './objects-across-sites.ts';
import { contradictionOf, type ProofPayload, type ProofVerdict, verdictOf } from './proofs-payload.ts';
import { readAhead } from './read-ahead.ts';
import type { RetentionPause } from './retention.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';

/** Objects that are read at the same time. */
const readsUnderWay = 8;

const dayMs = 86_400_000;

/** A proof may go so long after it ended, in milliseconds, when its snapshot has gone: until then it tells a trend. */
export const proofsKeptMs = 400 * dayMs;

export interface KnownProof extends ProofPayload {
  /** SHA-256 of its object. */
  id: string;
  /** Names of the sites that list it, of those that were asked. */
  sites: readonly string[];
}

/**
 * Every proof of a source, at whichever site it lies; the newest first. Needs a key to the catalog. What cannot be trusted,
 * or contradicts itself, is named and left out.
 *
 * @param ignored gets those that do not count
 * @throws HoldfastError when no site is left to read
 */
export async function readProofs(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  ignored: IgnoredObject[],
): Promise<KnownProof[]> {
  const opener = new CatalogOpener(
    source.keys.map(({ catalogIdentity }) => catalogIdentity),
    access.trust,
  );
  // Never `backup`: whoever has a host could vouch for the garbage that it wrote.
  const roles = ['verify', 'owner'] as const;
  const expected = { kind: 'proof', source: source.name, roles, payloadType: inTotoType };
  const held = await listAcross(sites, source.layout.proofs);
  const found: KnownProof[] = [];
  const read = readAhead(held, readsAhead(held, readsUnderWay), async (object) => {
    access.signal.throwIfAborted();
    const id = promisedHash(object.name);
    if (id === undefined) return void ignored.push({ object: object.name, why: 'Its name is no SHA-256.' });
    try {
      const payload = await readAcross(sites, object, (bytes) => opener.open<ProofPayload>(id, bytes, expected));
      const why = contradictionOf(payload);
      if (why !== undefined) return void ignored.push({ object: object.name, why });
      return { ...payload, id, sites: object.sites.map(({ name }) => name) };
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'wrong-key', 'object-missing')) throw error;
      return void ignored.push({ object: object.name, why: error.why ?? error.message });
    }
  });
  for await (const proof of read) if (proof) found.push(proof);
  return found.sort((a, b) => (endOf(a) < endOf(b) ? 1 : endOf(a) > endOf(b) ? -1 : a.id < b.id ? -1 : 1));
}

function endOf({ predicate }: KnownProof): string {
  return predicate.ended;
}

export interface StoredProof {
  /** Names of the sites that have it. */
  sites: string[];
  /** Why others do not. */
  failures: { site: string; error: HoldfastError }[];
}

/**
 * Writes a proof to every live site. A site that does not take it stays in the run: whoever may only read there can still
 * prove what lies there.
 */
export async function storeProof(sites: RunSites, source: OpenedSource, proof: NamedObject): Promise<StoredProof> {
  const name = source.layout.proofs + proof.name;
  const stored: StoredProof = {
    sites: [],
    failures: sites.dropped.map(({ site, error }) => ({ site: site.name, error })),
  };
  await Promise.all(
    sites.live.map(async (site) => {
      try {
        await sites.within(site, site.create(name, proof.bytes));
        stored.sites.push(site.name);
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
        stored.failures.push({ site: site.name, error });
      }
    }),
  );
  return stored;
}

/** The proofs about one snapshot, in the order given. */
export function proofsOf(proofs: readonly KnownProof[], snapshotId: string): KnownProof[] {
  return proofs.filter(({ predicate }) => predicate.snapshot.id === snapshotId);
}

/** Objectives are about how well people are served, and say nothing against what is stored. */
const objectives = new Set(['restore-time', 'data-age']);

/** The verdict on what is stored: that of all checks but those of objectives. */
export function contentVerdict({ predicate }: Pick<ProofPayload, 'predicate'>): ProofVerdict {
  const checks = predicate.checks.filter(({ id }) => !objectives.has(id));
  return verdictOf({ ...predicate, checks });
}

/**
 * Id of the newest snapshot that a full restore from some site has proven, and no later proof from that site has refuted.
 *
 * @param snapshots live ones, in any order
 * @param proofs the newest first
 */
export function newestProven(
  snapshots: readonly { id: string; sequence: number }[],
  proofs: readonly KnownProof[],
): string | undefined {
  const newestFirst = [...snapshots].sort((a, b) => b.sequence - a.sequence);
  return newestFirst.find(({ id }) => {
    const decided = new Set<string>();
    for (const proof of proofsOf(proofs, id)) {
      const verdict = contentVerdict(proof);
      if (verdict !== 'pass' && verdict !== 'fail') continue;
      const { name } = proof.predicate.site;
      if (verdict === 'pass' && !decided.has(name)) return true;
      decided.add(name);
    }
    return false;
  })?.id;
}

/**
 * Whether the newest proof that decided anything is a failed one: then nothing may be removed, until a later one passes.
 * One that could not be made, or looked at a sample, decides nothing.
 *
 * @param proofs the newest first
 */
export function failedProof(proofs: readonly KnownProof[]): KnownProof | undefined {
  const newest = proofs.find((proof) => ['pass', 'fail'].includes(contentVerdict(proof)));
  return newest && contentVerdict(newest) === 'fail' ? newest : undefined;
}

/** Why retention stands still; undefined when no proof is against it. @param proofs the newest first */
export function proofPause(proofs: readonly KnownProof[]): RetentionPause | undefined {
  const failed = failedProof(proofs);
  if (!failed) return undefined;
  const { ended, site, snapshot } = failed.predicate;
  const why = `The newest proof failed: that of snapshot ${snapshot.id.slice(0, 8)} from the site "${site.name}", at ${ended}; it is over when a later one passes.`;
  return { because: 'proof-failed', why };
}

/** When each site was last read for a proof, whatever it found: name → ISO 8601. */
export function lastProofAt(proofs: readonly KnownProof[]): Map<string, string> {
  const last = new Map<string, string>();
  for (const proof of proofs) {
    const { name } = proof.predicate.site;
    if ((last.get(name) ?? '') < endOf(proof)) last.set(name, endOf(proof));
  }
  return last;
}

/** Which proofs may be removed: docs/format.md §13. The newest of each site stays, so that turns are kept. */
export function outlivedProofs(
  proofs: readonly KnownProof[],
  snapshots: Iterable<{ id: string }>,
  now: number,
): KnownProof[] {
  const there = new Set([...snapshots].map(({ id }) => id));
  const last = lastProofAt(proofs);
  return proofs.filter(({ predicate: { ended, site, snapshot } }) => {
    const isOld = now - Date.parse(ended) > proofsKeptMs;
    return isOld && !there.has(snapshot.id) && last.get(site.name) !== ended;
  });
}

/**
 * Removes proofs that may go, from each live site that lists them.
 *
 * @param listing every snapshot that any site shows, dropped ones too
 */
export async function removeOutlivedProofs(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  proofs: readonly KnownProof[],
  listing: { snapshots: readonly { id: string }[]; tombstoned: readonly { id: string }[] },
): Promise<void> {
  const going = outlivedProofs(proofs, [...listing.snapshots, ...listing.tombstoned], access.clock.now());
  if (going.length === 0) return;
  await sites.each(async (site) => {
    for (const { id, sites: holders } of going) {
      access.signal.throwIfAborted();
      if (holders.includes(site.name)) await site.remove(source.layout.proofs + id);
    }
  });
}
