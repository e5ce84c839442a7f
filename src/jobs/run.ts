import { isoTime } from '../base/clock.ts';
import { type PlainError, toPlainError } from '../base/errors.ts';
import { accessAt, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import type { Keep } from '../repository/retention.ts';
import { clusterOf } from '../repository/source-name.ts';
import type { BackupReport } from './backup.ts';
import { type CheckReport, check } from './check.ts';
import { type PruneReport, prune } from './prune.ts';
import { type PreparedSource, runBackups } from './run-backups.ts';
import { type RunRecord, RunRecords, type StepName, type StepOutcome } from './run-record.ts';
import type { Environment } from './source-settings.ts';
import { type SyncReport, sync } from './sync.ts';

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
  /** Names of all sources that the repository may hold; asked after the backups, which may add some. */
  sources(): Promise<string[]>;
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
  /** A check found damage. */
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
}

/**
 * Runs a job for a slot: backup, sync, prune, check, in this order, as far as the job has them. A step that fails does not
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

  constructor(access: RepositoryAccess, request: RunRequest, before: RunRecord | undefined) {
    this.#access = access;
    this.#request = request;
    this.#before = before;
    const { job, slot } = request;
    const result = { outcome: 'done', already: false, damaged: false, retry: false } as const;
    this.report = { job, slot: isoTime(slot), ...result, steps: [] };
  }

  async all(): Promise<void> {
    const { backup, sync: syncs, prune: prunes, check: checks } = this.#request;
    // The repository itself tells what is backed up; of the other steps only this machine's record does.
    if (backup) await this.#step('backup', () => this.#backup(backup));
    if (syncs) await this.#once('sync', () => this.#sync());
    if (prunes) await this.#once('prune', () => this.#prune(prunes));
    if (checks) await this.#once('check', () => this.#check(checks));
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
    if (report.outcome !== 'done') return { outcome: report.outcome };
    return { outcome: report.sources.every(({ already }) => already) ? 'already' : 'done' };
  }

  async #sync(): Promise<Made> {
    if (sitesOf(this.#access).all.length < 2) return { outcome: 'left-out', why: 'There is one site.' };
    this.#access.emit({ type: 'step', text: 'Copying between the sites' });
    this.report.sync = await sync(this.#access, { sources: await this.#request.sources(), dryRun: false });
    return { outcome: this.report.sync.outcome };
  }

  /** The safe choice: of what has no new backup, the old ones are not touched. */
  async #prune({ keepOf, timeZone }: NonNullable<RunRequest['prune']>): Promise<Made> {
    const backedUp = this.report.steps.find(({ step }) => step === 'backup');
    if (backedUp?.error) return { outcome: 'left-out', why: 'The backup failed.' };
    const failed = new Set(
      (this.report.backup?.sources ?? []).filter(({ outcome }) => outcome === 'failed').map(({ source }) => source),
    );
    const names = (await this.#request.sources()).filter(
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
    const sources = await this.#request.sources();
    const checks: NonNullable<RunReport['check']> = [];
    this.report.check = checks;
    for (const site of sitesOf(this.#access).live) {
      this.#access.emit({ type: 'step', text: `Checking the site "${site.name}"` });
      try {
        checks.push({ site: site.name, report: await check(accessAt(this.#access, site), { sources, readData }) });
      } catch (error) {
        this.#access.signal.throwIfAborted();
        checks.push({ site: site.name, error: toPlainError(error) });
      }
    }
    this.report.damaged = checks.some(({ report }) => report?.outcome === 'damaged');
    const failed = checks.filter(({ error }) => error !== undefined).length;
    if (failed === 0 && !this.report.damaged && checks.length > 0) return { outcome: 'done' };
    return { outcome: failed === checks.length ? 'failed' : 'partial' };
  }
}
