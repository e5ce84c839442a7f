/** How the sftp site says what went wrong. The protocol has few codes: everything unusual is a "failure". */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import type { Verdict } from '../retry.ts';

/** The connection is gone; what was asked last may have happened. */
export class ConnectionLost extends Error {
  /** @param why in a few words: a system's code, or a sentence */
  constructor(why: string) {
    super(why);
    this.name = 'ConnectionLost';
  }
}

/** The server does not offer this extension of the protocol. */
export class Unsupported extends Error {}

/** Status codes of SFTP version 3. */
const status = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, badMessage: 5, unsupported: 8 };

/** Status of an answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}

export const isMissing = (error: unknown): boolean => statusOf(error) === status.noSuchFile;
export const isEndOfFile = (error: unknown): boolean => statusOf(error) === status.endOfFile;
/** What OpenSSH says to whatever has no code of its own: it exists already, is a directory, the disk is full. */
export const isFailure = (error: unknown): boolean => statusOf(error) === status.failure;
export const isUnsupported = (error: unknown): boolean =>
  error instanceof Unsupported || statusOf(error) === status.unsupported;

export function judge(error: unknown): Verdict {
  return error instanceof ConnectionLost ? { why: error.message } : 'final';
}

export function siteFull(site: string, message: string, cause: unknown): HoldfastError {
  return new HoldfastError('site-full', message, {
    why: 'No space, or no inode, is left on its disk.',
    hint: `Make room at the site "${site}": holdfast prune, a larger disk or quota.`,
    cause,
  });
}

/** What an operation failed with, as an operator should read it. */
export function sftpError(site: string, message: string, error: unknown): unknown {
  if (isHoldfastError(error)) return error;
  if (error instanceof ConnectionLost) {
    return new HoldfastError('site-unavailable', message, {
      why: `The server could not be reached, or the connection broke (${error.message}).`,
      hint: `Check the host and port of the site "${site}", the network, and that its SSH server runs.`,
      cause: error,
    });
  }
  const found = error instanceof Unsupported ? status.unsupported : statusOf(error);
  if (found === undefined) return error;
  const [why, hint] = reasons[found] ?? [`The server answered with status ${found}.`, 'Look into its log.'];
  return new HoldfastError('site-unavailable', message, { why, hint, cause: error });
}

const reasons: Record<number, [why: string, hint: string]> = {
  [status.noSuchFile]: ['A file or directory of it vanished meanwhile.', 'Check that nobody else changes it.'],
  [status.permissionDenied]: ['This user lacks the permission.', 'Let the user own the directory of the site.'],
  [status.failure]: [
    'The server does not say why; a quota that is used up, a read-only or broken disk, too many open files.',
    'Try it by hand with the sftp program, and look into the log of the server.',
  ],
  [status.badMessage]: ['The server cannot take names of this length, or misunderstood.', 'Look into its log.'],
  [status.unsupported]: [
    'The server lacks what it takes to do this safely.',
    "Use OpenSSH's own SFTP server; docs/sites.md says what is needed.",
  ],
};
