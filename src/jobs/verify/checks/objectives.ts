import { formatDuration } from '../../../base/units.ts';
import type { VerifyCheck } from '../report.ts';

/** What was promised about time, held against what was measured. */

/** In milliseconds; what is left out was not promised, and is not checked. */
export interface Objectives {
  /** The longest that a full restore may take. */
  restoreTimeMs?: number | undefined;
  /** The oldest that the newest snapshot may be. */
  dataAgeMs?: number | undefined;
}

/**
 * The restore against its objective.
 *
 * @param restoreMs undefined when the restore did not come to its end
 * @returns nothing when there is no objective
 */
export function checkRestoreTime(objectives: Objectives, restoreMs: number | undefined): VerifyCheck[] {
  const objectiveMs = objectives.restoreTimeMs;
  if (objectiveMs === undefined) return [];
  const check = { id: 'restore-time', title: 'Time of the restore', durationMs: 0, findings: [] } as const;
  if (restoreMs === undefined) {
    const why = 'The restore did not come to its end, so its time is not known.';
    return [{ ...check, findings: [], verdict: 'could-not-verify', equal: 0, figures: { objectiveMs }, why }];
  }
  const figures = { restoreMs: Math.round(restoreMs), objectiveMs };
  if (restoreMs <= objectiveMs) return [{ ...check, findings: [], verdict: 'pass', equal: 1, figures }];
  const why = `The restore took ${formatDuration(restoreMs)}; the objective is ${formatDuration(objectiveMs)}.`;
  return [{ ...check, findings: [], verdict: 'fail', equal: 0, figures, why }];
}

export interface DataAge {
  /** When the snapshot was made, and when it is looked at; milliseconds since the epoch. */
  snapshotTime: number;
  now: number;
  /** Whether it is the newest of its source: the age of an old one that somebody asked for says nothing. */
  newest: boolean;
}

/** Clocks of two machines are never quite the same. In milliseconds. */
const clockTolerance = 5 * 60_000;

/**
 * The age of the newest snapshot against its objective.
 *
 * @returns nothing when there is no objective, or the snapshot is not the newest
 */
export function checkDataAge(objectives: Objectives, { snapshotTime, now, newest }: DataAge): VerifyCheck[] {
  const objectiveMs = objectives.dataAgeMs;
  if (objectiveMs === undefined || !newest) return [];
  const check = { id: 'data-age', title: 'Age of the data', durationMs: 0 } as const;
  // A time that cannot be read is no young snapshot.
  const ageMs = now - snapshotTime;
  if (!(ageMs >= -clockTolerance)) {
    const why =
      'The snapshot says that it is of the future: the clock of this machine, or of the one that made it, is wrong.';
    return [{ ...check, findings: [], verdict: 'could-not-verify', equal: 0, figures: { objectiveMs }, why }];
  }
  const figures = { ageMs: Math.max(0, Math.round(ageMs)), objectiveMs };
  if (ageMs <= objectiveMs) return [{ ...check, findings: [], verdict: 'pass', equal: 1, figures }];
  const why = `The newest snapshot is ${formatDuration(ageMs)} old; the objective is ${formatDuration(objectiveMs)}.`;
  return [{ ...check, findings: [], verdict: 'fail', equal: 0, figures, why }];
}
