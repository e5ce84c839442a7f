/** `holdfast pseudonymize run`: makes the copy. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { CopySettings, CopyTarget } from '../src/jobs/pseudonymize/copy-settings.ts';
import type { Context, Start } from './context.ts';
import { classifySettings, copyKey } from './pseudonymize-settings.ts';
import { badUsage, wholeNumber } from './usage.ts';

const help = `
Rows go from one server to the other and are rewritten on the way: clear values
never reach the server of the copy. The copy is made under another name, looked
at, and then takes the name of the one before, which serves until then.

Refused (exit status 2) as long as \`holdfast pseudonymize plan\` finds something
that nobody decided. What has the name and is no copy made by Holdfast is never
replaced. Give the password of a server that a URL names in PGPASSWORD.

Examples:
  $ holdfast pseudonymize run
  $ holdfast pseudonymize run app --to postgres://me@preprod/app_test
  $ holdfast pseudonymize run --dry-run
`;

interface Options {
  to?: string;
  replace?: boolean;
  keepReplaced?: boolean;
  jobs?: number;
  dryRun?: boolean;
}

export function addPseudonymizeRun(parent: Command, start: Start): void {
  parent
    .command('run')
    .description('make the pseudonymized copy')
    .argument('[source]', 'a PostgreSQL database (default: `pseudonymize.source`)')
    .option('--to <url>', 'server and name of the copy (default: `pseudonymize.target`)')
    .option('--no-replace', 'stop when a database of that name is there')
    .option('--keep-replaced', 'leave the copy that is replaced under another name')
    .option('--jobs <n>', 'how many tables to copy at the same time', wholeNumber('--jobs', 1))
    .option('--dry-run', 'check everything, and copy nothing')
    .addHelpText('after', help)
    .action((source: string | undefined, options: Options) => start((context) => run(context, source, options)));
}

async function run(context: Context, source: string | undefined, options: Options): Promise<ErrorCode | undefined> {
  const [{ copyDatabase }, { copiedDocument, copiedText, plannedText }, { reviewedLock }, { availableParallelism }] =
    await Promise.all([
      import('../src/jobs/pseudonymize/copy-database.ts'),
      import('./views/pseudonymize-copy.ts'),
      import('../src/jobs/pseudonymize/classify.ts'),
      import('node:os'),
    ]);
  const { config } = await context.config();
  const classify = await classifySettings(context, source);
  const { key, secret } = await copyKey(context);
  const target = await targetOf(context, options);
  const { output } = context;
  if (options.dryRun) {
    await reviewedLock(classify);
    context.finishProgress();
    const planned = { source: classify.source, keyFingerprint: key.fingerprint, target: shownTarget(target) };
    output.result('pseudonymize-run/1', { dryRun: true, ...planned }, () => plannedText(planned, output.style));
    return undefined;
  }
  const settings: CopySettings = {
    ...classify,
    key,
    secret,
    target,
    after: await Promise.all(config.pseudonymize.after.map(readSql)),
    jobs: options.jobs ?? config.pseudonymize.jobs ?? availableParallelism(),
    env: context.environment,
    clock: context.clock,
  };
  const report = await copyDatabase(settings);
  context.finishProgress();
  output.result('pseudonymize-run/1', copiedDocument(report), () =>
    copiedText(report, { style: output.style, width: output.width }),
  );
  return report.shortfalls.some(({ degrades }) => degrades) ? 'partial' : undefined;
}

/** @throws HoldfastError `usage` when nothing says where the copy goes */
async function targetOf(context: Context, options: Options): Promise<CopyTarget> {
  const [{ config }, { readPostgresUrl }, { withPassword }] = await Promise.all([
    context.config(),
    import('./postgres-url.ts'),
    import('./source-settings.ts'),
  ]);
  const { target } = config.pseudonymize;
  const keepReplaced = options.keepReplaced ?? target?.keepReplaced ?? false;
  const replace = (options.replace ?? true) && (target?.replace ?? true);
  if (options.to !== undefined) {
    const { connection, password = context.environment.PGPASSWORD } = readPostgresUrl(options.to, '--to');
    const server = withPassword(connection, password);
    return {
      admin: { ...server, database: maintenance(server.database) },
      database: server.database,
      replace,
      keepReplaced,
    };
  }
  if (target === undefined) {
    throw badUsage('Nothing says where the copy goes.', 'Set `pseudonymize.target`, or give --to postgres://….');
  }
  const password = target.password && (await context.secret(target.password));
  const server = withPassword(target.connection, password);
  return {
    admin: { ...server, database: maintenance(server.database) },
    database: server.database,
    replace,
    keepReplaced,
  };
}

/** Through which the server is reached: not the one that may have to give up its name. */
function maintenance(database: string): string {
  return database === 'postgres' ? 'template1' : 'postgres';
}

function shownTarget({ admin, database, replace }: CopyTarget): { server: string; database: string; replace: boolean } {
  return { server: `${admin.host}:${admin.port}`, database, replace };
}

async function readSql(path: string): Promise<{ name: string; sql: string }> {
  try {
    return { name: path, sql: await readFile(path, 'utf8') };
  } catch (error) {
    const { HoldfastError, systemCode } = await import('../src/base/errors.ts');
    throw new HoldfastError('config', `The file ${path} cannot be read.`, {
      why: `\`pseudonymize.after\` names it; the system says ${systemCode(error) ?? 'nothing'}.`,
      cause: error,
    });
  }
}
