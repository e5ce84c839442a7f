import { type RepositoryAccess, sitesOf } from './access.ts';
import { rootObjects } from './layout.ts';
import { LocalState } from './local-state.ts';
import { LockMemory } from './lock-memory.ts';
import { rollingLeastMs, rollingLockMs } from './lock-rules.ts';
import { extendLocks, seenVersions } from './locks-extend.ts';

/** Stands for the source of what belongs to none. */
const rootId = 'root';

/**
 * Renews the rolling lock of what belongs to no source, at a site that wants locks: docs/format.md §14.
 *
 * @throws HoldfastError `site-unavailable`
 */
export async function extendRootLocks(access: RepositoryAccess): Promise<void> {
  const { site, clock, signal } = access;
  if (!site.locks) return;
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const memory = await LockMemory.open(state, rootId, site.name);
  const extension = { sites: sitesOf(access), site, memory, signal };
  const now = clock.now();
  const wanted = () => ({ least: now + rollingLeastMs, until: now + rollingLockMs });
  for (const name of [...Object.values(rootObjects), 'trust/', 'recover/']) {
    await extendLocks(extension, await seenVersions(site, name), wanted);
  }
  await memory.save(now);
}
