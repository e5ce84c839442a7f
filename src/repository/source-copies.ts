import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { SourceLayout } from './layout.ts';
import type { SourceRecord } from './source-record.ts';

/** The record of a source as one site has it. */
interface SiteRecord {
  site: Site;
  bytes: Buffer;
  record: SourceRecord;
}

/**
 * Sees to it that every live site has the keys and the record of a source, as the site with the most generations has
 * them, so that whichever one is lost, another opens. Does nothing before the first backup.
 *
 * A site whose record is signed as it must be and says something else is dropped: somebody has to look at it.
 *
 * @throws HoldfastError `not-trusted` when the record of no site can be trusted
 */
export async function alignSource(access: RepositoryAccess, name: string): Promise<void> {
  const sites = sitesOf(access);
  if (sites.live.length < 2) return;
  const layout = new SourceLayout(access.trust.sourceId(name));
  const found = await sites.each((site) => recordAt(access, site, layout, name));
  const records = sites.live.flatMap((site) => found.get(site) ?? []);
  const [best, ...others] = records.sort((a, b) => b.record.generations.length - a.record.generations.length);
  if (best === undefined) return;
  for (const { site, record } of others) {
    const [ours, theirs] = [best.record.generations[0], record.generations[0]];
    if (ours?.dataRecipient !== theirs?.dataRecipient || ours?.catalogRecipient !== theirs?.catalogRecipient) {
      sites.drop(site, contradiction(site, best.site, name));
    }
  }
  const align = async (site: Site) => {
    if (found.get(site)?.bytes.equals(best.bytes)) return;
    // The record comes last: whoever finds it finds its keys.
    for (const { generation, keys } of best.record.generations) {
      for (const { party } of keys) await sites.within(site, copy(best.site, site, layout.key(generation, party)));
    }
    await sites.within(site, copy(best.site, site, layout.source));
  };
  await sites.each(align, sites.live, { unbounded: true });
}

async function recordAt(
  { trust }: RepositoryAccess,
  site: Site,
  layout: SourceLayout,
  name: string,
): Promise<SiteRecord | undefined> {
  try {
    const bytes = await site.read(layout.source);
    const roles = ['backup', 'owner'] as const;
    return { site, bytes, record: trust.verify<SourceRecord>(bytes, { kind: 'source', source: name, roles }) };
  } catch (error) {
    if (isHoldfastError(error, 'object-missing')) return undefined;
    if (!isHoldfastError(error, 'not-trusted', 'object-damaged')) throw error;
    throw new HoldfastError('site-unavailable', `The site "${site.name}" has keys of ${name} that are not trusted.`, {
      why: error.why ?? error.message,
      hint: 'Find out who changed them; compare with the other sites.',
      cause: error,
    });
  }
}

async function copy(from: Site, to: Site, name: string): Promise<void> {
  const bytes = await from.read(name);
  if ((await to.create(name, bytes)) === 'created' || (await to.read(name)).equals(bytes)) return;
  await to.replace(name, bytes);
}

function contradiction(site: Site, other: Site, name: string): HoldfastError {
  return new HoldfastError(
    'not-trusted',
    `The sites "${site.name}" and "${other.name}" have different keys of ${name}.`,
    {
      why: 'Two hosts began the source, each at one site, while they could not see the other.',
      hint: `Keep the one with the backups; empty the other site's ${name}, and fill it: holdfast sync --to ${site.name}`,
    },
  );
}
