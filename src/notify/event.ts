import type { ErrorCode } from '../base/errors.ts';

/** What a hook is told of; `test` goes to every hook. */
export type Occasion = 'failed' | 'partial' | 'missed' | 'recovered' | 'done' | 'test';

/** Something that went wrong, and with what. Its texts are those of an error: no secrets, no values of rows. */
export interface EventProblem {
  about: 'source' | 'site' | 'step' | 'job';
  name: string;
  code: ErrorCode;
  message: string;
  why?: string;
  hint?: string;
}

/** What a hook gets, as JSON: docs/notifications.md. Keys may be added; none changes its meaning or goes. */
export interface NotifyEvent {
  schema: 'holdfast/event/1';
  event: Occasion;
  /** In one sentence. */
  summary: string;
  /** Name of the machine that tells. */
  host: string;
  /** Id of the repository. */
  repository: string;
  /** ISO 8601, as the others. */
  time: string;
  /** Name of the job; of what was run by hand `command` stands instead. */
  job?: string;
  command?: string;
  slot?: string;
  /** Names. */
  failedSources: string[];
  droppedSites: string[];
  /** The gravest first, at most `mostProblems`; `moreProblems` tells how many there are besides. */
  problems: EventProblem[];
  moreProblems: number;
  /** Runs in a row, this one included, that did not do everything. */
  failuresInRow: number;
  /** Due times that passed without a run; of `missed`. */
  missedRuns?: number;
  /** The end of the last run that did everything; null when this machine knows of none. */
  lastSuccess: string | null;
  /** Nothing was left to do: another run, here or elsewhere, had done it. */
  already: boolean;
}

export const mostProblems = 50;
