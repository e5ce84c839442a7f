/**
 * Tries rules on some rows before any row is copied: checks, domains, exclusion constraints, partition bounds and types of
 * the copy see pseudonyms in a scratch database that is dropped again. Clear values never get there.
 */
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { describeEntry, EntryRunner, restoreSettings } from '../sources/postgres/archive-statements.ts';
import type { ArchiveToc, TocEntry } from '../sources/postgres/archive-toc.ts';
import type { PostgresConnection } from '../sources/postgres/connection.ts';
import type { DatabaseLine } from '../sources/postgres/manifest.ts';
import { quietStatements } from '../sources/postgres/quiet-settings.ts';
import { quoteIdentifier, quoteQualified } from '../sources/postgres/quote.ts';
import { rowsError } from '../sources/postgres/restore-errors.ts';
import { createTarget, type RestoreTarget } from '../sources/postgres/restore-target.ts';
import { openSession, type Session } from '../sources/postgres/session.ts';
import type { ClassificationProblem } from './classification.ts';
import type { DatabaseFacts } from './column-facts.ts';
import { ProgramPool } from './copy/programs.ts';
import { rowRewrite } from './copy/row-rewrite.ts';
import { selectList, type TableTransform, transformTable } from './copy/table-transform.ts';
import { readCells } from './copy/whole-columns.ts';
import { type Catalog, type CatalogTable, tableName } from './discovery-catalog.ts';
import type { PseudonymKey } from './keys.ts';
import type { Lock } from './lock.ts';
import type { Cell, WholeColumn } from './transformer.ts';
import { tryExpressions } from './try-expressions.ts';
import { tryRows, type Violation } from './try-rows.ts';

export interface TryRulesSettings {
  /** In a transaction, best the one with the snapshot that is copied; it is only read. */
  source: Session;
  /** Definitions of the source, and what its database is like. */
  toc: ArchiveToc;
  like: DatabaseLine;
  /** To any database of the server that gets the copy; a database of its own is made there, and dropped. */
  scratch: PostgresConnection;
  lock: Lock;
  catalog: Catalog;
  facts: DatabaseFacts;
  /** Of the copy. */
  key: PseudonymKey;
  /** Rows of each table. */
  sampleRows: number;
  /** Absolute: where the paths of rules start. */
  baseDirectory?: string;
  clock: Clock;
  signal: AbortSignal;
}

export interface TriedRules {
  problems: ClassificationProblem[];
  /** Tables and rows that were tried. */
  tables: number;
  rows: number;
}

/** Larger rows are not tried. */
const rowBytes = 64 * 1024;
/** Below so many pages the whole table is looked at. */
const fewPages = 200;

/** Of definitions, what has no part in whether rows are taken. */
const leftOut = new Set([
  'ACL',
  'ACL LANGUAGE',
  'COMMENT',
  'DATABASE',
  'DATABASE PROPERTIES',
  'DEFAULT ACL',
  'EVENT TRIGGER',
  'FK CONSTRAINT',
  'MATERIALIZED VIEW DATA',
  'POLICY',
  'PUBLICATION',
  'PUBLICATION TABLE',
  'ROW SECURITY',
  'RULE',
  'SECURITY LABEL',
  'STATISTICS',
  'SUBSCRIPTION',
  'SUBSCRIPTION TABLE',
  'TRIGGER',
]);

/**
 * Foreign keys and triggers are not tried: rows of a sample have no parents, and triggers do not fire in a copy.
 *
 * @throws HoldfastError `target-failed` when no scratch database can be made, `source-failed` when a connection is lost
 */
export async function tryRules(settings: TryRulesSettings): Promise<TriedRules> {
  const { source, toc, like, scratch, lock, catalog, clock, signal } = settings;
  const database = `${lock.source.replace(/\W/g, '_').slice(0, 30)}_rules_tried`;
  await using target = await createTarget({ admin: scratch, database, like, clock, signal });
  await using session = await openSession(target.connection, {
    applicationName: 'holdfast pseudonymize',
    failure: 'target-failed',
    signal,
  });
  await session.run(restoreSettings);
  // What a row that is refused holds has no place in a log, be it a pseudonym.
  if (session.superuser) await session.run(quietStatements);
  const problems = await makeTables(session, target, toc);
  let tables = 0;
  let rows = 0;
  await using programs = new ProgramPool();
  for (const table of catalog.tables) {
    const transform = transformOf(table, settings);
    if (table.kind !== 'table' || transform === undefined || transform.emptied || transform.ruled.length === 0)
      continue;
    const tried = await tryTable({ source, session, programs }, table, transform, settings);
    problems.push(...tried.problems);
    tables++;
    rows += tried.rows;
  }
  return { problems, tables, rows };
}

