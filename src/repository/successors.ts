import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { type NamedPacks, neededPacks } from './replacements.ts';
import { listedAt, loadReplacements } from './replacements-load.ts';
import type { SiteObjects } from './source-objects.ts';
import type { OpenedSource } from './source-record.ts';

/** What snapshots need of packs that may have been compacted; for whoever looks whether it is there. */
export interface Successors {
  /** Nothing was compacted: every snapshot needs what it names. */
  readonly empty: boolean;
  /**
   * The packs that a snapshot is restored from at one site, or from all together: those it names, or what replaced them. Of
   * what is not whole there, what another site could give.
   */
  of(snapshot: NamedPacks, site?: Site): Set<string>;
  /** These, and those by which they will be replaced: all that is worth reading. */
  all(snapshot: NamedPacks): Set<string>;
}

/** @param listed what each site lists */
export async function successorsOf(
  access: RepositoryAccess,
  listed: readonly SiteObjects[],
  source: OpenedSource,
): Promise<Successors> {
  const replacements = await loadReplacements(access, source, sitesOf(access));
  const packsAt = new Map(listed.map(({ site, packs }) => [site, packs]));
  const together = listedAt(packsAt);
  return {
    empty: replacements.empty,
    of(snapshot, site) {
      if (site === undefined) return neededPacks(snapshot, replacements, together, 'named').packs;
      const { packs, missing } = neededPacks(snapshot, replacements, listedAt(packsAt, site), 'named');
      if (missing.length === 0 || replacements.empty) return packs;
      const lacking = new Set(missing);
      const there = { ...snapshot, packs: snapshot.packs.filter((pack) => !lacking.has(pack)) };
      const found = neededPacks(there, replacements, listedAt(packsAt, site), 'named').packs;
      const elsewhere = neededPacks({ ...snapshot, packs: missing }, replacements, together, 'replacement').packs;
      return new Set([...found, ...elsewhere]);
    },
    all(snapshot) {
      const now = neededPacks(snapshot, replacements, together, 'named').packs;
      if (replacements.empty) return now;
      return new Set([...now, ...neededPacks(snapshot, replacements, together, 'replacement').packs]);
    },
  };
}
