import { isoTime } from '../base/clock.ts';
import { type PlainError, toPlainError } from '../base/errors.ts';
import { accessAt, accessTo, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import type { Keep } from '../repository/retention.ts';
import { isSiteFailure, RunSites } from '../repository/run-sites.ts';
import { clusterOf } from '../repository/source-name.ts';
import type { Site } from '../sites/site.ts';
import type { BackupReport } from './backup.ts';
import { type CheckReport, check } from './check.ts';
import { recordClusters } from './cluster-record.ts';
import { type PruneReport, prune } from './prune.ts';
import { type PreparedSource, runBackups } from './run-backups.ts';
import { type RunRecord, RunRecords, type StepName, type StepOutcome } from './run-record.ts';
import { recordSites } from './site-record.ts';
import type { Environment } from './source-settings.ts';
import { type SyncReport, sync } from './sync.ts';
import type { VerifyReport } from './verify/report.ts';
import type { VerifyRequest } from './verify/request.ts';
import { verify } from './verify/verify.ts';

export interface RunRequest {
  job: string;
  /** The due time that this run is for, in milliseconds since 1970. */
  slot: number;
  /** Do it although it was done for this slot. */
  force: boolean;
  /** Steps to make; at least one. */
  backup?: readonly PreparedSource[];
  sync?: boolean;
  prune?: { keepOf(source: string): Keep; timeZone: string };
  check?: { part: number; parts: number };
  /** Asked when its turn comes: what the backups added is proven too. */
  verify?: (access: RepositoryAccess) => Promise<VerifyRequest>;
  /** Names of all sources that the repository may hold; asked after the backups, which may add some. */
  sources(access: RepositoryAccess): Promise<string[]>;
  /**
   * A site as check and verify see it, who also look at what somebody has hidden; backup, sync and prune never build on
   * that. Default: as it is.
   */
  readersView?: (site: Site) => Promise<Site>;
  env: Environment;
  /** Milliseconds; for tests. */
  leaseTtlMs?: number;
}

export interface StepReport {
  step: StepName;
  outcome: StepOutcome;
  durationMs: number;
  /** Why it was left out. */
  why?: string;
  /** Why it could not be made at all. */
  error?: PlainError;
}

export interface RunReport {
  job: string;
  /** ISO 8601. */
  slot: string;
  outcome: 'done' | 'partial' | 'failed';
  /** Every step had been done for this slot. */
  already: boolean;
  /** A check found damage, or a proof failed. */
  damaged: boolean;
  /** Whether another run for the same slot might do what this one did not. */
  retry: boolean;
  /** In the order in which they were made. */
  steps: StepReport[];
  backup?: BackupReport;
  sync?: SyncReport;
  prune?: PruneReport;
  /** One for each site that could be read. */
  check?: { site: string; report?: CheckReport; error?: PlainError }[];
  verify?: VerifyReport;
}

/**
 * Runs a job for a slot: backup, sync, prune, check, verify, in this order, as far as the job has them. A step that fails does not
 * keep the next from being made; a source whose backup failed is not pruned. What was done for the slot before, here or
 * by another host, is not done again.
 *
 * @throws HoldfastError of an interruption; then nothing is recorded
 */
export async function runJob(access: RepositoryAccess, request: RunRequest): Promise<RunReport> {
  const records = new RunRecords(access.stateDirectory, access.trust.repositoryId);
  const started = access.clock.now();
  const slot = isoTime(request.slot);
  const before = await records.read(request.job);
  const run = new JobRun(access, request, before?.slot === slot && !request.force ? before : undefined);
  await run.all();
  const { report } = run;
  await recordSites(access);
  if (!report.already || before?.slot !== slot || before.outcome !== 'done') {
    const steps = Object.fromEntries(
      report.steps.map(({ step, outcome }) => [step, outcome === 'already' ? 'done' : outcome]),
    );
    const ended = isoTime(access.clock.now());
    await records.write(request.job, { slot, started: isoTime(started), ended, outcome: report.outcome, steps });
  }
  return report;
}

/** What became of one step; `report` is what the job behind it says. */
interface Made {
  outcome: StepOutcome;
  why?: string;
}

class JobRun {
  readonly report: RunReport;
  readonly #access: RepositoryAccess;
  readonly #request: RunRequest;
  readonly #before: RunRecord | undefined;
  #readers: RepositoryAccess | undefined;

  constructor(access: RepositoryAccess, request: RunRequest, before: RunRecord | undefined) {
    this.#access = access;
    this.#request = request;
    this.#before = before;
    const { job, slot } = request;
    const result = { outcome: 'done', already: false, damaged: false, retry: false } as const;
    this.report = { job, slot: isoTime(slot), ...result, steps: [] };
  }

  async all(): Promise<void> {
    const { backup, sync: syncs, prune: prunes, check: checks, verify: verifies } = this.#request;
    // The repository itself tells what is backed up; of the other steps only this machine's record does.
    if (backup) await this.#step('backup', () => this.#backup(backup));
    if (syncs) await this.#once('sync', () => this.#sync());
    if (prunes) await this.#once('prune', () => this.#prune(prunes));
    if (checks) await this.#once('check', () => this.#check(checks));
    if (verifies) await this.#once('verify', () => this.#verify(verifies));
    const { steps } = this.report;
    const outcomes = new Set(steps.map(({ outcome }) => outcome));
    const bad = outcomes.has('failed') || outcomes.has('partial');
    this.report.outcome = !bad ? 'done' : steps.every(({ outcome }) => outcome === 'failed') ? 'failed' : 'partial';
    this.report.already = steps.every(({ outcome }) => outcome === 'already' || outcome === 'left-out');
    this.report.retry = bad && this.#mightDoMore();
  }

  /** A snapshot that lacks something stays as it is until the next slot, and so does damage. */
  #mightDoMore(): boolean {
    const { steps, backup } = this.report;
    return steps.some(({ step, outcome }) => {
      if (step === 'check' || (outcome !== 'failed' && outcome !== 'partial')) return false;
      // It takes hours: once more only for what was out of reach.
      if (step === 'verify' && this.report.verify) {
        return this.report.verify.proofs.some(({ error }) => error?.code === 'site-unavailable');
      }
      if (step !== 'backup' || !backup) return true;
      const lacks = backup.sources.every((source) => source.outcome !== 'failed');
      return !lacks || backup.sites.some(({ error }) => error !== undefined);
    });
  }

  async #once(step: StepName, make: () => Promise<Made>): Promise<void> {
    if (this.#before?.steps[step] === 'done') {
      this.report.steps.push({ step, outcome: 'already', durationMs: 0 });
      return;
    }
    await this.#step(step, make);
  }

  async #step(step: StepName, make: () => Promise<Made>): Promise<void> {
    const { clock, signal } = this.#access;
    const begun = clock.monotonic();
    let made: Made & { error?: PlainError };
    try {
      made = await make();
    } catch (error) {
      signal.throwIfAborted();
      made = { outcome: 'failed', error: toPlainError(error) };
    }
    signal.throwIfAborted();
    this.report.steps.push({ step, ...made, durationMs: clock.monotonic() - begun });
  }

  async #backup(sources: readonly PreparedSource[]): Promise<Made> {
    const { slot, force, job, env, leaseTtlMs } = this.#request;
    const report = await runBackups(this.#access, {
      sources,
      since: force ? undefined : slot,
      tags: [job],
      env,
      ...(leaseTtlMs !== undefined && { leaseTtlMs }),
    });
    this.report.backup = report;
    await recordClusters(this.#access, report.clusters);
    if (report.outcome !== 'done') return { outcome: report.outcome };
    return { outcome: report.sources.every(({ already }) => already) ? 'already' : 'done' };
  }

  async #sync(): Promise<Made> {
    if (sitesOf(this.#access).all.length < 2) return { outcome: 'left-out', why: 'There is one site.' };
    this.#access.emit({ type: 'step', text: 'Copying between the sites' });
    this.report.sync = await sync(this.#access, { sources: await this.#request.sources(this.#access), dryRun: false });
    return { outcome: this.report.sync.outcome };
  }

  /** The safe choice: of what has no new backup, the old ones are not touched. */
  async #prune({ keepOf, timeZone }: NonNullable<RunRequest['prune']>): Promise<Made> {
    const backedUp = this.report.steps.find(({ step }) => step === 'backup');
    if (backedUp?.error) return { outcome: 'left-out', why: 'The backup failed.' };
    const failed = new Set(
      (this.report.backup?.sources ?? []).filter(({ outcome }) => outcome === 'failed').map(({ source }) => source),
    );
    const names = (await this.#request.sources(this.#access)).filter(
      (name) => !failed.has(name) && !failed.has(clusterOf(name) ?? name),
    );
    if (names.length === 0) return { outcome: 'left-out', why: 'No source has a new backup.' };
    const sources = names.map((name) => ({ name, keep: keepOf(name) }));
    this.report.prune = await prune(this.#access, { sources, timeZone, dryRun: false });
    const { outcome } = this.report.prune;
    if (failed.size === 0 || outcome !== 'done') return { outcome };
    return { outcome, why: `Not pruned, since their backup failed: ${[...failed].join(', ')}.` };
  }

  async #check(readData: { part: number; parts: number }): Promise<Made> {
    const access = await this.#reading();
    const sources = await this.#request.sources(access);
    const checks: NonNullable<RunReport['check']> = [];
    this.report.check = checks;
    for (const site of sitesOf(access).live) {
      access.emit({ type: 'step', text: `Checking the site "${site.name}"` });
      try {
        checks.push({ site: site.name, report: await check(accessAt(access, site), { sources, readData }) });
      } catch (error) {
        access.signal.throwIfAborted();
        if (isSiteFailure(error)) sitesOf(access).drop(site, error);
        checks.push({ site: site.name, error: toPlainError(error) });
      }
    }
    this.report.damaged ||= checks.some(({ report }) => report?.outcome === 'damaged');
    const failed = checks.filter(({ error }) => error !== undefined).length;
    if (failed === 0 && !this.report.damaged && checks.length > 0) return { outcome: 'done' };
    return { outcome: failed === checks.length ? 'failed' : 'partial' };
  }

  async #verify(requestOf: NonNullable<RunRequest['verify']>): Promise<Made> {
    const access = await this.#reading();
    // Fails when none is left.
    void sitesOf(access).primary;
    const report = await verify(access, await requestOf(access));
    this.report.verify = report;
    if (report.proofs.length === 0) return { outcome: 'left-out', why: 'There is no source to prove.' };
    const those = (verdict: VerifyReport['verdict']) => report.proofs.filter((proof) => proof.verdict === verdict);
    const [failed, unknown] = [those('fail'), those('could-not-verify')];
    if (failed.length > 0) {
      this.report.damaged = true;
      return { outcome: 'failed', why: `The proof failed: ${named(failed)}.` };
    }
    if (unknown.length === 0) return { outcome: 'done' };
    // Nothing is known of it: never done, and no failure of the backup either.
    const outcome = unknown.length === report.proofs.length ? 'failed' : 'partial';
    return { outcome, why: `Could not be verified: ${named(unknown)}.` };
  }

  /** What is left of the sites, as readers see them. One that fails them is dropped from the run. */
  async #reading(): Promise<RepositoryAccess> {
    const { readersView } = this.#request;
    const sites = sitesOf(this.#access);
    if (!readersView || sites.live.length === 0) return this.#access;
    if (this.#readers) return this.#readers;
    const seen = new Map<Site, Site>();
    for (const site of sites.live) seen.set(await readersView(site), site);
    const views = new RunSites([...seen.keys()], {
      clock: this.#access.clock,
      onDrop: ({ site, error }) => sites.drop(seen.get(site)!, error),
    });
    // Nothing is written behind its back any more: check and verify come last.
    this.#readers = accessTo(this.#access, views);
    return this.#readers;
  }
}

function named(proofs: VerifyReport['proofs']): string {
  return proofs.map(({ source, site }) => `${source} from ${site.name}`).join(', ');
}
