/** What a pseudonymized copy came to. Counts, never a value. */
import { formatBytes, formatDuration } from '../../src/base/units.ts';
import type { CopiedTable, CopyReport } from '../../src/jobs/pseudonymize/copy-settings.ts';
import { shortfallLine } from './backup.ts';
import type { Style } from './style.ts';
import { facts, table } from './table.ts';
import { plural } from './times.ts';

export interface PlannedCopyView {
  source: string;
  keyFingerprint: string;
  target: { server: string; database: string; replace: boolean };
}

export function plannedText({ source, keyFingerprint, target }: PlannedCopyView, style: Style): string {
  return (
    facts(
      [
        ['source', source],
        ['key', keyFingerprint],
        ['goes to', `database ${target.database} on ${target.server}`],
        ['replaces', target.replace ? 'a copy of that name, once the new one is good' : undefined],
      ],
      style,
    ) + `${style.green('READY')}: everything is classified. Nothing was copied.\n`
  );
}

export function copiedDocument({ durationMs, ...report }: CopyReport): object {
  return { ...report, seconds: Math.round(durationMs / 100) / 10 };
}

export function copiedText(report: CopyReport, { style, width }: { style: Style; width?: number | undefined }): string {
  const { source, database, totals, durationMs, keyFingerprint, keptAs, shortfalls } = report;
  const tables = table<CopiedTable>(
    [
      { title: 'TABLE', value: (one) => one.table, cut: 'middle' },
      { title: 'ROWS', value: ({ rows, emptied }) => (emptied ? 'left out' : String(rows)), align: 'right' },
      { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
      { title: 'RULED', value: ({ ruled }) => (ruled === 0 ? '' : String(ruled)), align: 'right' },
    ],
    report.tables,
    { width, style },
  );
  const what = `${plural(totals.tables, 'table')}, ${plural(totals.rows, 'row')}, ${formatBytes(totals.bytes)}`;
  return (
    `${tables}\n${style.green('Copied')} ${source}: ${what}, in ${formatDuration(durationMs)}\n` +
    `to the database ${database}, with the key ${keyFingerprint}.\n` +
    (keptAs === undefined ? '' : `The one that was there is kept as ${keptAs}.\n`) +
    'It is still personal data: see docs/pseudonymization.md.\n' +
    shortfalls.map((shortfall) => shortfallLine(source, shortfall, style)).join('')
  );
}
