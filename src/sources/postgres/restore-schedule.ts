import { isConnectionLost } from './server-errors.ts';

/** Runs jobs side by side, the heaviest first, with what must come before them and what excludes them. */
export interface Job {
  /** Within one call of `runJobs`. */
  id: string;
  /** What takes longest goes first. Any unit. */
  weight: number;
  /** Ids of jobs that must have succeeded; ids that are not among the jobs count as done. */
  after: readonly string[];
  /** What no other job may use, or hold, at the same time. */
  holds: readonly string[];
  /** What others may use, but none may hold, at the same time. */
  uses: readonly string[];
  run(): Promise<void>;
}

export interface JobsOutcome {
  failed: { job: Job; error: unknown }[];
  /** Waiting for one that failed. */
  blocked: Job[];
}

/**
 * @param places how many may run at the same time
 * @param fatal whether an error is to end everything; then no further job starts
 * @throws the first fatal error, once no job runs any more; of a server that went down, what it said before others only
 *   found it gone
 */
export async function runJobs(
  jobs: readonly Job[],
  places: number,
  fatal: (error: unknown) => boolean,
): Promise<JobsOutcome> {
  const ids = new Set(jobs.map(({ id }) => id));
  const done = new Set<string>();
  const held = new Set<string>();
  const used = new Map<string, number>();
  let waiting = [...jobs].sort((a, b) => b.weight - a.weight);
  const failed: JobsOutcome['failed'] = [];
  const running = new Set<Promise<void>>();
  let end: { error: unknown } | undefined;

  const ready = (job: Job) =>
    job.after.every((id) => done.has(id) || !ids.has(id)) &&
    job.holds.every((key) => !held.has(key) && !used.has(key)) &&
    job.uses.every((key) => !held.has(key));

  const start = (job: Job) => {
    for (const key of job.holds) held.add(key);
    for (const key of job.uses) used.set(key, (used.get(key) ?? 0) + 1);
    const work = job
      .run()
      .then(
        () => void done.add(job.id),
        (error) => {
          if (fatal(error) && (end === undefined || (isLoss(end.error) && !isLoss(error)))) end = { error };
          failed.push({ job, error });
        },
      )
      .then(() => {
        for (const key of job.holds) held.delete(key);
        for (const key of job.uses) {
          const left = used.get(key)! - 1;
          if (left === 0) used.delete(key);
          else used.set(key, left);
        }
        running.delete(work);
      });
    running.add(work);
  };

  for (;;) {
    for (let i = 0; end === undefined && i < waiting.length && running.size < places; i++) {
      const job = waiting[i]!;
      if (!ready(job)) continue;
      waiting.splice(i--, 1);
      start(job);
    }
    if (running.size === 0) break;
    await Promise.race(running);
  }
  if (end !== undefined) throw end.error;
  const blocked = waiting;
  waiting = [];
  return { failed, blocked };
}

/** A connection that is gone, or a server that takes none: seldom the reason of what failed. */
function isLoss(error: unknown): boolean {
  if (isConnectionLost(error)) return true;
  const cause = (error as { cause?: unknown } | undefined)?.cause;
  return cause !== undefined && cause !== error && isLoss(cause);
}

/**
 * Runs jobs, and again those that failed after all others, for as long as that gets further: one may need what another
 * makes, without the archive saying so.
 *
 * @param said what jobs failed of, by their ids: kept for those that are tried again in another call
 * @returns what failed, and what waits for it. Of a server that went down, each job with what it said before it took nobody any
 *   more, and such jobs first
 */
export async function runPersistently(
  jobs: readonly Job[],
  places: number,
  fatal: (error: unknown) => boolean,
  said = new Map<string, unknown>(),
): Promise<JobsOutcome> {
  let left = jobs;
  for (;;) {
    const outcome = await runJobs(left, places, fatal);
    for (const { job, error } of outcome.failed) if (!isLoss(error)) said.set(job.id, error);
    const next = [...outcome.failed.map(({ job }) => job), ...outcome.blocked];
    if (next.length === 0 || next.length === left.length) {
      const failed = outcome.failed.map(({ job, error }) => ({ job, error: said.get(job.id) ?? error }));
      failed.sort((a, b) => Number(isLoss(a.error)) - Number(isLoss(b.error)));
      return { ...outcome, failed };
    }
    left = next;
  }
}
