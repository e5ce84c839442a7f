/** What every command is given. What costs time or asks for secrets is loaded when a command asks for it. */
import type { LoadedConfig } from '../config/load.ts';
import type { Secret } from '../config/secrets.ts';
import { type Clock, systemClock } from '../src/base/clock.ts';
import { type ErrorCode, HoldfastError, systemCode } from '../src/base/errors.ts';
import type { Emit } from '../src/base/events.ts';
import type { Party } from '../src/crypt/parties.ts';
import { openLiveLine } from './live-line.ts';
import { type Flags, Output, type Stream } from './output.ts';
import { openProgress, type Progress } from './progress.ts';
import { wantsColor } from './views/style.ts';

/** The machine as the program finds it; tests of single parts give their own. */
export interface Surroundings {
  stdin: { isTTY?: boolean | undefined } & Partial<AsyncIterable<Buffer | string>>;
  stdout: Stream;
  stderr: Stream;
  environment: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  cwd: string;
  signal: AbortSignal;
}

export class Context {
  readonly flags: Flags;
  readonly output: Output;
  readonly emit: Emit;
  readonly clock: Clock = systemClock;
  readonly signal: AbortSignal;
  readonly environment: Surroundings['environment'];
  readonly cwd: string;
  /** What is piped in. */
  readonly stdin: Surroundings['stdin'];
  /** Whether there is a person to ask. */
  readonly interactive: boolean;
  readonly #progress: Progress;
  #config: Promise<LoadedConfig> | undefined;
  #owners: Promise<Party[]> | undefined;

  private constructor(flags: Flags, surroundings: Surroundings, output: Output) {
    const { stdin, stderr, environment, cwd, signal } = surroundings;
    this.flags = flags;
    this.output = output;
    this.signal = signal;
    this.environment = environment;
    this.cwd = cwd;
    this.stdin = stdin;
    this.interactive = stdin.isTTY === true && stderr.isTTY === true && !flags.json && !flags.quiet;
    const onTerminal = stderr.isTTY === true && environment.TERM !== 'dumb' && !flags.json && !flags.quiet;
    this.#progress = openProgress({
      stream: stderr,
      clock: this.clock,
      style: output.errorStyle,
      quiet: flags.quiet,
      verbose: flags.verbose,
      live: onTerminal ? openLiveLine(stderr, wantsColor(stderr, flags, environment)) : undefined,
    });
    this.emit = this.#progress.emit;
  }

  static async open(flags: Flags, surroundings: Surroundings): Promise<Context> {
    return new Context(flags, surroundings, await Output.open(surroundings, flags, surroundings.environment));
  }

  /** Takes the live line away for a question; the next event brings it back. */
  pauseProgress(): void {
    this.#progress.pause();
  }

  /** Takes the live line away; events after it are dropped. */
  finishProgress(): void {
    this.#progress.stop();
  }

  /** The configuration. @throws ConfigError with everything that is wrong with it */
  config(): Promise<LoadedConfig> {
    this.#config ??= this.#loadConfig();
    return this.#config;
  }

  async #loadConfig(): Promise<LoadedConfig> {
    const { findConfig, loadConfig } = await import('../config/load.ts');
    return loadConfig(await findConfig({ flag: this.flags.config, env: this.environment, cwd: this.cwd }));
  }

  /** The value of a secret of the configuration. @throws HoldfastError `secret` */
  async secret(secret: Secret): Promise<string> {
    const { readSecret } = await import('../config/secrets.ts');
    const { directory } = await this.config();
    return this.#unlessInterrupted(readSecret(secret, { directory, env: this.environment }));
  }

  /** A command that gives a secret may wait for a person; an interruption must not wait for it. */
  async #unlessInterrupted<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    signal.throwIfAborted();
    const over = new AbortController();
    const interrupted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over.signal });
    });
    try {
      return await Promise.race([work, interrupted]);
    } finally {
      over.abort();
    }
  }

  /**
   * The identity of this backup host.
   *
   * @throws HoldfastError `wrong-key` when the configuration names none, or it is another party's
   */
  async host(): Promise<Party> {
    const { config, path } = await this.config();
    const { identity } = config.host;
    if (!identity) {
      throw new HoldfastError('wrong-key', `This machine has no identity of the host ${config.host.name}.`, {
        why: `${path} names none: \`host.identity\` is missing.`,
        hint: 'Run this on the backup host, or give the identity of an owner with -i.',
      });
    }
    const party = await this.#parse(await this.secret(identity), `the host ${config.host.name}`);
    if (party.recipient === config.host.public.recipient && party.name === config.host.name) return party;
    throw new HoldfastError('wrong-key', `The host identity is not the one of ${config.host.name}.`, {
      why: `It belongs to ${party.name}, or to an earlier key.`,
      hint: 'Let `host.identity` name the file that belongs to `host.public`.',
    });
  }

  /** The owners whose identities this machine holds: those given with `-i`, then those the configuration names. */
  owners(): Promise<Party[]> {
    this.#owners ??= this.#loadOwners();
    return this.#owners;
  }

  async #loadOwners(): Promise<Party[]> {
    const found = new Map<string, Party>();
    for (const file of this.flags.identity) {
      const party = await this.identityFile(file);
      found.set(party.recipient, party);
    }
    const { config } = await this.config();
    for (const owner of config.owners) {
      if (!owner.identity || found.has(owner.public.recipient)) continue;
      const party = await this.#parse(await this.secret(owner.identity), owner.public.name);
      found.set(party.recipient, party);
    }
    return [...found.values()];
  }

  /** Reads an identity file, whose path counts from the working directory. */
  async identityFile(file: string): Promise<Party> {
    const [{ readSecret }, { resolve }] = await Promise.all([import('../config/secrets.ts'), import('node:path')]);
    const path = resolve(this.cwd, file);
    return this.#parse(await readSecret({ file: path }, { directory: this.cwd, env: this.environment }), path);
  }

  async #parse(text: string, whose: string): Promise<Party> {
    const { parseParty } = await import('../src/crypt/parties.ts');
    try {
      return await parseParty(text);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const { why, hint, code } = error;
      throw new HoldfastError(code, `The identity of ${whose} cannot be used.`, { why, hint, cause: error });
    }
  }
}

/** What a command does. A code it returns instead of throwing decides the exit status: `partial` and the like. */
export type Work = (context: Context) => Promise<ErrorCode | undefined>;

/** Runs work with a context; every command's action ends in it. */
export type Start = (work: Work) => Promise<void>;

/** Whether somebody left a question unanswered, by Ctrl-C. */
export function leftPrompt(error: unknown): boolean {
  return error instanceof Error && ['ExitPromptError', 'AbortPromptError', 'CancelPromptError'].includes(error.name);
}

/** Whether the reader of standard output is gone. */
export function isBrokenPipe(error: unknown): boolean {
  return systemCode(error) === 'EPIPE';
}
