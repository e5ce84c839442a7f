/** What the benchmark found, as tables and as JSON. */
import { arch, cpus, release, totalmem } from 'node:os';
import type { Measured } from './measure.ts';
import { median, megabytes, seconds, table } from './table.ts';
import type { Task } from './task.ts';
import { targets } from './task.ts';

export interface Sample extends Measured {
  /** Bytes that were added to where the task stores. */
  stored?: number;
}

export interface Results {
  /** Milliseconds since the epoch. */
  started: number;
  data: { databaseBytes: number; files: number; fileBytes: number; pattern: string };
  /** Versions by program. */
  versions: Record<string, string>;
  samples: { task: Task; samples: Sample[] }[];
}

interface Summary {
  id: string;
  title: string;
  runs: number;
  /** Medians; milliseconds and bytes. */
  time: number;
  fastest: number;
  slowest: number;
  cpu: number;
  memory: number;
  stored?: number;
}

function summaries({ samples }: Results): Summary[] {
  return samples.map(({ task, samples: runs }) => {
    const times = runs.map(({ time }) => time);
    const stored = runs.flatMap((sample) => sample.stored ?? []);
    return {
      id: task.id,
      title: task.title,
      runs: runs.length,
      time: median(times),
      fastest: Math.min(...times),
      slowest: Math.max(...times),
      cpu: median(runs.map(({ cpu }) => cpu)),
      memory: Math.max(...runs.map(({ memory }) => memory)),
      ...(stored.length > 0 && { stored: median(stored) }),
    };
  });
}

interface Ratio {
  work: string;
  against: string;
  /** Of megabytes, a number of them. */
  ratio: number;
  limit: number;
  unit: 'ratio' | 'MB';
  /** Whether the ratio is to be at most the limit, or at least. */
  atMost: boolean;
  met: boolean;
}

/** The targets both of whose sides were measured. The ratio is the median of the ratios within each repetition. */
function ratios(results: Results): Ratio[] {
  const samplesOf = (id: string) => results.samples.find(({ task }) => task.id === id);
  return targets.flatMap(({ work, task, against, limit, figure }): Ratio[] => {
    const own = samplesOf(task);
    const others = [against].flat().map(samplesOf);
    if (own === undefined || !others.every((other) => other !== undefined)) return [];
    if (figure === 'memory') {
      const most = Math.max(...own.samples.map(({ memory }) => memory)) / 1e6;
      return [
        { work, against: '', ratio: most, limit: limit / 1e6, unit: 'MB', atMost: true, met: most * 1e6 <= limit },
      ];
    }
    const value = (sample: Sample) => (figure === 'stored' ? sample.stored! : sample.time);
    const atMost = figure !== 'throughput';
    const ratio = median(
      own.samples.map((sample, i) => {
        const other = Math.max(...others.map(({ samples }) => value(samples[i]!)));
        return atMost ? value(sample) / other : other / value(sample);
      }),
    );
    const title = others.length === 1 ? others[0]!.task.title : 'the slowest of them alone';
    const met = atMost ? ratio <= limit : ratio >= limit;
    return [{ work, against: title, ratio, limit, unit: 'ratio', atMost, met }];
  });
}

export function asJson(results: Results): object {
  const { started, data, versions } = results;
  return {
    schema: 'holdfast-bench/1',
    started: new Date(started).toISOString(),
    machine: machine(),
    data,
    versions,
    tasks: summaries(results).map((summary) => ({
      ...summary,
      samples: results.samples.find(({ task }) => task.id === summary.id)!.samples,
    })),
    targets: ratios(results),
  };
}

export function asText(results: Results): string {
  const { data } = results;
  const { processor, cores, memoryBytes, system } = machine();
  const columns = [
    { title: 'task', value: (s: Summary) => s.title },
    { title: 'median s', value: (s: Summary) => seconds(s.time), right: true },
    { title: 'range s', value: (s: Summary) => `${seconds(s.fastest)}–${seconds(s.slowest)}`, right: true },
    { title: 'CPU s', value: (s: Summary) => seconds(s.cpu), right: true },
    { title: 'peak MB', value: (s: Summary) => megabytes(s.memory), right: true },
    { title: 'stored MB', value: (s: Summary) => (s.stored === undefined ? '' : megabytes(s.stored)), right: true },
  ];
  const targetColumns = [
    { title: 'work', value: (r: Ratio) => r.work },
    { title: 'held against', value: (r: Ratio) => r.against },
    {
      title: 'ratio',
      value: (r: Ratio) => (r.unit === 'MB' ? `${r.ratio.toFixed(0)} MB` : r.ratio.toFixed(2)),
      right: true,
    },
    {
      title: 'target',
      value: (r: Ratio) => `${r.atMost ? '≤' : '≥'} ${r.limit}${r.unit === 'MB' ? ' MB' : ''}`,
      right: true,
    },
    { title: 'met', value: (r: Ratio) => (r.met ? 'yes' : 'NO') },
  ];
  const runs = Math.max(...results.samples.map(({ samples }) => samples.length));
  return [
    `Database ${megabytes(data.databaseBytes)} MB, ${data.files} files of ${megabytes(data.fileBytes)} MB together, ` +
      `changes ${data.pattern}; up to ${runs} runs of each task, interleaved.`,
    `${cores} × ${processor}, ${(memoryBytes / 1e9).toFixed(0)} GB, ${system}; ` +
      Object.entries(results.versions)
        .map(([program, version]) => `${program} ${version}`)
        .join(', '),
    table(columns, summaries(results)),
    table(targetColumns, ratios(results)),
  ].join('\n\n');
}

function machine() {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${arch()}`,
  };
}
