import type { Lanes } from '../../src/repository/lanes.ts';

/** @param finished how many tasks of this name have been done */
export type Step = (task: string, input: unknown, finished: () => number) => Promise<void>;

/** Lanes that let something else happen before a task is handed to them. */
export function betweenTasks(lanes: Lanes, step: Step): Lanes {
  const finished = new Map<string, number>();
  // One after the other, so that each step is over before the next task begins.
  let tail: Promise<void> = Promise.resolve();
  return {
    count: lanes.count,
    expect: (bytes) => lanes.expect(bytes),
    run: async (task, input, options) => {
      tail = tail.then(() => step(task, input, () => finished.get(task) ?? 0));
      await tail;
      try {
        return await lanes.run(task, input, options);
      } finally {
        finished.set(task, (finished.get(task) ?? 0) + 1);
      }
    },
    runInEach: (...task) => lanes.runInEach(...task),
    flush: () => lanes.flush(),
    [Symbol.asyncDispose]: () => lanes[Symbol.asyncDispose](),
  };
}
