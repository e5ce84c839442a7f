import { quoteLiteral } from './quote.ts';
import type { Session } from './session.ts';

/**
 * Whether what locks on tables do not hold back was renamed, moved or dropped since a snapshot. pg_dump reads the
 * catalogs as of the snapshot, but has the server write out expressions, views and indexes with the names of today: a
 * function renamed in between would be made under its old name and called by its new one, and no restore would get
 * through.
 */

/**
 * A line for each object that definitions refer to by name. What lies in a table's own lock is left out, and temporary
 * things of other sessions too.
 */
const names = `
  SELECT 'schema' AS kind, oid, 0 AS part, nspname::text AS name, 0::oid AS inside FROM pg_namespace
  UNION ALL SELECT 'function', oid, 0, proname, pronamespace FROM pg_proc
  UNION ALL SELECT 'type', t.oid, 0, t.typname, t.typnamespace FROM pg_type t
    WHERE t.typelem = 0 AND (t.typrelid = 0 OR t.typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c'))
  UNION ALL SELECT 'label', oid, 0, enumlabel, enumtypid FROM pg_enum
  UNION ALL SELECT 'relation', oid, 0, relname, relnamespace FROM pg_class WHERE relkind IN ('v', 'm', 'S', 'i', 'I', 'f', 'c')
  UNION ALL SELECT 'column', a.attrelid, a.attnum, a.attname, 0 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relkind IN ('v', 'm', 'f', 'c') AND a.attnum > 0
  UNION ALL SELECT 'operator', oid, 0, oprname, oprnamespace FROM pg_operator
  UNION ALL SELECT 'operator class', oid, 0, opcname, opcnamespace FROM pg_opclass
  UNION ALL SELECT 'operator family', oid, 0, opfname, opfnamespace FROM pg_opfamily
  UNION ALL SELECT 'collation', oid, 0, collname, collnamespace FROM pg_collation
  UNION ALL SELECT 'configuration', oid, 0, cfgname, cfgnamespace FROM pg_ts_config
  UNION ALL SELECT 'dictionary', oid, 0, dictname, dictnamespace FROM pg_ts_dict
  UNION ALL SELECT 'language', oid, 0, lanname, 0 FROM pg_language
  UNION ALL SELECT 'access method', oid, 0, amname, 0 FROM pg_am
  UNION ALL SELECT 'server', oid, 0, srvname, 0 FROM pg_foreign_server`;
const lasting = `
  SELECT kind, oid, part, name, inside FROM (${names}) AS n
  WHERE oid >= 16384 AND inside NOT IN (
    SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_temp\\_%' OR nspname LIKE 'pg\\_toast%')
    AND NOT (kind = 'schema' AND (name LIKE 'pg\\_temp\\_%' OR name LIKE 'pg\\_toast%'))`;

const digestQuery = `
  SELECT count(*)::text || ' ' || coalesce(sum(hashtextextended(concat_ws(' ', kind, oid, part, inside, name), 0)), 0)::text AS digest
  FROM (${lasting}) AS l`;
const listQuery = `SELECT concat_ws(' ', kind, oid, part, inside, name) AS line FROM (${lasting}) AS l`;

/**
 * @param session one without a transaction; it may have one on return
 * @param exportedSnapshot of a transaction that is still open
 * @returns whether a name of the snapshot means something else by now, or nothing
 * @throws HoldfastError
 */
export async function hasDrifted(session: Session, exportedSnapshot: string): Promise<boolean> {
  const digest = async () => (await session.query<{ digest: string }>(digestQuery))[0]!.digest;
  const list = async () => (await session.query<{ line: string }>(listQuery)).map(({ line }) => line);
  const then = await asOf(session, exportedSnapshot, digest);
  if (then === (await digest())) return false;
  const before = await asOf(session, exportedSnapshot, list);
  // What was made meanwhile is in nobody's way.
  const now = new Set(await list());
  return before.some((line) => !now.has(line));
}

async function asOf<T>(session: Session, exportedSnapshot: string, read: () => Promise<T>): Promise<T> {
  await session.run(
    `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT ${quoteLiteral(exportedSnapshot)}`,
  );
  const result = await read();
  await session.run('COMMIT');
  return result;
}
