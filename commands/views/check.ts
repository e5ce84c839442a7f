/** What a check found. */
import { formatBytes, formatCount } from '../../src/base/units.ts';
import type { CheckReport } from '../../src/jobs/check.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { plural } from './times.ts';
import { printable } from './width.ts';

type CheckedSource = CheckReport['sources'][number];

export interface CheckView {
  width?: number | undefined;
  style: Style;
  /** Sources of which there was nothing to check. */
  unseen: number;
}

export function checkText(report: CheckReport, view: CheckView): string {
  const { style, unseen } = view;
  const rows = table<CheckedSource>(
    [
      { title: 'SOURCE', value: ({ source }) => source, cut: 'end' },
      { title: 'SNAPSHOTS', value: ({ snapshots }) => formatCount(snapshots), align: 'right' },
      { title: 'PACKS', value: ({ packs }) => formatCount(packs), align: 'right' },
      { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
      { title: 'READ', value: ({ bytesRead }) => formatBytes(bytesRead), align: 'right' },
      { title: 'HOW', value: (source) => depth(source) },
    ],
    report.sources,
    view,
  );
  const findings = report.findings.map(({ source, object, problem, severity }) => {
    const mark = severity === 'damage' ? style.red('damage') : style.dim('notice');
    return `${mark}  ${source === undefined ? '' : `${source}: `}${printable(object)}: ${printable(problem)}\n`;
  });
  const damages = report.findings.filter(({ severity }) => severity === 'damage').length;
  const verdict =
    damages > 0
      ? style.red(`${plural(damages, 'thing is', 'things are')} damaged or missing.`)
      : style.green('Nothing is damaged in what was looked at.');
  const never =
    unseen > 0 ? `${plural(unseen, 'source has', 'sources have')} no backup, so nothing of it was checked.\n` : '';
  return `${rows}${findings.length > 0 ? `\n${findings.join('')}` : ''}\n${never}${verdict}\n`;
}

/** How deep the check went, so that a shallow one does not read as a deep one. */
function depth({ packsRead, opened }: CheckedSource): string {
  if (packsRead === 0) return 'listed, not read';
  return opened ? 'read and opened' : 'read, not opened (no owner)';
}
