import { HoldfastError } from '../../base/errors.ts';
import { describeEntry } from './archive-statements.ts';
import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import type { DatabaseLine } from './manifest.ts';
import type { PostgresManifest } from './manifest-read.ts';
import { quoteIdentifier } from './quote.ts';
import { isKeyword, nameOf, type SqlToken, sqlTokens } from './sql-tokens.ts';

/**
 * Gives what belongs to roles of a snapshot to others. The snapshot is changed before anything is restored from it, so that
 * a restore and a comparison see the same.
 *
 * pg_dump names roles in few places: the owner of an entry, and the statements of privileges, default privileges, policies
 * and user mappings. Those are taken apart into tokens; nothing else is looked at. A statement that is not understood is an
 * error, since a role might be missed in it.
 */

/** New name by old name. */
export type RoleMap = ReadonlyMap<string, string>;

/** @throws HoldfastError `usage` for a role that the snapshot does not have */
export function assertKnownRoles(database: DatabaseLine, map: RoleMap): void {
  const known = database.roles.map(({ name }) => name);
  const unknown = [...map.keys()].filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new HoldfastError(
    'usage',
    `The snapshot has no role ${unknown.map((name) => JSON.stringify(name)).join(', ')}.`,
    {
      why: `Its roles are ${known.join(', ')}.`,
      hint: 'Write --role-map OLD=NEW with a role of the snapshot as OLD.',
    },
  );
}

/** Whether two roles of the snapshot become one. */
export function mergesRoles(database: DatabaseLine, map: RoleMap): boolean {
  const names = database.roles.map(({ name }) => map.get(name) ?? name);
  return new Set(names).size < names.length;
}

/** The manifest with other roles. */
export function mapManifestRoles(manifest: PostgresManifest, map: RoleMap): PostgresManifest {
  if (map.size === 0) return manifest;
  const to = (name: string) => map.get(name) ?? name;
  const acl = (list: string[] | null) => list?.map((item) => mapAccessItem(item, to)) ?? null;
  const { database, largeObjects } = manifest;
  const roles = new Map(database.roles.map((role) => [to(role.name), { ...role, name: to(role.name) }]));
  return {
    ...manifest,
    database: {
      ...database,
      owner: to(database.owner),
      acl: acl(database.acl),
      settings: database.settings.map(({ role, values }) => ({ role: role === null ? null : to(role), values })),
      roles: [...roles.values()],
      memberships: database.memberships
        .map((membership) => ({ ...membership, role: to(membership.role), member: to(membership.member) }))
        .filter(({ role, member }) => role !== member),
    },
    largeObjects: largeObjects && {
      ...largeObjects,
      objects: largeObjects.objects.map((object) => ({ ...object, owner: to(object.owner), acl: acl(object.acl) })),
    },
  };
}

/**
 * The archive with other roles. Every role in it is written in one way, in quotes, and those of a policy in one order, so
 * that two archives that were mapped can be compared byte by byte.
 *
 * @throws HoldfastError `target-failed` naming an entry whose statement is not understood
 */
export function mapArchiveRoles<Toc extends Pick<ArchiveToc, 'entries'>>(toc: Toc, map: RoleMap): Toc {
  return { ...toc, entries: toc.entries.map((entry) => mapEntry(entry, map)) };
}

const readers: Record<string, (sql: string, statement: SqlToken[]) => SqlToken[] | undefined> = {
  ACL: rolesOfPrivileges,
  'ACL LANGUAGE': rolesOfPrivileges,
  'DEFAULT ACL': rolesOfPrivileges,
  POLICY: rolesOfPolicy,
  'USER MAPPING': rolesOfMapping,
};

function mapEntry(entry: TocEntry, map: RoleMap): TocEntry {
  const owner = map.get(entry.owner) ?? entry.owner;
  const reader = readers[entry.desc];
  if (reader === undefined) return owner === entry.owner ? entry : { ...entry, owner };
  const sql = entry.defn.toString('latin1');
  const roles = statementsOf(sql)?.map((statement) => reader(sql, statement));
  if (roles === undefined || roles.some((found) => found === undefined)) {
    throw new HoldfastError('target-failed', `Could not tell which roles ${describeEntry(entry)} names.`, {
      why: 'Its statement is not one that pg_dump is known to write.',
      hint: 'Restore without --role-map, and change owners and privileges afterwards.',
    });
  }
  const found = roles.flat() as SqlToken[];
  let names = found.map((token) => mappedName(nameOf(sql, token), map));
  if (entry.desc === 'POLICY') names = [...names].sort();
  let text = '';
  let at = 0;
  for (const [i, token] of found.entries()) {
    text += sql.slice(at, token.start) + quoteIdentifier(names[i]!);
    at = token.end;
  }
  const mapped = { ...entry, owner, defn: Buffer.from(text + sql.slice(at), 'latin1') };
  if (entry.desc !== 'USER MAPPING' || found.length === 0) return mapped;
  // The label of a mapping begins with its role.
  const before = Buffer.from(nameOf(sql, found[0]!), 'latin1').toString();
  const label = `USER MAPPING ${before} SERVER `;
  if (!entry.tag.startsWith(label)) return mapped;
  return { ...mapped, tag: `USER MAPPING ${map.get(before) ?? before} SERVER ${entry.tag.slice(label.length)}` };
}

