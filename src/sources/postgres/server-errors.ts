import { type ErrorCode, HoldfastError, systemCode } from '../../base/errors.ts';

/** What an error of the server, or of the way to it, means to an operator. */

/** SQLSTATEs that code refers to by meaning. */
export const sqlstate = {
  lockNotAvailable: '55P03',
  deadlock: '40P01',
  undefinedTable: '42P01',
  undefinedSchema: '3F000',
  wrongObjectType: '42809',
  divisionByZero: '22012',
  undefinedColumn: '42703',
  insufficientPrivilege: '42501',
  programLimit: '54000',
  notSupported: '0A000',
  adminShutdown: '57P01',
  outOfMemory: '53200',
  serializationFailure: '40001',
  internalError: 'XX000',
} as const;

/** The SQLSTATE of an error the server sent; undefined for any other error. */
export function sqlstateOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  if (typeof severity === 'string' && typeof code === 'string') return code;
  const cause = (error as { cause?: unknown } | null | undefined)?.cause;
  return cause === undefined || cause === error ? undefined : sqlstateOf(cause);
}

/** Whether the connection is gone: nothing more can be asked on it. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlstateOf(error);
  if (state !== undefined) return state.startsWith('57P') || state.startsWith('08');
  const code = systemCode(error);
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT' || error instanceof ConnectionEnded;
}

/** The socket closed while an answer was awaited. */
export class ConnectionEnded extends Error {
  constructor() {
    super('the connection was closed');
    this.name = 'ConnectionEnded';
  }
}

/**
 * What the server said, fit to be shown: the primary message alone, because the others quote rows, and not even that
 * for the classes whose message does.
 */
export function serverSaid(error: unknown): string {
  const state = sqlstateOf(error);
  if (state === undefined) return (error as Error | undefined)?.message ?? String(error);
  const quotesData = state.startsWith('22') || state.startsWith('23');
  const message = quotesData ? undefined : messageOf(error);
  return message === undefined ? `The server reports SQLSTATE ${state}.` : `The server says: ${sentence(message)}`;
}

function messageOf(error: unknown): string | undefined {
  const { severity, message, cause } = error as { severity?: unknown; message?: unknown; cause?: unknown };
  if (typeof severity === 'string') return typeof message === 'string' ? message : undefined;
  return cause === undefined ? undefined : messageOf(cause);
}

function sentence(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().slice(0, 500);
  return line.endsWith('.') ? line : `${line}.`;
}

/** Why and hint by SQLSTATE; a prefix of it serves for a class. */
const meanings: readonly { state: string; why?: string; hint: string }[] = [
  { state: '28P01', why: 'The server refused the password.', hint: "Check the source's user and password." },
  { state: '28', hint: 'Check the user, and the lines of pg_hba.conf that fit it.' },
  { state: '3D000', why: 'There is no such database.', hint: "Check the database's name: `psql -l` lists them." },
  { state: '53300', hint: 'Raise max_connections, or run fewer jobs at once.' },
  { state: '53200', hint: 'Raise max_locks_per_transaction, or give the server more memory; its log says which.' },
  { state: '53100', hint: "Free space on the server's disk." },
  { state: '57P03', hint: 'Wait until the server has started, then try again.' },
  {
    state: '57P',
    why: 'The server ended the connection: it was shut down, it crashed, or somebody ended the session.',
    hint: "The server's log says which; run it again when the server is up.",
  },
  { state: '57014', why: 'Somebody cancelled the query.', hint: 'Run it again.' },
  {
    state: '40001',
    hint: 'On a standby set hot_standby_feedback on, or raise max_standby_streaming_delay.',
  },
  { state: '42501', hint: 'Grant the role what it needs, for reading: GRANT pg_read_all_data TO …' },
  { state: '55P03', hint: 'Somebody holds, or waits for, a lock on it; pg_locks tells who.' },
  {
    state: '08P01',
    hint: 'Is this a connection pooler? Connect to the server itself: its own host and port.',
  },
];

/**
 * Turns what pg, the socket or TLS threw into a HoldfastError.
 *
 * @param code for failures of the database; `source-failed` or `target-failed`
 * @param what one sentence: what failed
 */
export function serverError(error: unknown, code: ErrorCode, what: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const state = sqlstateOf(error);
  if (state !== undefined) {
    const meaning = meanings.find((candidate) => state.startsWith(candidate.state));
    return new HoldfastError(code, what, {
      why: meaning?.why ?? serverSaid(error),
      hint: meaning?.hint ?? "The server's log tells more.",
      cause: error,
    });
  }
  if (isConnectionLost(error)) {
    return new HoldfastError(code, what, {
      why: 'The connection to the server was lost.',
      hint: "Was the server restarted, or the network cut? The server's log tells; then run it again.",
      cause: error,
    });
  }
  return new HoldfastError(code, what, { why: (error as Error | undefined)?.message ?? String(error), cause: error });
}
