/** pg_dump of a finished copy, into a file or a directory, through age where it is for other people. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { HoldfastError } from '../../base/errors.ts';
import { sealed } from '../../crypt/sealed-stream.ts';
import { writeAll } from '../../sites/durable-files.ts';
import { libpqEnvironment, type PostgresConnection } from '../../sources/postgres/connection.ts';
import type { DumpProgram, Environment } from '../../sources/postgres/dump-archive.ts';
import { openSession } from '../../sources/postgres/session.ts';
import { programOptions } from '../../sources/postgres/session-settings.ts';
import { fullDisk, notWritten } from './archive-place.ts';

export type ArchiveFormat = 'custom' | 'directory' | 'plain-sql';

export interface DumpSettings {
  connection: PostgresConnection;
  program: DumpProgram;
  format: ArchiveFormat;
  /** To whom it is sealed; to nobody when empty. */
  recipients: readonly string[];
  /** Where it is written: an empty file, or an empty directory. */
  partial: string;
  /** Final name, for messages. */
  file: string;
  jobs: number;
  env: Environment;
  signal: AbortSignal;
}

/** Of what was written, encrypted or not. */
export interface Written {
  bytes: number;
  /** Of a directory that of the lines `<sha256>  <name>`, as `LC_ALL=C sha256sum *` prints them in it. */
  sha256: string;
}

const applicationName = 'holdfast pseudonymize dump';

/**
 * Dumps a whole database that nobody changes.
 *
 * @throws HoldfastError `target-failed` when pg_dump fails or the disk is full; the signal's reason when aborted
 */
export async function dumpCopy(settings: DumpSettings): Promise<Written> {
  const { format, recipients, partial, file } = settings;
  // Into a file of its own pg_dump goes back and notes where each table lies, so that pg_restore can do several at once.
  if (format === 'directory' || (format === 'custom' && recipients.length === 0)) {
    await runDump({ ...settings, into: partial });
    return format === 'directory' ? directorySum(partial) : fileSum(partial);
  }
  const hash = createHash('sha256');
  const handle = await open(partial, 'r+');
  let bytes = 0;
  try {
    await runDump(settings, async (plain) => {
      for await (const piece of recipients.length > 0 ? sealed(plain, recipients) : plain) {
        hash.update(piece);
        bytes += piece.length;
        await writeAll(handle, [piece]).catch((error) => {
          throw notWritten(file, error);
        });
      }
    });
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

const formats = { custom: 'custom', directory: 'directory', 'plain-sql': 'plain' } as const;

async function runDump(
  { connection, program, format, jobs, env, signal, file, into }: DumpSettings & { into?: string },
  take?: (plain: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  signal.throwIfAborted();
  const subprocess = execa(
    program.path,
    [
      `--format=${formats[format]}`,
      ...(format === 'directory' ? [`--jobs=${jobs}`] : []),
      ...(into === undefined ? [] : [`--file=${into}`]),
      // Of the scratch, which nobody has.
      '--no-owner',
      '--no-privileges',
      '--no-publications',
      '--no-subscriptions',
      '--no-security-labels',
      '--no-password',
    ],
    {
      env: { ...(await environmentOf(connection, env, signal)), PGAPPNAME: applicationName },
      extendEnv: false,
      stdin: 'ignore',
      stdout: take === undefined ? 'ignore' : 'pipe',
      reject: false,
      buffer: false,
      encoding: 'buffer',
      cancelSignal: signal,
      forceKillAfterDelay: 1_000,
    },
  );
  // Otherwise what comes before somebody reads it is thrown away: sealing begins with work of its own.
  if (take !== undefined) subprocess.stdout?.pause();
  let said = '';
  subprocess.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString('utf8')).slice(-64 * 1024);
  });
  let broken: { error: unknown } | undefined;
  try {
    await take?.(subprocess.stdout as AsyncIterable<Uint8Array>);
  } catch (error) {
    broken = { error };
    subprocess.kill();
  }
  const result = await subprocess;
  signal.throwIfAborted();
  if (broken !== undefined && !result.failed) throw broken.error;
  if (broken?.error instanceof HoldfastError) throw broken.error;
  if (!result.failed) return;
  if (said.includes('No space left on device')) throw fullDisk(file);
  const lines = said.split('\n').filter((line) => line.startsWith('pg_dump: error:'));
  throw new HoldfastError('target-failed', `The archive ${file} could not be written.`, {
    // Of the lines that follow some hold the query, or the server's details, with names and values in them.
    why: lines[0] ?? 'pg_dump failed.',
    hint: 'Check the disk and the memory of this machine.',
    cause: broken?.error,
  });
}

async function environmentOf(
  connection: PostgresConnection,
  env: Environment,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  await using session = await openSession(connection, { applicationName, failure: 'target-failed', signal });
  const kept = ['PATH', 'HOME', 'LD_LIBRARY_PATH', 'TMPDIR'].flatMap((name) =>
    env[name] === undefined ? [] : [[name, env[name]] as const],
  );
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    ...libpqEnvironment(connection),
    PGOPTIONS: programOptions(session.serverVersion, session.encoding),
  };
}

async function fileSum(path: string): Promise<Written> {
  const hash = createHash('sha256');
  return { bytes: await hashInto(hash, path), sha256: hash.digest('hex') };
}

async function directorySum(path: string): Promise<Written> {
  const whole = createHash('sha256');
  let bytes = 0;
  for (const name of (await readdir(path)).sort()) {
    const sum = await fileSum(join(path, name));
    bytes += sum.bytes;
    whole.update(`${sum.sha256}  ${basename(name)}\n`);
  }
  return { bytes, sha256: whole.digest('hex') };
}

async function hashInto(hash: Hash, path: string): Promise<number> {
  let bytes = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    hash.update(piece as Buffer);
    bytes += (piece as Buffer).length;
  }
  return bytes;
}
