import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitNames } from '../../src/sources/postgres/setting-values.ts';
import { differencesOf } from '../../src/sources/postgres-globals/differences.ts';
import { type Globals, type Membership, parseGlobals } from '../../src/sources/postgres-globals/globals.ts';
import { grantOrder } from '../../src/sources/postgres-globals/grant-order.ts';
import { planGlobals } from '../../src/sources/postgres-globals/plan.ts';
import { membershipsQuery, parameterGrantsQuery, rolesQuery } from '../../src/sources/postgres-globals/queries.ts';
import { globalsScript } from '../../src/sources/postgres-globals/script.ts';
import {
  isHash,
  membershipStatement,
  roleStatements,
  settingStatements,
} from '../../src/sources/postgres-globals/statements.ts';
import { bareGlobals, bareRole } from '../support/globals.ts';

const versions = [130_000, 140_000, 150_000, 160_000, 170_000, 180_000];
const scram = `SCRAM-SHA-256$4096:${'A'.repeat(22)}==$${'B'.repeat(43)}=:${'C'.repeat(43)}=`;
const md5 = `md5${'0123456789abcdef'.repeat(2)}`;

function plan(globals: Globals, target: Partial<Globals> = {}, databases: string[] = []) {
  const there = bareGlobals(target);
  const roleNames = new Set(['pg_monitor', ...there.roles.map(({ name }) => name)]);
  return planGlobals(globals, { globals: there, databases: new Set(databases), roleNames });
}
const statements = (globals: Globals, target?: Partial<Globals>, databases?: string[]) =>
  plan(globals, target, databases).steps.flatMap((step) => step.statements);

const member = (role: string, name: string, grantor: string | null, more: Partial<Membership> = {}): Membership => ({
  role,
  member: name,
  grantor,
  admin: false,
  ...more,
});

describe('queries', () => {
  it('ask each version for what it has', () => {
    for (const version of versions) {
      expect(membershipsQuery(version).includes('m.inherit_option AS inherit, m.set_option AS set')).toBe(
        version >= 160_000,
      );
      expect(parameterGrantsQuery(version) !== undefined).toBe(version >= 150_000);
    }
    expect(parameterGrantsQuery(150_000)).toContain('pg_catalog.pg_parameter_acl');
  });

  it('never touch passwords that are not wanted', () => {
    expect(rolesQuery(true)).toMatch(/rolpassword AS password\s+FROM pg_catalog\.pg_authid/);
    expect(rolesQuery(false)).not.toMatch(/rolpassword|pg_authid r/);
  });
});

describe('statements', () => {
  it('of a role', () => {
    const role = bareRole('we"ird\n', {
      superuser: true,
      login: true,
      inherit: false,
      connectionLimit: 3,
      validUntil: "infinity'",
      comment: "it's",
      password: scram,
    });
    expect(roleStatements(role)).toEqual([
      `CREATE ROLE "we""ird\n" WITH SUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 3 VALID UNTIL 'infinity''' PASSWORD '${scram}'`,
      `COMMENT ON ROLE "we""ird\n" IS 'it''s'`,
    ]);
  });

  it('hold no password but one that the server keeps as it is', () => {
    expect([scram, md5].map(isHash)).toEqual([true, true]);
    for (const password of [
      '',
      'secret',
      `${md5}0`,
      md5.toUpperCase(),
      ` ${scram}`,
      `${scram}\n`,
      scram.slice(0, -1),
    ]) {
      expect(isHash(password), password).toBe(false);
      expect(roleStatements(bareRole('a', { password })).join()).not.toContain('PASSWORD');
      const { shortfalls } = plan(bareGlobals({ roles: [bareRole('a', { password })] }));
      expect(shortfalls).toEqual([expect.objectContaining({ object: 'role a', degrades: true })]);
    }
  });

  it('of memberships, by version', () => {
    const one = member('a', 'b', 'c', { admin: true, inherit: false, set: true });
    expect(versions.map((version) => membershipStatement(one, version, 'c'))).toEqual([
      ...Array(3).fill('GRANT "a" TO "b" WITH ADMIN OPTION GRANTED BY "c"'),
      ...Array(3).fill('GRANT "a" TO "b" WITH ADMIN TRUE, INHERIT FALSE, SET TRUE GRANTED BY "c"'),
    ]);
    expect(membershipStatement(member('a', 'b', null), 150_000)).toBe('GRANT "a" TO "b"');
    expect(membershipStatement(member('a', 'b', null), 160_000)).toBe('GRANT "a" TO "b" WITH ADMIN FALSE');
  });

  it('of settings, of each scope', () => {
    const values = ['search_path="$user", public, "A ""b"', 'my.app=x, y', 'temp_tablespaces=""'];
    const of = (database: string | null, role: string | null) => settingStatements({ database, role, values });
    expect(of(null, 'r"')).toEqual([
      `ALTER ROLE "r""" SET "search_path" TO '$user', 'public', 'A "b'`,
      `ALTER ROLE "r""" SET "my"."app" TO 'x, y'`,
      `ALTER ROLE "r""" SET "temp_tablespaces" TO ''`,
    ]);
    expect([of('d', 'r')[1], of('d', null)[1], of(null, null)[1]]).toEqual([
      `ALTER ROLE "r" IN DATABASE "d" SET "my"."app" TO 'x, y'`,
      `ALTER DATABASE "d" SET "my"."app" TO 'x, y'`,
      `ALTER ROLE ALL SET "my"."app" TO 'x, y'`,
    ]);
  });

  it('take lists of names apart as the server puts them together', () => {
    const quoted = (name: string) => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (list) => {
        expect(splitNames(list.map(quoted).join(', '))).toEqual(list);
      }),
    );
  });
});

