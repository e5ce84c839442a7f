/** `holdfast schedule show`: when jobs run next, and what became of the last run. */
import type { Command } from 'commander';
import { isoTime } from '../src/base/clock.ts';
import type { Context, Start } from './context.ts';
import { wholeNumber } from './usage.ts';
import type { ShownJob } from './views/schedule.ts';

const help = `
Needs no site: the last run is what this machine remembers of it. A job whose
latest due time has no run is overdue.

Examples:
  $ holdfast schedule show
  $ holdfast schedule show -n 5 --json
`;

const defaultCount = 3;
/** As many as fit on a page or two. */
const mostRuns = 1000;

/** Adds the command to `schedule`. */
export function addScheduleShow(schedule: Command, start: Start): void {
  schedule
    .command('show')
    .description('the next runs of each job, and the last one')
    .option('-n, --count <number>', `how many (default: ${defaultCount})`, wholeNumber('-n', 1))
    .addHelpText('after', help)
    .action(({ count = defaultCount }: { count?: number }) => start((context) => show(context, count)));
}

async function show(context: Context, count: number): Promise<undefined> {
  const [{ dueTimes }, { recordsOf }, { scheduleText }, { config }] = await Promise.all([
    import('../src/schedule/slots.ts'),
    import('./job-run.ts'),
    import('./views/schedule.ts'),
    context.config(),
  ]);
  const { timeZone } = config.rotation;
  const records = await recordsOf(config);
  const now = context.clock.now();
  const jobs: ShownJob[] = [];
  for (const [job, { schedule, backup, sync, prune, check }] of Object.entries(config.jobs)) {
    const due = dueTimes(schedule, timeZone);
    const next: string[] = [];
    for (let at = due.after(now); at !== undefined && next.length < Math.min(count, mostRuns); at = due.after(at)) {
      next.push(isoTime(at));
    }
    const latest = due.atOrBefore(now);
    const last = await records.read(job);
    const overdue = latest !== undefined && (last === undefined || Date.parse(last.slot) < latest);
    jobs.push({
      job,
      schedule,
      steps: {
        ...(backup !== undefined && { backup }),
        ...(sync && { sync }),
        ...(prune && { prune }),
        ...(check !== undefined && { check }),
      },
      next,
      ...(latest !== undefined && { latest: isoTime(latest) }),
      overdue,
      ...(last && { last }),
    });
  }
  const { width, style } = context.output;
  context.output.result('schedule/1', { timeZone, jobs }, () => scheduleText(jobs, { width, style, timeZone, now }));
}
