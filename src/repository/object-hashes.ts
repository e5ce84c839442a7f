import { isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import { promisedHash } from './layout.ts';
import { readAhead } from './read-ahead.ts';
import type { RunSites } from './run-sites.ts';

/** Objects read at the same time at one site, while they are small enough; each takes its size of memory. */
const readsUnderWay = 4;
/** Bytes that may be in memory at the same time, but for one object that is larger. */
const bytesUnderWay = 48 * 1024 * 1024;

/**
 * Asks one site, under the patience of the run.
 *
 * @returns undefined when the site failed, and is dropped
 * @throws when no site is left
 */
export async function askSite<T>(
  sites: RunSites,
  site: Site,
  work: () => Promise<T>,
): Promise<{ answer: T } | undefined> {
  if (!sites.isLive(site)) return undefined;
  const done = await sites.each(async () => ({ answer: await work() }), [site]);
  return done.get(site);
}

/** The bytes of an object; undefined when it is not there, or cannot be read because it is damaged. */
export async function readIfWhole(site: Site, name: string): Promise<Buffer | undefined> {
  try {
    return await site.read(name);
  } catch (error) {
    if (isHoldfastError(error, 'object-missing', 'object-damaged')) return undefined;
    throw error;
  }
}

export interface HashedObject {
  name: string;
  /** Whether its bytes hash to its name. */
  whole: boolean;
  bytes: Buffer | undefined;
}

/**
 * Reads objects that are named by their hash, in their order, and holds each against its name. Ends early when the site is
 * dropped.
 *
 * @param objects name and size in bytes
 * @throws when no site is left
 */
export async function* hashObjects(
  sites: RunSites,
  site: Site,
  objects: Iterable<readonly [name: string, size: number]>,
  signal: AbortSignal,
): AsyncGenerator<HashedObject, void, undefined> {
  let largest = 0;
  const sized = [...objects];
  for (const [, size] of sized) largest = Math.max(largest, size);
  const ahead = Math.max(1, Math.min(readsUnderWay, Math.floor(bytesUnderWay / Math.max(1, largest))));
  const read = readAhead(sized, ahead, async ([name]) => {
    signal.throwIfAborted();
    const asked = await askSite(sites, site, () => readIfWhole(site, name));
    if (asked === undefined) return undefined;
    const bytes = asked.answer;
    return { name, bytes, whole: bytes !== undefined && sha256Hex(bytes) === promisedHash(name) };
  });
  for await (const object of read) if (object !== undefined) yield object;
}
