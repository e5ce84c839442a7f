import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { damage, type ExaminedSource } from './examine-source.ts';
import { promisedHash, rootObjects } from './layout.ts';
import { askSite, readIfWhole } from './object-hashes.ts';
import type { Tell } from './site-problem.ts';
import { kindOf } from './source-objects.ts';

const removed = 'Somebody has removed it; an older version is still there.';
const overwritten = 'Somebody has written over it; an older version is still there.';

interface SeenVersions {
  count: number;
  isCurrent: boolean;
}

/**
 * Tells of objects that somebody has removed or written over at sites that lock them, and of which an older version is
 * there: readers find that, and nobody else does. Costs a listing of versions; only names with several are read.
 *
 * @param isNeeded whether a pack matters; undefined: all do
 */
export async function examineConcealed(
  access: RepositoryAccess,
  examined: ExaminedSource,
  isNeeded: ((pack: string) => boolean) | undefined,
  tell: Tell,
): Promise<void> {
  const sites = sitesOf(access);
  const { layout, dropped } = examined;
  for (const { site } of examined.listed) {
    const { versions } = site;
    if (!versions || !(site.locks || site.current)) continue;
    const asked = await askSite(sites, site, async () => {
      const seen = new Map<string, SeenVersions>();
      for await (const { name, current } of versions.list(layout.prefix)) {
        const before = seen.get(name) ?? { count: 0, isCurrent: false };
        seen.set(name, { count: before.count + 1, isCurrent: before.isCurrent || current });
      }
      return seen;
    });
    for (const [object, { count, isCurrent }] of asked?.answer ?? []) {
      const kind = kindOf(layout, object);
      if (kind === undefined || kind === 'lease' || (isCurrent && count === 1)) continue;
      const hash = promisedHash(object);
      if (kind === 'pack' && isNeeded && !isNeeded(hash!)) continue;
      if (kind === 'snapshot' && dropped.has(hash!)) continue;
      if (!isCurrent) tell(damage(site, object, removed));
      else if (await isOverwritten(access, site, examined, object)) {
        tell(damage(site, object, overwritten));
      }
    }
  }
}

/**
 * The same for what belongs to no source.
 *
 * @param isRecord whether bytes are those of holdfast.json
 */
export async function examineConcealedRoots(
  access: RepositoryAccess,
  isRecord: (bytes: Buffer) => boolean,
  tell: Tell,
): Promise<void> {
  const sites = sitesOf(access);
  for (const site of sites.live) {
    const { versions } = site;
    if (!versions || !(site.locks || site.current)) continue;
    await askSite(sites, site, async () => {
      const names = new Set<string>(Object.values(rootObjects));
      for (const prefix of ['trust/', 'recover/']) {
        for await (const { name } of versions.list(prefix)) if (promisedHash(name) !== undefined) names.add(name);
      }
      for (const object of names) {
        access.signal.throwIfAborted();
        const bytes = await readIfWhole(site.current ?? site, object);
        const hash = promisedHash(object);
        const isRight = (found: Buffer) =>
          hash === undefined ? object !== rootObjects.repository || isRecord(found) : sha256Hex(found) === hash;
        if (bytes === undefined) tell(damage(site, object, removed));
        else if (!isRight(bytes)) tell(damage(site, object, overwritten));
      }
    });
  }
}

async function isOverwritten(
  access: RepositoryAccess,
  site: Site,
  { accepts }: ExaminedSource,
  object: string,
): Promise<boolean> {
  access.signal.throwIfAborted();
  const asked = await askSite(sitesOf(access), site, () => readIfWhole(site.current ?? site, object));
  return asked !== undefined && (asked.answer === undefined || !accepts(object, asked.answer));
}
