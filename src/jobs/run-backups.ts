import { createHash } from 'node:crypto';
import { toPlainError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { defaultLeaseTtlMs } from '../repository/lease.ts';
import { clusterOf } from '../repository/source-name.ts';
import { type BackupReport, backup, emptyReport, outcomeOf, type SourceReport } from './backup.ts';
import type { BackupSettings, Environment } from './source-settings.ts';

/** A source whose settings, and password, are had when its turn comes. */
export interface PreparedSource {
  name: string;
  type: SourceReport['type'];
  settings(): Promise<BackupSettings>;
}

export interface RunBackupsRequest {
  sources: readonly PreparedSource[];
  /** Milliseconds since 1970: what has a snapshot from then or later is done; undefined: back up whatever there is. */
  since: number | undefined;
  tags: string[];
  env: Environment;
  /** Milliseconds; for tests. */
  leaseTtlMs?: number;
}

/** Between two looks at what others work on, in milliseconds: the first pause, and each is twice the one before up to the last. */
const pausesMs = { first: 1000, longest: 15_000 };

/**
 * Backs up each source once over all hosts that run the same at the same time. What another host works on is left for
 * later, and then waited for: until it has its snapshot, or its lease is free because that host died or failed.
 *
 * @throws HoldfastError when nothing can be begun, and the signal's reason
 */
export async function runBackups(access: RepositoryAccess, request: RunBackupsRequest): Promise<BackupReport> {
  const { clock, signal, emit, host } = access;
  const { since, tags, env, leaseTtlMs = defaultLeaseTtlMs } = request;
  const gathered = new Gathered(request.sources);
  let left = inOrderOf(request.sources, host?.name ?? '');
  const told = new Set<string>();
  const settings = new Map<string, BackupSettings>();
  for (const source of left) {
    try {
      settings.set(source.name, await source.settings());
    } catch (error) {
      signal.throwIfAborted();
      gathered.add({ ...emptyReport(source.name, source.type), error: toPlainError(error) });
    }
  }
  for (let pause = pausesMs.first; ; pause = Math.min(pause * 2, pausesMs.longest)) {
    const report = await backup(access, {
      sources: left.flatMap(({ name }) => settings.get(name) ?? []),
      tags,
      env,
      leaseTtlMs,
      ...(since !== undefined && { unlessSince: since }),
    });
    gathered.addAll(report);
    const held = report.sources.filter(({ error }) => error?.code === 'lease-held');
    // Whoever asks for a backup whatever there is does not want the one that somebody else makes now.
    if (held.length === 0 || since === undefined) return gathered.report(report);
    for (const { source, error } of held) {
      if (told.has(source)) continue;
      told.add(source);
      emit({ type: 'note', source, text: `Another host works on it; waiting. ${error?.why ?? ''}`.trim() });
    }
    const names = new Set(held.map(({ source }) => source));
    left = left.filter(({ name }) => names.has(name) || [...names].some((one) => clusterOf(one) === name));
    await clock.sleep(pause, signal);
  }
}

/** In another order on each host, so that hosts that start together share the work instead of following each other. */
function inOrderOf(sources: readonly PreparedSource[], host: string): PreparedSource[] {
  const place = ({ name }: PreparedSource) => createHash('sha256').update(`${host}\0${name}`).digest('hex');
  return [...sources].sort((a, b) => (place(a) < place(b) ? -1 : 1));
}

/** Puts the reports of several rounds together, in the order of the configuration. */
class Gathered {
  readonly #order: readonly string[];
  readonly #sources = new Map<string, SourceReport>();
  readonly #clusters = new Map<string, BackupReport['clusters'][number]>();

  constructor(sources: readonly PreparedSource[]) {
    this.#order = sources.map(({ name }) => name);
  }

  add(report: SourceReport): void {
    const before = this.#sources.get(report.source);
    // A later round over the databases of a cluster finds what this run did itself.
    if (before && !before.error && report.already) return;
    this.#sources.set(report.source, report);
  }

  addAll({ sources, clusters }: BackupReport): void {
    // Asked again now; a database that is gone meanwhile is not told of any more.
    for (const [name, { error }] of this.#sources) if (error?.code === 'lease-held') this.#sources.delete(name);
    for (const report of sources) this.add(report);
    for (const cluster of clusters) {
      const added = new Set([...(this.#clusters.get(cluster.source)?.added ?? []), ...cluster.added]);
      this.#clusters.set(cluster.source, { ...cluster, added: [...added] });
    }
  }

  report({ sites }: Pick<BackupReport, 'sites'>): BackupReport {
    const place = ({ source }: SourceReport) => this.#order.indexOf(clusterOf(source) ?? source);
    const sources = [...this.#sources.values()].sort((a, b) => place(a) - place(b));
    const clusters = [...this.#clusters.values()];
    return { outcome: outcomeOf(sources, clusters, sites), sources, clusters, sites };
  }
}
