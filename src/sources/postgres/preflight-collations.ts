import type { Session } from './session.ts';

/**
 * Collations whose library has another version than when indexes were built on them. The order of texts may have
 * changed since, and then such an index finds less than there is, lets duplicates in, and so do partitions.
 */
export interface CollationDrift {
  /** As people write it: `the database's own`, `pg_catalog."de-x-icu"`. */
  collation: string;
  recorded: string;
  /** Null: the library tells none any more. */
  actual: string | null;
  /** Indexes and partitioned tables that rely on its order. */
  dependents: number;
}

/** Those that something relies on, most first. @throws HoldfastError */
export async function readCollationDrift(session: Session): Promise<CollationDrift[]> {
  // Before PostgreSQL 15 a database does not record the version of its own collation.
  const database =
    session.serverVersion >= 150_000
      ? `SELECT 'default'::regcollation::oid AS oid, 'the database''s own' AS "collation", datcollversion AS recorded,
                pg_database_collation_actual_version(oid) AS actual
         FROM pg_database WHERE datname = current_database() UNION ALL`
      : '';
  return session.query<CollationDrift>(
    `WITH version AS (
       ${database}
       SELECT c.oid, format('%I.%I', n.nspname, c.collname), c.collversion, pg_collation_actual_version(c.oid)
       FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
       WHERE c.collversion IS NOT NULL
     ), use AS (
       SELECT u.coll, count(*)::int4 AS dependents FROM (
         SELECT i.indexrelid, k.coll FROM pg_index i, unnest(i.indcollation) AS k (coll)
         WHERE i.indexrelid >= 16384
         UNION
         SELECT p.partrelid, k.coll FROM pg_partitioned_table p, unnest(p.partcollation) AS k (coll)
         WHERE p.partstrat <> 'l'
       ) u WHERE u.coll <> 0 GROUP BY 1
     )
     SELECT v.name AS "collation", v.recorded, v.actual, u.dependents
     FROM version AS v (oid, name, recorded, actual) JOIN use u ON u.coll = v.oid
     WHERE v.recorded IS NOT NULL AND v.recorded IS DISTINCT FROM v.actual
     ORDER BY u.dependents DESC, v.name`,
    [],
    'Could not read the versions of collations.',
  );
}

/** In one line, however many there are; undefined when there are none. */
export function collationWarning(drift: readonly CollationDrift[]): { text: string; hint: string } | undefined {
  if (drift.length === 0) return undefined;
  const dependents = drift.reduce((sum, one) => sum + one.dependents, 0);
  const named = drift
    .slice(0, 3)
    .map(({ collation, recorded, actual }) => `${collation} (${recorded}, now ${actual ?? 'none'})`);
  const more = drift.length > 3 ? ` and ${drift.length - 3} more` : '';
  const own = drift.some(({ collation }) => collation === "the database's own");
  const collations = drift.length === 1 ? 'A collation has' : `${drift.length} collations have`;
  return {
    text:
      `${collations} another version than before: ${named.join(', ')}${more}. ` +
      `${dependents === 1 ? 'One index or partitioned table relies' : `${dependents} indexes or partitioned tables rely`} on the order, and may be corrupt.`,
    hint: `REINDEX what uses them, then ${[own ? 'ALTER DATABASE … REFRESH COLLATION VERSION' : '', drift.length > (own ? 1 : 0) ? 'ALTER COLLATION … REFRESH VERSION' : ''].filter(Boolean).join(' and ')}.`,
  };
}
