/** `holdfast repair`: whole copies in the place of what is damaged or missing. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { RepairRequest } from '../src/jobs/repair.ts';
import { readPart } from './check.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';

const help = `
Finds what is missing, cut or damaged at a site, as \`check\` does, and puts a
whole copy from another site in its place. Objects are held against their names
and signatures before they are written, so no key is needed; with a key, what
only dropped snapshots need is left alone. What no site has whole is named, with
the snapshots that lack it, and with -i the tables and files as well: then the
exit status is 3.

Damage inside a pack of the right size shows only when it is read: --read-data,
as in \`check\`.

Examples:
  $ holdfast repair
  $ holdfast repair --site vault --read-data
  $ holdfast repair app --dry-run -i anna.key
`;

interface Options {
  site?: string;
  readData?: string | true;
  keyless?: boolean;
  dryRun?: boolean;
}

/** Adds the command to the program. */
export function addRepair(program: Command, start: Start): void {
  program
    .command('repair')
    .description('replace what is damaged or missing at a site from another site')
    .argument('[source...]', 'names of sources (default: all)')
    .option('--site <name>', 'mend this site only; copies are taken from any')
    .option('--read-data [part]', 'read the packs too: all, part N/M, or oldest/M')
    .option('--keyless', 'use no key, also where there is one')
    .option('--dry-run', 'show what it would mend, and write nothing')
    .addHelpText('after', help)
    .action((sources: string[], options: Options) => start((context) => run(context, sources, options)));
}

async function run(context: Context, names: string[], options: Options): Promise<ErrorCode | undefined> {
  const readData = readPart(options.readData);
  const { keyless = false, dryRun = false, site } = options;
  const [{ repair }, { chosenSources, namesToExamine }, { repairText }, { siteNamed }] = await Promise.all([
    import('../src/jobs/repair.ts'),
    import('./source-settings.ts'),
    import('./views/repair.ts'),
    import('./open-sites.ts'),
  ]);
  const { config } = await context.config();
  chosenSources(config, names);
  if (site !== undefined) siteNamed(config.sites, site);
  const host = keyless ? 'none' : 'at-hand';
  await using opened = await openAccess(context, { host, sites: 'all', readOnly: dryRun, olderVersions: true });
  const request: RepairRequest = {
    sources: await namesToExamine(opened.access, config, names),
    unnamed: names.length === 0,
    dryRun,
    ...(keyless && { keyless }),
    ...(readData && { readData }),
    ...(site !== undefined && { site }),
  };
  const report = await repair(opened.access, request);
  context.finishProgress();
  const { width, style } = context.output;
  const view = () => repairText(report, { width, style });
  context.output.result('repair/1', report, view, { summary: report.outcome !== 'partial' });
  return report.outcome === 'partial' ? 'partial' : undefined;
}
