import { HoldfastError } from '../base/errors.ts';
import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { graceMs } from '../repository/parameters.ts';
import { readPins } from '../repository/pins.ts';
import { newestProven, readProofs } from '../repository/proofs.ts';
import { listSnapshots } from '../repository/snapshot.ts';
import { makeTombstone } from '../repository/tombstones.ts';
import { findSnapshot } from './snapshots.ts';

export interface DropReport {
  source: string;
  snapshot: { id: string; sequence: number; time: string };
  dryRun: boolean;
  /** ISO 8601: from then on a prune may remove it. */
  removableFrom: string;
  /** Sites that have it in writing. */
  sites: string[];
}

/**
 * Drops one snapshot at once, whatever retention says: what a clock that was ahead has signed, for example, which keeps
 * everything else from being pruned. It stays for the grace period, as all that is dropped.
 *
 * @throws HoldfastError `not-found`, `wrong-key` without a key that may sign, `failed` for the last snapshot of a source,
 *   the newest that is proven, and a pinned one
 */
export async function dropSnapshot(
  access: RepositoryAccess,
  address: string,
  { dryRun }: { dryRun: boolean },
): Promise<DropReport> {
  const sites = sitesOf(access);
  const { source, snapshot } = await findSnapshot(access, address);
  const { snapshots, ignored } = await listSnapshots(access, source, sites);
  const refuse = (why: string, hint: string) => {
    throw new HoldfastError('failed', `${source.name}@${snapshot.id.slice(0, 8)} is not dropped.`, { why, hint });
  };
  if (snapshots.every(({ id }) => id === snapshot.id)) {
    refuse('It is the only snapshot of its source.', 'Make another backup first.');
  }
  if (newestProven(snapshots, await readProofs(access, sites, source, ignored)) === snapshot.id) {
    refuse(
      'It is the newest one that a full restore has proven.',
      `Prove a newer one first: holdfast verify ${source.name}`,
    );
  }
  if ((await readPins(access, sites, source, ignored)).has(snapshot.id)) {
    refuse('It is pinned.', `Let it go first: holdfast snapshots unpin ${address}`);
  }
  const signer = access.host ?? access.identities.find(({ name }) => isOwner(access, name));
  if (!signer) {
    throw new HoldfastError('wrong-key', 'Nobody here may drop a snapshot.', {
      why: 'That is signed, by a host or an owner, and no key is at hand.',
      hint: 'Run it on a backup host, or give the identity of an owner with -i.',
    });
  }
  const { name, bytes, payload } = makeTombstone(access, signer, source, snapshot);
  const done = dryRun ? new Map() : await sites.each((site) => site.create(source.layout.tombstones + name, bytes));
  const { id, sequence, time } = snapshot;
  return {
    source: source.name,
    snapshot: { id, sequence, time },
    dryRun,
    removableFrom: new Date(Date.parse(payload.time) + graceMs).toISOString(),
    sites: [...done.keys()].map((site) => site.name),
  };
}

function isOwner({ trust }: RepositoryAccess, name: string): boolean {
  return trust.parties.some((party) => party.name === name && party.role === 'owner');
}
