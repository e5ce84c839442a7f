import { isoTime } from '../base/clock.ts';
import { isHoldfastError, toPlainError } from '../base/errors.ts';
import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { clusterOf } from '../repository/source-name.ts';
import { goneOf } from './cluster-record.ts';
import { beginAtEachSite } from './run-begin.ts';
import { RunRecords, stepNames } from './run-record.ts';
import { SiteRecords } from './site-record.ts';
import { type JobStatus, jobStatus, type ScheduledJob, snapshotDueSince } from './status-jobs.ts';
import { problemsOf } from './status-problems.ts';
import type { HookStatus, SiteStatus, StatusLimits, StatusReport } from './status-report.ts';
import { askedSource, rememberedSource, type SourceStatus } from './status-source.ts';

export interface StatusRequest {
  /** Names of the configuration's sources, and of those the sites hold; asked once the sites are open. */
  sources(asked: boolean): Promise<string[]>;
  /** As the configuration declares them. */
  sites: readonly { name: string; operator: string; country: string }[];
  jobs: readonly ScheduledJob[];
  timeZone: string;
  hooks: readonly HookStatus[];
  limits: StatusLimits;
  /** Ask no site. */
  offline: boolean;
}

/**
 * How everything is: what the sites tell, and what this machine remembers. A site that fails, or a source that cannot be
 * read, is part of the answer.
 *
 * @throws HoldfastError when the state directory cannot be read, and the signal's reason
 */
export async function status(access: RepositoryAccess, request: StatusRequest): Promise<StatusReport> {
  const { clock, signal } = access;
  const now = clock.now();
  const asked = !request.offline && (await reach(access));
  const sources: SourceStatus[] = [];
  const names = await namesOf(access, request, asked);
  for (const [done, name] of names.entries()) {
    signal.throwIfAborted();
    access.emit({ type: 'progress', activity: 'Looking at sources', done, total: names.length, unit: 'items' });
    const isAsked = asked && sitesOf(access).live.length > 0;
    sources.push(await (isAsked ? askedSource(access, name) : rememberedSource(access, name)));
  }
  await addExpectations(access, request, sources, now);
  const jobs = await jobsOf(access, request, sources, now);
  const sites = await siteStatuses(access, request, sources);
  const byHand = await byHandOf(access);
  const report = { sources, sites, jobs, byHand, hooks: request.hooks };
  const problems = problemsOf(report, { ...request.limits, now });
  const healthy = problems.every(({ severity }) => severity === 'notice');
  return { time: isoTime(now), healthy, asked, problems, ...report };
}

/** Whether a site answers; those that do not are dropped. */
async function reach(access: RepositoryAccess): Promise<boolean> {
  if (sitesOf(access).live.length === 0) return false;
  try {
    await beginAtEachSite(access);
    return true;
  } catch (error) {
    access.signal.throwIfAborted();
    if (!isHoldfastError(error)) throw error;
    for (const site of sitesOf(access).live) sitesOf(access).drop(site, error);
    return false;
  }
}

async function namesOf(access: RepositoryAccess, request: StatusRequest, asked: boolean): Promise<string[]> {
  try {
    return await request.sources(asked);
  } catch (error) {
    access.signal.throwIfAborted();
    if (!asked || !isHoldfastError(error)) throw error;
    return request.sources(false);
  }
}

async function addExpectations(
  access: RepositoryAccess,
  { jobs, timeZone }: StatusRequest,
  sources: SourceStatus[],
  now: number,
): Promise<void> {
  const gone = new Map<string, Set<string>>();
  for (const source of sources) {
    const own = clusterOf(source.source) ?? source.source;
    const known = gone.get(own) ?? (await goneOf(access, own));
    gone.set(own, known);
    source.gone = known.has(source.source);
    if (source.gone) continue;
    const due = snapshotDueSince(own, jobs, { timeZone, now });
    if (due !== undefined) source.expectedSince = isoTime(due);
  }
}

async function jobsOf(
  access: RepositoryAccess,
  { jobs, timeZone }: StatusRequest,
  sources: readonly SourceStatus[],
  now: number,
): Promise<JobStatus[]> {
  const records = new RunRecords(access.stateDirectory, access.trust.repositoryId);
  const all: JobStatus[] = [];
  for (const job of jobs) {
    const found = jobStatus(job, await records.read(job.name), { timeZone, now });
    const own = sources.filter(({ source, gone }) => {
      const { backup } = job;
      return !gone && (backup === 'all' || backup?.includes(clusterOf(source) ?? source));
    });
    const { late, expected } = found;
    const isDone = own.length > 0 && own.every(({ newest }) => newest && expected && newest.time >= expected);
    all.push({ ...found, elsewhere: late && isDone });
  }
  return all;
}

async function siteStatuses(
  access: RepositoryAccess,
  { sites, offline }: StatusRequest,
  sources: readonly SourceStatus[],
): Promise<SiteStatus[]> {
  const records = new SiteRecords(access.stateDirectory, access.trust.repositoryId);
  const { dropped } = sitesOf(access);
  const all: SiteStatus[] = [];
  for (const { name, operator, country } of sites) {
    const failure = dropped.find(({ site }) => site.name === name);
    let unread: SiteStatus['unread'];
    for (const { source, unread: readings } of sources) {
      const here = readings.find(({ site }) => site === name);
      if (!here || (unread && unread.days >= here.days)) continue;
      unread = { source, days: here.days, packs: here.packs, neverRead: here.neverRead };
    }
    all.push({
      site: name,
      operator,
      country,
      ...(!offline && { reachable: failure === undefined }),
      ...(failure && !offline && { error: toPlainError(failure.error) }),
      ...(await records.read(name)),
      ...(unread && { unread }),
    });
  }
  return all;
}

async function byHandOf(access: RepositoryAccess): Promise<StatusReport['byHand']> {
  const records = new RunRecords(access.stateDirectory, access.trust.repositoryId, 'by-hand');
  const found = await Promise.all(stepNames.map(async (command) => ({ command, last: await records.read(command) })));
  return found.flatMap(({ command, last }) => (last ? [{ command, last }] : []));
}
