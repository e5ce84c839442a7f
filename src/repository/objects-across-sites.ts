import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import { promisedHash } from './layout.ts';
import { isSiteFailure, type RunSites } from './run-sites.ts';

/** An object and the sites that list it. Objects that are named by their hash are the same wherever they lie. */
export interface HeldObject {
  name: string;
  sites: Site[];
  /** Bytes, as one of them tells; undefined: nobody was asked. */
  size?: number;
}

/** Bytes of sealed objects that are opened at the same time, but for one that is larger: opened, each takes some ten times that. */
const bytesUnderWay = 4 * 1024 * 1024;

/** How many of the objects to read at the same time. @param most while they are small */
export function readsAhead(objects: readonly HeldObject[], most: number): number {
  const largest = objects.reduce((size, object) => Math.max(size, object.size ?? 0), 1);
  return Math.max(1, Math.min(most, Math.floor(bytesUnderWay / largest)));
}

/** Every object under a prefix, at whichever live site. @throws when no site is left */
export async function listAcross(sites: RunSites, prefix: string): Promise<HeldObject[]> {
  const found = new Map<string, HeldObject>();
  const lists = await sites.each(async (site) => {
    const objects: { name: string; size: number }[] = [];
    for await (const { name, size } of site.list(prefix)) objects.push({ name, size });
    return objects;
  });
  for (const site of sites.live) {
    for (const { name, size } of lists.get(site) ?? []) {
      const held = found.get(name);
      if (held) held.sites.push(site);
      else found.set(name, { name, size, sites: [site] });
    }
  }
  return [...found.values()];
}

/**
 * What `open` makes of an object, from the first site whose copy it accepts.
 *
 * @throws of `open` and of reading, what the last site's copy gave; a site that fails is dropped
 */
export async function readAcross<T>(
  sites: RunSites,
  { name, sites: holders }: HeldObject,
  open: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  for (const site of holders) {
    if (!sites.isLive(site)) continue;
    try {
      const bytes = await site.read(name);
      assertNamed(name, bytes);
      return await open(bytes);
    } catch (error) {
      if (isSiteFailure(error)) sites.drop(site, error);
      else if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
      failure = error;
    }
  }
  if (sites.live.length === 0) void sites.primary;
  throw failure ?? new HoldfastError('object-missing', `No site has ${name} any more.`);
}

/** Otherwise a site could hide what another has, by giving something else under its name. */
function assertNamed(name: string, bytes: Uint8Array): void {
  const promised = promisedHash(name);
  if (promised === undefined || sha256Hex(bytes) === promised) return;
  throw new HoldfastError('object-damaged', `${name} is damaged.`, { why: 'Its bytes do not hash to its name.' });
}
