/** What a run of a job did. */
import { fromPlainError } from '../../src/base/errors.ts';
import { formatBytes, formatDuration } from '../../src/base/units.ts';
import type { RunReport, StepReport } from '../../src/jobs/run.ts';
import type { StepOutcome } from '../../src/jobs/run-record.ts';
import { clusterOf } from '../../src/repository/source-name.ts';
import { shownReport, withoutStack } from '../backup.ts';
import { backupText } from './backup.ts';
import { failureTexts } from './backup-words.ts';
import { errorText } from './error.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { formatTime, plural } from './times.ts';
import { shortId } from './totals.ts';
import { printable } from './width.ts';

export interface RunView {
  width?: number | undefined;
  style: Style;
  timeZone: string;
  verbose?: boolean;
}

/** Words of outcomes, for people. */
export const outcomeWords: Record<StepOutcome, string> = {
  done: 'done',
  already: 'already done',
  partial: 'partial',
  failed: 'failed',
  'left-out': 'left out',
};

export function runText(report: RunReport, view: RunView): string {
  const { style, timeZone } = view;
  const colors = { done: style.green, already: style.green, partial: style.yellow, failed: style.red };
  const steps = table<StepReport>(
    [
      { title: 'STEP', value: ({ step }) => step },
      {
        title: 'RESULT',
        value: ({ outcome }) => outcomeWords[outcome],
        paint: (text, { outcome }) => (outcome === 'left-out' ? style.dim(text) : colors[outcome](text)),
      },
      { title: 'TIME', value: ({ durationMs }) => formatDuration(durationMs), align: 'right' },
      { title: 'WHAT', value: (step) => whatOf(step, report), cut: 'end' },
    ],
    report.steps,
    view,
  );
  const verdict = report.already
    ? `${report.job} is already done for ${formatTime(report.slot, timeZone)}.\n`
    : `${report.job}, due ${formatTime(report.slot, timeZone)}: ${report.outcome}.\n`;
  const parts = [backupPart(report, view), lines(report, view), steps].filter((part) => part !== '');
  return `${parts.join('\n')}\n${verdict}`;
}

/** What was backed up here as `backup` shows it, then what others, or an earlier run, did. */
function backupPart({ backup }: RunReport, view: RunView): string {
  if (!backup) return '';
  const fresh = backup.sources.filter(({ already }) => !already);
  const clusters = backup.clusters.filter(
    ({ source, notTaken }) => notTaken.length > 0 || fresh.some((one) => clusterOf(one.source) === source),
  );
  const own = backupText({ ...backup, sources: fresh, clusters }, view);
  const others = backup.sources.flatMap(({ source, already, snapshot, outcome }) => {
    if (!already || !snapshot) return [];
    const lacks = outcome === 'degraded' ? view.style.yellow(', and lacks something') : '';
    const when = formatTime(snapshot.time, view.timeZone);
    return [`${source}@${shortId(snapshot.id)}: already done by ${already.host} at ${when}${lacks}\n`];
  });
  return [own, others.join('')].filter((part) => part !== '').join('\n');
}

