import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { damage, type ExaminedSource, notice, wrongBytes } from './examine-source.ts';
import { promisedHash } from './layout.ts';
import { askSite, readIfWhole } from './object-hashes.ts';
import type { NamedPacks } from './replacements.ts';
import type { SiteProblem, Tell } from './site-problem.ts';
import { kindOf, type SiteObjects } from './source-objects.ts';

/** What snapshots that are not dropped need. Without a key to the catalog nobody knows. */
export interface SourceNeeds {
  /** At whichever site, those that were compacted and are still there among them. */
  packs: ReadonlySet<string>;
  /** Pack → bytes, as trusted index objects tell. */
  sizes: ReadonlyMap<string, number>;
  /** What one snapshot is restored from at a site, or from all together. */
  of: (snapshot: NamedPacks, site?: Site) => ReadonlySet<string>;
  /** What all are restored from at a site: packs, or what replaced them. */
  at: (site: Site) => ReadonlySet<string>;
}

/**
 * Holds the lists of the sites against each other and against themselves: what is missing, empty, or of another size. Reads
 * nothing but copies that differ in size.
 *
 * @param needs undefined without a key to the catalog
 */
export async function compareSites(
  access: RepositoryAccess,
  source: ExaminedSource,
  needs: SourceNeeds | undefined,
  tell: Tell,
): Promise<void> {
  const listed = source.listed.filter(({ site }) => sitesOf(access).isLive(site));
  const unswept = needs === undefined ? sitesYetToSweep(source) : new Set<Site>();
  comparePacks(source, listed, needs, unswept, tell);
  compareOthers(source, listed, unswept, tell);
  await compareSizes(access, source, listed, needs, tell);
}

/**
 * Sites that have snapshots which are dropped, and which another site has removed already: then what others lack may be
 * what only those need.
 */
function sitesYetToSweep({ layout, listed, dropped }: ExaminedSource): Set<Site> {
  const has = ({ others }: SiteObjects, id: string) => others.has(layout.snapshots + id);
  const ids = [...dropped].filter((id) => listed.some((one) => !has(one, id)));
  return new Set(listed.filter((one) => ids.some((id) => has(one, id))).map(({ site }) => site));
}

function comparePacks(
  { layout }: ExaminedSource,
  listed: readonly SiteObjects[],
  needs: SourceNeeds | undefined,
  unswept: ReadonlySet<Site>,
  tell: Tell,
): void {
  for (const { site, packs } of listed) {
    const told = new Set<string>();
    const needed = needs?.at(site);
    for (const other of listed) {
      for (const pack of other.packs.keys()) {
        if (packs.has(pack) || told.has(pack) || (needed && !needed.has(pack))) continue;
        told.add(pack);
        tell(missing(site, layout.pack(pack), other.site, unswept.has(other.site)));
      }
    }
    for (const pack of needed ?? []) {
      if (packs.has(pack) || told.has(pack)) continue;
      tell(damage(site, layout.pack(pack), 'It is missing, and a snapshot needs it.'));
    }
  }
}

function compareOthers(
  { layout, dropped, untrusted }: ExaminedSource,
  listed: readonly SiteObjects[],
  unswept: ReadonlySet<Site>,
  tell: Tell,
): void {
  for (const { site, others } of listed) {
    const told = new Set<string>();
    for (const other of listed) {
      for (const object of other.others.keys()) {
        if (others.has(object) || told.has(object) || untrusted.has(object)) continue;
        const kind = kindOf(layout, object);
        // The record and its key objects were looked at by themselves; other key objects mean nothing.
        if (kind === 'source' || kind === 'key') continue;
        if (kind === 'snapshot' && dropped.has(promisedHash(object)!)) continue;
        told.add(object);
        const found = missing(site, object, other.site, kind === 'index' && unswept.has(other.site));
        // Answers are given at one site, and a proof is written where a site can take it.
        tell(kind === 'answer' || kind === 'proof' ? { ...found, severity: 'notice' } : found);
      }
    }
  }
}

function missing(site: Site, object: string, other: Site, maybeDropped: boolean): SiteProblem {
  const problem = `It is missing; "${other.name}" has it.`;
  if (!maybeDropped) return damage(site, object, problem);
  return notice(site, object, `${problem} It may be of a snapshot that was dropped, and is not needed then.`);
}

/** What is empty, or cut, as far as sizes tell. */
async function compareSizes(
  access: RepositoryAccess,
  source: ExaminedSource,
  listed: readonly SiteObjects[],
  needs: SourceNeeds | undefined,
  tell: Tell,
): Promise<void> {
  const { layout } = source;
  const differing = new Set<string>();
  const note = (sizes: Map<string, number>, key: string, size: number) => {
    const before = sizes.get(key);
    if (before === undefined) sizes.set(key, size);
    else if (before !== size) differing.add(key);
    if (size === 0) differing.add(key);
  };
  if (listed.length > 1) {
    const packSizes = new Map<string, number>();
    const sizes = new Map<string, number>();
    for (const { packs, others } of listed) {
      for (const [pack, size] of packs) note(packSizes, pack, size);
      for (const [object, size] of others) if (isNamedByHash(source, object)) note(sizes, object, size);
    }
  } else {
    for (const { packs, others } of listed) {
      for (const [pack, size] of packs) if (size === 0) differing.add(pack);
      for (const [object, size] of others) if (size === 0 && isNamedByHash(source, object)) differing.add(object);
    }
  }
  for (const key of differing) {
    const isPack = !key.includes('/');
    const object = isPack ? layout.pack(key) : key;
    const holders = listed.filter(({ packs, others }) => (isPack ? packs.has(key) : others.has(key)));
    await examineCopies(access, object, holders, tell);
  }
  for (const { site, packs } of listed) {
    for (const [pack, size] of needs?.sizes ?? []) {
      const found = packs.get(pack);
      if (found === undefined || found === size || differing.has(pack)) continue;
      tell(damage(site, layout.pack(pack), `It has ${found} bytes; its index tells ${size}.`));
    }
  }
}

function isNamedByHash({ layout }: ExaminedSource, object: string): boolean {
  const kind = kindOf(layout, object);
  // Tombstones and pins have been read.
  return kind === 'index' || kind === 'snapshot' || kind === 'proof';
}

async function examineCopies(
  access: RepositoryAccess,
  object: string,
  holders: readonly SiteObjects[],
  tell: Tell,
): Promise<void> {
  for (const { site } of holders) {
    access.signal.throwIfAborted();
    const asked = await askSite(sitesOf(access), site, () => readIfWhole(site, object));
    if (asked === undefined) continue;
    if (asked.answer === undefined || sha256Hex(asked.answer) !== promisedHash(object)) {
      tell(damage(site, object, wrongBytes));
    }
  }
}
