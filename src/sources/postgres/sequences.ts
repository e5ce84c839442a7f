import type { SequenceLine } from './manifest.ts';
import { quoteQualified } from './quote.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';

export interface SequenceName {
  schema: string;
  name: string;
}

/** A query holds this many sequences: thousands in one would outgrow the planner's memory. */
const batch = 200;

/**
 * The values of sequences as they are now: they know no snapshot.
 *
 * @throws HoldfastError; `sequenceGone` tells whether one was dropped meanwhile
 */
export async function readSequences(session: Session, names: readonly SequenceName[]): Promise<SequenceLine[]> {
  const lines: SequenceLine[] = [];
  for (let at = 0; at < names.length; at += batch) {
    const part = names.slice(at, at + batch);
    const selects = part.map(
      ({ schema, name }, i) =>
        `SELECT ${i} AS at, last_value::text AS last, is_called AS called FROM ${quoteQualified(schema, name)}`,
    );
    const rows = await session.query<{ at: number; last: string; called: boolean }>(
      selects.join(' UNION ALL '),
      [],
      'Could not read the sequences.',
    );
    for (const row of rows.sort((a, b) => a.at - b.at)) {
      const { schema, name } = part[row.at]!;
      lines.push({ kind: 'sequence', schema, name, lastValue: row.last, isCalled: row.called });
    }
  }
  return lines;
}

/** Whether an error of `readSequences` means that a sequence is gone, or its name means something else. */
export function sequenceGone(error: unknown): boolean {
  const state = sqlstateOf(error);
  return state === sqlstate.undefinedTable || state === sqlstate.undefinedSchema || state === sqlstate.undefinedColumn;
}
