/** `holdfast check`: is everything there, and is it what it should be? */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { CheckRequest } from '../src/jobs/check.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';
import { badUsage } from './usage.ts';

const help = `
Without the identity of an owner, objects are held against their names; with
one, every chunk is opened as well. --read-data N/M reads part N of M, the same
packs each time: seven parts make a week. Exit status 4 means damage.

Examples:
  $ holdfast check
  $ holdfast check app --read-data 3/7
  $ holdfast check --read-data -i anna.key
`;

interface Options {
  readData?: string | true;
  rebuildIndex?: boolean;
}

/** Adds the command to the program. */
export function addCheck(program: Command, start: Start): void {
  program
    .command('check')
    .description('hold what lies at the site against what it should be')
    .argument('[source...]', 'names of sources (default: all)')
    .option('--read-data [N/M]', 'read the packs too: all, or part N of M')
    .option('--rebuild-index', 'describe packs anew that no index object describes (needs an owner)')
    .addHelpText('after', help)
    .action((sources: string[], options: Options) => start((context) => run(context, sources, options)));
}

async function run(context: Context, names: string[], options: Options): Promise<ErrorCode | undefined> {
  const readData = readPart(options.readData);
  const [{ check }, { chosenSources }, { checkText }] = await Promise.all([
    import('../src/jobs/check.ts'),
    import('./source-settings.ts'),
    import('./views/check.ts'),
  ]);
  const { config } = await context.config();
  const sources = chosenSources(config, names).map(({ name }) => name);
  await using opened = await openAccess(context, { host: options.rebuildIndex ? 'required' : 'optional' });
  const request: CheckRequest = {
    sources,
    ...(readData && { readData }),
    ...(options.rebuildIndex && { rebuildIndex: true }),
  };
  const report = await check(opened.access, request);
  context.finishProgress();
  const { width, style } = context.output;
  const sound = report.outcome === 'sound';
  const view = () => checkText(report, { width, style, unseen: sources.length - report.sources.length });
  context.output.result('check/1', report, view, { summary: sound });
  return sound ? undefined : 'verification-failed';
}

/** `3/7` → part 3 of 7. The same parts hold the same packs whenever it is asked. */
export function readPart(text: string | true | undefined): CheckRequest['readData'] {
  if (text === undefined) return undefined;
  if (text === true) return { part: 1, parts: 1 };
  const [, part, parts] = /^(\d{1,9})\/(\d{1,9})$/.exec(text)?.map(Number) ?? [];
  if (part !== undefined && parts !== undefined && part >= 1 && part <= parts) return { part, parts };
  throw badUsage(
    '--read-data wants N/M with N from 1 to M, or nothing.',
    'Put names of sources before it: holdfast check app --read-data 1/7.',
  );
}
