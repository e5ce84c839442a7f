import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { findAmcheck, runAmcheck } from '../../src/jobs/verify/checks/amcheck.ts';
import type { Assertion, Expectation } from '../../src/jobs/verify/checks/assertion.ts';
import { checkAssertions } from '../../src/jobs/verify/checks/assertions.ts';
import { type ConstraintsInput, examineConstraints } from '../../src/jobs/verify/checks/constraints.ts';
import { ask } from '../../src/jobs/verify/checks/question.ts';
import { withReader } from '../../src/jobs/verify/checks/reading-role.ts';
import type { Reference } from '../../src/jobs/verify/checks/reference.ts';
import { checkReferences } from '../../src/jobs/verify/checks/references.ts';
import type { VerifyCheck } from '../../src/jobs/verify/report.ts';
import type { FilesLine } from '../../src/sources/files/manifest.ts';
import { type ArchiveToc, readToc } from '../../src/sources/postgres/archive-toc.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { useCluster } from '../support/postgres.ts';

/** What a proof asks beside the comparison: green on a good database, red on every damage, and never a value of a row. */

const cluster = useCluster();
const signal = new AbortController().signal;
const clock = systemClock;
const run = promisify(execFile);

/** In every row, so that any report that quotes one is found. */
const mark = 'Zu9Quarz';
const snapshotTime = Date.parse('2026-03-01T04:00:00.000Z');
const hash = (digit: string) => digit.repeat(64);

const schema = `
  CREATE SCHEMA app;
  CREATE TABLE app.people (id int PRIMARY KEY, name text NOT NULL, country text);
  CREATE TABLE app.orders (
    id int PRIMARY KEY, person int REFERENCES app.people, total numeric NOT NULL, at timestamptz NOT NULL);
  CREATE TABLE app.parts (id int, region text, CHECK (id > 0)) PARTITION BY LIST (region);
  CREATE TABLE app.parts_a PARTITION OF app.parts FOR VALUES IN ('a');
  CREATE TABLE app.parts_b PARTITION OF app.parts FOR VALUES IN ('b');
  CREATE INDEX parts_id ON ONLY app.parts (id);
  CREATE INDEX orders_at ON app.orders (at);
  INSERT INTO app.people SELECT i, '${mark}' || i, CASE WHEN i % 2 = 0 THEN 'FR' END FROM generate_series(1, 500) i;
  INSERT INTO app.orders SELECT i, i, i, '2026-02-01 12:00+00'::timestamptz + i * interval '1 minute' FROM generate_series(1, 500) i;
  INSERT INTO app.parts VALUES (1, 'a'), (2, 'b');
  -- As they are in the source, too.
  INSERT INTO app.orders VALUES (1000, NULL, 1, '2026-02-28 12:00+00'), (1001, NULL, 2, '2031-01-01 00:00+00');
  CREATE TABLE app.notes (id int PRIMARY KEY, person int, text text);
  INSERT INTO app.notes VALUES (1, 1, '${mark}'), (2, 77777, '${mark}');
  ALTER TABLE app.notes ADD CONSTRAINT notes_person FOREIGN KEY (person) REFERENCES app.people NOT VALID;
  ALTER TABLE app.notes ADD CONSTRAINT notes_short CHECK (length(text) < 3) NOT VALID;
  CREATE DOMAIN app.code AS text; CREATE TABLE app.codes (code app.code); INSERT INTO app.codes VALUES ('${mark}');
  ALTER DOMAIN app.code ADD CONSTRAINT code_short CHECK (length(VALUE) < 3) NOT VALID;
  CREATE TABLE app.base (id int); CREATE TABLE app.heir () INHERITS (app.base); INSERT INTO app.heir VALUES (-1);
  ALTER TABLE app.base ADD CONSTRAINT base_positive CHECK (id > 0) NOT VALID;
  CREATE TABLE app.files (id int PRIMARY KEY, path text, sha256 text);
  INSERT INTO app.files VALUES
    (1, '${mark}/a.pdf', '${hash('a')}'), (2, '/srv/files/${mark}/b.pdf', 'SHA256:${hash('b').toUpperCase()}'),
    (3, '${mark}/ä.txt', '\\x${hash('c')}'), (4, NULL, '${hash('d')}'), (5, '${mark}/link.pdf', '${hash('a')}'),
    (6, '${mark}/empty', '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  CREATE FUNCTION app.tell() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '${mark}'; END $$;
  CREATE FUNCTION app.escape() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('role', 'postgres', true); PERFORM pg_catalog.pg_ls_dir('.'); RETURN 1; END $$;
  ANALYZE;
`;

