/** Hooks of the configuration, and telling them. */
import type { Hook as HookConfig } from '../config/notify.ts';
import type { NotifyEvent } from '../src/notify/event.ts';
import type { Hook } from '../src/notify/hook.ts';
import type { Told } from '../src/notify/notify.ts';
import type { NotifyRecords } from '../src/notify/notify-record.ts';
import type { Context } from './context.ts';

/**
 * Tells the hooks of the configuration that want to know. What fails is warned of, and shown by `status`; secrets are
 * asked for only when there is something to send.
 *
 * @param names of hooks; none: all
 * @throws the signal's reason, and nothing else
 */
export async function notifyOf(context: Context, event: NotifyEvent, names: readonly string[] = []): Promise<Told[]> {
  const { config, directory } = await context.config();
  const chosen = config.notify.filter(({ name }) => names.length === 0 || names.includes(name));
  if (chosen.length === 0) return [];
  const { notify } = await import('../src/notify/notify.ts');
  const { clock, emit, signal, environment: env } = context;
  const hooks = chosen.map((hook) => hookOf(context, hook, directory));
  return notify({ records: await notifyRecordsOf(context), clock, emit, signal, env }, hooks, event);
}

/** What this machine remembers of hooks. */
export async function notifyRecordsOf(context: Context): Promise<NotifyRecords> {
  const [{ config }, { NotifyRecords }, { repositoryIdOf }] = await Promise.all([
    context.config(),
    import('../src/notify/notify-record.ts'),
    import('../src/repository/layout.ts'),
  ]);
  return new NotifyRecords(config.state, repositoryIdOf(config.repository));
}

/** Who tells of something that happens now. */
export async function authorOf(context: Context): Promise<{ host: string; repository: string; now: number }> {
  const { host, repository } = (await context.config()).config;
  return { host: host.name, repository, now: context.clock.now() };
}

function hookOf(context: Context, hook: HookConfig, directory: string): Hook {
  const { name, jobs, timeout: timeoutMs } = hook;
  const every = { name, timeoutMs, ...(jobs && { jobs }) };
  switch (hook.type) {
    case 'command':
      return { ...every, type: 'command', command: hook.command, on: hook.on, directory };
    case 'webhook':
      return {
        ...every,
        type: 'webhook',
        on: hook.on,
        url: () => context.secret(hook.url),
        headers: async () => {
          const headers: Record<string, string> = {};
          for (const [header, value] of Object.entries(hook.headers)) headers[header] = await context.secret(value);
          return headers;
        },
      };
    case 'heartbeat':
      return {
        ...every,
        type: 'heartbeat',
        url: () => context.secret(hook.url),
        method: hook.method,
        ...(hook.failure !== undefined && { failure: hook.failure }),
      };
  }
}
