import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitStatus, type HoldfastError } from '../../src/base/errors.ts';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import type { CopyReport, CopySettings } from '../../src/jobs/pseudonymize/copy-settings.ts';
import type { Lock } from '../../src/pseudonyms/lock.ts';
import { findBinaries } from '../../src/sources/postgres/binaries.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { copyMark, copySettings, keyed, reviewDatabase } from '../support/copied-database.ts';
import { type TestCluster, useCluster } from '../support/postgres.ts';

/** Servers that write down all they can. */
const settings = { log_statement: 'all', log_min_duration_statement: 0, log_error_verbosity: 'verbose' };
const production = useCluster({ settings });
const tests = useCluster({ settings });
let directory: string;
/** Sizes of the logs before the first copy: what tests wrote to make their data is no leak. */
const logged = new Map<TestCluster, number>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'copy-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const logOf = async (cluster: TestCluster) => {
  const text = await readFile(join(cluster.throwaway.directory, 'log'), 'utf8');
  return text.slice(logged.get(cluster) ?? 0);
};
const startLogs = async () => {
  for (const cluster of [production, tests]) logged.set(cluster, 0);
  for (const cluster of [production, tests]) logged.set(cluster, (await logOf(cluster)).length);
};

const rowsOf = async (client: pg.Client, sql: string) => (await client.query({ text: sql, rowMode: 'array' })).rows;

async function dump(connection: ThrowawayConnection, ...flags: string[]): Promise<string> {
  const binaries = await findBinaries({ programs: ['pg_dump'], path: process.env.PATH });
  const { host, port, user, database } = connection;
  const place = ['-h', host, '-p', String(port), '-U', user, '-d', database];
  const { stdout } = await promisify(execFile)(join(binaries.directory, 'pg_dump'), [...place, ...flags], {
    maxBuffer: 2 ** 28,
  });
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, '');
}

const databases = async () =>
  (await rowsOf(await tests.client(), `SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1`)).flat();

/** Sessions and locks of ours that are still there. */
const leftovers = async () => {
  const found = [];
  for (const cluster of [production, tests]) {
    const client = await cluster.client();
    const sql = `SELECT application_name, query FROM pg_stat_activity WHERE application_name ~ '^holdfast'`;
    found.push(...(await rowsOf(client, sql)));
    found.push(...(await rowsOf(client, `SELECT locktype FROM pg_locks WHERE locktype = 'advisory'`)));
    found.push(...(await rowsOf(client, `SELECT datname FROM pg_database WHERE datname ~ '_holdfast_|_before_'`)));
  }
  return found;
};

