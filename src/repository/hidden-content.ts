import type { Site } from '../sites/site.ts';
import type { RepositoryAccess } from './access.ts';
import { HashTexts } from './hash-texts.ts';
import { listPacks, loadIndexes } from './index-load.ts';
import { promisedHash } from './layout.ts';
import type { SourceContent } from './lock-plan.ts';
import { isHidden, type SeenVersions } from './locks-extend.ts';
import { readPins } from './pins.ts';
import { newestProven, readProofs } from './proofs.ts';
import { loadReplacements } from './replacements-load.ts';
import { RunSites } from './run-sites.ts';
import { listSnapshots } from './snapshot.ts';
import type { OpenedSource } from './source-record.ts';
import { versionsView } from './versions-view.ts';

/**
 * Whether a writer, who sees what is current, may not see all that a source has: something was removed, or other bytes lie
 * over a snapshot, an index object or a pack.
 *
 * @param content what the writer sees
 */
export function mayHide(
  { layout }: Pick<OpenedSource, 'layout'>,
  seen: ReadonlyMap<string, SeenVersions>,
  { snapshots, dropped, indexes }: SourceContent,
): boolean {
  const known = new Set(snapshots.map(({ id }) => layout.snapshots + id));
  for (const [name, versions] of seen) {
    const hash = promisedHash(name);
    if (hash === undefined || dropped.has(hash)) continue;
    if (isHidden(versions)) return true;
    if (versions.length === 1 || known.has(name) || indexes.has(hash)) continue;
    // Whoever has the credentials writes the same garbage over it many times. Of packs, the size is what is looked at.
    if (!name.startsWith(layout.packs) || versions.some(({ size }) => size !== versions[0].size)) return true;
  }
  return false;
}

/** What a source has at a site, counting what somebody has hidden there. @throws HoldfastError `site-unavailable` */
export async function hiddenContent(
  access: RepositoryAccess,
  source: OpenedSource,
  site: Site,
): Promise<SourceContent> {
  const view = versionsView(site, access.trust);
  const sites = new RunSites([view], { clock: access.clock });
  const texts = new HashTexts();
  const { snapshots, tombstones: dropped } = await listSnapshots(access, source, sites, texts);
  const packsAt = new Map([[site, await listPacks(view, source, texts)]]);
  const replacements = await loadReplacements(access, source, sites);
  const indexes = new Map<string, readonly string[]>();
  for await (const { id, packs } of loadIndexes(access, source, () => {}, sites)) {
    indexes.set(
      id,
      packs.map(({ pack }) => texts.of(pack)),
    );
  }
  const pinned = await readPins(access, sites, source, []);
  const proven = newestProven(snapshots, await readProofs(access, sites, source, []));
  return { snapshots, dropped, replacements, packsAt, indexes, pinned, proven };
}
