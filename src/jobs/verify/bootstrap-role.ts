/** The first superuser of a scratch cluster, made what the source's was: a restore leaves roles that exist as they are. */
import type { DatabaseLine } from '../../sources/postgres/manifest.ts';
import { quoteIdentifier, quoteLiteral } from '../../sources/postgres/quote.ts';
import { alterRoleStatement } from '../../sources/postgres/role-attributes.ts';
import type { Session } from '../../sources/postgres/session.ts';
import { setClause } from '../../sources/postgres/setting-values.ts';

const usual = 'postgres';

/** The name of the source's first superuser, as far as its database tells: it refers to it in any case. */
export function bootstrapOf({ roles }: Pick<DatabaseLine, 'roles'>): string {
  const superusers = roles.filter(({ superuser }) => superuser).map(({ name }) => name);
  if (superusers.includes(usual) || superusers.length !== 1) return usual;
  return superusers[0]!;
}

/** Gives it the attributes and memberships of the snapshot, but for the right to log in, which we need. */
export async function matchBootstrap(
  session: Session,
  { roles, memberships }: Pick<DatabaseLine, 'roles' | 'memberships'>,
  bootstrap: string,
): Promise<void> {
  const role = roles.find(({ name }) => name === bootstrap);
  if (role === undefined) return;
  const name = quoteIdentifier(bootstrap);
  const statements = [alterRoleStatement({ ...role, login: true, superuser: true })];
  for (const setting of role.settings ?? []) statements.push(`ALTER ROLE ${name} ${setClause(setting)}`);
  if (role.comment !== null) statements.push(`COMMENT ON ROLE ${name} IS ${quoteLiteral(role.comment)}`);
  for (const { role: of, member, admin } of memberships) {
    if (member !== bootstrap) continue;
    statements.push(`GRANT ${quoteIdentifier(of)} TO ${name}${admin ? ' WITH ADMIN OPTION' : ''}`);
  }
  await session.run(['BEGIN', ...statements, 'COMMIT'].join(';\n'), 'Could not match the first superuser.');
}
