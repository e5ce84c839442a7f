import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { ClassificationProblem } from '../../src/pseudonyms/classification.ts';
import { type DatabaseFacts, readFacts } from '../../src/pseudonyms/column-facts.ts';
import { copyLeaveTask, copyPrepareTask, copyTableTask, copyTableTasks } from '../../src/pseudonyms/copy/copy-table.ts';
import { ProgramPool } from '../../src/pseudonyms/copy/programs.ts';
import { transformTable } from '../../src/pseudonyms/copy/table-transform.ts';
import { readWholeColumns } from '../../src/pseudonyms/copy/whole-columns.ts';
import { type Catalog, readCatalog } from '../../src/pseudonyms/discovery-catalog.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { parseLock } from '../../src/pseudonyms/lock.ts';
import { makeTransformer } from '../../src/pseudonyms/registry.ts';
import { checkRules } from '../../src/pseudonyms/static-checks.ts';
import { type TryRulesSettings, tryRules } from '../../src/pseudonyms/try-rules.ts';
import type { LaneContext } from '../../src/repository/lane.ts';
import { type ArchiveToc, readToc } from '../../src/sources/postgres/archive-toc.ts';
import { readDatabase } from '../../src/sources/postgres/catalog-database.ts';
import { dumpArchive, findDump } from '../../src/sources/postgres/dump-archive.ts';
import type { DatabaseLine } from '../../src/sources/postgres/manifest.ts';
import { openSession, type Session } from '../../src/sources/postgres/session.ts';
import { useCluster } from '../support/postgres.ts';
import { cases, rulesDirectory, subjects, text, transform } from '../support/pseudonym-cases.ts';

const cluster = useCluster();
const key = new PseudonymKey(Buffer.alloc(32, 7));
const signal = new AbortController().signal;

let source: Session;
let toc: ArchiveToc;
let like: DatabaseLine;
let catalog: Catalog;
let facts: DatabaseFacts;

/** 24 rows in each table; `secret` stands in every text that must not be told. */
const schema = `
  CREATE SCHEMA app;
  CREATE DOMAIN app.work_email AS text CHECK (VALUE LIKE '%@secret.example');
  CREATE FUNCTION app.is_mail(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 LIKE '%_@_%' $$;
  CREATE FUNCTION app.lucky() RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT 7 $$;
  CREATE TYPE app.contact AS (mail text, n integer);
  CREATE TYPE app.three AS (mail text, n integer, x text);
  CREATE EXTENSION hstore;
  CREATE TABLE app.people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE CONSTRAINT email_is_one CHECK (app.is_mail(email)),
    staff text CONSTRAINT staff_here CHECK (staff LIKE '%@secret.example'),
    work app.work_email,
    joined timestamptz NOT NULL,
    zip varchar(5),
    contact app.contact,
    extra hstore,
    upper_email text GENERATED ALWAYS AS (upper(email)) STORED
  );
  INSERT INTO app.people (email, staff, work, joined, zip, contact, extra)
    SELECT 'secret' || n || '@secret.example', 'secret' || n || '@secret.example', 'secret' || n || '@secret.example',
           '2024-01-01'::timestamptz + n * interval '31 hours', '7500' || n % 10,
           ROW('secret' || n || '@x.org', n)::app.contact, hstore('mail', 'secret' || n || '@x.org')
    FROM generate_series(1, 24) n;
  CREATE TABLE app.stays (id integer PRIMARY KEY, guest integer NOT NULL, during daterange,
    CONSTRAINT stays_apart EXCLUDE USING gist (during WITH &&));
  INSERT INTO app.stays SELECT n, n % 5, daterange('2024-01-01'::date + n * 30, '2024-01-01'::date + n * 30 + 30) FROM generate_series(1, 24) n;
  CREATE TABLE app.orders (id integer NOT NULL, country text NOT NULL, total numeric(6,2)) PARTITION BY LIST (country);
  CREATE TABLE app.orders_fr PARTITION OF app.orders FOR VALUES IN ('FR');
  CREATE TABLE app.orders_de PARTITION OF app.orders FOR VALUES IN ('DE');
  INSERT INTO app.orders SELECT n, CASE n % 2 WHEN 0 THEN 'FR' ELSE 'DE' END, n FROM generate_series(1, 24) n;`;

