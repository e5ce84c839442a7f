/** Runs the real program as a child process, in a directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';

/** What is published, built by test/support/temporary-directory.ts; without that, the sources. */
export const program = process.env.HOLDFAST_PROGRAM ?? join(import.meta.dirname, '../../bin/holdfast.ts');

export interface Outcome {
  /** Exit status; undefined when a signal ended it. */
  status: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd: string;
  /** Beside PATH and HOME. */
  env?: Record<string, string>;
  /** Node's own arguments. */
  nodeArguments?: string[];
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: { stdout: string; stderr: string };
  /** Resolves once `text` was said on standard error; rejects when it ends without. */
  heard(text: string): Promise<void>;
  readonly ended: Promise<Outcome>;
}

function environment({ cwd, env }: RunOptions): Record<string, string> {
  // Nothing of the caller's: NO_COLOR, HOLDFAST_CONFIG or PGPASSWORD would change what is tested.
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  return { PATH, NODE_COMPILE_CACHE, HOME: cwd, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env };
}

/** Starts the program without waiting for its end. */
export function startHoldfast(args: readonly string[], options: RunOptions): Running {
  const { cwd, nodeArguments = [] } = options;
  return follow(
    spawn(process.execPath, [...nodeArguments, program, ...args], {
      cwd,
      env: environment(options),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

/** Runs the program to its end. */
export function holdfast(args: readonly string[], options: RunOptions): Promise<Outcome> {
  return startHoldfast(args, options).ended;
}

/** Runs the program to its end on a terminal; what it writes comes on `stdout`, both streams together. */
export function holdfastOnTerminal(
  args: readonly string[],
  options: RunOptions & { columns: number; answers?: readonly (readonly [question: string, keys: string])[] },
): Promise<Outcome> {
  const quoted = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const command = `stty cols ${options.columns} rows 24; exec ${quoted}`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: options.cwd,
    env: { ...environment(options), TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const running = follow(child);
  void answer(running, options.answers ?? []);
  return running.ended;
}

/** Types the keys once their question is on the screen. */
async function answer({ child, said }: Running, answers: readonly (readonly [string, string])[]): Promise<void> {
  for (const [question, keys] of answers) {
    while (child.exitCode === null && !said.stdout.includes(question)) await pause(20);
    // The question is drawn just before keys are listened for.
    await pause(100);
    child.stdin?.write(keys);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function follow(child: ChildProcess): Running {
  const said = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ status: code ?? undefined, signal: signal ?? undefined, ...said });
      for (const listener of listeners) listener();
    });
  });
  const heard = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (said.stderr.includes(text)) resolve();
        else if (child.exitCode !== null || child.signalCode !== null)
          reject(new Error(`it ended without saying ${text}: ${said.stderr}`));
        else return;
        listeners.delete(look);
      };
      listeners.add(look);
      look();
    });
  return { child, said, heard, ended };
}

/**
 * A directory that exists during each test of a file. Call it at the top level.
 *
 * @param prepare fills a directory once; each test gets a copy of that
 */
export function useDirectory(prepare?: (path: string) => Promise<void>): { readonly path: string } {
  const directory = { path: '' };
  const newDirectory = () => mkdtemp(join(tmpdir(), 'holdfast-cli-'));
  let prepared: string | undefined;
  if (prepare) {
    beforeAll(async () => {
      prepared = await newDirectory();
      await prepare(prepared);
    });
    afterAll(async () => {
      if (prepared !== undefined) await rm(prepared, { recursive: true, force: true });
    });
  }
  beforeEach(async () => {
    directory.path = await newDirectory();
    if (prepared !== undefined) await cp(prepared, directory.path, { recursive: true, preserveTimestamps: true });
  });
  afterEach(async () => {
    await rm(directory.path, { recursive: true, force: true });
  });
  return directory;
}

/** Everything that moves the cursor or colours. */
export const escapeCode = '\u001b';

/** A configuration with its keys and site, made by `init` as below. */
export async function prepareConfig(path: string): Promise<void> {
  await mkdir(join(path, 'tree', 'contracts'), { recursive: true });
  await writeFile(join(path, 'tree', 'a.txt'), 'first\n');
  await writeFile(join(path, 'tree', 'contracts', 'b.bin'), randomBytes(300_000));
  await expectDone(['init', ...initFlags], path);
}

/** The same after its first backup, with the tag `first`. */
export async function prepareBackup(path: string): Promise<void> {
  await prepareConfig(path);
  await expectDone(['backup', '--tag', 'first'], path);
}

async function expectDone(args: string[], cwd: string): Promise<void> {
  const { status, stderr } = await holdfast(args, { cwd });
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}: ${stderr}`);
}

/** The flags of an `init` that asks nothing; the site is `site`, the tree `tree`. */
export const initFlags = [
  ...['--site', 'site', '--operator', 'Example Ltd', '--country', 'FR', '--host-name', 'web1'],
  ...['--owner', 'anna', '--owner', 'bert', '--files', 'documents=tree', '--time-zone', 'UTC'],
];
