import { quoteIdentifier } from '../postgres/quote.ts';
import type { Shortfall } from '../source.ts';
import type { Globals, Membership, Tablespace } from './globals.ts';
import { grantOrder, grantorFor } from './grant-order.ts';
import {
  commentStatement,
  isHash,
  labelStatements,
  membershipStatement,
  parameterStatements,
  roleStatements,
  settingStatements,
} from './statements.ts';

/** Statements that belong together. */
export interface Step {
  /** What it makes, in the words of the figures: `roles`, `memberships`, `settings`, … */
  makes: 'roles' | 'memberships' | 'settings' | 'parameters' | 'comments' | 'labels';
  /** As people write it. */
  object: string;
  /** What a comparison names when this is not there. */
  part: string;
  statements: string[];
  /** A server may refuse it; then it is left out, and named. Otherwise nothing is restored. */
  mayFail: boolean;
}

export interface GlobalsPlan {
  /** All in one transaction, in this order. */
  steps: Step[];
  /** Each by itself, after the others: a tablespace cannot be made in a transaction. */
  tablespaces: { tablespace: Tablespace; location: string }[];
  /** What is known beforehand not to come out as in the snapshot. */
  shortfalls: Shortfall[];
}

/** What a plan must know of the cluster that is restored into. */
export interface TargetCluster {
  globals: Globals;
  databases: ReadonlySet<string>;
  /** Predefined roles included. */
  roleNames: ReadonlySet<string>;
}

/**
 * What to do so that a cluster has what a snapshot has: what is missing is made, nothing that exists is changed. A role
 * that exists gets no settings, and no memberships but in or of roles that are made now.
 *
 * @param tablespaceMap where to put tablespaces, by name; others go where they were
 */
export function planGlobals(
  globals: Globals,
  target: TargetCluster,
  tablespaceMap: ReadonlyMap<string, string> = new Map(),
): GlobalsPlan {
  const missing = globals.roles.filter(({ name }) => !target.roleNames.has(name));
  const made = new Set(missing.map(({ name }) => name));
  const shortfalls: Shortfall[] = [];
  const steps = [
    ...missing.flatMap((role): Step[] => {
      const object = `role ${role.name}`;
      if (typeof role.password === 'string' && !isHash(role.password)) {
        const reason = 'Its password is in a form that no server takes: it was made without one.';
        shortfalls.push({ object, reason, degrades: true });
      }
      const labels = labelStatements(`ROLE ${quoteIdentifier(role.name)}`, role.labels);
      return [
        { makes: 'roles', object, part: object, statements: roleStatements(role), mayFail: false },
        ...labels.map((statement) => labelStep(object, statement)),
      ];
    }),
    ...predefinedSteps(globals, target),
    ...membershipSteps(globals, target, made, shortfalls),
    ...settingSteps(globals, target, made),
    ...parameterSteps(globals, target, made),
  ];
  return { steps, tablespaces: tablespacesToMake(globals, target, tablespaceMap, shortfalls), shortfalls };
}

function predefinedSteps(globals: Globals, target: TargetCluster): Step[] {
  const commented = new Map(target.globals.predefined.map((role) => [role.role, role]));
  return globals.predefined.flatMap(({ role, comment, labels }): Step[] => {
    if (!target.roleNames.has(role)) return [];
    const there = commented.get(role);
    const object = `ROLE ${quoteIdentifier(role)}`;
    const part = `role ${role}`;
    const steps: Step[] = [];
    if (comment !== null && (there?.comment ?? null) === null) {
      const statements = [commentStatement(object, comment)];
      steps.push({ makes: 'comments', object: `comment on ${part}`, part, statements, mayFail: true });
    }
    const missing = labels.filter(({ provider }) => !there?.labels.some((label) => label.provider === provider));
    return [...steps, ...labelStatements(object, missing).map((statement) => labelStep(part, statement))];
  });
}

function labelStep(part: string, statement: string): Step {
  return { makes: 'labels', object: `security label of ${part}`, part, statements: [statement], mayFail: true };
}

