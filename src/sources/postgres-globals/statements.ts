import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts';
import { createRoleStatement } from '../postgres/role-attributes.ts';
import { setClause } from '../postgres/setting-values.ts';
import type { GlobalRole, Grant, Membership, SecurityLabel, SettingEntry, Tablespace } from './globals.ts';

/** SQL text of each thing. Everything that comes out of a snapshot is quoted, is a number, or one of a few words. */

/**
 * Whether the server keeps this text as it is. It would take any other for a password in clear text, and hash it.
 *
 * @param password as pg_authid holds it
 */
export function isHash(password: string): boolean {
  return (
    /^md5[0-9a-f]{32}$/.test(password) ||
    /^SCRAM-SHA-256\$[1-9]\d{0,9}:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/.test(password)
  );
}

/** A role with its attributes, password, comment. Settings come when every role is there: they may name others. */
export function roleStatements(role: GlobalRole): string[] {
  const name = quoteIdentifier(role.name);
  const { password } = role;
  const isKnown = typeof password === 'string' && isHash(password);
  const statements = [createRoleStatement(role, isKnown ? [`PASSWORD ${quoteLiteral(password)}`] : [])];
  if (role.comment !== null) statements.push(commentStatement(`ROLE ${name}`, role.comment));
  return statements;
}

/** @param object as COMMENT ON names it: `ROLE "x"` */
export function commentStatement(object: string, comment: string): string {
  return `COMMENT ON ${object} IS ${quoteLiteral(comment)}`;
}

/** @param object as SECURITY LABEL names it: `ROLE "x"` */
export function labelStatements(object: string, labels: readonly SecurityLabel[]): string[] {
  return labels.map(
    ({ provider, label }) => `SECURITY LABEL FOR ${quoteIdentifier(provider)} ON ${object} IS ${quoteLiteral(label)}`,
  );
}

/** One statement for each value. */
export function settingStatements({ database, role, values }: SettingEntry): string[] {
  const inDatabase = database === null ? '' : ` IN DATABASE ${quoteIdentifier(database)}`;
  const whose =
    role !== null
      ? `ROLE ${quoteIdentifier(role)}${inDatabase}`
      : database !== null
        ? `DATABASE ${quoteIdentifier(database)}`
        : 'ROLE ALL';
  return values.map((value) => `ALTER ${whose} ${setClause(value)}`);
}

/**
 * What a server of some version can be told of a membership.
 *
 * @param serverVersion of the server that gets it
 * @param grantedBy a role; left out: the one that runs the statement
 */
export function membershipStatement(
  { role, member, admin, inherit, set }: Membership,
  serverVersion: number,
  grantedBy?: string,
): string {
  const options: string[] = [];
  if (serverVersion >= 160_000) {
    options.push(`ADMIN ${admin ? 'TRUE' : 'FALSE'}`);
    if (inherit !== undefined) options.push(`INHERIT ${inherit ? 'TRUE' : 'FALSE'}`);
    if (set !== undefined) options.push(`SET ${set ? 'TRUE' : 'FALSE'}`);
  } else if (admin) options.push('ADMIN OPTION');
  return (
    `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(member)}` +
    (options.length === 0 ? '' : ` WITH ${options.join(', ')}`) +
    (grantedBy === undefined ? '' : ` GRANTED BY ${quoteIdentifier(grantedBy)}`)
  );
}

/** Cannot run inside of a transaction. */
export function createTablespaceStatement({ name, owner, options }: Tablespace, location: string): string {
  const given = options.map((option) => {
    const at = option.indexOf('=');
    return `${quoteIdentifier(option.slice(0, at))} = ${quoteLiteral(option.slice(at + 1))}`;
  });
  return (
    `CREATE TABLESPACE ${quoteIdentifier(name)} OWNER ${quoteIdentifier(owner)} LOCATION ${quoteLiteral(location)}` +
    (given.length === 0 ? '' : ` WITH (${given.join(', ')})`)
  );
}

/** Privileges, comment and labels of a tablespace that has just been made. */
export function tablespaceStatements({ name, owner, grants, comment, labels }: Tablespace): string[] {
  const object = `TABLESPACE ${quoteIdentifier(name)}`;
  const statements: string[] = [];
  if (grants !== null) {
    statements.push(`REVOKE ALL ON ${object} FROM PUBLIC`, `REVOKE ALL ON ${object} FROM ${quoteIdentifier(owner)}`);
    statements.push(...grantStatements(object, grants, owner));
  }
  if (comment !== null) statements.push(commentStatement(object, comment));
  return [...statements, ...labelStatements(object, labels)];
}

/** @param grants of one parameter; the bootstrap superuser, which owns all, needs none */
export function parameterStatements(name: string, grants: readonly Grant[], bootstrap: string): string[] {
  const object = `PARAMETER ${name.split('.').map(quoteIdentifier).join('.')}`;
  return grantStatements(
    object,
    grants.filter(({ grantee }) => grantee !== bootstrap),
    bootstrap,
  );
}

/** Grants in the order of the list, in which a grantor stands before those who have it from them. */
function grantStatements(object: string, grants: readonly Grant[], owner: string): string[] {
  return grants.flatMap(({ grantor, grantee, privilege, grantable }) => {
    const to = grantee === null ? 'PUBLIC' : quoteIdentifier(grantee);
    const grant = `GRANT ${privilege} ON ${object} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`;
    // A superuser grants in the name of the owner; anybody else has to be the grantor.
    return grantor === owner ? [grant] : [`SET LOCAL ROLE ${quoteIdentifier(grantor)}`, grant, 'RESET ROLE'];
  });
}
