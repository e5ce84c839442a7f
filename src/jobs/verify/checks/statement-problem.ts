import { formatDuration } from '../../../base/units.ts';
import { isConnectionLost, sqlstateOf } from '../../../sources/postgres/server-errors.ts';
import type { Answer } from './question.ts';

/**
 * What it means when a statement of the configuration ends in an error. Messages of the server are never told: a query, or
 * a function that it calls, can make them of rows.
 */

const missing: Readonly<Record<string, string>> = {
  '42P01': 'A table that it names is not there.',
  '42703': 'A column that it names is not there.',
  '3F000': 'A schema that it names is not there.',
  '42883': 'A function or operator that it names is not there.',
  '42704': 'A type, or another object that it names, is not there.',
};

const others: readonly { state: string; verdict: 'fail' | 'could-not-verify'; text: string }[] = [
  { state: 'XX001', verdict: 'fail', text: 'It met damaged rows.' },
  { state: 'XX002', verdict: 'fail', text: 'It met a damaged index.' },
  { state: 'P0001', verdict: 'fail', text: 'It raised an exception.' },
  { state: 'P0004', verdict: 'fail', text: 'An ASSERT in it failed.' },
  { state: '22', verdict: 'fail', text: 'It failed on the rows that it read.' },
  { state: '25006', verdict: 'could-not-verify', text: 'It would write; only reading is possible.' },
  { state: '42501', verdict: 'could-not-verify', text: 'It needs a right that reading everything does not give.' },
  { state: '42601', verdict: 'could-not-verify', text: 'It is not one query, as PostgreSQL reads it.' },
  { state: '0A', verdict: 'could-not-verify', text: 'It is no query that only reads.' },
];

/**
 * What is missing, or fails on the rows, is a statement that does not hold. What the server could not do says nothing.
 *
 * @param timeoutMs that the statement had
 */
export function statementProblem(error: unknown, timeoutMs: number): Answer {
  const state = sqlstateOf(error);
  if (state === undefined || (isConnectionLost(error) && state !== '57014')) {
    return { verdict: 'could-not-verify', why: 'The connection to the scratch server was lost.' };
  }
  if (state === '57014') {
    return { verdict: 'could-not-verify', why: `It did not end within ${formatDuration(timeoutMs)}.` };
  }
  const said = ` The server reports SQLSTATE ${state}.`;
  const absent = missing[state];
  if (absent !== undefined) return { verdict: 'fail', why: absent + said };
  const other = others.find((each) => state.startsWith(each.state));
  return other === undefined
    ? { verdict: 'could-not-verify', why: `It could not be run.${said}` }
    : { verdict: other.verdict, why: other.text + said };
}
