import { HoldfastError } from '../../base/errors.ts';
import type { SequenceLine, TableLine } from './manifest.ts';
import { displayName, quoteQualified } from './quote.ts';
import type { Session } from './session.ts';

/** The tables of a database that rows of a snapshot are to go into: whether they fit, and whether they are empty. */

/** A table of the target. */
export interface DataTable {
  line: TableLine;
  /** Quoted. */
  name: string;
  oid: number;
}

/** Of everything that is listed in an error. */
const listed = 10;
/** Tables of one statement. */
const batch = 200;

/**
 * Finds the tables and sequences.
 *
 * @throws HoldfastError `target-failed` naming those that are missing or have other columns
 */
export async function findTables(
  session: Session,
  lines: readonly TableLine[],
  sequences: readonly SequenceLine[],
): Promise<DataTable[]> {
  const names = lines.map(({ schema, name }) => quoteQualified(schema, name));
  const rows = await session.query<{
    at: number;
    oid: number;
    kind: string;
    columns: { name: string; generated: boolean }[];
  }>(
    `SELECT n.at::pg_catalog.int4 AS at, c.oid, c.relkind AS kind,
            (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                      'name', a.attname, 'generated', a.attgenerated <> '')), '[]')
             FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
     FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS n (name, at)
     JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(n.name)`,
    [names],
    'Could not look at the tables of the target.',
  );
  const found = new Map(rows.map((row) => [row.at - 1, row]));
  const differences: string[] = [];
  const tables: DataTable[] = [];
  for (const [at, line] of lines.entries()) {
    const row = found.get(at);
    const difference = row === undefined ? 'is missing' : differenceOf(line, row);
    if (difference === undefined) tables.push({ line, name: names[at]!, oid: row!.oid });
    else differences.push(`Table ${displayName(line.schema, line.name)} ${difference}.`);
  }
  differences.push(...(await missingSequences(session, sequences)));
  if (differences.length === 0) return tables;
  throw new HoldfastError(
    'target-failed',
    `The database ${JSON.stringify(session.connection.database)} does not have the tables of the snapshot.`,
    {
      why: shortened(differences).join(' '),
      hint: 'Restore the part that fits with --table, or definitions and rows under another name.',
    },
  );
}

function differenceOf(
  line: TableLine,
  { kind, columns }: { kind: string; columns: { name: string; generated: boolean }[] },
): string | undefined {
  if (kind !== 'r') return 'is no plain table there';
  const written = (list: string[]) => list.map((name) => JSON.stringify(name)).join(', ');
  const named = (generated: boolean) => columns.filter((each) => each.generated === generated).map(({ name }) => name);
  // Virtual generated columns have no rows, so the snapshot does not list them.
  const [plain, generated] = [named(false), named(true)];
  const lacks = [
    ...line.columns.filter((name) => !plain.includes(name)),
    ...(line.generated?.columns ?? []).filter((name) => !generated.includes(name)),
  ];
  const extra = plain.filter((name) => !line.columns.includes(name) && !lacks.includes(name));
  if (lacks.length > 0) return `has no such column ${written(lacks)}, or it is generated otherwise`;
  return extra.length > 0 ? `has columns that the snapshot does not have: ${written(extra)}` : undefined;
}

async function missingSequences(session: Session, sequences: readonly SequenceLine[]): Promise<string[]> {
  const rows = await session.query<{ at: number }>(
    `SELECT n.at::pg_catalog.int4 AS at FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS n (name, at)
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                       WHERE c.oid = pg_catalog.to_regclass(n.name) AND c.relkind = 'S')
     ORDER BY 1`,
    [sequences.map(({ schema, name }) => quoteQualified(schema, name))],
    'Could not look at the sequences of the target.',
  );
  return rows.map(({ at }) => {
    const { schema, name } = sequences[at - 1]!;
    return `Sequence ${displayName(schema, name)} is missing.`;
  });
}

/** @throws HoldfastError `target-exists` naming tables that hold rows, and large objects that are there */
export async function assertEmpty(session: Session, tables: readonly DataTable[], objects: number[]): Promise<void> {
  const full: string[] = [];
  for (let from = 0; from < tables.length; from += batch) {
    const part = tables.slice(from, from + batch);
    const rows = await session.query<{ at: number; full: boolean }>(
      part
        .map(({ line, name }, at) => {
          const condition = line.extension?.condition ?? '';
          return `SELECT ${at} AS at, EXISTS (SELECT FROM ONLY ${name} ${condition}) AS full`;
        })
        .join(' UNION ALL '),
      [],
      'Could not find out whether the tables are empty.',
    );
    for (const { at, full: has } of rows.sort((a, b) => a.at - b.at)) {
      const { schema, name } = part[at]!.line;
      if (has) full.push(displayName(schema, name));
    }
  }
  const there = await session.query<{ oid: number }>(
    'SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid = ANY ($1::pg_catalog.oid[]) ORDER BY oid',
    [objects],
    'Could not look at the large objects of the target.',
  );
  full.push(...there.map(({ oid }) => `large object ${oid}`));
  if (full.length === 0) return;
  throw new HoldfastError(
    'target-exists',
    `The database ${JSON.stringify(session.connection.database)} has rows where those of the snapshot would go.`,
    {
      why: `Not empty: ${shortened(full).join(', ')}.`,
      hint: 'A restore never goes over something that is there: empty them yourself with TRUNCATE.',
    },
  );
}

export function shortened(list: readonly string[]): string[] {
  return list.length <= listed ? [...list] : [...list.slice(0, listed), `and ${list.length - listed} more`];
}
