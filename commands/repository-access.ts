/** Opens what a command needs of the repository: site, trust, keys. */

import { isHoldfastError } from '../src/base/errors.ts';
import type { Party } from '../src/crypt/parties.ts';
import type { RepositoryAccess } from '../src/repository/access.ts';
import type { Context } from './context.ts';

/** A repository that is open, and its site closed when the scope ends. */
export interface OpenAccess extends AsyncDisposable {
  readonly access: RepositoryAccess;
}

export interface AccessNeeds {
  /** `required` where something is signed; elsewhere an owner's identity does as well. */
  host: 'required' | 'optional';
  /** Whether the site's directory is made when it is missing; otherwise a disk that is not mounted is an error. */
  createSite?: boolean;
}

/** @throws HoldfastError `config`, `secret`, `wrong-key`, `site-unavailable` */
export async function openAccess(context: Context, needs: AccessNeeds): Promise<OpenAccess> {
  const [{ config }, { Trust }, { openDiskSite }, { partiesOf }] = await Promise.all([
    context.config(),
    import('../src/repository/trust.ts'),
    import('../src/sites/disk.ts'),
    import('../config/trust-parties.ts'),
  ]);
  const identities = await context.owners();
  const host = needs.host === 'required' ? await context.host() : await hostAtHand(context, identities);
  const site = await openDiskSite({ ...config.sites[0]!, create: needs.createSite ?? false });
  const access: RepositoryAccess = {
    site,
    trust: new Trust(config.repository, partiesOf(config)),
    ...(host && { host }),
    identities,
    dedupWith: config.hosts.filter(({ dedupWith }) => dedupWith).map((other) => other.public.name),
    stateDirectory: config.state,
    clock: context.clock,
    emit: context.emit,
    signal: context.signal,
  };
  return { access, [Symbol.asyncDispose]: () => site.close() };
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
