import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { compareSites } from '../repository/compare-sites.ts';
import { examineConcealed } from '../repository/concealed.ts';
import {
  damage,
  type ExaminedSource,
  examineSource,
  type SourceToExamine,
  wrongBytes,
} from '../repository/examine-source.ts';
import { promisedHash } from '../repository/layout.ts';
import { hashObjects } from '../repository/object-hashes.ts';
import type { Tell } from '../repository/site-problem.ts';
import { kindOf, type SiteObjects } from '../repository/source-objects.ts';
import { opensData } from '../repository/source-record.ts';
import { type Catalog, checkManifests, readCatalog } from './check-catalog.ts';
import { type ReadChoice, type ReadFigures, readPacks } from './check-reading.ts';

export interface SourceExamination {
  readData?: ReadChoice | undefined;
  /** Use no key, whatever is at hand. */
  keyless: boolean;
  /** Names of the sites whose packs are read; default: all. */
  readAt?: readonly string[];
}

export interface CheckedSource {
  examined: ExaminedSource;
  /** Undefined without a key to it. */
  catalog: Catalog | undefined;
  sites: ({ objects: SiteObjects; snapshots: number } & ReadFigures)[];
}

/**
 * Holds one source, at every live site, against what it should be: without keys what any object tells of itself, and what
 * the sites tell of each other; with a key to the catalog what snapshots need as well; with an owner's what is in them.
 *
 * @returns undefined when no site holds anything of it
 */
export async function checkSource(
  access: RepositoryAccess,
  about: SourceToExamine,
  request: SourceExamination,
  tell: Tell,
): Promise<CheckedSource | undefined> {
  const sites = sitesOf(access);
  const examined = await examineSource(access, about, tell);
  if (examined.listed.every(({ packs, others }) => packs.size + others.size === 0)) return undefined;
  const isKeyed = !request.keyless && about.name !== undefined;
  // With one site, and a key, every copy of the others is read below anyway.
  const kinds = isKeyed && sites.live.length === 1 ? ['proof'] : ['index', 'snapshot', 'proof'];
  if (isKeyed || request.readData !== undefined) await hashCatalog(access, examined, kinds, tell);
  const catalog = isKeyed && examined.record ? await readCatalog(access, examined, tell) : undefined;
  const needed = catalog?.needs.packs;
  await examineConcealed(access, examined, needed && ((pack) => needed.has(pack)), tell);
  await compareSites(access, examined, catalog?.needs, tell);
  if (catalog && opensData(catalog.source)) await checkManifests(access, examined, catalog, tell);
  const checked: CheckedSource = { examined, catalog, sites: [] };
  const live = new Set(catalog?.snapshots.map(({ id }) => id));
  for (const objects of examined.listed) {
    if (!sites.isLive(objects.site)) continue;
    const isRead = request.readAt?.includes(objects.site.name) ?? true;
    const choice = isRead ? request.readData : undefined;
    const options = { choice, needed: catalog?.needs.packs, opened: catalog?.source };
    const figures = await readPacks(access, examined, objects, options, tell);
    const ids = snapshotIds(examined, objects);
    const snapshots = ids.filter((id) => (catalog ? live.has(id) : !examined.dropped.has(id))).length;
    checked.sites.push({ objects, snapshots, ...figures });
  }
  return checked;
}

async function hashCatalog(
  access: RepositoryAccess,
  examined: ExaminedSource,
  kinds: readonly string[],
  tell: Tell,
): Promise<void> {
  const sites = sitesOf(access);
  for (const { site, others } of examined.listed) {
    const named = [...others].filter(([name]) => kinds.includes(kindOf(examined.layout, name) ?? ''));
    for await (const { name, whole } of hashObjects(sites, site, named, access.signal)) {
      if (!whole) tell(damage(site, name, wrongBytes));
    }
  }
}

function snapshotIds({ layout }: ExaminedSource, { others }: SiteObjects): string[] {
  return [...others.keys()].filter((name) => kindOf(layout, name) === 'snapshot').map((name) => promisedHash(name)!);
}
