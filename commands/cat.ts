/** `holdfast cat`: the content of one thing, on standard output. */
import type { Command } from 'commander';
import type { Context, Start } from './context.ts';
import { orElsewhere } from './elsewhere.ts';
import { openAccess } from './repository-access.ts';
import { badUsage } from './usage.ts';

const help = `
Needs the identity of an owner. A table comes as PostgreSQL's COPY text. Output
that a failure cuts short is no whole file: mind the exit status.

Examples:
  $ holdfast cat documents contracts/2026/a.pdf -i anna.key > a.pdf
  $ holdfast cat app@2026-11-22 public.people -i anna.key | wc -l
  $ holdfast cat redis -i anna.key > redis.rdb
`;

/** Adds the command to the program. */
export function addCat(program: Command, start: Start): void {
  program
    .command('cat')
    .description('write the content of a file or table to standard output')
    .argument('<snapshot>', 'such as app, app@latest or app@2026-11-22')
    .argument('[path]', 'the file, or schema.table')
    .option('--site <name>', 'read from this site')
    .addHelpText('after', help)
    .action((snapshot: string, path: string | undefined, { site }: { site?: string }) =>
      start((context) => write(context, snapshot, path, site)),
    );
}

async function write(context: Context, address: string, path = '', site?: string): Promise<undefined> {
  if (context.output.json) throw badUsage('What `cat` writes is no JSON document.', 'Leave out --json.');
  const { readContent } = await import('../src/jobs/contents.ts');
  await using opened = await openAccess(context, { host: 'optional', sites: 'one', site });
  const { access } = opened;
  await orElsewhere(context, address, access.site.name, () =>
    readContent(access, address, path, (piece) => context.output.write(piece)),
  );
}
