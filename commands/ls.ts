/** `holdfast ls`: the tables or files of a snapshot. */
import type { Command } from 'commander';
import type { Context, Start } from './context.ts';
import { orElsewhere } from './elsewhere.ts';
import { openAccess } from './repository-access.ts';

const help = `
Needs the identity of an owner: names of files and tables lie in the data.

Examples:
  $ holdfast ls documents@latest contracts/2026 -i anna.key
  $ holdfast ls app public -i anna.key       the tables of the schema public
`;

/** Adds the command to the program. */
export function addLs(program: Command, start: Start): void {
  program
    .command('ls')
    .description('list the files or tables of a snapshot')
    .argument('<snapshot>', 'such as app, app@latest or app@2026-11-22')
    .argument('[path]', 'only this and what is under it; of a database, a schema or schema.table')
    .option('--site <name>', 'read from this site')
    .addHelpText('after', help)
    .action((snapshot: string, path: string | undefined, { site }: { site?: string }) =>
      start((context) => list(context, snapshot, path, site)),
    );
}

async function list(
  context: Context,
  address: string,
  path: string | undefined,
  site: string | undefined,
): Promise<undefined> {
  const [{ listContents }, { contentLine }] = await Promise.all([
    import('../src/jobs/contents.ts'),
    import('./views/contents.ts'),
  ]);
  const { config } = await context.config();
  await using opened = await openAccess(context, { host: 'optional', sites: 'one', site });
  const { access } = opened;
  const { lines, ...about } = await orElsewhere(context, address, access.site.name, () =>
    listContents(access, address, path),
  );
  context.finishProgress();
  const { output } = context;
  if (output.json) {
    await output.documentOf('ls/1', about, 'entries', lines());
    return;
  }
  for await (const line of lines()) {
    await output.write(contentLine(line, { style: output.style, timeZone: config.rotation.timeZone }));
  }
}
