/** What `status` makes of facts: jobs against their schedule, and the list of what somebody should look at. */
import { describe, expect, it } from 'vitest';
import { isoTime } from '../../src/base/clock.ts';
import type { RunRecord } from '../../src/jobs/run-record.ts';
import { jobStatus, snapshotDueSince } from '../../src/jobs/status-jobs.ts';
import { problemsOf } from '../../src/jobs/status-problems.ts';
import type { StatusReport } from '../../src/jobs/status-report.ts';
import type { SourceStatus } from '../../src/jobs/status-source.ts';

const hour = 3_600_000;
const day = 24 * hour;
const at = (text: string) => Date.parse(text);
const daily = { name: 'daily', schedule: '0 4 * * *', backup: 'all' } as const;

function run(slot: string, outcome: RunRecord['outcome'] = 'done'): RunRecord {
  const ended = isoTime(at(slot) + hour);
  const lastSuccess = outcome === 'done' ? { lastSuccess: { slot, ended } } : {};
  return { slot, started: slot, ended, outcome, steps: { backup: outcome }, failuresInRow: 0, ...lastSuccess };
}

describe('a job', () => {
  const look = (now: string, last?: RunRecord, schedule: string = daily.schedule) =>
    jobStatus({ ...daily, schedule }, last, { timeZone: 'UTC', now: at(now) });

  it('is not late while a run may still be going on, and is after six hours', () => {
    const last = run('2026-11-22T04:00:00.000Z');
    expect(look('2026-11-23T09:59:00Z', last)).toMatchObject({ late: false, missed: 0 });
    expect(look('2026-11-23T10:00:00Z', last)).toMatchObject({
      late: true,
      missed: 1,
      expected: '2026-11-23T04:00:00.000Z',
      next: '2026-11-24T04:00:00.000Z',
    });
  });

  it('that comes often is late after half the time to the next', () => {
    const last = run('2026-11-22T04:00:00.000Z');
    expect(look('2026-11-22T05:29:00Z', last, '0 * * * *').late).toBe(false);
    expect(look('2026-11-22T05:31:00Z', last, '0 * * * *')).toMatchObject({ late: true, missed: 1 });
    expect(look('2026-11-22T08:31:00Z', last, '0 * * * *').missed).toBe(4);
  });

  it('of working days misses nothing on a weekend', () => {
    const friday = run('2026-11-20T04:00:00.000Z');
    expect(look('2026-11-23T03:00:00Z', friday, '0 4 * * 1-5').late).toBe(false);
    expect(look('2026-11-23T10:00:00Z', friday, '0 4 * * 1-5')).toMatchObject({ late: true, missed: 1 });
  });

  it('is late when a wrong clock has run it tomorrow, and when nothing is known', () => {
    expect(look('2026-11-23T12:00:00Z', run('2027-11-23T04:00:00.000Z')).late).toBe(true);
    expect(look('2026-11-23T12:00:00Z')).toMatchObject({ late: true, missed: 1, failuresInRow: 0 });
  });

  it('tells from when on its sources must have a snapshot', () => {
    const when = { timeZone: 'UTC', now: at('2026-11-23T12:00:00Z') };
    const hourly = { name: 'hourly', schedule: '0 * * * *', backup: ['app'] };
    expect(snapshotDueSince('app', [daily, hourly], when)).toBe(at('2026-11-23T11:00:00Z'));
    expect(snapshotDueSince('files', [daily, hourly], when)).toBe(at('2026-11-23T04:00:00Z'));
    expect(snapshotDueSince('files', [hourly], when)).toBeUndefined();
  });
});

