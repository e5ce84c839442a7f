/** `holdfast demo`: the whole story on throw-away data. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { Context, Start } from './context.ts';
import { badUsage } from './usage.ts';

const help = `
Starts a throw-away PostgreSQL, fills a database and a tree of files, backs both
up, restores them, and compares every table, sequence, large object, schema
object and file. Needs PostgreSQL's server programs; touches no server that
runs. Leaves a folder with the configuration, to go on from.

Example:
  $ holdfast demo --directory /var/tmp/demo --megabytes 200
`;

interface DemoFlags {
  directory: string;
  megabytes: string;
}

/** Adds the command to the program. */
export function addDemo(program: Command, start: Start): void {
  program
    .command('demo')
    .description('the whole story on a throw-away PostgreSQL, in a minute')
    .option('--directory <dir>', 'where to leave it; must not exist', 'holdfast-demo')
    .option('--megabytes <n>', 'size of the database', '60')
    .addHelpText('after', help)
    .action((flags: DemoFlags) => start((context) => run(context, flags)));
}

async function run(context: Context, { directory, megabytes }: DemoFlags): Promise<ErrorCode | undefined> {
  const size = Number(megabytes);
  if (!Number.isInteger(size) || size < 13 || size > 100_000) {
    throw badUsage('--megabytes wants a whole number from 13 to 100000.');
  }
  const { tellStory } = await import('./demo/story.ts');
  const { demoText } = await import('./views/demo.ts');
  const report = await tellStory(context, { directory, megabytes: size });
  context.finishProgress();
  context.output.result('demo/1', report, () => demoText(report, context.output.style));
  return report.differences.length === 0 ? undefined : 'verification-failed';
}
