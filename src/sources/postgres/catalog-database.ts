import type { DatabaseLine, RoleDescription } from './manifest.ts';
import type { Session } from './session.ts';

/** The database itself, and what of its cluster it refers to. */

/**
 * Everything of a DatabaseLine that the server knows. Comparing asks a restored database the same.
 *
 * @throws HoldfastError
 */
export async function readDatabase(session: Session): Promise<Omit<DatabaseLine, 'dumpVersion'>> {
  const what = 'Could not read the properties of the database.';
  const [properties] = await session.query<DatabaseProperties>(propertiesQuery(session.serverVersion), [], what);
  const roles = await session.query<RoleRow>(
    `${referencedRoles} ${roleColumns}
     FROM pg_roles r WHERE r.oid IN (SELECT oid FROM referenced) AND (r.oid >= 16384 OR r.oid = 10)
     ORDER BY r.rolname`,
    [],
    what,
  );
  return {
    kind: 'database',
    serverVersion: session.serverVersion,
    ...properties!,
    settings: await session.query(
      `SELECT r.rolname::text AS role, s.setconfig AS values
       FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
       WHERE s.setdatabase = ${ownDatabase} ORDER BY r.rolname NULLS FIRST`,
      [],
      what,
    ),
    extensions: await session.query(
      `SELECT e.extname::text AS name, e.extversion AS version, n.nspname::text AS schema, e.extrelocatable AS relocatable
       FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY e.oid`,
      [],
      what,
    ),
    securityLabels: await session.query(
      `SELECT provider, label FROM pg_shseclabel
       WHERE classoid = 'pg_database'::regclass AND objoid = ${ownDatabase} ORDER BY provider`,
      [],
      what,
    ),
    unenforced: await readUnenforced(session),
    ...(await withMemberships(session, roles)),
    tablespaces: await session.query(
      `SELECT t.spcname::text AS name, pg_get_userbyid(t.spcowner)::text AS owner,
              pg_tablespace_location(t.oid) AS location
       FROM pg_tablespace t
       WHERE t.oid >= 16384 AND (
         t.oid = (SELECT dattablespace FROM pg_database WHERE oid = ${ownDatabase})
         OR t.oid IN (SELECT reltablespace FROM pg_class))
       ORDER BY t.spcname`,
      [],
      what,
    ),
  };
}

type DatabaseProperties = Pick<
  DatabaseLine,
  | 'name'
  | 'encoding'
  | 'localeProvider'
  | 'collate'
  | 'ctype'
  | 'locale'
  | 'icuRules'
  | 'owner'
  | 'tablespace'
  | 'comment'
  | 'acl'
  | 'connectionLimit'
  | 'isTemplate'
  | 'allowConnections'
  | 'hasPublicSchema'
>;

const ownDatabase = '(SELECT oid FROM pg_database WHERE datname = current_database())';

/** Locale providers came with PostgreSQL 15, rules with 16, and 17 renamed a column. */
function propertiesQuery(serverVersion: number): string {
  const locale = serverVersion >= 170_000 ? 'd.datlocale' : serverVersion >= 150_000 ? 'd.daticulocale' : 'NULL';
  const provider =
    serverVersion >= 150_000
      ? `CASE d.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END`
      : `'libc'`;
  return `
    SELECT d.datname::text AS name, pg_encoding_to_char(d.encoding)::text AS encoding,
           ${provider} AS "localeProvider", d.datcollate::text AS collate, d.datctype::text AS ctype,
           ${locale}::text AS locale, ${serverVersion >= 160_000 ? 'd.daticurules' : 'NULL'}::text AS "icuRules",
           pg_get_userbyid(d.datdba)::text AS owner, t.spcname::text AS tablespace,
           shobj_description(d.oid, 'pg_database') AS comment, d.datacl::text[] AS acl,
           d.datconnlimit AS "connectionLimit", d.datistemplate AS "isTemplate", d.datallowconn AS "allowConnections",
           EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') AS "hasPublicSchema"
    FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
    WHERE d.datname = current_database()`;
}

