/** `holdfast pseudonymize`: what becomes of personal data in a copy for tests. */
import { type Command, Option } from 'commander';
import type { ClassifySettings } from '../src/jobs/pseudonymize/classify.ts';
import type { PreviewColumn } from '../src/jobs/pseudonymize/preview.ts';
import type { Lock } from '../src/pseudonyms/lock.ts';
import type { Context, Start } from './context.ts';
import { addPseudonymizeCheck } from './pseudonymize-check.ts';
import { addReveal } from './pseudonymize-reveal.ts';
import { addPseudonymizeRun } from './pseudonymize-run.ts';
import { classifySettings, copyKey } from './pseudonymize-settings.ts';
import { wholeNumber } from './usage.ts';

const scanHelp = `
Reads the catalogs and some rows of each table, in a read-only transaction. Row
values are shown nowhere and written nowhere.

Examples:
  $ holdfast pseudonymize scan              what looks personal, and why
  $ holdfast pseudonymize scan app --write  adds what is new to the lock file
`;

const planHelp = `
Ends with 2 as long as something is new, changed or not reviewed, or a rule would
break a constraint.

Examples:
  $ holdfast pseudonymize plan
  $ holdfast pseudonymize plan app --ci     one line each, for a pipeline
`;

/** Adds the command and those below it. */
export function addPseudonymize(program: Command, start: Start): void {
  const pseudonymize = program
    .command('pseudonymize')
    .description('pseudonymized copies for tests: find personal data, review, copy');
  pseudonymize
    .command('scan')
    .description('find personal data in a live database, and propose rules')
    .argument('[source]', 'a PostgreSQL database (default: `pseudonymize.source`)')
    .option('--write', 'add to the lock file what is new, marked `review: needed`')
    .addHelpText('after', scanHelp)
    .action((source: string | undefined, { write = false }: { write?: boolean }) =>
      start((context) => scan(context, source, write)),
    );
  pseudonymize
    .command('plan')
    .description('hold the lock file against the database as it is')
    .argument('[source]', 'a PostgreSQL database (default: `pseudonymize.source`)')
    .option('--ci', 'one line for each problem, and nothing else')
    .addOption(
      new Option('--preview [rows]', 'some rows before, masked, and after; needs the key').preset(3).conflicts('ci'),
    )
    .addHelpText('after', planHelp)
    .action((source: string | undefined, options: PlanOptions) => start((context) => plan(context, source, options)));
  addPseudonymizeRun(pseudonymize, start);
  addPseudonymizeCheck(pseudonymize, start);
  addReveal(pseudonymize, start);
}

async function scan(context: Context, source: string | undefined, write: boolean): Promise<undefined> {
  const [{ scanSource }, { scanDocument, scanText }] = await Promise.all([
    import('../src/jobs/pseudonymize/classify.ts'),
    import('./views/pseudonymize.ts'),
  ]);
  const report = await scanSource(await classifySettings(context, source), { write });
  context.finishProgress();
  const { width, style } = context.output;
  const { verbose } = context.flags;
  context.output.result('pseudonymize-scan/1', scanDocument(report), () => scanText(report, { width, style, verbose }));
}

interface PlanOptions {
  ci?: boolean;
  preview?: string | number;
}

async function plan(
  context: Context,
  source: string | undefined,
  { ci = false, preview: wanted }: PlanOptions,
): Promise<'config' | undefined> {
  const [{ planCopy, readLock }, { planDocument, planLines, planText, previewText }] = await Promise.all([
    import('../src/jobs/pseudonymize/classify.ts'),
    import('./views/pseudonymize.ts'),
  ]);
  const settings = await classifySettings(context, source);
  const report = await planCopy(settings);
  const rows = wanted === undefined ? undefined : await previewed(context, settings, wanted, await readLock(settings));
  context.finishProgress();
  const { width, style } = context.output;
  const view = { width, style, verbose: context.flags.verbose };
  const text = () => (ci ? planLines(report) : `${rows ? previewText(rows, view) : ''}${planText(report, view)}`);
  context.output.result('pseudonymize-plan/1', { ...planDocument(report), ...(rows && { preview: rows }) }, text);
  return report.problems.some(({ severity }) => severity === 'error') ? 'config' : undefined;
}

/** @throws HoldfastError `usage`; `config` without a key */
async function previewed(
  context: Context,
  settings: ClassifySettings,
  wanted: string | number,
  lock: Lock,
): Promise<PreviewColumn[]> {
  const rows = wholeNumber('--preview', 1)(String(wanted));
  const [{ preview }, { key }] = await Promise.all([import('../src/jobs/pseudonymize/preview.ts'), copyKey(context)]);
  return preview(settings, { lock, key, rows: Math.min(rows, mostPreviewRows) });
}

const mostPreviewRows = 20;