let good: PostgresConnection;
let archive: ArchiveToc;
/** Of the role that assertions and references are asked by. */
let reader: PostgresConnection;
let dropReader: () => Promise<void>;
const reports: VerifyCheck[] = [];

beforeAll(async () => {
  await cluster.createDatabase('model');
  const client = await cluster.client('model');
  await client.query(schema);
  await client.end();
  good = await cluster.createDatabase('good', { template: 'model' });
  const { stdout } = await run(
    join(cluster.throwaway.binaries.directory, 'pg_dump'),
    ['-Fc', '-Z0', '--section=pre-data', '--section=post-data', '-h', good.host, '-U', good.user, 'good'],
    { encoding: 'buffer', maxBuffer: 1 << 26 },
  );
  archive = readToc(stdout);
  await new Promise<void>((ready, failed) => {
    const held = withReader(good, signal, async (connection) => {
      reader = connection;
      await new Promise<void>((end) => {
        dropReader = () => {
          end();
          return held;
        };
        ready();
      });
    });
    held.catch(failed);
  });
});

afterAll(() => {
  expect(reports.length).toBeGreaterThan(30);
  expect(JSON.stringify(reports)).not.toContain(mark);
});

/** A database with the schema, and something done to it. */
async function damaged(
  name: string,
  damage: string | ((client: pg.Client) => Promise<unknown>),
): Promise<PostgresConnection> {
  const connection = await cluster.createDatabase(name, { template: 'model' });
  const client = await cluster.client(name);
  await (typeof damage === 'string' ? client.query(damage) : damage(client));
  await client.end();
  return connection;
}

function kept(check: VerifyCheck): VerifyCheck {
  reports.push(check);
  return check;
}

describe('constraints and indexes', () => {
  async function examine(connection: PostgresConnection, foreignKeys: ConstraintsInput['foreignKeys'] = 'doubtful') {
    await using session = await openSession(connection, { applicationName: 'test' });
    const question = { id: 'constraints-and-indexes', title: 'Constraints', clock, signal } as const;
    return kept(await ask(question, () => examineConstraints({ session, archive, foreignKeys })));
  }

  it.each(['doubtful', 'all'] as const)(
    'pass, and what was not valid in the source is named (%s keys)',
    async (keys) => {
      const check = await examine(good, keys);
      expect(check).toMatchObject({
        verdict: 'pass',
        findings: [],
        figures: { notValidInSource: 5, violatingRows: 1 },
      });
      expect(check.figures.foreignKeysExamined).toBe(keys === 'all' ? 2 : 1);
      expect(check.equal).toBeGreaterThan(10);
      expect(check.why).toMatch(/NOT VALID as in the source: .*app\.base "base_positive".*app\.heir "base_positive"/);
      expect(check.why).toContain('Indexes that not every partition has, as in the source: app.parts_id.');
      expect(check.why).toContain('One row refers to nothing by the foreign key "notes_person" of app.notes');
    },
  );

  it('fail when a constraint is not valid that was', async () => {
    const check = await examine(
      await damaged(
        'not_valid',
        `ALTER TABLE app.orders DROP CONSTRAINT orders_person_fkey;
         ALTER TABLE app.orders ADD CONSTRAINT orders_person_fkey FOREIGN KEY (person) REFERENCES app.people NOT VALID;`,
      ),
    );
    expect(check).toMatchObject({ verdict: 'fail', figures: { violatingRows: 1, foreignKeysExamined: 2 } });
    expect(check.findings).toEqual([
      {
        kind: 'constraint',
        object: 'app.orders "orders_person_fkey"',
        verdict: 'differs',
        detail: 'It is NOT VALID, and was valid in the source.',
      },
    ]);
  });

  it('fail when an index could not be built, or one of a partitioned table is invalid for no reason', async () => {
    const connection = await damaged('broken_index', async (client) => {
      await expect(client.query('CREATE UNIQUE INDEX CONCURRENTLY broken ON app.people (country)')).rejects.toThrow();
      await client.query(`CREATE INDEX parts_region ON app.parts (region)`);
      await client.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.parts_region'::regclass`);
    });
    const check = await examine(connection);
    expect(check.verdict).toBe('fail');
    expect(check.findings.map(({ object, detail }) => `${object}: ${detail}`)).toEqual([
      'app.broken of app.people: It is not valid and not ready, so PostgreSQL does not use it, or not fully.',
      'app.parts_region of app.parts: It is not valid, so PostgreSQL does not use it, or not fully.',
    ]);
  });

  it('fail when rows violate a foreign key that says it is valid, and when nothing enforces one', async () => {
    const connection = await damaged(
      'violated',
      `SET session_replication_role = replica; UPDATE app.orders SET person = 99999 WHERE id IN (3, 4);
       ALTER TABLE app.people DISABLE TRIGGER ALL;`,
    );
    const check = await examine(connection, 'all');
    expect(check).toMatchObject({ verdict: 'fail', figures: { violatingRows: 3 } });
    expect(check.findings.map(({ object, detail }) => `${object}: ${detail}`)).toEqual([
      'app.notes "notes_person": Its own triggers are switched off, so that nothing enforces it.',
      'app.orders "orders_person_fkey": Its own triggers are switched off, so that nothing enforces it.',
      '"orders_person_fkey" of app.orders, which refers to app.people: 2 rows refer to nothing, although it is valid.',
    ]);
  });
});

