import type { RepositoryAccess } from '../repository/access.ts';
import { type CopyOptions, type CopyProblem, copyMissing } from '../repository/copy-missing.ts';
import { listPacks } from '../repository/index-load.ts';
import { SourceLayout } from '../repository/layout.ts';
import { neededPacks } from '../repository/replacements.ts';
import { listedAt, loadReplacements } from '../repository/replacements-load.ts';
import type { RunSites } from '../repository/run-sites.ts';
import { listSnapshots } from '../repository/snapshot.ts';
import { alignSource } from '../repository/source-copies.ts';
import { sourceDirectories } from '../repository/source-directories.ts';
import { openSource, readSourceRecord } from '../repository/source-record.ts';
import type { Site } from '../sites/site.ts';
import { beginAtEachSite, type SiteReport, siteReports } from './run-begin.ts';

export interface SyncRequest {
  /** Names of the configuration's sources: of these, what nothing needs is left where it is. Others are copied whole. */
  sources: readonly string[];
  /** Names of sites to read from; default: all. */
  from?: string;
  /** Name of the one site to fill; default: all. */
  to?: string;
  dryRun: boolean;
}

export interface SyncReport {
  outcome: 'done' | 'partial' | 'failed';
  dryRun: boolean;
  /** What each site got, or would get. */
  sites: { site: string; objects: number; bytes: number; snapshots: number }[];
  /** Copies that are damaged where they lie. */
  problems: CopyProblem[];
  /** Sites that failed. */
  dropped: SiteReport[];
}

/**
 * Copies what one site has and another lacks: sealed objects, held against their names. Needs no key to the data; with a
 * key to the catalog, what no live snapshot needs is not copied.
 *
 * @throws HoldfastError when no site can be used
 */
export async function sync(access: RepositoryAccess, request: SyncRequest): Promise<SyncReport> {
  const sites = await beginAtEachSite(access);
  const named = (name: string | undefined) =>
    name === undefined ? undefined : sites.live.filter((site) => site.name === name);
  const [from, to] = [named(request.from), named(request.to)];
  const run = new SyncRun(access, sites, { ...(from && { from }), ...(to && { to }), dryRun: request.dryRun });
  const known = new Map(request.sources.map((name) => [access.trust.sourceId(name), name]));
  for (const id of await sourceIds(sites)) {
    access.signal.throwIfAborted();
    await run.source(id, known.get(id));
  }
  const dropped = siteReports(sites).filter(({ error }) => error !== undefined);
  return {
    outcome: dropped.length === 0 && run.problems.length === 0 ? 'done' : 'partial',
    dryRun: request.dryRun,
    sites: [...run.figures].map(([site, figures]) => ({ site: site.name, ...figures })),
    problems: run.problems,
    dropped,
  };
}

async function sourceIds(sites: RunSites): Promise<string[]> {
  const lists = await sites.each((site) => sourceDirectories(site));
  return [...new Set([...lists.values()].flat())].sort();
}

class SyncRun {
  readonly figures = new Map<Site, { objects: number; bytes: number; snapshots: number }>();
  readonly problems: CopyProblem[] = [];
  readonly #access: RepositoryAccess;
  readonly #sites: RunSites;
  readonly #options: Omit<CopyOptions, 'signal'>;
  #copied = 0;

  constructor(access: RepositoryAccess, sites: RunSites, options: Omit<CopyOptions, 'signal'>) {
    this.#access = access;
    this.#sites = sites;
    this.#options = options;
    for (const site of options.to ?? sites.live) this.figures.set(site, { objects: 0, bytes: 0, snapshots: 0 });
  }

