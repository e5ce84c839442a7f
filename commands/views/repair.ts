/** What a repair mended, and what it could not. */
import { formatBytes, formatCount } from '../../src/base/units.ts';
import type { BrokenSnapshot, RepairReport } from '../../src/jobs/repair-report.ts';
import { findingLines } from './check.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { plural } from './times.ts';
import { shortId } from './totals.ts';
import { printable } from './width.ts';

export interface RepairView {
  width?: number | undefined;
  style: Style;
}

/** What was mended is shown one by one up to this many. */
const shownAtMost = 20;

export function repairText(report: RepairReport, view: RepairView): string {
  const { style } = view;
  const rows = table(
    [
      { title: 'SITE', value: ({ site }) => site, cut: 'end' },
      { title: 'READ', value: ({ bytesRead }) => formatBytes(bytesRead), align: 'right' },
      { title: 'MENDED', value: ({ objects }) => formatCount(objects), align: 'right' },
      { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
    ],
    report.sites,
    view,
  );
  const word = report.dryRun ? 'would mend' : 'mended';
  const mended = report.mended.slice(0, shownAtMost).map(({ site, source, object, problem, from }) => {
    const origin = from === null ? '' : ` (from ${from})`;
    return `${style.green(word)}  ${site}: ${source === undefined ? '' : `${source}: `}${printable(object)}: ${printable(problem)}${origin}\n`;
  });
  const more = report.mended.length - mended.length;
  if (more > 0) mended.push(`        and ${formatCount(more)} more; --json has them all\n`);
  const lost = findingLines(report.lost, style);
  const broken = report.broken.flatMap((snapshot) => brokenLines(snapshot, style));
  const unmended = findingLines(report.unmended, style);
  const dropped = report.dropped.map(
    ({ site, error }) => `${style.red('failed')}  site ${site}: ${printable(error?.message ?? '')}\n`,
  );
  const parts = [
    rows,
    mended.join(''),
    lost.length > 0 ? `No site that was asked has these whole:\n${lost.join('')}` : '',
    broken.join(''),
    unmended.length > 0 ? `These stay as they are:\n${unmended.join('')}` : '',
    dropped.join(''),
  ];
  return `${parts.filter((part) => part !== '').join('\n')}\n${verdict(report, style)}\n`;
}

function verdict({ outcome, dryRun, mended }: RepairReport, style: Style): string {
  if (outcome === 'partial') return style.red('Not everything is whole.');
  if (outcome === 'sound') return style.green('There was nothing to mend in what was looked at.');
  return dryRun ? 'That is what it would mend.' : style.green(`${plural(mended.length, 'object')} mended.`);
}

/** Names in a snapshot that are shown. */
const namesAtMost = 10;

function brokenLines({ source, id, contents, because }: BrokenSnapshot, style: Style): string[] {
  const what =
    contents === null
      ? because === 'no-owner'
        ? 'what of it is lost, an owner can tell: --identity FILE'
        : 'its list of contents is lost'
      : contents.length === 0
        ? 'nothing of its content is lost'
        : `lost: ${contents.slice(0, namesAtMost).map(printable).join(', ')}${contents.length > namesAtMost ? ` and ${formatCount(contents.length - namesAtMost)} more` : ''}`;
  return [`${style.red('broken')}  ${source}@${shortId(id)}: ${what}\n`];
}
