/** What a prune did, or would do, and why. */
import { formatBytes } from '../../src/base/units.ts';
import type { PrunedSnapshot, PruneReport, PruneSourceReport } from '../../src/jobs/prune.ts';
import type { KeepReason } from '../../src/repository/retention.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { formatTime, plural } from './times.ts';
import { shortId } from './totals.ts';
import { printable } from './width.ts';

export interface PruneView {
  width?: number | undefined;
  style: Style;
  timeZone: string;
}

export function pruneText(report: PruneReport, view: PruneView): string {
  const rows = report.sources.flatMap(({ source, snapshots, pause }) =>
    snapshots.map((snapshot) => ({ source, snapshot, paused: pause !== undefined })),
  );
  const shown = table(
    [
      { title: 'SNAPSHOT', value: ({ source, snapshot }) => `${source}@${shortId(snapshot.id)}` },
      { title: `TIME (${view.timeZone})`, value: ({ snapshot }) => formatTime(snapshot.time, view.timeZone) },
      {
        title: 'DECISION',
        value: ({ snapshot, paused }) => (isKept(snapshot) ? 'keep' : paused ? 'would drop' : 'drop'),
        paint: (text, { snapshot }) => (isKept(snapshot) ? text : view.style.yellow(text)),
      },
      { title: 'WHY', value: ({ snapshot }) => reasonsText(snapshot), cut: 'end' },
    ],
    rows,
    view,
  );
  const lines = report.sources.flatMap((source) => sourceLines(source, report.dryRun, view));
  const gone = report.dropped.map(({ site, error }) => `${view.style.red('failed')}  site ${site}: ${error?.message}`);
  return `${shown}${[...lines, ...gone].map((line) => `${line}\n`).join('')}`;
}

function isKept({ reasons }: PrunedSnapshot): boolean {
  return reasons.length > 0;
}

function reasonsText({ reasons }: PrunedSnapshot): string {
  return reasons.length === 0 ? 'nothing keeps it' : reasons.map(reasonText).join(', ');
}

function reasonText(reason: KeepReason): string {
  return 'period' in reason ? `${reason.rule} ${reason.period}` : reason.rule;
}

function sourceLines(source: PruneSourceReport, dryRun: boolean, { style, timeZone }: PruneView): string[] {
  const name = source.source;
  if (source.error) return [`${style.red('failed')}  ${name}: ${printable(source.error.message)}`];
  if (source.pause) {
    const { because, why } = source.pause;
    const hint =
      because === 'clock' ? ' Set the clock right; or, if that snapshot is wrong: holdfast snapshots drop.' : '';
    return [`${style.yellow('paused')}  ${name}: ${printable(why)} Nothing is dropped.${hint}`];
  }
  const lines: string[] = [];
  const dropped = source.snapshots.filter((snapshot) => !isKept(snapshot)).length;
  if (dropped > 0) lines.push(`${name}: ${plural(dropped, 'snapshot')} ${dryRun ? 'would be ' : ''}dropped`);
  const [next] = [...source.waiting].sort((a, b) => (a.until < b.until ? -1 : 1));
  if (next) {
    const count = plural(source.waiting.length, 'dropped snapshot');
    lines.push(`${name}: ${count} still there, the first until ${formatTime(next.until, timeZone)}`);
  }
  for (const { site, locked, ...removed } of source.sites) {
    const what = ({ snapshots, packs, bytes }: Pick<typeof removed, 'snapshots' | 'packs' | 'bytes'>) =>
      `${plural(snapshots, 'snapshot')} and ${plural(packs, 'pack')}, ${formatBytes(bytes)}`;
    if (removed.snapshots + removed.packs > 0) {
      lines.push(`${name}: ${what(removed)} ${dryRun ? 'would be ' : ''}removed from ${site}`);
    }
    if (!locked) continue;
    const [from, until] = [formatTime(locked.from, timeZone), formatTime(locked.until, timeZone)];
    const dates = from === until ? `until ${from}` : `the first until ${from}, the last until ${until}`;
    lines.push(`${name}: ${what(locked)} locked at ${site}, ${dates}; a later prune removes them`);
  }
  return lines.length > 0 ? lines : [`${name}: nothing to do`];
}
