/** What an error says about a backup: that it is bad, or only that nobody knows. The point of the whole proof. */
import { type ErrorCode, HoldfastError, isHoldfastError, type PlainError } from '../../base/errors.ts';
import { sqlstateOf } from '../../sources/postgres/server-errors.ts';

/** What is there is not what was backed up. Everything else is about tools, rights, room, time, keys, or the way there. */
const saysDamaged: ReadonlySet<ErrorCode> = new Set([
  'object-damaged',
  'object-missing',
  'not-trusted',
  'rollback',
  'verification-failed',
  // The site answers, and holds nothing of what should be there.
  'no-repository',
]);

/** What kept something from being examined, as a verdict on it. */
export function verdictOfError(error: unknown): 'fail' | 'could-not-verify' {
  return error instanceof HoldfastError && saysDamaged.has(error.code) ? 'fail' : 'could-not-verify';
}

/**
 * SQLSTATEs by which a server refuses what a snapshot holds: rows that fit no type or break a constraint, definitions that
 * do not hold, functions of the database that fail. Not: room, connections, rights, what it does not support.
 */
const refusesContent = /^(2[0-3]|2B|3[4-9BDF]|42|44|P0)/;
/** Of those, what is about rights. */
const aboutRights = new Set(['42501']);

/**
 * The same for an error of the restore: a server that refuses rows or definitions proves that the snapshot cannot be
 * restored, unless it is of another major than the source's.
 */
export function verdictOfRestoreError(error: unknown, sameMajor: boolean): 'fail' | 'could-not-verify' {
  if (verdictOfError(error) === 'fail') return 'fail';
  if (!isHoldfastError(error, 'target-failed') || !sameMajor) return 'could-not-verify';
  const state = sqlstateOf(error);
  return state !== undefined && refusesContent.test(state) && !aboutRights.has(state) ? 'fail' : 'could-not-verify';
}

/** An error in one sentence or two. */
export function sentencesOf(error: unknown): string {
  if (!(error instanceof HoldfastError)) return 'The program itself failed; see the error.';
  return [error.message, error.why].filter(Boolean).join(' ');
}

/** As a report carries it: without a stack, which tells of this machine. */
export function reportedError(error: unknown): PlainError {
  if (!(error instanceof HoldfastError)) {
    // Its text could quote anything.
    return { code: 'internal', message: 'The proof ended because the program itself failed.' };
  }
  const { code, message, why, hint } = error;
  return { code, message, ...(why !== undefined && { why }), ...(hint !== undefined && { hint }) };
}
