/** `holdfast run`: what the schedule runs. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { RunReport } from '../src/jobs/run.ts';
import type { Context, Start } from './context.ts';

const help = `
A run belongs to the latest due time of the job. What has a snapshot from then
or later is done, here or by another host, and is not done again: the same line
may be started on several hosts at once, and any number of times. Each source
is backed up by one of them; what a host that died was at, another one does.

Examples:
  $ holdfast run daily
  $ holdfast run daily --force
`;

interface Options {
  force?: boolean;
  retry?: boolean;
}

/** Adds the command to the program. */
export function addRun(program: Command, start: Start): void {
  program
    .command('run')
    .description('run a job of the configuration, as far as it is not done for its latest due time')
    .argument('<job>', 'name of a job, such as daily')
    .option('--force', 'although it is done')
    .option('--retry', 'what failed again after 15 minutes, 1 hour and 4 hours')
    .addHelpText('after', help)
    .action((job: string, options: Options) => start((context) => run(context, job, options)));
}

async function run(context: Context, name: string, options: Options): Promise<ErrorCode | undefined> {
  const [{ codeOfRun, jobNamed, slotNow }, { runText, runFailures, runDocument }] = await Promise.all([
    import('./job-run.ts'),
    import('./views/run.ts'),
  ]);
  const { config } = await context.config();
  const job = jobNamed(config, name);
  const { force = false, retry = false } = options;
  const slot = await slotNow(context, job);
  const report = retry
    ? await runWithRetries(context, name, { schedule: job.schedule, slot, force })
    : await (await import('./job-run.ts')).runForSlot(context, name, { slot, force });
  context.finishProgress();
  const { width, style, errorStyle, stderr } = context.output;
  const { verbose } = context.flags;
  for (const text of runFailures(report, errorStyle, { verbose })) stderr.write(text);
  const view = { width, style, verbose, timeZone: config.rotation.timeZone };
  context.output.result('run/1', runDocument(report), () => runText(report, view), { summary: true });
  return codeOfRun(report);
}

/** Not beyond the next due time: then there is another run, that does what is missing as well. */
async function runWithRetries(
  context: Context,
  name: string,
  { schedule, slot, force }: { schedule: string; slot: number; force: boolean },
): Promise<RunReport> {
  const [{ isWorthRetry, runForSlot }, { dueTimes }, { retryAfterMs }, { config }, { shownError }] = await Promise.all([
    import('./job-run.ts'),
    import('../src/schedule/slots.ts'),
    import('../src/schedule/daemon.ts'),
    context.config(),
    import('./views/error.ts'),
  ]);
  const { clock, signal, emit } = context;
  const next = dueTimes(schedule, config.rotation.timeZone).after(slot) ?? Number.POSITIVE_INFINITY;
  for (let times = 0; ; times++) {
    const pause = retryAfterMs[times];
    const isLast = pause === undefined || clock.now() + pause >= next;
    try {
      const report = await runForSlot(context, name, { slot, force: force && times === 0 });
      if (isLast || !report.retry) return report;
    } catch (error) {
      if (signal.aborted || isLast || !isWorthRetry(error)) throw error;
      emit({ type: 'warning', text: shownError(error).message });
    }
    emit({ type: 'note', text: `Something failed; it is tried again in ${pause / 60_000} minutes.` });
    await clock.sleep(pause, signal);
  }
}
