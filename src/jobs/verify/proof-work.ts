/** What the parts of one proof share, and the restore, which all of them have. */
import { HoldfastError } from '../../base/errors.ts';
import type { RepositoryAccess } from '../../repository/access.ts';
import type { KnownSnapshot } from '../../repository/snapshot.ts';
import type { OpenedSource } from '../../repository/source-record.ts';
import type { Environment } from '../../sources/postgres/dump-archive.ts';
import type { TableLine } from '../../sources/postgres/manifest.ts';
import type { PostgresManifest } from '../../sources/postgres/manifest-read.ts';
import type { Check, RestoreContext, Shortfall } from '../../sources/source.ts';
import { type CheckList, verdictOfFindings } from './check-list.ts';
import { reportedError, sentencesOf, verdictOfRestoreError } from './errors.ts';
import type { RestoredScratch, VerifyHooks } from './extra.ts';
import type { SnapshotProof } from './report.ts';
import type { OpenScratch, ScratchLimits, ScratchNeeds, ScratchSettings } from './scratch.ts';

export interface ProofWork {
  /** To the one site; the signal ends with the time of the proof. */
  access: RepositoryAccess;
  source: OpenedSource;
  snapshot: KnownSnapshot;
  context: RestoreContext;
  checks: CheckList;
  /** Under construction. */
  proof: SnapshotProof;
  scratch: ScratchSettings;
  limits: ScratchLimits;
  jobs: number | undefined;
  keep: boolean;
  /** Whether queries that we do not know will be run in a restored database: then they find the planner's statistics. */
  queried: boolean;
  env: Environment;
  hooks: VerifyHooks;
  /** Tables whose rows are compared; all unless given. */
  chooseTables?: ((tables: readonly TableLine[]) => readonly TableLine[]) | undefined;
  /** The checks beside the comparison, while the scratch is there. @param more what they need to know of it */
  others(scratch: OpenScratch, more?: { manifest: PostgresManifest }): Promise<void>;
}

export function scratchNeeds({ scratch, env, context }: ProofWork): ScratchNeeds {
  return { settings: scratch, env, clock: context.clock, signal: context.signal };
}

export interface RestoreStep {
  /** Whether the server is of the source's major, so that what it refuses nobody can restore; true without a server. */
  sameMajor: boolean;
  standard(): Promise<RestoredScratch>;
  /** What the restore could not do, as findings. By default all that degrades, as not compared. */
  findingsOf?(shortfalls: readonly Shortfall[]): Check[];
}

/**
 * Restores, and answers the check `restore`.
 *
 * @returns what was restored; undefined when it failed, and there is nothing to compare
 * @throws the signal's reason when aborted
 */
export async function restoreScratch(
  work: ProofWork,
  scratch: OpenScratch,
  step: RestoreStep,
): Promise<RestoredScratch | undefined> {
  const { checks, proof, context, hooks, snapshot } = work;
  const { clock, signal } = context;
  const started = clock.monotonic();
  try {
    const restored = await (hooks.restore ? hooks.restore(step.standard, scratch) : step.standard());
    const durationMs = clock.monotonic() - started;
    proof.restoreMs = durationMs;
    const { findingsOf = degrading } = step;
    const findings = [
      ...scratch.notes,
      ...degrading(snapshot.shortfalls, 'snapshot'),
      ...findingsOf(restored.shortfalls),
    ];
    const leftOut = snapshot.shortfalls.filter(({ degrades }) => !degrades).length;
    checks.answer('restore', {
      verdict: verdictOfFindings(findings),
      durationMs,
      equal: 1,
      figures: { ...restored.totals, ...(leftOut > 0 && { leftOut }) },
      findings,
    });
    await hooks.afterRestore?.(scratch);
    return restored;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    const verdict = verdictOfRestoreError(error, step.sameMajor);
    checks.answer('restore', { verdict, durationMs: clock.monotonic() - started, why: sentencesOf(error) });
    proof.error = reportedError(error);
    return undefined;
  }
}

/** Leaves the scratch for a person, when that is wanted, whatever the comparison comes to. */
export function keptAtEnd({ keep, context }: ProofWork, scratch: OpenScratch): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      if (keep && !context.signal.aborted) await scratch.keep();
    },
  };
}

/** Shortfalls that count, as something that nobody could compare. @param of whose */
export function degrading(shortfalls: readonly Shortfall[], of: 'snapshot' | 'restore' = 'restore'): Check[] {
  return shortfalls
    .filter(({ degrades }) => degrades)
    .map(({ object, reason }) => ({
      kind: 'shortfall',
      object,
      verdict: 'could-not-compare',
      detail: of === 'snapshot' ? `Not in the snapshot as it should be: ${reason}` : reason,
    }));
}
