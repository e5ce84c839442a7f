/**
 * Shows what long work tells, on standard error. On a terminal one live line; elsewhere plain lines for steps, notes
 * and warnings, and how far it is once in a while.
 */
import type { Clock } from '../src/base/clock.ts';
import type { Emit, HoldfastEvent } from '../src/base/events.ts';
import { formatBytes, formatCount, formatDuration } from '../src/base/units.ts';
import { type LiveLine, liveLineMargin } from './live-line.ts';
import type { Stream } from './output.ts';
import { plainStyle, type Style } from './views/style.ts';
import { displayWidth, printable, truncate } from './views/width.ts';

export interface ProgressOptions {
  stream: Stream;
  clock: Clock;
  style?: Style;
  /** Warnings only. */
  quiet?: boolean;
  /** Steps stay on the terminal after they are done. */
  verbose?: boolean;
  /** Undefined where there is no terminal. */
  live?: LiveLine | undefined;
}

export interface Progress {
  readonly emit: Emit;
  /** Takes the live line away until the next event. */
  pause(): void;
  /** Takes it away for good. */
  stop(): void;
}

/** Between two lines of progress where they stay, in milliseconds. */
const plainInterval = 10_000;
/** Rates are those of this last span, in milliseconds: long enough to be calm, short enough to be true. */
const rateSpan = 8_000;

type ProgressEvent = Extract<HoldfastEvent, { type: 'progress' }>;

interface Activity {
  began: number;
  last: ProgressEvent;
  /** Moments and what was done by then, oldest first. */
  samples: { at: number; done: number }[];
}

export function openProgress(options: ProgressOptions): Progress {
  const { stream, clock, style = plainStyle, quiet = false, verbose = false, live } = options;
  const activities = new Map<string, Activity>();
  let shownPlain = clock.monotonic();
  let stopped = false;

  const line = (text: string) => void stream.write(`${text}\n`);
  const showLive = (text: string) => live?.show(truncate(text, Math.max(1, (stream.columns ?? 80) - liveLineMargin)));

  function progress(event: ProgressEvent): void {
    const now = clock.monotonic();
    const activity = follow(activities, event, now);
    if (live) {
      showLive(progressLine(activity, now, (stream.columns ?? 80) - liveLineMargin));
    } else if (now - shownPlain >= plainInterval) {
      shownPlain = now;
      line(progressLine(activity, now));
    }
  }

  function emit(event: HoldfastEvent): void {
    if (stopped) return;
    if (event.type === 'warning') {
      line(`${style.yellow('warning:')} ${about(event.source)}${printable(event.text)}`);
      if (event.hint) line(`${style.bold('hint:')} ${printable(event.hint)}`);
    } else if (quiet) {
      return;
    } else if (event.type === 'note') {
      line(`${style.cyan('note:')} ${about(event.source)}${printable(event.text)}`);
    } else if (event.type === 'step') {
      activities.clear();
      if (!live || verbose) line(printable(event.text));
      showLive(printable(event.text));
    } else {
      progress(event);
    }
  }

  return {
    emit,
    pause() {
      live?.stop();
    },
    stop() {
      stopped = true;
      live?.stop();
    },
  };
}

function about(source: string | undefined): string {
  return source === undefined ? '' : `${printable(source)}: `;
}

function follow(activities: Map<string, Activity>, event: ProgressEvent, now: number): Activity {
  const activity = activities.get(event.activity) ?? { began: now, last: event, samples: [] };
  // What begins again is another round of the same name.
  if (event.done < activity.last.done) Object.assign(activity, { began: now, samples: [] });
  activity.last = event;
  activity.samples.push({ at: now, done: event.done });
  while (activity.samples.length > 2 && now - activity.samples[1]!.at > rateSpan) activity.samples.shift();
  activities.set(event.activity, activity);
  return activity;
}

/** Per second; undefined while there is too little to tell. */
function rateOf({ samples }: Activity): number | undefined {
  const first = samples[0]!;
  const last = samples.at(-1)!;
  const span = last.at - first.at;
  return span < 500 || last.done <= first.done ? undefined : ((last.done - first.done) * 1000) / span;
}

/**
 * `reading app: 1.20 GiB of 3.40 GiB, 35 %, 210 MiB/s, 11 s left, 6 s so far (public.events)`. What is too much for
 * `width` is left out, the least wanted first; the activity and how far it is are cut last.
 */
function progressLine(activity: Activity, now: number, width?: number): string {
  const { last, began } = activity;
  const { done, total, unit, detail } = last;
  const amount = unit === 'bytes' ? formatBytes : formatCount;
  const rate = rateOf(activity);
  const left = rate !== undefined && total !== undefined && total > done ? ((total - done) / rate) * 1000 : undefined;
  const perSecond = (value: number) => (unit === 'bytes' ? formatBytes(value) : formatCount(Math.round(value)));
  const percent = total ? `${Math.min(100, Math.floor((done / total) * 100))} %` : undefined;
  const parts: { text: string | undefined; worth: number }[] = [
    { text: total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}`, worth: 5 },
    { text: percent, worth: 6 },
    { text: rate === undefined ? undefined : `${perSecond(rate)}/s`, worth: 3 },
    { text: left === undefined ? undefined : `${formatDuration(Math.max(1000, left))} left`, worth: 4 },
    { text: now - began < 1000 ? undefined : `${formatDuration(now - began)} so far`, worth: 1 },
    { text: detail === undefined ? undefined : `(${printable(detail)})`, worth: 2 },
  ];
  const name = printable(last.activity);
  for (let least = 1; ; least++) {
    const kept = parts.filter((part) => part.text !== undefined && part.worth >= least).map((part) => part.text);
    const text = kept.length === 0 ? name : `${name}: ${kept.join(', ').replace(', (', ' (')}`;
    if (width === undefined || displayWidth(text) <= width || kept.length <= 1) return text;
  }
}
