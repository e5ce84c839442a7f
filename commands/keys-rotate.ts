/** `holdfast keys rotate`: a new generation of keys, without those who have left. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { Context, Start } from './context.ts';
import { finishKeyAct } from './key-acts.ts';
import { openAccess } from './repository-access.ts';
import { collect } from './usage.ts';

const help = `
What is stored from now on is sealed to the parties that the configuration has
now. Remove who has left, or set \`retired: true\` where their signatures must
still count, and then run this. What they could open before they still can.
Nothing is stored again.

Example:
  $ holdfast keys rotate -i anna.key
`;

interface Options {
  source?: string[];
  dryRun?: boolean;
}

/** Adds the command below `keys`. */
export function addKeysRotate(keys: Command, start: Start): void {
  keys
    .command('rotate')
    .description('new keys for new data, without parties that left (needs an owner)')
    .option('--source <name>', 'of this source; may be given several times (default: all)', collect)
    .option('--dry-run', 'show who would get them, and write nothing')
    .addHelpText('after', help)
    .action((options: Options) => start((context) => rotate(context, options)));
}

async function rotate(context: Context, { source = [], dryRun = false }: Options): Promise<ErrorCode | undefined> {
  const [{ rotateKeys }, { chosenSources, namesInRepository }, { rotateText }] = await Promise.all([
    import('../src/jobs/keys-rotate.ts'),
    import('./source-settings.ts'),
    import('./views/key-acts.ts'),
  ]);
  const { config } = await context.config();
  chosenSources(config, source);
  await using opened = await openAccess(context, { host: 'at-hand', sites: 'all' });
  const sources = await namesInRepository(opened.access, config, source);
  return finishKeyAct(context, 'keys-rotate/1', await rotateKeys(opened.access, { sources, dryRun }), rotateText);
}
