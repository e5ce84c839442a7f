import { type Clock, isoTime } from '../base/clock.ts';
import { isHoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import type { Emit } from '../base/events.ts';
import type { NotifyEvent } from './event.ts';
import { type Hook, isGood, wants } from './hook.ts';
import type { NotifyRecords } from './notify-record.ts';
import { request, withSuffix } from './request.ts';
import { runCommand } from './run-command.ts';

export interface NotifySurroundings {
  records: NotifyRecords;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
  env: Readonly<Record<string, string | undefined>>;
}

/** What became of telling one hook. */
export interface Told {
  hook: string;
  type: Hook['type'];
  durationMs: number;
  error?: PlainError;
}

/**
 * Tells every hook that wants to know, all at once. One that fails is warned of and remembered; it fails nothing else.
 *
 * @throws the signal's reason, and nothing else
 */
export async function notify(
  surroundings: NotifySurroundings,
  hooks: readonly Hook[],
  event: NotifyEvent,
): Promise<Told[]> {
  const { clock, signal, emit, records } = surroundings;
  return Promise.all(
    hooks
      .filter((hook) => wants(hook, event))
      .map(async (hook): Promise<Told> => {
        const begun = clock.monotonic();
        const error = await tell(surroundings, hook, event).then(
          () => undefined,
          (failure) => {
            signal.throwIfAborted();
            return toPlainError(failure);
          },
        );
        if (error) {
          const text = `The hook ${hook.name} was not told of ${event.event}: ${error.message} ${error.why ?? ''}`;
          emit({ type: 'warning', text: text.trim(), ...(error.hint !== undefined && { hint: error.hint }) });
        }
        await remember(records, hook, event, clock, error).catch((failure) => {
          if (!isHoldfastError(failure)) throw failure;
          emit({ type: 'warning', text: `${failure.message} ${failure.why ?? ''}`.trim() });
        });
        return { hook: hook.name, type: hook.type, durationMs: clock.monotonic() - begun, ...(error && { error }) };
      }),
  );
}

async function remember(
  records: NotifyRecords,
  { name }: Hook,
  { event }: NotifyEvent,
  clock: Clock,
  error: PlainError | undefined,
): Promise<void> {
  const { code, message, why, hint } = error ?? {};
  const plain =
    code === undefined || message === undefined
      ? undefined
      : { code, message, ...(why !== undefined && { why }), ...(hint !== undefined && { hint }) };
  await records.write(name, { last: isoTime(clock.now()), event, ...(plain && { error: plain }) });
}

async function tell(surroundings: NotifySurroundings, hook: Hook, event: NotifyEvent): Promise<void> {
  const { clock, signal, env } = surroundings;
  const { timeoutMs } = hook;
  const input = `${JSON.stringify(event)}\n`;
  if (hook.type === 'command') {
    const { command, directory } = hook;
    return runCommand({ command, directory, env, input, timeoutMs, clock, signal });
  }
  const url = await hook.url();
  if (hook.type === 'webhook') {
    const headers = await hook.headers();
    return request({ url, method: 'POST', headers, body: input, timeoutMs, clock, signal });
  }
  const { method, failure } = hook;
  const place = isGood(event) || failure === undefined ? url : withSuffix(url, failure);
  return request({
    url: place,
    method,
    headers: {},
    ...(method === 'POST' && { body: input }),
    timeoutMs,
    clock,
    signal,
  });
}
