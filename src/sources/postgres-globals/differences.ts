import type { Check } from '../source.ts';
import type { GlobalRole, Globals, Grant, Membership, SecurityLabel, Tablespace } from './globals.ts';
import { describeMembership, describeSettings } from './plan.ts';

/** One thing that was compared. */
export interface GlobalsCheck extends Check {
  /** The cluster has it and the snapshot does not. */
  extra?: true;
  /** A restore cannot make it equal, and nothing is wrong with that. */
  expected?: true;
}

/**
 * Every role, membership, list of settings, tablespace and parameter of both, compared. Details name what differs, and
 * never a value.
 *
 * @param databases of the cluster
 */
export function differencesOf(wanted: Globals, found: Globals, databases: ReadonlySet<string>): GlobalsCheck[] {
  return [
    ...roles(wanted, found),
    ...predefined(wanted, found),
    ...memberships(wanted, found),
    ...settings(wanted, found, databases),
    ...tablespaces(wanted, found),
    ...parameters(wanted, found),
  ];
}

interface Pair<Wanted, Found> {
  kind: string;
  name: string;
  wanted: Wanted | undefined;
  found: Found | undefined;
}

function pairs<T>(kind: string, wanted: readonly T[], found: readonly T[], name: (one: T) => string): Pair<T, T>[] {
  const index = new Map(found.map((one) => [name(one), one]));
  const names = new Set(wanted.map(name));
  return [
    ...wanted.map((one) => ({ kind, name: name(one), wanted: one, found: index.get(name(one)) })),
    ...found
      .filter((one) => !names.has(name(one)))
      .map((one) => ({ kind, name: name(one), wanted: undefined, found: one })),
  ];
}

/** A check of one pair; `compare` is asked where both are there, and says what differs. */
function check<T>({ kind, name, wanted, found }: Pair<T, T>, compare: (a: T, b: T) => string[]): GlobalsCheck {
  const about = { kind, object: name };
  if (wanted === undefined) {
    return { ...about, verdict: 'differs', detail: 'It is not in the snapshot.', extra: true };
  }
  if (found === undefined) return { ...about, verdict: 'differs', detail: 'It is missing.' };
  const differing = compare(wanted, found);
  if (differing.length === 0) return { ...about, verdict: 'equal' };
  return { ...about, verdict: 'differs', detail: `Different: ${differing.join(', ')}.` };
}

const attributes: readonly (readonly [keyof GlobalRole, string])[] = [
  ['superuser', 'superuser'],
  ['inherit', 'inherit'],
  ['createRole', 'create role'],
  ['createDatabase', 'create database'],
  ['login', 'login'],
  ['replication', 'replication'],
  ['bypassRls', 'bypass of row security'],
  ['connectionLimit', 'connection limit'],
  ['validUntil', 'end of validity'],
  ['comment', 'comment'],
];

function roles(wanted: Globals, found: Globals): GlobalsCheck[] {
  // The other cluster's own bootstrap superuser is there whatever was restored.
  const others = found.roles.filter(
    ({ name }) => name !== found.bootstrap || wanted.roles.some((role) => role.name === name),
  );
  const withPasswords = wanted.passwords === 'read' && found.passwords === 'read';
  return pairs('role', wanted.roles, others, ({ name }) => name).map((pair) => {
    const made = check(pair, (a, b) => [
      ...attributes.filter(([key]) => a[key] !== b[key]).map(([, name]) => name),
      ...(equalLabels(a.labels, b.labels) ? [] : ['security labels']),
      ...(withPasswords && a.password !== b.password ? ['password'] : []),
    ]);
    const role: GlobalsCheck = pair.name === found.bootstrap ? { ...made, expected: true } : made;
    if (role.verdict !== 'equal' || withPasswords) return role;
    return {
      ...role,
      verdict: 'could-not-compare',
      detail: 'The passwords of one side were not read.',
      expected: true,
    };
  });
}

function predefined(wanted: Globals, found: Globals): GlobalsCheck[] {
  return pairs('role', wanted.predefined, found.predefined, ({ role }) => role).map((pair) =>
    check(pair, (a, b) => [
      ...(a.comment === b.comment ? [] : ['comment']),
      ...(equalLabels(a.labels, b.labels) ? [] : ['security labels']),
    ]),
  );
}

