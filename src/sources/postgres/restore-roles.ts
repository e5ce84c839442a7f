import type { Shortfall } from '../source.ts';
import type { DatabaseLine, RoleDescription } from './manifest.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import { createRoleStatement } from './role-attributes.ts';
import type { Session } from './session.ts';
import { setClause } from './setting-values.ts';

/**
 * Makes the roles that the database refers to and the cluster lacks. Roles that are there stay as they are, and so do
 * memberships among them: a restored database must not give anybody rights in the rest of the cluster.
 *
 * @returns what the operator should know: a created role has no password
 * @throws HoldfastError
 */
export async function createMissingRoles(session: Session, database: DatabaseLine): Promise<Shortfall[]> {
  const names = database.roles.map(({ name }) => name);
  const there = await session.query<{ name: string }>(
    'SELECT rolname::text AS name FROM pg_catalog.pg_roles WHERE rolname = ANY ($1)',
    [names],
    'Could not list the roles.',
  );
  const existing = new Set(there.map(({ name }) => name));
  const missing = database.roles.filter(({ name }) => !existing.has(name));
  if (missing.length === 0) return [];
  const created = new Set(missing.map(({ name }) => name));
  const statements = missing.flatMap(roleStatements);
  for (const membership of database.memberships) {
    if (!created.has(membership.member) && !created.has(membership.role)) continue;
    statements.push(membershipStatement(membership, session.serverVersion));
  }
  // In one transaction: a restore that is killed leaves all of them, or none.
  await session.run(
    ['BEGIN', ...statements, 'COMMIT'].join(';\n'),
    `Could not create the roles that the database needs: ${missing.map(({ name }) => name).join(', ')}.`,
  );
  return missing.map(({ name, login }) => ({
    object: `role ${name}`,
    reason: login
      ? 'It was missing and has been created without a password, which a backup of a database does not hold.'
      : 'It was missing and has been created.',
    degrades: false,
  }));
}

function roleStatements(role: RoleDescription): string[] {
  const name = quoteIdentifier(role.name);
  const statements = [createRoleStatement(role)];
  for (const setting of role.settings ?? []) statements.push(`ALTER ROLE ${name} ${setClause(setting)}`);
  if (role.comment !== null) statements.push(`COMMENT ON ROLE ${name} IS ${quoteLiteral(role.comment)}`);
  return statements;
}

function membershipStatement(membership: DatabaseLine['memberships'][number], serverVersion: number): string {
  const { role, member, admin, inherit, set } = membership;
  const options: string[] = [];
  if (serverVersion >= 160_000) {
    options.push(`ADMIN ${admin}`);
    if (inherit !== undefined) options.push(`INHERIT ${inherit}`);
    if (set !== undefined) options.push(`SET ${set}`);
  } else if (admin) options.push('ADMIN OPTION');
  return (
    `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(member)}` +
    (options.length === 0 ? '' : ` WITH ${options.join(', ')}`)
  );
}
