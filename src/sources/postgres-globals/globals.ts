import { HoldfastError } from '../../base/errors.ts';
import type { RoleAttributes } from '../postgres/role-attributes.ts';

/** What a cluster holds beside its databases, as data. The content of `globals.json`: docs/format.md §11. */
export interface Globals {
  kind: 'postgres-globals';
  format: 1;
  /** `server_version_num`, as 150018. */
  serverVersion: number;
  /** Name of the superuser that initdb made: every cluster has one, under this name or another. */
  bootstrap: string;
  /** `unreadable`: the role that backed up may not see them. `left-out`: the configuration did not want them. */
  passwords: 'read' | 'unreadable' | 'left-out';
  /** Ordered by name, as everything here. Those that every server brings along stand in `predefined`. */
  roles: GlobalRole[];
  /** Comments and labels of roles and tablespaces that every server brings along, where somebody has set any. */
  predefined: { role: string; comment: string | null; labels: SecurityLabel[] }[];
  memberships: Membership[];
  settings: SettingEntry[];
  tablespaces: Tablespace[];
  /** Privileges on configuration parameters. */
  parameters: { name: string; grants: Grant[] }[];
  /** Random, so that nobody who may compute chunk ids can try a guessed password on the id of its chunk. */
  salt: string;
}

/** `validUntil` is in UTC, or `infinity`. */
export interface GlobalRole extends RoleAttributes {
  comment: string | null;
  labels: SecurityLabel[];
  /** As the server keeps it, hashed; null: has none; left out: was not read. */
  password?: string | null;
  /** As that of Globals, beside each password. */
  salt?: string;
}

export interface SecurityLabel {
  provider: string;
  label: string;
}

export interface Membership {
  role: string;
  member: string;
  /** null: that role is gone, which servers before 16 allow. */
  grantor: string | null;
  admin: boolean;
  /** From PostgreSQL 16 on. */
  inherit?: boolean;
  set?: boolean;
}

/** Settings of a role, of a database, of a role in a database, or (both null) of everybody. */
export interface SettingEntry {
  database: string | null;
  role: string | null;
  /** `name=value` as the server stores it, in its order. */
  values: string[];
}

export interface Tablespace {
  name: string;
  owner: string;
  /** Empty for those that every server brings along; relative for one inside the data directory. */
  location: string;
  /** `name=value`. */
  options: string[];
  /** null: the default privileges. */
  grants: Grant[] | null;
  comment: string | null;
  labels: SecurityLabel[];
}

export interface Grant {
  grantor: string;
  /** null is PUBLIC. */
  grantee: string | null;
  privilege: string;
  grantable: boolean;
}

/** Roles with an oid below this, but for the bootstrap superuser, come with every server. */
export const firstOwnOid = 16384;
export const bootstrapOid = 10;

/** Figures for the snapshot, which hosts can read: counts and nothing else. */
export function totalsOf(globals: Globals): Record<string, number> {
  const { roles, memberships, settings, tablespaces, parameters } = globals;
  return {
    roles: roles.length,
    passwords: roles.filter(({ password }) => typeof password === 'string').length,
    memberships: memberships.length,
    settings: settings.reduce((sum, { values }) => sum + values.length, 0),
    tablespaces: tablespaces.length,
    parameters: parameters.length,
  };
}

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string' && !value.includes('\0');
const flag: Check = (value) => typeof value === 'boolean';
const integer: Check = Number.isSafeInteger;
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const or =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const none = oneOf(null);
const missing = oneOf(undefined);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(checks).every(([key, check]) => check((value as Record<string, unknown>)[key]));
const setting: Check = (value) => text(value) && (value as string).indexOf('=') > 0;

const labels = list(shape({ provider: text, label: text }));
const grants = list(
  shape({
    grantor: text,
    grantee: or(text, none),
    privilege: oneOf('CREATE', 'SET', 'ALTER SYSTEM'),
    grantable: flag,
  }),
);
const role = shape({
  name: text,
  superuser: flag,
  inherit: flag,
  createRole: flag,
  createDatabase: flag,
  login: flag,
  replication: flag,
  bypassRls: flag,
  connectionLimit: integer,
  validUntil: or(text, none),
  comment: or(text, none),
  labels,
  password: or(text, none, missing),
});
const isGlobals = shape({
  kind: oneOf('postgres-globals'),
  format: oneOf(1),
  serverVersion: integer,
  bootstrap: text,
  passwords: oneOf('read', 'unreadable', 'left-out'),
  roles: list(role),
  predefined: list(shape({ role: text, comment: or(text, none), labels })),
  memberships: list(
    shape({
      role: text,
      member: text,
      grantor: or(text, none),
      admin: flag,
      inherit: or(flag, missing),
      set: or(flag, missing),
    }),
  ),
  settings: list(shape({ database: or(text, none), role: or(text, none), values: list(setting) })),
  tablespaces: list(
    shape({
      name: text,
      owner: text,
      location: text,
      options: list(setting),
      grants: or(grants, none),
      comment: or(text, none),
      labels,
    }),
  ),
  parameters: list(shape({ name: text, grants })),
});

/**
 * Reads `globals.json` back. Statements are made of what is in it, so everything has to have its type.
 *
 * @throws HoldfastError `object-damaged`; nothing of the content is quoted
 */
export function parseGlobals(json: string): Globals {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (isGlobals(value)) return value as Globals;
  throw new HoldfastError('object-damaged', 'The globals in this snapshot are not what they should be.', {
    why: 'Something in globals.json is missing, has another type, or is of a newer version of Holdfast.',
    hint: 'Use a newer holdfast, or another snapshot.',
  });
}
