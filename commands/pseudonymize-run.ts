/** `holdfast pseudonymize run`: makes the copy. */
import { type Command, Option } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { ArchiveFormat } from '../src/jobs/pseudonymize/archive-dump.ts';
import type { ClassifySettings } from '../src/jobs/pseudonymize/classify.ts';
import type { CopyReport, CopySettings } from '../src/jobs/pseudonymize/copy-settings.ts';
import type { SnapshotInfo } from '../src/jobs/pseudonymize/from-snapshot.ts';
import type { Context, Start } from './context.ts';
import { addFromFlags, type FromFlags, fromWhere } from './pseudonymize-from.ts';
import { readSql, shownTarget, targetOf, treesOf } from './pseudonymize-places.ts';
import { addReportFlags, prepareReports, type ReportFlags } from './pseudonymize-reports.ts';
import { copyKey } from './pseudonymize-settings.ts';
import { collect, wholeNumber } from './usage.ts';

const help = `
Rows go from one server to the other and are rewritten on the way: clear values
never reach the server of the copy. The copy is made under another name, searched
for originals, and then takes the name of the one before, which serves until then.

Refused (exit status 2) as long as \`holdfast pseudonymize plan\` finds something
that nobody decided. 4: an original was found in the copy, 5: parts of it could
not be searched; then the copy before stays. What has the name and is no copy made
by Holdfast is never replaced. Give the password of a server that a URL names in
PGPASSWORD.

Examples:
  $ holdfast pseudonymize run
  $ holdfast pseudonymize run --from app@2026-11-22 -i anna.key
  $ holdfast pseudonymize run app --to postgres://me@preprod/app_test
  $ holdfast pseudonymize run --to-archive app.dump --recipient age1…
  $ holdfast pseudonymize run --dry-run
`;

interface Options extends ReportFlags, FromFlags {
  to?: string;
  toArchive?: string;
  format?: ArchiveFormat;
  recipient?: string[];
  overwrite?: boolean;
  replace?: boolean;
  keepReplaced?: boolean;
  jobs?: number;
  dryRun?: boolean;
}

export function addPseudonymizeRun(parent: Command, start: Start): void {
  const command = parent
    .command('run')
    .description('make the pseudonymized copy')
    .argument('[source]', 'a PostgreSQL database (default: `pseudonymize.source`)')
    .option('--to <url>', 'server and name of the copy (default: `pseudonymize.target`)')
    .addOption(
      new Option('--to-archive <file>', 'an archive in place of a database').conflicts([
        'to',
        'keepReplaced',
        'replace',
      ]),
    )
    .addOption(
      new Option('--format <format>', 'of the archive').choices(['custom', 'directory', 'plain-sql']).default('custom'),
    )
    .option('--recipient <age1…>', 'seal the archive to this age recipient; repeatable', collect)
    .option('--overwrite', 'replace an archive of that name, once the new one is whole')
    .option('--no-replace', 'stop when a database of that name is there')
    .option('--keep-replaced', 'leave the copy that is replaced under another name')
    .option('--jobs <n>', 'how many tables to copy at the same time', wholeNumber('--jobs', 1))
    .option('--dry-run', 'check everything that is decided, and copy nothing');
  addFromFlags(command);
  addReportFlags(command)
    .addHelpText('after', help)
    .action((source: string | undefined, options: Options) => start((context) => run(context, source, options)));
}

type Made = CopyReport & { snapshot?: Omit<SnapshotInfo, 'shortfalls'> };

async function run(context: Context, given: string | undefined, options: Options): Promise<ErrorCode | undefined> {
  const { copiedDocument, copiedText } = await import('./views/pseudonymize-copy.ts');
  const { output, clock } = context;
  const reports = await prepareReports(context, options);
  const started = clock.now();
  const made = await fromWhere(context, given, options, (classify, info) => copied(context, classify, options, info));
  context.finishProgress();
  if (made === undefined) return undefined;
  const view = { style: output.style, width: output.width };
  output.result('pseudonymize-run/1', copiedDocument(made), () => copiedText(made, view));
  await reports.write(made, { started, ended: clock.now() });
  if (made.leaks.verdict === 'fail') return 'verification-failed';
  if (!made.published) return 'could-not-verify';
  return made.shortfalls.some(({ degrades }) => degrades) ? 'partial' : undefined;
}

/** @returns undefined of a dry run */
async function copied(
  context: Context,
  classify: ClassifySettings,
  options: Options,
  info: SnapshotInfo | undefined,
): Promise<Made | undefined> {
  const [{ config }, { availableParallelism }, { key, secret }] = await Promise.all([
    context.config(),
    import('node:os'),
    copyKey(context),
  ]);
  const { after, subset, quasiIdentifiers, unread, jobs } = config.pseudonymize;
  const settings: Omit<CopySettings, 'target'> = {
    ...classify,
    key,
    secret,
    after: await Promise.all(after.map(readSql)),
    subset,
    quasiIdentifiers,
    trees: await treesOf(context),
    acceptUnread: unread === 'accept',
    jobs: options.jobs ?? jobs ?? availableParallelism(),
    env: context.environment,
    clock: context.clock,
  };
  if (options.dryRun) return planned(context, settings, options);
  const report = await (options.toArchive === undefined ? intoDatabase : intoArchive)(context, settings, options);
  if (info === undefined) return report;
  const { shortfalls, ...snapshot } = info;
  return { ...report, snapshot, shortfalls: [...shortfalls, ...report.shortfalls] };
}

async function intoDatabase(
  context: Context,
  settings: Omit<CopySettings, 'target'>,
  options: Options,
): Promise<CopyReport> {
  const { copyDatabase } = await import('../src/jobs/pseudonymize/copy-database.ts');
  return copyDatabase({ ...settings, target: await targetOf(context, options) });
}

async function intoArchive(
  context: Context,
  settings: Omit<CopySettings, 'target'>,
  options: Options,
): Promise<CopyReport> {
  const [{ config }, { copyToArchive }, { scratchOf }, { resolve }] = await Promise.all([
    context.config(),
    import('../src/jobs/pseudonymize/to-archive.ts'),
    import('./verify.ts'),
    import('node:path'),
  ]);
  return copyToArchive(settings, {
    file: resolve(context.cwd, options.toArchive!),
    format: options.format ?? 'custom',
    recipients: options.recipient,
    overwrite: options.overwrite,
    scratch: await scratchOf(context, { scratchDir: options.scratchDir }),
    scratchLimit: config.verify.limits.size,
  });
}

async function planned(context: Context, settings: Omit<CopySettings, 'target'>, options: Options): Promise<undefined> {
  const [{ reviewedLock }, { plannedText }] = await Promise.all([
    import('../src/jobs/pseudonymize/classify.ts'),
    import('./views/pseudonymize-copy.ts'),
  ]);
  await reviewedLock(settings);
  context.finishProgress();
  const { source, key } = settings;
  const where =
    options.toArchive === undefined ? shownTarget(await targetOf(context, options)) : { archive: options.toArchive };
  const shown = { source, keyFingerprint: key.fingerprint, target: where };
  const { output } = context;
  output.result('pseudonymize-run/1', { dryRun: true, ...shown }, () => plannedText(shown, output.style));
  return undefined;
}