describe('a copy of the demo', () => {
  let source: pg.Client;
  let copy: pg.Client;
  let lock: Lock;
  let report: CopyReport;
  let base: CopySettings;
  let from: ThrowawayConnection;
  const to = (database: string): CopySettings => ({
    ...base,
    target: { admin: tests.connection, database, replace: true },
  });

  /** Tables as the lock file names them → what their rows are told apart by, which is kept. */
  const keys: Record<string, string> = {
    'app.customers': 'id',
    'app.people': 'id',
    'app.documents': 'id',
    'app.sessions': 'id',
    'app.attachments': 'id',
    'billing.invoices': 'id, issued_on',
    'billing.invoice_lines': 'id, issued_on',
    'audit.events': 'id',
    '"Ödd ""schema"""."wéird\t\'table\' ""1"".名前"': '"order"',
  };

  beforeAll(async () => {
    from = await production.createDatabase('app');
    await fillDemoDatabase(from, { megabytes: 12.5, seed: 'copy' });
    source = await production.client('app');
    await source.query('ALTER DATABASE app SET search_path = app, public');
    await source.query('GRANT CONNECT ON DATABASE app TO holdfast_demo_reader');
    base = copySettings({ connection: from, lockFile: join(directory, 'app.lock.yaml'), database: 'preprod' });
    lock = await reviewDatabase(base, {
      columns: { 'app.documents.key': 'uuid' },
      truncate: ['app.rate_limits'],
      definitions: { 'comment table app.people': 'drop', 'comment index app.documents_by_tag': 'drop' },
    });
    await startLogs();
    report = await copyDatabase(to('preprod'));
    copy = await tests.client('preprod');
  });

  it('has the same definitions, and every constraint holds', async () => {
    const definitions = ['--schema-only', '--no-owner', '--no-privileges', '--no-comments'];
    const there = await dump({ ...tests.connection, database: 'preprod' }, ...definitions);
    expect(there.split('\n')).toEqual((await dump(from, ...definitions)).split('\n'));
    expect(there).toContain('CREATE POLICY own_customer');
    const states = `
      SELECT 'constraint', conrelid::regclass || ' ' || conname, convalidated FROM pg_constraint
      UNION ALL SELECT 'index', indexrelid::regclass::text, indisvalid AND indisready FROM pg_index
        WHERE indexrelid::regclass::text !~ '^pg_toast'
      UNION ALL SELECT 'trigger', tgrelid::regclass || ' ' || tgname, tgenabled = 'O' FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL SELECT 'view', oid::regclass::text, relispopulated FROM pg_class WHERE relkind IN ('v', 'm')
      ORDER BY 1, 2`;
    for (const client of [source, copy]) await client.query(`SET search_path = ''`);
    const shown = await rowsOf(copy, states);
    expect(shown).toEqual(await rowsOf(source, states));
    expect(shown.filter(([what, , good]) => what !== 'constraint' && !good)).toEqual([]);
    // Counted by the server in place of believed.
    const keysOf = `SELECT conname FROM pg_constraint WHERE contype = 'f' AND convalidated AND conparentid = 0 ORDER BY 1`;
    expect((await rowsOf(copy, keysOf)).length).toBeGreaterThanOrEqual(7);
    const orphans = await rowsOf(
      copy,
      `SELECT (SELECT count(*) FROM app.people p WHERE NOT EXISTS (SELECT FROM app.customers c WHERE c.id = p.customer_id)),
              (SELECT count(*) FROM app.sessions s WHERE NOT EXISTS (SELECT FROM app.people p WHERE p.id = s.person_id)),
              (SELECT count(*) FROM billing.invoice_lines l WHERE NOT EXISTS
                (SELECT FROM billing.invoices i WHERE (i.id, i.issued_on) = (l.invoice_id, l.issued_on)))`,
    );
    expect(orphans).toEqual([['0', '0', '0']]);
  });

  it('makes the roles that policies name, without any right, and says so', async () => {
    expect(report.shortfalls).toContainEqual(
      expect.objectContaining({ object: 'role holdfast_demo_app', degrades: false }),
    );
    const { rows } = await copy.query(
      `SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname ~ '^holdfast_demo'`,
    );
    const none = { rolcanlogin: false, rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolbypassrls: false };
    expect(rows.toSorted((one, other) => (one.rolname < other.rolname ? -1 : 1))).toEqual([
      { rolname: 'holdfast_demo_app', ...none },
      { rolname: 'holdfast_demo_reader', ...none },
    ]);
  });

  it('has every row: ruled columns differ, kept ones do not', async () => {
    const counts: Record<string, number> = {};
    /** Their range is so small that a value may well become itself. */
    const narrow = new Set([
      'first-name',
      'last-name',
      'city',
      'zip',
      'country',
      'user-agent',
      'company',
      'birth-date',
    ]);
    let ruled = 0;
    for (const [table, columns] of lock.tables) {
      const key = keys[table];
      if (key === undefined) continue;
      for (const [column, { rule }] of columns) {
        const sql = `SELECT "${column.replaceAll('"', '""')}"::text FROM ${table} ORDER BY ${key} NULLS LAST`;
        const [originals, pseudonyms] = [await rowsOf(source, sql), await rowsOf(copy, sql)].map((rows) => rows.flat());
        counts[table] = pseudonyms!.length;
        const name = `${table}.${column}`;
        if (rule.kind === 'keep') {
          expect(pseudonyms, name).toEqual(originals);
          continue;
        }
        ruled++;
        expect(pseudonyms!.length, name).toBe(originals!.length);
        const filled = originals!.flatMap((value, at) => (value === null || value === '' ? [] : [at]));
        const empty = originals!.flatMap((value, at) => (value === null || value === '' ? [at] : []));
        expect(filled.length, name).toBeGreaterThan(0);
        expect(
          empty.map((at) => pseudonyms![at]),
          name,
        ).toEqual(empty.map((at) => originals![at]));
        const same = filled.filter((at) => pseudonyms![at] === originals![at]).length;
        expect(same / filled.length, name).toBeLessThanOrEqual(narrow.has(rule.kind) ? 0.4 : 0);
      }
    }
    expect(ruled).toBeGreaterThan(20);
    const told = Object.fromEntries(report.tables.map(({ table, rows }) => [table, rows]));
    expect(told).toEqual({ ...counts, 'app.rate_limits': 0, 'app.no_columns': 0 });
    expect(Object.values(counts).reduce((sum, rows) => sum + rows, 0)).toBe(report.totals.rows);
    expect(report.totals.rows).toBeGreaterThan(1000);
  });

  it('works out what is generated, fills views, sets sequences, and leaves tables empty whose rows are not wanted', async () => {
    const generated = `
      SELECT (SELECT count(*) FROM app.people WHERE display_name IS DISTINCT FROM given_name || ' ' || upper(family_name)),
             (SELECT count(*) FROM app.customers WHERE search_name IS DISTINCT FROM lower(name)),
             (SELECT count(*) FROM billing.invoices WHERE gross <> round(net * (1 + vat_rate / 100), 2))`;
    expect(await rowsOf(copy, generated)).toEqual([['0', '0', '0']]);
    const revenue = 'SELECT * FROM billing.monthly_revenue ORDER BY 1, 2';
    expect(await rowsOf(copy, revenue)).toEqual(await rowsOf(source, revenue));
    expect((await rowsOf(copy, revenue)).length).toBeGreaterThan(20);
    const sequences = 'SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2';
    expect(await rowsOf(copy, sequences)).toEqual(await rowsOf(source, sequences));
    expect(report.totals.sequences).toBe((await rowsOf(source, sequences)).length);
    expect(await rowsOf(copy, 'SELECT count(*) FROM app.rate_limits')).toEqual([['0']]);
    expect(report.tables.find(({ table }) => table === 'app.rate_limits')).toMatchObject({ emptied: true, rows: 0 });
    // Rows are made and cascade as in production.
    await copy.query(`BEGIN;
      INSERT INTO app.people (customer_id, given_name, family_name, email, country, language)
        VALUES (1, 'a', 'b', 'a@b', 'FR', 'fr');
      UPDATE app.customers SET plan = 'team' WHERE plan <> 'team'; ROLLBACK`);
  });

  it('has the comments that are kept and no other, and nothing of the owners and rights of production', async () => {
    /** Those of large objects are of the attachments' files. */
    const described = `SELECT description FROM pg_description WHERE objoid >= 16384
      AND classoid NOT IN ('pg_extension'::regclass, 'pg_largeobject'::regclass)`;
    const comments = async (client: pg.Client) => (await rowsOf(client, described)).flat();
    const before = await comments(source);
    const after = await comments(copy);
    const dropped = before.filter((text) => !after.includes(text)).sort();
    expect(dropped).toEqual(['People of customers.\nPersonal data: see the record of processing.', 'for the sidebar']);
    expect(after).toContain("The application's own tables");
    expect(after).toContain('enterprise was added later');
    expect(after.filter((text) => !before.includes(text))).toEqual([]);
    const rights = `
      SELECT count(*) FROM (
        SELECT oid FROM pg_class WHERE relacl IS NOT NULL AND oid >= 16384
        UNION ALL SELECT attrelid FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid >= 16384
        UNION ALL SELECT oid FROM pg_namespace WHERE nspacl IS NOT NULL AND oid >= 16384
        UNION ALL SELECT oid FROM pg_proc WHERE proacl IS NOT NULL AND oid >= 16384
        UNION ALL SELECT oid FROM pg_default_acl
        UNION ALL SELECT oid FROM pg_largeobject_metadata WHERE lomacl IS NOT NULL
        UNION ALL SELECT oid FROM pg_database WHERE datname = current_database() AND datacl IS NOT NULL) found`;
    expect(Number((await rowsOf(source, rights))[0]![0])).toBeGreaterThan(8);
    expect(await rowsOf(copy, rights)).toEqual([['0']]);
    const setting = `SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase AND datname = current_database()`;
    expect(await rowsOf(copy, setting)).toEqual([[['search_path=app, public']]]);
  });

  it('holds no original value anywhere', async () => {
    const wanted = await rowsOf(
      source,
      `SELECT email::text FROM app.people UNION SELECT iban FROM app.people UNION SELECT notes FROM app.people
       UNION SELECT vat_number FROM app.customers UNION SELECT settings #>> '{billing,note}' FROM app.customers
       UNION SELECT encode(token_hash, 'hex') FROM app.sessions UNION SELECT host(address) FROM app.sessions
       UNION SELECT host(address) FROM audit.events UNION SELECT key::text FROM app.documents
       UNION SELECT title FROM app.documents UNION SELECT memo FROM billing.invoices
       UNION SELECT label FROM billing.invoice_lines UNION SELECT file_name FROM app.attachments
       UNION SELECT substr(section ->> 'text', 1, 30)
             FROM app.documents, jsonb_array_elements(body -> 'sections') AS section`,
    );
    const originals = wanted.flat().filter((value) => value !== null && value.length >= 9);
    expect(originals.length).toBeGreaterThan(1500);
    const all = await dump({ ...tests.connection, database: 'preprod' });
    const found = originals.filter((value) => all.includes(value));
    expect(found).toEqual([]);
    const logs = (await logOf(production)) + (await logOf(tests));
    expect(logs.length).toBeGreaterThan(10_000);
    expect(originals.filter((value) => logs.includes(value))).toEqual([]);
  });

  it('is the same for one key on one lane or two, and another for another key; SQL may follow', async () => {
    const hashes = async (database: string) => {
      const client = await tests.client(database);
      const found = [];
      for (const table of [...lock.tables.keys(), 'billing.monthly_revenue']) {
        const sql = `SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE "C")) FROM ${table} t`;
        found.push([table, (await rowsOf(client, sql))[0]![0]]);
      }
      await client.end();
      return found;
    };
    await copyDatabase({ ...to('again'), jobs: 1 });
    expect(await hashes('again')).toEqual(await hashes('preprod'));
    await copyDatabase({
      ...to('again'),
      ...keyed(8),
      after: [
        { name: 'first.sql', sql: 'CREATE TABLE app.made_after AS SELECT count(*) AS people FROM app.people' },
        {
          name: 'second.sql',
          sql: 'ALTER TABLE app.made_after ADD note text; UPDATE app.made_after SET note = $$ok$$',
        },
      ],
    });
    const other = await tests.client('again');
    expect(await rowsOf(other, 'SELECT people, note FROM app.made_after')).toEqual([['80', 'ok']]);
    const wide = `
      SELECT email::text FROM app.people UNION SELECT iban FROM app.people WHERE iban IS NOT NULL
      UNION SELECT vat_number FROM app.customers UNION SELECT key::text FROM app.documents
      UNION SELECT encode(token_hash, 'hex') FROM app.sessions UNION SELECT host(address) FROM audit.events`;
    const [one, two] = [await rowsOf(copy, wide), await rowsOf(other, wide)].map((rows) => rows.flat());
    const shared = new Set(one);
    expect(two!.length).toBeGreaterThan(700);
    expect(two!.filter((value) => shared.has(value))).toEqual([]);
    await other.end();
  });

  it('leaves nothing but itself', async () => {
    expect(await databases()).toEqual(['again', 'postgres', 'preprod']);
    expect(await leftovers()).toEqual([]);
  });
});

