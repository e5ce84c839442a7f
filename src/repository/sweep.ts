import { HoldfastError } from '../base/errors.ts';
import type { Site } from '../sites/site.ts';
import type { RepositoryAccess } from './access.ts';
import { HashTexts } from './hash-texts.ts';
import { listPacks, loadIndexes } from './index-load.ts';
import { promisedHash } from './layout.ts';
import { LocalState } from './local-state.ts';
import { graceMs } from './parameters.ts';
import { type NamedPacks, type Needs, neededPacks, type Replacement, Replacements } from './replacements.ts';
import { listedAt, replacementOf } from './replacements-load.ts';
import type { RunSites } from './run-sites.ts';
import { listSnapshots, type SnapshotListing } from './snapshot.ts';
import type { OpenedSource } from './source-record.ts';
import { type LockedObjects, withoutLocked } from './sweep-locks.ts';
import { planSweep, type SweepIndex, type SweepPlan } from './sweep-plan.ts';
import { UnneededPacks } from './unneeded-packs.ts';

/** What a sweep would do at one site. */
export interface SiteSweep {
  site: Site;
  plan: SweepPlan;
  /** What would go, and is locked: it is not in the plan. */
  locked?: LockedObjects;
  /** What a snapshot needs there. */
  needsOf: (snapshot: NamedPacks) => Needs;
}

/**
 * Finds out what may be removed from each live site. Removes nothing, but remembers which packs nothing needs.
 *
 * @param listing of the same run, over the same sites
 * @param options.remember whether this machine's memory of unneeded packs is brought up to date
 */
export async function prepareSweep(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  listing: SnapshotListing,
  options: { remember: boolean },
): Promise<SiteSweep[]> {
  assertDecided(source, listing);
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const dropped = new Map([...listing.tombstones].map(([id, { time }]) => [id, Date.parse(time)]));
  const indexed = new Map<string, number>();
  const indexes: SweepIndex[] = [];
  const compacted: Replacement[] = [];
  const { texts = new HashTexts() } = listing;
  for await (const index of loadIndexes(access, source, () => {}, sites, undefined, { texts })) {
    const { id, time, packs } = index;
    const replacement = replacementOf(index);
    if (replacement) compacted.push(replacement);
    for (const { pack } of packs) indexed.set(pack, Math.max(indexed.get(pack) ?? 0, Date.parse(time)));
    indexes.push({ id, packs: packs.map(({ pack }) => pack) });
  }
  const replacements = new Replacements(compacted);
  const plans = await sites.each(async (site) => {
    const packs = await listPacks(site, source, texts);
    const listed = listedAt(new Map([[site, packs]]), site);
    const needsOf = (snapshot: NamedPacks) => neededPacks(snapshot, replacements, listed, 'replacement');
    const memory = new UnneededPacks(state, source.layout.id, site.name);
    const planned = planSweep({
      now: access.clock.now(),
      graceMs,
      snapshots: [...listing.snapshots, ...listing.tombstoned],
      // Without it every snapshot needs what it names, and no set is made for each.
      ...(!replacements.empty && { needsOf }),
      replaced: replacements.times,
      dropped,
      indexed,
      seenUnneeded: await memory.read(),
      site: {
        snapshots: await hashesUnder(site, source.layout.snapshots),
        packs,
        indexes,
      },
    });
    const byId = new Map([...listing.snapshots, ...listing.tombstoned].map((snapshot) => [snapshot.id, snapshot]));
    const told = new Map(indexes.map(({ id, packs }) => [id, packs]));
    const question = { site, plan: planned, packs, indexes: told, snapshots: byId, needsOf, ...options };
    const { plan, locked } = await withoutLocked(access, sites, source, question);
    if (options.remember) await memory.write(plan.unneeded);
    return { plan, needsOf, ...(locked && { locked }) };
  });
  return [...plans].map(([site, prepared]) => ({ site, ...prepared }));
}

async function hashesUnder(site: Site, prefix: string): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { name } of site.list(prefix)) {
    const hash = promisedHash(name);
    if (hash !== undefined) found.add(hash);
  }
  return found;
}

export interface Swept {
  site: string;
  snapshots: number;
  indexes: number;
  packs: number;
  bytes: number;
  /** What would be removed, and is locked. */
  locked?: LockedObjects;
}

const removalsUnderWay = 8;

/**
 * Removes what was planned, snapshots first: whatever interrupts it, no snapshot is without its packs, and the next sweep
 * goes on. Looks for new snapshots once more before it removes packs, and leaves alone what they need.
 *
 * @throws HoldfastError when no site is left; a site that fails is dropped
 */
export async function sweep(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  prepared: readonly SiteSweep[],
): Promise<Swept[]> {
  const known = new Set(prepared.flatMap(({ plan }) => plan.snapshots));
  const now = await listSnapshots(access, source, sites);
  assertDecided(source, now);
  const staying = [...now.snapshots, ...now.tombstoned].filter(({ id }) => !known.has(id));
  const swept = await sites.each(
    async (site) => {
      const { plan, needsOf, locked } = prepared.find((one) => one.site === site)!;
      const needed = new Set(staying.flatMap((snapshot) => [...needsOf(snapshot).packs]));
      const packs = plan.packs.filter((pack) => !needed.has(pack));
      await removeAll(
        sites,
        site,
        plan.snapshots.map((id) => source.layout.snapshots + id),
        access.signal,
      );
      // An index that tells of packs that are gone is a hint like any other; one whose packs stay must stay with them.
      const indexes = packs.length === plan.packs.length ? plan.indexes : [];
      await removeAll(
        sites,
        site,
        indexes.map((id) => source.layout.index + id),
        access.signal,
      );
      await removeAll(
        sites,
        site,
        packs.map((pack) => source.layout.pack(pack)),
        access.signal,
      );
      const bytes = packs.length === plan.packs.length ? plan.bytes : 0;
      const removed = { snapshots: plan.snapshots.length, indexes: indexes.length, packs: packs.length, bytes };
      return { ...removed, ...(locked && { locked }) };
    },
    prepared.map(({ site }) => site).filter((site) => sites.isLive(site)),
    { unbounded: true },
  );
  return [...swept].map(([site, figures]) => ({ site: site.name, ...figures }));
}

async function removeAll(sites: RunSites, site: Site, names: readonly string[], signal: AbortSignal): Promise<void> {
  const next = names.values();
  const remove = async () => {
    for (const name of next) {
      signal.throwIfAborted();
      await sites.within(site, site.remove(name));
    }
  };
  await Promise.all(Array.from({ length: removalsUnderWay }, remove));
}

/** What a snapshot needs of which nobody can tell whether it counts must not go. @throws HoldfastError `not-trusted` */
function assertDecided({ name }: OpenedSource, { undecided }: SnapshotListing): void {
  if (undecided.length === 0) return;
  throw new HoldfastError(
    'not-trusted',
    `Nothing is removed of ${name}: ${undecided.length} snapshots are by a distrusted host.`,
    {
      why: 'No statement of an owner that could be read tells which of them count.',
      hint: 'Bring it from another site: holdfast sync. Where there is none yet: holdfast keys distrust HOST --since …',
    },
  );
}
