/** When jobs run, and what is installed so that they do. */
import type { RunRecord } from '../../src/jobs/run-record.ts';
import type { Style } from './style.ts';
import { facts } from './table.ts';
import { formatAge, formatTime } from './times.ts';

export interface ShownJob {
  job: string;
  schedule: string;
  /** What it does, as the configuration says. */
  steps: { backup?: 'all' | string[]; sync?: boolean; prune?: boolean; check?: string };
  /** ISO 8601, as the others. */
  next: string[];
  /** The due time that a run now would belong to. */
  latest?: string;
  /** There was no run for the latest due time. */
  overdue: boolean;
  last?: RunRecord;
}

export interface ScheduleView {
  width?: number | undefined;
  style: Style;
  timeZone: string;
  now: number;
}

export function scheduleText(jobs: readonly ShownJob[], { style, timeZone, now }: ScheduleView): string {
  const blocks = jobs.map(({ job, schedule, steps, next, latest, overdue, last }) => {
    const pairs: [string, string | undefined][] = [
      ['does', stepsText(steps)],
      ['last', last && lastText(last, timeZone, now)],
      ['due', overdue && latest ? `${formatTime(latest, timeZone)}, and no run since` : undefined],
      ...next.map((time, index): [string, string] => [
        index === 0 ? 'next' : '',
        `${formatTime(time, timeZone)}${index === 0 ? `, ${formatAge(time, now)}` : ''}`,
      ]),
    ];
    return `${style.bold(job)}  ${schedule}\n${facts(pairs, style).replace(/^/gm, '  ').trimEnd()}\n`;
  });
  return `${blocks.join('\n')}\nTimes are of ${timeZone}.\n`;
}

function stepsText({ backup, sync, prune, check }: ShownJob['steps']): string {
  const parts: string[] = [];
  if (backup !== undefined) parts.push(`backup of ${backup === 'all' ? 'all sources' : backup.join(', ')}`);
  if (sync) parts.push('sync');
  if (prune) parts.push('prune');
  if (check !== undefined) parts.push(`check ${check}`);
  return parts.join(', ');
}

function lastText({ slot, ended, outcome }: RunRecord, timeZone: string, now: number): string {
  return `${outcome}, for ${formatTime(slot, timeZone)}, ended ${formatAge(ended, now)}`;
}

/** A file as it would be, or was, written. */
export interface ShownFile {
  path: string;
  /** `foreign`: somebody else's, and left alone. */
  state: 'new' | 'changed' | 'unchanged';
  text: string;
  /** What is there now. */
  before?: string;
}

/** The plan of `schedule install`: new files whole, changed ones line by line. */
export function planText(files: readonly ShownFile[], style: Style): string {
  return files
    .map(({ path, state, text, before = '' }) => {
      const head = style.bold(`${path}: ${state}`);
      if (state === 'unchanged') return `${head}\n`;
      const lines =
        state === 'new' ? linesOf(text).map((line) => `  ${line}`) : changes(linesOf(before), linesOf(text));
      const painted = lines.map((line) =>
        line.startsWith('-') ? style.red(line) : line.startsWith('+') ? style.green(line) : line,
      );
      return `${head}\n${painted.map((line) => `${line}\n`).join('')}`;
    })
    .join('\n');
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

/** Lines of both, in order, those of one alone marked: by their longest common subsequence. */
function changes(before: readonly string[], after: readonly string[]): string[] {
  const common = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i]![j] =
        before[i] === after[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push(`  ${before[i]}`);
      i++;
      j++;
    } else if (j >= after.length || (i < before.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push(`- ${before[i++]}`);
    } else {
      lines.push(`+ ${after[j++]}`);
    }
  }
  return lines;
}