/** Names in SQL are Latin-1 here, those of the map are text. */
function mappedName(name: string, map: RoleMap): string {
  const mapped = map.get(Buffer.from(name, 'latin1').toString());
  return mapped === undefined ? name : Buffer.from(mapped).toString('latin1');
}

function statementsOf(sql: string): SqlToken[][] | undefined {
  const statements: SqlToken[][] = [[]];
  const tokens = sqlTokens(sql);
  if (tokens === undefined) return undefined;
  for (const token of tokens) {
    if (token.depth === 0 && sql[token.start] === ';') statements.push([]);
    else statements.at(-1)!.push(token);
  }
  return statements.filter((statement) => statement.length > 0);
}

/** Every keyword that the statement must begin with. */
function begins(sql: string, statement: readonly SqlToken[], ...keywords: string[]): boolean {
  return keywords.every((keyword, i) => isKeyword(sql, statement[i], keyword));
}

/** Place of a keyword outside parentheses. TO, FROM, USING and WITH are reserved, so a name like that is in quotes. */
function find(sql: string, statement: readonly SqlToken[], ...keywords: string[]): number {
  return statement.findIndex(
    (token) => token.depth === 0 && keywords.some((keyword) => isKeyword(sql, token, keyword)),
  );
}

function isName(token: SqlToken | undefined): token is SqlToken {
  return token?.kind === 'word' || token?.kind === 'quoted';
}

/** Nothing for PUBLIC, which is no role. */
function roleAt(sql: string, token: SqlToken | undefined): SqlToken[] | undefined {
  if (!isName(token)) return undefined;
  return isKeyword(sql, token, 'PUBLIC') ? [] : [token];
}

/** `GRANT … TO role`, `REVOKE … FROM role`, `SET SESSION AUTHORIZATION role`, `ALTER DEFAULT PRIVILEGES FOR ROLE role …`. */
function rolesOfPrivileges(sql: string, statement: SqlToken[]): SqlToken[] | undefined {
  if (begins(sql, statement, 'RESET', 'SESSION', 'AUTHORIZATION')) return [];
  if (begins(sql, statement, 'SET', 'SESSION', 'AUTHORIZATION')) return roleAt(sql, statement[3]);
  const forRole = begins(sql, statement, 'ALTER', 'DEFAULT', 'PRIVILEGES', 'FOR', 'ROLE');
  const owner = forRole ? roleAt(sql, statement[4 + 1]) : [];
  const isGrant = find(sql, statement, 'GRANT') >= 0 || find(sql, statement, 'REVOKE') >= 0;
  if (!isGrant || (!forRole && !begins(sql, statement, 'GRANT') && !begins(sql, statement, 'REVOKE'))) return undefined;
  const to = find(sql, statement, 'TO', 'FROM');
  const grantee = to < 0 ? undefined : roleAt(sql, statement[to + 1]);
  if (owner === undefined || grantee === undefined) return undefined;
  // Nothing but WITH GRANT OPTION may follow: there could be more roles in it.
  const rest = statement.slice(to + 2);
  if (rest.length > 0 && !(rest.length === 3 && begins(sql, rest, 'WITH', 'GRANT', 'OPTION'))) return undefined;
  return [...owner, ...grantee];
}

/** `CREATE POLICY … TO role, role USING (…)`. */
function rolesOfPolicy(sql: string, statement: SqlToken[]): SqlToken[] | undefined {
  if (!begins(sql, statement, 'CREATE', 'POLICY')) return undefined;
  const to = find(sql, statement, 'TO');
  const end = find(sql, statement, 'USING', 'WITH');
  if (to < 0 || (end >= 0 && end < to)) return [];
  const list = statement.slice(to + 1, end < 0 ? statement.length : end);
  const roles: SqlToken[] = [];
  for (const [i, token] of list.entries()) {
    if (i % 2 === 1) {
      if (sql[token.start] !== ',') return undefined;
      continue;
    }
    const role = roleAt(sql, token);
    if (role === undefined) return undefined;
    roles.push(...role);
  }
  return roles;
}

/** `CREATE USER MAPPING FOR role SERVER …`. */
function rolesOfMapping(sql: string, statement: SqlToken[]): SqlToken[] | undefined {
  return begins(sql, statement, 'CREATE', 'USER', 'MAPPING', 'FOR') ? roleAt(sql, statement[4]) : undefined;
}

/**
 * An item of an access list, `grantee=privileges/grantor`, with other roles. Names are in quotes where they hold anything
 * but letters, digits and underscores.
 */
export function mapAccessItem(item: string, to: (name: string) => string): string {
  const found = /^("(?:[^"]|"")*"|[^"=]*)=([a-zA-Z*]*)\/("(?:[^"]|"")*"|[^"]*)$/s.exec(item);
  if (!found) {
    throw new HoldfastError('target-failed', 'Could not tell which roles a list of privileges names.', {
      why: 'It is not written as PostgreSQL is known to write it.',
    });
  }
  const [, grantee, privileges, grantor] = found;
  const mapped = (text: string) => {
    // Without a name before the sign it is PUBLIC.
    if (text === '') return '';
    const name = to(text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text);
    return /^[A-Za-z0-9_]+$/.test(name) ? name : quoteIdentifier(name);
  };
  return `${mapped(grantee!)}=${privileges}/${mapped(grantor!)}`;
}
