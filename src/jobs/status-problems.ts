/** What somebody should look at. Pure: the same facts always give the same list. */
import { formatDuration } from '../base/units.ts';
import type { JobStatus } from './status-jobs.ts';
import type { StatusLimits, StatusProblem, StatusReport } from './status-report.ts';
import type { SourceStatus } from './status-source.ts';

const dayMs = 86_400_000;

type Facts = Pick<StatusReport, 'sources' | 'sites' | 'jobs' | 'hooks'>;
type Limits = StatusLimits & { now: number };
type Found = Omit<StatusProblem, 'about' | 'name' | 'severity'> & { severity?: StatusProblem['severity'] };

/** Problems first, then notices; sites, jobs, sources and hooks in this order. */
export function problemsOf(facts: Facts, limits: Limits): StatusProblem[] {
  const all: StatusProblem[] = [];
  const add = (about: StatusProblem['about'], name: string, found: readonly Found[]) => {
    all.push(...found.map(({ severity = 'problem', ...rest }) => ({ severity, about, name, ...rest })));
  };
  for (const site of facts.sites) add('site', site.site, siteProblems(site, facts, limits));
  for (const job of facts.jobs) add('job', job.job, jobProblems(job, limits));
  for (const source of facts.sources) add('source', source.source, sourceProblems(source, limits));
  for (const { hook, last } of facts.hooks) {
    if (!last?.error) continue;
    const times = last.failures === 1 ? '' : `, ${last.failures} times in a row`;
    const text = `It was not told ${ago(last.last, limits)}${times}. ${last.error.why ?? last.error.message}`;
    add('hook', hook, [{ code: 'hook-failed', text, hint: `Try it: holdfast notify test ${hook}` }]);
  }
  return all.sort((a, b) => (a.severity === b.severity ? 0 : a.severity === 'problem' ? -1 : 1));
}

function ago(time: string, { now }: Pick<Limits, 'now'>): string {
  return `${formatDuration(Math.max(0, now - Date.parse(time)))} ago`;
}

function siteProblems(
  { reachable, error, dropped, whole, unread }: Facts['sites'][number],
  { sources, sites }: Facts,
  limits: Limits,
): Found[] {
  const found: Found[] = [];
  const several = sites.length > 1;
  const last = whole ? ` It last took part in a run ${ago(whole, limits)}.` : '';
  const runs = dropped && `${dropped.runs === 1 ? 'A run' : `${dropped.runs} runs in a row`} went on without it`;
  if (reachable === false) {
    const why = [error?.message, error?.why].filter(Boolean).join(' ');
    const since = dropped ? ` ${runs}, the first ${ago(dropped.since, limits)}.` : '';
    const hint = error?.hint ?? 'See what is wrong: holdfast doctor';
    found.push({ code: 'site-unreachable', text: `It cannot be used now: ${why}${since}${last}`, hint });
  } else if (dropped) {
    const why = `The last time: ${dropped.error.message}`;
    const hint = several ? 'Once it works, catch it up: holdfast sync' : undefined;
    const text = `${runs}, the first ${ago(dropped.since, limits)}.${last} ${why}`;
    found.push({ code: 'site-dropped', text, ...(hint !== undefined && { hint }) });
  }
  const hint = 'Read a part each day: `check: rolling` in a job, or holdfast check --read-data oldest/30';
  if (unread && unread.days * dayMs > limits.maxUnreadMs) {
    const never = unread.neverRead > 0 ? `, ${unread.neverRead} of its ${unread.packs} packs never` : '';
    const text = `Bytes of ${unread.source} were not read for ${unread.days} days${never}.`;
    found.push({ code: 'unread', text, hint });
  } else if (!unread) {
    const oldest = sources.flatMap(({ oldest: time }) => time ?? []).sort()[0];
    if (oldest !== undefined && limits.now - Date.parse(oldest) > limits.maxUnreadMs) {
      const text = `This machine has never read its bytes; the oldest snapshot was made ${ago(oldest, limits)}.`;
      found.push({ code: 'unread', text, hint });
    }
  }
  return found;
}

function jobProblems(
  { last, late, missed, elsewhere, expected, lastSuccess, failuresInRow }: JobStatus,
  limits: Limits,
): Found[] {
  const success = lastSuccess
    ? `It last did everything ${ago(lastSuccess.ended, limits)}.`
    : 'It has never done everything here.';
  if (late && elsewhere) {
    const text =
      'No run of it has ended here in time; but each of its sources has its snapshot, made by another run or by hand.';
    return [{ severity: 'notice', code: 'job-late', text }];
  }
  if (late) {
    const due = expected ? `It was due ${ago(expected, limits)}` : 'It was due';
    const count = missed > 1 ? ` (${missed} due times)` : '';
    return [
      {
        code: 'job-late',
        text: `${due}${count}, and no run of it has ended here since. ${success}`,
        hint: 'Look whether a schedule runs it (holdfast schedule install), or run it now: holdfast run',
      },
    ];
  }
  if (last && last.outcome !== 'done') {
    const times = failuresInRow > 1 ? `, ${failuresInRow} runs in a row` : '';
    const what = last.outcome === 'failed' ? 'failed' : 'did not do everything';
    const steps = Object.entries(last.steps).filter(([, outcome]) => outcome === 'failed' || outcome === 'partial');
    const which = steps.length > 0 ? ` (${steps.map(([step]) => step).join(', ')})` : '';
    const text = `Its last run ${what}${which}, ${ago(last.ended, limits)}${times}. ${success}`;
    return [{ code: 'job-failed', text, hint: 'See why: run it again, or read the journal.' }];
  }
  return [];
}

