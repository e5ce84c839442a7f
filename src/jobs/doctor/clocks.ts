import { formatDuration } from '../../base/units.ts';
import type { Findings } from './finding.ts';

/** More than this and times in snapshots, retention and schedules mislead. */
export const driftLimitMs = 30_000;

/**
 * @param whose `the database server`
 * @param their milliseconds since the epoch, as they say
 * @param ours the same, at the same moment
 */
export function judgeClock(findings: Findings, whose: string, their: number, ours: number): void {
  const drift = their - ours;
  if (Math.abs(drift) <= driftLimitMs) {
    findings.ok(`The clock of ${whose} agrees with this machine's.`);
    return;
  }
  findings.warn(
    `The clock of ${whose} is ${formatDuration(Math.abs(drift))} ${drift > 0 ? 'ahead of' : 'behind'} this machine's.`,
    {
      why: 'Snapshots carry the time of this machine; retention and schedules go by it.',
      hint: 'Let both follow a time server: timedatectl set-ntp true',
    },
  );
}
