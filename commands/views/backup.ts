/** What a backup did. */
import { formatBytes, formatDuration } from '../../src/base/units.ts';
import type { BackupReport, SourceReport } from '../../src/jobs/backup.ts';
import type { ClusterReport } from '../../src/jobs/cluster-backup.ts';
import { clusterOf } from '../../src/repository/source-name.ts';
import { shortfallLines } from './shortfalls.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { formatTime, plural } from './times.ts';
import { shortId, totalsText } from './totals.ts';
import { printable } from './width.ts';

export interface BackupView {
  width?: number | undefined;
  style: Style;
  /** Of the times of snapshots; UTC unless given. */
  timeZone?: string;
  /** Every database of a cluster in a line of its own. */
  verbose?: boolean;
}

/** Of a cluster with more databases than these only what is not as it should be is shown one by one. */
const shownDatabases = 10;

/** Of new ones, in their line. */
const namedDatabases = 3;

interface Row {
  name: string;
  outcome: SourceReport['outcome'] | 'partial';
  storedBytes: number;
  durationMs: number;
  content: string;
}

export function backupText(report: BackupReport, view: BackupView): string {
  const { style } = view;
  const colors = { done: style.green, degraded: style.yellow, partial: style.yellow, failed: style.red };
  const rows = table<Row>(
    [
      { title: 'SNAPSHOT', value: ({ name }) => name },
      { title: 'RESULT', value: ({ outcome }) => outcome, paint: (text, { outcome }) => colors[outcome](text) },
      { title: 'NEW', value: ({ storedBytes }) => formatBytes(storedBytes), align: 'right' },
      { title: 'TIME', value: ({ durationMs }) => formatDuration(durationMs), align: 'right' },
      { title: 'CONTENT', value: ({ content }) => content, cut: 'end' },
    ],
    rowsOf(report, view),
    view,
  );
  const lines = [
    ...report.sources.map(({ source, shortfalls }) => shortfallLines(source, shortfalls, style)),
    ...report.clusters.flatMap((cluster) => clusterLines(cluster, view)),
    ...siteLines(report, style),
  ];
  const text = lines.join('');
  return rows + (text === '' ? '' : `\n${text}`);
}

/** Sites that have nothing of this run; where there is one site, the sources tell of it. */
function siteLines({ sites }: BackupReport, style: Style): string[] {
  if (sites.length < 2) return [];
  return sites.flatMap(({ site, error }) =>
    error ? [`${style.red('failed')}  site ${site}: ${printable(error.message)} Catch up: holdfast sync\n`] : [],
  );
}

/** Databases of a cluster stand together, with a line for all of them at the end. */
function rowsOf(report: BackupReport, { verbose = false }: BackupView): Row[] {
  const rows: Row[] = [];
  const told = new Set<string>();
  const clusters = new Map(report.clusters.map((cluster) => [cluster.source, cluster]));
  const tell = (cluster: ClusterReport) => {
    if (told.has(cluster.source)) return;
    told.add(cluster.source);
    const members = report.sources.filter(({ source }) => clusterOf(source) === cluster.source);
    const isLong = members.length > shownDatabases && !verbose;
    rows.push(...members.filter(({ outcome }) => !isLong || outcome !== 'done').map(rowOf), totalOf(cluster, members));
  };
  for (const source of report.sources) {
    const cluster = clusters.get(clusterOf(source.source) ?? '');
    if (cluster) tell(cluster);
    else rows.push(rowOf(source));
  }
  // Those of which no database was backed up.
  for (const cluster of report.clusters) tell(cluster);
  return rows;
}

function rowOf({ source, snapshot, outcome, storedBytes, durationMs, totals }: SourceReport): Row {
  const name = snapshot ? `${source}@${shortId(snapshot.id)}` : source;
  return { name, outcome, storedBytes, durationMs, content: snapshot ? totalsText(totals) : '' };
}

function totalOf(cluster: ClusterReport, members: readonly SourceReport[]): Row {
  const count = (wanted: SourceReport['outcome']) => members.filter(({ outcome }) => outcome === wanted).length;
  const sum = (value: (member: SourceReport) => number) => members.reduce((all, member) => all + value(member), 0);
  const [done, degraded, failed] = [count('done'), count('degraded'), count('failed')];
  const totals: Record<string, number> = {};
  for (const member of members) {
    for (const [key, value] of Object.entries(member.totals)) totals[key] = (totals[key] ?? 0) + value;
  }
  const parts = [
    degraded > 0 ? `${degraded} degraded` : '',
    failed > 0 ? `${failed} failed` : '',
    cluster.notTaken.length > 0 ? `${cluster.notTaken.length} not taken` : '',
    cluster.excluded.length > 0 ? `${cluster.excluded.length} excluded` : '',
    totalsText(totals),
  ];
  const whole = done === members.length && cluster.notTaken.length === 0;
  const none = failed === members.length && members.length > 0;
  return {
    name: `${cluster.source}: ${plural(members.length - failed, 'database')}`,
    outcome: whole ? 'done' : none ? 'failed' : 'partial',
    storedBytes: sum(({ storedBytes }) => storedBytes),
    durationMs: sum(({ durationMs }) => durationMs),
    content: parts.filter((part) => part !== '').join(', '),
  };
}

function clusterLines(cluster: ClusterReport, { style, timeZone = 'UTC', verbose = false }: BackupView): string[] {
  const { source, added, databases, dropped, notTaken } = cluster;
  const lacks = notTaken.map(
    ({ database, reason, hint }) =>
      `${style.yellow('lacks')}  ${source}: ${printable(database)}: ${printable(`${reason} ${hint}`)}\n`,
  );
  // All of them are new when it is the first time.
  const news = added.length === databases ? [] : added;
  const shown = verbose ? news.length : namedDatabases;
  const more = news.length > shown ? ` and ${news.length - shown} more` : '';
  const fresh =
    news.length > 0
      ? [`${style.cyan('new')}    ${source}: first backup of ${news.slice(0, shown).join(', ')}${more}\n`]
      : [];
  const gone = dropped
    .slice(0, verbose ? undefined : shownDatabases)
    .map(
      ({ source: name, snapshot }) =>
        `${style.dim('gone')}   ${name}: dropped from the server; last snapshot ${shortId(snapshot.id)} of ${formatTime(snapshot.time, timeZone)}, kept until retention removes it\n`,
    );
  if (dropped.length > gone.length)
    gone.push(`…      ${dropped.length - gone.length} more are dropped: see -v or --json\n`);
  return [...lacks, ...fresh, ...gone];
}

export function shortfallLine(
  source: string,
  { object, reason, degrades }: { object: string; reason: string; degrades: boolean },
  style: Style,
): string {
  const mark = degrades ? style.yellow('lacks') : style.dim('note');
  return `${mark}  ${source}: ${printable(object)}: ${printable(reason)}\n`;
}
