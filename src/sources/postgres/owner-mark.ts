import { readFile, writeFile } from 'node:fs/promises';
import { systemCode } from '../../base/errors.ts';

/**
 * Tells whose a throw-away cluster is, in a file beside it. The start time goes with the process id, because ids are
 * used again: a mark whose process is gone, or is another one by now, is a leak.
 */
export interface OwnerMark {
  pid: number;
  /** Of the process, in clock ticks since the machine started; empty where /proc does not tell. */
  startTime: string;
  /** Absolute path of the socket directory that goes with the cluster; empty where there is none. */
  socketDirectory: string;
  /** Left for a person, and no leak. */
  kept?: true;
}

/** The mark of this process. */
export async function ownMark(socketDirectory: string): Promise<OwnerMark> {
  return { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? '', socketDirectory };
}

export async function writeMark(file: string, mark: OwnerMark): Promise<void> {
  await writeFile(file, `${JSON.stringify(mark)}\n`, { mode: 0o644, flag: 'wx' });
}

/** The mark in `file`; undefined when there is none or it is not one. */
export async function readMark(file: string): Promise<OwnerMark | undefined> {
  let parsed: Partial<OwnerMark> | null;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
  const { pid, startTime, socketDirectory, kept } = parsed ?? {};
  if (!Number.isInteger(pid) || typeof startTime !== 'string' || typeof socketDirectory !== 'string') return undefined;
  return { pid: pid!, startTime, socketDirectory, ...(kept === true && { kept }) };
}

/** Whether the process that wrote the mark still runs. */
export async function ownerLives(mark: OwnerMark): Promise<boolean> {
  if (!(await processLives(mark.pid))) return false;
  const startTime = await startTimeOf(mark.pid);
  return startTime === undefined || startTime === mark.startTime;
}

/** Whether a process runs under this id. One that has ended and was not yet waited for does not. */
export async function processLives(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
  return (await statOf(pid))?.[0] !== 'Z';
}

async function startTimeOf(pid: number): Promise<string | undefined> {
  return (await statOf(pid))?.[19];
}

/** Fields 3 (the state) and up of /proc/<pid>/stat; undefined where there is no such file. */
async function statOf(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program may hold spaces and parentheses; the fields after it do not.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}
