/** What a backup did. */
import { formatBytes, formatDuration } from '../../src/base/units.ts';
import type { BackupReport, SourceReport } from '../../src/jobs/backup.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { shortId, totalsText } from './totals.ts';
import { printable } from './width.ts';

export function backupText(report: BackupReport, options: { width?: number | undefined; style: Style }): string {
  const { style } = options;
  const colors = { done: style.green, degraded: style.yellow, failed: style.red };
  const rows = table<SourceReport>(
    [
      {
        title: 'SNAPSHOT',
        value: ({ source, snapshot }) => (snapshot ? `${source}@${shortId(snapshot.id)}` : source),
      },
      {
        title: 'RESULT',
        value: ({ outcome }) => outcome,
        paint: (text, { outcome }) => colors[outcome](text),
      },
      { title: 'NEW', value: ({ storedBytes }) => formatBytes(storedBytes), align: 'right' },
      { title: 'TIME', value: ({ durationMs }) => formatDuration(durationMs), align: 'right' },
      { title: 'CONTENT', value: ({ totals, snapshot }) => (snapshot ? totalsText(totals) : ''), cut: 'end' },
    ],
    report.sources,
    options,
  );
  const shortfalls = report.sources.flatMap(({ source, shortfalls }) =>
    shortfalls.map((shortfall) => shortfallLine(source, shortfall, style)),
  );
  return rows + (shortfalls.length > 0 ? `\n${shortfalls.join('')}` : '');
}

export function shortfallLine(
  source: string,
  { object, reason, degrades }: { object: string; reason: string; degrades: boolean },
  style: Style,
): string {
  const mark = degrades ? style.yellow('lacks') : style.dim('note');
  return `${mark}  ${source}: ${printable(object)}: ${printable(reason)}\n`;
}