beforeAll(async () => {
  const connection = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  await client.query(schema);
  await client.query('ANALYZE');
  source = await openSession(connection, { applicationName: 'test' });
  await source.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const [row] = await source.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
  const program = await findDump(source.serverVersion, process.env);
  const pieces: Buffer[] = [];
  const dump = { program, exportedSnapshot: row!.id, lockTimeout: 1000, exclude: [], environment: process.env, signal };
  await dumpArchive(source, dump, async (bytes) => void pieces.push(Buffer.from(bytes)));
  toc = readToc(Buffer.concat(pieces));
  like = { ...(await readDatabase(source)), dumpVersion: program.version };
  catalog = await readCatalog(source);
  facts = await readFacts(source, catalog);
});
afterAll(() => source.close());

/** A lock file that keeps everything but the columns with these rules. */
function lockOf(rules: Record<string, string>) {
  let written = 'version: 1\nsource: app\ntables:\n';
  for (const table of catalog.tables) {
    written += `  app.${table.name}:\n`;
    for (const { name } of table.columns.filter(({ generated }) => !generated))
      written += `    ${name}: { ${rules[`${table.name}.${name}`] ?? 'rule: keep, reason: r'}, type: x }\n`;
  }
  const read = parseLock(written);
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.lock;
}

const tried = (rules: Record<string, string>, more: Partial<TryRulesSettings> = {}) =>
  tryRules({
    source,
    toc,
    like,
    scratch: cluster.connection,
    lock: lockOf(rules),
    catalog,
    facts,
    key,
    sampleRows: 24,
    baseDirectory: rulesDirectory,
    clock: systemClock,
    signal,
    ...more,
  });

const told = (problems: readonly ClassificationProblem[]) =>
  problems.map(({ severity, item, text }) => `${severity} ${item}: ${text}`);

/** Nothing of the try is left on the server, and the transaction of the source goes on. */
async function nothingLeft() {
  const admin = await cluster.client();
  const { rows } = await admin.query("SELECT datname FROM pg_database WHERE datname LIKE '%tried%'");
  expect(rows).toEqual([]);
  expect(await source.query('SELECT count(*)::int AS n FROM app.people')).toEqual([{ n: 24 }]);
}

