/** `holdfast pseudonymize check`: whether a database for tests is free of what is in production. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { ClassifySettings } from '../src/jobs/pseudonymize/classify.ts';
import type { Context, Start } from './context.ts';
import { addFromFlags, type FromFlags, fromWhere } from './pseudonymize-from.ts';
import { targetOf, treesOf } from './pseudonymize-places.ts';
import { addReportFlags, prepareReports, type ReportFlags } from './pseudonymize-reports.ts';
import { copyKey } from './pseudonymize-settings.ts';
import { wholeNumber } from './usage.ts';

const help = `
Reads the originals of every ruled column and searches the other database for
them: rows, definitions, large objects, and the files that belong to it. It may
have been made by another program, or worked with for weeks. Nothing is written.

4: an original was found, 5: parts could not be searched. Rows that are new in
production since the copy was made change nothing; give --from the snapshot that
it was made of for an answer to the row.

Examples:
  $ holdfast pseudonymize check
  $ holdfast pseudonymize check app --to postgres://me@preprod/app_test
  $ holdfast pseudonymize check --html leaks.html --statement leaks.json
`;

interface Options extends ReportFlags, FromFlags {
  to?: string;
  jobs?: number;
}

export function addPseudonymizeCheck(parent: Command, start: Start): void {
  const command = parent
    .command('check')
    .description('search a database for tests for originals')
    .argument('[source]', 'a PostgreSQL database (default: `pseudonymize.source`)')
    .option('--to <url>', 'the database to search (default: `pseudonymize.target`)')
    .option('--jobs <n>', 'how many tables to read at the same time', wholeNumber('--jobs', 1));
  addFromFlags(command);
  addReportFlags(command)
    .addHelpText('after', help)
    .action((source: string | undefined, options: Options) => start((context) => check(context, source, options)));
}

async function check(context: Context, given: string | undefined, options: Options): Promise<ErrorCode | undefined> {
  const { checkedDocument, checkedText } = await import('./views/pseudonymize-copy.ts');
  const { output, clock } = context;
  const reports = await prepareReports(context, options);
  const started = clock.now();
  const made = await fromWhere(context, given, options, (classify) => checked(context, classify, options));
  context.finishProgress();
  output.result('pseudonymize-check/1', checkedDocument(made), () => checkedText(made, output.style));
  await reports.write(made, { started, ended: clock.now() });
  const { verdict } = made.leaks;
  if (verdict === 'pass') return undefined;
  return verdict === 'fail' ? 'verification-failed' : 'could-not-verify';
}

async function checked(context: Context, classify: ClassifySettings, options: Options) {
  const [{ config }, { availableParallelism }, { key, secret }, { checkCopy }, { existsSync }] = await Promise.all([
    context.config(),
    import('node:os'),
    copyKey(context),
    import('../src/jobs/pseudonymize/check-copy.ts'),
    import('node:fs'),
  ]);
  const { quasiIdentifiers, jobs } = config.pseudonymize;
  const { admin, database } = await targetOf(context, options);
  const trees = await treesOf(context);
  return checkCopy({
    ...classify,
    key,
    secret,
    copy: { ...admin, database },
    quasiIdentifiers,
    // One that is not there holds nothing.
    directories: trees.map(({ target }) => target).filter((path) => existsSync(path)),
    jobs: options.jobs ?? jobs ?? availableParallelism(),
    env: context.environment,
    clock: context.clock,
  });
}