describe('amcheck', () => {
  const inputFor = (connection: PostgresConnection, depth: 'quick' | 'full') => ({
    connection,
    depth,
    jobs: 2,
    env: process.env,
    signal,
  });
  async function examine(connection: PostgresConnection, depth: 'quick' | 'full') {
    const input = inputFor(connection, depth);
    const tools = await findAmcheck(input);
    if (!('program' in tools)) throw new Error(tools.missing);
    return kept(await ask({ id: 'amcheck', title: 'Pages', clock, signal }, () => runAmcheck(input, tools.program)));
  }

  it.each(['quick', 'full'] as const)(
    'passes on a sound database and leaves no extension behind (%s)',
    async (depth) => {
      const check = await examine(good, depth);
      expect(check).toMatchObject({ verdict: 'pass', findings: [] });
      expect(check.equal).toBeGreaterThan(100);
      const { rows } = await (await cluster.client('good')).query('SELECT extname FROM pg_extension ORDER BY 1');
      expect(rows).toEqual([{ extname: 'plpgsql' }]);
    },
  );

  it('finds damaged pages of a table and of an index, in a database of any name', async () => {
    const name = `it's a="b" \\ database.x`;
    await damaged('sound', '');
    const client = await cluster.client('sound');
    const { rows } = await client.query(
      `SELECT pg_relation_filepath('app.people') AS heap, pg_relation_filepath('app.orders_at') AS index`,
    );
    await client.query('CHECKPOINT');
    await client.end();
    const pathOf = (relation: 'heap' | 'index') => join(cluster.throwaway.directory, 'data', rows[0][relation]);
    // The end of the first row on the first page; in the index the place of one entry in that of another.
    await overwrite(pathOf('heap'), 8192 - 64, Buffer.alloc(64, 0xa5));
    const [first, pointer] = [8192 + 24, 4];
    await overwrite(pathOf('index'), first + 20 * pointer, await readAt(pathOf('index'), first + 5 * pointer, pointer));
    // The server has sound pages in its buffers; a copy of the files has those on disk.
    await (await cluster.client()).query(
      `CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE sound ${cluster.throwaway.binaries.major >= 15 ? 'STRATEGY file_copy' : ''}`,
    );
    const check = await examine({ ...good, database: name }, 'full');
    expect(check.verdict).toBe('fail');
    expect(check.findings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['heap', 'index']));
    expect(new Set(check.findings.map(({ object }) => object))).toEqual(
      new Set(['app.people', 'app.people_pkey', 'app.orders_at']),
    );
    expect(check.why).toMatch(/corruption/);
  });

  it('says what is missing, and is no error', async () => {
    await (await cluster.client()).query('CREATE ROLE plain LOGIN');
    expect(await findAmcheck({ ...inputFor(good, 'quick'), connection: { ...good, user: 'plain' } })).toEqual({
      missing: 'It takes a superuser of the scratch server.',
    });
  });
});

