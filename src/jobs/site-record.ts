/** When each site last took part in the work of this machine, and since when it does not. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isoTime } from '../base/clock.ts';
import { type PlainError, systemCode, toPlainError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { writeDurably } from '../repository/local-state.ts';

export interface SiteRecord {
  /** The end of the last run that it took part in from beginning to end; ISO 8601, as the others. */
  whole?: string;
  /** Missing while it takes part. */
  dropped?: {
    since: string;
    /** The end of the last run that went on without it. */
    last: string;
    /** Runs in a row. */
    runs: number;
    error: Omit<PlainError, 'stack'>;
  };
}

/** One small file for each site in the state directory. Losing them costs nothing but the knowledge. */
export class SiteRecords {
  readonly #directory: string;

  constructor(stateDirectory: string, repositoryId: string) {
    this.#directory = join(stateDirectory, repositoryId, 'sites');
  }

  /** Empty as well when the file makes no sense. */
  async read(site: string): Promise<SiteRecord> {
    try {
      return JSON.parse(await readFile(this.#path(site), 'utf8')) as SiteRecord;
    } catch (error) {
      if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return {};
      throw error;
    }
  }

  /** It took part in a run from beginning to end. */
  async tookPart(site: string, at: string): Promise<void> {
    await this.#write(site, { whole: at });
  }

  /** A run went on without it. */
  async wasDropped(site: string, at: string, error: PlainError): Promise<void> {
    const { dropped, ...rest } = await this.read(site);
    const { code, message, why, hint } = error;
    const plain = { code, message, ...(why !== undefined && { why }), ...(hint !== undefined && { hint }) };
    const runs = (dropped?.runs ?? 0) + 1;
    await this.#write(site, { ...rest, dropped: { since: dropped?.since ?? at, last: at, runs, error: plain } });
  }

  async #write(site: string, record: SiteRecord): Promise<void> {
    await writeDurably(this.#path(site), Buffer.from(`${JSON.stringify(record)}\n`));
  }

  #path(site: string): string {
    return join(this.#directory, `${site}.json`);
  }
}

/** Records of each site of a run that ends now whether it took part in it. */
export async function recordSites(access: RepositoryAccess): Promise<void> {
  const { sites, clock, stateDirectory, trust } = access;
  if (!sites) return;
  const records = new SiteRecords(stateDirectory, trust.repositoryId);
  const at = isoTime(clock.now());
  for (const { name } of sites.live) await records.tookPart(name, at);
  for (const { site, error } of sites.dropped) await records.wasDropped(site.name, at, toPlainError(error));
}
