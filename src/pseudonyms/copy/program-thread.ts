/** Entry of the thread in which external programs of rules are children. */
import { type ChildProcess, spawn } from 'node:child_process';
import { workerData } from 'node:worker_threads';
import type { ProgramAnswer, ProgramRequest, ProgramThreadSetup } from './programs.ts';

/** Secrets of Holdfast's own environment are not for them. */
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
/** How long a program has after its input ended, and after it was asked to stop. */
const patienceMs = 1000;

const { port, answered } = workerData as ProgramThreadSetup;
const count = new Int32Array(answered);

interface Running {
  child: ChildProcess;
  pieces: string[];
  /** Waits for a line. */
  answer: ((answer: ProgramAnswer) => void) | undefined;
  /** Why it can no longer be asked. */
  over: string | undefined;
}

const running = new Map<string, Running>();

function launch({ command, directory }: ProgramRequest): Running {
  const [program, ...rest] = command as [string, ...string[]];
  const child = spawn(program, rest, { cwd: directory, env: environment, stdio: ['pipe', 'pipe', 'ignore'] });
  const entry: Running = { child, pieces: [], answer: undefined, over: undefined };
  const end = (why: string) => {
    entry.over ??= why;
    entry.answer?.({ failed: entry.over });
  };
  child.on('error', (error: NodeJS.ErrnoException) =>
    end(`It could not be run: ${error.code ?? 'no reason is known'}.`),
  );
  child.on('exit', (status, signal) => end(`It ended with ${signal ?? `status ${status}`} before it answered.`));
  child.stdin!.on('error', () => {});
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const newline = text.indexOf('\n');
    if (newline < 0) {
      entry.pieces.push(text);
      return;
    }
    const line = entry.pieces.join('') + text.slice(0, newline);
    const rest = text.slice(newline + 1);
    entry.pieces = [];
    if (entry.answer === undefined || rest !== '') {
      // It would be taken for the answer to the next line.
      child.kill('SIGKILL');
      end('It wrote more than one line for a line.');
    } else entry.answer({ line });
  });
  return entry;
}

function ask(request: ProgramRequest): Promise<ProgramAnswer> {
  const name = JSON.stringify([request.command, request.directory]);
  let entry = running.get(name);
  if (entry === undefined) {
    entry = launch(request);
    running.set(name, entry);
  }
  const { child } = entry;
  if (entry.over !== undefined) return Promise.resolve({ failed: entry.over });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      entry.over ??= `It did not answer within ${request.timeoutMs / 1000} s.`;
      entry.answer?.({ failed: entry.over });
    }, request.timeoutMs);
    entry.answer = (answer) => {
      clearTimeout(timer);
      entry.answer = undefined;
      resolve(answer);
    };
    child.stdin!.write(`${request.line}\n`);
  });
}

async function close({ child }: Running): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const waits = [
    setTimeout(() => child.kill('SIGTERM'), patienceMs),
    setTimeout(() => child.kill('SIGKILL'), 2 * patienceMs),
  ];
  child.stdin!.end();
  await gone;
  for (const wait of waits) clearTimeout(wait);
}

port.on('message', (message: ProgramRequest | 'close') => {
  if (message === 'close') {
    void Promise.all([...running.values()].map(close)).then(() => port.close());
    return;
  }
  void ask(message).then((answer) => {
    port.postMessage(answer);
    Atomics.add(count, 0, 1);
    Atomics.notify(count, 0);
  });
});
