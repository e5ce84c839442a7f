/** `holdfast compact`: rewrites packs of which little is needed any more. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';
import { badUsage } from './usage.ts';

const help = `
Snapshots that are gone leave packs in which only a part is needed. Those with
more than the share given (or compaction.deadShare, 0.3) to spare are opened, and
what is needed is stored in new ones at every site; \`holdfast prune\` removes the old
ones seven days later. Until then it takes room, and does not give any.

Needs the identity of an owner or a verifier, who can open packs, and no host
key. Backups may go on meanwhile. Interrupted, it leaves nothing to be mended.

Examples:
  $ holdfast compact --dry-run -i anna.key
  $ holdfast compact app --dead-share 0.2 -i anna.key
`;

interface Options {
  deadShare?: string;
  dryRun?: boolean;
}

/** Adds the command to the program. */
export function addCompact(program: Command, start: Start): void {
  program
    .command('compact')
    .description('rewrite packs of which little is needed any more (needs an owner)')
    .argument('[source...]', 'names of sources (default: all)')
    .option('--dead-share <share>', 'rewrite where more than this is dead (default: compaction.deadShare)')
    .option('--dry-run', 'show what it would rewrite, and write nothing')
    .addHelpText('after', help)
    .action((sources: string[], options: Options) => start((context) => run(context, sources, options)));
}

async function run(context: Context, names: string[], options: Options): Promise<ErrorCode | undefined> {
  const given = readShare(options.deadShare);
  const [{ compactSources }, { chosenSources, namesInRepository }, { compactText }] = await Promise.all([
    import('../src/jobs/compact.ts'),
    import('./source-settings.ts'),
    import('./views/compact.ts'),
  ]);
  const { config } = await context.config();
  const deadShare = given ?? config.compaction.deadShare;
  chosenSources(config, names);
  await using opened = await openAccess(context, { host: 'optional', sites: 'all' });
  const sources = await namesInRepository(opened.access, config, names);
  const report = await compactSources(opened.access, { sources, deadShare, dryRun: options.dryRun ?? false });
  context.finishProgress();
  const { width, style } = context.output;
  const { timeZone } = config.rotation;
  const view = () => compactText(report, { width, style, timeZone });
  context.output.result('compact/1', report, view, { summary: report.outcome === 'done' });
  if (report.outcome === 'done') return undefined;
  if (report.outcome === 'partial') return 'partial';
  const codes = new Set(report.sources.map(({ error }) => error?.code));
  return codes.size === 1 && codes.has('wrong-key') ? 'wrong-key' : 'failed';
}

/** `0.3` → 0.3 */
export function readShare(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const share = /^\d(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (share >= 0 && share < 1) return share;
  throw badUsage('--dead-share wants a number from 0 to less than 1.', 'For three tenths: --dead-share 0.3');
}
