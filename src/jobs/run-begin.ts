import { HoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import { accessAt, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { isSiteFailure, type RunSites } from '../repository/run-sites.ts';
import { assertRepository } from './init.ts';

/** What became of a site in a run. */
export interface SiteReport {
  site: string;
  /** Why the run went on without it. */
  error?: PlainError;
}

/**
 * Holds every site against the configuration; one that cannot be used is dropped from the run, as long as another can.
 *
 * @param work what is to be done at each site besides
 * @throws HoldfastError of the first site when none can be used
 */
export async function beginAtEachSite(
  access: RepositoryAccess,
  work: (atSite: RepositoryAccess) => Promise<void> = async () => {},
): Promise<RunSites> {
  const sites = sitesOf(access);
  await sites.each(async (site) => {
    const atSite = accessAt(access, site);
    try {
      await assertRepository(atSite);
      await work(atSite);
    } catch (error) {
      // Another repository, or none: nothing there may be touched, and the other sites have nothing to do with it.
      if (!(error instanceof HoldfastError) || isSiteFailure(error)) throw error;
      sites.drop(site, error);
    }
  });
  if (sites.live.length === 0) void sites.primary;
  return sites;
}

export function siteReports(sites: RunSites): SiteReport[] {
  return sites.all.map((site) => {
    const dropped = sites.dropped.find((one) => one.site === site);
    return { site: site.name, ...(dropped && { error: toPlainError(dropped.error) }) };
  });
}

/**
 * Whether an error of a run over several sites came from one that is lost now, so that what failed may be done again with
 * the others.
 *
 * @param droppedBefore how many had been dropped when it was begun
 */
export async function lostASite(sites: RunSites, error: unknown, droppedBefore: number): Promise<boolean> {
  if (!isSiteFailure(error) || sites.all.length < 2 || sites.live.length === 0) return false;
  try {
    // What failed need not have been noticed as the site's: a lease, for example, lies at one site only.
    await sites.each((site) => site.stat('holdfast.json'));
  } catch {
    return false;
  }
  return sites.dropped.length > droppedBefore;
}
