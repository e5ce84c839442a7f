import { quietSettings } from '../postgres/quiet-settings.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts';
import type { Globals, Membership, SettingEntry, Tablespace } from './globals.ts';
import { grantOrder, grantorFor } from './grant-order.ts';
import { describeMembership } from './plan.ts';
import {
  commentStatement,
  createTablespaceStatement,
  isHash,
  labelStatements,
  membershipStatement,
  parameterStatements,
  roleStatements,
  settingStatements,
  tablespaceStatements,
} from './statements.ts';

/**
 * `globals.sql`: the globals as a script for psql, by the rules of a restore: what is missing is made, what exists is left
 * as it is. Comments in it hold no names: a line break in one would end the comment.
 */
export function globalsScript(globals: Globals): string {
  const { serverVersion, bootstrap } = globals;
  const newest = serverVersion >= 160_000;
  const part = (title: string, blocks: readonly string[]) => (blocks.length === 0 ? [] : [`\n-- ${title}`, ...blocks]);
  return `${[
    `-- Roles, memberships, settings and tablespaces of a PostgreSQL ${Math.trunc(serverVersion / 10_000)} cluster.`,
    `-- Run it as a superuser, on PostgreSQL ${newest ? '16 or newer' : '13 or newer'}: psql -d postgres -f globals.sql`,
    '-- What exists in the cluster is left as it is, and told. It holds the hashes of passwords: keep it to yourself.',
    `-- ${globals.salt}`,
    // The context of an error would quote the statement.
    '\\set VERBOSITY terse',
    "SET client_encoding = 'UTF8';",
    'SET standard_conforming_strings = on;',
    ...quietSettings.map(([name, value]) => `SET ${name} = '${value}';`),
    // What a failed transaction has not made must not be missed by what follows.
    '\\set ON_ERROR_STOP on',
    'BEGIN;',
    'CREATE TEMPORARY TABLE holdfast_made (kind text, name text);',
    ...part('Roles', globals.roles.flatMap(roleBlock)),
    ...part('Comments on roles of the server', globals.predefined.flatMap(predefinedBlock)),
    ...part(
      'Memberships',
      grantOrder(globals.memberships, bootstrap).map((ordered) =>
        membershipBlock(ordered.membership, serverVersion, grantorFor(ordered, globals, serverVersion)),
      ),
    ),
    ...part('Settings', globals.settings.map(settingBlock)),
    ...part(
      'Privileges on parameters',
      globals.parameters.flatMap(({ name, grants }) =>
        grants.flatMap((grant) => {
          const statements = parameterStatements(name, [grant], bootstrap);
          const { grantee } = grant;
          if (statements.length === 0) return [];
          const body = tried(statements, `privileges on the parameter ${name}`);
          return grantee === null ? block(body) : block(when(made('role', grantee), body));
        }),
      ),
    ),
    'COMMIT;',
    '\\set ON_ERROR_STOP off',
    ...part(
      'Tablespaces. Each needs its directory on the server: empty, and owned by the account that runs PostgreSQL.',
      globals.tablespaces.filter(({ location }) => location.startsWith('/')).flatMap(tablespaceBlocks),
    ),
    `-- ${globals.salt}`,
  ].join('\n')}\n`;
}

function roleBlock(role: Globals['roles'][number]): string[] {
  const { name, password, salt, labels } = role;
  const lines = [
    ...roleStatements(role).map((statement) => `${statement};`),
    ...tried(labelStatements(`ROLE ${quoteIdentifier(name)}`, labels), `a security label of role ${name}`),
    `INSERT INTO pg_temp.holdfast_made VALUES ('role', ${quoteLiteral(name)});`,
  ];
  if (typeof password === 'string' && !isHash(password)) {
    lines.push(tell('WARNING', `role ${name}: its password is in a form that no server takes; it has none now`));
  }
  const exists = `EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(name)})`;
  const body = [
    `IF ${exists} THEN`,
    tell('NOTICE', `role ${name} exists; it is left as it is`),
    'ELSE',
    ...lines,
    'END IF;',
  ];
  return [...(salt === undefined ? [] : [`-- ${salt}`]), block(body)];
}

