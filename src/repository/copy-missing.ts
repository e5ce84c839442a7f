import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import { promisedHash } from './layout.ts';
import { isSiteFailure, type RunSites } from './run-sites.ts';

/** Copying of objects that are named by their hash from the sites that have them to those that lack them. No key is needed. */

export interface CopyFigures {
  objects: number;
  bytes: number;
}

export interface CopyProblem {
  /** Where it is. */
  site: string;
  object: string;
  problem: string;
}

export interface CopyOptions {
  /** Sites to fill; default: every live one. */
  to?: readonly Site[];
  /** Sites to read from; default: every live one. */
  from?: readonly Site[];
  /** Which objects are wanted; default: all. */
  wanted?: (sha256: string) => boolean;
  /** Plan only. */
  dryRun?: boolean;
  signal: AbortSignal;
  onCopied?: (site: Site, bytes: number) => void;
}

export interface CopyOutcome {
  /** What was copied to each site, or would be. */
  copied: Map<Site, CopyFigures>;
  problems: CopyProblem[];
  /** Sites that have every wanted object now, whole as far as sizes tell. */
  complete: Set<Site>;
}

/** Each takes the size of an object of memory. */
const copiesUnderWay = 4;

interface Task {
  name: string;
  size: number;
  from: Site[];
  to: Site;
}

/**
 * Brings what is missing under a prefix to every site. A copy whose bytes do not hash to its name is not passed on; the
 * next site is asked.
 *
 * @throws HoldfastError when no site is left; one that fails is dropped
 */
export async function copyMissing(sites: RunSites, prefix: string, options: CopyOptions): Promise<CopyOutcome> {
  const { wanted = () => true, signal, dryRun = false } = options;
  const lists = await sites.each(async (site) => {
    const found = new Map<string, number>();
    for await (const { name, size } of site.list(prefix)) {
      const hash = promisedHash(name);
      if (hash !== undefined && wanted(hash)) found.set(name, size);
    }
    return found;
  });
  const live = (chosen: readonly Site[] | undefined) => sites.live.filter((site) => chosen?.includes(site) ?? true);
  const outcome: CopyOutcome = { copied: new Map(), problems: [], complete: new Set(live(options.to)) };
  const origins = live(options.from);
  const names = new Set(origins.flatMap((site) => [...(lists.get(site)?.keys() ?? [])]));
  const tasks = new Map<Site, Task[]>();
  await reportCut(sites, lists, outcome);
  for (const to of live(options.to)) {
    const own = lists.get(to)!;
    const missing: Task[] = [];
    for (const name of names) {
      if (own.has(name)) continue;
      const from = origins.filter((site) => lists.get(site)?.has(name));
      missing.push({ name, size: lists.get(from[0]!)!.get(name)!, from, to });
    }
    tasks.set(to, missing);
    outcome.copied.set(to, { objects: 0, bytes: 0 });
  }
  await sites.each(
    async (to) => {
      const next = tasks.get(to)!.values();
      const figures = outcome.copied.get(to)!;
      const work = async () => {
        for (const task of next) {
          signal.throwIfAborted();
          const bytes = dryRun ? task.size : await copyOne(sites, task, outcome);
          if (bytes === undefined) continue;
          figures.objects++;
          figures.bytes += bytes;
          options.onCopied?.(to, bytes);
        }
      };
      await Promise.all(Array.from({ length: copiesUnderWay }, work));
    },
    [...tasks.keys()],
    { unbounded: true },
  );
  for (const site of outcome.complete) if (!sites.isLive(site)) outcome.complete.delete(site);
  return outcome;
}

/** Where the copies of one object differ in size, those that do not hash to its name are told; mending them is for repair. */
async function reportCut(
  sites: RunSites,
  lists: ReadonlyMap<Site, ReadonlyMap<string, number>>,
  outcome: CopyOutcome,
): Promise<void> {
  const sizes = new Map<string, number>();
  const differing = new Set<string>();
  for (const list of lists.values()) {
    for (const [name, size] of list) {
      if (sizes.has(name) && sizes.get(name) !== size) differing.add(name);
      sizes.set(name, size);
    }
  }
  for (const name of differing) {
    await sites.each(
      async (site) => {
        if (sha256Hex(await site.read(name)) === promisedHash(name)) return;
        note(outcome.problems, site, name, 'Its bytes do not hash to its name.');
        outcome.complete.delete(site);
      },
      sites.live.filter((site) => lists.get(site)?.has(name)),
    );
  }
}

/** @returns bytes copied; undefined when no site has a copy that is whole */
async function copyOne(sites: RunSites, { name, from, to }: Task, outcome: CopyOutcome): Promise<number | undefined> {
  for (const site of from) {
    if (!sites.isLive(site)) continue;
    let bytes: Buffer;
    try {
      bytes = await sites.within(site, site.read(name));
    } catch (error) {
      if (isSiteFailure(error)) sites.drop(site, error);
      // What has been removed meanwhile is not missing anywhere.
      else if (isHoldfastError(error, 'object-missing')) continue;
      else if (!isHoldfastError(error, 'object-damaged')) throw error;
      continue;
    }
    if (sha256Hex(bytes) === promisedHash(name)) {
      await sites.within(to, to.create(name, bytes));
      return bytes.length;
    }
    note(outcome.problems, site, name, 'Its bytes do not hash to its name.');
  }
  outcome.complete.delete(to);
  if (!sites.isLive(to)) throw new HoldfastError('site-unavailable', `The site "${to.name}" failed.`);
  return undefined;
}

/** Several sites may ask for the same object. */
function note(problems: CopyProblem[], { name: site }: Site, object: string, problem: string): void {
  if (!problems.some((known) => known.site === site && known.object === object))
    problems.push({ site, object, problem });
}