/** Servers before 16 know no options, and hold one grant for each member whoever gave it. */
function memberships(wanted: Globals, found: Globals): GlobalsCheck[] {
  const [before, after] = [wanted, found].map(({ serverVersion }) => serverVersion >= 160_000);
  const alike = before === after;
  const several = alike && before;
  const list = ({ memberships: all, bootstrap }: Globals) =>
    all.map((one) => ({ ...one, by: one.grantor === bootstrap ? 'the first superuser' : (one.grantor ?? '') }));
  const merged = (all: ReturnType<typeof list>) =>
    several ? all : [...new Map(all.map((one) => [JSON.stringify([one.role, one.member]), one])).values()];
  const name = (one: Membership & { by: string }) =>
    several ? `${describeMembership(one)}, granted by ${one.by}` : describeMembership(one);
  return pairs('membership', merged(list(wanted)), merged(list(found)), name).map((pair) =>
    check(pair, (a, b) => [
      ...(a.admin === b.admin ? [] : ['admin option']),
      ...(!several || a.inherit === b.inherit ? [] : ['inherit option']),
      ...(!several || a.set === b.set ? [] : ['set option']),
      ...(!alike || a.grantor === null || a.by === b.by ? [] : ['grantor']),
    ]),
  );
}

function settings(wanted: Globals, found: Globals, databases: ReadonlySet<string>): GlobalsCheck[] {
  return pairs('settings', wanted.settings, found.settings, describeSettings).map((pair) => {
    const made = check(pair, (a, b) => {
      const names = [...new Set([...a.values, ...b.values].map((value) => value.slice(0, value.indexOf('='))))];
      const of = (values: string[], name: string) => values.find((value) => value.startsWith(`${name}=`));
      const different = names.filter((name) => of(a.values, name) !== of(b.values, name));
      return different.length > 0 || a.values.join('\0') === b.values.join('\0') ? different : ['their order'];
    });
    const database = pair.wanted?.database ?? null;
    if (database !== null && !databases.has(database)) {
      const detail = 'The cluster has no such database; its own backup brings them along.';
      return { ...made, verdict: 'differs', detail, expected: true };
    }
    return pair.wanted?.role === found.bootstrap ? { ...made, expected: true } : made;
  });
}

function tablespaces(wanted: Globals, found: Globals): GlobalsCheck[] {
  return pairs('tablespace', wanted.tablespaces, found.tablespaces, ({ name }) => name).map((pair) =>
    check<Tablespace>(pair, (a, b) => [
      ...(a.owner === b.owner ? [] : ['owner']),
      ...(a.location === b.location ? [] : ['directory']),
      ...(equalSets(a.options, b.options) ? [] : ['options']),
      ...(equalGrants(a.grants, b.grants, wanted, found) ? [] : ['privileges']),
      ...(a.comment === b.comment ? [] : ['comment']),
      ...(equalLabels(a.labels, b.labels) ? [] : ['security labels']),
    ]),
  );
}

function parameters(wanted: Globals, found: Globals): GlobalsCheck[] {
  return pairs('parameter', wanted.parameters, found.parameters, ({ name }) => name).map((pair) =>
    check(pair, (a, b) => (equalGrants(a.grants, b.grants, wanted, found) ? [] : ['privileges'])),
  );
}

function equalGrants(a: Grant[] | null, b: Grant[] | null, wanted: Globals, found: Globals): boolean {
  if (a === null || b === null) return a === b;
  const text = (grants: Grant[], bootstrap: string) =>
    grants.map(({ grantor, grantee, privilege, grantable }) => {
      const [by, to] = [grantor, grantee].map((name) => (name === bootstrap ? 0 : name));
      return JSON.stringify([by, to, privilege, grantable]);
    });
  return equalSets(text(a, wanted.bootstrap), text(b, found.bootstrap));
}

function equalLabels(a: SecurityLabel[], b: SecurityLabel[]): boolean {
  const text = (labels: SecurityLabel[]) => labels.map(({ provider, label }) => JSON.stringify([provider, label]));
  return equalSets(text(a), text(b));
}

function equalSets(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}
