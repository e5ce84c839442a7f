/** `holdfast pseudonymize reveal`: whom a pseudonym stands for. */
import type { Command } from 'commander';
import type { Context, Start } from './context.ts';
import { classifySettings, copyKey } from './pseudonymize-settings.ts';
import { badUsage } from './usage.ts';

const help = `
Needs the key of the pseudonyms and, but for kinds that lead back by themselves
(id, uuid, code, iban, …), the source database. Pseudonyms come on standard
input, one a line, so that they stand in no list of processes.

Who asked, when, for which column, how many and why is written to reveals.jsonl
in the state directory, with a hash of the line before, before anything is told.

Examples:
  $ echo 4711 | holdfast pseudonymize reveal app.customers.id \\
      --reason 'ticket 812: which customer is it'
`;

interface Options {
  source?: string;
  reason?: string;
}

/** What a person types or pipes; more is a mistake. */
const mostPseudonyms = 10_000;

export function addReveal(parent: Command, start: Start): void {
  parent
    .command('reveal')
    .description('lead pseudonyms back to what they stand for; written down')
    .argument('<column>', 'such as app.people.email')
    .option('--source <name>', 'a PostgreSQL database (default: `pseudonymize.source`)')
    .option('--reason <text>', 'why somebody needs to know; required')
    .addHelpText('after', help)
    .action((column: string, options: Options) => start((context) => run(context, column, options)));
}

async function run(context: Context, column: string, { source, reason }: Options): Promise<undefined> {
  if (!reason?.trim()) throw badUsage('--reason is missing.', 'Say why: --reason "ticket 812".');
  const [{ reveal, revealJournal }, { hostname, userInfo }, { mkdir }, { printable }] = await Promise.all([
    import('../src/jobs/pseudonymize/reveal.ts'),
    import('node:os'),
    import('node:fs/promises'),
    import('./views/width.ts'),
  ]);
  const { config } = await context.config();
  const classify = await classifySettings(context, source);
  const { key } = await copyKey(context);
  const pseudonyms = await linesOf(context.stdin);
  if (pseudonyms.length === 0)
    throw badUsage('There are no pseudonyms on standard input.', 'Pipe them in, one a line.');
  if (pseudonyms.length > mostPseudonyms)
    throw badUsage(`More than ${mostPseudonyms} pseudonyms are too many at once.`);
  await mkdir(config.state, { recursive: true, mode: 0o700 });
  const found = await reveal({
    ...classify,
    key,
    column,
    pseudonyms,
    reason: reason.trim(),
    account: userInfo().username,
    host: hostname(),
    journal: revealJournal(config.state),
    clock: context.clock,
  });
  context.finishProgress();
  context.output.result('pseudonymize-reveal/1', { source: classify.source, column, revealed: found }, () =>
    found
      .map(
        ({ pseudonym, originals }) => `${printable(pseudonym)}\t${originals.map(printable).join(', ') || '(nobody)'}\n`,
      )
      .join(''),
  );
  return undefined;
}

async function linesOf(input: Partial<AsyncIterable<Buffer | string>>): Promise<string[]> {
  const pieces: Buffer[] = [];
  for await (const piece of input as AsyncIterable<Buffer | string>) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces)
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '');
}
