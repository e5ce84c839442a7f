/**
 * One error type for everything an operator can meet. `code` is literal so that callers and tests never match on
 * message text, and `exitStatus` is the one table from code to exit status (docs/exit-codes.md is checked against it).
 */

/** Exit statuses of the command line, by error code. Codes not listed here exit 1. */
export const exitStatus = {
  /** Wrong flags or arguments. */
  usage: 2,
  /** The configuration is missing, malformed or contradicts itself. */
  config: 2,
  /** A secret could not be obtained or is readable by others. */
  secret: 2,
  /** Some source or site failed, the others are done. */
  partial: 3,
  /** A comparison was made and it differs. */
  'verification-failed': 4,
  /** A comparison could not be made. */
  'could-not-verify': 5,
  /** The site holds no repository. */
  'no-repository': 10,
  /** Somebody else works on this source. */
  'lease-held': 11,
  /** The key is missing, or does not open this. */
  'wrong-key': 12,
  interrupted: 130,

  /** Anything below is a plain failure; the code tells which. */
  failed: 1,
  'site-unavailable': 1,
  'site-full': 1,
  'object-missing': 1,
  'object-damaged': 1,
  'not-trusted': 1,
  rollback: 1,
  'source-failed': 1,
  'target-exists': 1,
  'target-failed': 1,
  'tool-missing': 1,
  'not-found': 1,
  internal: 1,
} as const;

export type ErrorCode = keyof typeof exitStatus;

export interface ErrorDetails {
  /** One sentence: why it happened, as far as known. */
  why?: string;
  /** One sentence: what the operator can do. */
  hint?: string;
  cause?: unknown;
}

/**
 * `message` is one sentence that says what failed. None of the three texts may hold a secret, a row value or a
 * password in a URL.
 */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly why: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.why = details.why;
    this.hint = details.hint;
  }
}

/** Whether `error` is a HoldfastError, optionally with one of the given codes. */
export function isHoldfastError(error: unknown, ...codes: ErrorCode[]): error is HoldfastError {
  return error instanceof HoldfastError && (codes.length === 0 || codes.includes(error.code));
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** A form that survives structured cloning between threads, and back. */
export interface PlainError {
  code: ErrorCode;
  message: string;
  why?: string | undefined;
  hint?: string | undefined;
  stack?: string | undefined;
  /** Of the cause, where it has them: the SQLSTATE and severity of a server, the code of a system error. */
  cause?: { code: string; severity?: string } | undefined;
}

export function toPlainError(error: unknown): PlainError {
  if (error instanceof HoldfastError) {
    const { code, message, why, hint, stack } = error;
    const cause = plainCause(error.cause);
    return { code, message, why, hint, stack, ...(cause && { cause }) };
  }
  if (error instanceof Error) return { code: 'internal', message: error.message, stack: error.stack };
  return { code: 'internal', message: String(error) };
}

function plainCause(cause: unknown): PlainError['cause'] {
  if (cause instanceof HoldfastError) return plainCause(cause.cause);
  const code = systemCode(cause);
  if (code === undefined) return undefined;
  const { severity } = cause as { severity?: unknown };
  return { code, ...(typeof severity === 'string' && { severity }) };
}

export function fromPlainError(plain: PlainError): HoldfastError {
  const { why, hint } = plain;
  const cause = plain.cause && Object.assign(new Error(plain.cause.code), plain.cause);
  const error = new HoldfastError(plain.code, plain.message, { why, hint, ...(cause && { cause }) });
  if (plain.stack) error.stack = plain.stack;
  return error;
}