function predefinedBlock({ role, comment, labels }: Globals['predefined'][number]): string[] {
  const there = `SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(role)}`;
  const object = `ROLE ${quoteIdentifier(role)}`;
  const statements = [
    ...(comment === null ? [] : [commentStatement(object, comment)]),
    ...labelStatements(object, labels),
  ];
  const unset = `EXISTS (${there} AND pg_catalog.shobj_description(oid, 'pg_authid') IS NULL)`;
  return [block(when(unset, tried(statements, `the comment on role ${role}`)))];
}

const before16 = "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000";

function membershipBlock(membership: Membership, serverVersion: number, grantedBy: string | undefined): string {
  const { role, member } = membership;
  const statement = (by?: string) => membershipStatement(membership, serverVersion, by);
  // Before 16 anybody could be written down as a grantor; later servers want one who holds the admin option.
  const grant =
    grantedBy === undefined
      ? [statement()]
      : serverVersion >= 160_000
        ? [statement(grantedBy)]
        : [`IF ${before16} THEN\n${statement(grantedBy)};\nELSE\n${statement()};\nEND IF`];
  return block(when(`${made('role', role)} OR ${made('role', member)}`, tried(grant, describeMembership(membership))));
}

function settingBlock(entry: SettingEntry): string {
  const { database, role } = entry;
  const conditions: string[] = [];
  const databaseIs = `datname = ${quoteLiteral(database ?? '')}`;
  if (database !== null) conditions.push(`EXISTS (SELECT FROM pg_catalog.pg_database WHERE ${databaseIs})`);
  if (role !== null) conditions.push(made('role', role));
  else {
    const oid = database === null ? '0' : `(SELECT oid FROM pg_catalog.pg_database WHERE ${databaseIs})`;
    conditions.push(
      `NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting WHERE setrole = 0 AND setdatabase = ${oid})`,
    );
  }
  const body = settingStatements(entry).flatMap((statement, at) => {
    const value = entry.values[at]!;
    return tried([statement], `the setting ${value.slice(0, value.indexOf('='))}`);
  });
  return block(when(conditions.join(' AND '), body));
}

function tablespaceBlocks(tablespace: Tablespace): string[] {
  const { name, location } = tablespace;
  const exists = `EXISTS (SELECT FROM pg_catalog.pg_tablespace WHERE spcname = ${quoteLiteral(name)})`;
  const after = tablespaceStatements(tablespace);
  const mark = [
    `INSERT INTO pg_temp.holdfast_made SELECT 'tablespace', ${quoteLiteral(name)} WHERE NOT ${exists};`,
    `${createTablespaceStatement(tablespace, location)};`,
  ];
  if (after.length === 0) return mark;
  return [...mark, block(when(`${made('tablespace', name)} AND ${exists}`, tried(after, `a privilege on ${name}`)))];
}

function made(kind: 'role' | 'tablespace', name: string): string {
  return `EXISTS (SELECT FROM pg_temp.holdfast_made WHERE kind = '${kind}' AND name = ${quoteLiteral(name)})`;
}

function when(condition: string, body: readonly string[]): string[] {
  return body.length === 0 ? [] : [`IF ${condition} THEN`, ...body, 'END IF;'];
}

/** Statements that a server may refuse; then they are left out together, and that is told. */
function tried(statements: readonly string[], about: string): string[] {
  if (statements.length === 0) return [];
  return [
    'BEGIN',
    ...statements.map((statement) => `${statement};`),
    'EXCEPTION WHEN OTHERS THEN',
    tell('WARNING', `the server does not take ${about}; it is left out`),
    'END;',
  ];
}

function tell(level: 'NOTICE' | 'WARNING', message: string): string {
  return `RAISE ${level} USING MESSAGE = ${quoteLiteral(message)};`;
}

/** One DO statement, in dollar quotes that nothing inside can end. */
function block(body: readonly string[]): string {
  const text = body.join('\n');
  let tag = '$holdfast$';
  for (let n = 1; text.includes(tag); n++) tag = `$holdfast${n}$`;
  return `DO ${tag} BEGIN\n${text}\nEND ${tag};`;
}
