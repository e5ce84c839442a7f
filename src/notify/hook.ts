import type { NotifyEvent, Occasion } from './event.ts';

interface EveryHook {
  name: string;
  /** Names of jobs whose runs are told; all without. */
  jobs?: readonly string[] | undefined;
  /** Milliseconds for all of it, tries included. */
  timeoutMs: number;
}

/** A hook of the configuration; what is secret is asked for when there is something to send. */
export type Hook = EveryHook &
  (
    | { type: 'command'; command: readonly string[]; on: readonly Occasion[]; directory: string }
    | {
        type: 'webhook';
        url: () => Promise<string>;
        headers: () => Promise<Record<string, string>>;
        on: readonly Occasion[];
      }
    | { type: 'heartbeat'; url: () => Promise<string>; method: 'GET' | 'POST'; failure?: string | undefined }
  );

/** Whether a hook is told of an event. */
export function wants(hook: Hook, event: NotifyEvent): boolean {
  if (event.event === 'test') return true;
  if (hook.jobs && (event.job === undefined || !hook.jobs.includes(event.job))) return false;
  if (hook.type !== 'heartbeat') return hook.on.includes(event.event) && !(event.event === 'done' && event.already);
  if (event.job === undefined || event.event === 'missed') return false;
  return isGood(event) || hook.failure !== undefined;
}

export function isGood({ event }: NotifyEvent): boolean {
  return event === 'done' || event === 'recovered' || event === 'test';
}
