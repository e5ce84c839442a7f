import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HoldfastEvent } from '../../src/base/events.ts';
import { LaneJobs } from '../../src/pseudonyms/leaks/lane-jobs.ts';
import { includesPrint, printSet } from '../../src/pseudonyms/leaks/print-set.ts';
import { printNumber } from '../../src/pseudonyms/leaks/sketch.ts';
import type { LaneOptions, Lanes } from '../../src/repository/lanes.ts';

describe('a set of prints', () => {
  const print = fc
    .tuple(fc.integer(), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
    .map(([a, b]) => printNumber(a, b));

  it('has what was put in and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(print, { maxLength: 200 }), fc.array(print), (prints, others) => {
        const set = printSet(new Set(prints));
        for (const each of prints) expect(includesPrint(set, each)).toBe(true);
        for (const each of others) expect(includesPrint(set, each)).toBe(prints.includes(each));
      }),
    );
  });

  it('has those that begin at the same place', () => {
    const prints = Array.from({ length: 50 }, (_, at) => (at + 1) * 2 ** 32);
    const set = printSet(new Set(prints));
    for (const each of prints) expect(includesPrint(set, each)).toBe(true);
    expect(includesPrint(set, 51 * 2 ** 32)).toBe(false);
  });
});

describe('jobs in lanes', () => {
  /** Each task takes a moment, and says twice that it has done half of its 10 bytes, and once more. */
  function lanesOf(run?: (input: unknown) => void) {
    const state = { now: 0, most: 0, large: 0, mostLarge: 0 };
    const lanes = {
      count: 3,
      expect: () => {},
      run: async (_: string, input: { large: boolean }, { onProgress }: LaneOptions = {}) => {
        state.most = Math.max(state.most, ++state.now);
        state.large += Number(input.large);
        state.mostLarge = Math.max(state.mostLarge, state.large);
        await new Promise((resolve) => setTimeout(resolve, 2));
        for (const bytes of [5, 5, 5]) onProgress?.(bytes);
        state.now--;
        state.large -= Number(input.large);
        run?.(input);
        return input;
      },
    } as Partial<Lanes> as Lanes;
    return { lanes, state };
  }
  const jobs = (count: number, done: (output: unknown) => void = () => {}) =>
    Array.from({ length: count }, (_, at) => ({
      task: 'any',
      weight: at === 0 ? 100 : 10,
      large: at % 2 === 0,
      input: () => ({ at, large: at % 2 === 0 }),
      done,
    }));

  it('are as many at a time as there are lanes, large ones one by one', async () => {
    const { lanes, state } = lanesOf();
    const outputs: unknown[] = [];
    await new LaneJobs({ lanes, emit: () => {}, activity: 'search' }).run(jobs(20, (output) => outputs.push(output)));
    expect(outputs).toHaveLength(20);
    expect(state).toMatchObject({ most: 3, mostLarge: 1 });
  });

  it('tell how far they are: no further than they count for, and all of it in the end', async () => {
    const events: HoldfastEvent[] = [];
    const emit = (event: HoldfastEvent) => void events.push(event);
    await new LaneJobs({ lanes: lanesOf().lanes, emit, activity: 'search', total: 190 }).run(jobs(10));
    const done = events.map((event) => (event.type === 'progress' ? event.done : -1));
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(events.at(-1)).toEqual({ type: 'progress', activity: 'search', done: 190, total: 190, unit: 'bytes' });
  });

  it('end with the first error, when no other runs any more', async () => {
    const { lanes, state } = lanesOf((input) => {
      if ((input as { at: number }).at === 3) throw new Error('no');
    });
    const outputs: unknown[] = [];
    const run = new LaneJobs({ lanes, emit: () => {}, activity: 'search' }).run(jobs(40, (out) => outputs.push(out)));
    await expect(run).rejects.toThrow('no');
    expect(state.now).toBe(0);
    expect(outputs.length).toBeLessThan(20);
  });
});
