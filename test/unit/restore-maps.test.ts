import { describe, expect, it } from 'vitest';
import { readMap } from '../../commands/restore-target.ts';
import { isHoldfastError } from '../../src/base/errors.ts';
import type { ArchiveToc, TocEntry } from '../../src/sources/postgres/archive-toc.ts';
import { mapAccessItem, mapArchiveRoles } from '../../src/sources/postgres/role-map.ts';
import { nameOf, sqlTokens } from '../../src/sources/postgres/sql-tokens.ts';

const entry = (desc: string, defn: string, more: Partial<TocEntry> = {}): TocEntry => ({
  dumpId: 1,
  tableOid: 0,
  oid: 0,
  tag: 't',
  desc,
  section: 'pre-data',
  defn: Buffer.from(defn),
  dropStmt: Buffer.alloc(0),
  copyStmt: Buffer.alloc(0),
  namespace: 'public',
  tablespace: null,
  tableAm: null,
  relkind: '',
  owner: 'a',
  dependencies: [],
  ...more,
});
const map = new Map([
  ['a', 'x'],
  ['b "b"', 'y'],
  ['réader', 'ß'],
  ['to', 'z'],
]);
const mapped = (desc: string, defn: string, more?: Partial<TocEntry>) =>
  mapArchiveRoles({ entries: [entry(desc, defn, more)] } as ArchiveToc, map).entries[0]!;

describe('roles of an archive', () => {
  it.each([
    [
      'ACL',
      'GRANT SELECT(a),INSERT(b) ON TABLE public.a TO a;\n',
      'GRANT SELECT(a),INSERT(b) ON TABLE public.a TO "x";\n',
    ],
    [
      'ACL',
      'REVOKE ALL ON FUNCTION public.a(a text DEFAULT \'TO a\'::text, "TO" a) FROM a;\nGRANT ALL ON FUNCTION public.a(a a) TO PUBLIC;\n',
      'REVOKE ALL ON FUNCTION public.a(a text DEFAULT \'TO a\'::text, "TO" a) FROM "x";\nGRANT ALL ON FUNCTION public.a(a a) TO PUBLIC;\n',
    ],
    [
      'ACL',
      'SET SESSION AUTHORIZATION a;\nGRANT ALL ON TABLE public."TO" TO "b ""b""" WITH GRANT OPTION;\nRESET SESSION AUTHORIZATION;\n',
      'SET SESSION AUTHORIZATION "x";\nGRANT ALL ON TABLE public."TO" TO "y" WITH GRANT OPTION;\nRESET SESSION AUTHORIZATION;\n',
    ],
    [
      'ACL',
      'REVOKE GRANT OPTION FOR ALL ON SCHEMA "a; GRANT x TO a" FROM "réader";',
      'REVOKE GRANT OPTION FOR ALL ON SCHEMA "a; GRANT x TO a" FROM "ß";',
    ],
    [
      'DEFAULT ACL',
      'ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA a REVOKE ALL ON TABLES  FROM a;\nALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA a GRANT SELECT ON TABLES  TO other;\n',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "x" IN SCHEMA a REVOKE ALL ON TABLES  FROM "x";\nALTER DEFAULT PRIVILEGES FOR ROLE "x" IN SCHEMA a GRANT SELECT ON TABLES  TO "other";\n',
    ],
    [
      'POLICY',
      `CREATE POLICY "TO" ON public.t AS RESTRICTIVE FOR SELECT TO "to", a USING (("who" = 'a'::name) OR (a IN ( SELECT a FROM b)));\n`,
      `CREATE POLICY "TO" ON public.t AS RESTRICTIVE FOR SELECT TO "x", "z" USING (("who" = 'a'::name) OR (a IN ( SELECT a FROM b)));\n`,
    ],
    [
      'POLICY',
      `CREATE POLICY p ON public.t USING (to_a('TO a'));`,
      `CREATE POLICY p ON public.t USING (to_a('TO a'));`,
    ],
    [
      'POLICY',
      `CREATE POLICY p ON t FOR INSERT TO PUBLIC WITH CHECK (true);`,
      `CREATE POLICY p ON t FOR INSERT TO PUBLIC WITH CHECK (true);`,
    ],
    [
      'USER MAPPING',
      `CREATE USER MAPPING FOR a SERVER a OPTIONS (\n    password 'FOR a''s',\n    "user" 'a'\n);\n`,
      `CREATE USER MAPPING FOR "x" SERVER a OPTIONS (\n    password 'FOR a''s',\n    "user" 'a'\n);\n`,
    ],
    ['USER MAPPING', 'CREATE USER MAPPING FOR public SERVER s;', 'CREATE USER MAPPING FOR public SERVER s;'],
    // Whatever is in a body or a definition stays.
    [
      'FUNCTION',
      `CREATE FUNCTION a() AS $$ GRANT ALL ON t TO a; $$;`,
      `CREATE FUNCTION a() AS $$ GRANT ALL ON t TO a; $$;`,
    ],
  ])('%s: %s', (desc, before, after) => {
    const { defn, owner } = mapped(desc, before);
    expect(defn.toString()).toBe(after);
    expect(owner).toBe('x');
  });

  it('follow in the label of a mapping', () => {
    const { tag } = mapped('USER MAPPING', 'CREATE USER MAPPING FOR "réader" SERVER "s SERVER t";', {
      tag: 'USER MAPPING réader SERVER s SERVER t',
    });
    expect(tag).toBe('USER MAPPING ß SERVER s SERVER t');
  });

  it.each([
    ['ACL', 'GRANT SELECT ON t TO a, b;'],
    ['ACL', 'GRANT SELECT ON t TO a GRANTED BY a;'],
    ['ACL', 'DO $$ GRANT SELECT ON t TO a; $$;'],
    ['ACL', `GRANT SELECT ON "t TO a;`],
    ['DEFAULT ACL', 'ALTER DEFAULT PRIVILEGES FOR USER a GRANT SELECT ON TABLES TO a;'],
    ['POLICY', 'CREATE POLICY p ON t TO a b USING (true);'],
    ['USER MAPPING', 'ALTER USER MAPPING FOR a SERVER s;'],
  ])('that cannot be told are an error: %s %s', (desc, sql) => {
    expect(() => mapped(desc, sql)).toThrow(expect.objectContaining({ code: 'target-failed' }));
  });

  it('keep bytes that are no UTF-8', () => {
    const defn = Buffer.concat([
      Buffer.from('GRANT SELECT ON TABLE "'),
      Buffer.from([0xe4, 0xff]),
      Buffer.from('" TO a;'),
    ]);
    const after = mapArchiveRoles({ entries: [{ ...entry('ACL', ''), defn }] } as unknown as ArchiveToc, map)
      .entries[0]!;
    expect(after.defn).toEqual(Buffer.concat([defn.subarray(0, -2), Buffer.from('"x";')]));
  });
});

