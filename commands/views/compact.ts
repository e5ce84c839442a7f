/** What a compaction did, or would do. */
import { formatBytes, formatCount } from '../../src/base/units.ts';
import type { CompactReport, CompactSourceReport } from '../../src/jobs/compact.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { formatTime, plural } from './times.ts';
import { printable } from './width.ts';

export interface CompactView {
  width?: number | undefined;
  style: Style;
  timeZone: string;
}

export function compactText(report: CompactReport, view: CompactView): string {
  const { style } = view;
  const shown = report.sources.filter(({ error }) => error === undefined);
  const rows = table(
    [
      { title: 'SOURCE', value: ({ source }) => source, cut: 'end' },
      { title: 'STORED', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
      { title: 'DEAD', value: ({ deadBytes }) => formatBytes(deadBytes), align: 'right' },
      { title: 'PACKS TO REWRITE', value: ({ rewrite }) => formatCount(rewrite.packs), align: 'right' },
      { title: 'TO WRITE', value: ({ rewrite }) => formatBytes(rewrite.liveBytes), align: 'right' },
      { title: 'FREED LATER', value: ({ rewrite }) => formatBytes(freed(rewrite)), align: 'right' },
    ],
    shown,
    view,
  );
  const lines = report.sources.flatMap((source) => sourceLines(source, report.dryRun, view));
  const gone = report.dropped.map(
    ({ site, error }) => `${style.red('failed')}  site ${site}: ${printable(error?.message ?? '')}`,
  );
  return `${rows}${[...lines, ...gone].map((line) => `${line}\n`).join('')}`;
}

function freed({ bytes, liveBytes }: CompactSourceReport['rewrite']): number {
  return Math.max(0, bytes - liveBytes);
}

function sourceLines(report: CompactSourceReport, dryRun: boolean, { style, timeZone }: CompactView): string[] {
  const { source, done, error, unread, rewrite } = report;
  if (error) return [`${style.red('failed')}  ${source}: ${printable(`${error.message} ${error.why ?? ''}`.trim())}`];
  const lines = unread.map(
    ({ snapshot, why }) =>
      `${style.yellow('left')}  ${source}: what snapshot ${snapshot.slice(0, 12)} needs, which cannot be read: ${printable(why)}`,
  );
  for (const pack of done?.damaged ?? [])
    lines.push(`${style.red('damage')}  ${source}: pack ${pack} is whole nowhere`);
  if (done && report.removableFrom !== undefined) {
    const { replaced, written } = done;
    lines.push(
      `${source}: ${plural(replaced.packs, 'pack')}, ${formatBytes(replaced.bytes)}, replaced by ${plural(written.packs, 'pack')}, ${formatBytes(written.bytes)}`,
      `${source}: prune removes the old ones from ${formatTime(report.removableFrom, timeZone)} on`,
    );
  } else if (rewrite.packs === 0) lines.push(`${source}: nothing to do`);
  else if (dryRun) lines.push(`${source}: that is what it would do`);
  return lines;
}
