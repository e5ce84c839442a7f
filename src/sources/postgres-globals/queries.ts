import { bootstrapOid, firstOwnOid } from './globals.ts';

/** What is asked of the catalogs, by the server's version (`server_version_num`). Sessions have an empty search path. */

/**
 * Names come from joins, not from functions such as pg_get_userbyid: those see what is there now, a join what the
 * transaction's snapshot shows.
 *
 * @param withPasswords read from pg_authid, which few may
 */
export function rolesQuery(withPasswords: boolean): string {
  return `
    SELECT r.oid::pg_catalog.int8::text AS oid, r.rolname::text AS name, r.rolsuper AS superuser, r.rolinherit AS inherit,
           r.rolcreaterole AS "createRole", r.rolcreatedb AS "createDatabase", r.rolcanlogin AS login,
           r.rolreplication AS replication, r.rolbypassrls AS "bypassRls", r.rolconnlimit AS "connectionLimit",
           r.rolvaliduntil::text AS "validUntil", pg_catalog.shobj_description(r.oid, 'pg_authid') AS comment${
             withPasswords ? ', r.rolpassword AS password' : ''
           }
    FROM pg_catalog.${withPasswords ? 'pg_authid' : 'pg_roles'} r
    ORDER BY r.rolname::text COLLATE "C"`;
}

/** Grants of one member by several grantors, and their options, came with PostgreSQL 16. */
export function membershipsQuery(serverVersion: number): string {
  const options = serverVersion >= 160_000 ? ', m.inherit_option AS inherit, m.set_option AS set' : '';
  return `
    SELECT g.rolname::text AS role, r.rolname::text AS member, b.rolname::text AS grantor, m.admin_option AS admin${options}
    FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
    JOIN pg_catalog.pg_roles r ON r.oid = m.member
    LEFT JOIN pg_catalog.pg_roles b ON b.oid = m.grantor
    WHERE NOT (r.rolname = 'pg_monitor' AND g.rolname IN ('pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables'))
    ORDER BY g.rolname::text COLLATE "C", r.rolname::text COLLATE "C", b.rolname::text COLLATE "C"`;
}

export const settingsQuery = `
    SELECT d.datname::text AS database, r.rolname::text AS role, s.setconfig AS values
    FROM pg_catalog.pg_db_role_setting s
    LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
    WHERE (s.setdatabase = 0 OR d.oid IS NOT NULL) AND (s.setrole = 0 OR r.oid IS NOT NULL)
    ORDER BY d.datname::text COLLATE "C" NULLS FIRST, r.rolname::text COLLATE "C" NULLS FIRST`;

/** Of pg_default and pg_global only what somebody has changed. */
export const tablespacesQuery = `
    SELECT t.spcname::text AS name, o.rolname::text AS owner, pg_catalog.pg_tablespace_location(t.oid) AS location,
           t.spcoptions AS options, t.spcacl IS NULL AS "defaultGrants",
           pg_catalog.shobj_description(t.oid, 'pg_tablespace') AS comment
    FROM pg_catalog.pg_tablespace t JOIN pg_catalog.pg_roles o ON o.oid = t.spcowner
    WHERE t.oid >= ${firstOwnOid} OR t.spcoptions IS NOT NULL OR t.spcacl IS NOT NULL OR t.spcowner <> ${bootstrapOid}
       OR pg_catalog.shobj_description(t.oid, 'pg_tablespace') IS NOT NULL
    ORDER BY t.spcname::text COLLATE "C"`;

export const tablespaceGrantsQuery = grantsQuery('pg_tablespace', 'spcname', 'spcacl');

/** Privileges on parameters came with PostgreSQL 15; undefined before. */
export function parameterGrantsQuery(serverVersion: number): string | undefined {
  return serverVersion >= 150_000 ? grantsQuery('pg_parameter_acl', 'parname', 'paracl') : undefined;
}

function grantsQuery(catalog: string, name: string, acl: string): string {
  return `
    SELECT c.${name}::text AS object, g.rolname::text AS grantor, r.rolname::text AS grantee,
           x.privilege_type AS privilege, x.is_grantable AS grantable
    FROM pg_catalog.${catalog} c
    CROSS JOIN LATERAL pg_catalog.aclexplode(c.${acl}) WITH ORDINALITY AS x (grantor, grantee, privilege_type, is_grantable, at)
    JOIN pg_catalog.pg_roles g ON g.oid = x.grantor
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
    ORDER BY c.${name}::text COLLATE "C", x.at`;
}

export const labelsQuery = `
    SELECT 'role' AS kind, r.rolname::text AS name, s.provider, s.label
    FROM pg_catalog.pg_shseclabel s JOIN pg_catalog.pg_roles r ON r.oid = s.objoid
    WHERE s.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    UNION ALL
    SELECT 'tablespace' AS kind, t.spcname::text, s.provider, s.label
    FROM pg_catalog.pg_shseclabel s JOIN pg_catalog.pg_tablespace t ON t.oid = s.objoid
    WHERE s.classoid = 'pg_catalog.pg_tablespace'::pg_catalog.regclass
    ORDER BY 1, 2, 3`;