describe('items of access lists', () => {
  const to = (name: string) => map.get(name) ?? name;
  it.each([
    ['a=arwdDxt/a', 'x=arwdDxt/x'],
    ['=r/a', '=r/x'],
    ['"b ""b"""=r*w/other', 'y=r*w/other'],
    ['"réader"=X/"=/"', '"ß"=X/"=/"'],
  ])('%s', (before, after) => expect(mapAccessItem(before, to)).toBe(after));
  it('that are not understood are an error', () => {
    expect(() => mapAccessItem('nonsense', to)).toThrow(expect.objectContaining({ code: 'target-failed' }));
  });
});

describe('tokens', () => {
  it('end where the server ends them', () => {
    const sql = `a -- 'x\n"B""c" E'it\\'s' $t$ $$ 'x $t$ /* /* */ ' */ (1.5e3, [D])`;
    const tokens = sqlTokens(sql)!;
    expect(tokens.map(({ start, end }) => sql.slice(start, end))).toEqual([
      'a',
      '"B""c"',
      `E'it\\'s'`,
      `$t$ $$ 'x $t$`,
      '(',
      '1.5e3',
      ',',
      '[',
      'D',
      ']',
      ')',
    ]);
    expect(tokens.map(({ depth }) => depth)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 2, 1, 0]);
    expect(nameOf(sql, tokens[1]!)).toBe('B"c');
    expect(nameOf(sql, tokens[8]!)).toBe('d');
  });
  it.each([`'`, '"', '/* /* */', '$a$ $b$', '(', ')', `E'\\'`])('of %s do not end', (sql) =>
    expect(sqlTokens(sql)).toBeUndefined(),
  );
});

describe('OLD=NEW', () => {
  it('is read with quotes where names have the sign', () => {
    expect([...readMap('--role-map', ['a=b', '"c=d"="e ""f"""'], false)]).toEqual([
      ['a', 'b'],
      ['c=d', 'e "f"'],
    ]);
    expect([...readMap('--tablespace-map', ['fast='], true)]).toEqual([['fast', '']]);
  });
  it.each([['a'], ['a='], ['=b'], ['a=b=c'], ['a=b', 'a=c']])('%s is a usage error', (...texts) => {
    expect(() => readMap('--role-map', texts, false)).toThrow(
      expect.toSatisfy((error) => isHoldfastError(error, 'usage')),
    );
  });
});
