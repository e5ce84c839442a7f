/** Looks at a live database and at its lock file: what is personal, what is not decided, what changed. */
import { constants } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { sha256Hex } from '../../crypt/secrets.ts';
import { type ClassificationProblem, type Proposal, propose, unclassified } from '../../pseudonyms/classification.ts';
import { type Scan, scanDatabase } from '../../pseudonyms/discovery.ts';
import { drift } from '../../pseudonyms/drift.ts';
import { emptyLock, type Lock, parseLock } from '../../pseudonyms/lock.ts';
import { writeLock } from '../../pseudonyms/lock-write.ts';
import { checkRules } from '../../pseudonyms/static-checks.ts';
import { syncDirectory } from '../../sites/durable-files.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { openSession } from '../../sources/postgres/session.ts';

export interface ClassifySettings {
  /** Name of the source; the lock file must be of it. */
  source: string;
  connection: PostgresConnection;
  /** Absolute path of the lock file. */
  lockFile: string;
  /** Rows of each table that are looked at. */
  sampleRows: number;
  emit: Emit;
  signal: AbortSignal;
}

export interface ScanReport {
  source: string;
  lockFile: string;
  scan: Scan;
  proposal: Proposal;
  /** Whether the lock file was written; it is not when nothing is new. */
  written: boolean;
}

/**
 * Scans, and proposes rules for what has none.
 *
 * @param options `write`: adds them to the lock file
 * @throws HoldfastError `config` when the lock file is damaged or another source's, or changed during the scan
 */
export async function scanSource(settings: ClassifySettings, { write }: { write: boolean }): Promise<ScanReport> {
  const { source, lockFile } = settings;
  const before = await readText(lockFile);
  const existing = before === undefined ? emptyLock(source) : lockOf(before, settings);
  const scan = await scanned(settings);
  const proposal = propose(scan, existing);
  const news = proposal.added.length + proposal.changed.length + proposal.gone.length > 0 || before === undefined;
  if (write && news) await replaceText(lockFile, writeLock(proposal.lock, before), before);
  return { source, lockFile, scan, proposal, written: write && news };
}

export interface PlanReport {
  source: string;
  lockFile: string;
  /** Errors first. */
  problems: ClassificationProblem[];
  tables: number;
  /** Columns with a rule that somebody reviewed. */
  ruled: number;
  kept: number;
  unread: Scan['unread'];
}

/** Holds the lock file against the database as it is now. Writes nothing. @throws as `scanSource` */
export async function planCopy(settings: ClassifySettings): Promise<PlanReport> {
  return (await plannedWith(settings)).report;
}

/**
 * The lock file, once nothing in it stands against a copy.
 *
 * @throws HoldfastError `config` naming what does; as `scanSource`
 */
export async function reviewedLock(settings: ClassifySettings): Promise<Lock> {
  const { report, lock } = await plannedWith(settings);
  assertNothingAgainst(settings.source, report.problems);
  return lock;
}

/** @throws HoldfastError `config` naming the errors among the problems */
export function assertNothingAgainst(source: string, problems: readonly ClassificationProblem[]): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const shown = errors.slice(0, 5).map(({ item, text }) => `${item}: ${text}`);
  const count = errors.length === 1 ? 'one thing stands' : `${errors.length} things stand`;
  throw new HoldfastError('config', `The copy of ${source} is refused: ${count} against it.`, {
    why: [...shown, ...(errors.length > shown.length ? [`and ${errors.length - shown.length} more`] : [])].join('\n'),
    hint: 'Run `holdfast pseudonymize plan` for all of them.',
  });
}

/** @throws HoldfastError `config` when there is none, or it cannot be used */
export async function readLock(settings: Pick<ClassifySettings, 'source' | 'lockFile'>): Promise<Lock> {
  const text = await readText(settings.lockFile);
  if (text !== undefined) return { ...lockOf(text, settings), sha256: sha256Hex(Buffer.from(text)) };
  throw new HoldfastError('config', `There is no lock file ${settings.lockFile}.`, {
    why: `Nothing says yet what becomes of the columns of ${settings.source}.`,
    hint: 'Run `holdfast pseudonymize scan --write`, and review what it proposes.',
  });
}

async function plannedWith(settings: ClassifySettings): Promise<{ report: PlanReport; lock: Lock }> {
  const { source, lockFile } = settings;
  const lock = await readLock(settings);
  const scan = await scanned(settings);
  const all = [...unclassified(lock, scan), ...drift(lock, scan), ...checkRules(lock, scan.catalog, scan.facts)];
  const problems = [
    ...all.filter(({ severity }) => severity === 'error'),
    ...all.filter(({ severity }) => severity === 'note'),
  ];
  const entries = [...lock.tables.values()].flatMap((columns) => [...columns.values()]).filter(({ review }) => !review);
  const kept = entries.filter(({ rule }) => rule.kind === 'keep').length;
  const tables = scan.catalog.tables.length;
  return {
    lock,
    report: { source, lockFile, problems, tables, ruled: entries.length - kept, kept, unread: scan.unread },
  };
}

async function scanned({ connection, sampleRows, emit, signal }: ClassifySettings): Promise<Scan> {
  await using session = await openSession(connection, { applicationName: 'holdfast pseudonymize', signal });
  emit({ type: 'step', text: 'Looking at what the database holds' });
  return await scanDatabase(session, { sample: { rows: sampleRows }, emit });
}

function lockOf(text: string, { source, lockFile }: Pick<ClassifySettings, 'source' | 'lockFile'>): Lock {
  const read = parseLock(text);
  if ('problems' in read) {
    const lines = read.problems.map(({ line, path, message }) => `line ${line}${path && `, ${path}`}: ${message}`);
    throw new HoldfastError('config', `The lock file ${lockFile} cannot be used.`, {
      why: lines.join('\n'),
      hint: 'Correct these lines; nothing was read from the database.',
    });
  }
  if (read.lock.source === source) return read.lock;
  throw new HoldfastError('config', `The lock file ${lockFile} is that of another source.`, {
    why: `It says \`source: ${read.lock.source}\`, and this is about ${source}.`,
    hint: 'Name the right file in `pseudonymize.lock`, or leave the key out.',
  });
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new HoldfastError('config', `The lock file ${path} cannot be read.`, {
      why: `The system says ${systemCode(error) ?? 'nothing'}.`,
      cause: error,
    });
  }
}

/** All of it or nothing; what somebody saved meanwhile is not overwritten. */
async function replaceText(path: string, text: string, before: string | undefined): Promise<void> {
  const temporary = `${path}.new`;
  try {
    const handle = await open(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if ((await readText(path)) !== before) {
      await rm(temporary);
      throw new HoldfastError('config', `The lock file ${path} changed during the scan.`, {
        why: 'Somebody saved it meanwhile; their work was not overwritten.',
        hint: 'Run it again.',
      });
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const present = systemCode(error) === 'EEXIST';
    if (!present) await rm(temporary, { force: true });
    throw new HoldfastError('failed', `The lock file ${path} could not be written.`, {
      why: present
        ? `${temporary} is there: another scan writes, or one was killed.`
        : `The system says ${systemCode(error) ?? 'nothing'}.`,
      hint: present ? `When no other scan runs, remove ${temporary}.` : 'The lock file is as it was.',
      cause: error,
    });
  }
}
