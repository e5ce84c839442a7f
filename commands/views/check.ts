/** What a check found. */
import { formatBytes, formatCount } from '../../src/base/units.ts';
import type { CheckedSite, CheckFinding, CheckReport } from '../../src/jobs/check.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { plural } from './times.ts';
import { printable } from './width.ts';

export interface CheckView {
  width?: number | undefined;
  style: Style;
  /** Whether the configuration has several sites. */
  several: boolean;
}

export function checkText(report: CheckReport, view: CheckView): string {
  const { style, several } = view;
  const rows = table<CheckedSite>(
    [
      { title: 'SOURCE', value: ({ source }) => source, cut: 'end' },
      ...(several ? [{ title: 'SITE', value: ({ site }: CheckedSite) => site, cut: 'end' as const }] : []),
      { title: 'SNAPSHOTS', value: ({ snapshots }) => formatCount(snapshots), align: 'right' },
      { title: 'PACKS', value: ({ packs }) => formatCount(packs), align: 'right' },
      { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
      { title: 'READ', value: ({ bytesRead }) => formatBytes(bytesRead), align: 'right' },
      { title: 'OLDEST READING', value: (source) => oldestText(source) },
      { title: 'HOW', value: (source) => depth(source) },
    ],
    report.sources,
    view,
  );
  const findings = findingLines(report.findings, style);
  const dropped = report.dropped.map(
    ({ site, error }) => `${style.red('failed')}  site ${site}: ${printable(error?.message ?? '')}\n`,
  );
  const damages = report.findings.filter(({ severity }) => severity === 'damage').length;
  const verdict =
    damages > 0
      ? style.red(`${plural(damages, 'thing is', 'things are')} damaged or missing.`)
      : dropped.length > 0
        ? style.yellow('Nothing is damaged in what was looked at, and not every site was.')
        : style.green('Nothing is damaged in what was looked at.');
  const unseen = report.notBegun.length;
  const never =
    unseen > 0 ? `${plural(unseen, 'source has', 'sources have')} no backup, so nothing of it was checked.\n` : '';
  const told = [...findings, ...dropped].join('');
  return `${rows}${told === '' ? '' : `\n${told}`}\n${never}${verdict}\n`;
}

/** Findings that are shown one by one; a site that lacks everything would fill the screen. */
const shownAtMost = 50;

/** A line for each finding, and one for all that are too many. */
export function findingLines(findings: readonly CheckFinding[], style: Style): string[] {
  const ordered = [...findings].sort((a, b) => Number(a.severity === 'notice') - Number(b.severity === 'notice'));
  const lines = ordered.slice(0, shownAtMost).map(({ site, source, object, problem, severity }) => {
    const mark = severity === 'damage' ? style.red('damage') : style.dim('notice');
    const where = [site, source].filter((part) => part !== undefined).map((part) => `${part}: `);
    return `${mark}  ${where.join('')}${printable(object)}: ${printable(problem)}\n`;
  });
  const more = ordered.length - lines.length;
  return more > 0 ? [...lines, `        and ${formatCount(more)} more; --json has them all\n`] : lines;
}

/** How deep the check went, so that a shallow one does not read as a deep one. */
function depth({ packsRead, opened, catalogOpened }: CheckedSite): string {
  if (packsRead === 0) return catalogOpened ? 'listed, not read' : 'listed, not read (no key)';
  return opened ? 'read and opened' : `read, not opened (no ${catalogOpened ? 'owner' : 'key'})`;
}

/** How long ago the bytes that were read longest ago were read, as far as this machine knows. */
function oldestText({ oldestReading }: CheckedSite): string {
  if (!oldestReading) return '';
  const { days, packs, neverRead } = oldestReading;
  if (neverRead === packs) return 'never';
  const some = neverRead > 0 ? `, ${formatCount(neverRead)} never` : '';
  return `${days === 0 ? 'today' : plural(days, 'day')}${some}`;
}