describe('rules tried on some rows', () => {
  it('break nothing that they fit', async () => {
    const rules = {
      'people.id': 'rule: id',
      'people.email': 'rule: email',
      'people.staff': "rule: { kind: fixed, value: 'x@secret.example' }",
      'people.joined': 'rule: { kind: sql, expression: "date_trunc(\'month\', joined)" }',
      'people.zip': 'rule: { kind: shuffle, by: id }',
      'people.contact': 'rule: { kind: composite, fields: { mail: { kind: email }, n: { kind: id } } }',
      'people.extra': 'rule: { kind: hstore, paths: { mail: { kind: email } } }',
      'orders.total': 'rule: noise',
    };
    expect(checkRules(lockOf(rules), catalog, facts).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(await tried(rules)).toEqual({ problems: [], tables: 2, rows: 48 });
    await nothingLeft();
  });

  it('are named with what they break: a check, a domain, an exclusion, the partitions', async () => {
    const { problems } = await tried({
      'people.staff': 'rule: email',
      'people.work': 'rule: { kind: email, domain: elsewhere.invalid }',
      'stays.during': 'rule: { kind: range, bounds: { kind: date-shift, by: id } }',
      'orders.country': 'rule: { kind: country, code: true, locale: en }',
    });
    expect(told(problems)).toEqual([
      'error app.orders.country: pseudonyms of `country` break the partitions: none takes them, in 24 of 24 rows that were tried',
      // The domain is looked at first.
      'error app.people.work: pseudonyms of `email` break the domain app.work_email (check work_email_check), in 24 of 24 rows that were tried',
      expect.stringMatching(
        /^error app.stays.during: pseudonyms of `range` break the exclusion constraint stays_apart, in \d+ of 24 rows/,
      ),
    ]);
    expect(told((await tried({ 'people.staff': 'rule: email' })).problems)).toEqual([
      'error app.people.staff: pseudonyms of `email` break the check staff_here, in 24 of 24 rows that were tried',
    ]);
    expect(JSON.stringify(problems)).not.toContain('secret');
    await nothingLeft();
  });

  it('are named where a type, a length, NOT NULL or a unique index refuses them', async () => {
    const { problems } = await tried({
      'people.zip': 'rule: { kind: sql, expression: "repeat(\'9\', 6)" }',
      'orders.total': 'rule: { kind: sql, expression: "\'no number\'" }',
      'stays.guest': 'rule: { kind: sql, expression: "nullif(guest, 1)" }',
    });
    expect(told(problems)).toEqual([
      'error app.orders.total: pseudonyms of `sql` break the type of the column, in 24 of 24 rows that were tried',
      'error app.people.zip: pseudonyms of `sql` break the length of the column, in 24 of 24 rows that were tried',
      'error app.stays.guest: pseudonyms of `sql` break NOT NULL, in 5 of 24 rows that were tried',
    ]);
    const unique = 'rule: { kind: js, file: rule.js, unique: true }';
    expect(told((await tried({ 'people.email': unique })).problems)).toEqual([
      'error app.people.email: pseudonyms of `js` break the check email_is_one, in 24 of 24 rows that were tried',
    ]);
    const same = 'rule: { kind: js, file: same.js, unique: true }';
    expect(told((await tried({ 'people.email': same })).problems)).toEqual([
      'error app.people.email: pseudonyms of `js` break the unique index people_email_key, in 23 of 24 rows that were tried',
    ]);
    await nothingLeft();
  });

  it('an expression that the server cannot work out, or not twice the same, is named', async () => {
    const sql = (expression: string) => `rule: { kind: sql, expression: "${expression}" }`;
    const { problems } = await tried({
      'people.zip': sql('missing + 1'),
      'people.staff': sql('app.lucky()::text'),
      'people.joined': sql('max(joined)'),
      'people.work': sql("regexp_split_to_table(zip, '')"),
      'stays.during': sql('(1 / (id - id))::text::daterange'),
    });
    expect(told(problems)).toEqual([
      expect.stringMatching(/^error app.people.staff: `lucky` in its expression may give another answer each time/),
      expect.stringMatching(
        /^error app.people.work: `regexp_split_to_table` in its expression makes more or fewer rows/,
      ),
      expect.stringMatching(/^error app.people.joined: `max` in its expression makes more or fewer rows/),
      expect.stringMatching(/^error app.people.zip: the server cannot work out its expression: /),
      expect.stringMatching(/^error app.stays: its rules could not be tried: Could not read rows of app.stays/),
    ]);
    await nothingLeft();
  });

  it('leave nothing on the server when they fail, or are stopped', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(tried({ 'people.email': 'rule: email' }, { signal: stop.signal })).rejects.toThrow();
    const { problems } = await tried({
      'people.staff': 'rule: { kind: command, command: [./missing] }',
      'orders.country': 'rule: { kind: js, file: missing.js }',
    });
    expect(told(problems)).toEqual([
      expect.stringMatching(
        /^error app.orders: its rules could not be tried: The file of the rule `js` of app.orders.country/,
      ),
      expect.stringMatching(/^error app.people: its rules could not be tried: .* It could not be run: ENOENT/),
    ]);
    await nothingLeft();
  });
});

