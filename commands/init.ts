/** `holdfast init`: from a few answers to a working setup. */
import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Context, Start } from './context.ts';
import type { InitFlags } from './init/answers.ts';
import { collect } from './usage.ts';

const examples = `
Asks for what is missing when it runs on a terminal. The configuration is
./holdfast.yaml, or the file that -c names. Nothing that exists is overwritten.

Examples:
  $ holdfast init
  $ holdfast init --site /mnt/vault --operator 'Example Ltd' --country FR \\
      --owner anna --owner bert \\
      --postgres postgres://backup@db/app --files /srv/documents
  $ holdfast init --existing      only opens the site of a configuration
`;

/** Adds the command to the program. */
export function addInit(program: Command, start: Start): void {
  program
    .command('init')
    .description('make a configuration, the keys and the repository')
    .option('--site <path>', 'directory where the copies will lie')
    .option('--site-name <name>', 'what the site is called', 'vault')
    .option('--operator <name>', 'who runs that storage')
    .option('--country <code>', 'where it stands: ISO 3166-1, such as FR')
    .option('--host-name <name>', "this machine's name (default: its host name)")
    .option('--owner <name>', 'make the identity of an owner; repeatable', collect)
    .option('--owner-public <line>', 'public line of an owner (`holdfast keys new`); repeatable', collect)
    .option(
      '--owner-directory <dir>',
      'where identities of owners are written (default: owners, beside the configuration)',
    )
    .option('--postgres <[name=]url>', 'back up a PostgreSQL database; repeatable', collect)
    .option('--files <[name=]path>', 'back up a tree of files; repeatable', collect)
    .option('--state <dir>', 'local state and caches (default: holdfast-state, beside the configuration)')
    .option('--time-zone <zone>', "when days begin (default: the machine's)")
    .option('--existing', 'only open the site of the configuration that exists')
    .option('-y, --yes', 'ask nothing')
    .addHelpText('after', examples)
    .action((flags: InitFlags & { existing?: boolean }) =>
      start((context) => (flags.existing ? openExisting(context) : init(context, flags))),
    );
}

async function init(context: Context, flags: InitFlags): Promise<undefined> {
  const { planInit } = await import('./init/plan.ts');
  const { withNewFiles } = await import('./private-files.ts');
  const { initText } = await import('./views/init.ts');
  const { configFileName, systemConfigPath } = await import('../config/load.ts');
  const plan = await planInit(context, flags);
  const opened = await withNewFiles(plan.files, async () => {
    context.flags.config = plan.configPath;
    return openRepository(context);
  });
  const { owners } = plan;
  if (owners.filter(({ use }) => use === 'owner').length < 2) {
    context.emit({
      type: 'warning',
      text: 'There is only one owner: when that identity is lost, so are all backups.',
      hint: 'Let a second person run `holdfast keys new`, and add their public line to `owners`.',
    });
  }
  for (const text of plan.notes) context.emit({ type: 'note', text });
  context.finishProgress();
  const made = {
    config: plan.configPath,
    repository: opened.repository,
    trustSha256: opened.trustSha256,
    created: opened.created,
    hostIdentity: plan.hostIdentity,
    owners: owners.map(({ name, public: line, identityFile }) => ({ name, public: line, identityFile })),
    files: plan.files.map(({ path }) => path),
  };
  const near = (path: string) => {
    const short = relative(context.cwd, path);
    return short.startsWith('..') ? path : short;
  };
  const isDefault = made.config === resolve(context.cwd, configFileName) || made.config === systemConfigPath;
  const view = { style: context.output.style, typed: near, configFlag: isDefault ? '' : ` -c ${near(made.config)}` };
  context.output.result('init/1', made, () => initText(made, view));
}

/** For a site that is new, or was not there when the configuration was made. */
async function openExisting(context: Context): Promise<undefined> {
  const { openedText } = await import('./views/init.ts');
  const { path } = await context.config();
  const { repository, trustSha256, created } = await openRepository(context);
  context.finishProgress();
  const opened = { config: path, repository, trustSha256, created };
  context.output.result('init/1', opened, () => openedText(opened));
}

async function openRepository(context: Context) {
  const [{ openAccess }, { initEverywhere }] = await Promise.all([
    import('./repository-access.ts'),
    import('../src/jobs/init.ts'),
  ]);
  await using opened = await openAccess(context, { host: 'required', sites: 'all', createSite: true });
  return await initEverywhere(opened.access);
}