async function overwrite(path: string, at: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(bytes, 0, bytes.length, at);
  } finally {
    await file.close();
  }
}

async function readAt(path: string, at: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    return (await file.read(Buffer.alloc(length), 0, length, at)).buffer;
  } finally {
    await file.close();
  }
}

describe('assertions', () => {
  const base = { name: 'one', source: 'app', timeoutMs: 10_000 };
  const query = (sql: string, expect: Expectation, show = false): Assertion => ({
    ...base,
    kind: 'query',
    sql,
    expect,
    show,
  });
  const equals = (value: string | number | boolean): Expectation => ({ kind: 'equals', value });
  const orders = { schema: 'app', table: 'orders' };
  const people = { schema: 'app', table: 'people' };
  const canary = (value: string, column = 'name'): Assertion => ({
    ...base,
    kind: 'canary',
    table: people,
    column,
    value: async () => value,
  });
  const hour = 3_600_000;
  const fresh = (withinMs: number, extra: object = {}): Assertion => ({
    ...base,
    kind: 'freshness',
    table: orders,
    column: 'at',
    withinMs,
    show: false,
    ...extra,
  });
  async function examine(...assertions: Assertion[]): Promise<VerifyCheck[]> {
    const input = { connection: reader, snapshotTime, clock, signal };
    return (await checkAssertions(input, assertions)).map(kept);
  }

  it('pass', async () => {
    const checks = await examine(
      query('SELECT count(*) FROM app.people;', equals(500), true),
      query('SELECT count(*) FROM app.people -- all of them', { kind: 'between', min: 1, max: 500 }),
      query('SELECT max(total) FROM app.orders', equals(500)),
      query('SELECT true', equals(true)),
      query(`SELECT name FROM app.people WHERE id = 7`, equals(`${mark}7`)),
      query('TABLE app.people', { kind: 'rows', min: 500, max: 500 }),
      query('SELECT id FROM app.orders WHERE total < 0', { kind: 'rows', min: 0, max: 0 }),
      query('SELECT 90071992547409931234', equals('90071992547409931234')),
      canary(`${mark}77`),
      canary('77', 'id'),
      // The row of 2031 does not count.
      fresh(16 * hour, { show: true }),
    );
    expect(checks.map(({ verdict, why }) => why ?? verdict)).toEqual(checks.map(() => 'pass'));
    expect(checks[0]).toMatchObject({ id: 'assertion:one', title: 'Assertion one', equal: 1, figures: { value: 500 } });
    expect(checks[1]?.figures).toEqual({});
    expect(checks.at(-1)?.figures).toEqual({ withinMs: 16 * hour, ageMs: 16 * hour });
  });

  it.each<[string, Assertion, 'fail' | 'could-not-verify', RegExp]>([
    ['no row', query('SELECT id FROM app.people WHERE id < 0', equals(1)), 'fail', /without a row/],
    ['two rows', query('SELECT id FROM app.people', equals(1)), 'fail', /more than one row/],
    ['NULL', query('SELECT max(id) FROM app.people WHERE id < 0', { kind: 'between', min: 0 }), 'fail', /NULL/],
    ['another number', query('SELECT count(*) FROM app.people', equals(501)), 'fail', /did not come out as 501\.$/],
    ['another text', query('SELECT name FROM app.people WHERE id = 7', equals('x')), 'fail', /another value/],
    ['false', query('SELECT false', equals(true)), 'fail', /another value/],
    ['no number', query('SELECT name FROM app.people LIMIT 1', equals(1)), 'fail', /not come out as a number/],
    ['too much', query('SELECT 11', { kind: 'between', min: 1, max: 10 }), 'fail', /^It is not from 1 to 10\.$/],
    ['too little', query('SELECT 0.5', { kind: 'between', min: 1 }), 'fail', /^It is not at least 1\.$/],
    ['too many rows', query('TABLE app.people', { kind: 'rows', min: 0, max: 3 }), 'fail', /more than 3 rows/],
    ['too few rows', query('SELECT 1', { kind: 'rows', min: 2 }), 'fail', /1 rows; expected are at least 2/],
    ['two columns', query('SELECT 1, 2', equals(1)), 'could-not-verify', /2 columns/],
    ['a lost table', query('TABLE app.lost', equals(1)), 'fail', /table that it names is not there.*42P01/],
    ['an exception', query('SELECT app.tell()', equals(1)), 'fail', /raised an exception/],
    ['a bad cast', query('SELECT max(name::int) FROM app.people', equals(1)), 'fail', /failed on the rows/],
    ['a timeout', { ...query('SELECT pg_sleep(10)', equals(1)), timeoutMs: 50 }, 'could-not-verify', /within 0\.1 s/],
    ['two statements', query('SELECT 1; DROP TABLE app.people', equals(1)), 'could-not-verify', /not one query/],
    ['a write', query('DELETE FROM app.people RETURNING 1', equals(1)), 'could-not-verify', /42601/],
    ['a way out', query('SELECT app.escape()', equals(1)), 'could-not-verify', /42501/],
    ['a lost canary', canary(`${mark}0`), 'fail', /must be there is not/],
    ['a canary of another type', canary(mark, 'id'), 'could-not-verify', /none of the type/],
    ['stale rows', fresh(15 * hour), 'fail', /more than 15 h 0 min older than the snapshot/],
    ['no rows', fresh(hour, { table: { schema: 'app', table: 'parts' }, column: 'none' }), 'fail', /42703/],
  ])('do not pass with %s', async (_, assertion, verdict, why) => {
    const [check] = await examine(assertion);
    expect(check).toMatchObject({
      verdict,
      equal: 0,
      figures: expect.not.objectContaining({ value: expect.anything() }),
    });
    expect(check?.why).toMatch(why);
  });

  it('could not be verified without a server', async () => {
    const input = { connection: { ...good, database: 'gone' }, snapshotTime, clock, signal };
    const [check] = await checkAssertions(input, [canary('x')]);
    expect(kept(check!).verdict).toBe('could-not-verify');
  });
});

