/** What is told of one run of a job: that due times were missed, that it could not be begun, how it ended. */
import type { Job } from '../config/rotation.ts';
import { toPlainError } from '../src/base/errors.ts';
import type { RunReport } from '../src/jobs/run.ts';
import type { RunRecord, RunRecords } from '../src/jobs/run-record.ts';
import type { NotifyEvent } from '../src/notify/event.ts';
import type { Context } from './context.ts';

export class JobNotices {
  readonly #context: Context;
  readonly #name: string;
  readonly #job: Job;
  readonly #records: RunRecords;
  readonly #before: RunRecord | undefined;

  private constructor(context: Context, name: string, job: Job, records: RunRecords, before: RunRecord | undefined) {
    this.#context = context;
    this.#name = name;
    this.#job = job;
    this.#records = records;
    this.#before = before;
  }

  /** Remembers what was known of the job before the run. */
  static async open(context: Context, name: string, job: Job, records: RunRecords): Promise<JobNotices> {
    // A state directory that cannot be read is the business of the run itself.
    const before = await records.read(name).catch(() => undefined);
    return new JobNotices(context, name, job, records, before);
  }

  /** Tells of due times between the last run and this one. */
  async missed(slot: number): Promise<void> {
    if (!this.#before) return;
    const [{ missedBetween }, { eventOfMissed }] = await Promise.all([
      import('../src/schedule/missed.ts'),
      import('../src/jobs/run-event.ts'),
    ]);
    const { config } = await this.#context.config();
    const { schedule } = this.#job;
    const missed = missedBetween(schedule, config.rotation.timeZone, Date.parse(this.#before.slot), slot);
    if (missed === 0) return;
    const { authorOf } = await import('./notifying.ts');
    const author = await authorOf(this.#context);
    const memory = { before: this.#before, after: this.#before };
    await this.#tell(eventOfMissed(author, { job: this.#name, missed }, memory));
  }

  /** Tells that it could not be begun. */
  async failed(slot: number, error: unknown): Promise<void> {
    const { eventOfFailure } = await import('../src/jobs/run-event.ts');
    const { authorOf } = await import('./notifying.ts');
    const author = await authorOf(this.#context);
    const failure = { job: this.#name, slot, error: toPlainError(error) };
    await this.#tell(eventOfFailure(author, failure, await this.#memory()));
  }

  /** Tells how it ended. */
  async ended(report: RunReport): Promise<void> {
    const { eventOfRun } = await import('../src/jobs/run-event.ts');
    const { authorOf } = await import('./notifying.ts');
    await this.#tell(eventOfRun(await authorOf(this.#context), report, await this.#memory()));
  }

  async #memory() {
    return { before: this.#before, after: await this.#records.read(this.#name).catch(() => undefined) };
  }

  async #tell(event: NotifyEvent | undefined): Promise<void> {
    if (!event) return;
    const { notifyOf } = await import('./notifying.ts');
    await notifyOf(this.#context, event);
  }
}
