/** How everything is: problems first, then sites, jobs and sources. */

import type { JobStatus } from '../../src/jobs/status-jobs.ts';
import type { SiteStatus, StatusProblem, StatusReport } from '../../src/jobs/status-report.ts';
import type { SourceStatus } from '../../src/jobs/status-source.ts';
import { clusterOf } from '../../src/repository/source-name.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { formatAge, formatTime, plural } from './times.ts';
import { pad, printable, wrap } from './width.ts';

export interface StatusView {
  width?: number | undefined;
  style: Style;
  timeZone: string;
  /** Every source and every problem, however many there are. */
  verbose?: boolean;
}

/** Of one problem of so many sources, and of the databases of a larger cluster, only some are shown. */
const shownOneByOne = 8;

export function statusText(report: StatusReport, view: StatusView): string {
  const parts = [
    headline(report, view),
    problemLines(report.problems, view),
    sitesTable(report, view),
    jobsTable(report, view),
    sourcesTable(report, view),
  ];
  return `${parts.filter((part) => part !== '').join('\n')}`;
}

/** One line that a monitoring system may show. */
function headline({ healthy, problems, sources, asked }: StatusReport, { style }: StatusView): string {
  const count = problems.filter(({ severity }) => severity === 'problem').length;
  const known = asked ? '' : ' The sites were not asked, or none answered: this is what the machine remembers.';
  if (healthy) return `${style.green('OK')}: ${plural(sources.length, 'source')}, nothing is late.${known}\n`;
  return `${style.red('PROBLEM')}: ${plural(count, 'problem')}.${known}\n`;
}

function problemLines(problems: readonly StatusProblem[], view: StatusView): string {
  const groups = Map.groupBy(problems, ({ code, about, severity }) => `${severity} ${about} ${code}`);
  return [...groups.values()].map((group) => groupLines(group, view)).join('');
}

function groupLines(group: readonly StatusProblem[], view: StatusView): string {
  const { style, verbose } = view;
  const shown = verbose || group.length <= shownOneByOne ? group : group.slice(0, 3);
  const lines = shown.map((problem) => {
    const paint = problem.severity === 'problem' ? style.red : style.dim;
    return indented(`${problem.about} ${problem.name}: ${problem.text}`, paint(pad(problem.severity, indent)), view);
  });
  const rest = group.length - shown.length;
  const [first] = group;
  if (rest > 0) lines.push(`${' '.repeat(indent)}… and ${rest} more like it (${first!.code}); -v shows all.\n`);
  const hints = new Set(shown.map(({ hint }) => hint).filter((hint) => hint !== undefined));
  for (const hint of [...hints].slice(0, 3)) lines.push(indented(`hint: ${hint}`, ' '.repeat(indent), view));
  return lines.join('');
}

const indent = 'problem  '.length;

function indented(text: string, head: string, { width }: StatusView): string {
  const lines = width === undefined ? [printable(text)] : wrap(printable(text), Math.max(20, width - indent));
  return lines.map((line, at) => `${at === 0 ? head : ' '.repeat(indent)}${line}\n`).join('');
}

function sitesTable({ sites, time }: StatusReport, { width, style }: StatusView): string {
  const now = Date.parse(time);
  return table<SiteStatus>(
    [
      { title: 'SITE', value: ({ site }) => site },
      { title: 'OPERATOR', value: ({ operator }) => operator, cut: 'end' },
      { title: 'IN', value: ({ country }) => country },
      {
        title: 'NOW',
        value: ({ reachable }) => (reachable === undefined ? 'not asked' : reachable ? 'reachable' : 'unreachable'),
        paint: (text, { reachable }) =>
          (reachable === undefined ? style.dim : reachable ? style.green : style.red)(text),
      },
      { title: 'LAST TOOK PART', value: ({ whole }) => (whole ? formatAge(whole, now) : 'not known'), align: 'right' },
      {
        title: 'DROPPED SINCE',
        value: ({ dropped }) => (dropped ? formatAge(dropped.since, now) : ''),
        align: 'right',
        paint: (text) => style.red(text),
      },
      {
        title: 'OLDEST READING',
        value: ({ unread }) => (unread ? `${plural(unread.days, 'day')} ago` : 'not known'),
        align: 'right',
      },
    ],
    sites,
    { width, style },
  );
}

function jobsTable({ jobs, time }: StatusReport, { width, style, timeZone }: StatusView): string {
  const now = Date.parse(time);
  const colors = { done: style.green, partial: style.yellow, failed: style.red };
  return table<JobStatus>(
    [
      { title: 'JOB', value: ({ job }) => job },
      {
        title: 'LAST RUN',
        value: ({ last }) => (last ? `${last.outcome}, ${formatAge(last.ended, now)}` : 'not known'),
        paint: (text, { last }) => (last ? colors[last.outcome](text) : style.dim(text)),
      },
      {
        title: 'LAST SUCCESS',
        value: ({ lastSuccess }) => (lastSuccess ? formatAge(lastSuccess.ended, now) : 'not known'),
        align: 'right',
      },
      {
        title: 'MISSED',
        value: ({ missed, elsewhere }) => (missed === 0 ? '' : elsewhere ? 'done elsewhere' : String(missed)),
        align: 'right',
        paint: (text, { elsewhere }) => (elsewhere ? style.dim : style.red)(text),
      },
      { title: `NEXT (${timeZone})`, value: ({ next }) => (next ? formatTime(next, timeZone) : '') },
    ],
    jobs,
    { width, style },
  );
}

