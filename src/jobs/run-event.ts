/** What hooks are told of a run. */
import { isoTime } from '../base/clock.ts';
import type { PlainError } from '../base/errors.ts';
import { type EventProblem, mostProblems, type NotifyEvent, type Occasion } from '../notify/event.ts';
import type { CheckReport } from './check.ts';
import type { RunReport } from './run.ts';
import type { RunRecord } from './run-record.ts';

/** Who tells, and when. */
export interface EventAuthor {
  host: string;
  repository: string;
  /** Milliseconds since 1970. */
  now: number;
}

export interface JobMemory {
  /** What this machine remembered before the run, and does now. */
  before: RunRecord | undefined;
  after: RunRecord | undefined;
}

/**
 * The event of a run that came to its end, be it good or bad.
 *
 * @returns undefined when the same was told of the same slot before: another try that failed like the first is no news
 */
export function eventOfRun(author: EventAuthor, report: RunReport, memory: JobMemory): NotifyEvent | undefined {
  const { before } = memory;
  // A pause of pruning is no failure of the run, but somebody has to look at it: it may be an attack on the source.
  const isPaused = report.prune?.sources.some(({ pause }) => pause !== undefined) ?? false;
  const outcome = report.damaged ? 'failed' : report.outcome === 'done' && isPaused ? 'partial' : report.outcome;
  if (report.outcome !== 'done' && before?.slot === report.slot && before.outcome === report.outcome) return undefined;
  const event: Occasion = outcome !== 'done' ? outcome : before && before.outcome !== 'done' ? 'recovered' : 'done';
  const problems = outcome === 'done' ? [] : problemsOf(report);
  const names = (about: EventProblem['about']) => [
    ...new Set(problems.filter((problem) => problem.about === about).map(({ name }) => name)),
  ];
  return {
    ...eventOfJob(author, event, report.job, memory),
    summary: summaryOf(author, report, event, { failed: names('source'), dropped: names('site') }),
    slot: report.slot,
    failedSources: names('source'),
    droppedSites: names('site'),
    problems: problems.slice(0, mostProblems),
    moreProblems: Math.max(0, problems.length - mostProblems),
    already: report.already,
  };
}

/** The event of a run that could not be begun. Undefined as `eventOfRun`. */
export function eventOfFailure(
  author: EventAuthor,
  { job, slot, error }: { job: string; slot: number; error: PlainError },
  memory: JobMemory,
): NotifyEvent | undefined {
  const { before } = memory;
  if (before?.slot === isoTime(slot) && before.outcome === 'failed') return undefined;
  return {
    ...eventOfJob(author, 'failed', job, memory),
    summary: `The job ${job} of ${author.host} could not be begun: ${error.message}`,
    slot: isoTime(slot),
    problems: [problem('job', job, error)],
  };
}

/** The event of due times that passed without a run. */
export function eventOfMissed(
  author: EventAuthor,
  { job, missed }: { job: string; missed: number },
  memory: JobMemory,
): NotifyEvent {
  const times = missed === 1 ? 'once' : `${missed} times`;
  return {
    ...eventOfJob(author, 'missed', job, memory),
    summary: `The job ${job} of ${author.host} was due ${times} without being run.`,
    missedRuns: missed,
  };
}

/** The event of a check that somebody ran by itself, and that found damage. */
export function eventOfDamage(author: EventAuthor, report: CheckReport): NotifyEvent {
  const problems = damageOf(report);
  const summary = `A check on ${author.host} found damage.`;
  return eventOfCommand(author, { command: 'check', event: 'failed', summary, problems });
}

/** The event of something that somebody, or a schedule of his own, ran by itself and that failed. */
export function eventOfCommand(
  author: EventAuthor,
  { command, event, summary, problems }: Pick<NotifyEvent, 'event' | 'summary' | 'problems'> & { command: string },
): NotifyEvent {
  const { job: _, ...rest } = eventOfJob(author, event, '', { before: undefined, after: undefined });
  return {
    ...rest,
    command,
    summary,
    problems: problems.slice(0, mostProblems),
    moreProblems: Math.max(0, problems.length - mostProblems),
  };
}

function eventOfJob(author: EventAuthor, event: Occasion, job: string, { before, after }: JobMemory): NotifyEvent {
  return {
    schema: 'holdfast/event/1',
    event,
    summary: '',
    host: author.host,
    repository: author.repository,
    time: isoTime(author.now),
    job,
    failedSources: [],
    droppedSites: [],
    problems: [],
    moreProblems: 0,
    failuresInRow: after?.failuresInRow ?? 0,
    lastSuccess: (after ?? before)?.lastSuccess?.ended ?? null,
    already: false,
  };
}

