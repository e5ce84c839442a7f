/** `holdfast pseudonymize`: what becomes of personal data in a copy for tests. */
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import type { ClassifySettings } from '../src/jobs/pseudonymize/classify.ts';
import type { Context, Start } from './context.ts';

const scanHelp = `
Reads the catalogs and some rows of each table, in a read-only transaction. Row
values are shown nowhere and written nowhere.

Examples:
  $ holdfast pseudonymize scan              what looks personal, and why
  $ holdfast pseudonymize scan app --write  adds what is new to the lock file
`;

const planHelp = `
Ends with 2 as long as something is new, changed or not reviewed, or a rule would
break a constraint.

Examples:
  $ holdfast pseudonymize plan
  $ holdfast pseudonymize plan app --ci     one line each, for a pipeline
`;

/** Adds the command and those below it. */
export function addPseudonymize(program: Command, start: Start): void {
  const pseudonymize = program
    .command('pseudonymize')
    .description('pseudonymized copies: find personal data, review what becomes of it');
  pseudonymize
    .command('scan')
    .description('find personal data in a live database, and propose rules')
    .argument('[source]', 'a PostgreSQL database (default: `pseudonymize.source`)')
    .option('--write', 'add to the lock file what is new, marked `review: needed`')
    .addHelpText('after', scanHelp)
    .action((source: string | undefined, { write = false }: { write?: boolean }) =>
      start((context) => scan(context, source, write)),
    );
  pseudonymize
    .command('plan')
    .description('hold the lock file against the database as it is')
    .argument('[source]', 'a PostgreSQL database (default: `pseudonymize.source`)')
    .option('--ci', 'one line for each problem, and nothing else')
    .addHelpText('after', planHelp)
    .action((source: string | undefined, { ci = false }: { ci?: boolean }) =>
      start((context) => plan(context, source, ci)),
    );
}

async function scan(context: Context, source: string | undefined, write: boolean): Promise<undefined> {
  const [{ scanSource }, { scanDocument, scanText }] = await Promise.all([
    import('../src/jobs/pseudonymize/classify.ts'),
    import('./views/pseudonymize.ts'),
  ]);
  const report = await scanSource(await settings(context, source), { write });
  context.finishProgress();
  const { width, style } = context.output;
  const { verbose } = context.flags;
  context.output.result('pseudonymize-scan/1', scanDocument(report), () => scanText(report, { width, style, verbose }));
}

async function plan(context: Context, source: string | undefined, ci: boolean): Promise<'config' | undefined> {
  const [{ planCopy }, { planDocument, planLines, planText }] = await Promise.all([
    import('../src/jobs/pseudonymize/classify.ts'),
    import('./views/pseudonymize.ts'),
  ]);
  const report = await planCopy(await settings(context, source));
  context.finishProgress();
  const { width, style } = context.output;
  const text = () => (ci ? planLines(report) : planText(report, { width, style, verbose: context.flags.verbose }));
  context.output.result('pseudonymize-plan/1', planDocument(report), text);
  return report.problems.some(({ severity }) => severity === 'error') ? 'config' : undefined;
}

async function settings(context: Context, given: string | undefined): Promise<ClassifySettings> {
  const [
    { config, directory },
    { resolve },
    { sourceNamed, connectionOf },
    { databaseOf },
    { HoldfastError },
    { isCluster },
    { lockEnding },
  ] = await Promise.all([
    context.config(),
    import('node:path'),
    import('./source-settings.ts'),
    import('../src/repository/source-name.ts'),
    import('../src/base/errors.ts'),
    import('../config/sources.ts'),
    import('../config/pseudonymize.ts'),
  ]);
  const { pseudonymize } = config;
  const name = given ?? pseudonymize.source ?? onlyDatabase(config);
  if (name === undefined) {
    throw new HoldfastError('usage', 'It is not clear which source is meant.', {
      why: 'The configuration has none or several PostgreSQL databases, and `pseudonymize.source` names none.',
      hint: 'Name one: `holdfast pseudonymize scan app`.',
    });
  }
  const source = sourceNamed(config, name);
  const database = databaseOf(name);
  if (source.type !== 'postgres' || (isCluster(source) && database === undefined)) {
    throw new HoldfastError('usage', `The source ${name} is no PostgreSQL database.`, {
      why: source.type === 'postgres' ? 'It is a cluster of several.' : `It is of the type ${source.type}.`,
      hint:
        source.type === 'postgres'
          ? `Name one of its databases: ${name}/<database>`
          : 'Name a source of the type postgres.',
    });
  }
  const connection = await connectionOf(context, source);
  // A lock file that is named belongs to the source that is named beside it.
  const named = pseudonymize.source === undefined || pseudonymize.source === name ? pseudonymize.lock : undefined;
  return {
    source: name,
    connection: isCluster(source) && database !== undefined ? { ...connection, database } : connection,
    lockFile: resolve(directory, named ?? `${name.replaceAll('/', '.')}${lockEnding}`),
    sampleRows: pseudonymize.sample,
    emit: context.emit,
    signal: context.signal,
  };
}

function onlyDatabase({ sources }: Config): string | undefined {
  const databases = sources.filter((source) => source.type === 'postgres' && source.databases === undefined);
  return databases.length === 1 ? databases[0]!.name : undefined;
}
