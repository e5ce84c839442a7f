/** A few rows of each table before and after: what reviewers look at. Originals are masked to their shape. */
import { dirname } from 'node:path';
import { readFacts } from '../../pseudonyms/column-facts.ts';
import { rowRewrite } from '../../pseudonyms/copy/row-rewrite.ts';
import { transformTable } from '../../pseudonyms/copy/table-transform.ts';
import { readCatalog, tableName } from '../../pseudonyms/discovery-catalog.ts';
import type { PseudonymKey } from '../../pseudonyms/keys.ts';
import type { Lock } from '../../pseudonyms/lock.ts';
import type { Cell } from '../../pseudonyms/transformer.ts';
import { quoteIdentifier, quoteQualified } from '../../sources/postgres/quote.ts';
import { openSession } from '../../sources/postgres/session.ts';
import type { ClassifySettings } from './classify.ts';

export interface PreviewColumn {
  /** `app.people.email` */
  column: string;
  kind: string;
  /** Letters are `x` or `X`, digits `9`; what separates them stays. */
  examples: { masked: string; pseudonym: string }[];
  /** Why there are none: what the rule refuses. */
  problem?: string;
}

/** Characters of a masked original. */
const longestMask = 40;

/**
 * @param options `rows`: of each table, at most
 * @throws HoldfastError when the database cannot be read
 */
export async function preview(
  settings: ClassifySettings,
  { lock, key, rows }: { lock: Lock; key: PseudonymKey; rows: number },
): Promise<PreviewColumn[]> {
  const { connection, signal } = settings;
  await using session = await openSession(connection, { applicationName: 'holdfast pseudonymize', signal });
  await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const catalog = await readCatalog(session);
  const facts = await readFacts(session, catalog);
  const shown: PreviewColumn[] = [];
  for (const table of catalog.tables) {
    const name = tableName(table);
    const entries = lock.tables.get(name);
    const columns = table.columns.filter(({ generated }) => !generated).map((column) => column.name);
    if (entries === undefined || table.kind === 'foreign') continue;
    try {
      const transform = transformTable(
        name,
        columns,
        entries,
        facts.get(name) ?? new Map(),
        dirname(settings.lockFile),
      );
      const rewriting = rowRewrite(transform, key);
      if (rewriting === undefined || transform.emptied) continue;
      const list = rewriting.positions.map((at) => `${quoteIdentifier(columns[at]!)}::text`).join(', ');
      const found = await session.query<{ cells: Cell[] }>(
        `SELECT ARRAY[${list}] AS cells FROM ${quoteQualified(table.schema, table.name)} LIMIT ${rows}`,
        [],
        `Could not read table ${name}.`,
      );
      const before = rewriting.positions.map((_, at) => found.map(({ cells }) => cells[at]!));
      const after = rewriting.strings(before);
      for (const { at, column, rule } of transform.ruled) {
        const slot = rewriting.positions.indexOf(at);
        const examples = before[slot]!.flatMap((original, row) =>
          original === null ? [] : [{ masked: masked(original), pseudonym: after[slot]![row] ?? 'NULL' }],
        );
        shown.push({ column: `${name}.${column}`, kind: String(rule.kind), examples });
      }
    } catch (error) {
      // A reviewer sees every table: what one rule refuses is told beside the others.
      signal.throwIfAborted();
      if (session.lost) throw error;
      shown.push({ column: name, kind: '', examples: [], problem: (error as Error).message });
    }
  }
  return shown;
}

function masked(original: string): string {
  const shape = [...original.slice(0, longestMask)].map((character) => {
    if (/\p{Lu}/u.test(character)) return 'X';
    if (/\p{L}/u.test(character)) return 'x';
    return /\p{N}/u.test(character) ? '9' : character;
  });
  return shape.join('') + (original.length > longestMask ? '…' : '');
}
