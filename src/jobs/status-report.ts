/** What `status` tells. */
import type { PlainError } from '../base/errors.ts';
import type { NotifyRecord } from '../notify/notify-record.ts';
import type { RunRecord } from './run-record.ts';
import type { SiteRecord } from './site-record.ts';
import type { JobStatus } from './status-jobs.ts';
import type { SourceStatus } from './status-source.ts';

export interface HookStatus {
  hook: string;
  type: string;
  /** Missing: it was never told anything. */
  last?: NotifyRecord;
}

export interface SiteStatus extends SiteRecord {
  site: string;
  operator: string;
  country: string;
  /** Missing when it was not asked. */
  reachable?: boolean;
  /** Why it cannot be reached. */
  error?: PlainError;
  /** Of the bytes there that were read longest ago; missing when this machine never read any. */
  unread?: { source: string; days: number; packs: number; neverRead: number };
}

export interface StatusReport {
  /** ISO 8601. */
  time: string;
  /** No problem is more than a notice. */
  healthy: boolean;
  /** Whether any site was asked and answered. */
  asked: boolean;
  problems: StatusProblem[];
  sources: SourceStatus[];
  sites: SiteStatus[];
  jobs: JobStatus[];
  /** What was run by itself, and not as a step of a job. */
  byHand: { command: string; last: RunRecord }[];
  hooks: readonly HookStatus[];
}

/** From when on something is late; milliseconds. */
export interface StatusLimits {
  /** Age of the newest snapshot; without, the schedule tells. */
  maxAgeMs?: number;
  /** Since the last restore that proved a source. */
  maxProofAgeMs: number;
  /** Since the bytes at a site were read that were read longest ago. */
  maxUnreadMs: number;
}

export type StatusProblemCode =
  | 'no-snapshot'
  | 'stale'
  | 'degraded'
  | 'unreadable'
  | 'rollback'
  | 'not-counted'
  | 'lagging'
  | 'proof-failed'
  | 'proof-missing'
  | 'proof-stale'
  | 'pruning-paused'
  | 'unscheduled'
  | 'site-unreachable'
  | 'site-dropped'
  | 'unread'
  | 'job-late'
  | 'job-failed'
  | 'hook-failed';

export interface StatusProblem {
  /** `notice`: worth knowing, and nothing is late. */
  severity: 'problem' | 'notice';
  code: StatusProblemCode;
  about: 'source' | 'site' | 'job' | 'hook';
  name: string;
  /** One or two sentences, without the name. */
  text: string;
  hint?: string;
}
