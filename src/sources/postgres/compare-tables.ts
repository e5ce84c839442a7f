import { addRowSums, type RowSum } from '../../repository/row-hash.ts';
import { partsOf } from '../../repository/stored-stream.ts';
import type { Check, RestoreContext } from '../source.ts';
import { type FingerprintInput, type FingerprintOutput, fingerprintTask } from './backup-tasks.ts';
import type { PostgresConnection } from './connection.ts';
import type { TableLine } from './manifest.ts';
import { displayName, quoteQualified } from './quote.ts';

export interface TableComparison {
  checks: Check[];
  equal: number;
}

/** What a table came to, or why it could not be read. */
type Found = { fingerprint: FingerprintOutput } | { error: string };

/**
 * Compares the rows of every table with what the snapshot says of them: all of their bytes, in their order, or where the
 * order cannot be kept, the sum over all rows.
 */
export async function compareTables(
  context: RestoreContext,
  connection: PostgresConnection,
  lines: readonly TableLine[],
): Promise<TableComparison> {
  const total = lines.reduce((sum, { stream }) => sum + stream.size, 0);
  let done = 0;
  const bySize = [...lines].sort((a, b) => b.stream.size - a.stream.size);
  const found = new Map<TableLine, Found>();
  await Promise.all(
    bySize.map(async (line) => {
      const detail = displayName(line.schema, line.name);
      const onProgress = (amount: number) => {
        done = Math.min(total, done + amount);
        context.emit({ type: 'progress', activity: 'compare', done, total, unit: 'bytes', detail });
      };
      found.set(line, await fingerprintOf(context, connection, line, onProgress));
    }),
  );
  context.signal.throwIfAborted();

  const outcome: TableComparison = { checks: [], equal: 0 };
  const count = (check: Check) => {
    if (check.verdict === 'equal') outcome.equal++;
    else outcome.checks.push(check);
  };
  const scattered = new Map<string, TableLine[]>();
  for (const line of lines) {
    if (line.loadThrough === undefined) count(compareRows(line, found.get(line)!));
    else {
      const root = quoteQualified(line.loadThrough.schema, line.loadThrough.name);
      scattered.set(root, [...(scattered.get(root) ?? []), line]);
    }
    if (line.generated !== undefined) count(compareGenerated(line, found.get(line)!));
  }
  for (const group of scattered.values()) count(compareTogether(group, found));
  return outcome;
}

async function fingerprintOf(
  context: RestoreContext,
  connection: PostgresConnection,
  line: TableLine,
  onProgress: (amount: number) => void,
): Promise<Found> {
  const { schema, name, columns, stream, generated, extension } = line;
  const input: FingerprintInput = {
    connection,
    rowKey: context.rowKey,
    table: { schema, name, columns, condition: extension?.condition ?? null },
    ...(generated === undefined ? {} : { generated: generated.columns }),
    parts: partsOf(stream).map(({ size }) => size),
  };
  try {
    return { fingerprint: await context.lanes.run<FingerprintOutput>(fingerprintTask, input, { onProgress }) };
  } catch (error) {
    context.signal.throwIfAborted();
    const { message, why } = error as { message: string; why?: string };
    return { error: [message, why].filter(Boolean).join(' ') };
  }
}

function compareRows(line: TableLine, found: Found): Check {
  const check = { kind: 'table', object: displayName(line.schema, line.name) };
  if ('error' in found) return { ...check, verdict: 'could-not-compare', detail: found.error };
  const expected = line.stream.rows;
  if (expected === undefined) {
    return { ...check, verdict: 'could-not-compare', detail: 'The snapshot holds no fingerprint of its rows.' };
  }
  const { rows, size, sha256 } = found.fingerprint;
  const detail = differenceOf(expected, rows);
  if (detail !== undefined) return { ...check, verdict: 'differs', detail };
  const parts = partsOf(line.stream);
  const asStored = size === line.stream.size && parts.every((part, i) => part.sha256 === sha256[i]);
  if (line.order === 'sum' || asStored) return { ...check, verdict: 'equal' };
  return { ...check, verdict: 'differs', detail: 'It has the same rows in another order.' };
}

function compareGenerated(line: TableLine, found: Found): Check {
  const { columns, rows: expected } = line.generated!;
  const object = `${displayName(line.schema, line.name)} (${columns.join(', ')})`;
  const check = { kind: 'generated-columns', object };
  if ('error' in found) return { ...check, verdict: 'could-not-compare', detail: found.error };
  const { generated } = found.fingerprint;
  if (generated === undefined) {
    return { ...check, verdict: 'could-not-compare', detail: 'Their fingerprint could not be taken.' };
  }
  if (differenceOf(expected, generated) === undefined) return { ...check, verdict: 'equal' };
  return {
    ...check,
    verdict: 'differs',
    detail: 'The columns were worked out anew and came out otherwise; the stored ones may have been stale.',
  };
}

/** Rows that find their partition by themselves may be in another one: all partitions together must have them. */
function compareTogether(lines: readonly TableLine[], found: ReadonlyMap<TableLine, Found>): Check {
  const { schema, name } = lines[0]!.loadThrough!;
  const check = { kind: 'table', object: `${displayName(schema, name)} (all partitions together)` };
  const sums: { expected: RowSum; actual: RowSum } = { expected: nothing, actual: nothing };
  for (const line of lines) {
    const result = found.get(line)!;
    if ('error' in result) return { ...check, verdict: 'could-not-compare', detail: result.error };
    if (line.stream.rows === undefined) {
      return { ...check, verdict: 'could-not-compare', detail: 'The snapshot holds no fingerprint of its rows.' };
    }
    sums.expected = addRowSums(sums.expected, line.stream.rows);
    sums.actual = addRowSums(sums.actual, result.fingerprint.rows);
  }
  const detail = differenceOf(sums.expected, sums.actual);
  return detail === undefined ? { ...check, verdict: 'equal' } : { ...check, verdict: 'differs', detail };
}

const nothing: RowSum = { rows: 0, sum: '0'.repeat(32) };

function differenceOf(expected: RowSum, actual: RowSum): string | undefined {
  if (expected.rows !== actual.rows) return `It has ${actual.rows} rows instead of ${expected.rows}.`;
  return expected.sum === actual.sum ? undefined : 'It has as many rows, but not the same.';
}
