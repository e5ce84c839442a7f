/** `holdfast prune`: drops what retention does not keep, and removes what has been dropped for a while. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';

const help = `
Two steps, days apart: first a snapshot is dropped, which hides it; seven days
later it is removed, with the packs that nothing else needs. Until then nothing
is gone. Needs the host key and the right to delete at the sites, and no key to
the data; it may run on another machine than the backups.

Never dropped: the newest snapshot, the newest proven one, pinned ones. Nothing
at all is dropped while the clock of this machine is in doubt, while a site
hides snapshots, and while the newest snapshot holds far less than usual.

Examples:
  $ holdfast prune --dry-run
  $ holdfast prune app
`;

interface Options {
  dryRun?: boolean;
  evenIfUnusual?: boolean;
}

/** Adds the command to the program. */
export function addPrune(program: Command, start: Start): void {
  program
    .command('prune')
    .description('drop the snapshots that the configuration does not keep, and remove them after seven days')
    .argument('[source...]', 'names of sources (default: all)')
    .option('--dry-run', 'show what it would do and why, and do nothing')
    .option('--even-if-unusual', 'although the newest snapshot holds far less than those before it')
    .addHelpText('after', help)
    .action((sources: string[], options: Options) => start((context) => run(context, sources, options)));
}

async function run(context: Context, names: string[], options: Options): Promise<ErrorCode | undefined> {
  const [{ prune }, { byHand }, { chosenSources, namesInRepository }, { pruneText }, { clusterOf }] = await Promise.all(
    [
      import('../src/jobs/prune.ts'),
      import('../src/jobs/by-hand.ts'),
      import('./source-settings.ts'),
      import('./views/prune.ts'),
      import('../src/repository/source-name.ts'),
    ],
  );
  const { config } = await context.config();
  chosenSources(config, names);
  const dryRun = options.dryRun ?? false;
  await using opened = await openAccess(context, { host: dryRun ? 'optional' : 'required', sites: 'all' });
  const { keep, timeZone } = config.rotation;
  const keepOf = (name: string) => {
    const own = clusterOf(name) ?? name;
    return config.sources.find((source) => source.name === own)?.keep ?? keep;
  };
  const chosen = await namesInRepository(opened.access, config, names);
  const work = () =>
    prune(opened.access, {
      sources: chosen.map((name) => ({ name, keep: keepOf(name) })),
      timeZone,
      dryRun,
      ...(options.evenIfUnusual && { evenIfUnusual: true }),
    });
  const report = dryRun ? await work() : await byHand(opened.access, 'prune', work);
  context.finishProgress();
  const { width, style } = context.output;
  const view = () => pruneText(report, { width, style, timeZone });
  context.output.result('prune/1', report, view, { summary: report.outcome === 'done' });
  return report.outcome === 'done' ? undefined : report.outcome === 'partial' ? 'partial' : 'failed';
}
