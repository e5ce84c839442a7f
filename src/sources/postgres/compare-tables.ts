import { addRowSums, type RowSum } from '../../repository/row-hash.ts';
import { partsDigest, partsOf } from '../../repository/stored-stream.ts';
import type { Check, RestoreContext } from '../source.ts';
import { type FingerprintInput, type FingerprintOutput, fingerprintTask } from './backup-tasks.ts';
import type { PostgresConnection } from './connection.ts';
import type { TableLine } from './manifest.ts';
import { displayName, quoteQualified } from './quote.ts';

export interface TableComparison {
  checks: Check[];
  equal: number;
  tables: ComparedTable[];
}

/** What the rows of a table were, and what they are: of partitions whose rows find their place by themselves, together. */
export interface ComparedTable {
  object: string;
  /** Tables of the manifest that this stands for. */
  lines: number;
  /** As the snapshot has it; undefined in one that holds no fingerprint of rows. */
  rows: number | undefined;
  bytes: number;
  /** `sum`: the sum of row hashes; `parts`: SHA-256 over those of the parts; otherwise SHA-256 of the COPY text. Hex. */
  method: 'sha256' | 'parts' | 'sum';
  expected: string;
  /** Undefined: it could not be read. */
  found: string | undefined;
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

  const outcome: TableComparison = { checks: [], equal: 0, tables: [] };
  const count = (check: Check) => {
    if (check.verdict !== 'equal') return void outcome.checks.push(check);
    outcome.equal++;
  };
  const scattered = new Map<string, TableLine[]>();
  for (const line of lines) {
    if (line.loadThrough === undefined) {
      count(compareRows(line, found.get(line)!));
      outcome.tables.push(fingerprintsOf(line, found.get(line)!));
    } else {
      const root = quoteQualified(line.loadThrough.schema, line.loadThrough.name);
      scattered.set(root, [...(scattered.get(root) ?? []), line]);
    }
    if (line.generated !== undefined) count(compareGenerated(line, found.get(line)!));
  }
  for (const group of scattered.values()) {
    count(compareTogether(group, found));
    outcome.tables.push(fingerprintsTogether(group, found));
  }
  return outcome;
}

/** The fingerprint that decides about a table, on both sides. */
function fingerprintsOf(line: TableLine, found: Found): ComparedTable {
  const { stream, order } = line;
  const taken = 'error' in found ? undefined : found.fingerprint;
  const table = {
    object: displayName(line.schema, line.name),
    lines: 1,
    rows: stream.rows?.rows,
    bytes: stream.size,
  };
  if (order === 'sum') {
    return { ...table, method: 'sum', expected: stream.rows?.sum ?? '', found: taken?.rows.sum };
  }
  if (stream.parts === undefined) {
    return { ...table, method: 'sha256', expected: stream.sha256, found: taken?.sha256[0] };
  }
  return { ...table, method: 'parts', expected: stream.partsSha256, found: taken && partsDigest(taken.sha256) };
}

function fingerprintsTogether(lines: readonly TableLine[], found: ReadonlyMap<TableLine, Found>): ComparedTable {
  const { schema, name } = lines[0]!.loadThrough!;
  const sumOf = (rows: (RowSum | undefined)[]) =>
    rows.every((row) => row !== undefined) ? rows.reduce(addRowSums, nothing) : undefined;
  const expected = sumOf(lines.map(({ stream }) => stream.rows));
  const taken = sumOf(
    lines.map((line) => {
      const result = found.get(line)!;
      return 'error' in result ? undefined : result.fingerprint.rows;
    }),
  );
  return {
    object: `${displayName(schema, name)} (all partitions together)`,
    lines: lines.length,
    rows: expected?.rows,
    bytes: lines.reduce((sum, { stream }) => sum + stream.size, 0),
    method: 'sum',
    expected: expected?.sum ?? '',
    found: taken?.sum,
  };
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
