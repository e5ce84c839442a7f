/** `holdfast notify`: whether hooks hear. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { Context, Start } from './context.ts';
import { badUsage } from './usage.ts';

const help = `
Sends an event named test to each hook of the configuration, or to those named,
whatever its \`on\` and \`jobs\` say. Ends with 3 when some did not hear it, with 1
when none did.

Examples:
  $ holdfast notify test
  $ holdfast notify test pager
`;

/** Adds the command and the one below it. */
export function addNotify(program: Command, start: Start): void {
  const notify = program.command('notify').description('try who is told what became of runs');
  notify
    .command('test')
    .description('send a test event to each hook')
    .argument('[hook...]', 'names of hooks (default: all)')
    .addHelpText('after', help)
    .action((hooks: string[]) => start((context) => test(context, hooks)));
}

async function test(context: Context, names: string[]): Promise<ErrorCode | undefined> {
  const [{ authorOf, notifyOf }, { eventOfCommand }, { notifyText, toldDocument }, { config }] = await Promise.all([
    import('./notifying.ts'),
    import('../src/jobs/run-event.ts'),
    import('./views/notify.ts'),
    context.config(),
  ]);
  const { didYouMean } = await import('../config/suggestion.ts');
  const known = config.notify.map(({ name }) => name);
  if (known.length === 0) {
    throw badUsage('The configuration has no hooks.', 'Add some under `notify`; docs/notifications.md shows how.');
  }
  for (const name of names) {
    if (known.includes(name)) continue;
    throw badUsage(
      `There is no hook ${name}.`,
      didYouMean(name, known)?.replace(/^d/, 'D') ?? `There are ${known.join(', ')}.`,
    );
  }
  const author = await authorOf(context);
  const summary = `A test of the hooks of ${author.host}; nothing has happened.`;
  const event = eventOfCommand(author, { command: 'notify test', event: 'test', summary, problems: [] });
  const told = await notifyOf(context, event, names);
  context.finishProgress();
  const { width, style } = context.output;
  context.output.result('notify-test/1', { hooks: told.map(toldDocument) }, () => notifyText(told, { width, style }));
  const failed = told.filter(({ error }) => error !== undefined).length;
  return failed === 0 ? undefined : failed === told.length ? 'failed' : 'partial';
}
