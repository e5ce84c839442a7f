import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import { type BinaryCells, binaryCellsOf } from '../../src/pseudonyms/binary-cells.ts';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { binaryColumns } from '../../src/pseudonyms/copy/binary-columns.ts';
import { CopyBinaryRewriter } from '../../src/pseudonyms/copy-binary.ts';
import { copyIn } from '../../src/sources/postgres/copy-in.ts';
import { copyOut } from '../../src/sources/postgres/copy-out.ts';
import { openSession, type Session } from '../../src/sources/postgres/session.ts';
import { copySettings, reviewDatabase, type ShortRule } from '../support/copied-database.ts';
import { useCluster } from '../support/postgres.ts';

/** Rows in binary format: what cells are as text, and as binary again, by the server's own word. */

const cluster = useCluster();
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'binary-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function bytesOf(session: Session, sql: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const space = Buffer.alloc(64 * 1024);
  await copyOut(session, sql, {
    space: () => space,
    filled: async (length) => {
      pieces.push(Buffer.from(space.subarray(0, length)));
    },
  });
  return Buffer.concat(pieces);
}

const moments = [
  ...['2000-01-01 00:00:00', '1999-12-31 23:59:59.999999', '2026-11-29 04:00:00.5', '1970-01-01 00:00:00.000001'],
  ...['0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', '10000-01-01 12:00:00', '0044-03-15 12:30:00.25 BC'],
  ...[
    '294276-12-31 23:59:59.999999',
    '4714-11-24 00:00:00 BC',
    '1700-02-28 13:14:15.16',
    '2300-02-28 01:02:03',
    'infinity',
    '-infinity',
  ],
];
/** Type → values as the server reads them. */
const values: Record<string, string[]> = {
  date: [
    ...['2000-01-01', '1999-12-31', '1950-02-28', '2024-02-29', '0001-01-01', '9999-12-31', '10000-01-01'],
    ...['0001-12-31 BC', '4714-11-24 BC', '5874897-12-31', 'infinity', '-infinity'],
  ],
  'timestamp without time zone': moments,
  'timestamp with time zone': moments,
  smallint: ['0', '1', '-1', '32767', '-32768', '10'],
  integer: ['0', '7', '-7', '2147483647', '-2147483648', '100000', '999999999', '1000000000'],
  bigint: [
    ...['0', '-1', '4294967295', '4294967296', '-4294967296', '9007199254740991', '-9007199254740992'],
    ...['9007199254740993', '9223372036854775807', '-9223372036854775808', '999999999999999', '1000000000000000'],
  ],
  uuid: [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '0c1f2e3d-4b5a-6978-8796-a5b4c3d2e1f0',
  ],
  inet: [
    ...[
      '10.0.0.1',
      '0.0.0.0',
      '255.255.255.255',
      '192.168.1.0/24',
      '10.0.0.1/8',
      '1.2.3.4/0',
      '::',
      '::1',
      'fe80::1/64',
    ],
    ...[
      '2001:db8::8:800:200c:417a',
      '1:0:0:2:0:0:0:3',
      '0:0:1::',
      '::ffff:1.2.3.4',
      '::ffff:1.2.3.4/96',
      '::1.2.3.4',
      '::0.1.0.0',
    ],
    ...['::0.0.255.255', '::ffff:0:0', '1:2:3:4:5:6:7:8', '1:0:2:0:3:0:4:0', '::2:3:4:5:6:7:8'],
  ],
  cidr: ['10.0.0.0/8', '10.1.2.3', '0.0.0.0/0', '::/0', '2001:db8::/32', 'fe80::1', '::ffff:1.2.3.0/120'],
  jsonb: ['{"a": [1, "é\\n", null]}', '1', '"x"', 'null', '[]'],
  json: ['{"a" :  1}', '[ ]'],
  text: ['', 'a', 'é😀', 'tab\t line\n back\\slash \\N', 'x'.repeat(5000)],
  'character varying': ['', 'b'],
  'character(5)': ['ab', 'é'],
  name: ['n'],
};

