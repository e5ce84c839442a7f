/** `holdfast keys distrust`: after a host was stolen. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { Context, Start } from './context.ts';
import { finishKeyAct } from './key-acts.ts';
import { openAccess } from './repository-access.ts';
import { collect } from './usage.ts';

const help = `
Of what the host signed, its snapshots from before --since count, and nothing
else: no later snapshot, no index, no tombstone. Each that counts is shown: look
at them, with --dry-run first. Their packs are looked at, and new backups rely on
those; everything else is stored again. New keys begin without the host. Then
change the configuration as the last lines say.

Examples:
  $ holdfast keys distrust web1 --since 2026-11-22 --dry-run -i anna.key
  $ holdfast keys distrust web1 --since 2026-11-22T18:00 -i anna.key
  $ holdfast keys distrust web1 --since 418 --source app -i anna.key
`;

interface Options {
  since: string;
  source?: string[];
  without?: string[];
  dryRun?: boolean;
}

/** Adds the command below `keys`. */
export function addKeysDistrust(keys: Command, start: Start): void {
  keys
    .command('distrust')
    .description('drop what a stolen host signed since then (needs an owner)')
    .argument('<host>', 'its name')
    .requiredOption('--since <first>', 'its first snapshot that does not count: a day, a time, a number, or an id')
    .option('--source <name>', 'of this source; may be given several times (default: all it may write)', collect)
    .option('--without <id>', 'an earlier snapshot that does not count either; several times', collect)
    .option('--dry-run', 'show what would count, and write nothing')
    .addHelpText('after', help)
    .action((host: string, options: Options) => start((context) => distrust(context, host, options)));
}

async function distrust(context: Context, host: string, options: Options): Promise<ErrorCode | undefined> {
  const [
    { distrustHost },
    { chosenSources, namesInRepository },
    { distrustText },
    { partiesOf },
    { covers },
    { publicLine },
  ] = await Promise.all([
    import('../src/jobs/keys-distrust.ts'),
    import('./source-settings.ts'),
    import('./views/key-acts.ts'),
    import('../config/trust-parties.ts'),
    import('../src/repository/source-name.ts'),
    import('../src/crypt/parties.ts'),
  ]);
  const { since, source = [], without = [], dryRun = false } = options;
  const { config } = await context.config();
  chosenSources(config, source);
  await using opened = await openAccess(context, { host: 'at-hand', sites: 'all' });
  const party = partiesOf(config).find(({ name }) => name === host);
  const names = await namesInRepository(opened.access, config, source);
  const sources = source.length > 0 ? names : names.filter((name) => covers(party?.sources, name));
  const report = await distrustHost(opened.access, { host, since, sources, without, dryRun });
  const entry = config.hosts.find((one) => one.public.name === host);
  const advice = {
    host,
    line: party ? publicLine(party) : host,
    isOwn: config.host.name === host,
    isDone: entry?.distrusted === true,
    sources: party?.sources,
  };
  return finishKeyAct(context, 'keys-distrust/1', report, (done, view) => distrustText(done, advice, view));
}
