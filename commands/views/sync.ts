/** What a sync copied. */
import { formatBytes, formatCount } from '../../src/base/units.ts';
import type { SyncReport } from '../../src/jobs/sync.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { printable } from './width.ts';

export interface SyncView {
  width?: number | undefined;
  style: Style;
}

export function syncText(report: SyncReport, view: SyncView): string {
  const { style } = view;
  const rows = table(
    [
      { title: 'SITE', value: ({ site }) => site, cut: 'end' },
      { title: 'SNAPSHOTS', value: ({ snapshots }) => formatCount(snapshots), align: 'right' },
      { title: 'OBJECTS', value: ({ objects }) => formatCount(objects), align: 'right' },
      { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
    ],
    report.sites,
    view,
  );
  const problems = report.problems.map(
    ({ site, object, problem }) => `${style.red('damage')}  ${site}: ${printable(object)}: ${printable(problem)}\n`,
  );
  const dropped = report.dropped.map(
    ({ site, error }) => `${style.red('failed')}  site ${site}: ${printable(error?.message ?? '')}\n`,
  );
  const moved = report.sites.reduce((sum, { objects }) => sum + objects, 0);
  const verdict =
    report.outcome !== 'done'
      ? style.yellow('The sites are not equal.')
      : moved === 0
        ? style.green('The sites were equal already.')
        : report.dryRun
          ? 'That is what it would copy.'
          : style.green('The sites are equal.');
  return `${rows}${problems.join('')}${dropped.join('')}${verdict}\n`;
}
