import type { Shortfall } from '../source.ts';
import type { SequenceLine } from './manifest.ts';
import { quoteQualified } from './quote.ts';
import { runJobs } from './restore-schedule.ts';
import type { RestoreSessions } from './restore-sessions.ts';
import type { Session } from './session.ts';

/** Steps of a restore after the rows that need the catalogs of the restored database. */

/** Sets sequences to the values they had. @throws HoldfastError */
export async function setSequences(session: Session, sequences: readonly SequenceLine[]): Promise<void> {
  const batch = 1000;
  for (let at = 0; at < sequences.length; at += batch) {
    const part = sequences.slice(at, at + batch);
    await session.query(
      `SELECT pg_catalog.count(pg_catalog.setval(s.name::pg_catalog.regclass, s.value, s.called))
       FROM unnest($1::text[], $2::pg_catalog.int8[], $3::pg_catalog.bool[]) AS s (name, value, called)`,
      [
        part.map(({ schema, name }) => quoteQualified(schema, name)),
        part.map(({ lastValue }) => lastValue),
        part.map(({ isCalled }) => isCalled),
      ],
      'Could not set the sequences.',
    );
  }
}

/**
 * Materialized views whose rows come, directly or through other views and partitions, from foreign tables or functions of
 * dblink: refreshing them would connect to other servers. A function that hides such a call in its body is not seen.
 *
 * @returns `schema.name`, quoted
 */
export async function viewsOfForeignTables(session: Session): Promise<Set<string>> {
  const rows = await session.query<{ schema: string; name: string }>(
    `WITH RECURSIVE source AS (
       SELECT r.ev_class AS reader, d.refobjid AS rel
       FROM pg_catalog.pg_rewrite r
       JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
       UNION SELECT i.inhparent, i.inhrelid FROM pg_catalog.pg_inherits i
     ), caller AS (
       SELECT r.ev_class AS rel
       FROM pg_catalog.pg_rewrite r
       JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
       JOIN pg_catalog.pg_depend m ON m.classid = d.refclassid AND m.objid = d.refobjid AND m.deptype = 'e'
        AND m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
       JOIN pg_catalog.pg_extension e ON e.oid = m.refobjid AND e.extname = 'dblink'
     ), reads AS (
       SELECT c.oid AS view, c.oid AS rel FROM pg_catalog.pg_class c WHERE c.relkind = 'm'
       UNION SELECT reads.view, s.rel FROM reads JOIN source s ON s.reader = reads.rel
     )
     SELECT DISTINCT n.nspname::text AS schema, v.relname::text AS name
     FROM reads
     JOIN pg_catalog.pg_class f ON f.oid = reads.rel
      AND (f.relkind = 'f' OR f.oid IN (SELECT caller.rel FROM caller))
     JOIN pg_catalog.pg_class v ON v.oid = reads.view
     JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace`,
    [],
    'Could not find out what materialized views read.',
  );
  return new Set(rows.map(({ schema, name }) => quoteQualified(schema, name)));
}

/**
 * Gathers the planner's statistics of every table, of partitioned ones as a whole too; never of what has a foreign table
 * below it, since that would connect to another server.
 *
 * @param onlySchema leave tables in other schemas alone
 * @throws HoldfastError when the connection is lost
 */
export async function analyzeTables(
  sessions: RestoreSessions,
  places: number,
  onlySchema?: string,
): Promise<Shortfall[]> {
  const tables = await sessions.use(({ session }) =>
    session.query<{ schema: string; name: string; size: string }>(
      `WITH RECURSIVE below AS (
         SELECT inhparent AS top, inhrelid AS rel FROM pg_catalog.pg_inherits
         UNION SELECT below.top, i.inhrelid FROM below JOIN pg_catalog.pg_inherits i ON i.inhparent = below.rel
       ), foreigners AS (
         SELECT below.top FROM below JOIN pg_catalog.pg_class c ON c.oid = below.rel WHERE c.relkind = 'f'
       ), partitioned AS (
         SELECT c.oid FROM pg_catalog.pg_class c
         WHERE c.relkind = 'p' AND NOT c.relispartition AND c.oid NOT IN (SELECT top FROM foreigners)
       )
       SELECT n.nspname::text AS schema, c.relname::text AS name,
              pg_catalog.pg_total_relation_size(c.oid)::text AS size
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND n.nspname = coalesce($1, n.nspname) AND (
         c.oid IN (SELECT oid FROM partitioned)
         OR c.relkind IN ('r', 'm')
            AND c.oid NOT IN (SELECT top FROM foreigners)
            AND c.oid NOT IN (SELECT below.rel FROM below WHERE below.top IN (SELECT oid FROM partitioned)))`,
      [onlySchema ?? null],
      'Could not list the tables.',
    ),
  );
  const jobs = tables.map(({ schema, name, size }) => ({
    id: quoteQualified(schema, name),
    weight: Number(size),
    after: [],
    holds: [],
    uses: [],
    run: () =>
      sessions.use(({ session }) =>
        session.run(`ANALYZE ${quoteQualified(schema, name)}`, `Could not analyze ${quoteQualified(schema, name)}.`),
      ),
  }));
  const { failed } = await runJobs(jobs, places, () => false);
  return failed.map(({ job }) => ({
    object: job.id,
    reason: 'Its statistics for the planner could not be gathered; everything in it is there.',
    degrades: false,
  }));
}
