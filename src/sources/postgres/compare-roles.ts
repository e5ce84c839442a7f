import type { Check } from '../source.ts';
import { sameItems, verdictOf } from './compare-catalog.ts';
import type { DatabaseLine, RoleDescription } from './manifest.ts';

type Roles = Pick<DatabaseLine, 'roles' | 'memberships'>;
type Membership = DatabaseLine['memberships'][number];

/** Attributes of a role, in the words of messages. */
const attributes: readonly (readonly [key: keyof RoleDescription, name: string])[] = [
  ['superuser', 'superuser mark'],
  ['inherit', 'inheritance of privileges'],
  ['createRole', 'right to create roles'],
  ['createDatabase', 'right to create databases'],
  ['login', 'right to log in'],
  ['replication', 'right to replicate'],
  ['bypassRls', 'exemption from row security'],
  ['connectionLimit', 'connection limit'],
  ['validUntil', 'end of validity'],
  ['comment', 'comment'],
];

/**
 * Compares the roles that the snapshot refers to, and their memberships in each other and in predefined roles. They
 * belong to the cluster: a restore makes those that are missing and leaves the others as they are.
 *
 * @param mapped roles that took the place of others, of which the snapshot knows nothing
 */
export function compareRoles(expected: Roles, found: Roles, mapped: ReadonlySet<string>): Check[] {
  const others = new Map(found.roles.map((role) => [role.name, role]));
  const checks = expected.roles
    .filter(({ name }) => !mapped.has(name))
    .map((role) => verdictOf('role', role.name, differenceOf(role, others.get(role.name))));
  return [...checks, ...compareMemberships(expected.memberships, found.memberships, mapped)];
}

function differenceOf(role: RoleDescription, other: RoleDescription | undefined): string | undefined {
  if (other === undefined) return 'It is missing.';
  const differing = attributes.filter(([key]) => role[key] !== other[key]).map(([, name]) => name);
  if (!sameItems(role.settings ?? [], other.settings ?? [])) differing.push('settings');
  return differing.length === 0 ? undefined : `It differs in its ${differing.join(', ')}.`;
}

function compareMemberships(
  expected: readonly Membership[],
  found: readonly Membership[],
  mapped: ReadonlySet<string>,
): Check[] {
  const key = ({ role, member }: Membership) => JSON.stringify([role, member]);
  const wanted = (membership: Membership) => !mapped.has(membership.role) && !mapped.has(membership.member);
  const others = new Map(found.filter(wanted).map((membership) => [key(membership), membership]));
  const checks = expected.filter(wanted).map((membership) => {
    const other = others.get(key(membership));
    others.delete(key(membership));
    const detail =
      other === undefined ? 'It is missing.' : sameOptions(membership, other) ? undefined : 'Its options are others.';
    return verdictOf('membership', describe(membership), detail);
  });
  for (const extra of others.values()) {
    checks.push(verdictOf('membership', describe(extra), 'It is not in the snapshot.'));
  }
  return checks;
}

/** INHERIT and SET are options only since PostgreSQL 16: unknown on one side, they are not compared. */
function sameOptions(a: Membership, b: Membership): boolean {
  const same = (x: boolean | undefined, y: boolean | undefined) => x === undefined || y === undefined || x === y;
  return a.admin === b.admin && same(a.inherit, b.inherit) && same(a.set, b.set);
}

function describe({ role, member }: Membership): string {
  return `${member} in ${role}`;
}