describe('problems', () => {
  const now = at('2026-11-23T12:00:00Z');
  const ago = (ms: number) => isoTime(now - ms);
  const limits: Parameters<typeof problemsOf>[1] = { now, maxProofAgeMs: 8 * day, maxUnreadMs: 30 * day };
  const source = (changes: Partial<SourceStatus> = {}): SourceStatus => ({
    source: 'app',
    asked: true,
    newest: { id: 'ab', sequence: 40, time: ago(8 * hour), host: 'web1', type: 'postgres', lacks: 0 },
    oldest: ago(20 * day),
    kept: 20,
    sites: ['vault'],
    lagging: [],
    proof: { passed: { time: ago(2 * day), site: 'vault', snapshot: 'ab', verifier: 'prover' } },
    ignored: 0,
    unread: [],
    gone: false,
    expectedSince: ago(8 * hour),
    ...changes,
  });
  const site = { site: 'vault', operator: 'Example Ltd', country: 'FR', reachable: true };
  const codes = (facts: Partial<StatusReport>, own = limits) =>
    problemsOf({ sources: [], sites: [], jobs: [], hooks: [], ...facts }, own).map(
      ({ severity, code }) => `${severity} ${code}`,
    );

  it('are none when all is well', () => {
    const unread = { source: 'app', days: 30, packs: 5, neverRead: 0 };
    expect(codes({ sources: [source()], sites: [{ ...site, unread }] })).toEqual([]);
  });

  it.each<[string, Partial<SourceStatus>, string[]]>([
    ['none', { newest: undefined as never, kept: 0 }, ['problem no-snapshot']],
    ['an old snapshot', { newest: { id: 'a', sequence: 1, time: ago(9 * hour) } }, ['problem stale']],
    ['a degraded one', { newest: { id: 'a', sequence: 1, time: ago(hour), lacks: 2 } }, ['problem degraded']],
    ['a site behind', { lagging: [{ site: 'cloud', behind: 3 }] }, ['problem lagging']],
    [
      'an old proof',
      { proof: { passed: { time: ago(9 * day), site: 'v', snapshot: 'a', verifier: 'p' } } },
      ['problem proof-stale'],
    ],
    ['no proof', { proof: {} }, ['problem proof-missing']],
    ['no proof yet', { proof: {}, oldest: ago(7 * day) }, []],
    [
      'a failed proof',
      {
        proof: { failed: { time: ago(day), site: 'v', snapshot: 'a', verifier: 'p' } },
        pause: { because: 'proof-failed', why: 'It failed.' },
      },
      ['problem proof-failed'],
    ],
    ['a pause', { pause: { because: 'unusual', why: 'Far fewer rows.' } }, ['problem pruning-paused']],
    ['a rollback', { rollback: { known: { sequence: 41, snapshot: 'b', time: ago(hour) } } }, ['problem rollback']],
    ['what does not count', { ignored: 1 }, ['notice not-counted']],
    ['no job', { expectedSince: undefined as never }, ['notice unscheduled']],
    ['a database that is gone', { gone: true, newest: { id: 'a', sequence: 1, time: ago(90 * day) }, proof: {} }, []],
    ['an error', { error: { code: 'wrong-key', message: 'No key opens it.' } }, ['problem unreadable']],
  ])('of a source with %s', (_what, changes, expected) => {
    expect(codes({ sources: [source(changes)] })).toEqual(expected);
  });

  it('go by maxAge where it is set', () => {
    expect(codes({ sources: [source()] }, { ...limits, maxAgeMs: 7 * hour })).toEqual(['problem stale']);
    const old = source({ newest: { id: 'a', sequence: 1, time: ago(9 * hour) } });
    expect(codes({ sources: [old] }, { ...limits, maxAgeMs: 10 * hour })).toEqual([]);
  });

  it('of bytes that nobody reads count from the oldest snapshot when nothing else is known', () => {
    const unread = { source: 'app', days: 31, packs: 5, neverRead: 2 };
    expect(codes({ sources: [source()], sites: [{ ...site, unread }] })).toEqual(['problem unread']);
    expect(codes({ sources: [source({ oldest: ago(31 * day) })], sites: [site] })).toEqual(['problem unread']);
    expect(codes({ sources: [source()], sites: [site] })).toEqual([]);
  });

  it('tell once of a site that is away, and of how long', () => {
    const dropped = {
      since: ago(3 * day),
      last: ago(hour),
      runs: 4,
      error: { code: 'site-unavailable' as const, message: 'It does not answer.' },
    };
    const facts = { sources: [], jobs: [], hooks: [], byHand: [] };
    const [away] = problemsOf(
      { ...facts, sites: [{ ...site, reachable: false, dropped, whole: ago(4 * day) }] },
      limits,
    );
    expect(away).toMatchObject({ code: 'site-unreachable', about: 'site', name: 'vault' });
    expect(away!.text).toContain('4 runs in a row went on without it, the first 3 d 0 h ago.');
    expect(away!.text).toContain('It last took part in a run 4 d 0 h ago.');
    expect(codes({ sites: [{ ...site, dropped }] })).toEqual(['problem site-dropped']);
  });

  it('come before notices, whatever they are about', () => {
    const jobs = [{ ...jobStatus(daily, undefined, { timeZone: 'UTC', now }), elsewhere: true }];
    const hooks = [
      {
        hook: 'pager',
        type: 'command',
        last: {
          last: ago(hour),
          event: 'failed' as const,
          failures: 2,
          error: { code: 'failed' as const, message: 'No.' },
        },
      },
    ];
    expect(codes({ jobs, hooks })).toEqual(['problem hook-failed', 'notice job-late']);
    expect(codes({ jobs: [{ ...jobs[0]!, elsewhere: false }] })).toEqual(['problem job-late']);
    const failed = jobStatus(daily, run('2026-11-23T04:00:00.000Z', 'partial'), { timeZone: 'UTC', now });
    expect(codes({ jobs: [failed] })).toEqual(['problem job-failed']);
  });
});
