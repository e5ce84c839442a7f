/** What was found in a database, and what stands against a copy of it. Counts and shares, never a value. */
import type { PlanReport, ScanReport } from '../../src/jobs/pseudonymize/classify.ts';
import type { PreviewColumn } from '../../src/jobs/pseudonymize/preview.ts';
import type { ClassificationProblem } from '../../src/pseudonyms/classification.ts';
import type { ColumnFinding } from '../../src/pseudonyms/discovery.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { plural } from './times.ts';
import { printable } from './width.ts';

export interface ClassifyView {
  width?: number | undefined;
  style: Style;
  /** Also what does not look personal. */
  verbose?: boolean;
}

export function scanDocument({ source, lockFile, scan, proposal, written }: ScanReport): object {
  return {
    source,
    lockFile,
    written,
    columns: scan.columns.map(({ table: name, column, generated, verdict, paths, unread }) => ({
      table: name,
      column,
      kind: verdict.kind ?? null,
      confidence: verdict.confidence,
      reasons: verdict.reasons,
      sampled: verdict.sampled,
      generated,
      ...(paths.length > 0 && {
        paths: paths.map(({ path, verdict: of }) => ({
          path,
          kind: of.kind ?? null,
          confidence: of.confidence,
          reasons: of.reasons,
        })),
      }),
      ...(unread && { unread }),
    })),
    definitions: scan.catalog.definitions.map(({ id, kind, count, personal }) => ({
      id,
      kind,
      texts: count,
      personal,
    })),
    unread: scan.unread,
    added: proposal.added,
    changed: proposal.changed,
    gone: proposal.gone,
  };
}

export function scanText(report: ScanReport, view: ClassifyView): string {
  const { scan, proposal, lockFile, written, source } = report;
  const { style, width, verbose } = view;
  const personal = scan.columns.filter(({ verdict }) => verdict.kind !== undefined);
  const shown = verbose ? scan.columns : personal;
  const columns = table<ColumnFinding>(
    [
      { title: 'COLUMN', value: (found) => `${found.table}.${found.column}`, cut: 'middle' },
      { title: 'LOOKS LIKE', value: ({ verdict }) => verdict.kind ?? '–' },
      { title: 'SURE', value: ({ verdict }) => (verdict.kind ? verdict.confidence.toFixed(2) : ''), align: 'right' },
      {
        title: 'BECAUSE',
        value: ({ verdict }) => verdict.reasons.join('; '),
        cut: 'end',
        paint: (text) => style.dim(text),
      },
    ],
    shown,
    { width, style },
  );
  const telling = scan.catalog.definitions.filter(({ personal: count }) => count > 0);
  const definitions = telling.map(
    ({ id, count, personal: some }) =>
      `${style.yellow('personal')}  ${printable(id)}: ${some} of ${plural(count, 'text')}\n`,
  );
  const unread = scan.unread.map(
    ({ table: name, reason }) => `${style.yellow('not read')}  ${printable(name)}: ${reason}\n`,
  );
  const count = `${personal.length} of ${plural(scan.columns.length, 'column')} of ${source} look personal.\n`;
  const { added, changed, gone } = proposal;
  const news =
    added.length + changed.length + gone.length === 0
      ? 'The lock file has everything.'
      : `${added.length} new, ${changed.length} changed, ${gone.length} gone since the lock file.`;
  const end = written
    ? `${news}\nWrote ${lockFile}. Review what is marked \`review: needed\` there, and remove that line.\n`
    : `${news}${added.length + changed.length + gone.length > 0 ? ' `--write` adds what is new.' : ''}\n`;
  return [columns, ...definitions, ...unread, '\n', count, end].join('');
}

export function planDocument({ source, lockFile, problems, tables, ruled, kept, unread }: PlanReport): object {
  const ready = !problems.some(({ severity }) => severity === 'error');
  return { source, lockFile, ready, tables, ruled, kept, problems, unread };
}

/** One line for each problem, as `severity code item: text`; nothing when there is none. */
export function planLines({ problems }: PlanReport): string {
  return problems
    .map(({ severity, code, item, text }) => `${severity} ${code} ${printable(item)}: ${printable(text)}\n`)
    .join('');
}

export function planText(report: PlanReport, { style, verbose }: ClassifyView): string {
  const { problems, source, ruled, kept, unread } = report;
  const errors = problems.filter(({ severity }) => severity === 'error');
  const groups = [...Map.groupBy(problems, ({ code, hint, severity }) => `${severity} ${code} ${hint}`).values()];
  const parts = groups.map((group) => groupText(group, style, verbose === true));
  const blind = unread.map(({ table: name, reason }) => `${style.yellow('not read')}  ${printable(name)}: ${reason}\n`);
  const state = `${plural(ruled, 'column')} have a rule, ${kept} are kept.`;
  const end =
    errors.length === 0
      ? `${style.green('READY')}: everything of ${source} is classified. ${state}\n`
      : `${style.red('NOT READY')}: ${plural(errors.length, 'item')} of ${source} ${errors.length === 1 ? 'stands' : 'stand'} against a copy. ${state}\n`;
  return [...parts, ...blind, end].join('');
}

/** Originals come masked; pseudonyms are shown as they will be. */
export function previewText(columns: readonly PreviewColumn[], { style, width }: ClassifyView): string {
  const rows = columns.flatMap(({ column, kind, examples, problem }) =>
    problem !== undefined
      ? [{ column, kind, masked: '', pseudonym: problem }]
      : examples.map((example, at) => ({ ...example, column: at === 0 ? column : '', kind: at === 0 ? kind : '' })),
  );
  if (rows.length === 0) return '';
  return `${table<(typeof rows)[number]>(
    [
      { title: 'COLUMN', value: (row) => printable(row.column), cut: 'middle' },
      { title: 'RULE', value: (row) => row.kind },
      { title: 'BEFORE', value: (row) => printable(row.masked), cut: 'end', paint: (text) => style.dim(text) },
      { title: 'AFTER', value: (row) => printable(row.pseudonym), cut: 'end' },
    ],
    rows,
    { width, style },
  )}\n`;
}

const titles: Record<ClassificationProblem['code'], string> = {
  new: 'New, without a rule',
  review: 'Proposed, and not reviewed',
  undecided: 'Undecided',
  changed: 'Changed since the review',
  'new-path': 'New in documents',
  rule: 'Rules that would break something',
  gone: 'Gone from the database',
  doubtful: 'Kept, and looks personal',
};

function groupText(group: readonly ClassificationProblem[], style: Style, verbose: boolean): string {
  const [first] = group;
  // What stands against a copy is named one by one, however much it is.
  const shown = verbose || first!.severity === 'error' ? group : group.slice(0, 10);
  const lines = shown.map(({ item, text }) => `  ${printable(item)}: ${printable(text)}\n`);
  const more = group.length > shown.length ? `  … and ${group.length - shown.length} more; -v shows all.\n` : '';
  const paint = first!.severity === 'error' ? style.red : style.yellow;
  const hint = first!.hint ? `  ${style.bold('hint:')} ${first!.hint}\n` : '';
  return `${paint(titles[first!.code])}\n${lines.join('')}${more}${hint}\n`;
}
