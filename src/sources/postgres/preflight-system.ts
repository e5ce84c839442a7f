import type { Shortfall } from '../source.ts';
import { readUnenforced } from './catalog-database.ts';
import { displayName } from './quote.ts';
import type { Session } from './session.ts';

/** What a dump passes over without a word, or a restore makes stricter. */

/**
 * Objects that somebody made in pg_catalog or information_schema: pg_dump takes them for parts of the server.
 *
 * @throws HoldfastError
 */
export async function objectsInSystemSchemas(session: Session): Promise<Shortfall[]> {
  const rows = await session.query<{ object: string; kind: string }>(
    `WITH made AS (
       SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema FROM pg_class WHERE relkind NOT IN ('i', 'I', 't', 'c')
       UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
       UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type
         WHERE typrelid = 0 AND typelem = 0 AND typtype <> 'm'
            OR typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')
       UNION ALL SELECT 'pg_operator'::regclass, oid, oprnamespace FROM pg_operator
       UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace FROM pg_opclass
       UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace FROM pg_collation
       UNION ALL SELECT 'pg_conversion'::regclass, oid, connamespace FROM pg_conversion
       UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace FROM pg_ts_config
       UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictnamespace FROM pg_ts_dict
     )
     SELECT i.type AS kind, i.identity AS object
     FROM made m, pg_identify_object(m.class, m.oid, 0) i
     WHERE m.oid >= 16384 AND m.schema IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
       AND NOT EXISTS (
         SELECT FROM pg_depend d
         WHERE d.classid = m.class AND d.objid = m.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
     ORDER BY 1, 2`,
    [],
    'Could not look for objects in the schemas of the server.',
  );
  return rows.map(({ kind, object }) => ({
    object: `${kind} ${object}`,
    reason: 'It lies in a schema of the server, so pg_dump leaves it out: move it to another schema.',
    degrades: true,
  }));
}

/**
 * Constraints whose triggers somebody switched off (`DISABLE TRIGGER ALL`): no dump tells, and rows may break them.
 *
 * @throws HoldfastError
 */
export async function unenforcedConstraints(session: Session): Promise<Shortfall[]> {
  const rows = await readUnenforced(session);
  return rows.map(({ schema, table, name }) => ({
    object: `constraint ${name} of ${displayName(schema, table)}`,
    reason: 'Its triggers are disabled; a restore enforces it, and fails where rows break it.',
    degrades: false,
  }));
}