function membershipSteps(
  globals: Globals,
  target: TargetCluster,
  made: ReadonlySet<string>,
  shortfalls: Shortfall[],
): Step[] {
  const { serverVersion, bootstrap } = target.globals;
  const inherits = new Map(globals.roles.map(({ name, inherit }) => [name, inherit]));
  return grantOrder(globals.memberships, globals.bootstrap).flatMap((ordered): Step[] => {
    const { membership } = ordered;
    const { role, member } = membership;
    if (!made.has(role) && !made.has(member)) return [];
    const object = describeMembership(membership);
    const gone = [role, member].find((name) => !made.has(name) && !target.roleNames.has(name));
    if (gone !== undefined) {
      shortfalls.push({ object, reason: `The cluster has no role ${gone}: it was left out.`, degrades: true });
      return [];
    }
    if (serverVersion < 160_000 && givesMore(membership, inherits.get(member) ?? true)) {
      const reason = 'A server before PostgreSQL 16 can only give more rights than it gave: it was left out.';
      shortfalls.push({ object, reason, degrades: true });
      return [];
    }
    const by = grantorFor(ordered, globals, serverVersion);
    // A superuser who is not the bootstrap one would be written down before 16.
    const grantedBy = by ?? (membership.grantor === null ? undefined : bootstrap);
    const statements = [membershipStatement(membership, serverVersion, grantedBy)];
    return [{ makes: 'memberships', object, part: object, statements, mayFail: true }];
  });
}

/** Whether the same membership would give its member more where it has no options. */
function givesMore({ inherit, set }: Membership, memberInherits: boolean): boolean {
  return set === false || (inherit === false && memberInherits);
}

export function describeMembership({ role, member }: Membership): string {
  return `membership of ${member} in ${role}`;
}

function settingSteps(globals: Globals, target: TargetCluster, made: ReadonlySet<string>): Step[] {
  const there = new Set(target.globals.settings.map(({ database, role }) => JSON.stringify([database, role])));
  return globals.settings.flatMap((entry): Step[] => {
    const { database, role } = entry;
    if (database !== null && !target.databases.has(database)) return [];
    if (role === null ? there.has(JSON.stringify([database, role])) : !made.has(role)) return [];
    return settingStatements(entry).map((statement, at): Step => {
      const value = entry.values[at]!;
      const object = `setting ${value.slice(0, value.indexOf('='))} of ${describeScope(entry)}`;
      return { makes: 'settings', object, part: describeSettings(entry), statements: [statement], mayFail: true };
    });
  });
}

/** As a comparison names all of them together. */
export function describeSettings(entry: { database: string | null; role: string | null }): string {
  return `settings of ${describeScope(entry)}`;
}

/** `role x in database y` */
function describeScope({ database, role }: { database: string | null; role: string | null }): string {
  if (role === null) return database === null ? 'all roles' : `database ${database}`;
  return `role ${role}${database === null ? '' : ` in database ${database}`}`;
}

function parameterSteps(globals: Globals, target: TargetCluster, made: ReadonlySet<string>): Step[] {
  if (target.globals.serverVersion < 150_000) return [];
  const there = new Set(
    target.globals.parameters.flatMap(({ name, grants }) =>
      grants.filter(({ grantee }) => grantee === null).map(({ privilege }) => JSON.stringify([name, privilege])),
    ),
  );
  return globals.parameters.flatMap(({ name, grants }) =>
    grants.flatMap((grant): Step[] => {
      const { grantee, privilege } = grant;
      if (grantee === null ? there.has(JSON.stringify([name, privilege])) : !made.has(grantee)) return [];
      const statements = parameterStatements(name, [grant], globals.bootstrap);
      if (statements.length === 0) return [];
      const object = `privileges on the parameter ${name}`;
      return [{ makes: 'parameters', object, part: `parameter ${name}`, statements, mayFail: true }];
    }),
  );
}

function tablespacesToMake(
  globals: Globals,
  target: TargetCluster,
  map: ReadonlyMap<string, string>,
  shortfalls: Shortfall[],
): GlobalsPlan['tablespaces'] {
  const there = new Set(target.globals.tablespaces.map(({ name }) => name));
  return globals.tablespaces.flatMap((tablespace) => {
    const { name, location } = tablespace;
    if (location === '' || there.has(name)) return [];
    const wanted = map.get(name) ?? location;
    if (wanted.startsWith('/')) return [{ tablespace, location: wanted }];
    const reason = 'It lay inside the data directory, where only the server itself puts one: it was not made.';
    shortfalls.push({ object: `tablespace ${name}`, reason, degrades: true });
    return [];
  });
}