function sourcesTable({ sources, problems, time }: StatusReport, view: StatusView): string {
  const { width, style, verbose } = view;
  const now = Date.parse(time);
  const bad = new Set(
    problems.filter(({ about, severity }) => about === 'source' && severity === 'problem').map(({ name }) => name),
  );
  const rows = verbose ? sources : withoutQuietMembers(sources, bad);
  const left = sources.length - rows.length;
  const text = table<SourceStatus>(
    [
      { title: 'SOURCE', value: ({ source }) => source, cut: 'middle' },
      {
        title: 'NEWEST',
        value: ({ newest }) => (newest ? formatAge(newest.time, now) : 'none'),
        align: 'right',
        paint: (cell, { source }) => (bad.has(source) ? style.red(cell) : cell),
      },
      { title: 'NO.', value: ({ newest }) => (newest ? String(newest.sequence) : ''), align: 'right' },
      { title: 'HOST', value: ({ newest }) => newest?.host ?? '', cut: 'end' },
      { title: 'KEPT', value: ({ kept }) => (kept === undefined ? '' : String(kept)), align: 'right' },
      {
        title: 'PROVEN',
        value: ({ proof, asked }) =>
          !asked || !proof ? '' : proof.passed ? formatAge(proof.passed.time, now) : 'never',
        align: 'right',
        paint: (cell, { proof }) => (proof?.failed ? style.red(cell) : cell),
      },
      { title: 'NOTES', value: notesOf, cut: 'end', paint: (cell) => style.yellow(cell) },
    ],
    rows,
    { width, style },
  );
  return left === 0
    ? text
    : `${text}${style.dim(`and ${plural(left, 'database')} of clusters with nothing to tell; -v shows all`)}\n`;
}

function withoutQuietMembers(sources: readonly SourceStatus[], bad: ReadonlySet<string>): SourceStatus[] {
  const sizes = new Map<string, number>();
  for (const { source } of sources) {
    const cluster = clusterOf(source);
    if (cluster !== undefined) sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  }
  let badShown = 0;
  return sources.filter(({ source }) => {
    const cluster = clusterOf(source);
    if (cluster === undefined || (sizes.get(cluster) ?? 0) <= shownOneByOne) return true;
    return bad.has(source) && ++badShown <= shownOneByOne;
  });
}

function notesOf({ newest, lagging, pause, rollback, gone, error, proof }: SourceStatus): string {
  const notes: string[] = [];
  if (gone) notes.push('its database is gone');
  if (error) notes.push('cannot be read');
  if (rollback) notes.push('rolled back');
  if (newest?.lacks) notes.push(`lacks ${newest.lacks}`);
  for (const { site } of lagging) notes.push(`missing at ${site}`);
  if (proof?.failed) notes.push('last proof failed');
  if (pause) notes.push('pruning paused');
  return notes.join(', ');
}

/** Without stack traces; what is not known is null, so that scripts need not ask whether a key is there. */
export function statusDocument(report: StatusReport): object {
  const { sources, sites, jobs, ...rest } = report;
  const now = Date.parse(report.time);
  const age = (time: string | undefined) => (time === undefined ? null : now - Date.parse(time));
  const plain = (
    error: { code: string; message: string; why?: string | undefined; hint?: string | undefined } | undefined,
  ) => (error ? { code: error.code, message: error.message, why: error.why, hint: error.hint } : null);
  return {
    ...rest,
    sources: sources.map(({ newest, oldest, kept, proof, pause, rollback, expectedSince, error, ...source }) => ({
      ...source,
      newest: newest ? { ...newest, ageMs: age(newest.time) } : null,
      oldest: oldest ?? null,
      kept: kept ?? null,
      proof: proof
        ? {
            passed: proof.passed ? { ...proof.passed, ageMs: age(proof.passed.time) } : null,
            failed: proof.failed ?? null,
          }
        : null,
      pause: pause ?? null,
      rollback: rollback ?? null,
      expectedSince: expectedSince ?? null,
      error: plain(error),
    })),
    sites: sites.map(({ reachable, error, whole, dropped, unread, ...site }) => ({
      ...site,
      reachable: reachable ?? null,
      error: plain(error),
      lastTookPart: whole ?? null,
      lastTookPartMs: age(whole),
      dropped: dropped ?? null,
      unread: unread ?? null,
    })),
    jobs: jobs.map(({ last, lastSuccess, next, expected, ...job }) => ({
      ...job,
      last: last ?? null,
      lastSuccess: lastSuccess ?? null,
      lastSuccessMs: age(lastSuccess?.ended),
      next: next ?? null,
      expected: expected ?? null,
    })),
  };
}
