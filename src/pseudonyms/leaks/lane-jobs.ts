/** Runs the tasks of a search in the lanes, and tells how far they are. */
import type { Emit } from '../../base/events.ts';
import { MiB } from '../../base/units.ts';
import type { Lanes } from '../../repository/lanes.ts';
import { runJobs } from '../../sources/postgres/restore-schedule.ts';
import type { PartSizes } from '../../sources/postgres/table-parts.ts';

/** As those of the rows of a copy. */
export const searchParts: PartSizes = { above: 16 * MiB, part: 8 * MiB };

export interface LaneJob {
  task: string;
  /** Made when a lane is free for it. */
  input: () => unknown;
  /** Bytes that it counts for. */
  weight: number;
  /** What it is at, for people. */
  detail?: string | undefined;
  /** Takes so much memory that no other such job is to run beside it. */
  large?: boolean;
  /** Takes the output of the task. */
  done: (output: never) => void;
}

export interface LaneJobsOptions {
  lanes: Lanes;
  emit: Emit;
  activity: string;
  /** Bytes of everything; undefined while nobody knows. */
  total?: number;
}

/** As many jobs at a time as there are lanes. A job counts for its weight, and one under way for no more than that. */
export class LaneJobs {
  readonly #options: LaneJobsOptions;
  #done = 0;

  constructor(options: LaneJobsOptions) {
    this.#options = options;
  }

  /** @throws the first error, once no job runs any more */
  async run(jobs: readonly LaneJob[]): Promise<void> {
    const { lanes } = this.#options;
    lanes.expect(jobs.reduce((sum, { weight }) => sum + weight, 0));
    await runJobs(
      jobs.map((job, at) => ({
        id: String(at),
        weight: job.weight,
        after: [],
        holds: job.large ? ['large'] : [],
        uses: [],
        run: () => this.#run(job),
      })),
      lanes.count,
      () => true,
    );
  }

  async #run({ task, input, weight, detail, done }: LaneJob): Promise<void> {
    const { lanes, emit, activity, total } = this.#options;
    let left = weight;
    const onProgress = (bytes: number) => {
      const step = Math.min(bytes, left);
      left -= step;
      this.#done += step;
      emit({
        type: 'progress',
        activity,
        done: this.#done,
        ...(total !== undefined && { total }),
        unit: 'bytes',
        ...(detail !== undefined && { detail }),
      });
    };
    const output = await lanes.run<never>(task, input(), { onProgress });
    onProgress(left);
    done(output);
  }
}