describe('values of columns with rules', () => {
  it.each(Object.entries(values))(
    'of type %s are the text that the server writes, and go back as they are',
    async (type, list) => {
      await using session = await openSession(cluster.connection, { applicationName: 'test' });
      await session.run('DROP TABLE IF EXISTS public.given; DROP TABLE IF EXISTS public.taken');
      await session.run(`CREATE TABLE public.given (v ${type}); CREATE TABLE public.taken (v ${type})`);
      await session.query(`INSERT INTO public.given SELECT v::${type} FROM unnest($1::text[]) v`, [[...list, null]]);
      const told = await session.query<{ v: string | null }>(
        `SELECT CASE WHEN v IS NOT NULL THEN pg_catalog.format('%s', v) END AS v FROM public.given ORDER BY ctid`,
      );
      const expected = told.map(({ v }) => v);
      const cells = binaryCellsOf(type.replace(/\(.*/, ''))!;
      expect(cells).toBeDefined();
      const seen: (string | null)[] = [];
      const rewriter = new CopyBinaryRewriter({
        columns: 1,
        ruled: [0],
        cells: [cells === 'text' ? undefined : (cells as BinaryCells)],
        rewrite: ([column]) => {
          seen.push(...column!.strings());
          return [new ByteColumn().fill(column!.strings())];
        },
      });
      const out = rewriter.push(await bytesOf(session, 'COPY public.given TO STDOUT WITH (FORMAT binary)'));
      rewriter.end();
      expect(seen).toEqual(expected);
      await copyIn(
        session,
        'COPY public.taken FROM STDIN WITH (FORMAT binary)',
        (async function* () {
          yield* out;
        })(),
      );
      const [{ differing }] = (await session.query<{ differing: string }>(
        `SELECT count(*) AS differing FROM (
         SELECT row_number() OVER (ORDER BY ctid) AS at, v::text AS v FROM public.given
         EXCEPT SELECT row_number() OVER (ORDER BY ctid), v::text FROM public.taken) d`,
      )) as [{ differing: string }];
      expect(Number(differing)).toBe(0);
    },
  );

  it.each([
    ['date', ['yesterday', '2000-13-01', '2000-01-01 00:00:00', '']],
    ['timestamp with time zone', ['2000-01-01 00:00:00', '2000-01-01 00:00:00+02', 'now', '']],
    ['timestamp without time zone', ['2000-01-01 00:00:00+00', '']],
    ['smallint', ['32768', '-32769', '', '-', '1.5']],
    ['integer', ['2147483648', '-2147483649', '', 'x', ' 5']],
    ['bigint', ['9223372036854775808', '99999999999999999999999', '']],
    ['uuid', ['0c1f2e3d', '0c1f2e3d-4b5a-6978-8796-a5b4c3d2e1f00', '']],
    ['inet', ['10.0.0', '1.2.3.4/33', 'g::', '']],
  ])('%s: what is none is refused, and not told', (type, list) => {
    const cells = binaryCellsOf(type) as BinaryCells;
    for (const value of list) {
      const write = () => cells.write(new ByteColumn().fill([value]), new ByteColumn());
      expect(write, value).toThrow(RangeError);
      if (value !== '' && value !== '-') expect(write).not.toThrow(value);
    }
  });
});

describe('tables', () => {
  const rules: Record<string, ShortRule> = {
    name: 'last-name',
    mail: 'email',
    born: 'birth-date',
    code: { kind: 'id', domain: 'codes' },
    ref: { kind: 'uuid', domain: 'refs' },
    host: { kind: 'ip', domain: 'hosts' },
    seen: { kind: 'date-shift', by: 'id', domain: 'times' },
    extra: { kind: 'json', paths: { '$.name': { kind: 'last-name', options: {} } }, default: 'keep' },
    gone: 'null',
  };
  /** Beside those, of columns that stay as they are. */
  const elements: Record<string, ShortRule> = { tags: { kind: 'array', paths: { '$[]': 'keep' } } };
  const columns = `id bigint PRIMARY KEY, name varchar(60), mail public.mail, born date, code integer, ref uuid, host inet,
    seen timestamptz, extra jsonb, gone integer, level public.level, price numeric(10, 2), raw bytea, part interval,
    ratio float8, flag boolean, day time, bits bit(4), alike public.citext, tags text[], found tsvector`;
  let source: pg.Client;
  const asText = 'x public.pair';

  beforeAll(async () => {
    await cluster.createDatabase('binary_source');
    source = await cluster.client('binary_source');
    await source.query(`
      CREATE EXTENSION citext;
      CREATE TYPE public.level AS ENUM ('low', 'high');
      CREATE TYPE public.pair AS (a int, b int);
      CREATE DOMAIN public.mail AS text CHECK (VALUE ~ '@');
      CREATE TABLE public.quick (${columns});
      CREATE TABLE public.slow (${columns}, ${asText});
      INSERT INTO public.quick SELECT i, 'Müller' || i % 7, 'user' || i || '@example.org', date '1950-01-01' + i, i, md5(i::text)::uuid,
        '10.0.0.0'::inet + i, timestamptz '2026-01-01' + i * interval '1 hour', jsonb_build_object('name', 'Dupont', 'n', i), i,
        (ARRAY['low', 'high'])[1 + i % 2]::public.level, i / 3.0, decode(md5(i::text), 'hex'),
        i * interval '1 minute', i / 7.0, i % 2 = 0, time '00:00' + i * interval '1 second', i::bit(4), 'Alike' || i, ARRAY['a', NULL, 'b' || i], to_tsvector('simple', 'word' || i || ' second')
      FROM generate_series(1, 3000) i;
      INSERT INTO public.quick (id) VALUES (4000);
      INSERT INTO public.slow SELECT q.*, NULL FROM public.quick q ORDER BY id`);
  });

  it('go in binary format where every type is known, and as text where one is not', async () => {
    const connection = { ...cluster.connection, database: 'binary_source' };
    await using session = await openSession(connection, { applicationName: 'test' });
    const oidOf = async (name: string) =>
      Number((await session.query<{ oid: string }>('SELECT $1::regclass::oid AS oid', [name]))[0]!.oid);
    const names = async (oid: number) =>
      (
        await session.query<{ name: string }>(
          'SELECT attname::text AS name FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum > 0 ORDER BY attnum',
          [oid],
        )
      ).map(({ name }) => name);
    const asked = async (table: string, positions: number[], ruled: [number, string][] = []) => {
      const oid = await oidOf(table);
      const all = await names(oid);
      const transform = {
        columns: all,
        ruled: ruled.map(([at, kind]) => ({ at, column: all[at]!, rule: { kind } })) as never,
      };
      return binaryColumns(session, oid, transform, positions);
    };
    expect(await asked('public.slow', [1])).toBeUndefined();
    // With the rules of the test that follows.
    const kinds = Object.values(rules).map((rule, k): [number, string] => [
      k + 1,
      typeof rule === 'string' ? rule : rule.kind,
    ]);
    const positions = kinds.map(([at]) => at);
    expect(await asked('public.quick', positions, kinds)).toBeDefined();
    const quick = await asked('public.quick', [1, 2, 3, 18]);
    expect(quick?.map((cells) => cells !== undefined)).toEqual([false, false, true, false]);
    // What only the server can read.
    expect(await asked('public.quick', [3], [[3, 'fixed']])).toBeUndefined();
    expect(await asked('public.quick', [3], [[3, 'birth-date']])).toBeDefined();
    expect(await asked('public.quick', [10])).toBeUndefined();
  });

  it('have the same pseudonyms, and the same values of all else, in either format', async () => {
    const connection = { ...cluster.connection, database: 'binary_source' };
    const lockFile = join(directory, 'lock.yaml');
    const settings = copySettings({ connection, lockFile, database: 'binary_copy', jobs: 2 });
    const columnsOf = async (table: string) =>
      (
        await source.query<{ name: string }>(
          `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`,
          [table],
        )
      ).rows.map(({ name }) => name);
    const review: Record<string, ShortRule> = {};
    for (const table of ['public.quick', 'public.slow'])
      for (const column of await columnsOf(table))
        review[`${table}.${column}`] = rules[column] ?? elements[column] ?? 'keep';
    await reviewDatabase(settings, { columns: review });
    await copyDatabase(settings);
    const copy = await cluster.client('binary_copy');
    const shared = (await columnsOf('public.quick')).map((name) => `"${name}"`).join(', ');
    const differing = await copy.query(
      `SELECT count(*)::int AS n FROM (SELECT quick::text AS row FROM (SELECT ${shared} FROM public.quick) quick
         EXCEPT SELECT slow::text FROM (SELECT ${shared} FROM public.slow) slow) d`,
    );
    expect(differing.rows).toEqual([{ n: 0 }]);
    const counts =
      await copy.query(`SELECT count(*)::int AS rows, count(DISTINCT mail)::int AS mails, count(gone)::int AS gone,
      count(DISTINCT code)::int AS codes FROM public.quick`);
    expect(counts.rows).toEqual([{ rows: 3001, mails: 3000, gone: 0, codes: 3000 }]);
    const kept = Object.keys(rules);
    const rest = (await columnsOf('public.quick')).filter((name) => !kept.includes(name)).join(', ');
    const rows = (client: pg.Client) => client.query(`SELECT ${rest} FROM public.quick ORDER BY id`);
    expect((await rows(copy)).rows).toEqual((await rows(source)).rows);
    const changed = async (client: pg.Client) =>
      (await client.query(`SELECT name, mail, born::text, code, ref, host, seen::text FROM public.quick ORDER BY id`))
        .rows;
    const [before, after] = [await changed(source), await changed(copy)];
    for (const name of ['name', 'mail', 'born', 'code', 'ref', 'host', 'seen'])
      expect(after.filter((row, at) => row[name] !== null && row[name] === before[at]![name]).length).toBeLessThan(30);
  });
});
