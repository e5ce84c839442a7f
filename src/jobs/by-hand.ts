import { isoTime } from '../base/clock.ts';
import { isHoldfastError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { type EndedRun, RunRecords, type StepName } from './run-record.ts';
import { recordSites } from './site-record.ts';

/**
 * Does a job that somebody started by itself, and remembers that it was done, and which sites took part. What cannot be
 * remembered is warned of and changes nothing else.
 *
 * @throws what `work` throws
 */
export async function byHand<T extends { outcome: string }>(
  access: RepositoryAccess,
  step: StepName,
  work: () => Promise<T>,
): Promise<T> {
  const started = isoTime(access.clock.now());
  const ended = (outcome: EndedRun['outcome']) => remember(access, step, started, outcome);
  let report: T;
  try {
    report = await work();
  } catch (error) {
    if (!access.signal.aborted) await ended('failed');
    throw error;
  }
  const { outcome } = report;
  await ended(outcome === 'done' || outcome === 'sound' ? 'done' : outcome === 'failed' ? 'failed' : 'partial');
  return report;
}

async function remember(
  access: RepositoryAccess,
  step: StepName,
  started: string,
  outcome: EndedRun['outcome'],
): Promise<void> {
  const { stateDirectory, trust, clock, emit } = access;
  try {
    const ended = isoTime(clock.now());
    const records = new RunRecords(stateDirectory, trust.repositoryId, 'by-hand');
    await records.write(step, { slot: started, started, ended, outcome, steps: { [step]: outcome } });
    await recordSites(access);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    emit({ type: 'warning', text: `What was done is not remembered: ${error.message} ${error.why ?? ''}`.trim() });
  }
}