function summaryOf(
  { host }: EventAuthor,
  report: RunReport,
  event: Occasion,
  { failed, dropped }: { failed: string[]; dropped: string[] },
): string {
  const who = `The job ${report.job} of ${host}`;
  if (event === 'recovered') return `${who} did everything again.`;
  if (event === 'done') return `${who} did everything.`;
  const unproven = (verdict: string) =>
    (report.verify?.proofs ?? []).filter((proof) => proof.verdict === verdict).map(({ source }) => source);
  const parts = [
    (report.check ?? []).some(({ report: checked }) => checked?.outcome === 'damaged') && 'a check found damage',
    unproven('fail').length > 0 && `the proof failed of ${listed(unproven('fail'))}`,
    unproven('could-not-verify').length > 0 && `nothing proves ${listed(unproven('could-not-verify'))}`,
    failed.length > 0 && `${failed.length === 1 ? 'the source' : 'sources'} ${listed(failed)} failed or lack something`,
    dropped.length > 0 && `${dropped.length === 1 ? 'the site' : 'the sites'} ${listed(dropped)} did not take part`,
  ].filter((part) => part !== false);
  const steps = report.steps.filter(({ outcome }) => outcome === 'failed' || outcome === 'partial');
  if (parts.length === 0) parts.push(`${listed(steps.map(({ step }) => step))} did not do everything`);
  return `${who} ${report.outcome === 'failed' ? 'failed' : 'did not do everything'}: ${parts.join('; ')}.`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function problemsOf(report: RunReport): EventProblem[] {
  const found: EventProblem[] = [];
  for (const { step, error } of report.steps) if (error) found.push(problem('step', step, error));
  for (const { report: checked } of report.check ?? []) if (checked) found.push(...damageOf(checked));
  for (const { source, site, verdict, error } of report.verify?.proofs ?? []) {
    if (verdict === 'fail') {
      const message = `The proof of ${source} from the site "${site.name}" failed: what was restored is not what was backed up.`;
      const why = error && `${error.message} ${error.why ?? ''}`.trim();
      const hint = `See what differs: holdfast verify ${source}`;
      found.push({ about: 'step', name: 'verify', code: 'verification-failed', message, ...(why && { why }), hint });
    } else if (verdict === 'could-not-verify') {
      const message = `${source} could not be verified from the site "${site.name}".`;
      const why = error && `${error.message} ${error.why ?? ''}`.trim();
      found.push({ about: 'step', name: 'verify', code: 'could-not-verify', message, ...(why && { why }) });
    }
  }
  for (const { source, error, outcome, shortfalls } of report.backup?.sources ?? []) {
    if (error) found.push(problem('source', source, error));
    else if (outcome === 'degraded') {
      const lacks = shortfalls.filter(({ degrades }) => degrades).length;
      const message = `The snapshot of ${source} lacks ${lacks} ${lacks === 1 ? 'thing' : 'things'} that should be in it.`;
      found.push({
        about: 'source',
        name: source,
        code: 'partial',
        message,
        hint: `See which: holdfast snapshots ${source}`,
      });
    }
  }
  for (const { source, error, pause } of report.prune?.sources ?? []) {
    if (error) found.push(problem('source', source, error));
    else if (pause) {
      const message = `Nothing of ${source} is dropped or removed.`;
      found.push({ about: 'source', name: source, code: 'partial', message, why: pause.why });
    }
  }
  const dropped = [
    ...(report.backup?.sites ?? []),
    ...(report.sync?.dropped ?? []),
    ...(report.prune?.dropped ?? []),
    ...(report.check ?? []),
  ];
  const told = new Set<string>();
  for (const { site, error } of dropped) {
    if (!error || told.has(site)) continue;
    told.add(site);
    found.push(problem('site', site, error));
  }
  return found;
}

/** What a check found, one for each site and source. */
function damageOf({ findings }: CheckReport): EventProblem[] {
  const damage = findings.filter(({ severity }) => severity === 'damage');
  const places = new Map<string, typeof damage>();
  for (const finding of damage) {
    const place = [finding.source && `of ${finding.source}`, finding.site && `at the site "${finding.site}"`];
    const key = place.filter(Boolean).join(' ') || 'in the repository';
    places.set(key, [...(places.get(key) ?? []), finding]);
  }
  return [...places].map(([place, found]) => ({
    about: 'step',
    name: 'check',
    code: 'verification-failed',
    message: `A check found damage ${place}: ${found.length} ${found.length === 1 ? 'object' : 'objects'}.`,
    why: `First: ${found[0]!.object}: ${found[0]!.problem}`,
    hint: 'Mend it: holdfast repair',
  }));
}

function problem(about: EventProblem['about'], name: string, { code, message, why, hint }: PlainError): EventProblem {
  return { about, name, code, message, ...(why !== undefined && { why }), ...(hint !== undefined && { hint }) };
}