  /**
   * In the order of writing (docs/format.md §2): keys, packs, index, snapshots. Which snapshots there are is asked before
   * the packs are listed, so that each has its packs among those that are copied.
   */
  async source(id: string, name: string | undefined): Promise<void> {
    const layout = new SourceLayout(id);
    const { dryRun = false } = this.#options;
    if (name !== undefined && !dryRun) await alignSource(this.#access, name);
    else if (!dryRun) await this.#copyKeys(layout);
    await this.#copy(layout.tombstones);
    await this.#copy(layout.pins);
    await this.#copy(layout.distrusted);
    const needs = await this.#needs(name);
    const { complete } = await this.#copy(layout.packs, needs && ((pack) => needs.packs.has(pack)));
    // Where a pack is gone, by these its successors are found: a snapshot needs them like its packs.
    const isNeeded = (index: string) => needs?.indexes.has(index) ?? false;
    const told = (await this.#copy(layout.index, isNeeded)).complete;
    await this.#copy(layout.index, (index) => !isNeeded(index));
    const wanted = needs ? (snapshot: string) => needs.snapshots.has(snapshot) : undefined;
    const whole = [...complete].filter((site) => told.has(site) && this.#sites.isLive(site));
    const { copied } = await this.#copy(layout.snapshots, wanted, whole);
    await this.#copy(layout.proofs);
    for (const [site, { objects }] of copied) {
      const figures = this.figures.get(site);
      if (figures) figures.snapshots += objects;
    }
  }

  /** What live snapshots need; undefined without a key to the catalog, or for a source the configuration does not have. */
  async #needs(name: string | undefined): Promise<Record<'snapshots' | 'packs' | 'indexes', Set<string>> | undefined> {
    const access = this.#access;
    if (name === undefined || (!access.host && access.identities.length === 0)) return undefined;
    if ((await readSourceRecord(access, name)) === undefined) return undefined;
    const source = await openSource(access, name);
    const { snapshots } = await listSnapshots(access, source, this.#sites);
    const replacements = await loadReplacements(access, source, this.#sites);
    // What was compacted is not copied, but what took its place; where no site that is read from has all of that, it is.
    const from = this.#options.from?.filter((site) => this.#sites.isLive(site)) ?? this.#sites.live;
    const listed = replacements.empty
      ? listedAt(new Map())
      : listedAt(await this.#sites.each((site) => listPacks(site, source), from));
    const needs = { snapshots: new Set<string>(), packs: new Set<string>(), indexes: new Set<string>() };
    for (const snapshot of snapshots) {
      needs.snapshots.add(snapshot.id);
      const { packs, indexes } = neededPacks(snapshot, replacements, listed, 'replacement');
      for (const pack of packs) needs.packs.add(pack);
      for (const index of indexes) needs.indexes.add(index);
    }
    return needs;
  }

  async #copy(prefix: string, wanted?: CopyOptions['wanted'], to = this.#options.to) {
    const { signal, emit } = this.#access;
    const outcome = await copyMissing(this.#sites, prefix, {
      ...this.#options,
      ...(wanted && { wanted }),
      ...(to && { to: to.filter((site) => this.figures.has(site)) }),
      signal,
      onCopied: (_, bytes) => {
        this.#copied += bytes;
        emit({ type: 'progress', activity: 'Copying', done: this.#copied, unit: 'bytes' });
      },
    });
    this.problems.push(...outcome.problems);
    for (const [site, { objects, bytes }] of outcome.copied) {
      const figures = this.figures.get(site);
      if (!figures) continue;
      figures.objects += objects;
      figures.bytes += bytes;
    }
    return outcome;
  }

  /** Of a source that the configuration does not name: its record cannot be verified, and what is there is not replaced. */
  async #copyKeys(layout: SourceLayout): Promise<void> {
    const names = new Map<string, Site>();
    await this.#sites.each(async (site) => {
      for (const prefix of [`${layout.prefix}keys/`, `${layout.prefix}answers/`]) {
        for await (const { name } of site.list(prefix)) if (!names.has(name)) names.set(name, site);
      }
      if ((await site.stat(layout.source)) !== undefined && !names.has(layout.source)) names.set(layout.source, site);
    });
    // The record last: whoever finds it finds its keys.
    const ordered = [...names].sort(([a], [b]) => Number(a === layout.source) - Number(b === layout.source));
    for (const [name, from] of ordered) {
      const bytes = await from.read(name);
      await this.#sites.each(
        (site) => (site === from ? Promise.resolve('exists' as const) : site.create(name, bytes)),
        [...this.figures.keys()].filter((site) => this.#sites.isLive(site)),
      );
    }
  }
}
