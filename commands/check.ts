/** `holdfast check`: is everything there, and is it what it should be? */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { CheckReport, CheckRequest } from '../src/jobs/check.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';
import { badUsage } from './usage.ts';

const help = `
Looks at every site, or at one with --site. Without any key it holds objects
against their names and signatures, and the sites against each other; with the
key of this host also against what snapshots need; with an owner's, chunk by
chunk. Exit status 4 means damage; \`holdfast repair\` mends it.

--read-data reads packs too: all of them; with 3/7 the third of seven parts,
the same packs each time; with oldest/30 those read longest ago, so that each is
read within 30 runs.

Examples:
  $ holdfast check
  $ holdfast check app --site vault --read-data 3/7
  $ holdfast check --keyless --read-data oldest/30
  $ holdfast check --read-data -i anna.key
`;

interface Options {
  site?: string;
  readData?: string | true;
  keyless?: boolean;
  rebuildIndex?: boolean;
}

/** Adds the command to the program. */
export function addCheck(program: Command, start: Start): void {
  program
    .command('check')
    .description('hold what lies at the sites against what it should be')
    .argument('[source...]', 'names of sources (default: all)')
    .option('--site <name>', 'look at this site only')
    .option('--read-data [part]', 'read the packs too: all, part N/M, or oldest/M')
    .option('--keyless', 'use no key, also where there is one')
    .option('--rebuild-index', 'describe packs anew that no index object describes (needs an owner)')
    .addHelpText('after', help)
    .action((sources: string[], options: Options) => start((context) => run(context, sources, options)));
}

async function run(context: Context, names: string[], options: Options): Promise<ErrorCode | undefined> {
  const readData = readPart(options.readData);
  const { keyless = false, rebuildIndex = false, site } = options;
  if (keyless && rebuildIndex) throw badUsage('--rebuild-index needs keys, and --keyless uses none.');
  const [{ check }, { byHand }, { chosenSources, namesToExamine }, { checkText }] = await Promise.all([
    import('../src/jobs/check.ts'),
    import('../src/jobs/by-hand.ts'),
    import('./source-settings.ts'),
    import('./views/check.ts'),
  ]);
  const { config } = await context.config();
  chosenSources(config, names);
  const host = keyless ? 'none' : rebuildIndex ? 'required' : 'at-hand';
  await using opened = await openAccess(context, {
    host,
    sites: 'all',
    site,
    readOnly: !rebuildIndex,
    olderVersions: true,
  });
  const request: CheckRequest = {
    sources: await namesToExamine(opened.access, config, names),
    unnamed: names.length === 0,
    ...(keyless && { keyless }),
    ...(readData && { readData }),
    ...(rebuildIndex && { rebuildIndex }),
  };
  const report = await byHand(opened.access, 'check', () => check(opened.access, request));
  if (report.outcome === 'damaged') await tellOfDamage(context, report);
  context.finishProgress();
  const { width, style } = context.output;
  const sound = report.outcome === 'sound';
  const view = () => checkText(report, { width, style, several: config.sites.length > 1 });
  context.output.result('check/1', report, view, { summary: sound });
  return sound ? undefined : report.outcome === 'partial' ? 'partial' : 'verification-failed';
}

/** To those who want to know: a check may be run by a timer of its own. */
async function tellOfDamage(context: Context, report: CheckReport): Promise<void> {
  const [{ authorOf, notifyOf }, { eventOfDamage }] = await Promise.all([
    import('./notifying.ts'),
    import('../src/jobs/run-event.ts'),
  ]);
  await notifyOf(context, eventOfDamage(await authorOf(context), report));
}

/** `3/7` → part 3 of 7; `oldest/30` → the thirtieth that was read longest ago. */
export function readPart(text: string | true | undefined): CheckRequest['readData'] {
  if (text === undefined) return undefined;
  if (text === true) return { part: 1, parts: 1 };
  const oldest = /^oldest\/([1-9]\d{0,8})$/.exec(text)?.[1];
  if (oldest !== undefined) return { oldestOf: Number(oldest) };
  const [, part, parts] = /^(\d{1,9})\/(\d{1,9})$/.exec(text)?.map(Number) ?? [];
  if (part !== undefined && parts !== undefined && part >= 1 && part <= parts) return { part, parts };
  throw badUsage(
    '--read-data wants N/M with N from 1 to M, oldest/M, or nothing.',
    'Put names of sources before it: holdfast check app --read-data 1/7.',
  );
}
