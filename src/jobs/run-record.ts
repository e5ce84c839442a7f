import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { writeDurably } from '../repository/local-state.ts';

export const stepNames = ['backup', 'sync', 'prune', 'check', 'verify'] as const;
export type StepName = (typeof stepNames)[number];

/** `already`: done before, here or by another host. `left-out`: there was nothing to do it to. */
export type StepOutcome = 'done' | 'already' | 'partial' | 'failed' | 'left-out';

/** What this machine remembers of the last run of a job that came to its end. */
export interface RunRecord {
  /** The due time that it was for; ISO 8601, as the others. */
  slot: string;
  started: string;
  ended: string;
  outcome: 'done' | 'partial' | 'failed';
  steps: Partial<Record<StepName, StepOutcome>>;
  /** The last run that did everything; missing when this machine knows of none. */
  lastSuccess?: { slot: string; ended: string };
  /** Runs in a row, up to this one, that did not do everything. */
  failuresInRow?: number;
}

/** What a run says of itself; what it means after the ones before is found out when it is written. */
export type EndedRun = Omit<RunRecord, 'lastSuccess' | 'failuresInRow'>;

/**
 * One small file for each job in the state directory, and one for each command that was run by hand. Losing them means that
 * a run looks at the repository again.
 */
export class RunRecords {
  readonly #directory: string;

  /** @param of what a job of the configuration did, or what `backup`, `sync` and the like did by themselves */
  constructor(stateDirectory: string, repositoryId: string, of: 'jobs' | 'by-hand' = 'jobs') {
    this.#directory = join(stateDirectory, repositoryId, of === 'jobs' ? 'runs' : 'by-hand');
  }

  /** Undefined as well when the file makes no sense: the job is then due again, which harms nobody. */
  async read(job: string): Promise<RunRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(this.#path(job), 'utf8')) as RunRecord;
      return Number.isNaN(Date.parse(record.slot)) ? undefined : record;
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError || systemCode(error) === 'ENOENT')
        return undefined;
      throw error;
    }
  }

  /** Adds a run to what is remembered of those before it. */
  async write(job: string, run: EndedRun): Promise<void> {
    const before = await this.read(job);
    const isDone = run.outcome === 'done';
    const lastSuccess = isDone ? { slot: run.slot, ended: run.ended } : before?.lastSuccess;
    const record: RunRecord = {
      ...run,
      ...(lastSuccess && { lastSuccess }),
      failuresInRow: isDone ? 0 : (before?.failuresInRow ?? 0) + 1,
    };
    await writeDurably(this.#path(job), Buffer.from(`${JSON.stringify(record)}\n`));
  }

  #path(job: string): string {
    return join(this.#directory, `${job}.json`);
  }
}
