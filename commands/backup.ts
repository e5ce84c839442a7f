/** `holdfast backup`: a snapshot now. */
import type { Command } from 'commander';
import { type ErrorCode, fromPlainError } from '../src/base/errors.ts';
import type { BackupReport } from '../src/jobs/backup.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';
import { collect } from './usage.ts';

const help = `
A source that fails does not keep the others from theirs; the exit status is 3
when some are not whole.

Examples:
  $ holdfast backup
  $ holdfast backup app documents --tag before-upgrade
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
  const [{ backup }, { chosenSources, settingsOf }, { backupText }, { errorText }] = await Promise.all([
    import('../src/jobs/backup.ts'),
    import('./source-settings.ts'),
    import('./views/backup.ts'),
    import('./views/error.ts'),
  ]);
  const { config } = await context.config();
  const chosen = chosenSources(config, names);
  await using opened = await openAccess(context, { host: 'required' });
  const sources = await Promise.all(chosen.map((source) => settingsOf(context, source)));
  const report = await backup(opened.access, { sources, tags, env: context.environment });
  for (const { source, unansweredOwners } of report.sources) {
    if (unansweredOwners.length === 0) continue;
    context.emit({
      type: 'warning',
      source,
      text: `It does not count as protected yet: ${unansweredOwners.join(', ')} never showed that they can open it.`,
      hint: `holdfast keys test -i <identity file of ${unansweredOwners[0]}>`,
    });
  }
  context.finishProgress();
  const { width, style, errorStyle, stderr } = context.output;
  for (const { error } of report.sources) {
    if (error) stderr.write(errorText(fromPlainError(error), errorStyle, context.flags.verbose));
  }
  context.output.result('backup/1', shownReport(report), () => backupText(report, { width, style }), { summary: true });
  return codeOf(report);
}

/** When all failed of one reason, that is the reason: a lease that is held, a missing key. */
function codeOf({ outcome, sources }: BackupReport): ErrorCode | undefined {
  if (outcome === 'done') return undefined;
  if (outcome === 'partial') return 'partial';
  const codes = new Set(sources.map(({ error }) => error?.code ?? 'failed'));
  return codes.size === 1 ? [...codes][0] : 'failed';
}

/** Without stack traces, which are for people who look for a defect. */
function shownReport({ outcome, sources }: BackupReport) {
  return {
    outcome,
    sources: sources.map(({ error, ...rest }) => {
      if (!error) return rest;
      const { code, message, why, hint } = error;
      return { ...rest, error: { code, message, why, hint } };
    }),
  };
}
