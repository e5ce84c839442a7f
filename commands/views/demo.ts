/** How the demo ended, and how to go on. */
import { relative } from 'node:path';
import { formatBytes, formatCount, formatDuration } from '../../src/base/units.ts';
import type { DemoReport } from '../demo/story.ts';
import type { Style } from './style.ts';
import { totalsText } from './totals.ts';
import { printable } from './width.ts';

export function demoText(report: DemoReport, style: Style): string {
  const lines: string[] = [];
  for (const { source, totals, storedBytes, durationMs } of report.backup) {
    lines.push(
      `${style.bold(source)}: backed up in ${formatDuration(durationMs)}, ${formatBytes(storedBytes)} encrypted; ${totalsText(totals)}`,
    );
  }
  for (const { source, target, equal, durationMs } of report.restored) {
    lines.push(
      `${style.bold(source)}: restored to ${target} in ${formatDuration(durationMs)}; ${formatCount(equal)} comparisons came out equal`,
    );
  }
  lines.push('');
  if (report.differences.length === 0) {
    lines.push(style.green('Every table, sequence, large object, schema object and file is identical.'));
  } else {
    lines.push(style.red(`${report.differences.length} things are not the same:`));
    for (const { source, kind, object, verdict, detail } of report.differences) {
      lines.push(`  ${source}: ${kind} ${printable(object)}: ${verdict}${detail ? `: ${printable(detail)}` : ''}`);
    }
  }
  const folder = relative(process.cwd(), report.directory) || '.';
  lines.push(
    `It took ${formatDuration(report.durationMs)}.`,
    '',
    style.bold('To go on:'),
    `  cd ${folder}`,
    '  ./postgres start                          the demo server, on a socket of its own',
    '  ./holdfast snapshots',
    '  ./holdfast ls documents',
    '  ./holdfast backup                         again: only what is new is stored',
    '  ./holdfast restore saas --to another_copy',
    '  ./holdfast check --read-data',
    '  ./postgres stop',
    '',
    'holdfast.yaml is the configuration, vault/ the site, owners/ the two identities that open it.',
    '',
  );
  return lines.join('\n');
}
