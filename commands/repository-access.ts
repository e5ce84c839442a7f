/** Opens what a command needs of the repository: sites, trust, keys. */

import type { Config } from '../config/schema.ts';
import type { Site as SiteConfig } from '../config/sites.ts';
import { HoldfastError, isHoldfastError } from '../src/base/errors.ts';
import type { Party } from '../src/crypt/parties.ts';
import type { RepositoryAccess, Surroundings } from '../src/repository/access.ts';
import { clusterOf } from '../src/repository/source-name.ts';
import type { Site } from '../src/sites/site.ts';
import type { Context } from './context.ts';

/** A repository that is open, and its sites closed when the scope ends. */
export interface OpenAccess extends AsyncDisposable {
  readonly access: RepositoryAccess;
}

export interface AccessNeeds {
  /**
   * `required` where something is signed; `optional`: an owner's identity does as well; `at-hand`: so does neither, where
   * the configuration names none; `none`: no key is used, and none asked for.
   */
  host: 'required' | 'optional' | 'at-hand' | 'none';
  /**
   * `one`: a site to read from, the first that opens; `all`: those that a run writes to. What fails of `all` is dropped
   * from the run as long as another is left.
   */
  sites: 'one' | 'all';
  /** Name of the one site to use. */
  site?: string | undefined;
  /** Nothing will be written to the sites. */
  readOnly?: boolean;
  /** Whether a site's directory is made when it is missing; otherwise a disk that is not mounted is an error. */
  createSite?: boolean;
  /** Also see what somebody removed or wrote over where objects are locked; default: where `one` site is, or `readOnly`. */
  olderVersions?: boolean;
  /** Milliseconds after which a site that does not answer is given up, at its opening and at each request; for reading only. */
  patienceMs?: number;
  /** Not an error when no site can be used, and no warning when one cannot: whoever asks tells of it. */
  orNone?: boolean;
}

/** @throws HoldfastError `config`, `secret`, `usage`, `wrong-key`, `site-unavailable` */
export async function openAccess(context: Context, needs: AccessNeeds): Promise<OpenAccess> {
  const [{ config }, { accessTo }, { Trust }, { RunSites }, { partiesOf }, { siteNamed }] = await Promise.all([
    context.config(),
    import('../src/repository/access.ts'),
    import('../src/repository/trust.ts'),
    import('../src/repository/run-sites.ts'),
    import('../config/trust-parties.ts'),
    import('./open-sites.ts'),
  ]);
  const identities = needs.host === 'none' ? [] : await context.owners();
  const host = await hostFor(context, needs, identities);
  const chosen = needs.site === undefined ? config.sites : [siteNamed(config.sites, needs.site)];
  const opened =
    needs.sites === 'all' ? await openAll(context, chosen, needs) : [await openFirst(context, chosen, needs)];
  const sites = new RunSites(
    opened.map(({ site }) => site),
    {
      clock: context.clock,
      onDrop: ({ site, error }) => {
        if (config.sites.length > 1 && !needs.orNone) warn(context, site.name, error);
      },
    },
  );
  for (const { site, error } of opened) if (error) sites.drop(site, error);
  const surroundings: Surroundings = {
    trust: new Trust(config.repository, partiesOf(config)),
    ...(host && { host }),
    identities,
    retentionOf: retentionOf(config),
    dedupWith: config.hosts
      .filter(({ dedupWith, distrusted }) => dedupWith && !distrusted)
      .map((other) => other.public.name),
    stateDirectory: config.state,
    clock: context.clock,
    emit: context.emit,
    signal: context.signal,
  };
  const access = accessTo(surroundings, sites);
  return {
    access,
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(opened.map(({ site }) => site.close()));
    },
  };
}

interface Opened {
  site: Site;
  error?: HoldfastError;
}

async function openAll(context: Context, chosen: readonly SiteConfig[], needs: AccessNeeds): Promise<Opened[]> {
  const [{ openConfiguredSite }, { brokenSite }] = await Promise.all([
    import('./open-sites.ts'),
    import('../src/sites/broken.ts'),
  ]);
  const opened = await Promise.all(
    chosen.map(async (site): Promise<Opened> => {
      try {
        const { createSite: create = false, readOnly = false, olderVersions = readOnly } = needs;
        const options = { create, readOnly, olderVersions };
        const opening = openConfiguredSite(context, site, options);
        if (needs.patienceMs === undefined) return { site: await opening };
        const [{ impatient }, { inTime }] = await Promise.all([
          import('../src/sites/impatient.ts'),
          import('../src/sites/in-time.ts'),
        ]);
        const opened = await inTime(site.name, opening, needs.patienceMs, context.clock);
        return { site: impatient(opened, needs.patienceMs, context.clock) };
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        return { site: brokenSite(site.name, error), error };
      }
    }),
  );
  const first = opened[0]?.error;
  if (first && !needs.orNone && opened.every(({ error }) => error !== undefined)) throw first;
  return opened;
}

async function openFirst(context: Context, chosen: readonly SiteConfig[], needs: AccessNeeds): Promise<Opened> {
  const { openConfiguredSite } = await import('./open-sites.ts');
  const { createSite: create = false, olderVersions = true } = needs;
  const options = { create, readOnly: needs.host === 'optional', olderVersions };
  for (const [at, site] of chosen.entries()) {
    try {
      const opened = await openConfiguredSite(context, site, options);
      // Where there is another, one whose repository cannot be read is no place to restore from.
      if (at < chosen.length - 1) await opened.stat('holdfast.json');
      return { site: opened };
    } catch (error) {
      if (!isHoldfastError(error) || at === chosen.length - 1) throw error;
      warn(context, site.name, error);
    }
  }
  throw new HoldfastError('internal', 'The configuration has no site.');
}

/** What is kept of a source; of a database of a cluster, what the cluster's configuration says. */
export function retentionOf({ rotation, sources }: Config): NonNullable<RepositoryAccess['retentionOf']> {
  return (name) => {
    const own = clusterOf(name) ?? name;
    const keep = sources.find((source) => source.name === own)?.keep ?? rotation.keep;
    return { keep, timeZone: rotation.timeZone };
  };
}

function warn(context: Context, site: string, error: HoldfastError): void {
  const text = `The site "${site}" is left out: ${error.message}${error.why ? ` ${error.why}` : ''}`;
  context.emit({ type: 'warning', text, ...(error.hint !== undefined && { hint: error.hint }) });
}

async function hostFor(
  context: Context,
  { host }: AccessNeeds,
  identities: readonly Party[],
): Promise<Party | undefined> {
  if (host === 'none') return undefined;
  if (host === 'required') return context.host();
  const isNamed = (await context.config()).config.host.identity !== undefined;
  return host === 'at-hand' && !isNamed ? undefined : hostAtHand(context, identities);
}

/** An owner who looks at a repository need not be the account that may read the host's key. */
async function hostAtHand(context: Context, identities: readonly Party[]): Promise<Party | undefined> {
  try {
    return await context.host();
  } catch (error) {
    if (identities.length > 0 && isHoldfastError(error, 'secret', 'wrong-key')) return undefined;
    throw error;
  }
}
