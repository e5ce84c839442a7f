import type { PublicParty } from '../src/crypt/parties.ts';
import type { Config } from './schema.ts';

/** What a signature of the party counts for: `backup` is a host. */
export type PartyRole = 'owner' | 'verify' | 'backup';

/** A party of the trust root. */
export interface TrustParty extends PublicParty {
  readonly role: PartyRole;
  /** Names of the sources it may act for, a cluster's for all of its databases; undefined: all. */
  readonly sources?: readonly string[];
}

/** Every party whose signature counts: this host first, then the owners and verifiers, then the other hosts. */
export function partiesOf(config: Pick<Config, 'host' | 'owners' | 'hosts'>): TrustParty[] {
  const party = (line: PublicParty, role: PartyRole, sources?: readonly string[]): TrustParty => ({
    name: line.name,
    role,
    recipient: line.recipient,
    publicSigningKey: line.publicSigningKey,
    ...(sources && { sources: [...sources] }),
  });
  return [
    party(config.host.public, 'backup'),
    ...config.owners.map((owner) => party(owner.public, owner.use, owner.sources)),
    ...config.hosts.map((host) => party(host.public, 'backup', host.sources)),
  ];
}
