import { setFlagsFromString } from 'node:v8';
import { type MessagePort, Worker } from 'node:worker_threads';
import { fromPlainError, HoldfastError, toPlainError } from '../base/errors.ts';
import { MiB } from '../base/units.ts';
import type { ReadPort } from './chunk-locations.ts';
import type { IngestPort } from './ingest.ts';
import { flushTask } from './lane.ts';
import { type FromLane, fromPlainPack, type LaneQuestion, type LaneSetup, type ToLane } from './lane-messages.ts';

/** Main-thread side of the worker threads that do the heavy work. */
export interface Lanes extends AsyncDisposable {
  /** How many there may be. One is there from the start, the others come when there is work for them. */
  readonly count: number;
  /** Tells how many bytes there will be to work on, so that large work need not wait for its lanes. */
  expect(bytes: number): void;
  /**
   * Runs a task in the next free lane; tasks start in the order of the calls.
   *
   * @param input survives structured cloning
   */
  run<Output>(task: string, input: unknown, options?: LaneOptions): Promise<Output>;
  /** Runs a task once in every lane that has started. */
  runInEach<Output>(task: string, input: unknown): Promise<Output[]>;
  /** Resolves when every lane has handed over everything it was given to store. */
  flush(): Promise<void>;
}

export interface LaneOptions {
  /** Called with what the task reports, a few times a second at most. */
  onProgress?: (amount: number) => void;
  /** Buffers of the input that are moved rather than copied. */
  transfer?: (ArrayBuffer | MessagePort)[];
}

export interface LanesSettings extends LaneSetup {
  /** Module that calls `serveLane`. */
  entry: URL;
  count: number;
  /** Answers the questions of lanes; needed for what `writing` and `reading` ask for. */
  port: Partial<IngestPort & ReadPort>;
  /** Megabytes that a thread has before it first collects what it no longer needs. Default 96; fewer take less memory. */
  collectFrom?: number;
  /** When aborted, the threads are ended at once and everything under way is rejected with its reason. */
  signal?: AbortSignal;
}

interface Task {
  name: string;
  input: unknown;
  options: LaneOptions;
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

interface Lane {
  worker: Worker;
  task: Task | undefined;
  /** It has said something, so its modules are loaded. */
  isReady: boolean;
  ended: Promise<void>;
}

/** A lane takes as long to start as a small source takes to back up: another one is started when tasks wait for so long. */
const patienceMs = 100;
/** Work of so many bytes has use for every lane. */
const largeWork = 64 * MiB;

/**
 * Megabytes of old generation, buffers outside the heap included, before the collector of a lane first runs. By default it
 * starts so low that buffers passing through make it run twenty times a second, over a heap that hardly changes.
 */
const firstCollectionMegabytes = 96;

/** Megabytes; a lane makes few objects, and what it works on lies outside its heap. */
const youngMegabytes = 12;

/** Lanes that can work for one snapshot after the other: starting a thread takes as long as a small source. */
export interface ReusableLanes extends Lanes {
  /**
   * Gives the lanes to another snapshot. Nothing may be under way in them, and what they were given to store must have
   * been flushed; kept values are closed.
   */
  assign(work: LaneWork): void;
}

/** What lanes work for. */
export type LaneWork = Pick<LanesSettings, 'port' | 'writing' | 'reading'>;

/** Starts the worker threads. They end when disposed of; kept values are closed then. */
export function openLanes(settings: LanesSettings): ReusableLanes {
  return new ThreadLanes(settings);
}

class ThreadLanes implements ReusableLanes {
  readonly #lanes: Lane[] = [];
  readonly #queue: Task[] = [];
  readonly #entry: URL;
  #setup: LaneSetup;
  #port: LanesSettings['port'];
  #growing: NodeJS.Timeout | undefined;
  #failure: { error: unknown } | undefined;
  #closing = false;

  readonly count: number;

