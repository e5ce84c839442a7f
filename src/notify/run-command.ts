import { spawn } from 'node:child_process';
import type { Clock } from '../base/clock.ts';
import { HoldfastError, systemCode } from '../base/errors.ts';

export interface HookCommand {
  command: readonly string[];
  directory: string;
  /** The whole environment. */
  env: Readonly<Record<string, string | undefined>>;
  input: string;
  timeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
}

/** Milliseconds between SIGTERM and SIGKILL. */
const graceMs = 2000;

/**
 * Runs a program with text on its standard input. What it prints goes nowhere: it may hold what is secret.
 *
 * @throws HoldfastError `failed` when it cannot be started, does not end with 0, or takes too long
 */
export async function runCommand({
  command,
  directory,
  env,
  input,
  timeoutMs,
  clock,
  signal,
}: HookCommand): Promise<void> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: directory,
    env: { ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
    // A group of its own, so that what it started ends with it.
    detached: true,
  });
  const send = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // Nobody of the group is left.
    }
  };
  const ended = new Promise<{ status?: number; killed?: string; start?: string }>((resolve) => {
    child.once('error', (error) => child.pid === undefined && resolve({ start: systemCode(error) ?? 'unknown' }));
    child.once('exit', (code, killed) =>
      resolve({ ...(code !== null && { status: code }), ...(killed && { killed }) }),
    );
  });
  // One that reads nothing, and ends, is no failure.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener('abort', stop, { once: true });
  const tooLong = clock.sleep(timeoutMs, over.signal).then(
    () => true,
    () => true,
  );
  try {
    const first = signal.aborted ? undefined : await Promise.race([ended, tooLong.then(() => undefined)]);
    if (first === undefined) {
      send('SIGTERM');
      await Promise.race([ended, clock.sleep(graceMs)]);
      send('SIGKILL');
      throw failed(program, signal.aborted ? 'It was interrupted.' : `It took longer than ${timeoutMs / 1000} s.`);
    }
    const { status, killed, start } = first;
    if (start !== undefined) throw failed(program, start === 'ENOENT' ? 'There is no such program.' : `${start}.`);
    if (killed !== undefined) throw failed(program, `${killed} ended it.`);
    if (status !== 0) throw failed(program, `It ended with status ${status}.`);
  } finally {
    signal.removeEventListener('abort', stop);
    over.abort();
  }
}

function failed(program: string, why: string): HoldfastError {
  return new HoldfastError('failed', `The program ${program} was not told.`, {
    why,
    hint: 'Try it: holdfast notify test',
  });
}
