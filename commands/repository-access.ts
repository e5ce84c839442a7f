/** Opens what a command needs of the repository: sites, trust, keys. */

import type { Site as SiteConfig } from '../config/sites.ts';
import { HoldfastError, isHoldfastError } from '../src/base/errors.ts';
import type { Party } from '../src/crypt/parties.ts';
import type { RepositoryAccess, Surroundings } from '../src/repository/access.ts';
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
        if (config.sites.length > 1) warn(context, site.name, error);
      },
    },
  );
  for (const { site, error } of opened) if (error) sites.drop(site, error);
  const surroundings: Surroundings = {
    trust: new Trust(config.repository, partiesOf(config)),
    ...(host && { host }),
    identities,
    dedupWith: config.hosts.filter(({ dedupWith }) => dedupWith).map((other) => other.public.name),
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
        const options = { create: needs.createSite ?? false, readOnly: needs.readOnly ?? false };
        return { site: await openConfiguredSite(context, site, options) };
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        return { site: brokenSite(site.name, error), error };
      }
    }),
  );
  const first = opened[0]?.error;
  if (first && opened.every(({ error }) => error !== undefined)) throw first;
  return opened;
}

async function openFirst(context: Context, chosen: readonly SiteConfig[], needs: AccessNeeds): Promise<Opened> {
  const { openConfiguredSite } = await import('./open-sites.ts');
  const options = { create: needs.createSite ?? false, readOnly: needs.host === 'optional' };
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
