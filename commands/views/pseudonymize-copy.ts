/** What a pseudonymized copy came to. Counts, never a value. */
import { formatBytes, formatDuration } from '../../src/base/units.ts';
import type { CheckedCopy } from '../../src/jobs/pseudonymize/check-copy.ts';
import type { CopiedTable, CopyReport } from '../../src/jobs/pseudonymize/copy-settings.ts';
import type { TreeReport } from '../../src/jobs/pseudonymize/tree-settings.ts';
import type { LeakReport } from '../../src/pseudonyms/leaks/report.ts';
import { shortfallLine } from './backup.ts';
import type { Style } from './style.ts';
import { facts, table } from './table.ts';
import { plural } from './times.ts';
import { printable } from './width.ts';

export interface PlannedCopyView {
  source: string;
  keyFingerprint: string;
  target: { server: string; database: string; replace: boolean } | { archive: string };
}

export function plannedText({ source, keyFingerprint, target }: PlannedCopyView, style: Style): string {
  return (
    facts(
      [
        ['source', source],
        ['key', keyFingerprint],
        ['goes to', 'archive' in target ? target.archive : `database ${target.database} on ${target.server}`],
        [
          'replaces',
          'replace' in target && target.replace ? 'a copy of that name, once the new one is good' : undefined,
        ],
      ],
      style,
    ) + `${style.green('READY')}: everything is classified. Nothing was copied.\n`
  );
}

/** What was made, as the command has it. */
export type ShownCopy = CopyReport & {
  snapshot?: { snapshotId: string; takenAt: string; site: string };
  /** Of an archive. */
  file?: string;
  encrypted?: boolean;
};

export function copiedDocument({ durationMs, ...report }: ShownCopy): object {
  return { ...report, seconds: Math.round(durationMs / 100) / 10 };
}

export function copiedText(report: ShownCopy, { style, width }: { style: Style; width?: number | undefined }): string {
  const { source, database, totals, durationMs, keyFingerprint, keptAs, shortfalls, leaks, published, file } = report;
  const subset = new Map(report.subset?.map((one) => [one.table, one]));
  const tables = table<CopiedTable>(
    [
      { title: 'TABLE', value: (one) => one.table, cut: 'middle' },
      { title: 'ROWS', value: ({ rows, emptied }) => (emptied ? 'left out' : String(rows)), align: 'right' },
      ...(subset.size > 0
        ? [
            {
              title: 'OF',
              value: (one: CopiedTable) => String(subset.get(one.table)?.of ?? ''),
              align: 'right' as const,
            },
          ]
        : []),
      { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
      { title: 'RULED', value: ({ ruled }) => (ruled === 0 ? '' : String(ruled)), align: 'right' },
    ],
    report.tables,
    { width, style },
  );
  const what = `${plural(totals.tables, 'table')}, ${plural(totals.rows, 'row')}, ${formatBytes(totals.bytes)}`;
  const end = published
    ? `${style.green('Copied')} ${source}: ${what}, in ${formatDuration(durationMs)}\n` +
      `to ${file === undefined ? `the database ${database}` : file}, with the key ${keyFingerprint}.\n`
    : `${style.red('NOT PUBLISHED')}: the copy of ${source} was dropped again, and what was there before stays.\n`;
  const trees = report.trees.map(({ target, files }) => `Files: ${fileWords(files)} in ${target}.\n`);
  return (
    `${tables}\n${leakText(leaks, style)}${end}${trees.join('')}` +
    (keptAs === undefined ? '' : `The one that was there is kept as ${keptAs}.\n`) +
    (published ? 'It is still personal data: see docs/pseudonymization.md.\n' : '') +
    shortfalls.map((shortfall) => shortfallLine(source, shortfall, style)).join('')
  );
}

export function checkedDocument({ durationMs, ...report }: CheckedCopy): object {
  return { ...report, seconds: Math.round(durationMs / 100) / 10 };
}

export function checkedText({ source, database, originals, leaks, durationMs }: CheckedCopy, style: Style): string {
  const { tables, rows } = originals;
  return (
    leakText(leaks, style) +
    `Searched the database ${printable(database)} for originals of ${plural(rows, 'row')} in ${plural(tables, 'table')} of ${source}, ` +
    `in ${formatDuration(durationMs)}.\n`
  );
}

function fileWords({ kept, placeholders, rewritten, dropped }: TreeReport['files']): string {
  return `${kept} kept, ${placeholders} placeholders, ${rewritten} rewritten, ${dropped} left out`;
}

function leakText(report: LeakReport, style: Style): string {
  const { verdict, findings, tolerated, unread, scanned, anonymity, frequencies } = report;
  const rows = `${plural(scanned.rows, 'row')}, ${plural(scanned.definitions, 'definition')}, ${plural(scanned.largeObjects, 'large object')}`;
  const found = findings.map(
    ({ place, name, what, count, originals }) =>
      `${style.red('leak')}  ${printable(name)} (${place}): ${plural(count, what)} of ${originals.map(printable).join(', ')}\n`,
  );
  const known = tolerated.map(
    ({ place, name, what, count, reason }) =>
      `${style.dim('note')}  ${printable(name)} (${place}): ${plural(count, what)}, tolerated: ${printable(reason)}\n`,
  );
  const blind = unread.map(
    ({ place, name, count }) => `${style.yellow('unread')}  ${printable(name)} (${place}): ${plural(count, 'part')}\n`,
  );
  const groups = anonymity.map(
    ({ table: of, columns, k, smallestGroup, rowsBelowK }) =>
      `${rowsBelowK > 0 ? style.yellow('few') : style.dim('note')}  ${printable(of)} (${columns.map(printable).join(', ')}): ` +
      `${plural(rowsBelowK, 'row')} in groups of fewer than ${k}, the smallest of ${smallestGroup}\n`,
  );
  const often = frequencies.map(
    ({ table: of, column, share, distinct }) =>
      `${style.dim('note')}  ${printable(of)}.${printable(column)}: one of ${plural(distinct, 'value')} has ${Math.round(share * 100)} % of the rows; how often shows\n`,
  );
  const words = {
    pass: `${style.green('CLEAN')}: no ${tolerated.length > 0 ? 'other ' : ''}original was found in ${rows}.\n`,
    fail: `${style.red('LEAK')}: originals were found in ${plural(findings.length, 'place')}.\n`,
    'could-not-verify': `${style.yellow('NOT ALL SEARCHED')}: nothing was found, and parts could not be read.\n`,
  };
  return [...found, ...known, ...blind, ...groups, ...often, words[verdict]].join('');
}
