/** What a copy shows without any original in it: small groups of people, and values that are as frequent as they were. */
import { HoldfastError } from '../../base/errors.ts';
import { quoteIdentifier, quoteQualified } from '../../sources/postgres/quote.ts';
import type { Session } from '../../sources/postgres/session.ts';
import { type Catalog, type CatalogTable, tableName } from '../discovery-catalog.ts';
import type { Lock } from '../lock.ts';
import type { AnonymityReport, FrequencyWarning } from './report.ts';

/** Columns that together may be as good as a name. */
export interface QuasiIdentifiers {
  /** As the lock file names it. */
  table: string;
  columns: readonly string[];
  /** Default 5. */
  k?: number;
}

const usualK = 5;

/**
 * Counts how many rows share each combination. NULL counts as a value.
 *
 * @param session on the copy
 * @throws HoldfastError `config` when a table or column is not in the copy; the session's own
 */
export async function anonymityOf(
  session: Session,
  catalog: Catalog,
  wanted: readonly QuasiIdentifiers[],
): Promise<AnonymityReport[]> {
  const reports: AnonymityReport[] = [];
  for (const { table: name, columns, k = usualK } of wanted) {
    const table = catalog.tables.find((each) => tableName(each) === name);
    const missing = table && columns.find((column) => !table.columns.some((each) => each.name === column));
    if (table === undefined || missing !== undefined || columns.length === 0) {
      throw new HoldfastError('config', `The quasi-identifiers of ${name} cannot be looked at.`, {
        why:
          table === undefined
            ? 'The copy has no such table.'
            : missing === undefined
              ? 'No column is named.'
              : `The table has no column ${missing}.`,
      });
    }
    // As text: not every type can be grouped by.
    const list = columns.map((column) => `${quoteIdentifier(column)}::pg_catalog.text`).join(', ');
    const [row] = await session.query<Record<'rows' | 'groups' | 'smallest' | 'below' | 'rowsBelow', string>>(
      `SELECT coalesce(sum(n), 0)::int8 AS rows, count(*) AS groups, coalesce(min(n), 0) AS smallest,
              count(*) FILTER (WHERE n < $1) AS below, coalesce(sum(n) FILTER (WHERE n < $1), 0)::int8 AS "rowsBelow"
       FROM (SELECT count(*) AS n FROM ${quoteQualified(table.schema, table.name)} GROUP BY ${list}) g`,
      [k],
      `Could not count the groups of ${name}.`,
    );
    reports.push({
      table: name,
      columns: [...columns],
      k,
      rows: Number(row!.rows),
      groups: Number(row!.groups),
      smallestGroup: Number(row!.smallest),
      groupsBelowK: Number(row!.below),
      rowsBelowK: Number(row!.rowsBelow),
    });
  }
  return reports;
}

/** Kinds that give equal originals equal pseudonyms, so that what was frequent stays so. */
const byValue = new Set(
  (
    'first-name last-name full-name company username email phone iban bic siren siret vat national-id card address ip mac ' +
    'url user-agent code token uuid secret city country birth-date'
  ).split(' '),
);
const sampledRows = 200_000;
const fewestRows = 50;
/** Of the rows with a value: from here on the most common one may be known. */
const commonShare = 0.05;

/** Warns of columns whose most common value stands out. Of large tables a sample of some 200 000 rows is looked at. */
export async function frequencyWarnings(session: Session, catalog: Catalog, lock: Lock): Promise<FrequencyWarning[]> {
  const warnings: FrequencyWarning[] = [];
  for (const table of catalog.tables) {
    const name = tableName(table);
    const columns = [...(lock.tables.get(name) ?? [])].filter(
      ([column, { rule }]) =>
        byValue.has(rule.kind) &&
        rule.options.by === undefined &&
        table.columns.some((each) => each.name === column && each.class !== 'document'),
    );
    for (const [column, { rule }] of columns) {
      const [row] = await session.query<{ rows: string; distinct: string; most: string }>(
        `SELECT coalesce(sum(n), 0)::int8 AS rows, count(*) AS distinct, coalesce(max(n), 0) AS most
         FROM (SELECT count(*) AS n FROM ${sampleOf(table)} t WHERE ${quoteIdentifier(column)} IS NOT NULL
               GROUP BY ${quoteIdentifier(column)}::pg_catalog.text) g`,
        [],
        `Could not count the values of ${name}.${column}.`,
      );
      const [rows, most] = [Number(row!.rows), Number(row!.most)];
      if (rows < fewestRows || most / rows < commonShare || most < 3) continue;
      warnings.push({
        table: name,
        column,
        kind: rule.kind,
        rows,
        distinct: Number(row!.distinct),
        share: most / rows,
      });
    }
  }
  return warnings;
}

function sampleOf({ schema, name, rows }: CatalogTable): string {
  const table = quoteQualified(schema, name);
  if (rows <= sampledRows) return table;
  const percent = Math.max(0.01, (100 * sampledRows) / rows).toFixed(4);
  return `(SELECT * FROM ${table} TABLESAMPLE SYSTEM (${percent}))`;
}
