/** `holdfast restore`: back to where it can be used. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import { HoldfastError } from '../src/base/errors.ts';
import type { RestoreRequest } from '../src/jobs/restore.ts';
import type { Context, Start } from './context.ts';
import { orElsewhere } from './elsewhere.ts';
import { openAccess } from './repository-access.ts';
import { collect, wholeNumber } from './usage.ts';
import type { Choices } from './views/restore.ts';

const help = `
Targets:
  postgres://user@host/name   a new database on that server
  name                        a new database on the server of the source
  postgres://admin@host/      of globals: roles and settings into that cluster
  dir:/path                   plain files: of a database its schema archive and
                              one COPY file for each table
  /path                       for a tree of files, or the output of a command

With --swap the new database takes the name of one that exists, which is kept
under another name; with --data-only rows go into the empty tables of one.

Needs the identity of an owner. Nothing that exists is overwritten. On a
terminal it shows what it would do, and asks. Give the password of a server that
a URL names in PGPASSWORD.

Examples:
  $ holdfast restore app@latest --to app_restored -i anna.key
  $ holdfast restore app@2026-11-22 --to app --into-schema rescued \\
      --table public.people -i anna.key
  $ holdfast restore app --to app --swap -i anna.key
  $ holdfast restore app --to postgres://postgres@test/app --schema-only \\
      --role-map app_owner=test --tablespace-map fast= -i anna.key
  $ holdfast restore documents --to /srv/restored --path contracts/2026 \\
      -i anna.key
`;

interface Options {
  to: string;
  table?: string[];
  schema?: string[];
  path?: string[];
  site?: string;
  overwrite?: boolean;
  intoSchema?: string;
  swap?: boolean;
  dataOnly?: boolean;
  schemaOnly?: boolean;
  roleMap?: string[];
  tablespaceMap?: string[];
  jobs?: number;
  dryRun?: boolean;
  yes?: boolean;
}

/** Adds the command to the program. */
export function addRestore(program: Command, start: Start): void {
  program
    .command('restore')
    .description('restore a snapshot, or parts of it')
    .argument('<snapshot>', 'such as app, app@latest or app@2026-11-22')
    .requiredOption('--to <target>', 'where to; see below')
    .option('--table <name>', 'only this table, or schema.table; repeatable', collect)
    .option('--schema <name>', 'only this schema; repeatable', collect)
    .option('--path <path>', 'only this path and what is under it; repeatable', collect)
    .option('--site <name>', 'read from this site')
    .option('--into-schema <name>', 'put tables into a database that exists, under this new schema')
    .option('--swap', 'put the database in the place of the one that has the name, which is kept')
    .option('--data-only', 'rows alone, into the empty tables of a database that exists')
    .option('--schema-only', 'everything but rows')
    .option('--role-map <old=new>', 'give what belongs to a role to another one; repeatable', collect)
    .option('--tablespace-map <old=new>', 'put what lies in a tablespace into another one; repeatable', collect)
    .option('--jobs <n>', 'how many things to do at the same time', wholeNumber('--jobs', 1))
    .option('--overwrite', 'empty a directory in which a restore was interrupted, and begin again')
    .option('--dry-run', 'show what it would do, and do nothing')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', help)
    .action((snapshot: string, options: Options) => start((context) => run(context, snapshot, options)));
}

async function run(context: Context, address: string, options: Options): Promise<ErrorCode | undefined> {
  const [{ prepareRestore }, { planText, restoredText, shownTarget }] = await Promise.all([
    import('../src/jobs/restore.ts'),
    import('./views/restore.ts'),
  ]);
  const request = await requestOf(context, address, options);
  await using opened = await openAccess(context, { host: 'optional', sites: 'one', site: options.site });
  const { access } = opened;
  const { plan, run: restore } = await orElsewhere(context, address, access.site.name, () =>
    prepareRestore(access, request),
  );
  const { output } = context;
  const { config } = await context.config();
  const parts = { tables: request.tables, schemas: request.schemas, paths: request.paths };
  const choices = choicesOf(request);
  const view = { style: output.errorStyle, timeZone: config.rotation.timeZone, parts, choices };
  const { replaces, ...planned } = plan;
  const document = {
    ...planned,
    ...parts,
    ...choices,
    target: shownTarget(plan.target),
    ...(replaces !== undefined && { replaces }),
    dryRun: options.dryRun === true,
  };
  if (options.dryRun) {
    context.finishProgress();
    output.result('restore/1', document, () => planText(plan, { ...view, style: output.style }));
    return undefined;
  }
  if (context.interactive && !options.yes) {
    context.pauseProgress();
    output.aside(planText(plan, view));
    await confirmed(context);
  }
  const report = await restore();
  context.finishProgress();
  const done = {
    ...document,
    restored: report.restored,
    shortfalls: report.shortfalls,
    durationMs: report.durationMs,
    ...(request.swap === true && { keptAs: report.keptAs ?? null }),
  };
  output.result('restore/1', done, () => restoredText(report, output.style, choices), { summary: true });
  return report.shortfalls.some(({ degrades }) => degrades) ? 'partial' : undefined;
}

async function requestOf(context: Context, address: string, options: Options): Promise<RestoreRequest> {
  const [{ readMap, readTable, readTarget }, { connectionOf, sourceNamed }] = await Promise.all([
    import('./restore-target.ts'),
    import('./source-settings.ts'),
  ]);
  const { config } = await context.config();
  const at = address.lastIndexOf('@');
  const source = sourceNamed(config, at < 0 ? address : address.slice(0, at));
  const { cwd, environment } = context;
  const target = await readTarget({
    to: options.to,
    intoSchema: options.intoSchema,
    source,
    sourceConnection: () => {
      if (source.type === 'postgres') return connectionOf(context, source);
      throw new HoldfastError('usage', `The source ${source.name} is not a database.`);
    },
    cwd,
    environment,
  });
  const tables = (options.table ?? []).map(readTable);
  return {
    address,
    target,
    tables,
    schemas: options.schema ?? [],
    paths: options.path ?? [],
    overwrite: options.overwrite ?? false,
    swap: options.swap ?? false,
    dataOnly: options.dataOnly ?? false,
    schemaOnly: options.schemaOnly ?? false,
    roleMap: readMap('--role-map', options.roleMap ?? [], false),
    tablespaceMap: readMap('--tablespace-map', options.tablespaceMap ?? [], true),
    ...(options.jobs !== undefined && { jobs: options.jobs }),
    env: environment,
  };
}

function choicesOf({ swap, dataOnly, schemaOnly, roleMap, tablespaceMap, jobs }: RestoreRequest): Choices {
  return {
    swap: swap === true,
    dataOnly: dataOnly === true,
    schemaOnly: schemaOnly === true,
    roleMap: Object.fromEntries(roleMap ?? []),
    tablespaceMap: Object.fromEntries(tablespaceMap ?? []),
    jobs: jobs ?? null,
  };
}

async function confirmed(context: Context): Promise<void> {
  const { confirm } = await import('@inquirer/prompts');
  const channel = { output: context.output.stderr, signal: context.signal };
  if (await confirm({ message: 'Restore it?', default: true }, channel)) return;
  throw new HoldfastError('interrupted', 'Nothing was restored.', { why: 'The question was answered with no.' });
}
