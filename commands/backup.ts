/** `holdfast backup`: a snapshot now. */
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import type { ErrorCode, PlainError } from '../src/base/errors.ts';
import type { BackupReport } from '../src/jobs/backup.ts';
import type { WrittenPlace } from '../src/jobs/room.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';
import { collect } from './usage.ts';

const help = `
A source that fails does not keep the others from theirs; the exit status is 3
when some are not whole. Of a whole cluster every database is a source: main
means all of them, main/app one.

Examples:
  $ holdfast backup
  $ holdfast backup app documents --tag before-upgrade
  $ holdfast backup main/app
`;

/** Adds the command to the program. */
export function addBackup(program: Command, start: Start): void {
  program
    .command('backup')
    .description('make a snapshot of every source, or of those named')
    .argument('[source...]', 'names of sources (default: all)')
    .option('--tag <word>', 'mark the snapshots; repeatable', collect)
    .addHelpText('after', help)
    .action((sources: string[], { tag }: { tag?: string[] }) => start((context) => run(context, sources, tag ?? [])));
}

async function run(context: Context, names: string[], tags: string[]): Promise<ErrorCode | undefined> {
  const [
    { backup },
    { byHand },
    { lookForRoom },
    { backupSettingsOf, chosenSources, namedDatabases },
    { backupText },
    words,
  ] = await Promise.all([
    import('../src/jobs/backup.ts'),
    import('../src/jobs/by-hand.ts'),
    import('../src/jobs/room.ts'),
    import('./source-settings.ts'),
    import('./views/backup.ts'),
    import('./views/backup-words.ts'),
  ]);
  const { config } = await context.config();
  const chosen = chosenSources(config, names);
  await using opened = await openAccess(context, { host: 'required', sites: 'all' });
  const sources = await Promise.all(
    chosen.map((source) => backupSettingsOf(context, source, namedDatabases(source, names))),
  );
  for (const warning of await lookForRoom(writtenPlaces(config))) context.emit({ type: 'warning', ...warning });
  const report = await byHand(opened.access, 'backup', () =>
    backup(opened.access, { sources, tags, env: context.environment }),
  );
  for (const warning of words.warningsOf(report)) context.emit({ type: 'warning', ...warning });
  context.finishProgress();
  const { width, style, errorStyle, stderr } = context.output;
  const { verbose } = context.flags;
  for (const text of words.failureTexts(report, errorStyle, { verbose })) stderr.write(text);
  const view = { width, style, verbose, timeZone: config.rotation.timeZone };
  context.output.result('backup/1', shownReport(report), () => backupText(report, view), { summary: true });
  return codeOf(report);
}

/** Directories of this machine that a backup writes to. */
export function writtenPlaces({ state, sites }: Config): WrittenPlace[] {
  const disks = sites.flatMap((site) => (site.type === 'disk' ? [{ name: site.name, path: site.path }] : []));
  return [
    { what: 'the state directory', path: state, code: 'failed', optional: false },
    ...disks.map(({ name, path }) => ({
      what: `the site "${name}"`,
      path,
      code: 'site-full' as const,
      optional: sites.length > 1,
    })),
  ];
}

/** When all failed of one reason, that is the reason: a lease that is held, a missing key. */
export function codeOf({ outcome, sources }: BackupReport): ErrorCode | undefined {
  if (outcome === 'done') return undefined;
  if (outcome === 'partial') return 'partial';
  const codes = new Set(sources.map(({ error }) => error?.code ?? 'failed'));
  return codes.size === 1 ? [...codes][0] : 'failed';
}

/** Without stack traces, which are for people who look for a defect. */
export function shownReport({ outcome, sources, clusters, sites }: BackupReport) {
  return {
    outcome,
    sources: sources.map(withoutStack),
    sites: sites.map(withoutStack),
    clusters,
  };
}

export function withoutStack<T extends { error?: PlainError }>({ error, ...rest }: T) {
  if (!error) return rest;
  const { code, message, why, hint } = error;
  return { ...rest, error: { code, message, why, hint } };
}