describe('a copy that fails', () => {
  let base: CopySettings;
  let source: pg.Client;
  const secrets = ['Vaillancourt', 'Marguerite-4711', '987654321012', 'Bcode'];

  beforeAll(async () => {
    const connection = await production.createDatabase('small');
    source = await production.client('small');
    await source.query(`
      CREATE SCHEMA app;
      CREATE TABLE app.person (id bigint PRIMARY KEY, email text UNIQUE, code text CHECK (code ~ '^B'), note text);
      CREATE TABLE app.visit (id bigint PRIMARY KEY, person_id bigint REFERENCES app.person, external_id text);
      INSERT INTO app.person SELECT i, 'p' || i || '@example.org', 'Bcode' || i, 'Vaillancourt said ' || i
        FROM generate_series(1, 500) i;
      INSERT INTO app.visit SELECT i, i % 500 + 1, md5(i::text)::uuid::text FROM generate_series(1, 2000) i;
      INSERT INTO app.visit VALUES (2001, 7, 'Marguerite-4711');
      SET session_replication_role = replica; INSERT INTO app.visit VALUES (2002, 987654321012, NULL);
      SET session_replication_role = origin; ANALYZE`);
    base = {
      ...copySettings({ connection, lockFile: join(directory, 'small.lock.yaml'), database: 'serving' }),
      target: { admin: tests.connection, database: 'serving', replace: true },
    };
    await tests.createDatabase('serving');
    const serving = await tests.client('serving');
    await serving.query(`CREATE TABLE marker AS SELECT 42 AS n; COMMENT ON DATABASE serving IS '${copyMark}'`);
    await serving.end();
  });

  /** Fails, tells no value, and changes nothing. */
  const failure = async (settings: CopySettings): Promise<HoldfastError> => {
    const before = await databases();
    await startLogs();
    const error = await copyDatabase(settings).then(
      () => expect.fail('it did not fail'),
      (thrown: HoldfastError) => thrown,
    );
    const { message, why, hint, stack, cause } = error;
    const told = [message, why, hint, stack, JSON.stringify(cause), String((cause as Error | undefined)?.stack)].join();
    expect(secrets.filter((value) => told.includes(value))).toEqual([]);
    expect(await databases()).toEqual(before);
    const client = await tests.client('serving');
    expect(await rowsOf(client, 'SELECT n FROM marker')).toEqual([[42]]);
    await client.end();
    await expect.poll(leftovers).toEqual([]);
    const logs = (await logOf(production)) + (await logOf(tests));
    expect(logs.length).toBeGreaterThan(1000);
    expect(secrets.filter((value) => logs.includes(value))).toEqual([]);
    return error;
  };

  const review = (columns: Parameters<typeof reviewDatabase>[1] = {}) => reviewDatabase(base, columns);
  const sound = { 'app.visit.external_id': 'code', 'app.person.code': 'keep', 'app.person.note': 'text' } as const;

  it('because nobody decided what becomes of a new column: before anything is made', async () => {
    await review({ columns: sound });
    await source.query('ALTER TABLE app.person ADD COLUMN nickname text');
    const error = await failure(base);
    expect(error.code).toBe('config');
    expect(exitStatus[error.code]).toBe(2);
    expect(error.why).toContain('app.person.nickname');
    expect(await logOf(tests)).not.toMatch(/CREATE (DATABASE|SCHEMA|TABLE)/);
    await source.query('ALTER TABLE app.person DROP COLUMN nickname');
  });

  it('because a rule cannot be had for a value, which is not told', async () => {
    await review({ columns: { ...sound, 'app.visit.external_id': 'uuid' } });
    const error = await failure(base);
    expect(error).toMatchObject({
      code: 'config',
      message: 'A value of app.visit.external_id cannot be transformed by `uuid`.',
    });
  });

  it('because a check of the target refuses what a rule makes: before any row is copied', async () => {
    await review({ columns: { ...sound, 'app.person.code': 'code', 'app.person.note': 'keep' } });
    const error = await failure(base);
    expect(error).toMatchObject({ code: 'config' });
    expect(error.why).toContain('person_code_check');
  });

  it('because a foreign key does not hold, as it did not in production', async () => {
    await review({ columns: sound });
    const error = await failure(base);
    expect(error.code).toBe('target-failed');
    expect(`${error.message} ${error.why}`).toContain('visit_person_id_fkey');
  });

  it('because SQL that follows it is wrong', async () => {
    await source.query('DELETE FROM app.visit WHERE id > 2000');
    await review({ columns: sound });
    const after = [
      { name: 'good.sql', sql: 'CREATE TABLE app.x ()' },
      { name: 'bad.sql', sql: 'SELECT * FROM app.absent' },
    ];
    const error = await failure({ ...base, after });
    expect(error.message).toBe('Could not run bad.sql in the copy.');
    expect(error.why).toContain('app.absent');
  });

  it('because what has its name is no copy, or may not be replaced', async () => {
    await tests.createDatabase('precious');
    const named = (database: string, replace: boolean) => ({ ...base, target: { ...base.target, database, replace } });
    expect(await failure(named('precious', true))).toMatchObject({ code: 'target-exists' });
    expect(await failure(named('serving', false))).toMatchObject({ code: 'target-exists' });
  });

  it('not, once all that is mended', async () => {
    await copyDatabase(base);
    const client = await tests.client('serving');
    expect(await rowsOf(client, 'SELECT count(*) FROM app.visit')).toEqual([['2000']]);
    await client.end();
  });
});
