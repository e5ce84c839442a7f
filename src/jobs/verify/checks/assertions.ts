import type { Clock } from '../../../base/clock.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { formatDuration } from '../../../base/units.ts';
import type { PostgresConnection } from '../../../sources/postgres/connection.ts';
import { quoteIdentifier, quoteQualified } from '../../../sources/postgres/quote.ts';
import { sqlstateOf } from '../../../sources/postgres/server-errors.ts';
import { openSession, type Session } from '../../../sources/postgres/session.ts';
import type { VerifyCheck } from '../report.ts';
import {
  type Assertion,
  boundsText,
  type CanaryAssertion,
  contradictionOf,
  type FreshnessAssertion,
  numberOf,
  type QueryAssertion,
} from './assertion.ts';
import { type Answer, ask } from './question.ts';
import { statementProblem } from './statement-problem.ts';

/** Holds a restored database against what the configuration states of it. No value of a row gets into a report. */

export interface AssertionsInput {
  /** To the restored database. */
  connection: PostgresConnection;
  /** When the snapshot was made; milliseconds since the epoch. */
  snapshotTime: number;
  clock: Clock;
  signal: AbortSignal;
}

/** The id of an assertion's check. */
export function assertionCheck({ name }: Pick<Assertion, 'name'>): { id: `assertion:${string}`; title: string } {
  return { id: `assertion:${name}`, title: `Assertion ${name}` };
}

/** One check for each, one after the other. @throws the signal's reason when aborted */
export async function checkAssertions(
  input: AssertionsInput,
  assertions: readonly Assertion[],
): Promise<VerifyCheck[]> {
  const checks: VerifyCheck[] = [];
  for (const assertion of assertions) {
    checks.push(await ask({ ...assertionCheck(assertion), ...input }, () => examine(input, assertion)));
  }
  return checks;
}

/** A session each: what one of them does to its session, or the server to it, must not tell on the next. */
async function examine(input: AssertionsInput, assertion: Assertion): Promise<Answer> {
  const { connection, signal } = input;
  await using session = await openSession(connection, {
    applicationName: 'holdfast verify',
    signal,
    failure: 'could-not-verify',
  });
  try {
    await session.client.query(
      // What reads only a part, as a cursor would have it, is no better plan here.
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL cursor_tuple_fraction = 1;
       SET LOCAL statement_timeout = ${Math.ceil(assertion.timeoutMs)}`,
    );
    switch (assertion.kind) {
      case 'query':
        return await examineQuery(session, assertion);
      case 'canary':
        return await examineCanary(session, assertion);
      case 'freshness':
        return await examineFreshness(session, assertion, input.snapshotTime);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HoldfastError) throw error;
    return statementProblem(error, assertion.timeoutMs);
  }
}

/** As the server writes them: pg would make numbers and dates of them. */
const asText = { getTypeParser: () => (value: unknown) => value };

async function examineQuery(session: Session, { sql, expect, show }: QueryAssertion): Promise<Answer> {
  // A cursor takes one query and nothing else, and never more rows than are asked for. So does the extended protocol.
  await session.client.query({
    text: `DECLARE holdfast_assertion NO SCROLL CURSOR FOR ${sql}`,
    queryMode: 'extended',
  } as {
    text: string;
  });
  if (expect.kind === 'rows') {
    const { min, max } = expect;
    const { rowCount } = await session.client.query(`MOVE FORWARD ${(max ?? min) + 1} IN holdfast_assertion`);
    const rows = rowCount ?? 0;
    if (rows >= min && (max === undefined || rows <= max)) return { equal: 1, figures: { rows } };
    // More than were asked for may be any number.
    const found = rows > (max ?? min) ? `more than ${max ?? min}` : `${rows}`;
    return failed(`It came out with ${found} rows; expected are ${boundsText({ min, max })}.`);
  }
  const { rows, fields } = await session.client.query<(string | null)[]>({
    text: 'FETCH FORWARD 2 FROM holdfast_assertion',
    rowMode: 'array',
    types: asText,
  });
  if (fields.length !== 1) {
    return { verdict: 'could-not-verify', why: `The query has ${fields.length} columns; expected is one.` };
  }
  if (rows.length !== 1)
    return failed(rows.length === 0 ? 'It came out without a row.' : 'It came out with more than one row.');
  const value = rows[0]![0] ?? null;
  const contradiction = contradictionOf(expect, value);
  const number = value === null ? undefined : numberOf(value);
  const figures: Record<string, number> = show && number !== undefined ? { value: Number(number) } : {};
  if (contradiction === undefined) return { equal: 1, figures };
  return failed(contradiction, figures);
}

const invalidText = '22P02';

async function examineCanary(session: Session, { table, column, value }: CanaryAssertion): Promise<Answer> {
  // The parameter gets the type of the column, so an index on it serves.
  const text = `SELECT EXISTS (
    SELECT FROM ${quoteQualified(table.schema, table.table)} WHERE ${quoteIdentifier(column)} = $1) AS there`;
  try {
    const { rows } = await session.client.query<{ there: boolean }>({ text, values: [await value()] });
    return rows[0]?.there === true ? { equal: 1 } : failed('The row that must be there is not.');
  } catch (error) {
    if (sqlstateOf(error) !== invalidText) throw error;
    return { verdict: 'could-not-verify', why: 'The value that is looked for is none of the type of its column.' };
  }
}

/** Clocks of the database and of the machine that backs it up are never quite the same. */
const clockTolerance = 5 * 60_000;

async function examineFreshness(
  session: Session,
  assertion: FreshnessAssertion,
  snapshotTime: number,
): Promise<Answer> {
  const { table, column, withinMs, show } = assertion;
  const name = quoteIdentifier(column);
  const { rows } = await session.client.query<{ newest: number | null }>({
    // Rows of the future are left out: one of them must not hide that nothing has come for weeks.
    text: `SELECT (extract(epoch FROM max(${name}::timestamptz)) * 1000)::float8 AS newest
           FROM ${quoteQualified(table.schema, table.table)}
           WHERE isfinite(${name}) AND ${name} <= to_timestamp($1::float8 / 1000)`,
    values: [snapshotTime + clockTolerance],
  });
  const newest = rows[0]?.newest ?? null;
  if (newest === null) return failed('It has no row with a time up to that of the snapshot.');
  const ageMs = Math.max(0, Math.round(snapshotTime - newest));
  const figures = { withinMs, ...(show ? { ageMs } : {}) };
  if (ageMs <= withinMs) return { equal: 1, figures };
  const age = show ? `${formatDuration(ageMs)} older` : `more than ${formatDuration(withinMs)} older`;
  return failed(`Its newest row is ${age} than the snapshot; at most ${formatDuration(withinMs)} are stated.`, figures);
}

function failed(why: string, figures: Record<string, number> = {}): Answer {
  return { verdict: 'fail', figures, why };
}
