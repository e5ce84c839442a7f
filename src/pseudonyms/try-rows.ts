/** Puts pseudonymized rows into an empty table of a scratch database, and tells what they break: names, never values. */
import { copyIn } from '../sources/postgres/copy-in.ts';
import { displayName, quoteIdentifier, quoteQualified } from '../sources/postgres/quote.ts';
import { sqlstateOf } from '../sources/postgres/server-errors.ts';
import type { Session } from '../sources/postgres/session.ts';
import type { CatalogTable } from './discovery-catalog.ts';
import type { Cell } from './transformer.ts';

/** What some rows break. */
export interface Violation {
  /** In words: `the check people_email_check`, `the domain app.email (check email_check)`, `the type of a column`. */
  what: string;
  /** Columns that it is about, as far as the server tells. */
  columns: string[];
  /** SQLSTATE. */
  state: string;
  rows: number;
}

/** The fields of a server's error that name things; the others may quote rows. */
interface ServerError {
  code: string;
  schema?: string;
  table?: string;
  column?: string;
  constraint?: string;
  dataType?: string;
}

/**
 * Tries all rows at once and, where that fails, one by one. Nothing stays in the table.
 *
 * @param session to the scratch database, in no transaction
 * @param rows cells by column, in the order of `columns`
 * @param suspects ruled columns: those that may be at fault
 * @throws HoldfastError when the connection is lost
 */
export async function tryRows(
  session: Session,
  table: CatalogTable,
  { columns, rows, suspects }: { columns: readonly string[]; rows: readonly Cell[][]; suspects: readonly string[] },
): Promise<Violation[]> {
  const found = new Map<string, Violation>();
  const count = rows[0]?.length ?? 0;
  const into = quoteQualified(table.schema, table.name);
  const list = columns.map(quoteIdentifier).join(', ');
  await session.run('BEGIN; SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT tried');
  try {
    const lines = Array.from({ length: count }, (_, row) => copyLine(rows.map((cells) => cells[row]!)));
    const whole = await attempt(session, async () => {
      await copyIn(session, `COPY ${into} (${list}) FROM STDIN`, pieces(Buffer.from(lines.join(''))));
    });
    if (whole === undefined) return [];
    const places = columns.map((_, at) => `$${at + 1}`).join(', ');
    const insert = (cells: readonly Cell[]) =>
      attempt(session, async () => {
        await session.client.query(`INSERT INTO ${into} (${list}) OVERRIDING SYSTEM VALUE VALUES (${places})`, [
          ...cells,
        ]);
      });
    for (let row = 0; row < count; row++) {
      const cells = rows.map((column) => column[row]!);
      const error = await insert(cells);
      if (error === undefined) continue;
      const blamed = error.code.startsWith('22') ? await blame(error, cells, { columns, suspects, insert }) : undefined;
      const violation = blamed ?? (await explain(session, table, error));
      const key = `${violation.what}\0${violation.columns.join('\0')}`;
      const known = found.get(key) ?? violation;
      known.rows++;
      found.set(key, known);
    }
    return [...found.values()];
  } finally {
    if (!session.lost) await session.run('ROLLBACK');
  }
}

/** @returns what the server refused it for; then the transaction is as before */
async function attempt(session: Session, work: () => Promise<void>): Promise<ServerError | undefined> {
  try {
    await work();
    await session.run('RELEASE SAVEPOINT tried; SAVEPOINT tried');
    return undefined;
  } catch (error) {
    const code = sqlstateOf(error);
    if (session.lost || code === undefined) throw session.fail(error, 'Could not try rows.');
    await session.run('ROLLBACK TO SAVEPOINT tried');
    const { schema, table, column, constraint, dataType } = error as ServerError;
    return {
      code,
      ...(schema !== undefined && { schema }),
      ...(table !== undefined && { table }),
      ...(column !== undefined && { column }),
      ...(constraint !== undefined && { constraint }),
      ...(dataType !== undefined && { dataType }),
    };
  }
}

/** Values that a type refuses: the server does not say whose, so each is left out in turn. */
async function blame(
  { code }: ServerError,
  cells: readonly Cell[],
  told: {
    columns: readonly string[];
    suspects: readonly string[];
    insert: (cells: readonly Cell[]) => Promise<ServerError | undefined>;
  },
): Promise<Violation> {
  const { columns, suspects, insert } = told;
  const what = code === '22001' ? 'the length of the column' : 'the type of the column';
  for (const suspect of suspects) {
    const at = columns.indexOf(suspect);
    if (cells[at] === null) continue;
    const without = await insert(cells.with(at, null));
    if (without?.code !== code) return { what, columns: [suspect], state: code, rows: 0 };
  }
  return { what, columns: [...suspects], state: code, rows: 0 };
}

async function explain(session: Session, table: CatalogTable, error: ServerError): Promise<Violation> {
  const { code, constraint, dataType, column } = error;
  const violation = (what: string, columns: string[]): Violation => ({ what, columns, state: code, rows: 0 });
  if (dataType !== undefined) {
    const type = displayName(error.schema ?? '', dataType);
    const columns = table.columns.filter((each) => each.type === type || each.type.startsWith(`${type}[`));
    const part = constraint === undefined ? '' : ` (check ${constraint})`;
    return violation(
      `the domain ${type}${part}`,
      columns.map(({ name }) => name),
    );
  }
  if (code === '23502' && column !== undefined) return violation('NOT NULL', [column]);
  const relation = quoteQualified(error.schema ?? table.schema, error.table ?? table.name);
  if (constraint !== undefined) {
    const kind = { '23514': 'check', '23P01': 'exclusion constraint', '23505': 'unique index' }[code] ?? 'constraint';
    return violation(`the ${kind} ${constraint}`, await columnsOf(session, constraint, relation));
  }
  if (code === '23514') return violation(`the partitions: none takes them`, await partitionColumns(session, relation));
  return violation(`something else (SQLSTATE ${code})`, []);
}

/** What a constraint, or an index, reads; also through expressions. */
async function columnsOf(session: Session, constraint: string, relation: string): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT DISTINCT a.attname::text AS name
     FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $2::text::regclass AND d.refobjsubid > 0 AND (
       (d.classid = 'pg_constraint'::regclass AND d.objid IN (
          SELECT oid FROM pg_constraint WHERE conname = $1 AND conrelid = $2::text::regclass))
       OR (d.classid = 'pg_class'::regclass AND d.objid IN (
          SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
          WHERE i.indrelid = $2::text::regclass AND c.relname = $1)))
     ORDER BY 1`,
    [constraint, relation],
    'Could not look up a constraint.',
  );
  return rows.map(({ name }) => name);
}

async function partitionColumns(session: Session, relation: string): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT DISTINCT a.attname::text AS name FROM pg_depend d
     JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     JOIN pg_partitioned_table p ON p.partrelid = d.refobjid
     WHERE d.objid = p.partrelid AND d.refobjid = $1::text::regclass AND d.classid = 'pg_class'::regclass
     UNION SELECT a.attname::text FROM pg_partitioned_table p
     JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])
     WHERE p.partrelid = $1::text::regclass ORDER BY 1`,
    [relation],
    'Could not look up partitions.',
  );
  return rows.map(({ name }) => name);
}

const escapes: Record<string, string> = {
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\v': 'v',
  '\\': '\\',
};

function copyLine(cells: readonly Cell[]): string {
  const fields = cells.map((cell) =>
    cell === null ? '\\N' : cell.replace(/[\b\f\n\r\t\v\\]/g, (character) => `\\${escapes[character]}`),
  );
  return `${fields.join('\t')}\n`;
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}
