import type { Clock } from '../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { inTime } from '../sites/in-time.ts';
import type { Site } from '../sites/site.ts';

/** A site that a run goes on without. */
export interface DroppedSite {
  site: Site;
  error: HoldfastError;
}

export interface RunSitesOptions {
  clock: Clock;
  /** Told once of each site that is dropped. */
  onDrop?: (dropped: DroppedSite) => void;
  /** Milliseconds after which a site that answers nothing is given up. */
  patienceMs?: number;
}

/** Sites bound their own work; this is for what hangs in the operating system, such as a share whose server is gone. */
const defaultPatienceMs = 15 * 60_000;

/**
 * The sites of one run. What fails at one is dropped for the rest of the run, so that a dead or slow site degrades the
 * run and never fails the others; when the last one goes, the run does.
 */
export class RunSites {
  readonly all: readonly Site[];
  readonly #live: Set<Site>;
  readonly #dropped: DroppedSite[] = [];
  readonly #options: RunSitesOptions;

  /** @param sites in the order of the configuration, at least one */
  constructor(sites: readonly Site[], options: RunSitesOptions) {
    if (sites.length === 0) throw new HoldfastError('internal', 'A run has no site.');
    this.all = sites;
    this.#live = new Set(sites);
    this.#options = options;
  }

  /** Those that have not failed, in the order of the configuration. */
  get live(): Site[] {
    return [...this.#live];
  }

  get dropped(): readonly DroppedSite[] {
    return this.#dropped;
  }

  isLive(site: Site): boolean {
    return this.#live.has(site);
  }

  /** The first that has not failed: leases lie there, and what all have alike is read there. @throws its error when all failed */
  get primary(): Site {
    const [first] = this.#live;
    if (first) return first;
    const { site, error } = this.#dropped[0]!;
    if (this.all.length === 1) throw error;
    throw new HoldfastError(error.code, 'No site can be used any more.', {
      why: `First to fail was "${site.name}": ${error.message}`,
      hint: error.hint,
      cause: error,
    });
  }

  /** Where leases lie: the first that can create exclusively; undefined where none can. @throws as `primary` */
  get arbiter(): Site | undefined {
    void this.primary;
    return this.live.find(({ capabilities }) => capabilities?.conditionalCreate !== false);
  }

  /** Goes on without a site. */
  drop(site: Site, error: unknown): void {
    if (!this.#live.delete(site)) return;
    const known =
      error instanceof HoldfastError
        ? error
        : new HoldfastError('site-unavailable', `The site "${site.name}" failed.`, { cause: error });
    const dropped = { site, error: known };
    this.#dropped.push(dropped);
    this.#options.onDrop?.(dropped);
  }

  /**
   * Does the same at every live site at once. Resolves when each has done it or was dropped.
   *
   * @param options `unbounded`: the work may take hours, and bounds its own steps by `within`
   * @returns what came of it where it was done, in the order of `among`
   * @throws what `primary` throws when no site is left; the error itself when it is not the site's
   */
  async each<T>(
    work: (site: Site) => Promise<T>,
    among: readonly Site[] = this.live,
    { unbounded = false }: { unbounded?: boolean } = {},
  ): Promise<Map<Site, T>> {
    const done = new Map<Site, T>();
    await Promise.all(
      among.map(async (site) => {
        try {
          done.set(site, await (unbounded ? work(site) : this.within(site, work(site))));
        } catch (error) {
          if (!isSiteFailure(error)) throw error;
          this.drop(site, error);
        }
      }),
    );
    if (this.#live.size === 0) void this.primary;
    return new Map(among.filter((site) => done.has(site)).map((site) => [site, done.get(site) as T]));
  }

  /** As `inTime`, with the patience of the run. @throws HoldfastError `site-unavailable` */
  async within<T>(site: Site, work: Promise<T>): Promise<T> {
    const { clock, patienceMs = defaultPatienceMs } = this.#options;
    return inTime(site.name, work, patienceMs, clock);
  }
}

/** Whether an error is about the site it came from, so that others may still do. */
export function isSiteFailure(error: unknown): error is HoldfastError {
  return isHoldfastError(error, 'site-unavailable', 'site-full', 'no-repository');
}
