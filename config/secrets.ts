/**
 * Secrets are never written in the configuration: it says where one is found, and it is fetched when it is needed.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { HoldfastError, systemCode } from '../src/base/errors.ts';
import { path, text } from './values.ts';

/** The environment, handed down by the command line. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The largest secret that is read, in bytes: anything longer is a mistaken path. */
export const secretLimit = 64 * 1024;
/** How long a secret's command may take, in milliseconds. It may wait for a person who types a passphrase. */
export const secretCommandTimeoutMs = 120_000;

export const secretForm = 'one of {env: NAME}, {file: path}, {command: [program, argument, …]} or {credential: name}';

/** Where a secret is found; exactly one of the four. */
export const secret = z
  .union(
    [
      z.strictObject({
        env: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable')
          .meta({ description: 'Name of the environment variable that holds it.', samples: ['PGPASSWORD'] }),
      }),
      z.strictObject({
        file: path.meta({
          description:
            'File that holds it. Group and others must have no access to it (`chmod 600`). One newline at its end does not count.',
          samples: ['/etc/holdfast/host.key'],
        }),
      }),
      z.strictObject({
        command: z
          .array(text)
          .min(1, 'expected a program and its arguments')
          .meta({
            description:
              'Program, and its arguments, that prints it; started without a shell in the directory of the configuration file. One newline at the end does not count.',
            samples: [['pass', 'show', 'holdfast/app']],
          }),
      }),
      z.strictObject({
        credential: z
          .string()
          .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/, 'expected the name of a systemd credential')
          .meta({
            description: 'Name of a systemd credential (`LoadCredential=` of the unit).',
            samples: ['app-password'],
          }),
      }),
    ],
    { error: `expected ${secretForm}; a secret itself has no place in this file` },
  )
  .meta({ id: 'secret', description: 'Where a secret is found: exactly one of the four keys.' });

export type Secret = z.output<typeof secret>;

export interface SecretContext {
  /** Relative paths count from here: the directory of the configuration file. */
  directory: string;
  env: Environment;
}

/**
 * Fetches a secret. It is text, never empty, without the one newline that may end it.
 *
 * @throws HoldfastError `secret` when it cannot be had, is empty, too long or no UTF-8, or others may read its file
 */
export async function readSecret(secret: Secret, { directory, env }: SecretContext): Promise<string> {
  if ('env' in secret) {
    const value = env[secret.env];
    if (value) return value;
    throw new HoldfastError('secret', `The environment variable ${secret.env}, which holds a secret, is not set.`, {
      ...(value === '' && { why: 'It is empty.' }),
      hint: 'Set it where Holdfast is started; cron and systemd do not read the profile of a login shell.',
    });
  }
  if ('file' in secret) {
    const file = resolve(directory, secret.file);
    return textOf(await readSecretFile(file, { checkMode: true }), `The secret file ${file}`);
  }
  if ('credential' in secret) {
    const credentials = env.CREDENTIALS_DIRECTORY;
    if (!credentials) {
      throw new HoldfastError('secret', `The systemd credential ${secret.credential} cannot be read.`, {
        why: 'CREDENTIALS_DIRECTORY is not set, so this was not started by a unit with credentials.',
        hint: `Add LoadCredential=${secret.credential}:<path> to the unit and start it with systemctl.`,
      });
    }
    // systemd guards the directory, and its access lists show as group bits: the mode would tell nothing.
    const bytes = await readSecretFile(resolve(credentials, secret.credential), { checkMode: false });
    return textOf(bytes, `The systemd credential ${secret.credential}`);
  }
  return textOf(await runSecretCommand(secret.command, directory, env), `The output of ${secret.command[0]}`);
}

async function readSecretFile(file: string, { checkMode }: { checkMode: boolean }): Promise<Uint8Array> {
  try {
    // Opened first and looked at through the handle, so that it is the same file; a pipe must not block here.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const { mode } = await handle.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
      throw new HoldfastError('secret', `The secret ${file} is not a regular file.`);
    }
    if (checkMode && (mode & 0o077) !== 0) {
      throw new HoldfastError('secret', `The secret file ${file} is open to other users.`, {
        why: `Its mode is ${(mode & 0o777).toString(8).padStart(4, '0')}; group and others must have no access.`,
        hint: `Run: chmod 600 ${shellWord(file)}`,
      });
    }
    const buffer = Buffer.alloc(secretLimit + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const code = systemCode(error);
    throw new HoldfastError('secret', `The secret file ${file} cannot be read.`, {
      why: code === 'ENOENT' ? 'It does not exist.' : code === 'EACCES' ? 'Permission is denied.' : `${code}.`,
      hint: 'Check its path, and that this account may read it.',
      cause: error,
    });
  }
}

async function runSecretCommand(command: readonly string[], directory: string, env: Environment): Promise<Uint8Array> {
  const { execa } = await import('execa');
  const [program = '', ...args] = command;
  const result = await execa(program, args, {
    cwd: directory,
    env,
    extendEnv: false,
    stdin: 'ignore',
    // What a failing password store prints may hold parts of what it stores: it goes nowhere.
    stderr: 'ignore',
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: secretLimit + 1,
    timeout: secretCommandTimeoutMs,
    reject: false,
  });
  if (!result.failed) return result.stdout;
  const code = systemCode(result.cause);
  throw new HoldfastError('secret', `The command ${program}, which gives a secret, failed.`, {
    why: result.isMaxBuffer
      ? `It printed more than ${secretLimit} bytes.`
      : result.timedOut
        ? `It took longer than ${secretCommandTimeoutMs / 1000} s.`
        : result.exitCode !== undefined
          ? `It ended with status ${result.exitCode}.`
          : code === 'ENOENT'
            ? 'There is no such program.'
            : `It could not be run${result.signal ? ` to its end (${result.signal})` : ''}.`,
    hint: 'Run it by hand to see what it prints.',
  });
}

function textOf(bytes: Uint8Array, what: string): string {
  const refuse = (why: string): never => {
    throw new HoldfastError('secret', `${what} cannot be used as a secret.`, { why });
  };
  if (bytes.length > secretLimit) return refuse(`It is longer than ${secretLimit} bytes.`);
  let value: string;
  try {
    value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('It is not UTF-8 text.');
  }
  const stripped = value.replace(/\r?\n$/, '');
  return stripped === '' ? refuse('It is empty.') : stripped;
}

function shellWord(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