describe('a lane', () => {
  /** What a worker thread keeps between tasks, in this thread. */
  function laneContext() {
    const kept = new Map<string, { value: unknown; close: (value: never) => Promise<void> }>();
    const discard = async (name: string) => {
      const found = kept.get(name);
      kept.delete(name);
      await found?.close(found.value as never);
    };
    const lane = {
      progress: () => {},
      keep: async (name: string, open: () => Promise<unknown>, close: (value: never) => Promise<void>) => {
        if (!kept.has(name)) kept.set(name, { value: await open(), close });
        return kept.get(name)!.value;
      },
      discard,
    } as unknown as LaneContext;
    return { lane, kept };
  }

  it('tells what is wrong with a table when its rows are copied, though it failed before when it made ready', async () => {
    const [row] = await source.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
    const lock = lockOf({ 'people.zip': 'rule: { kind: shuffle, by: id }' });
    const columns = ['id', 'email', 'staff', 'work', 'joined', 'zip'];
    const transformed = transformTable('app.people', columns, lock.tables.get('app.people')!, facts.get('app.people')!);
    const ruled = transformed.ruled.map((each) => ({ ...each, ...(each.whole && { whole: { by: 'nowhere' } }) }));
    const input = {
      source: { connection: source.connection, exportedSnapshot: row!.id },
      target: await cluster.createDatabase('copy_unready'),
      secret: key.secretBytes(),
      relation: {
        oid: catalog.tables.find(({ name }) => name === 'people')!.oid,
        schema: 'app',
        name: 'people',
      },
      transform: { ...transformed, ruled },
    };
    const { lane } = laneContext();
    const failed = { code: 'source-failed', why: expect.stringContaining('nowhere') };
    await expect(copyTableTasks[copyPrepareTask](lane, input)).rejects.toMatchObject(failed);
    await expect(copyTableTasks[copyTableTask](lane, input)).rejects.toMatchObject(failed);
    await copyTableTasks[copyLeaveTask](lane);
  });

  it('reads expressions, deals out whole columns and keeps programs, in parts as in one piece', async () => {
    const clear = await cluster.client('app');
    const copies = [];
    const [row] = await source.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
    const lock = lockOf({
      'people.joined': 'rule: { kind: sql, expression: "date_trunc(\'month\', joined)" }',
      'people.zip': 'rule: { kind: shuffle, by: id }',
      'people.staff': `rule: { kind: command, command: ['${process.execPath}', program.js] }`,
      'people.work': 'rule: { kind: js, file: rule.js }',
    });
    const columns = ['id', 'email', 'staff', 'work', 'joined', 'zip'];
    const known = facts.get('app.people')!;
    const transformed = transformTable('app.people', columns, lock.tables.get('app.people')!, known, rulesDirectory);
    const oid = catalog.tables.find(({ name }) => name === 'people')!.oid;
    const places = await source.query<{ ctid: string }>('SELECT ctid::text FROM app.people ORDER BY ctid');
    const ctids = places.map(({ ctid }) => ctid);
    for (const [name, parts] of [
      ['whole', [{}]],
      ['parts', [{ ctids: ctids.slice(0, 7) }, { ctids: ctids.slice(7) }]],
    ] as const) {
      const target = await cluster.createDatabase(`copy_${name}`);
      const client = await cluster.client(`copy_${name}`);
      await client.query(`CREATE SCHEMA app; CREATE TABLE app.people
        (id bigint, email text, staff text, work text, joined timestamptz, zip text)`);
      const { lane, kept } = laneContext();
      for (const part of parts) {
        await copyTableTasks[copyTableTask](lane, {
          source: { connection: source.connection, exportedSnapshot: row!.id },
          target,
          secret: key.secretBytes(),
          relation: { oid, schema: 'app', name: 'people' },
          transform: transformed,
          ...part,
        });
      }
      await copyTableTasks[copyLeaveTask](lane);
      expect([...kept.keys()]).toEqual([]);
      copies.push((await client.query('SELECT * FROM app.people ORDER BY id')).rows);
    }
    expect(copies[1]).toEqual(copies[0]);
    const before = (
      await clear.query(
        "SELECT *, date_trunc('month', joined AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month FROM app.people ORDER BY id",
      )
    ).rows;
    const after = copies[0]!;
    expect(after.map(({ joined }) => joined)).toEqual(before.map(({ month }) => month));
    expect(after.map(({ email }) => email)).toEqual(before.map(({ email }) => email));
    expect(after.map(({ zip }) => zip).sort()).toEqual(before.map(({ zip }) => zip).sort());
    expect(after.map(({ zip }) => zip)).not.toEqual(before.map(({ zip }) => zip));
    expect(JSON.stringify(after.map(({ staff, work }) => [staff, work]))).not.toContain('secret');
  });

  it('refuses to deal out more than it can keep in memory', async () => {
    const client = await cluster.client('app');
    await client.query(`CREATE TABLE app.large (id integer PRIMARY KEY, note text);
      INSERT INTO app.large SELECT n, repeat('x', 1024 * 1024) FROM generate_series(1, 33) n`);
    const session = await openSession(source.connection, { applicationName: 'test' });
    const known = { ...text, unique: true, nullable: false };
    const entry = (kind: 'keep' | 'shuffle', options = {}) => ({ rule: { kind, options }, type: 'x', review: false });
    const large = transformTable(
      'app.large',
      ['id', 'note'],
      new Map([
        ['id', entry('keep')],
        ['note', entry('shuffle', { by: 'id' })],
      ]),
      new Map([
        ['id', known],
        ['note', text],
      ]),
    );
    await expect(readWholeColumns(session, { schema: 'app', name: 'large' }, large)).rejects.toMatchObject({
      code: 'config',
      message: 'app.large.note is too large for `shuffle`.',
    });
    await session.close();
  });
});

