import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { liveLineMargin } from '../../commands/live-line.ts';
import { openProgress, type ProgressOptions } from '../../commands/progress.ts';
import { displayWidth } from '../../commands/views/width.ts';
import type { Clock } from '../../src/base/clock.ts';
import { MiB } from '../../src/base/units.ts';

class TestClock implements Clock {
  time = 0;
  now = () => this.time;
  monotonic = () => this.time;
  sleep = async () => {};
}

class Sink extends Writable {
  text = '';
  readonly columns: number | undefined;

  constructor(columns?: number) {
    super();
    this.columns = columns;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

function open(options: Partial<ProgressOptions> & { columns?: number; onTerminal?: boolean } = {}) {
  const clock = new TestClock();
  const stream = new Sink(options.columns);
  const shown: string[] = [];
  let stops = 0;
  const live = options.onTerminal ? { show: (text: string) => void shown.push(text), stop: () => stops++ } : undefined;
  const progress = openProgress({ stream, clock, live, ...options });
  return { ...progress, clock, stream, shown, stops: () => stops };
}

const bytes = (done: number, total?: number, more: { activity?: string; detail?: string } = {}) =>
  ({ type: 'progress', activity: 'reading app', unit: 'bytes', done, total, ...more }) as const;

describe('progress in a pipe', () => {
  it('writes steps, notes and warnings as plain lines', () => {
    const { emit, stream } = open();
    emit({ type: 'step', text: 'Backing up app' });
    emit({ type: 'note', text: 'It is the first one.', source: 'app' });
    emit({ type: 'warning', text: 'A file changed.', hint: 'Run it again.' });
    expect(stream.text).toBe(
      'Backing up app\nnote: app: It is the first one.\nwarning: A file changed.\nhint: Run it again.\n',
    );
  });

  it('tells how far it is every 10 s at most', () => {
    const { emit, stream, clock } = open();
    for (let second = 1; second <= 35; second++) {
      clock.time = second * 1000;
      emit(bytes(second * MiB, 100 * MiB));
    }
    const lines = stream.text.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe('reading app: 10.0 MiB of 100 MiB, 10 %, 1.00 MiB/s, 1 min 30 s left, 9.0 s so far');
  });

  it('says only warnings when quiet', () => {
    const { emit, stream, clock } = open({ quiet: true });
    emit({ type: 'step', text: 'step' });
    emit({ type: 'note', text: 'note' });
    clock.time = 60_000;
    emit(bytes(1, 2));
    emit({ type: 'warning', text: 'This matters.' });
    expect(stream.text).toBe('warning: This matters.\n');
  });

  it('cannot be made to move the cursor or to forge a line', () => {
    const { emit, stream } = open();
    emit({ type: 'warning', source: 'app', text: 'bad \u001b[2J name\nerror: forged' });
    expect(stream.text).toBe('warning: app: bad \\x1b[2J name\\nerror: forged\n');
  });

  it('says nothing after it was stopped', () => {
    const { emit, stop, stream } = open();
    stop();
    emit({ type: 'warning', text: 'late' });
    expect(stream.text).toBe('');
  });
});

describe('progress on a terminal', () => {
  it('shows one line, and keeps steps off the scroll unless verbose', () => {
    const quiet = open({ onTerminal: true, columns: 100 });
    quiet.emit({ type: 'step', text: 'Backing up app' });
    expect(quiet.stream.text).toBe('');
    expect(quiet.shown).toEqual(['Backing up app']);
    const verbose = open({ onTerminal: true, columns: 100, verbose: true });
    verbose.emit({ type: 'step', text: 'Backing up app' });
    expect(verbose.stream.text).toBe('Backing up app\n');
  });

  it('tells done, total, rate of late, what is left and how long it has run', () => {
    const { emit, shown, clock } = open({ onTerminal: true, columns: 200 });
    emit(bytes(0, 1000 * MiB));
    // Slow at first, then fast: the estimate follows the last seconds, not the average.
    clock.time = 60_000;
    emit(bytes(100 * MiB, 1000 * MiB));
    for (let second = 61; second <= 70; second++) {
      clock.time = second * 1000;
      emit(bytes((100 + (second - 60) * 50) * MiB, 1000 * MiB, { detail: 'public.events' }));
    }
    expect(shown.at(-1)).toBe(
      'reading app: 600 MiB of 1000 MiB, 60 %, 50.0 MiB/s, 8.0 s left, 1 min 10 s so far (public.events)',
    );
  });

  it('counts items without a total, and starts anew when an activity does', () => {
    const { emit, shown, clock } = open({ onTerminal: true, columns: 100 });
    const items = (done: number) => ({ type: 'progress', activity: 'files', unit: 'items', done }) as const;
    emit(items(0));
    clock.time = 2000;
    emit(items(5000));
    expect(shown.at(-1)).toBe('files: 5 000, 2 500/s, 2.0 s so far');
    clock.time = 3000;
    emit(items(10));
    expect(shown.at(-1)).toBe('files: 10');
  });

  it.each([10, 20, 30, 40, 60, 80, 120])('never takes more than a line of %i columns', (columns) => {
    const { emit, shown, clock } = open({ onTerminal: true, columns });
    for (const activity of ['reading app', 'リストアしています 🐘 データベース', 'x'.repeat(300)]) {
      emit({ type: 'step', text: activity });
      emit(bytes(0, 5000 * MiB, { activity }));
      clock.time += 5000;
      emit(bytes(1234 * MiB, 5000 * MiB, { activity, detail: 'public."a very long name"' }));
    }
    expect(shown.length).toBe(9);
    for (const text of shown) expect(displayWidth(text), text).toBeLessThanOrEqual(columns - liveLineMargin);
  });

  it('leaves out the least wanted first', () => {
    const at = (columns: number) => {
      const { emit, shown, clock } = open({ onTerminal: true, columns });
      emit(bytes(0, 100 * MiB));
      clock.time = 5000;
      emit(bytes(50 * MiB, 100 * MiB, { detail: 'public.events' }));
      return shown.at(-1);
    };
    expect(at(100)).toContain('so far (public.events)');
    expect(at(82)).toBe('reading app: 50.0 MiB of 100 MiB, 50 %, 10.0 MiB/s, 5.0 s left (public.events)');
    expect(at(60)).toBe('reading app: 50.0 MiB of 100 MiB, 50 %, 5.0 s left');
    expect(at(30)).toBe('reading app: 50 %');
  });
});
