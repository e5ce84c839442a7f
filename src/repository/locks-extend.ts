import type { ObjectVersion, Site } from '../sites/site.ts';
import { promisedHash } from './layout.ts';
import type { LockMemory } from './lock-memory.ts';
import type { RunSites } from './run-sites.ts';

/** Requests at the same time. */
const requestsUnderWay = 16;
/**
 * Of a name with more versions, so many of the oldest and of the newest are locked: which is the right one is not known
 * without reading it, and whoever writes thousands must not make us lock them all.
 */
const versionsEach = 4;

export interface Extension {
  sites: RunSites;
  site: Site;
  memory: LockMemory;
  signal: AbortSignal;
}

/** Locked less than until `least`, an object is locked until `until`. Milliseconds since 1970. */
export interface WantedLock {
  least: number;
  until: number;
}

/** The versions of one object that are looked at, the newest first; at least one. */
export type SeenVersions = readonly [ObjectVersion, ...ObjectVersion[]];

/** What a site has under a prefix, or of one name, also of what somebody has hidden: by name. */
export async function seenVersions(site: Site, prefix: string): Promise<Map<string, SeenVersions>> {
  const { versions } = site;
  const seen = new Map<string, [ObjectVersion, ...ObjectVersion[]]>();
  for await (const version of prefix.endsWith('/') ? versions!.list(prefix) : versions!.of(prefix)) {
    const group = seen.get(version.name);
    if (!group) seen.set(version.name, [version]);
    else {
      if (group.length >= 2 * versionsEach) group.splice(versionsEach, 1);
      group.push(version);
    }
  }
  return seen;
}

/** Whether it was removed: no version of it is current. */
export function isHidden(versions: SeenVersions): boolean {
  return !versions.some(({ current }) => current);
}

/**
 * Extends the locks of objects. Versions that somebody has hidden are among them.
 *
 * @returns how many wanted objects have no current version
 * @throws HoldfastError `site-unavailable`
 */
export async function extendLocks(
  { sites, site, memory, signal }: Extension,
  seen: ReadonlyMap<string, SeenVersions>,
  wanted: (name: string, versions: SeenVersions) => WantedLock | undefined,
): Promise<number> {
  const due: { name: string; version: ObjectVersion; key: string; until: number }[] = [];
  let hidden = 0;
  for (const [name, versions] of seen) {
    const lock = wanted(name, versions);
    if (!lock) continue;
    if (isHidden(versions)) hidden++;
    for (const version of versions) {
      // What is named by its hash, and has one version, was perhaps stored by this machine, which knows no version then.
      const key = versions.length === 1 && promisedHash(name) !== undefined ? name : `${name} ${version.id}`;
      if (memory.until(key) < lock.least) due.push({ name, version, key, until: lock.until });
    }
  }
  const next = due.values();
  const work = async () => {
    for (const { name, version, key, until } of next) {
      signal.throwIfAborted();
      await sites.within(site, site.retain!(name, until, version.id));
      memory.set(key, until);
    }
  };
  await Promise.all(Array.from({ length: requestsUnderWay }, work));
  return hidden;
}
