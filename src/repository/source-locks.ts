import type { Site } from '../sites/site.ts';
import type { RepositoryAccess } from './access.ts';
import { hiddenContent, mayHide } from './hidden-content.ts';
import { promisedHash } from './layout.ts';
import { LocalState } from './local-state.ts';
import { LockMemory } from './lock-memory.ts';
import { comingLock, neededLocks, raise, type SourceContent } from './lock-plan.ts';
import { lockSlackMs, rollingLeastMs, rollingLockMs } from './lock-rules.ts';
import { extendLocks, isHidden, type SeenVersions, seenVersions } from './locks-extend.ts';
import { readPins } from './pins.ts';
import { newestProven, readProofs } from './proofs.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';

/** What of a source has the rolling lock, beside the record. */
const rollingDirectories = ['keys/', 'answers/', 'tombstones/', 'pins/', 'distrusted/'];

/**
 * The locks of one source in one run: docs/format.md §14. Before a snapshot is made, everything that it and the others
 * need is locked for as long as retention keeps them at the least.
 */
export class SourceLocks {
  readonly #indexes: Map<string, readonly string[]>;
  readonly #access: RepositoryAccess;
  readonly #sites: RunSites;
  readonly #source: OpenedSource;
  /** As writers see it. */
  readonly #content: SourceContent;
  readonly #memories = new Map<Site, LockMemory>();
  /** What new objects get; a run that goes on beyond midnight extends them before its end. */
  readonly #untils = new Map<Site, number>();

  private constructor(
    access: RepositoryAccess,
    sites: RunSites,
    source: OpenedSource,
    content: Omit<SourceContent, 'indexes'>,
  ) {
    this.#access = access;
    this.#sites = sites;
    this.#source = source;
    this.#indexes = new Map();
    this.#content = { ...content, indexes: this.#indexes };
  }

  /** @returns undefined when no site of the run wants locks */
  static async open(
    access: RepositoryAccess,
    sites: RunSites,
    source: OpenedSource,
    opened: Pick<SourceContent, 'snapshots' | 'dropped' | 'replacements' | 'packsAt'>,
  ): Promise<SourceLocks | undefined> {
    const locking = sites.live.filter(({ locks }) => locks !== undefined);
    if (locking.length === 0) return undefined;
    const pinned = await readPins(access, sites, source, []);
    const proven = newestProven(opened.snapshots, await readProofs(access, sites, source, []));
    const made = new SourceLocks(access, sites, source, { ...opened, pinned, proven });
    const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
    for (const site of locking) made.#memories.set(site, await LockMemory.open(state, source.layout.id, site.name));
    return made;
  }

  /** Tells which packs an index object is about. */
  index(id: string, packs: readonly string[]): void {
    this.#indexes.set(id, packs);
  }

  /** Until when what the coming snapshot needs is locked as it is written; undefined where nothing is. */
  untilAt(site: Site): number | undefined {
    if (!this.#memories.has(site)) return undefined;
    const known = this.#untils.get(site) ?? comingLock(this.#inputAt(site)) + lockSlackMs;
    this.#untils.set(site, known);
    return known;
  }

  /** Remembers that an object was stored with a lock. */
  stored(site: Site, name: string, until: number): void {
    this.#memories.get(site)?.set(name, until);
  }

  /**
   * Extends at each site what has less than is needed, also of what somebody has hidden, and tells of that. A site where
   * that fails is dropped.
   *
   * @param used packs of the coming snapshot
   * @param among the sites that can have it
   * @throws HoldfastError when no site is left
   */
  async extend(used: readonly string[], among: readonly Site[]): Promise<void> {
    const locking = among.filter((site) => this.#memories.has(site) && this.#sites.isLive(site));
    await this.#sites.each((site) => this.#extendAt(site, used), locking, { unbounded: true });
  }

  async #extendAt(site: Site, used: readonly string[]): Promise<void> {
    const { clock, signal } = this.#access;
    const { layout } = this.#source;
    const memory = this.#memories.get(site)!;
    const extension = { sites: this.#sites, site, memory, signal };
    const content = new Map<string, SeenVersions>();
    for (const prefix of [layout.packs, layout.index, layout.snapshots]) {
      for (const [name, versions] of await seenVersions(site, prefix)) content.set(name, versions);
    }
    const rolling = new Map<string, SeenVersions>(await seenVersions(site, layout.source));
    for (const directory of rollingDirectories) {
      for (const [name, versions] of await seenVersions(site, layout.prefix + directory)) rolling.set(name, versions);
    }
    const { needed, overwritten } = await this.#neededAt(site, used, new Map([...content, ...rolling]));
    let hidden = overwritten;
    try {
      hidden += await extendLocks(extension, content, (name, versions) => {
        const until = needed.get(name) ?? (isHidden(versions) ? this.#hiddenUntil(site, name) : undefined);
        return until === undefined ? undefined : { least: until, until: until + lockSlackMs };
      });
      const now = clock.now();
      hidden += await extendLocks(extension, rolling, () => ({
        least: now + rollingLeastMs,
        until: now + rollingLockMs,
      }));
    } finally {
      await memory.save(clock.now());
    }
    if (hidden > 0) this.#tell(site, hidden);
  }

  /**
   * By what writers see; and where somebody has hidden something, also by what was there before. Neither may shorten the
   * other: who can hide snapshots can add some.
   *
   * @returns name of an object → until when it must be locked; and how many snapshots and index objects were written over
   */
  async #neededAt(
    site: Site,
    used: readonly string[],
    seen: ReadonlyMap<string, SeenVersions>,
  ): Promise<{ needed: Map<string, number>; overwritten: number }> {
    const needed = neededLocks(this.#inputAt(site), used);
    if (!mayHide(this.#source, seen, this.#content)) return { needed, overwritten: 0 };
    const { layout } = this.#source;
    const content = await hiddenContent(this.#access, this.#source, site);
    const known = new Set(this.#content.snapshots.map(({ id }) => id));
    const least = this.#access.clock.now() + site.locks!.minimumMs;
    // Retention may have let go of it; until whoever hid it is found out, it stays.
    const atLeast = (id: string) => (known.has(id) || this.#content.dropped.has(id) ? undefined : least);
    for (const [name, until] of neededLocks({ ...this.#inputAt(site), content }, used, atLeast)) {
      raise(needed, name, until);
    }
    const isOverwritten = (name: string) => {
      const versions = seen.get(name);
      return versions !== undefined && !isHidden(versions);
    };
    const unseen = [
      ...content.snapshots.filter(({ id }) => !known.has(id)).map(({ id }) => layout.snapshots + id),
      ...[...content.indexes.keys()].filter((id) => !this.#indexes.has(id)).map((id) => layout.index + id),
    ];
    return { needed, overwritten: unseen.filter(isOverwritten).length };
  }

  /** A hidden snapshot that cannot be read, as of keys that are not at hand: nobody knows what it needs. */
  #hiddenUntil(site: Site, name: string): number | undefined {
    const id = promisedHash(name);
    if (id === undefined || name !== this.#source.layout.snapshots + id || this.#content.dropped.has(id))
      return undefined;
    return this.#access.clock.now() + site.locks!.minimumMs;
  }

  #tell(site: Site, count: number): void {
    this.#access.emit({
      type: 'warning',
      source: this.#source.name,
      text: `Somebody has removed ${count} objects at the site "${site.name}", or written over them. They are locked, and still there.`,
      hint: `Find out who; bring them back: holdfast repair --site ${site.name}`,
    });
  }

  #inputAt(site: Site) {
    return { access: this.#access, source: this.#source, content: this.#content, site };
  }
}
