import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';

/**
 * What the server said about statements that read rows. Its messages may quote them: what a type refused (class 22), what
 * a function raised (P0), even what a `regclass` did not find (42). So only those classes are passed on whose messages
 * are about the server itself.
 */

/** Connection, transaction, authorisation, resources, limits, state, operator, system. */
const harmless = /^(08|25|28|40|53|54|55|57|58)/;

/** Conditions an operator meets, in words instead of the server's message. */
const meanings: readonly (readonly [state: string, why: string])[] = [
  ['22001', 'A value is too long for its column'],
  ['22003', 'A number is out of range'],
  ['22021', 'A text is not valid in the encoding of the database'],
  ['22P02', 'A value does not fit its type'],
  ['22P04', 'The rows are not what COPY expects'],
  ['22', 'A value was refused'],
  ['23502', 'A column that must not be null would be'],
  ['23503', 'A foreign key would be violated'],
  ['23505', 'Values that must be unique are not'],
  ['23514', 'A check would be violated'],
  ['23P01', 'An exclusion constraint would be violated'],
  ['23', 'A constraint would be violated'],
  ['42P01', 'A value names a relation that is not there'],
  ['42501', 'The role may not do this'],
  ['P0', 'A function of the database raised an error'],
];

/**
 * Turns an error of a statement that reads rows into one that quotes none.
 *
 * @param what one sentence: what failed
 * @param columns names that may be told when the server points at one
 */
export function rowsError(session: Session, error: unknown, what: string, columns: readonly string[] = []): unknown {
  const state = sqlstateOf(error);
  if (state === undefined || harmless.test(state)) return session.fail(error, what);
  const found = meanings.find(([prefix]) => state.startsWith(prefix))?.[1] ?? 'The server refused it';
  return new HoldfastError(session.failure, what, {
    why: `${found} (SQLSTATE ${state})${constraintOf(error)}${placeOf(error, columns)}.`,
    hint: "The server's log tells more, the values among it.",
    cause: withoutValues(error, state),
  });
}

/** Enough for sqlstateOf, nothing that could quote a row. */
function withoutValues(error: unknown, state: string): Error {
  const { severity } = error as { severity?: unknown };
  return Object.assign(new Error(`SQLSTATE ${state}`), { code: state, severity: String(severity ?? 'ERROR') });
}

function constraintOf(error: unknown): string {
  const { constraint } = error as { constraint?: unknown };
  return typeof constraint === 'string' && constraint !== '' ? `: ${JSON.stringify(constraint)}` : '';
}

/** The line of the COPY and the column, from a context that goes on with the value. */
function placeOf(error: unknown, columns: readonly string[]): string {
  const { where } = error as { where?: unknown };
  if (typeof where !== 'string') return '';
  const line = /, line (\d+)/.exec(where)?.[1];
  const column = columns.find((name) => where.includes(`, column ${name}: `) || where.includes(`, column ${name}\n`));
  return (
    (line === undefined ? '' : `, in row ${line}`) + (column === undefined ? '' : `, column ${JSON.stringify(column)}`)
  );
}

/** Whether the server refused it, so that trying again after other things may help. */
export function worthRetrying(error: unknown): boolean {
  return isHoldfastError(error, 'target-failed');
}
