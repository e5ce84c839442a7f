import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { writeDurably } from '../repository/local-state.ts';

export const stepNames = ['backup', 'sync', 'prune', 'check'] as const;
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
}

/** One small file for each job in the state directory. Losing it means that a run looks at the repository again. */
export class RunRecords {
  readonly #directory: string;

  constructor(stateDirectory: string, repositoryId: string) {
    this.#directory = join(stateDirectory, repositoryId, 'runs');
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

  async write(job: string, record: RunRecord): Promise<void> {
    await writeDurably(this.#path(job), Buffer.from(`${JSON.stringify(record)}\n`));
  }

  #path(job: string): string {
    return join(this.#directory, `${job}.json`);
  }
}