function sourceProblems(status: SourceStatus, limits: Limits): Found[] {
  const { source, asked, newest, error, rollback, lagging, pause, ignored, kept } = status;
  const found: Found[] = [];
  if (error) {
    const text = `The sites could not tell of it: ${error.message} ${error.why ?? ''}`.trim();
    found.push({ code: 'unreadable', text, ...(error.hint !== undefined && { hint: error.hint }) });
  }
  if (rollback) {
    const { known, shown } = rollback;
    const text = `The sites were rolled back: this machine has seen snapshot ${known.sequence}, they show ${shown ? shown.sequence : 'none'}.`;
    found.push({ code: 'rollback', text, hint: 'Look for another copy, and for who changed them.' });
  }
  if (!newest && !error) {
    const text = asked && kept === 0 ? 'It has no snapshot.' : 'This machine knows of no snapshot of it.';
    found.push({
      severity: asked ? 'problem' : 'notice',
      code: 'no-snapshot',
      text,
      hint: `Make one: holdfast backup ${source}`,
    });
  }
  if (newest) found.push(...ageProblems(status, newest, limits));
  if (newest?.lacks) {
    const things = newest.lacks === 1 ? 'one thing' : `${newest.lacks} things`;
    const text = `The newest snapshot lacks ${things} that should be in it.`;
    found.push({ code: 'degraded', text, hint: `See which: holdfast snapshots ${source} --json` });
  }
  for (const { site, newest: there, behind } of lagging) {
    const age = there
      ? `is ${behind} ${behind === 1 ? 'snapshot' : 'snapshots'} behind; its newest was made ${ago(there.time, limits)}`
      : 'has no snapshot of it';
    found.push({ code: 'lagging', text: `The site "${site}" ${age}.`, hint: 'Catch it up: holdfast sync' });
  }
  found.push(...proofProblems(status, limits));
  // A failed proof is told once.
  if (pause && pause.because !== 'proof-failed') {
    found.push({
      code: 'pruning-paused',
      text: `Nothing of it is dropped or removed: ${pause.why}`,
      hint: `See: holdfast prune ${source} --dry-run`,
    });
  }
  if (ignored > 0) {
    const text = `${ignored} of its objects at the sites ${ignored === 1 ? 'does' : 'do'} not count.`;
    found.push({ severity: 'notice', code: 'not-counted', text, hint: `See why: holdfast snapshots ${source}` });
  }
  return found;
}

function ageProblems(
  { source, expectedSince, gone }: SourceStatus,
  newest: NonNullable<SourceStatus['newest']>,
  limits: Limits,
): Found[] {
  if (gone) return [];
  const age = limits.now - Date.parse(newest.time);
  const stale =
    limits.maxAgeMs !== undefined ? age > limits.maxAgeMs : expectedSince !== undefined && newest.time < expectedSince;
  if (stale) {
    const due =
      limits.maxAgeMs !== undefined
        ? `; at most ${formatDuration(limits.maxAgeMs)} are allowed`
        : `; one was due ${ago(expectedSince!, limits)}`;
    const text = `Its newest snapshot is ${formatDuration(age)} old${due}.`;
    return [{ code: 'stale', text, hint: `Make one: holdfast backup ${source}` }];
  }
  if (limits.maxAgeMs === undefined && expectedSince === undefined) {
    const text = 'No job backs it up, and `status.maxAge` is not set: its age is not judged.';
    return [{ severity: 'notice', code: 'unscheduled', text }];
  }
  return [];
}

function proofProblems({ source, proof, oldest, newest, gone }: SourceStatus, limits: Limits): Found[] {
  if (!proof || !newest || gone) return [];
  const hint = `Restore it to prove it: holdfast verify ${source}`;
  if (proof.failed) {
    const { time, site } = proof.failed;
    const text = `The last proof failed: from the site "${site}", ${ago(time, limits)}. Nothing is dropped meanwhile.`;
    return [{ code: 'proof-failed', text, hint }];
  }
  const { passed } = proof;
  if (passed) {
    if (limits.now - Date.parse(passed.time) <= limits.maxProofAgeMs) return [];
    return [{ code: 'proof-stale', text: `The last restore that proved it was ${ago(passed.time, limits)}.`, hint }];
  }
  // Of one that has just been begun nobody can ask for a proof yet.
  if (oldest === undefined || limits.now - Date.parse(oldest) <= limits.maxProofAgeMs) return [];
  return [{ code: 'proof-missing', text: 'No restore has ever proven it.', hint }];
}
