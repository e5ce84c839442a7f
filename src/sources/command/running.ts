import { spawn } from 'node:child_process';
import type { Clock } from '../../base/clock.ts';
import { systemCode } from '../../base/errors.ts';
import { LastLines } from './last-lines.ts';

/** A command that is running in a process group of its own. */
export interface RunningCommand {
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<EndedCommand>;
  /** Ends the whole group: asks, and after a grace period insists. May be called again. */
  stop(): void;
}

export interface EndedCommand {
  /** Why it could not even be started: `ENOENT`, `EACCES`, … */
  startCode?: string;
  exitCode?: number;
  /** The signal that ended it. */
  signal?: string;
  /** Last lines of stderr. */
  complaint: string;
}

/** Milliseconds between SIGTERM and SIGKILL. */
const graceMs = 2000;

/**
 * Starts a command.
 *
 * @param command run as it is when an array, by `sh -c` when a text
 * @param stdout descriptor to write to; stays the caller's
 * @param env the whole environment; the one of this process when left out
 */
export function startCommand(
  command: string[] | string,
  stdout: number,
  clock: Clock,
  env?: Readonly<Record<string, string | undefined>>,
): RunningCommand {
  const [file = '', ...parameters] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const complaint = new LastLines();
  // Not execa: it takes no descriptor of a pipe for the output, which would then pass through the main thread.
  const child = spawn(file, parameters, {
    stdio: ['ignore', stdout, 'pipe'],
    // A group of its own, so that all of a pipeline can be ended.
    detached: true,
    ...(env && { env: { ...env } }),
  });
  const send = (signal: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  };
  child.stderr?.on('data', (piece: Buffer) => complaint.add(piece));
  const ended = new Promise<EndedCommand>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ startCode: systemCode(error) ?? 'unknown', complaint: '' });
    });
    // What a failed command leaves behind could hold its output open for ever.
    child.once('exit', (code) => code !== 0 && send('SIGKILL'));
    child.once('close', (exitCode, signal) => {
      resolve({
        complaint: complaint.text(),
        ...(exitCode !== null && { exitCode }),
        ...(signal !== null && { signal }),
      });
    });
  });
  let stopping = false;
  return {
    ended,
    stop() {
      if (stopping) return;
      stopping = true;
      send('SIGTERM');
      const over = new AbortController();
      ended.then(() => over.abort());
      clock.sleep(graceMs, over.signal).then(
        () => send('SIGKILL'),
        // It ended, and what is left of its group shall end with it.
        () => send('SIGKILL'),
      );
    },
  };
}
