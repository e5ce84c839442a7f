import { parentPort, workerData } from 'node:worker_threads';
import { fromPlainError, HoldfastError, toPlainError } from '../base/errors.ts';
import { Ingest } from './ingest.ts';
import type { FromLane, LaneAnswers, LaneQuestion, LaneSetup, ToLane } from './lane-messages.ts';
import { toPlainPack } from './lane-messages.ts';
import { StreamReader } from './stream-reader.ts';

/** What a task finds in the worker thread it runs in. */
export interface LaneContext {
  /** Stores streams. Only in lanes opened for writing; works on one stream at a time. */
  readonly ingest: Ingest;
  /** Reads stored streams. Only in lanes opened for reading. */
  readonly reader: StreamReader;
  /** Reports work done since the last report, in bytes unless the task says otherwise. Cheap: call it as often as you like. */
  progress(amount: number): void;
  /** Something kept between tasks of this lane, such as a connection; `close` is called when the lane ends. */
  keep<T>(key: string, open: () => Promise<T>, close: (value: T) => Promise<void>): Promise<T>;
  /** Drops a kept value, closing it. */
  discard(key: string): Promise<void>;
}

/** Input and output survive structured cloning. Errors reach the caller as HoldfastErrors. */
// biome-ignore lint/suspicious/noExplicitAny: each task has its own types; the caller and the task agree on them by name.
export type LaneTask = (context: LaneContext, input: any) => Promise<unknown>;

/** Name of the task that every lane has: resolves when everything ingested has been handed over. */
export const flushTask = 'flush';

/** Progress is sent no more often than after this many bytes, or at the end of a task. */
const progressStep = 2 * 1024 * 1024;

interface Kept {
  value: Promise<unknown>;
  close: (value: unknown) => Promise<void>;
}

/**
 * Makes this worker thread a lane: it runs the tasks it is sent, one at a time.
 *
 * @param tasks by the names that Lanes.run uses; or what finds them, so that they are loaded when they are needed
 */
export function serveLane(tasks: Record<string, LaneTask> | ((name: string) => Promise<LaneTask | undefined>)): void {
  const port = parentPort;
  if (port === null) throw new HoldfastError('internal', 'A lane runs in a worker thread.');
  const send = (message: FromLane, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  let asked = 0;
  const open = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  const ask = <Q extends LaneQuestion>(question: Q, transfer: ArrayBuffer[] = []) =>
    new Promise<LaneAnswers[Q['about']]>((resolve, reject) => {
      open.set(asked, { resolve: (value) => resolve(value as LaneAnswers[Q['about']]), reject });
      send({ type: 'ask', ask: asked++, question }, transfer);
    });

  const rooms: ArrayBuffer[] = [];
  const kept = new Map<string, Kept>();
  const discard = async (key: string) => {
    const found = kept.get(key);
    kept.delete(key);
    if (found) await found.value.then(found.close, () => {});
  };

  const prepare = ({ writing, reading }: LaneSetup) => ({
    ingest:
      writing &&
      new Ingest(writing, {
        claim: (ids) => ask({ about: 'claim', ids }),
        store: async (pack) => {
          const plain = toPlainPack(pack);
          await ask({ about: 'store', pack: plain }, [plain.bytes.buffer as ArrayBuffer]);
        },
        room: () => rooms.pop(),
      }),
    reader:
      reading &&
      new StreamReader(reading, {
        locate: (ids) => ask({ about: 'locate', ids }),
        read: (pack, offset, length) => ask({ about: 'read', pack, offset, length }),
      }),
  });
  let { ingest, reader } = prepare(workerData as LaneSetup);

  const contextOf = (task: number) => {
    let unsent = 0;
    const flush = () => {
      if (unsent > 0) send({ type: 'progress', task, amount: unsent });
      unsent = 0;
    };
    const context: LaneContext = {
      get ingest() {
        if (!ingest) throw new HoldfastError('internal', 'This lane cannot store streams.');
        return ingest;
      },
      get reader() {
        if (!reader) throw new HoldfastError('internal', 'This lane cannot read streams.');
        return reader;
      },
      progress(amount) {
        unsent += amount;
        if (unsent >= progressStep) flush();
      },
      async keep(key, openValue, close) {
        let entry = kept.get(key);
        if (!entry) {
          entry = { value: openValue(), close: close as Kept['close'] };
          entry.value.catch(() => kept.delete(key));
          kept.set(key, entry);
        }
        return entry.value as ReturnType<typeof openValue>;
      },
      discard,
    };
    return { context, flush };
  };

  const find = async (name: string) => (typeof tasks === 'function' ? tasks(name) : tasks[name]);
  const run = async (task: number, name: string, input: unknown) => {
    const { context, flush } = contextOf(task);
    try {
      const work = name === flushTask ? async () => ingest?.flush() : await find(name);
      if (work === undefined) throw new HoldfastError('internal', `There is no task ${name}.`);
      const output = await work(context, input);
      flush();
      send({ type: 'done', task, output });
    } catch (error) {
      send({ type: 'failed', task, error: toPlainError(error) });
    }
  };

  port.on('message', (message: ToLane) => {
    if (message.type === 'task') void run(message.task, message.name, message.input);
    else if (message.type === 'room') rooms.push(message.room);
    else if (message.type === 'setup') {
      // Nothing of one source may be met by the next.
      for (const key of [...kept.keys()]) void discard(key);
      ({ ingest, reader } = prepare(message.setup));
    } else if (message.type === 'end') {
      void Promise.allSettled([...kept.keys()].map(discard)).then(() => {
        send({ type: 'ended' });
        port.close();
      });
    } else {
      const waiting = open.get(message.ask);
      open.delete(message.ask);
      if (message.type === 'answer') waiting?.resolve(message.value);
      else waiting?.reject(fromPlainError(message.error));
    }
  });
  send({ type: 'ready' });
}