describe('the order of grants', () => {
  it('puts who may grant before what they granted, whatever the order was', () => {
    const chain = [
      member('r', 'a', 'postgres', { admin: true }),
      member('r', 'b', 'a', { admin: true }),
      member('r', 'c', 'b'),
      member('r', 'd', 'gone'),
      member('s', 'a', 'b'),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(chain, { minLength: chain.length }), (shuffled) => {
        const ordered = grantOrder(shuffled, 'postgres');
        expect(ordered.map(({ membership }) => membership)).toHaveLength(chain.length);
        expect(new Set(ordered.map(({ membership }) => membership))).toEqual(new Set(chain));
        const admins = new Set<string>();
        for (const { membership, grantedBy } of ordered) {
          if (grantedBy !== undefined) expect(admins).toContain(`${membership.role} ${grantedBy}`);
          if (membership.admin) admins.add(`${membership.role} ${membership.member}`);
        }
        expect(ordered.filter(({ grantedBy }) => grantedBy !== undefined)).toHaveLength(2);
      }),
    );
  });

  it('follows what each server knows of grantors', () => {
    const all = (serverVersion: number) =>
      bareGlobals({
        serverVersion,
        roles: ['r', 'a', 'b'].map((name) => bareRole(name)),
        memberships: [member('r', 'b', 'a'), member('r', 'a', 'postgres', { admin: true })],
      });
    const grants = (from: number, to: number, bootstrap = 'postgres') =>
      statements(all(from), { serverVersion: to, bootstrap }).filter((text) => text.startsWith('GRANT'));
    const [older, newer] = [150_000, 160_000];
    expect(grants(older, older)).toEqual([
      'GRANT "r" TO "a" WITH ADMIN OPTION GRANTED BY "postgres"',
      'GRANT "r" TO "b" GRANTED BY "a"',
    ]);
    expect(grants(newer, newer, 'admin')).toEqual([
      'GRANT "r" TO "a" WITH ADMIN TRUE GRANTED BY "admin"',
      'GRANT "r" TO "b" WITH ADMIN FALSE GRANTED BY "a"',
    ]);
    expect(grants(older, newer).at(-1)).toBe('GRANT "r" TO "b" WITH ADMIN FALSE GRANTED BY "postgres"');
    expect(grants(newer, older).at(-1)).toBe('GRANT "r" TO "b" GRANTED BY "a"');
  });

  it('gives nobody more on an older server', () => {
    const roles = ['r', 'a', 'b', 'c'].map((name) => bareRole(name, { inherit: name !== 'c' }));
    const memberships = [
      member('r', 'a', 'postgres', { inherit: true, set: false }),
      member('r', 'b', 'postgres', { inherit: false, set: true }),
      member('r', 'c', 'postgres', { inherit: false, set: true }),
    ];
    const made = plan(bareGlobals({ serverVersion: 160_000, roles, memberships }));
    expect(made.steps.filter(({ makes }) => makes === 'memberships').map(({ object }) => object)).toEqual([
      'membership of c in r',
    ]);
    expect(made.shortfalls.map(({ object }) => object)).toEqual(['membership of a in r', 'membership of b in r']);
  });
});