/**
 * Constraints whose triggers somebody switched off (`DISABLE TRIGGER ALL`).
 *
 * @throws HoldfastError
 */
export function readUnenforced(session: Session): Promise<NonNullable<DatabaseLine['unenforced']>> {
  return session.query(
    `SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS table, k.conname::text AS name
     FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint
     JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE t.tgisinternal AND t.tgenabled <> 'O' ORDER BY 1, 2, 3`,
    [],
    'Could not look for constraints that nothing enforces.',
  );
}

type RoleRow = RoleDescription & { oid: number };

const roleColumns = `
  SELECT r.oid, r.rolname::text AS name, r.rolsuper AS superuser, r.rolinherit AS inherit,
         r.rolcreaterole AS "createRole", r.rolcreatedb AS "createDatabase", r.rolcanlogin AS login,
         r.rolreplication AS replication, r.rolbypassrls AS "bypassRls", r.rolconnlimit AS "connectionLimit",
         r.rolvaliduntil::text AS "validUntil", r.rolconfig AS settings,
         shobj_description(r.oid, 'pg_authid') AS comment`;

/**
 * Roles that something in the database, or the database itself, refers to. The bootstrap superuser (oid 10) owns
 * things without pg_shdepend saying so; the other predefined roles exist everywhere.
 */
const referencedRoles = `
  WITH own AS (SELECT oid, datdba, datacl FROM pg_database WHERE datname = current_database()),
  referenced AS (
    SELECT 10::oid AS oid
    UNION SELECT datdba FROM own
    UNION SELECT a.grantee FROM own, aclexplode(own.datacl) a
    UNION SELECT a.grantor FROM own, aclexplode(own.datacl) a
    UNION SELECT s.refobjid FROM pg_shdepend s, own
          WHERE s.refclassid = 'pg_authid'::regclass AND s.dbid = own.oid
    UNION SELECT s.setrole FROM pg_db_role_setting s, own WHERE s.setdatabase = own.oid
    UNION SELECT t.spcowner FROM pg_tablespace t WHERE t.oid IN (SELECT reltablespace FROM pg_class)
  )`;

/**
 * What the server knows of roles by these names, whether this database refers to them or not: to compare.
 *
 * @throws HoldfastError
 */
export async function readRoles(
  session: Session,
  names: readonly string[],
): Promise<Pick<DatabaseLine, 'roles' | 'memberships'>> {
  const roles = await session.query<RoleRow>(
    `${roleColumns} FROM pg_roles r WHERE r.rolname = ANY ($1) ORDER BY r.rolname`,
    [names],
    'Could not read the roles.',
  );
  return withMemberships(session, roles);
}

async function withMemberships(
  session: Session,
  roles: readonly RoleRow[],
): Promise<Pick<DatabaseLine, 'roles' | 'memberships'>> {
  return {
    roles: roles.map(({ oid: _, ...role }) => role),
    memberships: await session.query(
      membershipsQuery(session.serverVersion),
      [roles.map(({ oid }) => oid)],
      'Could not read the memberships of roles.',
    ),
  };
}

/** Memberships of these roles in each other and in predefined roles; one line each, whoever granted it how often. */
function membershipsQuery(serverVersion: number): string {
  const options =
    serverVersion >= 160_000 ? ', bool_or(m.inherit_option) AS inherit, bool_or(m.set_option) AS set' : '';
  return `
    SELECT g.rolname::text AS role, r.rolname::text AS member, bool_or(m.admin_option) AS admin${options}
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
    WHERE m.member = ANY ($1::oid[]) AND (m.roleid = ANY ($1::oid[]) OR m.roleid < 16384)
    GROUP BY 1, 2 ORDER BY 1, 2`;
}
