/** Warnings and errors of a backup. Those of a cluster's databases that say the same are told once. */
import { fromPlainError, HoldfastError } from '../../src/base/errors.ts';
import type { BackupReport, SourceReport } from '../../src/jobs/backup.ts';
import { clusterOf } from '../../src/repository/source-name.ts';
import { errorText } from './error.ts';
import type { Style } from './style.ts';
import { plural } from './times.ts';

export interface Warning {
  source: string;
  text: string;
  hint: string;
}

/** All that somebody should know of what a backup did, besides what failed. */
export function warningsOf(report: Pick<BackupReport, 'sources' | 'clusters'>): Warning[] {
  const notTaken = report.clusters.flatMap((cluster) =>
    cluster.notTaken.map(({ database, reason, hint }) => ({
      source: cluster.source,
      text: `${database} is not backed up. ${reason}`,
      hint,
    })),
  );
  return [...unansweredWarnings(report), ...notTaken];
}

/** One for each source, or cluster, that some owner never showed to be able to open. */
export function unansweredWarnings({ sources }: Pick<BackupReport, 'sources'>): Warning[] {
  const groups = groupBy(
    sources.filter(({ unansweredOwners }) => unansweredOwners.length > 0),
    ({ source, unansweredOwners }) => JSON.stringify([clusterOf(source) ?? source, unansweredOwners]),
  );
  return groups.map((members) => {
    const [{ source, unansweredOwners }] = members;
    const cluster = members.length > 1 ? clusterOf(source) : undefined;
    const does = cluster === undefined ? 'It does not count' : `${plural(members.length, 'database')} do not count`;
    return {
      source: cluster ?? source,
      text: `${does} as protected yet: ${unansweredOwners.join(', ')} never showed that they can open ${cluster === undefined ? 'it' : 'them'}.`,
      hint: `holdfast keys test -i <identity file of ${unansweredOwners[0]}>`,
    };
  });
}

/** The errors of the sources that failed. */
export function failureTexts(
  { sources }: Pick<BackupReport, 'sources'>,
  style: Style,
  options: { verbose: boolean },
): string[] {
  const failed = sources.filter((source) => source.error !== undefined);
  const groups = groupBy(failed, ({ source, error }) => {
    const cluster = clusterOf(source);
    return cluster === undefined ? source : JSON.stringify([cluster, error?.code, error?.message, error?.why]);
  });
  return groups.map((members) => {
    const [{ source, error }] = members;
    const whole = fromPlainError(error!);
    if (clusterOf(source) === undefined) return errorText(whole, style, options.verbose);
    const more = members.length > 1 ? ` and ${members.length - 1} more` : '';
    const { code, message, why, hint, stack } = whole;
    const named = new HoldfastError(code, `${source}${more}: ${message}`, {
      ...(why !== undefined && { why }),
      ...(hint !== undefined && { hint }),
    });
    if (stack !== undefined) named.stack = stack;
    return errorText(named, style, options.verbose);
  });
}

type Group = [SourceReport, ...SourceReport[]];

function groupBy(sources: readonly SourceReport[], key: (source: SourceReport) => string): Group[] {
  const groups = new Map<string, Group>();
  for (const source of sources) {
    const group = groups.get(key(source));
    if (group) group.push(source);
    else groups.set(key(source), [source]);
  }
  return [...groups.values()];
}