it('facts tell fields of row types and bounds of ranges', () => {
  expect(facts.get('app.people')!.get('contact')).toMatchObject({
    type: 'contact',
    fields: [
      { name: 'mail', type: 'text' },
      { name: 'n', type: 'integer' },
    ],
  });
  expect(facts.get('app.stays')!.get('during')!.subtype).toBe('date');
  expect(facts.get('app.people')!.get('email')!.fields).toBeUndefined();
});

it('what every kind makes is taken by the type of its column', async () => {
  const client = await cluster.client('app');
  await using programs = new ProgramPool();
  for (const each of cases) {
    const column = each.column ?? text;
    const cells = [...fc.sample(each.values, { numRuns: 20, seed: 3 }), null];
    const ids = subjects(cells.length);
    const out = transform(each.rule, column, { cells, ids }, { key: key.domain('cast'), programs });
    const { maxLength, precision, scale = 0 } = column;
    const modifier = maxLength ? `(${maxLength})` : precision ? `(${precision}, ${scale})` : '';
    const type = column.type === 'contact' ? 'app.three' : `${column.type}${modifier}`;
    // A column and not a cast, which would cut what is too long.
    await client.query(`CREATE TEMP TABLE made (cell ${type})`);
    const places = out.map((_, at) => `($${at + 1})`).join(', ');
    await client.query(`INSERT INTO made VALUES ${places}`, out).catch((error) => {
      throw new Error(`${JSON.stringify(each.rule)}: ${error.message}`);
    });
    const { rows } = await client.query('SELECT count(cell)::int AS filled FROM made');
    expect(rows[0].filled, each.rule.kind).toBe(out.filter((cell) => cell !== null).length);
    await client.query('DROP TABLE made');
    expect(makeTransformer(each.rule).kind).toBe(each.rule.kind);
  }
});
