import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { askSite, readIfWhole } from '../repository/object-hashes.ts';
import type { Site } from '../sites/site.ts';

/** An object to be put in its place at one site. */
export interface Mending {
  site: Site;
  object: string;
  /** Other sites that may have it whole, in the order in which they are asked. */
  donors: readonly Site[];
  /** Whether bytes are a whole copy. */
  accepts(bytes: Buffer): boolean;
  /** What is put there when no site has it, where this machine knows it by itself. */
  own?: Buffer | undefined;
}

export type Mended =
  | { outcome: 'mended'; bytes: number /** Undefined: this machine knew it by itself. */; from: Site | undefined }
  /** Somebody else was faster. */
  | { outcome: 'whole' }
  /** No site has a whole copy. */
  | { outcome: 'lost' }
  | { outcome: 'failed'; problem: string };

/**
 * Puts a whole copy of an object in the place of what is there. What is whole is never written over, and at every moment,
 * whenever this is killed, the old or the new is there.
 *
 * @param options.dryRun only find out whether it could be done
 * @throws HoldfastError when no site is left
 */
export async function mend(access: RepositoryAccess, mending: Mending, options: { dryRun: boolean }): Promise<Mended> {
  const { site, object, accepts } = mending;
  const sites = sitesOf(access);
  const copy = await findCopy(access, mending);
  if (copy === undefined) return { outcome: 'lost' };
  if (options.dryRun) return { outcome: 'mended', bytes: copy.bytes.length, from: copy.from };
  // What is there now, and not what an older version tells.
  const current = site.current ?? site;
  const read = () => readIfWhole(current, object);
  const done = await askSite(sites, site, async (): Promise<Mended> => {
    const before = await read();
    if (before !== undefined && accepts(before)) return { outcome: 'whole' };
    const isThere = before !== undefined || (await current.stat(object)) !== undefined;
    if (isThere || (await site.create(object, copy.bytes)) === 'exists') await site.replace(object, copy.bytes);
    const after = await read();
    if (after !== undefined && accepts(after)) return { outcome: 'mended', bytes: copy.bytes.length, from: copy.from };
    return { outcome: 'failed', problem: 'It was replaced, and does not come back as it was written.' };
  });
  return done?.answer ?? { outcome: 'failed', problem: `The site "${site.name}" failed.` };
}

async function findCopy(
  access: RepositoryAccess,
  { site, object, donors, accepts, own }: Mending,
): Promise<{ bytes: Buffer; from: Site | undefined } | undefined> {
  if (own !== undefined) return { bytes: own, from: undefined };
  // Its own older versions come last: another site has what is current there.
  for (const from of site.current ? [...donors, site] : donors) {
    access.signal.throwIfAborted();
    const asked = await askSite(sitesOf(access), from, () => readIfWhole(from, object));
    if (asked?.answer !== undefined && accepts(asked.answer)) return { bytes: asked.answer, from };
  }
  return undefined;
}
