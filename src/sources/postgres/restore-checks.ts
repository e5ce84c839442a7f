import type { Shortfall } from '../source.ts';
import { displayName, quoteIdentifier, quoteLiteral, quoteQualified } from './quote.ts';
import { sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';

/**
 * A CHECK that calls a function may read other tables through it. When a part of a database is restored those may be
 * missing, or without their rows; then it refuses rows that are as they were. So it is taken off while rows are loaded.
 */
export interface TakenCheck {
  schema: string;
  table: string;
  name: string;
  /** `CHECK (…)` */
  definition: string;
  comment: string | null;
}

/**
 * Takes them off.
 *
 * @param notValidOf of these tables (oids) those that rows need not pass, in the place of those that call functions
 * @throws HoldfastError
 */
export async function takeChecks(session: Session, notValidOf?: readonly number[]): Promise<TakenCheck[]> {
  const what = 'Could not take off checks for the time of the restore.';
  const checks = await session.query<TakenCheck>(
    `SELECT n.nspname::text AS schema, t.relname::text AS table, c.conname::text AS name,
            pg_catalog.pg_get_constraintdef(c.oid) AS definition,
            pg_catalog.obj_description(c.oid, 'pg_constraint') AS comment
     FROM pg_catalog.pg_constraint c
     JOIN pg_catalog.pg_class t ON t.oid = c.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
     WHERE c.contype = 'c' AND c.coninhcount = 0 AND t.relkind IN ('r', 'p') AND CASE
       WHEN $1::pg_catalog.oid[] IS NOT NULL THEN NOT c.convalidated AND c.conrelid = ANY ($1) ELSE EXISTS (
       SELECT FROM pg_catalog.pg_depend d
       WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = c.oid
         AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid >= 16384) END
     ORDER BY c.oid`,
    [notValidOf ?? null],
    what,
  );
  for (const { schema, table, name } of checks) {
    await session.run(`ALTER TABLE ${quoteQualified(schema, table)} DROP CONSTRAINT ${quoteIdentifier(name)}`, what);
  }
  return checks;
}

/** Puts them back; those that the rows do not pass for new rows only. @throws HoldfastError */
export async function putChecksBack(session: Session, checks: readonly TakenCheck[]): Promise<Shortfall[]> {
  const shortfalls: Shortfall[] = [];
  for (const { schema, table, name, definition, comment } of checks) {
    const relation = quoteQualified(schema, table);
    const add = `ALTER TABLE ${relation} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}`;
    const what = `Could not restore the check ${name} of ${displayName(schema, table)}.`;
    try {
      await session.run(add, what);
    } catch (error) {
      if (session.lost || sqlstateOf(error) === undefined) throw error;
      await session.run(`${add} NOT VALID`, what);
      shortfalls.push({
        object: `check ${name} of ${displayName(schema, table)}`,
        reason: 'It holds for new rows only: a function that it calls reads what is not restored.',
        degrades: false,
      });
    }
    if (comment === null) continue;
    await session.run(
      `COMMENT ON CONSTRAINT ${quoteIdentifier(name)} ON ${relation} IS ${quoteLiteral(comment)}`,
      what,
    );
  }
  return shortfalls;
}
