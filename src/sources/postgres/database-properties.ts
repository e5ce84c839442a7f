import type { Shortfall } from '../source.ts';
import { AccessLists } from './access-lists.ts';
import type { DatabaseLine } from './manifest.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import type { Session } from './session.ts';
import { setClause } from './setting-values.ts';

/** What CREATE DATABASE does not set: owner, settings, privileges, comment, limits. Given last, since settings may be hostile. */
export interface PropertyStatements {
  /** @param quotedName of the database */
  statements(quotedName: string): string[];
  shortfalls: Shortfall[];
}

/**
 * The statements that give a database the properties of another one. Settings that this server refuses are tried out
 * first and left out by name, because one transaction sets them all.
 *
 * @param session to another database of the server
 * @param tryOn quoted name of a database of ours to try settings on
 * @throws HoldfastError
 */
export async function planProperties(session: Session, like: DatabaseLine, tryOn: string): Promise<PropertyStatements> {
  const lists = await AccessLists.parse(session, [like.acl]);
  const shortfalls: Shortfall[] = [];
  const settings: ((name: string) => string)[] = [];
  for (const { role, values } of like.settings) {
    for (const value of values) {
      const statement = (name: string) =>
        role === null
          ? `ALTER DATABASE ${name} ${setClause(value)}`
          : `ALTER ROLE ${quoteIdentifier(role)} IN DATABASE ${name} ${setClause(value)}`;
      if (await isTaken(session, statement(tryOn))) settings.push(statement);
      else {
        shortfalls.push({
          object: `setting ${value.slice(0, value.indexOf('='))}${role === null ? '' : ` of role ${role}`}`,
          reason: 'The server does not take it for this database; it was left out.',
          degrades: true,
        });
      }
    }
  }
  const labels: ((name: string) => string)[] = [];
  for (const { provider, label } of like.securityLabels ?? []) {
    const statement = (name: string) =>
      `SECURITY LABEL FOR ${quoteIdentifier(provider)} ON DATABASE ${name} IS ${quoteLiteral(label)}`;
    if (await isTaken(session, statement(tryOn))) labels.push(statement);
    else {
      shortfalls.push({
        object: `security label of ${provider} on the database`,
        reason: 'The server does not take it, perhaps since it has not loaded that provider; it was left out.',
        degrades: true,
      });
    }
  }
  const statements = (name: string) => [
    `ALTER DATABASE ${name} OWNER TO ${quoteIdentifier(like.owner)}`,
    ...settings.map((setting) => setting(name)),
    ...labels.map((label) => label(name)),
    ...lists.statements(`DATABASE ${name}`, like.owner, like.acl),
    `COMMENT ON DATABASE ${name} IS ${like.comment === null ? 'NULL' : quoteLiteral(like.comment)}`,
    `ALTER DATABASE ${name} CONNECTION LIMIT ${Math.trunc(like.connectionLimit)}
       IS_TEMPLATE ${like.isTemplate} ALLOW_CONNECTIONS ${like.allowConnections}`,
  ];
  return { statements, shortfalls };
}

/** Whether the server runs a statement, tried in a transaction that is rolled back. @throws when the connection is lost */
async function isTaken(session: Session, statement: string): Promise<boolean> {
  try {
    await session.run(`BEGIN; ${statement}; ROLLBACK`);
    return true;
  } catch (error) {
    if (session.lost) throw error;
    await session.run('ROLLBACK');
    return false;
  }
}
