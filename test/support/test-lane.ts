/** Worker entry for the tests of lanes. */
import { threadId } from 'node:worker_threads';
import { HoldfastError } from '../../src/base/errors.ts';
import { serveLane } from '../../src/repository/lane.ts';

serveLane({
  thread: async () => threadId,
  slow: async (_, ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return threadId;
  },
  report: async ({ progress }, times: number) => {
    for (let i = 0; i < times; i++) progress(3);
    return times;
  },
  fail: async () => {
    throw new HoldfastError('source-failed', 'It failed.', { why: 'For a test.', hint: 'Go on.' });
  },
  crash: async () => {
    setImmediate(() => {
      throw new Error('a mistake outside of every promise');
    });
    await new Promise(() => {});
  },
  hang: () => new Promise(() => {}),
  ask: ({ ingest }) => ingest.whole(Buffer.alloc(100_000, 'x')),
  kept: async ({ keep }, file: string) => {
    const { writeFileSync, appendFileSync } = await import('node:fs');
    return keep(
      'thing',
      async () => {
        writeFileSync(file, 'opened\n');
        return 42;
      },
      async (value) => appendFileSync(file, `closed ${value}\n`),
    );
  },
});
