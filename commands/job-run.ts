/** Runs a job of the configuration: what `run` and `schedule daemon` have in common. */
import { type Job, rollingParts } from '../config/rotation.ts';
import type { Config } from '../config/schema.ts';
import { allSources } from '../config/sources.ts';
import { didYouMean } from '../config/suggestion.ts';
import { isoTime } from '../src/base/clock.ts';
import { type ErrorCode, HoldfastError, isHoldfastError, toPlainError } from '../src/base/errors.ts';
import type { RunReport, RunRequest } from '../src/jobs/run.ts';
import type { RunRecords } from '../src/jobs/run-record.ts';
import type { Site } from '../src/sites/site.ts';
import type { Context } from './context.ts';

/** @throws HoldfastError `usage` when the configuration has no such job */
export function jobNamed({ jobs }: Config, name: string): Job {
  const job = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
  if (job) return job;
  const names = Object.keys(jobs);
  throw new HoldfastError('usage', `There is no job ${name}.`, {
    why: `The configuration has ${names.join(', ')}.`,
    hint: didYouMean(name, names)?.replace(/^d/, 'D') ?? 'Name one of those, or add it to `jobs`.',
  });
}

/** The due time that a run belongs to which is started now, in milliseconds since 1970. */
export async function slotNow(context: Context, { schedule }: Job): Promise<number> {
  const { dueTimes } = await import('../src/schedule/slots.ts');
  const { config } = await context.config();
  return dueTimes(schedule, config.rotation.timeZone).atOrBefore(context.clock.now()) ?? 0;
}

/**
 * Runs a job for a slot, and warns of what somebody should look at. What keeps it from being begun is recorded as a failed
 * run, so that `schedule show` tells.
 *
 * @throws HoldfastError when it could not be begun, and of an interruption
 */
export async function runForSlot(
  context: Context,
  name: string,
  { slot, force }: { slot: number; force: boolean },
): Promise<RunReport> {
  const [{ config }, { JobNotices }] = await Promise.all([context.config(), import('./job-notices.ts')]);
  const job = jobNamed(config, name);
  const started = context.clock.now();
  const notices = await JobNotices.open(context, name, job, await recordsOf(config));
  await notices.missed(slot);
  let report: RunReport;
  try {
    report = await begin(context, name, job, { slot, force });
  } catch (error) {
    if (!context.signal.aborted) {
      await recordFailure(context, config, name, { slot, started, error }).catch(() => {});
      await notices.failed(slot, error);
    }
    throw error;
  }
  await notices.ended(report);
  return report;
}

async function begin(
  context: Context,
  name: string,
  job: Job,
  { slot, force }: { slot: number; force: boolean },
): Promise<RunReport> {
  const [{ runJob }, { openAccess }, { lookForRoom }, { writtenPlaces }, words] = await Promise.all([
    import('../src/jobs/run.ts'),
    import('./repository-access.ts'),
    import('../src/jobs/room.ts'),
    import('./backup.ts'),
    import('./views/backup-words.ts'),
  ]);
  const { config } = await context.config();
  // To prove is no business of a backup host, and where only that is done nothing is signed as one.
  const onlyProves = job.backup === undefined && !job.sync && !job.prune && job.check === undefined;
  await using opened = await openAccess(context, { host: onlyProves ? 'at-hand' : 'required', sites: 'all' });
  if (job.backup !== undefined) {
    for (const warning of await lookForRoom(writtenPlaces(config))) context.emit({ type: 'warning', ...warning });
  }
  const report = await runJob(opened.access, {
    job: name,
    slot,
    force,
    ...(await stepsOf(context, job, slot)),
    env: context.environment,
  });
  if (report.backup) {
    const sources = report.backup.sources.filter(({ already }) => !already);
    for (const warning of words.warningsOf({ ...report.backup, sources })) {
      context.emit({ type: 'warning', ...warning });
    }
  }
  return report;
}

