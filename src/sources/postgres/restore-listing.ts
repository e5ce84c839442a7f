import { HoldfastError } from '../../base/errors.ts';
import type { RestoreContext } from '../source.ts';
import type { PostgresLine, TableLine } from './manifest.ts';
import { displayName } from './quote.ts';

export interface ListedTable {
  schema: string;
  name: string;
  /** As people write it: quoted only where needed. */
  display: string;
  columns: string[];
  rows: number;
  /** Of its COPY text, in bytes. */
  size: number;
}

/** The tables of a snapshot whose rows it holds, in the order of its manifest. */
export async function* listTables(context: RestoreContext): AsyncGenerator<ListedTable> {
  for await (const { schema, name, columns, stream } of tableLines(context)) {
    const rows = stream.rows?.rows ?? 0;
    yield { schema, name, display: displayName(schema, name), columns, rows, size: stream.size };
  }
}

/**
 * The rows of one table as COPY text.
 *
 * @param name `schema.table`, plain or quoted as in SQL; without a schema where only one table has that name
 * @throws HoldfastError `not-found`; while reading, what the reader throws
 */
export async function catTable(context: RestoreContext, name: string): Promise<AsyncIterable<Buffer>> {
  const found: TableLine[] = [];
  for await (const line of tableLines(context)) {
    if (`${line.schema}.${line.name}` === name || displayName(line.schema, line.name) === name) {
      return context.reader.read(line.stream);
    }
    if (line.name === name) found.push(line);
  }
  if (found.length === 1) return context.reader.read(found[0]!.stream);
  const several = found.map((line) => displayName(line.schema, line.name)).join(', ');
  throw new HoldfastError('not-found', `The snapshot has no table ${JSON.stringify(name)}.`, {
    ...(found.length > 1 ? { why: `Several have that name: ${several}.` } : {}),
    hint: found.length > 1 ? 'Name the schema too: schema.table.' : '`holdfast ls` lists the tables it has.',
  });
}

async function* tableLines(context: RestoreContext): AsyncGenerator<TableLine> {
  for await (const each of context.lines()) {
    const line = each as PostgresLine;
    if (line.kind === 'table') yield line;
  }
}
