import { HoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import { listPacks } from './index-load.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';

interface Pack {
  name: string;
  size: number;
}

/** Packs copied at the same time; each takes its size of memory. */
const copiesUnderWay = 3;

/**
 * Sees to it that every live site lists every pack of a snapshot, at its right size: what a site lacks is copied from
 * another one. What lies under the right name with another size is not replaced here: that is for repair.
 *
 * @returns the live sites that have all packs; the snapshot may be created there
 * @throws HoldfastError `object-missing` when none has
 */
export async function completeSites(
  sites: RunSites,
  source: OpenedSource,
  used: readonly Pack[],
  signal: AbortSignal,
): Promise<Site[]> {
  const listed = await sites.each((site) => listPacks(site, source));
  const has = (site: Site, { name, size }: Pack) => sites.isLive(site) && listed.get(site)?.get(name) === size;
  const whole: Site[] = [];
  const lacking: Pack[] = [];
  for (const site of sites.live) {
    const missing = used.filter((pack) => !has(site, pack));
    for (const pack of missing) {
      const from = sites.live.filter((other) => has(other, pack));
      if (from.length === 0) lacking.push(pack);
    }
  }
  if (lacking.length > 0) throw vanished(sites, lacking[0]!);
  const complete = async (site: Site) => {
    const missing = used.filter((pack) => !has(site, pack));
    const next = missing.values();
    const copy = async () => {
      for (const pack of next) {
        signal.throwIfAborted();
        const name = source.layout.pack(pack.name);
        const bytes = await fetchFrom(sites, source, pack, has);
        const outcome = await sites.within(site, site.create(name, bytes));
        if (outcome === 'exists' && (await site.stat(name))?.size !== pack.size) throw new DamagedSite(site, pack.name);
      }
    };
    try {
      await Promise.all(Array.from({ length: copiesUnderWay }, copy));
      whole.push(site);
    } catch (error) {
      if (!(error instanceof DamagedSite)) throw error;
      sites.drop(site, error);
    }
  };
  await sites.each(complete, sites.live, { unbounded: true });
  // In the order of the configuration.
  return sites.live.filter((site) => whole.includes(site));
}

class DamagedSite extends HoldfastError {
  constructor(site: Site, pack: string) {
    super('object-damaged', `The site "${site.name}" has pack ${pack} with another size.`, {
      why: 'It was cut, or changed; so the site cannot take the snapshot.',
      hint: `Mend it from another site: holdfast repair --site ${site.name}`,
    });
  }
}

/** The bytes of a pack, held against its name, from a site that lists it. */
async function fetchFrom(
  sites: RunSites,
  source: OpenedSource,
  pack: Pack,
  has: (site: Site, pack: Pack) => boolean,
): Promise<Buffer> {
  for (const site of sites.live) {
    if (!has(site, pack)) continue;
    try {
      const bytes = await sites.within(site, site.read(source.layout.pack(pack.name)));
      if (sha256Hex(bytes) === pack.name) return bytes;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      // The next site may give it; whether this one is of use shows elsewhere.
    }
  }
  throw vanished(sites, pack);
}

function vanished(sites: RunSites, { name }: Pack): HoldfastError {
  const [first, ...others] = sites.live;
  const where = others.length === 0 ? `the site "${first?.name}"` : 'all sites';
  return new HoldfastError('object-missing', `Pack ${name} vanished from ${where}.`, {
    why: 'The snapshot needs it, and no site lists it with its size, or gives it undamaged.',
    hint: 'Find out what deletes objects there. The next backup stores its content again.',
  });
}
