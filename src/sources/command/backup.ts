import { HoldfastError } from '../../base/errors.ts';
import { formatDuration, MiB } from '../../base/units.ts';
import type { EndedStream } from '../../repository/stored-stream.ts';
import { closeDescriptor, makePipe } from '../files/posix.ts';
import { ProgressReport } from '../files/progress-report.ts';
import type { BackupContext, BackupOutcome } from '../source.ts';
import type { OutputLine } from './manifest.ts';
import { type EndedCommand, type RunningCommand, startCommand } from './running.ts';
import type { StoreOutputInput } from './store-output.ts';

export interface CommandSettings {
  /** Of the source. */
  name: string;
  /**
   * An array is run as it is, a text by `sh -c`. The exit status of a shell's pipeline is that of its last command: have it say
   * `set -o pipefail` by a shell that knows it.
   */
  command: string[] | string;
  /** Name of the file that a restore makes. */
  filename: string;
  /** Milliseconds after which the command has failed; no limit when left out. */
  timeoutMs?: number;
  /** The whole environment of the command; the one of this process when left out. */
  env?: Readonly<Record<string, string | undefined>>;
}

const pipeBytes = 1 * MiB;

/**
 * Stores what a command writes to its standard output.
 *
 * Totals: `bytes`.
 *
 * @throws HoldfastError `source-failed` when the command cannot be started, exits with another status than 0, is ended by a
 *   signal, or takes too long
 */
export async function backupCommand(context: BackupContext, settings: CommandSettings): Promise<BackupOutcome> {
  const { clock, signal } = context;
  signal.throwIfAborted();
  const pipe = makePipe(pipeBytes);
  let running: RunningCommand;
  try {
    running = startCommand(settings.command, pipe.write, clock, settings.env);
  } catch (error) {
    closeDescriptor(pipe.read);
    throw error;
  } finally {
    // The command has its own copy; with this one open its end would never be seen.
    closeDescriptor(pipe.write);
  }
  let timedOut = false;
  const over = new AbortController();
  if (settings.timeoutMs !== undefined) {
    clock.sleep(settings.timeoutMs, over.signal).then(
      () => {
        timedOut = true;
        running.stop();
      },
      () => {},
    );
  }
  const interrupted = () => running.stop();
  signal.addEventListener('abort', interrupted, { once: true });
  try {
    const progress = new ProgressReport(context, 'Reading output');
    const onProgress = (bytes: number) => progress.add(bytes);
    const input: StoreOutputInput = { descriptor: pipe.read };
    const storing = context.lanes.run<EndedStream>('command.store', input, { onProgress });
    // A command whose output cannot be stored has no reason to go on.
    storing.catch(() => running.stop());
    const ended = await running.ended;
    const { stored } = await storing;
    signal.throwIfAborted();
    if (timedOut || !isSuccess(ended)) throw failure(settings, ended, timedOut);
    const line: OutputLine = { kind: 'output', filename: settings.filename, stream: stored };
    await context.writeLine(line);
    const shortfalls =
      stored.size > 0 ? [] : [{ object: settings.filename, reason: 'the command wrote nothing', degrades: true }];
    return { totals: { bytes: stored.size }, shortfalls };
  } finally {
    over.abort();
    signal.removeEventListener('abort', interrupted);
    // An aborted lane may still be reading; the program is about to end.
    if (!signal.aborted) closeDescriptor(pipe.read);
  }
}

function isSuccess({ exitCode, startCode }: EndedCommand): boolean {
  return exitCode === 0 && startCode === undefined;
}

function failure(
  { name, timeoutMs }: CommandSettings,
  { startCode, exitCode, signal, complaint }: EndedCommand,
  timedOut: boolean,
): HoldfastError {
  const said = complaint === '' ? '' : ` It said: ${complaint}`;
  if (startCode !== undefined) {
    return new HoldfastError('source-failed', `The command of the source "${name}" could not be started.`, {
      why: startCode === 'ENOENT' ? 'There is no such program.' : `Starting it failed with ${startCode}.`,
      hint: 'Name the program by its full path, or see that it is in the PATH of whoever runs Holdfast.',
    });
  }
  const how = timedOut
    ? `It was still running after ${formatDuration(timeoutMs ?? 0)}.`
    : signal !== undefined
      ? `It was ended by ${signal}.`
      : `It exited with status ${exitCode}.`;
  return new HoldfastError('source-failed', `The command of the source "${name}" failed.`, {
    why: how + said,
    hint: timedOut
      ? 'Raise its timeout, or find out what it waits for. No snapshot was made.'
      : 'Run it by hand, as the user that runs Holdfast. No snapshot was made.',
  });
}
