import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { SourceLayout } from './layout.ts';
import { compareRecords, type SourceRecord, whyNotSigned } from './source-record.ts';

/** The record of a source as one site has it. */
interface SiteRecord {
  site: Site;
  bytes: Buffer;
  record: SourceRecord;
  /** A distrusted host signed it: it counts for nothing, and gives way to another. */
  isDistrusted: boolean;
}

/**
 * Sees to it that every live site has the keys and the record of a source, as the site with the latest act of an owner
 * has them, so that whichever one is lost, another opens. Does nothing before the first backup.
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
  const [best, ...others] = records.sort(
    (a, b) => Number(a.isDistrusted) - Number(b.isDistrusted) || compareRecords(b.record, a.record),
  );
  if (best === undefined) return;
  for (const { site, record, bytes } of others) {
    const isSameAct = (record.revision ?? 0) > 0 && compareRecords(record, best.record) === 0;
    if (isSameAct && !bytes.equals(best.bytes)) throw twoActs(site, best.site, layout, name);
    const [ours, theirs] = [best.record.generations[0], record.generations[0]];
    if (ours?.dataRecipient !== theirs?.dataRecipient || ours?.catalogRecipient !== theirs?.catalogRecipient) {
      sites.drop(site, contradiction(site, best.site, name));
    }
  }
  const align = async (site: Site) => {
    if (found.get(site)?.bytes.equals(best.bytes)) return;
    // The record comes last: whoever finds it finds its keys.
    for (const { statement } of best.record.distrusted ?? []) {
      await sites.within(site, copy(best.site, site, layout.distrusted + statement));
    }
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
    const record = trust.verify<SourceRecord>(bytes, { kind: 'source', source: name, roles, distrusted: true });
    const why = whyNotSigned(trust, record);
    if (why !== undefined) throw new HoldfastError('not-trusted', 'A record is not trusted.', { why });
    return { site, bytes, record, isDistrusted: trust.party(record.signer)?.distrusted === true };
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

function twoActs(site: Site, other: Site, layout: SourceLayout, name: string): HoldfastError {
  return new HoldfastError(
    'not-trusted',
    `Two owners have changed the keys of ${name} at the same moment, one at the site "${site.name}", one at "${other.name}".`,
    {
      why: 'Neither act comes after the other, and what was stored meanwhile may be sealed to the keys of either.',
      hint: `Decide which counts, remove ${layout.source} at the other site, and run: holdfast keys rotate`,
    },
  );
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
