/** `holdfast sync`: copies what one site has and another lacks. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';
import { badUsage } from './usage.ts';

const help = `
Copies sealed objects, held against their names, and needs no key to the data.
What was cut off goes on where it was. A site that was away gets what it missed;
a new one, once \`holdfast init --existing\` has opened it, gets everything.

Examples:
  $ holdfast sync
  $ holdfast sync --from vault --to cloud
  $ holdfast sync --dry-run
`;

interface Options {
  from?: string;
  to?: string;
  dryRun?: boolean;
}

/** Adds the command to the program. */
export function addSync(program: Command, start: Start): void {
  program
    .command('sync')
    .description('copy between the sites what one has and another lacks')
    .option('--from <site>', 'read from this site only')
    .option('--to <site>', 'fill this site only')
    .option('--dry-run', 'show what it would copy, and copy nothing')
    .addHelpText('after', help)
    .action((options: Options) => start((context) => run(context, options)));
}

async function run(context: Context, { from, to, dryRun = false }: Options): Promise<ErrorCode | undefined> {
  const [{ sync }, { byHand }, { namesInRepository }, { syncText }, { siteNamed }] = await Promise.all([
    import('../src/jobs/sync.ts'),
    import('../src/jobs/by-hand.ts'),
    import('./source-settings.ts'),
    import('./views/sync.ts'),
    import('./open-sites.ts'),
  ]);
  const { config } = await context.config();
  for (const name of [from, to]) if (name !== undefined) siteNamed(config.sites, name);
  if (from !== undefined && from === to) throw badUsage('--from and --to name the same site.');
  if (config.sites.length < 2) {
    throw badUsage('There is one site, and nothing to copy it to.', 'Add another to `sites` in the configuration.');
  }
  await using opened = await openAccess(context, { host: 'optional', sites: 'all' });
  const sources = await namesInRepository(opened.access, config, []);
  const request = { sources, dryRun, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const work = () => sync(opened.access, request);
  const report = dryRun ? await work() : await byHand(opened.access, 'sync', work);
  context.finishProgress();
  const { width, style } = context.output;
  const view = () => syncText(report, { width, style });
  context.output.result('sync/1', report, view, { summary: report.outcome === 'done' });
  return report.outcome === 'done' ? undefined : 'partial';
}
