/** What earlier proofs say: whose turn it is, and how long restores took. */
import { isHoldfastError } from '../../base/errors.ts';
import { type RepositoryAccess, sitesOf } from '../../repository/access.ts';
import { type KnownProof, lastProofAt, readProofs } from '../../repository/proofs.ts';
import type { IgnoredObject } from '../../repository/snapshot.ts';
import type { Site } from '../../sites/site.ts';
import { openAnywhere } from '../open-anywhere.ts';
import type { TrendPoint } from './results/page-charts.ts';
import { siteInTurn } from './site-turns.ts';

export class PastProofs {
  readonly #access: RepositoryAccess;
  readonly #read = new Map<string, Promise<KnownProof[]>>();

  /** @param access to all sites */
  constructor(access: RepositoryAccess) {
    this.#access = access;
  }

  /** Proofs of a source, as they were when they were first asked for; the newest first. None of a source that cannot be opened. */
  of(source: string): Promise<KnownProof[]> {
    const known = this.#read.get(source) ?? this.#load(source);
    this.#read.set(source, known);
    return known;
  }

  async #load(name: string): Promise<KnownProof[]> {
    const access = this.#access;
    const ignored: IgnoredObject[] = [];
    try {
      const proofs = await readProofs(access, sitesOf(access), await openAnywhere(access, name), ignored);
      for (const { object, why } of ignored) {
        access.emit({ type: 'warning', source: name, text: `${object} does not count: ${why}` });
      }
      return proofs;
    } catch (error) {
      access.signal.throwIfAborted();
      // What keeps them from being read keeps the proof itself from being made, and is told there.
      if (!isHoldfastError(error)) throw error;
      return [];
    }
  }

  /**
   * The site to prove a source from: the one whose turn it is, also as proofs of other machines tell.
   *
   * @param sites in the order of the configuration, at least one
   */
  async siteFor(source: string, sites: readonly Site[]): Promise<Site> {
    return siteInTurn(this.#access, source, sites, lastProofAt(await this.of(source)));
  }

  /** For the page: the past of each source. */
  async trends(sources: readonly string[]): Promise<Map<string, TrendPoint[]>> {
    const trends = new Map<string, TrendPoint[]>();
    for (const source of sources) trends.set(source, (await this.of(source)).map(trendPoint));
    return trends;
  }
}

function trendPoint({ predicate }: KnownProof): TrendPoint {
  const { ended, verdict, site, restoreMs } = predicate;
  return { ended, verdict, site: site.name, ...(restoreMs !== undefined && { restoreMs }) };
}
