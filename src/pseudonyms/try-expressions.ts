/** SQL expressions of rules, asked of the server that has to work them out; no row is read. */
import { HoldfastError } from '../base/errors.ts';
import { quoteIdentifier, quoteQualified } from '../sources/postgres/quote.ts';
import type { Session } from '../sources/postgres/session.ts';
import type { ClassificationProblem } from './classification.ts';
import type { TableTransform } from './copy/table-transform.ts';
import type { CatalogTable } from './discovery-catalog.ts';
import { calledFunctions } from './sql-expression.ts';

interface FunctionRow {
  name: string;
  volatile: boolean;
  rows: boolean;
}

/** Names without a schema are looked for in pg_catalog, since sessions have no other search path. */
const functionsQuery = `
  SELECT p.proname::text AS name, bool_or(p.provolatile = 'v') AS volatile,
         bool_or(p.proretset OR p.prokind <> 'f') AS rows
  FROM unnest($1::text[], $2::text[]) AS called (schema, name)
  JOIN pg_namespace n ON n.nspname = coalesce(nullif(called.schema, ''), 'pg_catalog')
  JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = called.name
  GROUP BY 1 ORDER BY 1`;

/**
 * Whether the expressions of a table's `sql` rules can be worked out, and give the same answer each time.
 *
 * @param session in a transaction
 * @throws HoldfastError when the connection is lost
 */
export async function tryExpressions(
  session: Session,
  table: CatalogTable,
  { table: name, ruled }: TableTransform,
): Promise<ClassificationProblem[]> {
  const problems: ClassificationProblem[] = [];
  for (const { column, expression } of ruled) {
    if (expression === undefined) continue;
    const error = (text: string) =>
      void problems.push({ code: 'rule', severity: 'error', item: `${name}.${column}`, text });
    const called = calledFunctions(expression);
    const functions = await session.query<FunctionRow>(
      functionsQuery,
      [called.map(({ schema }) => schema), called.map((each) => each.name)],
      'Could not look up functions.',
    );
    for (const { name: called, volatile, rows } of functions) {
      if (rows) error(`\`${called}\` in its expression makes more or fewer rows`);
      else if (volatile) error(`\`${called}\` in its expression may give another answer each time (it is volatile)`);
    }
    await session.run('SAVEPOINT expression');
    try {
      // Text of the column's type comes back in when it is written there.
      await session.query(
        `SELECT (${expression}) AS ${quoteIdentifier(column)} FROM ${quoteQualified(table.schema, table.name)} LIMIT 0`,
      );
    } catch (thrown) {
      if (session.lost || !(thrown instanceof HoldfastError)) throw thrown;
      error(`the server cannot work out its expression: ${thrown.why ?? thrown.message}`);
    }
    await session.run('ROLLBACK TO SAVEPOINT expression; RELEASE SAVEPOINT expression');
  }
  return problems;
}