describe('references', () => {
  const base = { mode: 0o644, uid: 0, gid: 0, mtime: '0' };
  const file = (path: string, sha256: string): FilesLine => ({
    ...base,
    kind: 'file',
    path,
    size: 1,
    stream: { size: 1, sha256, chunks: [] },
  });
  const directory = (path: string): FilesLine => ({ ...base, kind: 'directory', path });
  const tree: FilesLine[] = [
    { kind: 'root', path: '/srv/files', exclude: [] },
    directory('.'),
    directory(mark),
    file(`${mark}/a.pdf`, hash('a')),
    file(`${mark}/b.pdf`, hash('b')),
    { ...base, kind: 'file', path: `${mark}/empty`, size: 0 },
    { ...base, kind: 'file', path: `${mark}/link.pdf`, size: 1, hardLinkOf: `${mark}/a.pdf` },
    { ...base, kind: 'symlink', path: `${mark}/symlink`, target: 'a.pdf' },
    file(`${mark}/ä.txt`, hash('c')),
  ];
  const table = { schema: 'app', table: 'files' };
  const reference: Reference = {
    name: 'documents',
    source: 'app',
    files: 'documents',
    rows: { kind: 'column', table, column: 'path', hash: 'sha256' },
    missing: 0,
    timeoutMs: 10_000,
  };
  const select = (sql: string, more: Partial<Reference> = {}): Reference => ({
    ...reference,
    ...more,
    rows: { kind: 'query', sql },
  });
  async function examine(changed: Partial<Reference> = {}, lines = tree): Promise<VerifyCheck> {
    async function* all() {
      yield* lines;
    }
    const opened = async () => ({ time: snapshotTime - 60_000, lines: all });
    const input = { connection: reader, snapshotTime, tree: opened, clock, signal };
    const [check] = await checkReferences(input, [{ ...reference, ...changed }]);
    return kept(check!);
  }

  it('pass when every row has its file, however the hash is written', async () => {
    expect(await examine()).toMatchObject({
      id: 'references:documents',
      verdict: 'pass',
      equal: 5,
      findings: [],
      figures: {
        rows: 6,
        withoutPath: 1,
        missing: 0,
        otherHash: 0,
        withoutHash: 0,
        unreadableHash: 0,
        apartMs: 60_000,
      },
    });
  });

  it('may strip and prepend, take a query, and do without hashes', async () => {
    const paths = `SELECT 's3://bucket/' || split_part(path, '/', -1) FROM app.files WHERE id IN (1, 3);`;
    const check = await examine(select(paths, { strip: 's3://bucket/', prepend: `${mark}/` }));
    expect(check).toMatchObject({ verdict: 'pass', equal: 2, figures: { rows: 2, missing: 0 } });
    expect(check.figures).not.toHaveProperty('otherHash');
    const bytes = await examine(
      select(`SELECT convert_to(path, 'UTF8'), decode(sha256, 'hex') FROM app.files WHERE id = 1`),
    );
    expect(bytes).toMatchObject({ verdict: 'pass', equal: 1 });
  });

  it('fail on a missing file, and one that is none', async () => {
    const check = await examine(
      {},
      tree.filter((line) => line.path !== `${mark}/b.pdf`),
    );
    expect(check).toMatchObject({ verdict: 'fail', equal: 4, figures: { missing: 1 } });
    expect(check.why).toBe(
      'One row names a file that is not in the snapshot of documents. The snapshot of documents was made 1 min 0 s before this one.',
    );
    const symlink = await examine(select(`SELECT '${mark}/symlink'`));
    expect(symlink).toMatchObject({ verdict: 'fail', figures: { rows: 1, missing: 1 } });
    const outside = await examine(select(`SELECT path FROM app.files WHERE id = 1`, { strip: '/elsewhere/' }));
    expect(outside).toMatchObject({ verdict: 'fail', figures: { missing: 1 } });
  });

  it('fail on another hash, and on what is none', async () => {
    const other = await examine(
      {},
      tree.map((line) => (line.path === `${mark}/a.pdf` ? file(`${mark}/a.pdf`, hash('0')) : line)),
    );
    expect(other).toMatchObject({ verdict: 'fail', figures: { otherHash: 2 } });
    expect(other.why).toMatch(/^2 rows name a file whose content has another SHA-256\./);
    const none = await examine(select(`SELECT path, path FROM app.files WHERE id = 1`));
    expect(none).toMatchObject({ verdict: 'fail', figures: { unreadableHash: 1 } });
  });

  it('allow as many missing files as stated, and say so', async () => {
    const less = tree.filter((line) => line.path !== `${mark}/b.pdf`);
    const check = await examine({ missing: 1 }, less);
    expect(check).toMatchObject({ verdict: 'pass', figures: { missing: 1 } });
    expect(check.why).toMatch(/which the configuration allows/);
  });

  it('name rows without a hash', async () => {
    const check = await examine(select(`SELECT path, nullif(sha256, '${hash('a')}') FROM app.files`));
    expect(check).toMatchObject({ verdict: 'pass', figures: { withoutHash: 2 } });
    expect(check.why).toMatch(/^2 rows have no SHA-256/);
  });

  it.each<[string, Reference, 'fail' | 'could-not-verify', RegExp]>([
    ['no rows', select('SELECT path FROM app.files WHERE id < 0'), 'could-not-verify', /No row names a file/],
    ['a lost column', { ...reference, rows: { kind: 'column', table, column: 'lost' } }, 'fail', /42703/],
    ['three columns', select('SELECT 1, 2, 3'), 'could-not-verify', /3 columns/],
    ['two statements', select('SELECT path FROM app.files; SELECT 1'), 'could-not-verify', /42601/],
    ['a timeout', select('SELECT pg_sleep(10)::text', { timeoutMs: 50 }), 'could-not-verify', /did not end/],
  ])('do not pass with %s', async (_, changed, verdict, why) => {
    const check = await examine(changed);
    expect(check.verdict).toBe(verdict);
    expect(check.why).toMatch(why);
  });
});

it('the role that reads is gone with its work, and has changed nothing', async () => {
  expect(reader.user).toMatch(/^holdfast_reader_/);
  await dropReader();
  const { rows } = await (await cluster.client('good')).query(
    `SELECT (SELECT count(*)::int FROM pg_roles WHERE rolname LIKE 'holdfast%') AS roles, count(*)::int AS people FROM app.people`,
  );
  expect(rows).toEqual([{ roles: 0, people: 500 }]);
});
