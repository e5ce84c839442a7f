/** `holdfast schedule daemon`: stays, and runs jobs when they are due. */
import type { Command } from 'commander';
import { isoTime } from '../src/base/clock.ts';
import type { DueJob } from '../src/schedule/daemon.ts';
import type { Notify } from '../src/schedule/service-notification.ts';
import type { Context, Start } from './context.ts';

const help = `
Runs one job at a time. What was missed while it was down, or while the machine
slept, is run once. What failed is tried again after 15 minutes, 1 hour and
4 hours. SIGTERM ends a job cleanly, a second one at once. Reads the
configuration at its start: restart it after a change. Tells systemd how it is
(sd_notify, watchdog).

Example:
  $ holdfast schedule daemon
`;

/** Adds the command to `schedule`. */
export function addScheduleDaemon(schedule: Command, start: Start): void {
  schedule
    .command('daemon')
    .description('stay, and run jobs when they are due')
    .addHelpText('after', help)
    .action(() => start(daemon));
}

interface EndedRun {
  job: string;
  slot: string;
  ended: string;
  outcome: 'done' | 'partial' | 'failed';
}

async function daemon(context: Context): Promise<undefined> {
  const [{ runSchedule }, { recordsOf }, { config }] = await Promise.all([
    import('../src/schedule/daemon.ts'),
    import('./job-run.ts'),
    context.config(),
  ]);
  const { clock, signal, emit } = context;
  const { timeZone } = config.rotation;
  const records = await recordsOf(config);
  const notify = await openNotifyOf(context);
  const ended = new Map<string, EndedRun>();
  let runs = 0;
  const over = new AbortController();
  const watched = watch(context, notify, over.signal);
  const stopping = () => notify(['STOPPING=1', 'STATUS=Stopping']);
  signal.addEventListener('abort', stopping, { once: true });
  notify(['READY=1', 'STATUS=Started']);
  try {
    await runSchedule({
      jobs: Object.entries(config.jobs).map(([name, { schedule }]) => ({ name, schedule })),
      timeZone,
      clock,
      signal,
      lastSlot: async (job) => {
        const record = await records.read(job).catch(() => undefined);
        // Of one that could not be begun at all nothing is done.
        return record && record.outcome !== 'failed' ? Date.parse(record.slot) : undefined;
      },
      run: async (due) => {
        notify([`STATUS=Running ${due.name}`]);
        runs++;
        const { outcome, retry } = await runOne(context, due);
        ended.set(due.name, { job: due.name, slot: isoTime(due.slot), ended: isoTime(clock.now()), outcome });
        return { retry };
      },
      onWaiting: ({ name, slot }) => {
        const text = `Next: ${name}, due ${isoTime(slot)}`;
        notify([`STATUS=${text}`]);
        emit({ type: 'note', text });
      },
    });
  } finally {
    signal.removeEventListener('abort', stopping);
    over.abort();
    await watched;
  }
  context.finishProgress();
  context.output.result('schedule-daemon/1', { runs, last: [...ended.values()] }, () => 'Stopped.\n', {
    summary: true,
  });
  return undefined;
}

/** Runs a job and tells of it on standard error, where it goes to the journal. Rejects only when interrupted. */
async function runOne(
  context: Context,
  { name, slot }: DueJob,
): Promise<{ outcome: EndedRun['outcome']; retry: boolean }> {
  const [{ isWorthRetry, runForSlot }, { runFailures, runText }, { errorText, shownError }, { config }] =
    await Promise.all([import('./job-run.ts'), import('./views/run.ts'), import('./views/error.ts'), context.config()]);
  const { stderr, errorStyle } = context.output;
  const { verbose } = context.flags;
  context.emit({ type: 'step', text: `Running ${name}, due ${isoTime(slot)}` });
  try {
    const report = await runForSlot(context, name, { slot, force: false });
    context.pauseProgress();
    for (const text of runFailures(report, errorStyle, { verbose })) stderr.write(text);
    const view = { style: errorStyle, verbose, timeZone: config.rotation.timeZone };
    if (report.outcome !== 'done') stderr.write(runText(report, view));
    else context.output.aside(runText(report, view));
    return { outcome: report.outcome, retry: report.retry };
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.pauseProgress();
    stderr.write(errorText(shownError(error), errorStyle, verbose));
    return { outcome: 'failed', retry: isWorthRetry(error) };
  }
}

async function openNotifyOf({ environment, emit }: Context): Promise<Notify> {
  const { NOTIFY_SOCKET } = environment;
  if (!NOTIFY_SOCKET) return () => {};
  const [{ openNotify }, { shownError }] = await Promise.all([
    import('../src/schedule/service-notification.ts'),
    import('./views/error.ts'),
  ]);
  try {
    return openNotify(NOTIFY_SOCKET);
  } catch (error) {
    const { message, why } = shownError(error);
    emit({ type: 'warning', text: `${message} ${why ?? ''}`.trim() });
    return () => {};
  }
}

/** Signs of life while the main thread answers; without them systemd starts the service anew. */
async function watch({ clock, environment }: Context, notify: Notify, over: AbortSignal): Promise<void> {
  const { watchdogInterval } = await import('../src/schedule/service-notification.ts');
  const interval = watchdogInterval(environment, process.pid);
  if (interval === undefined) return;
  while (!over.aborted) {
    notify(['WATCHDOG=1']);
    await clock.sleep(interval, over).catch(() => {});
  }
}
