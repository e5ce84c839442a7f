import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { promisedHash } from '../repository/layout.ts';
import { kindOf, type ObjectKind } from '../repository/source-objects.ts';
import { opensData } from '../repository/source-record.ts';
import type { Site } from '../sites/site.ts';
import type { Finding } from './check.ts';
import type { CheckedSource } from './check-source.ts';
import { lostContents } from './lost-contents.ts';
import { mend } from './mend.ts';
import type { RepairTally } from './repair-report.ts';

/** In the order of writing (docs/format.md §2), so that whoever finds a snapshot finds all it needs. */
const order: ObjectKind[][] = [
  ['key'],
  ['source'],
  ['answer', 'tombstone', 'pin'],
  ['pack'],
  ['index'],
  ['snapshot'],
  ['proof'],
];

/** Objects that are mended at the same time; each takes its size of memory twice. */
const mendingsUnderWay = 3;

/**
 * Mends what was found of a source, from the sites that have it whole.
 *
 * @param findings of this source
 * @param isTarget whether a site is to be mended
 */
export async function repairSource(
  access: RepositoryAccess,
  { examined, catalog }: CheckedSource,
  findings: readonly Finding[],
  isTarget: (site: Site) => boolean,
  tally: RepairTally,
): Promise<void> {
  const { layout, listed } = examined;
  const mendable = findings.flatMap((finding) =>
    finding.mendable && finding.site && isTarget(finding.site) ? [{ ...finding, site: finding.site }] : [],
  );
  const isDamagedAt = new Set(findings.map(({ site, object }) => `${site?.name} ${object}`));
  /** Site → packs that could not be mended there. */
  const open = new Map<Site, Set<string>>();
  const lostPacks = new Set<string>();
  const mendOne = async (finding: Finding & { site: Site }) => {
    const { site, object } = finding;
    const kind = kindOf(layout, object);
    if (kind === 'snapshot' && !isWholeAt(site, promisedHash(object)!)) {
      tally.unmended(finding, 'The site gets it once it has all it needs.');
      return;
    }
    const donors = listed
      .filter(({ packs, others }) => (kind === 'pack' ? packs.has(promisedHash(object)!) : others.has(object)))
      .map((one) => one.site)
      .filter((donor) => donor !== site && !isDamagedAt.has(`${donor.name} ${object}`));
    const accepts = (bytes: Buffer) => examined.accepts(object, bytes);
    const own = kind === 'source' ? examined.record?.bytes : undefined;
    const mended = await mend(access, { site, object, donors, accepts, own }, { dryRun: tally.dryRun });
    if (mended.outcome === 'mended') tally.mended(finding, mended);
    if (mended.outcome === 'failed') tally.unmended(finding, mended.problem);
    if (mended.outcome === 'lost') tally.lost(finding);
    if (kind !== 'pack' || mended.outcome === 'mended' || mended.outcome === 'whole') return;
    const pack = promisedHash(object)!;
    open.set(site, (open.get(site) ?? new Set()).add(pack));
    if (mended.outcome === 'lost') lostPacks.add(pack);
  };
  const isWholeAt = (site: Site, id: string): boolean => {
    const missing = open.get(site);
    if (missing === undefined) return true;
    // Without a key to the catalog nobody knows which snapshot needs what.
    const snapshot = catalog?.snapshots.find((one) => one.id === id);
    return snapshot ? ![...catalog!.needs.of(snapshot, site)].some((pack) => missing.has(pack)) : false;
  };
  for (const kinds of order) {
    const next = mendable.filter(({ object }) => kinds.includes(kindOf(layout, object)!)).values();
    const work = async () => {
      for (const finding of next) {
        access.signal.throwIfAborted();
        await mendOne(finding);
      }
    };
    await Promise.all(Array.from({ length: mendingsUnderWay }, work));
  }
  for (const snapshot of catalog?.snapshots ?? []) {
    const needed = catalog!.needs.of(snapshot);
    if (![...needed].some((pack) => lostPacks.has(pack))) continue;
    const { source } = catalog!;
    const contents = opensData(source)
      ? await lostContents(access, examined, source, snapshot, needed, lostPacks)
      : ('unknown' as const);
    tally.broken(source.name, snapshot, contents);
  }
  if (sitesOf(access).live.length === 0) void sitesOf(access).primary;
}
