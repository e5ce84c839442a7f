import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../base/errors.ts';

/** Who holds a lease: enough for a person to find the process, and for its own machine to see that it is gone. */
export interface LeaseHolder {
  host: string;
  /** Random, the same for all leases of one process. */
  process: string;
  pid: number;
  /** Equal for two processes only if they can see each other: same machine, same boot, same pid namespace. */
  bootId: string;
  /** When the process started, in clock ticks after boot (field 22 of /proc/<pid>/stat); empty when unknown. */
  startedAt: string;
}

const processId = randomBytes(16).toString('hex');
/** Where processes cannot be told apart by /proc, no other process may count as a neighbour. */
const unknownBoot = `unknown-${randomBytes(16).toString('hex')}`;

/**
 * This process as a holder of leases.
 *
 * @param host the name by which operators know this machine
 */
export function thisProcess(host = hostname()): LeaseHolder {
  const startedAt = status(process.pid)?.startedAt ?? '';
  return { host, process: processId, pid: process.pid, bootId: bootId(), startedAt };
}

/** Whether the process of `holder` still runs; undefined when that cannot be told from here. */
export function isAlive(holder: LeaseHolder): boolean | undefined {
  if (holder.bootId !== bootId() || holder.startedAt === '') return undefined;
  // Numbers below 1 mean groups of processes to kill(2).
  if (!Number.isSafeInteger(holder.pid) || holder.pid < 1) return undefined;
  const found = status(holder.pid);
  // A zombie only waits for its parent to take notice.
  if (found) {
    if (found.startedAt !== holder.startedAt || ['Z', 'X'].includes(found.state)) return false;
    // A stopped one may go on in a moment or never.
    return ['T', 't'].includes(found.state) ? undefined : true;
  }
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false;
  }
  // It is there, or was a moment ago, but /proc hides the processes of others.
  return undefined;
}

/** Containers of one machine share its boot id, not its pids: the pid namespace is part of it. */
function bootId(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0];
    return `${boot}.${namespace}`;
  } catch {
    return unknownBoot;
  }
}

function status(pid: number): { state: string; startedAt: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the name of the program in parentheses, and may hold spaces and parentheses itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, startedAt: fields[19]! };
  } catch {
    return undefined;
  }
}
