import type { Clock } from '../base/clock.ts';
import type { Emit } from '../base/events.ts';
import type { Party } from '../crypt/parties.ts';
import type { Site } from '../sites/site.ts';
import type { Keep } from './retention.ts';
import { RunSites } from './run-sites.ts';
import type { Trust } from './trust.ts';

/** What work on a repository needs: where it lies, whom to believe, which keys are at hand. */
export interface RepositoryAccess {
  /** The one that is read from; of several, the first that works. */
  readonly site: Site;
  /** All that are written to; missing where there is only `site`. */
  readonly sites?: RunSites;
  readonly trust: Trust;
  /** This machine as a backup host; missing on a machine that only restores. */
  readonly host?: Party;
  /** Owners and verifiers whose identity files were given. */
  readonly identities: readonly Party[];
  /** Names of hosts whose index entries this host may deduplicate against, besides its own. */
  readonly dedupWith: readonly string[];
  /** What is kept of a source, by its name, for how long a site that locks objects has to; without: the newest. */
  readonly retentionOf?: (source: string) => { keep: Keep; timeZone: string };
  /** Private directory for what this machine remembers: high-water marks, pins, caches. */
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** `host` and `identities`, in the order in which they are tried. */
export function partiesAtHand(access: Pick<RepositoryAccess, 'host' | 'identities'>): Party[] {
  return [...access.identities, ...(access.host ? [access.host] : [])];
}

/** The sites of an access; where only one was opened, that one. */
export function sitesOf(access: RepositoryAccess): RunSites {
  return access.sites ?? new RunSites([access.site], { clock: access.clock });
}

/** An access without its sites. */
export type Surroundings = Omit<RepositoryAccess, 'site' | 'sites'>;

/** An access to several sites; `site` is asked each time, since the first may be lost meanwhile. */
export function accessTo(surroundings: Surroundings, sites: RunSites): RepositoryAccess {
  return {
    ...surroundingsOf(surroundings),
    sites,
    get site() {
      return sites.primary;
    },
  };
}

/** The same access, to one site alone. */
export function accessAt(surroundings: Surroundings, site: Site): RepositoryAccess {
  return { ...surroundingsOf(surroundings), site };
}

/** The same access, whose events go elsewhere. */
export function withEmit(access: RepositoryAccess, emit: Emit): RepositoryAccess {
  const surroundings = { ...surroundingsOf(access), emit };
  return access.sites ? accessTo(surroundings, access.sites) : accessAt(surroundings, access.site);
}

/** One by one: to spread an access would ask for its site, which fails when all are lost. */
function surroundingsOf(access: Surroundings): Surroundings {
  const { trust, host, identities, dedupWith, retentionOf, stateDirectory, clock, emit, signal } = access;
  const kept = { ...(host && { host }), ...(retentionOf && { retentionOf }) };
  return { trust, ...kept, identities, dedupWith, stateDirectory, clock, emit, signal };
}
