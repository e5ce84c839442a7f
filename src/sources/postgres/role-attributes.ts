import { quoteIdentifier, quoteLiteral } from './quote.ts';

/** What CREATE ROLE sets, but for the password. */
export interface RoleAttributes {
  name: string;
  superuser: boolean;
  inherit: boolean;
  createRole: boolean;
  createDatabase: boolean;
  login: boolean;
  replication: boolean;
  bypassRls: boolean;
  connectionLimit: number;
  /** As text; null: for ever. */
  validUntil: string | null;
}

/** The statement that makes a role. @param more further options, as SQL */
export function createRoleStatement(role: RoleAttributes, more: readonly string[] = []): string {
  return `CREATE ${roleWith(role, more)}`;
}

/** The statement that gives a role that exists these attributes. @param more as above */
export function alterRoleStatement(role: RoleAttributes, more: readonly string[] = []): string {
  return `ALTER ${roleWith(role, more)}`;
}

function roleWith(role: RoleAttributes, more: readonly string[]): string {
  const flag = (set: boolean, word: string) => (set ? word : `NO${word}`);
  const options = [
    flag(role.superuser, 'SUPERUSER'),
    flag(role.inherit, 'INHERIT'),
    flag(role.createRole, 'CREATEROLE'),
    flag(role.createDatabase, 'CREATEDB'),
    flag(role.login, 'LOGIN'),
    flag(role.replication, 'REPLICATION'),
    flag(role.bypassRls, 'BYPASSRLS'),
    `CONNECTION LIMIT ${Math.trunc(role.connectionLimit)}`,
    ...(role.validUntil === null ? [] : [`VALID UNTIL ${quoteLiteral(role.validUntil)}`]),
    ...more,
  ];
  return `ROLE ${quoteIdentifier(role.name)} WITH ${options.join(' ')}`;
}