describe('a plan', () => {
  const roles = [bareRole('a'), bareRole('b')];

  it('makes nothing of or for what exists', () => {
    const globals = bareGlobals({
      roles,
      memberships: [member('a', 'b', 'postgres')],
      settings: [
        { database: null, role: 'a', values: ['work_mem=1MB'] },
        { database: null, role: null, values: ['work_mem=1MB'] },
        { database: 'there', role: null, values: ['work_mem=1MB'] },
      ],
    });
    const settings = [{ database: null, role: null, values: ['work_mem=2MB'] }];
    expect(statements(globals, { roles, settings })).toEqual([]);
    expect(statements(globals, { roles, settings }, ['there'])).toEqual([
      'ALTER DATABASE "there" SET "work_mem" TO \'1MB\'',
    ]);
    expect(statements(globals, { roles: [bareRole('b')], settings })).toEqual([
      expect.stringContaining('CREATE ROLE "a"'),
      'GRANT "a" TO "b" GRANTED BY "postgres"',
      'ALTER ROLE "a" SET "work_mem" TO \'1MB\'',
    ]);
  });

  it('names predefined roles that the server does not have', () => {
    const globals = bareGlobals({ roles, memberships: [member('pg_maintain', 'a', 'postgres')] });
    expect(plan(globals).shortfalls).toEqual([
      {
        object: 'membership of a in pg_maintain',
        reason: 'The cluster has no role pg_maintain: it was left out.',
        degrades: true,
      },
    ]);
  });

  it('puts tablespaces where they were, or where the map says', () => {
    const space = (name: string, location: string) => ({
      name,
      owner: 'a',
      location,
      options: [],
      grants: null,
      comment: null,
      labels: [],
    });
    const globals = bareGlobals({
      roles,
      tablespaces: [space('x', '/x'), space('in', 'pg_tblspc/1'), space('pg_default', '')],
    });
    const made = (map: Record<string, string> = {}) =>
      planGlobals(
        globals,
        { globals: bareGlobals(), databases: new Set(), roleNames: new Set() },
        new Map(Object.entries(map)),
      );
    expect(made().tablespaces.map(({ location }) => location)).toEqual(['/x']);
    expect(made().shortfalls).toEqual([expect.objectContaining({ object: 'tablespace in' })]);
    expect(made({ x: '/y', in: '/z' }).tablespaces.map(({ location }) => location)).toEqual(['/y', '/z']);
  });
});

describe('differences', () => {
  const databases = new Set<string>();

  it('name each thing, and never a value', () => {
    const was = bareGlobals({ roles: [bareRole('a', { password: scram }), bareRole('b')] });
    const is = bareGlobals({ roles: [bareRole('a', { password: md5 }), bareRole('c')] });
    expect(differencesOf(was, is, databases).filter(({ verdict }) => verdict !== 'equal')).toEqual([
      { kind: 'role', object: 'a', verdict: 'differs', detail: 'Different: password.' },
      { kind: 'role', object: 'b', verdict: 'differs', detail: 'It is missing.' },
      { kind: 'role', object: 'c', verdict: 'differs', detail: 'It is not in the snapshot.', extra: true },
    ]);
  });

  it('finds any change of a role', () => {
    const was = bareGlobals({ roles: [bareRole('a')] });
    const { name: _, labels: __, ...rest } = bareRole('a');
    for (const [key, value] of Object.entries(rest)) {
      const changed = typeof value === 'boolean' ? !value : typeof value === 'number' ? 9 : 'x';
      const is = bareGlobals({ roles: [bareRole('a', { [key]: changed })] });
      const found = differencesOf(was, is, databases).filter(({ verdict }) => verdict !== 'equal');
      expect(found, key).toHaveLength(1);
    }
  });

  it('tells several grantors apart where the server does', () => {
    const roles = ['r', 'a', 'b'].map((name) => bareRole(name));
    const both = [member('r', 'a', 'postgres', { set: true }), member('r', 'a', 'b', { set: true })];
    const of = (serverVersion: number, memberships: Membership[], bootstrap?: string) =>
      bareGlobals({ serverVersion, roles, memberships, ...(bootstrap && { bootstrap }) });
    const differing = (was: Globals, is: Globals) =>
      differencesOf(was, is, databases).flatMap(({ verdict, kind, detail }) =>
        kind === 'membership' && verdict !== 'equal' ? [detail] : [],
      );
    expect(differing(of(160_000, both), of(160_000, both.slice(0, 1)))).toEqual(['It is missing.']);
    expect(differing(of(150_000, both), of(160_000, both.slice(0, 1)))).toEqual([]);
    expect(differing(of(160_000, both), of(160_000, [both[0]!, { ...both[1]!, set: false }]))).toEqual([
      'Different: set option.',
    ]);
    expect(differing(of(150_000, both.slice(0, 1)), of(150_000, both.slice(1)))).toEqual(['Different: grantor.']);
    expect(differing(of(160_000, both.slice(0, 1)), of(160_000, [{ ...both[0]!, grantor: 'x' }], 'x'))).toEqual([]);
  });
});

