import { HoldfastError } from '../base/errors.ts';
import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { makePin } from '../repository/pins.ts';
import { findSnapshot } from './snapshots.ts';

export interface PinReport {
  source: string;
  snapshot: { id: string; sequence: number; time: string };
  pinned: boolean;
  /** Sites that have it in writing. */
  sites: string[];
}

/**
 * Keeps a snapshot whatever its age, or lets it go again.
 *
 * @throws HoldfastError `not-found`, `wrong-key` without a key that may sign
 */
export async function pinSnapshot(access: RepositoryAccess, address: string, pinned: boolean): Promise<PinReport> {
  const { source, snapshot } = await findSnapshot(access, address);
  const signer = access.host ?? access.identities[0];
  if (!signer) {
    throw new HoldfastError('wrong-key', 'Nobody here may pin a snapshot.', {
      why: 'That is signed, by a host or an owner, and no key is at hand.',
      hint: 'Run it on a backup host, or give the identity of an owner with -i.',
    });
  }
  const { name, bytes } = makePin(access, signer, source, { snapshot: snapshot.id, pinned });
  const done = await sitesOf(access).each((site) => site.create(source.layout.pins + name, bytes));
  const { id, sequence, time } = snapshot;
  return {
    source: source.name,
    snapshot: { id, sequence, time },
    pinned,
    sites: [...done.keys()].map((site) => site.name),
  };
}