function whatOf({ step, why, error }: StepReport, report: RunReport): string {
  if (error) return error.message;
  const { backup, sync, prune, check, verify } = report;
  const parts: string[] = [];
  if (step === 'backup' && backup) {
    const { sources } = backup;
    const count = (is: (source: (typeof sources)[number]) => boolean) => sources.filter(is).length;
    const [here, before] = [count(({ already, error: bad }) => !already && !bad), count(({ already }) => !!already)];
    if (here > 0) parts.push(`${plural(here, 'source')} done here`);
    if (before > 0) parts.push(`${before} already`);
    const failed = count(({ error: bad }) => bad !== undefined);
    if (failed > 0) parts.push(`${failed} failed`);
  } else if (step === 'sync' && sync) {
    for (const { site, objects, bytes } of sync.sites) {
      if (objects > 0) parts.push(`${formatBytes(bytes)} to ${site}`);
    }
    if (parts.length === 0 && sync.outcome === 'done') parts.push('the sites were equal');
  } else if (step === 'prune' && prune) {
    const dropped = prune.sources
      .filter(({ pause }) => !pause)
      .flatMap(({ snapshots }) => snapshots.filter(({ reasons }) => reasons.length === 0)).length;
    const bytes = prune.sources.flatMap(({ sites }) => sites).reduce((sum, site) => sum + site.bytes, 0);
    parts.push(`${plural(dropped, 'snapshot')} dropped`);
    if (bytes > 0) parts.push(`${formatBytes(bytes)} removed`);
  } else if (step === 'check' && check) {
    for (const { site, report: found } of check) {
      if (!found) continue;
      const read = found.sources.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
      parts.push(`${site}: ${formatBytes(read)} read, ${found.outcome}`);
    }
  } else if (step === 'verify' && verify) {
    const proven = verify.proofs.filter(({ verdict }) => verdict === 'pass').length;
    parts.push(`${proven} of ${plural(verify.proofs.length, 'source')} proven`);
  }
  if (why !== undefined) parts.push(why);
  return parts.join(', ');
}

/** What is not as it should be, of the steps after the backup. */
function lines({ sync, prune, check, verify }: RunReport, { style }: RunView): string {
  const found: string[] = [];
  const say = (mark: string, text: string) => found.push(`${mark}  ${printable(text)}\n`);
  for (const { site, object, problem } of sync?.problems ?? []) {
    say(style.red('damage'), `${site}: ${object}: ${problem}`);
  }
  for (const { site, error } of [...(sync?.dropped ?? []), ...(prune?.dropped ?? [])]) {
    say(style.red('failed'), `site ${site}: ${error?.message}`);
  }
  for (const { source, error, pause } of prune?.sources ?? []) {
    if (error) say(style.red('failed'), `prune of ${source}: ${error.message} ${error.why ?? ''}`);
    else if (pause) say(style.yellow('paused'), `prune of ${source}: ${pause.why} Nothing is dropped.`);
  }
  for (const { site, report, error } of check ?? []) {
    if (error) say(style.red('failed'), `check of ${site}: ${error.message}`);
    for (const { source, object, problem, severity } of report?.findings ?? []) {
      const mark = severity === 'damage' ? style.red('damage') : style.dim('notice');
      say(mark, `${site}: ${source === undefined ? '' : `${source}: `}${object}: ${problem}`);
    }
  }
  for (const { source, site, checks, error, verdict: whole } of verify?.proofs ?? []) {
    const about = `proof of ${source} from ${site.name}`;
    if (error && whole === 'could-not-verify') say(style.yellow('unknown'), `${about}: ${error.message}`);
    for (const { title, verdict, why } of checks) {
      if (verdict === 'fail') say(style.red('failed'), `${about}: ${title}: ${why}`);
      else if (verdict === 'could-not-verify' && !error) say(style.yellow('unknown'), `${about}: ${title}: ${why}`);
    }
  }
  return [...new Set(found)].join('');
}

/** Errors of sources and of whole steps, for standard error. */
export function runFailures(report: RunReport, style: Style, { verbose }: { verbose: boolean }): string[] {
  const sources = report.backup ? failureTexts(report.backup, style, { verbose }) : [];
  const steps = report.steps.flatMap(({ error }) => (error ? errorText(fromPlainError(error), style, verbose) : []));
  return [...sources, ...steps];
}

/** Without stack traces. */
export function runDocument(report: RunReport): object {
  const { steps, backup, sync, prune, check, verify, ...rest } = report;
  return {
    ...rest,
    steps: steps.map(withoutStack),
    ...(backup && { backup: shownReport(backup) }),
    ...(sync && { sync: { ...sync, dropped: sync.dropped.map(withoutStack) } }),
    ...(prune && {
      prune: { ...prune, sources: prune.sources.map(withoutStack), dropped: prune.dropped.map(withoutStack) },
    }),
    ...(check && { check: check.map(withoutStack) }),
    ...(verify && { verify: { ...verify, proofs: verify.proofs.map(withoutStack) } }),
  };
}
