import { HoldfastError } from '../../base/errors.ts';
import type { SequenceLine } from './manifest.ts';
import { quoteQualified } from './quote.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';

export interface SequenceName {
  /** Left out where the name alone counts. */
  oid?: number;
  schema: string;
  name: string;
}

/** Milliseconds to wait for a sequence that somebody drops or restarts. Less than it takes the server to look for a deadlock. */
const lockTimeout = 800;

/** A query holds this many sequences: thousands in one would outgrow the planner's memory. */
const batch = 200;

/**
 * The values of sequences as they are now: they know no snapshot. To be called in a transaction. Locks on sequences are
 * given back at once: pg_dump reads them too, and would wait behind somebody who waits for us.
 *
 * @throws HoldfastError; `sequenceGone` tells whether one was dropped meanwhile
 */
export async function readSequences(session: Session, names: readonly SequenceName[]): Promise<SequenceLine[]> {
  const lines: SequenceLine[] = [];
  if (names.length === 0) return lines;
  await session.run(`SAVEPOINT sequences; SET LOCAL lock_timeout = ${lockTimeout}`);
  for (let at = 0; at < names.length; at += batch) {
    const part = names.slice(at, at + batch);
    const selects = part.map(
      ({ schema, name }, i) =>
        `SELECT ${i} AS at, tableoid AS oid, last_value::text AS last, is_called AS called FROM ${quoteQualified(schema, name)}`,
    );
    const rows = await session.query<{ at: number; oid: number; last: string; called: boolean }>(
      selects.join(' UNION ALL '),
      [],
      'Could not read the sequences.',
    );
    for (const row of rows.sort((a, b) => a.at - b.at)) {
      const { oid, schema, name } = part[row.at]!;
      if (oid !== undefined && oid !== row.oid) throw new SequenceReplaced();
      lines.push({ kind: 'sequence', schema, name, lastValue: row.last, isCalled: row.called });
    }
  }
  await session.run('ROLLBACK TO SAVEPOINT sequences; RELEASE SAVEPOINT sequences');
  return lines;
}

/** Somebody made a new one of the same name. */
class SequenceReplaced extends HoldfastError {
  constructor() {
    super('source-failed', 'Could not read the sequences.', {
      why: 'One was replaced by another of the same name meanwhile.',
      hint: 'Run it again.',
    });
  }
}

/** Whether an error of `readSequences` means that a sequence is gone or about to go, or its name means something else. */
export function sequenceGone(error: unknown): boolean {
  if (error instanceof SequenceReplaced) return true;
  const state = sqlstateOf(error);
  if (state === sqlstate.lockNotAvailable || state === sqlstate.deadlock) return true;
  return state === sqlstate.undefinedTable || state === sqlstate.undefinedSchema || state === sqlstate.undefinedColumn;
}
