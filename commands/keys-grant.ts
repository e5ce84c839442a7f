/** `holdfast keys grant`: keys for parties that were added later. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { Context, Start } from './context.ts';
import { finishKeyAct } from './key-acts.ts';
import { openAccess } from './repository-access.ts';
import { collect } from './usage.ts';

const help = `
Sources get their keys at their first backup, for the parties of that moment.
Whoever joins the configuration later opens nothing until an owner has granted
them keys: to everything, what was backed up before included.

A host that was lost and replaced: keep the old one under \`hosts\` with
\`retired: true\`, give the new one another name, and grant it keys with
--succeeds. Then the new one need not store again what the old one stored.

Examples:
  $ holdfast keys grant -i anna.key
  $ holdfast keys grant dora --source app -i anna.key
  $ holdfast keys grant web2 --succeeds web1 -i anna.key
`;

interface Options {
  source?: string[];
  succeeds?: string;
  dryRun?: boolean;
}

/** Adds the command below `keys`. */
export function addKeysGrant(keys: Command, start: Start): void {
  keys
    .command('grant')
    .description('give keys to parties that were added later (needs an owner)')
    .argument('[party...]', 'names of parties (default: all that lack keys)')
    .option('--source <name>', 'of this source; may be given several times (default: all)', collect)
    .option('--succeeds <host>', 'the one party is a host that takes the place of this lost one')
    .option('--dry-run', 'show who would get what, and write nothing')
    .addHelpText('after', help)
    .action((parties: string[], options: Options) => start((context) => grant(context, parties, options)));
}

async function grant(context: Context, parties: string[], options: Options): Promise<ErrorCode | undefined> {
  const [{ grantKeys }, { chosenSources, namesInRepository }, { grantText }] = await Promise.all([
    import('../src/jobs/keys-grant.ts'),
    import('./source-settings.ts'),
    import('./views/key-acts.ts'),
  ]);
  const { source = [], succeeds, dryRun = false } = options;
  const { config } = await context.config();
  chosenSources(config, source);
  await using opened = await openAccess(context, { host: 'at-hand', sites: 'all' });
  const sources = await namesInRepository(opened.access, config, source);
  const request = { sources, parties, dryRun, ...(succeeds !== undefined && { succeeds }) };
  return finishKeyAct(context, 'keys-grant/1', await grantKeys(opened.access, request), grantText);
}