  constructor({ entry, count, port, signal, writing, reading, collectFrom = firstCollectionMegabytes }: LanesSettings) {
    this.count = count;
    this.#entry = entry;
    this.#setup = { writing, reading };
    this.#port = port;
    // Read when a thread's heap is made; there is no option for a single thread.
    setFlagsFromString(`--initial-old-space-size=${collectFrom}`);
    this.#start();
    const abort = () => void this.#fail(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  }

  expect(bytes: number): void {
    if (bytes < largeWork || this.#failure) return;
    while (this.#lanes.length < this.count) this.#start();
  }

  #start(): Lane {
    const worker = new Worker(this.#entry, {
      workerData: this.#setup,
      resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
    });
    const lane: Lane = {
      worker,
      task: undefined,
      isReady: false,
      ended: new Promise((resolve) => worker.once('exit', () => resolve())),
    };
    worker.on('message', (message: FromLane) => this.#receive(lane, message));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => {
      if (!this.#closing) this.#fail(new HoldfastError('internal', 'A worker thread ended by itself.'));
    });
    this.#lanes.push(lane);
    return lane;
  }

  /** Starts another lane when tasks have waited, and those that there are do work: while they still load, all would. */
  #growSoon(): void {
    if (this.#growing !== undefined || this.#lanes.length >= this.count) return;
    this.#growing = setTimeout(() => {
      this.#growing = undefined;
      if (this.#failure || this.#closing || this.#queue.length === 0) return;
      if (this.#lanes.every(({ isReady }) => isReady)) this.#give(this.#start(), this.#queue.shift()!);
      if (this.#queue.length > 0) this.#growSoon();
    }, patienceMs);
  }

  run<Output>(name: string, input: unknown, options: LaneOptions = {}): Promise<Output> {
    return new Promise<Output>((resolve, reject) => {
      if (this.#failure) return reject(this.#failure.error);
      const task: Task = { name, input, options, resolve: (output) => resolve(output as Output), reject };
      const free = this.#lanes.find((lane) => lane.task === undefined);
      if (free) this.#give(free, task);
      else {
        this.#queue.push(task);
        this.#growSoon();
      }
    });
  }

  async runInEach<Output>(name: string, input: unknown): Promise<Output[]> {
    // Every lane must be free, else one of them could be handed the task twice.
    while (this.#lanes.some((lane) => lane.task !== undefined)) {
      await Promise.race(this.#lanes.flatMap((lane) => (lane.task === undefined ? [] : [settled(lane.task)])));
    }
    return Promise.all(this.#lanes.map(() => this.run<Output>(name, input)));
  }

  async flush(): Promise<void> {
    await this.runInEach(flushTask, undefined);
  }

  assign({ port, writing, reading }: LaneWork): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#queue.length > 0 || this.#lanes.some(({ task }) => task !== undefined)) {
      throw new HoldfastError('internal', 'Lanes are busy, and cannot be given to another snapshot.');
    }
    this.#port = port;
    this.#setup = { writing, reading };
    const message: ToLane = { type: 'setup', setup: this.#setup };
    for (const lane of this.#lanes) lane.worker.postMessage(message);
  }

  #give(lane: Lane, task: Task): void {
    lane.task = task;
    const message: ToLane = { type: 'task', task: 0, name: task.name, input: task.input };
    try {
      lane.worker.postMessage(message, task.options.transfer ?? []);
    } catch (error) {
      this.#free(lane);
      task.reject(error);
    }
  }

  #free(lane: Lane): void {
    lane.task = undefined;
    const next = this.#queue.shift();
    if (next) this.#give(lane, next);
  }

  #receive(lane: Lane, message: FromLane): void {
    lane.isReady = true;
    const { task } = lane;
    if (message.type === 'ask') void this.#answer(lane, message.ask, message.question);
    else if (message.type === 'progress') task?.options.onProgress?.(message.amount);
    else if (message.type === 'done') {
      this.#free(lane);
      task?.resolve(message.output);
    } else if (message.type === 'failed') {
      this.#free(lane);
      task?.reject(fromPlainError(message.error));
    }
  }

  async #answer(lane: Lane, ask: number, question: LaneQuestion): Promise<void> {
    let message: ToLane;
    let transfer: ArrayBuffer[] = [];
    try {
      const value = await this.#ask(lane, question);
      message = { type: 'answer', ask, value };
      // A range read from a site has its memory to itself, so it can be moved.
      if (question.about === 'read' && value instanceof Uint8Array && value.byteLength === value.buffer.byteLength) {
        transfer = [value.buffer as ArrayBuffer];
      }
    } catch (error) {
      message = { type: 'refusal', ask, error: toPlainError(error) };
    }
    if (!this.#failure) lane.worker.postMessage(message, transfer);
  }

  #ask(lane: Lane, question: LaneQuestion): Promise<unknown> {
    const { claim, store, locate, read } = this.#port;
    const bytes = (ids: Uint8Array) => Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);
    switch (question.about) {
      case 'claim':
        return claim!.call(this.#port, bytes(question.ids));
      case 'store':
        return store!.call(this.#port, {
          ...fromPlainPack(question.pack),
          release: () => this.#giveBack(lane, question.pack),
        });
      case 'locate':
        return locate!.call(this.#port, bytes(question.ids));
      case 'read':
        return read!.call(this.#port, question.pack, question.offset, question.length);
    }
  }

  #giveBack(lane: Lane, { bytes }: { bytes: Uint8Array }): void {
    if (this.#failure || this.#closing || bytes.buffer.byteLength === 0) return;
    const room = bytes.buffer as ArrayBuffer;
    const message: ToLane = { type: 'room', room };
    lane.worker.postMessage(message, [room]);
  }

  #fail(error: unknown): void {
    if (this.#failure || this.#closing) return;
    this.#failure = { error };
    clearTimeout(this.#growing);
    const under = this.#lanes.flatMap((lane) => (lane.task ? [lane.task] : []));
    for (const task of [...under, ...this.#queue.splice(0)]) task.reject(error);
    for (const lane of this.#lanes) void lane.worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    clearTimeout(this.#growing);
    if (this.#failure) {
      await Promise.all(this.#lanes.map((lane) => lane.worker.terminate()));
      return;
    }
    const message: ToLane = { type: 'end' };
    for (const lane of this.#lanes) lane.worker.postMessage(message);
    const gone = Promise.all(this.#lanes.map((lane) => lane.ended));
    // A kept connection whose server hangs must not hold the program.
    const patience = AbortSignal.timeout(5000);
    await Promise.race([gone, new Promise((resolve) => patience.addEventListener('abort', resolve, { once: true }))]);
    await Promise.all(this.#lanes.map((lane) => lane.worker.terminate()));
  }
}

/** Resolves when the task has ended, either way. */
function settled(task: Task): Promise<void> {
  return new Promise((done) => {
    const { resolve, reject } = task;
    task.resolve = (output) => {
      resolve(output);
      done();
    };
    task.reject = (error) => {
      reject(error);
      done();
    };
  });
}
