/** External programs of rules, asked from code that cannot wait for a promise. */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';
import type { Programs } from '../transformer.ts';

/** What the thread with the programs is told. */
export interface ProgramRequest {
  command: readonly string[];
  directory: string;
  timeoutMs: number;
  line: string;
}

/** What it answers: a line, or in one sentence why there is none. */
export type ProgramAnswer = { line: string } | { failed: string };

export interface ProgramThreadSetup {
  port: MessagePort;
  /** Counts answers; the asker sleeps on it. */
  answered: SharedArrayBuffer;
}

/** The thread gives up first, and says why. */
const graceMs = 10_000;

/**
 * Programs run as children of a thread of their own; the asker sleeps until it has answered. Whoever makes it closes it.
 */
export class ProgramPool implements Programs, AsyncDisposable {
  #thread: { worker: Worker; port: MessagePort; answered: Int32Array } | undefined;

  ask(program: Omit<ProgramRequest, 'line'>, line: string): string {
    this.#thread ??= start();
    const { port, answered } = this.#thread;
    const before = Atomics.load(answered, 0);
    port.postMessage({ ...program, line } satisfies ProgramRequest);
    Atomics.wait(answered, 0, before, program.timeoutMs + graceMs);
    const answer = receiveMessageOnPort(port)?.message as ProgramAnswer | undefined;
    if (answer !== undefined && 'line' in answer) return answer.line;
    throw new HoldfastError('failed', 'The program of a rule `command` failed.', {
      why: answer?.failed ?? 'It did not answer in time.',
      hint: 'Try it by hand with a line of JSON; what it writes to standard error is not shown, since it may quote values.',
    });
  }

  /** Ends the programs: their standard input first, then with a signal. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    const ended = new Promise((resolve) => thread.worker.once('exit', resolve));
    thread.worker.ref();
    thread.port.postMessage('close');
    await ended;
    thread.port.close();
  }
}

function start() {
  const { port1, port2 } = new MessageChannel();
  const answered = new SharedArrayBuffer(4);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./program-thread.${extension}`, import.meta.url), {
    workerData: { port: port2, answered } satisfies ProgramThreadSetup,
    transferList: [port2],
  });
  // A thread that dies is noticed by whoever waits for its answer.
  worker.on('error', () => {});
  worker.unref();
  port1.unref();
  return { worker, port: port1, answered: new Int32Array(answered) };
}