async function stepsOf(
  context: Context,
  job: Job,
  slot: number,
): Promise<Omit<RunRequest, 'job' | 'slot' | 'force' | 'env'>> {
  const [{ config }, { backupSettingsOf, chosenSources, namesInRepository }, { clusterOf }, { wallTimeIn }] =
    await Promise.all([
      context.config(),
      import('./source-settings.ts'),
      import('../src/repository/source-name.ts'),
      import('../src/schedule/wall-time.ts'),
    ]);
  const { keep, timeZone } = config.rotation;
  const names = job.backup === undefined || job.backup === allSources ? [] : job.backup;
  return {
    sources: (access) => namesInRepository(access, config, []),
    readersView: (site) => viewOf(context, site),
    ...(job.backup !== undefined && {
      backup: chosenSources(config, names).map((source) => ({
        name: source.name,
        type: source.type,
        settings: () => backupSettingsOf(context, source),
      })),
    }),
    ...(job.sync && { sync: true }),
    ...(job.prune && {
      prune: {
        timeZone,
        keepOf: (name: string) =>
          config.sources.find((source) => source.name === (clusterOf(name) ?? name))?.keep ?? keep,
      },
    }),
    ...(job.check !== undefined && { check: partOf(job.check, wallTimeIn(timeZone).wallOf(slot)) }),
    ...(job.verify !== false && {
      verify: async (access) => {
        const { recordedRequest } = await import('./verify.ts');
        return recordedRequest(context, access, job.verify === true ? [] : job.verify || []);
      },
    }),
  };
}

/** Check and verify look through what somebody has hidden at a site that locks; others are as they are. */
async function viewOf(context: Context, site: Site): Promise<Site> {
  return site.locks ? (await import('./open-sites.ts')).withOlderVersions(context, site) : site;
}

const dayMs = 86_400_000;

/** `3/7`, or of `rolling` the part of the day: seven days in a row read everything. */
function partOf(check: string, wall: number): { part: number; parts: number } {
  if (check === 'rolling') return { part: (Math.floor(wall / dayMs) % rollingParts) + 1, parts: rollingParts };
  const [part = 1, parts = 1] = check.split('/').map(Number);
  return { part, parts };
}

/** What this machine remembers of runs. */
export async function recordsOf({ state, repository }: Config): Promise<RunRecords> {
  const [{ RunRecords }, { repositoryIdOf }] = await Promise.all([
    import('../src/jobs/run-record.ts'),
    import('../src/repository/layout.ts'),
  ]);
  return new RunRecords(state, repositoryIdOf(repository));
}

async function recordFailure(
  { clock }: Context,
  config: Config,
  job: string,
  { slot, started, error }: { slot: number; started: number; error: unknown },
): Promise<void> {
  const [{ SiteRecords }, { isSiteFailure }, { repositoryIdOf }] = await Promise.all([
    import('../src/jobs/site-record.ts'),
    import('../src/repository/run-sites.ts'),
    import('../src/repository/layout.ts'),
  ]);
  const ended = isoTime(clock.now());
  const run = { slot: isoTime(slot), started: isoTime(started), ended, outcome: 'failed', steps: {} } as const;
  await (await recordsOf(config)).write(job, run);
  const [site, ...others] = config.sites;
  // Of several nobody knows what became of the others.
  if (!site || others.length > 0 || !isSiteFailure(error)) return;
  const records = new SiteRecords(config.state, repositoryIdOf(config.repository));
  await records.wasDropped(site.name, ended, toPlainError(error));
}

/** Whether a run that could not be begun may fare better later. */
export function isWorthRetry(error: unknown): boolean {
  return !isHoldfastError(error, 'usage', 'config', 'no-repository', 'wrong-key', 'not-trusted', 'interrupted');
}

/** What the exit status says of a run. Damage is the gravest; when all failed of one reason, that is the reason. */
export function codeOfRun(report: RunReport): ErrorCode | undefined {
  if (report.damaged) return 'verification-failed';
  const others = report.steps.filter(({ step }) => step !== 'verify');
  const othersDone = others.every(({ outcome }) => outcome !== 'failed' && outcome !== 'partial');
  if (report.verify?.verdict === 'could-not-verify' && othersDone) return 'could-not-verify';
  if (report.outcome !== 'failed') return report.outcome === 'partial' ? 'partial' : undefined;
  const errors = [...report.steps, ...(report.backup?.sources ?? [])].flatMap(({ error }) => error?.code ?? []);
  const codes = new Set(errors);
  return codes.size === 1 ? [...codes][0] : 'failed';
}
