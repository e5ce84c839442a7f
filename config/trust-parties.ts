import type { PublicParty } from '../src/crypt/parties.ts';
import type { Config } from './schema.ts';

/** What a signature of the party counts for: `backup` is a host. */
export type PartyRole = 'owner' | 'verify' | 'backup';

/** A party of the trust root. */
export interface TrustParty extends PublicParty {
  readonly role: PartyRole;
  /** Names of the sources it may act for, a cluster's for all of its databases; undefined: all. */
  readonly sources?: readonly string[];
  /** What it signed counts; it gets no new keys. */
  readonly retired?: boolean;
  /** What it signed counts only where an owner has listed it. */
  readonly distrusted?: boolean;
}

/** Every party whose signature counts: this host first, then the owners and verifiers, then the other hosts. */
export function partiesOf(config: Pick<Config, 'host' | 'owners' | 'hosts'>): TrustParty[] {
  return [
    party({ public: config.host.public }, 'backup'),
    ...config.owners.map((owner) => party(owner, owner.use)),
    ...config.hosts.map((host) => party(host, 'backup')),
  ];
}

interface Entry {
  public: PublicParty;
  sources?: readonly string[] | undefined;
  retired?: boolean;
  distrusted?: boolean;
}

function party({ public: line, sources, retired, distrusted }: Entry, role: PartyRole): TrustParty {
  return {
    name: line.name,
    role,
    recipient: line.recipient,
    publicSigningKey: line.publicSigningKey,
    ...(sources && { sources: [...sources] }),
    ...(retired && { retired }),
    ...(distrusted && { distrusted }),
  };
}
