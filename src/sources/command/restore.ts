import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { ProgressReport } from '../files/progress-report.ts';
import { targetError } from '../files/target-errors.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import type { OutputLine } from './manifest.ts';

export interface RestoreCommandSettings {
  /** The file to make. A directory that exists, or a path that ends in `/`: the file goes into it, under its own name. */
  target: string;
}

/**
 * Restores the output of a command into a file that must not exist. It has its name only when it is whole and on disk.
 *
 * Totals: `bytes`.
 *
 * @throws HoldfastError `target-exists`, `target-failed`, `object-damaged`
 */
export async function restoreCommand(
  context: RestoreContext,
  settings: RestoreCommandSettings,
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[] }> {
  return restoreOutput(context, await outputLine(context), settings);
}

/** Writes one output into its file, as `restoreCommand` does. */
export async function restoreOutput(
  context: RestoreContext,
  line: OutputLine,
  settings: RestoreCommandSettings,
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[] }> {
  const target = targetFile(settings.target, line.filename);
  if (existsSync(target)) throw exists(target);
  const temporary = join(dirname(target), `.${basename(target)}.holdfast-${randomBytes(6).toString('hex')}`);
  let made = false;
  try {
    const descriptor = openSync(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    made = true;
    try {
      await writeOutput(context, line, descriptor);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    giveName(temporary, target);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw exists(target);
    context.signal.throwIfAborted();
    throw targetError(error, target);
  } finally {
    if (made) rmSync(temporary, { force: true });
  }
  syncDirectory(dirname(target));
  return { totals: { bytes: line.stream.size }, shortfalls: [] };
}

/** What the command had written. @throws as StreamReader.read */
export async function* catCommand(context: RestoreContext): AsyncGenerator<Buffer, void, undefined> {
  const { stream } = await outputLine(context);
  yield* context.reader.read(stream);
}

async function outputLine(context: RestoreContext): Promise<OutputLine> {
  let found: OutputLine | undefined;
  for await (const line of context.lines()) {
    if (line.kind !== 'output' || found !== undefined) throw damaged('It is not the one line of a command.');
    found = line as OutputLine;
  }
  if (found === undefined) throw damaged('It is empty.');
  const { filename } = found;
  const plain = typeof filename === 'string' && filename !== '' && filename !== '.' && filename !== '..';
  if (!plain || /[/\0]/.test(filename)) throw damaged('Its file name would lead out of the target.');
  return found;
}

function damaged(why: string): HoldfastError {
  return new HoldfastError('object-damaged', 'The manifest of this snapshot cannot be trusted.', {
    why,
    hint: 'Use another snapshot, and find out who wrote this one.',
  });
}

function targetFile(target: string, filename: string): string {
  const isDirectory = target.endsWith('/') || (existsSync(target) && statSync(target).isDirectory());
  return isDirectory ? join(target, filename) : target;
}

function exists(target: string): HoldfastError {
  return new HoldfastError('target-exists', `The file ${target} exists.`, {
    why: 'A restore never writes over anything.',
    hint: 'Name a file that does not exist.',
  });
}

async function writeOutput(context: RestoreContext, line: OutputLine, descriptor: number): Promise<void> {
  const progress = new ProgressReport(context, 'Writing output', line.stream.size);
  for await (const piece of context.reader.read(line.stream)) {
    context.signal.throwIfAborted();
    for (let at = 0; at < piece.length; ) at += writeSync(descriptor, piece, at);
    progress.add(piece.length);
  }
}

function giveName(temporary: string, target: string): void {
  try {
    // A link, not a rename: that would replace a file which somebody has made meanwhile.
    linkSync(temporary, target);
  } catch (error) {
    // A file system without hard links.
    if (!['EPERM', 'EOPNOTSUPP', 'ENOTSUP'].includes(systemCode(error) ?? '') || existsSync(target)) throw error;
    renameSync(temporary, target);
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
