import { displayName, quoteIdentifier, quoteQualified } from './quote.ts';
import type { Session } from './session.ts';

export interface MovedTables {
  /** Sequences that belong to columns of the tables and moved with them, by their former names. */
  sequences: { schema: string; name: string }[];
  /** What had to change because what it referred to stays behind. */
  changed: { table: string; reason: string }[];
}

/**
 * Moves tables of a scratch database into a new schema, cutting what would tie them to others: parents they inherit
 * from, and defaults that draw from sequences of others.
 *
 * @throws HoldfastError
 */
export async function moveTables(
  session: Session,
  tables: readonly { schema: string; name: string }[],
  into: string,
): Promise<MovedTables> {
  const what = 'Could not move the tables to their new schema.';
  const names = tables.map(({ schema, name }) => quoteQualified(schema, name));
  await session.run('CREATE TEMPORARY TABLE holdfast_moved (rel oid)');
  await session.query(
    'INSERT INTO pg_temp.holdfast_moved SELECT n::regclass FROM unnest($1::text[]) AS n',
    [names],
    what,
  );
  const changed: MovedTables['changed'] = [];

  const parents = await session.query<{ child: string; parent: string; schema: string; name: string }>(
    `SELECT i.inhrelid::regclass::text AS child, i.inhparent::regclass::text AS parent, n.nspname AS schema, c.relname AS name
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND i.inhrelid IN (SELECT rel FROM pg_temp.holdfast_moved)
       AND i.inhparent NOT IN (SELECT rel FROM pg_temp.holdfast_moved)`,
    [],
    what,
  );
  for (const { child, parent, schema, name } of parents) {
    await session.run(`ALTER TABLE ${child} NO INHERIT ${parent}`, what);
    changed.push({ table: displayName(schema, name), reason: `It no longer inherits from ${parent}.` });
  }

  const sequences = await session.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, s.relname AS name
     FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
     JOIN pg_namespace n ON n.oid = s.relnamespace
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
       AND d.refobjid IN (SELECT rel FROM pg_temp.holdfast_moved)`,
    [],
    what,
  );

  const defaults = await session.query<{ schema: string; name: string; column: string; sequence: string }>(
    `SELECT n.nspname AS schema, c.relname AS name, a.attname AS column, s.oid::regclass::text AS sequence
     FROM pg_attrdef f
     JOIN pg_class c ON c.oid = f.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
     JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
     JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
     WHERE f.adrelid IN (SELECT rel FROM pg_temp.holdfast_moved)
       AND NOT EXISTS (
         SELECT FROM pg_depend o
         WHERE o.classid = 'pg_class'::regclass AND o.objid = s.oid AND o.refclassid = 'pg_class'::regclass
           AND o.deptype IN ('a', 'i') AND o.refobjid IN (SELECT rel FROM pg_temp.holdfast_moved))`,
    [],
    what,
  );
  for (const { schema, name, column, sequence } of defaults) {
    await session.run(
      `ALTER TABLE ${quoteQualified(schema, name)} ALTER ${quoteIdentifier(column)} DROP DEFAULT`,
      what,
    );
    const reason = `Its column ${column} has no default: that drew from the sequence ${sequence}, which is not its own.`;
    changed.push({ table: displayName(schema, name), reason });
  }

  await session.run(`CREATE SCHEMA ${quoteIdentifier(into)}`, what);
  for (const name of names) await session.run(`ALTER TABLE ${name} SET SCHEMA ${quoteIdentifier(into)}`, what);
  return { sequences, changed };
}
