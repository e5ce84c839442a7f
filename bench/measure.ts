/** Runs a command and tells what it took: time, processor time, memory. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Command } from './task.ts';

export interface Measured {
  /** Milliseconds on the clock. */
  time: number;
  /** Milliseconds of processor time of the command's own processes; a PostgreSQL server's is only in it when the command starts one. */
  cpu: number;
  /**
   * Bytes: the highest sum, over the processes that it has at a time, of the memory each has had at most. An upper bound. A
   * PostgreSQL server that the command starts is not in it.
   */
  memory: number;
}

/**
 * Runs `command` by bash, which fails when any part of a pipeline does.
 *
 * @throws Error with what the command said
 */
export async function measure(command: Command, environment: Record<string, string>): Promise<Measured> {
  // `exec` would hide a pipeline's parts; `times` tells the processor time of all children that have ended.
  const script = `set -o pipefail; ${command.script}; status=$?; times >&3; exit $status`;
  const started = performance.now();
  const child = execa('bash', ['-c', script], {
    env: { ...environment, ...command.environment },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    reject: false,
  });
  const memory = watchMemory(child.pid!);
  const result = await child;
  const time = performance.now() - started;
  const highest = memory.stop();
  if (result.failed) {
    const said = String(result.stdio[2] ?? '').slice(-2000);
    throw new Error(`exit status ${result.exitCode} of: ${command.script}\n${said}`);
  }
  return { time, cpu: processorTime(String(result.stdio[3])), memory: highest };
}

/** The second line of `times`: `0m1.234s 0m0.567s`, user and system time of the children. */
function processorTime(said: string): number {
  const line = said.trim().split('\n')[1] ?? '';
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + (Number(minutes) * 60 + Number(seconds)) * 1000,
    0,
  );
}

/** Milliseconds. Looking takes processor time away from what is measured, the more the more processes and threads there are. */
const [shortest, longest] = [50, 500];
/** Of the time that has passed: what lasts long is looked at less often. */
const share = 1 / 20;

/** Asks /proc for VmHWM, which the kernel keeps, so that a peak between two looks is not missed. */
function watchMemory(root: number): { stop(): number } {
  const started = performance.now();
  let highest = 0;
  let stopped = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    highest = Math.max(highest, await memoryBelow(root));
    if (!stopped) wait();
  };
  const wait = () => {
    timer = setTimeout(look, Math.min(longest, Math.max(shortest, (performance.now() - started) * share)));
  };
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
    return highest;
  };
  wait();
  return { stop };
}

/** The sum over the processes below `root`; bash itself is not counted, nor is a PostgreSQL server with all it has. */
async function memoryBelow(root: number): Promise<number> {
  let sum = 0;
  const tasks = await readdir(`/proc/${root}/task`).catch(() => []);
  for (const task of tasks) {
    const text = await readFile(`/proc/${root}/task/${task}/children`, 'utf8').catch(() => '');
    for (const pid of text.split(' ').filter(Boolean)) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      if (/^Name:\s*postgres$/m.test(status)) continue;
      sum += Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024 + (await memoryBelow(Number(pid)));
    }
  }
  return sum;
}

/** Bytes of all files below `path`, or of the file itself; 0 when there is none. */
export async function sizeOf(path: string): Promise<number> {
  const own = await stat(path).catch(() => undefined);
  if (own === undefined) return 0;
  if (!own.isDirectory()) return own.size;
  let size = 0;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) size += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return size;
}