describe('globals.json', () => {
  it('is read back only when everything has its type', () => {
    const globals = bareGlobals({
      roles: [bareRole('a', { password: scram })],
      memberships: [member('a', 'b', null)],
      settings: [{ database: null, role: null, values: ['a=b'] }],
      parameters: [{ name: 'p', grants: [{ grantor: 'a', grantee: null, privilege: 'SET', grantable: true }] }],
    });
    expect(parseGlobals(JSON.stringify(globals))).toEqual(globals);
    const damaged: unknown[] = [
      null,
      { ...globals, format: 2 },
      { ...globals, roles: [{ ...globals.roles[0], connectionLimit: '1; DROP ROLE x' }] },
      { ...globals, roles: [{ ...globals.roles[0], name: 'nul\0' }] },
      { ...globals, memberships: [{ ...globals.memberships[0], admin: 'TRUE' }] },
      { ...globals, settings: [{ database: null, role: null, values: ['noname'] }] },
      {
        ...globals,
        parameters: [{ name: 'p', grants: [{ grantor: 'a', grantee: null, privilege: 'X; Y', grantable: true }] }],
      },
    ];
    for (const each of damaged) {
      expect(() => parseGlobals(JSON.stringify(each))).toThrow(expect.objectContaining({ code: 'object-damaged' }));
    }
    // Without its cause: a parser's message quotes what it could not read.
    const unreadable = expect.not.objectContaining({ cause: expect.anything() });
    expect(() => parseGlobals('{"secret')).toThrow(unreadable);
  });
});

describe('globals.sql', () => {
  it('is what it was', async () => {
    const globals = bareGlobals({
      serverVersion: 160_004,
      salt: 'f00d',
      roles: [
        bareRole('app', { login: true, password: scram, salt: 'beef', comment: "it's" }),
        bareRole('$holdfast$ \\q\n', { labels: [{ provider: 'dummy', label: 'x' }] }),
      ],
      predefined: [{ role: 'pg_monitor', comment: 'watched', labels: [] }],
      memberships: [
        member('app', '$holdfast$ \\q\n', 'lead', { inherit: true, set: false }),
        member('app', 'lead', 'postgres', { admin: true, inherit: true, set: true }),
      ],
      settings: [
        { database: null, role: null, values: ['work_mem=4MB'] },
        { database: 'shop', role: null, values: ['search_path="$user", shop'] },
        { database: 'shop', role: 'app', values: ['work_mem=8MB'] },
      ],
      parameters: [
        {
          name: 'log_statement',
          grants: [{ grantor: 'postgres', grantee: 'app', privilege: 'SET', grantable: false }],
        },
      ],
      tablespaces: [
        {
          name: 'fast',
          owner: 'app',
          location: "/srv/it's",
          options: ['random_page_cost=1.1'],
          grants: [{ grantor: 'app', grantee: null, privilege: 'CREATE', grantable: false }],
          comment: null,
          labels: [],
        },
      ],
    });
    await expect(globalsScript(globals)).toMatchFileSnapshot('../golden/globals.sql');
    const old = globalsScript({ ...globals, serverVersion: 130_011 });
    expect(old).toContain('GRANTED BY "lead";\nELSE\nGRANT "app" TO "$holdfast$ \\q\n";\nEND IF;');
  });

  it('leaves nothing outside of quotes that came from a name', () => {
    const names = fc.string({ unit: 'binary', minLength: 1 }).filter((name) => !name.includes('\0'));
    fc.assert(
      fc.property(names, names, names, (name, comment, value) => {
        const usual = skeleton(scriptWith('name', 'comment', 'value'));
        expect(usual).toContain('CREATE TABLESPACE "" OWNER "" LOCATION \'\'');
        expect(skeleton(scriptWith(name, comment, value))).toBe(usual);
      }),
      {
        examples: [
          ['$holdfast$', '$holdfast1$', "'"],
          ['\n\\! id\n', '*/ --', '\\'],
        ],
      },
    );
  });
});

function scriptWith(name: string, comment: string, value: string): string {
  const labels = [{ provider: name, label: comment }];
  const grants = [{ grantor: name, grantee: name, privilege: 'CREATE', grantable: true }];
  return globalsScript(
    bareGlobals({
      roles: [bareRole(name, { comment, labels, validUntil: value })],
      predefined: [{ role: name, comment, labels }],
      memberships: [member(name, name, name)],
      settings: [{ database: name, role: name, values: [`my_setting=${value}`] }],
      tablespaces: [{ name, owner: name, location: `/${name}`, options: [`cost=${value}`], grants, comment, labels }],
      parameters: [{ name: 'my_setting', grants: [{ ...grants[0]!, privilege: 'SET' }] }],
    }),
  );
}

/** A script without what stands between quotes, as PostgreSQL's lexer and psql's see it. */
function skeleton(sql: string): string {
  let out = '';
  for (let at = 0; at < sql.length; ) {
    const rest = sql.slice(at);
    const quote = /^'(?:[^']|'')*'|^"(?:[^"]|"")*"/.exec(rest)?.[0];
    if (quote !== undefined) {
      out += quote[0]! + quote[0]!;
      at += quote.length;
    } else out += sql[at++];
  }
  return out.replace(/\$holdfast\d+\$/g, '$holdfast$');
}
