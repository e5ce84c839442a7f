import { HoldfastError } from '../../base/errors.ts';
import { addRowSums, type RowSum } from '../../repository/row-hash.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import type { DataTable } from './data-only-tables.ts';
import { displayName } from './quote.ts';
import type { Session } from './session.ts';
import { copyStatement, fingerprint, generatedStatement } from './table-copy.ts';

/**
 * Compares rows that were loaded in a transaction with the snapshot, in that transaction: nobody else sees them yet. The sum
 * over all rows decides, since the target may keep them in another order.
 *
 * @returns generated columns that came out otherwise
 * @throws HoldfastError `verification-failed` naming the first table that differs
 */
export async function compareLoaded(
  context: RestoreContext,
  session: Session,
  tables: readonly DataTable[],
): Promise<Shortfall[]> {
  const shortfalls: Shortfall[] = [];
  const groups = new Map<string, { expected: RowSum[]; found: RowSum[] }>();
  for (const { line } of tables) {
    context.signal.throwIfAborted();
    const { schema, name, columns, extension, stream, loadThrough, generated } = line;
    const shown = displayName(schema, name);
    const rows = { schema, name, columns, condition: extension?.condition ?? null };
    const sumOf = async (statement: string) =>
      (await fingerprint(session, statement, context.rowKey, `Could not compare table ${shown}.`)).rows;
    // Rows that find their partition by themselves: all partitions together must have them.
    const key = loadThrough === undefined ? shown : displayName(loadThrough.schema, loadThrough.name);
    const group = groups.get(key) ?? { expected: [], found: [] };
    group.found.push(await sumOf(copyStatement(rows)));
    if (stream.rows !== undefined) group.expected.push(stream.rows);
    groups.set(key, group);
    if (generated === undefined || same(await sumOf(generatedStatement(rows, generated.columns)), generated.rows)) {
      continue;
    }
    shortfalls.push({
      object: `${shown} (${generated.columns.join(', ')})`,
      reason: 'The generated columns were worked out anew and came out otherwise.',
      degrades: true,
    });
  }
  for (const [object, group] of groups) assertSame(object, group);
  return shortfalls;
}

function assertSame(object: string, group: { expected: RowSum[]; found: RowSum[] }): void {
  if (group.expected.length !== group.found.length) {
    throw new HoldfastError('could-not-verify', `The rows of ${object} could not be compared with the snapshot.`, {
      why: 'The snapshot holds no fingerprint of them. Nothing was restored.',
    });
  }
  const [expected, found] = [group.expected, group.found].map((sums) => sums.reduce(addRowSums)) as [RowSum, RowSum];
  if (same(expected, found)) return;
  throw new HoldfastError(
    'verification-failed',
    `The rows of ${object} did not come out as they are in the snapshot.`,
    {
      why:
        expected.rows === found.rows
          ? 'There are as many, but not the same: the columns may have other types than they had.'
          : `There are ${found.rows} instead of ${expected.rows}.`,
      hint: 'Nothing was restored. Compare the definitions of the table with those of the snapshot.',
    },
  );
}

function same(a: RowSum, b: RowSum): boolean {
  return a.rows === b.rows && a.sum === b.sum;
}