/** Undefined where the lock file does not decide; static checks and the plan tell why. */
function transformOf(table: CatalogTable, settings: TryRulesSettings): TableTransform | undefined {
  const { lock, facts, baseDirectory } = settings;
  const name = tableName(table);
  const columns = table.columns.filter(({ generated }) => !generated).map((column) => column.name);
  const entries = lock.tables.get(name);
  const known = facts.get(name);
  if (entries === undefined || known === undefined) return undefined;
  try {
    return transformTable(name, columns, entries, known, baseDirectory);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

async function makeTables(session: Session, target: RestoreTarget, toc: ArchiveToc): Promise<ClassificationProblem[]> {
  const [row] = await session.query<{ role: string }>('SELECT current_user::text AS role');
  const place = { tablespaces: target.tablespaces, withoutOwners: true };
  const runner = new EntryRunner(session, place, row!.role);
  const problems: ClassificationProblem[] = [];
  for (const entry of toc.entries.filter(isTried)) {
    try {
      await runner.run(entry);
    } catch (error) {
      if (session.lost || !(error instanceof HoldfastError)) throw error;
      const text = `it could not be made on the server of the copy, so that rules were not tried against it: ${error.why ?? error.message}`;
      problems.push({ code: 'rule', severity: 'note', item: describeEntry(entry), text });
    }
  }
  return problems;
}

function isTried({ section, desc }: TocEntry): boolean {
  return (section === 'pre-data' || section === 'post-data') && !leftOut.has(desc);
}

async function tryTable(
  at: { source: Session; session: Session; programs: ProgramPool },
  table: CatalogTable,
  transform: TableTransform,
  settings: TryRulesSettings,
): Promise<{ problems: ClassificationProblem[]; rows: number }> {
  const { source, session, programs } = at;
  const problem = (item: string, text: string): ClassificationProblem => ({
    code: 'rule',
    severity: 'error',
    item,
    text,
  });
  const expressions = await tryExpressions(source, table, transform);
  if (expressions.length > 0) return { problems: expressions, rows: 0 };
  try {
    const cells = await sampled(source, table, transform, settings.sampleRows);
    const rows = cells[0]?.length ?? 0;
    if (rows === 0) return { problems: [], rows };
    const made = rewritten(cells, transform, settings.key, programs);
    const { columns, ruled } = transform;
    const suspects = ruled.map(({ column }) => column);
    const violations = await tryRows(session, table, { columns, rows: made, suspects });
    return { problems: violations.map((violation) => told(transform, violation, rows)), rows };
  } catch (error) {
    if (source.lost || session.lost || !(error instanceof HoldfastError) || error.code === 'interrupted') throw error;
    const text = [error.message, error.why].filter((part) => part !== undefined).join(' ');
    return {
      problems: [problem(transform.table, `its rules could not be tried: ${text.replace(/\.$/, '')}`)],
      rows: 0,
    };
  }
}

/** @returns cells by column, in the order of the COPY. @throws HoldfastError without values */
async function sampled(session: Session, table: CatalogTable, transform: TableTransform, wanted: number) {
  const { columns } = transform;
  const large = table.pages >= fewPages && table.rows > wanted;
  // Twice as many: pages differ, and LIMIT ends it.
  const percent = Math.min(100, Math.max(0.001, ((wanted * 2) / table.rows) * 100, (20 / table.pages) * 100));
  const some = large ? ` TABLESAMPLE pg_catalog.system (${percent.toFixed(4)}) REPEATABLE (1)` : '';
  const only = table.partitioned ? '' : 'ONLY ';
  const size = columns
    .map((column) => `coalesce(pg_catalog.pg_column_size(${quoteIdentifier(column)}), 0)`)
    .join(' + ');
  const from = `${only}${quoteQualified(table.schema, table.name)}${some}`;
  const select = `SELECT ${selectList(transform)} FROM ${from} WHERE ${size} <= ${rowBytes} LIMIT ${Math.trunc(wanted)}`;
  await session.run('SAVEPOINT sampled');
  try {
    const cells = await readCells(session, `COPY (${select}) TO STDOUT`, columns.length, Number.POSITIVE_INFINITY);
    return cells ?? [];
  } catch (error) {
    throw rowsError(session, error, `Could not read rows of ${transform.table}.`, [...columns]);
  } finally {
    if (!session.lost) await session.run('ROLLBACK TO SAVEPOINT sampled; RELEASE SAVEPOINT sampled');
  }
}

function rewritten(
  cells: readonly Cell[][],
  transform: TableTransform,
  key: PseudonymKey,
  programs: ProgramPool,
): readonly Cell[][] {
  const { columns, ruled } = transform;
  const whole = new Map<string, WholeColumn>();
  for (const { column, whole: needs } of ruled) {
    // The rows that are tried are all that are dealt with.
    if (needs) whole.set(column, { by: cells[columns.indexOf(needs.by)]!, values: cells[columns.indexOf(column)]! });
  }
  const rewriting = rowRewrite(transform, key, undefined, { programs, whole });
  if (rewriting === undefined) return cells;
  const { positions } = rewriting;
  const made = rewriting.strings(positions.map((at) => cells[at]!));
  return cells.map((column, at) => (positions.includes(at) ? [...made[positions.indexOf(at)]!] : column));
}

function told({ table, ruled }: TableTransform, violation: Violation, rows: number): ClassificationProblem {
  const { what, columns } = violation;
  const concerned = ruled.filter(({ column }) => columns.includes(column));
  const often = `${violation.rows} of ${rows} rows that were tried`;
  if (columns.length > 0 && concerned.length === 0) {
    const text = `${often} break ${what}, of which no rule touches a column: they may do so in the source too`;
    return { code: 'rule', severity: 'note', item: table, text };
  }
  const kinds = [...new Set(concerned.map(({ rule }) => `\`${rule.kind}\``))].join(' and ');
  const item = concerned.length === 0 ? table : `${table}.${concerned.map(({ column }) => column).join(', ')}`;
  const text = `pseudonyms${kinds && ` of ${kinds}`} break ${what}, in ${often}`;
  return { code: 'rule', severity: 'error', item, text, hint: 'Choose a kind or options whose output it allows.' };
}
