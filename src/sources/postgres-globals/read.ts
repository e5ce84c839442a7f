import { HoldfastError } from '../../base/errors.ts';
import { randomSecret } from '../../crypt/secrets.ts';
import type { Session } from '../postgres/session.ts';
import {
  bootstrapOid,
  firstOwnOid,
  type GlobalRole,
  type Globals,
  type Grant,
  type Membership,
  type SecurityLabel,
  type SettingEntry,
  type Tablespace,
} from './globals.ts';
import {
  labelsQuery,
  membershipsQuery,
  parameterGrantsQuery,
  rolesQuery,
  settingsQuery,
  tablespaceGrantsQuery,
  tablespacesQuery,
} from './queries.ts';

const what = 'Could not read what the cluster holds beside its databases.';

/**
 * Reads the globals in one snapshot of the server. Passwords come along where the session's role may read them.
 *
 * @param wanted.passwords false: they are not even asked for
 * @throws HoldfastError also when a name is not text in the encoding of the session's database
 */
export async function readGlobals(session: Session, wanted: { passwords: boolean }): Promise<Globals> {
  await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', what);
  const globals = await readInTransaction(session, wanted);
  await session.run('COMMIT', what);
  assertText(session, globals);
  return globals;
}

type RoleRow = Omit<GlobalRole, 'labels' | 'salt'> & { oid: string };
type TablespaceRow = Omit<Tablespace, 'grants' | 'labels' | 'options'> & {
  options: string[] | null;
  defaultGrants: boolean;
};
type GrantRow = Grant & { object: string };
type LabelRow = SecurityLabel & { kind: 'role' | 'tablespace'; name: string };

async function readInTransaction(session: Session, wanted: { passwords: boolean }): Promise<Globals> {
  const query = <Row>(text: string) => session.query<Row>(text, [], what);
  const readable = wanted.passwords && (await mayReadPasswords(session));
  const roleRows = await query<RoleRow>(rolesQuery(readable));
  const memberships = await query<Membership>(membershipsQuery(session.serverVersion));
  const settings = await query<SettingEntry>(settingsQuery);
  const tablespaceRows = await query<TablespaceRow>(tablespacesQuery);
  const tablespaceGrants = grantsByObject(await query<GrantRow>(tablespaceGrantsQuery));
  const parameterQuery = parameterGrantsQuery(session.serverVersion);
  const parameters = grantsByObject(parameterQuery === undefined ? [] : await query<GrantRow>(parameterQuery));
  const labels = await query<LabelRow>(labelsQuery);
  const labelsOf = (kind: LabelRow['kind'], name: string) =>
    labels
      .filter((label) => label.kind === kind && label.name === name)
      .map(({ provider, label }) => ({ provider, label }));

  const all = roleRows.map(({ oid, ...role }) => ({ oid: Number(oid), ...role, labels: labelsOf('role', role.name) }));
  const isOwn = ({ oid }: { oid: number }) => oid >= firstOwnOid || oid === bootstrapOid;
  return {
    kind: 'postgres-globals',
    format: 1,
    serverVersion: session.serverVersion,
    bootstrap: all.find(({ oid }) => oid === bootstrapOid)?.name ?? '',
    passwords: readable ? 'read' : wanted.passwords ? 'unreadable' : 'left-out',
    roles: all
      .filter(isOwn)
      .map(({ oid: _, ...role }) => (role.password == null ? role : { ...role, salt: newSalt() })),
    predefined: all
      .filter((role) => !isOwn(role) && (role.comment !== null || role.labels.length > 0))
      .map((role) => ({ role: role.name, comment: role.comment, labels: role.labels })),
    memberships,
    settings,
    tablespaces: tablespaceRows.map(({ options, defaultGrants, ...row }) => ({
      ...row,
      options: options ?? [],
      grants: defaultGrants ? null : (tablespaceGrants.get(row.name) ?? []),
      labels: labelsOf('tablespace', row.name),
    })),
    parameters: [...parameters].map(([name, grants]) => ({ name, grants })),
    salt: newSalt(),
  };
}

async function mayReadPasswords(session: Session): Promise<boolean> {
  const [row] = await session.query<{ may: boolean }>(
    `SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS may`,
    [],
    what,
  );
  return row!.may;
}

function grantsByObject(rows: readonly GrantRow[]): Map<string, Grant[]> {
  const found = new Map<string, Grant[]>();
  for (const { object, ...grant } of rows) found.set(object, [...(found.get(object) ?? []), grant]);
  return found;
}

function newSalt(): string {
  return randomSecret(16).toString('hex');
}

/**
 * Names of a cluster have the encoding of whichever database they were made in. Bytes that are no text in this one became
 * U+FFFD on their way: what would be stored is another name.
 */
function assertText(session: Session, globals: Globals): void {
  if (!JSON.stringify(globals).includes('\ufffd')) return;
  throw new HoldfastError(session.failure, 'A name or value of the cluster cannot be read as text.', {
    why: `It holds bytes that are no text in ${session.encoding}, the encoding of the database that was connected to.`,
    hint: 'Connect to a database with the encoding in which the roles were named, or rename them.',
  });
}

/** Databases of the server, whose settings can be given. @throws HoldfastError */
export async function databaseNames(session: Session): Promise<Set<string>> {
  const rows = await session.query<{ name: string }>(
    'SELECT datname::text AS name FROM pg_catalog.pg_database',
    [],
    what,
  );
  return new Set(rows.map(({ name }) => name));
}
