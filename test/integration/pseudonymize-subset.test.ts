import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silent } from '../../src/base/events.ts';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { readCatalog, tableName } from '../../src/pseudonyms/discovery-catalog.ts';
import type { Link } from '../../src/pseudonyms/lock.ts';
import { selectSubset } from '../../src/pseudonyms/subset/select.ts';
import type { SelectionLimits } from '../../src/pseudonyms/subset/selection.ts';
import type { ChosenRows, SubsetSettings, SubsetTable } from '../../src/pseudonyms/subset/settings.ts';
import { planBackup } from '../../src/sources/postgres/backup-plan.ts';
import { readColumns } from '../../src/sources/postgres/catalog-relations.ts';
import { holdSnapshot } from '../../src/sources/postgres/held-snapshot.ts';
import { quoteQualified } from '../../src/sources/postgres/quote.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { TablePatterns } from '../../src/sources/postgres/table-patterns.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { useCluster } from '../support/postgres.ts';

const cluster = useCluster();

interface Chosen {
  report: Map<string, SubsetTable>;
  /** Texts of whole rows, sorted, of every table. */
  rows: Map<string, string[]>;
}

interface Choice extends Partial<Omit<SubsetSettings, 'tables'>> {
  links?: Link[];
  limits?: SelectionLimits | undefined;
  emptied?: string[];
  signal?: AbortSignal;
}

interface Held extends AsyncDisposable {
  /** Chooses rows as a copy does, and reads them by the places that were chosen. */
  choose(tables: Record<string, ChosenRows>, choice?: Choice): Promise<Chosen>;
}

/** Holds a snapshot as a copy does. */
async function hold(connection: ThrowawayConnection): Promise<Held> {
  const never = new AbortController().signal;
  const session = await openSession(connection, { applicationName: 'test' });
  const held = await holdSnapshot(session, {
    clock: systemClock,
    signal: never,
    needsLock: ({ kind }) => kind === 'r' || kind === 'p',
    inspect: () => {},
  });
  const plan = planBackup(held.relations, new TablePatterns([]), false);
  const columns = await readColumns(
    session,
    plan.tables.map(({ relation }) => relation.oid),
  );
  const catalog = await readCatalog(session);
  const relations = new Map(held.relations.map((relation) => [relation.oid, relation]));
  const planned = plan.tables.map((table) => {
    let root = table.relation;
    while (root.parent !== null) root = relations.get(root.parent)!;
    return { planned: table, columns: columns.get(table.relation.oid)!, table: tableName(root) };
  });
  return {
    async choose(tables, { links = [], limits, emptied = [], signal = never, ...settings } = {}) {
      const { ctids, report } = await selectSubset({
        connection,
        exportedSnapshot: held.exportedSnapshot,
        catalog,
        links,
        tables: planned.map(({ table, ...rest }) => ({
          ...rest,
          transform: { table, columns: rest.columns.plain, ruled: [], emptied: emptied.includes(table) },
        })),
        subset: { others: 'follow', children: true, seed: 'test', ...settings, tables },
        emit: silent,
        signal,
        ...(limits && { limits }),
      });
      const rows = new Map<string, string[]>();
      for (const { planned: leaf, table } of planned) {
        const places = ctids.get(leaf.relation.oid);
        const list = places?.slice();
        if (places && list) {
          expect(list).toHaveLength(places.length);
          expect([...places.parts(7)].flat()).toEqual(list);
        }
        const found = await session.query<{ row: string }>(
          `SELECT ROW(t.*)::text AS row FROM ONLY ${quoteQualified(leaf.relation.schema, leaf.relation.name)} AS t
           ${list === undefined ? '' : 'WHERE ctid = ANY ($1::text[]::tid[])'}`,
          list === undefined ? [] : [list],
        );
        if (list !== undefined) expect(found).toHaveLength(list.length);
        rows.set(table, [...(rows.get(table) ?? []), ...found.map(({ row }) => row)]);
      }
      for (const list of rows.values()) list.sort();
      return { rows, report: new Map(report.map((each) => [each.table, each])) };
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}

async function choose(connection: ThrowawayConnection, ...given: Parameters<Held['choose']>): Promise<Chosen> {
  await using held = await hold(connection);
  return await held.choose(...given);
}

/** The first columns of rows, which are whole numbers. */
const ids = ({ rows }: Chosen, table: string) =>
  rows
    .get(table)!
    .map((row) => Number(/^\((-?\d+)/.exec(row)![1]))
    .sort((a, b) => a - b);

const lookUps: SelectionLimits = { fewRows: 1_000_000, rounds: 1_000 };
const wholeReads: SelectionLimits = { fewRows: 0, rounds: 0 };

describe('the demo database', () => {
  let connection: ThrowawayConnection;
  let client: pg.Client;
  const actors: Link = { table: 'audit.events', columns: ['actor_id'], parent: 'app.people', parentColumns: ['id'] };

  beforeAll(async () => {
    connection = await cluster.createDatabase('demo');
    await fillDemoDatabase(connection, { megabytes: 13.5, seed: 'subset' });
    // While nobody is in it.
    for (const name of ['moved', 'later']) await cluster.createDatabase(name, { template: 'demo' });
    client = await cluster.client('demo');
  });

  /** Loads chosen rows beside the source and asks for every reference whether it leads somewhere. */
  async function broken(rows: ReadonlyMap<string, string[]>): Promise<string[]> {
    await client.query('BEGIN');
    try {
      const names = new Map<string, string>();
      for (const [table, texts] of rows) {
        const copy = `copy_${names.size}`;
        names.set(table, copy);
        await client.query(
          `CREATE TEMP TABLE ${copy} ON COMMIT DROP AS SELECT r.* FROM (SELECT (t::${table}).* FROM unnest($1::text[]) u (t)) r`,
          [texts],
        );
      }
      const { rows: keys } = await client.query(
        `SELECT conname, c.relnamespace::regnamespace || '.' || c.relname AS child, p.relnamespace::regnamespace || '.' || p.relname AS parent,
           (SELECT string_agg(format('p.%I = c.%I', pa.attname, ca.attname), ' AND ') FROM unnest(conkey, confkey) u (f, t)
            JOIN pg_attribute ca ON ca.attrelid = conrelid AND ca.attnum = f
            JOIN pg_attribute pa ON pa.attrelid = confrelid AND pa.attnum = t) AS equal,
           (SELECT string_agg(format('c.%I IS NOT NULL', attname), ' AND ') FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS given
         FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_class p ON p.oid = confrelid
         WHERE contype = 'f' AND conparentid = 0`,
      );
      expect(keys.length).toBeGreaterThan(5);
      const found: string[] = [];
      for (const { conname, child, parent, equal, given } of keys) {
        const { rowCount } = await client.query(
          `SELECT FROM ${names.get(child)} c WHERE ${given} AND NOT EXISTS (SELECT FROM ${names.get(parent)} p WHERE ${equal})`,
        );
        if (rowCount! > 0) found.push(conname);
      }
      return found;
    } finally {
      await client.query('ROLLBACK');
    }
  }

  it.each([
    ['by share', { 'app.customers': { share: 0.1 } }],
    ['by condition', { 'app.customers': { where: "country = 'GB' AND plan = 'team' -- few" } }],
    [
      'of several tables',
      { 'app.customers': { share: 0.5 }, 'billing.invoices': { where: "issued_on < '2026-03-01'" } },
    ],
  ] as [string, Record<string, ChosenRows>][])('is referentially complete %s', async (_, tables) => {
    const chosen = await choose(connection, tables, { links: [actors] });
    const [total] = (await client.query('SELECT count(*)::int AS n FROM app.customers')).rows;
    expect(chosen.rows.get('app.customers')!.length).toBeGreaterThan(0);
    expect(chosen.rows.get('app.customers')!.length).toBeLessThan(total.n);
    expect(chosen.rows.get('billing.invoice_lines')!.length).toBeGreaterThan(0);
    const all = await choose(connection, tables, { links: [actors], limits: wholeReads });
    expect(all.rows).toEqual(chosen.rows);
    const lookedUp = await choose(connection, tables, { links: [actors], limits: lookUps });
    expect(lookedUp.rows).toEqual(chosen.rows);
    const typed = new Map([...chosen.rows].filter(([name]) => !name.includes('no_columns') && !name.includes('"')));
    expect(await broken(typed)).toEqual([]);
    // The question can be answered otherwise.
    expect(await broken(new Map([...typed, ['app.people', []]]))).toContain('customers_contact');
  });

  it('follows links as it follows foreign keys', async () => {
    const tables = { 'app.customers': { share: 0.2 } };
    const without = await choose(connection, tables);
    expect(without.report.get('audit.events')).toMatchObject({ kind: 'rest' });
    const linked = await choose(connection, tables, { links: [actors] });
    expect(linked.report.get('audit.events')).toMatchObject({ kind: 'child' });
    const people = new Set(ids(linked, 'app.people'));
    const events = linked.rows.get('audit.events')!;
    expect(events.length).toBeGreaterThan(0);
    expect(events.length).toBeLessThan(without.rows.get('audit.events')!.length);
    const { rows } = await client.query('SELECT id, actor_id FROM audit.events WHERE actor_id IS NOT NULL');
    const actorOf = new Map(rows.map(({ id, actor_id }) => [Number(id), Number(actor_id)]));
    for (const id of ids(linked, 'audit.events')) if (actorOf.has(id)) expect(people).toContain(actorOf.get(id));
  });

  it('is the same in every run, and however rows lie', async () => {
    const connection = { ...cluster.connection, database: 'moved' };
    const tables = { 'app.customers': { share: 0.15 } };
    const first = await choose(connection, tables, { links: [actors] });
    expect((await choose(connection, tables, { links: [actors] })).rows).toEqual(first.rows);
    const moving = await cluster.client('moved');
    // Rows come to lie in other places, and some of the old ones become free.
    await moving.query(`UPDATE app.people SET phone = phone WHERE id % 3 = 0; UPDATE app.customers SET plan = plan;
      CLUSTER app.documents USING documents_by_customer`);
    await moving.query('VACUUM FULL app.people');
    expect((await choose(connection, tables, { links: [actors] })).rows).toEqual(first.rows);
    const other = await choose(connection, tables, { seed: 'other' });
    expect(ids(other, 'app.customers')).not.toEqual(ids(first, 'app.customers'));
    const more = await choose(connection, { 'app.customers': { share: 0.3 } });
    expect(ids(more, 'app.customers')).toEqual(expect.arrayContaining(ids(first, 'app.customers')));
  });

  it('sees the snapshot, not what came after', async () => {
    const connection = { ...cluster.connection, database: 'later' };
    const writing = await cluster.client('later');
    const tables = { 'app.customers': { share: 0.2 } };
    await using held = await hold(connection);
    const before = await held.choose(tables);
    await writing.query(`INSERT INTO app.customers (name) SELECT 'later' FROM generate_series(1, 5000)`);
    await writing.query(`UPDATE app.people SET phone = NULL; DELETE FROM app.sessions`);
    const during = await held.choose(tables);
    expect(during.rows).toEqual(before.rows);
  });
});

describe('small schemas', () => {
  let number = 0;
  let client: pg.Client;
  let connection: ThrowawayConnection;
  beforeAll(async () => {
    connection = await cluster.createDatabase('small');
    client = await cluster.client('small');
  });
  const fresh = async (ddl: string) => {
    await client.query(`DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; SET search_path = s; ${ddl}`);
    return ++number;
  };

  it.each([
    ['look-ups', lookUps],
    ['whole reads', wholeReads],
  ] as const)('composite keys, MATCH FULL, keys that are not primary (%s)', async (_, limits) => {
    await fresh(`
      CREATE TABLE p (a int, b text, code text UNIQUE, PRIMARY KEY (b, a));
      INSERT INTO p SELECT g % 5, 'b' || g, 'c' || g FROM generate_series(1, 20) g;
      CREATE TABLE simple (id int PRIMARY KEY, pa int, pb text, FOREIGN KEY (pb, pa) REFERENCES p (b, a));
      INSERT INTO simple SELECT g, g % 5, CASE WHEN g % 4 > 0 THEN 'b' || g END FROM generate_series(1, 20) g;
      CREATE TABLE whole (id int PRIMARY KEY, pa int, pb text, FOREIGN KEY (pb, pa) REFERENCES p (b, a) MATCH FULL);
      INSERT INTO whole SELECT g, CASE WHEN g % 4 > 0 THEN g % 5 END, CASE WHEN g % 4 > 0 THEN 'b' || g END FROM generate_series(1, 20) g;
      CREATE TABLE coded (id int PRIMARY KEY, code varchar(5) NOT NULL REFERENCES p (code));
      INSERT INTO coded SELECT g, 'c' || g FROM generate_series(1, 20) g`);
    const chosen = await choose(connection, { 's.p': { where: 'a < 2' } }, { limits });
    const some = Array.from({ length: 20 }, (_, at) => at + 1);
    expect(ids(chosen, 's.simple')).toEqual(some.filter((g) => g % 5 < 2 || g % 4 === 0));
    expect(ids(chosen, 's.whole')).toEqual(some.filter((g) => g % 5 < 2 || g % 4 === 0));
    expect(ids(chosen, 's.coded')).toEqual(some.filter((g) => g % 5 < 2));
  });

  it.each([
    ['look-ups', lookUps],
    ['whole reads', wholeReads],
    ['both', { fewRows: 100, rounds: 3 }],
  ] as const)('long chains within a table end (%s)', async (_, limits) => {
    await fresh(`
        CREATE TABLE versions (id int PRIMARY KEY, before int REFERENCES versions);
        INSERT INTO versions SELECT g, nullif(g - 1, 0) FROM generate_series(1, 400) g;
        INSERT INTO versions VALUES (1001, 1001), (1002, 1003), (1003, 1002)`);
    const chosen = await choose(connection, { 's.versions': { where: 'id IN (300, 1001, 1002)' } }, { limits });
    expect(ids(chosen, 's.versions')).toEqual([...Array.from({ length: 300 }, (_, at) => at + 1), 1001, 1002, 1003]);
  });

  it.each([
    ['look-ups', lookUps],
    ['whole reads', wholeReads],
  ] as const)('trees of children lose branches (%s)', async (_, limits) => {
    await fresh(`
      CREATE TABLE posts (id int PRIMARY KEY);
      CREATE TABLE comments (id int PRIMARY KEY, post int NOT NULL REFERENCES posts, answers int REFERENCES comments);
      INSERT INTO posts VALUES (1), (2);
      INSERT INTO comments VALUES (1, 1, NULL), (2, 1, 1), (3, 2, 1), (4, 1, 3), (5, 1, 4), (6, 1, 6), (7, 1, 8), (8, 1, 7), (9, 2, 9), (10, 1, 9)`);
    const chosen = await choose(connection, { 's.posts': { where: 'id = 1' } }, { limits });
    expect(ids(chosen, 's.comments')).toEqual([1, 2, 6, 7, 8]);
  });

  it('partitions, keys of one partition, and rows of a partition as parents', async () => {
    await fresh(`
      CREATE TABLE owners (id int PRIMARY KEY);
      CREATE TABLE parts (id int, owner int REFERENCES owners, extra int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE parts_low (extra int, owner int, id int NOT NULL);
      ALTER TABLE parts ATTACH PARTITION parts_low FOR VALUES FROM (0) TO (50);
      CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (50) TO (100) PARTITION BY RANGE (id);
      CREATE TABLE parts_mid PARTITION OF parts_high FOR VALUES FROM (50) TO (75);
      CREATE TABLE parts_top PARTITION OF parts_high FOR VALUES FROM (75) TO (100);
      CREATE TABLE extras (id int PRIMARY KEY);
      ALTER TABLE parts_mid ADD FOREIGN KEY (extra) REFERENCES extras;
      CREATE TABLE notes (id int PRIMARY KEY, part int REFERENCES parts, low int REFERENCES parts_low (id));
      INSERT INTO owners SELECT g FROM generate_series(0, 9) g;
      INSERT INTO extras SELECT g FROM generate_series(0, 99) g;
      INSERT INTO parts SELECT g, g % 10, g FROM generate_series(0, 99) g;
      INSERT INTO notes SELECT g, g, g % 50 FROM generate_series(0, 99) g`);
    const numbers = Array.from({ length: 100 }, (_, at) => at);
    for (const limits of [lookUps, wholeReads]) {
      const chosen = await choose(connection, { 's.owners': { where: 'id = 3' } }, { limits });
      const parts = numbers.filter((g) => g % 10 === 3);
      expect(chosen.rows.get('s.parts')).toEqual(parts.map((g) => `(${g},3,${g})`).sort());
      expect(ids(chosen, 's.notes')).toEqual(parts);
      expect(ids(chosen, 's.extras')).toEqual(parts.filter((g) => g >= 50 && g < 75));
      const up = await choose(connection, { 's.notes': { where: 'id = 60' } }, { limits });
      expect(up.rows.get('s.parts')).toEqual(['(10,0,10)', '(60,0,60)']);
      expect(ids(up, 's.owners')).toEqual([0]);
    }
  });

  it('what others become', async () => {
    await fresh(`
      CREATE TABLE countries (id int PRIMARY KEY);
      CREATE TABLE holidays (id int PRIMARY KEY, country int NOT NULL REFERENCES countries);
      CREATE TABLE customers (id int PRIMARY KEY, country int NOT NULL REFERENCES countries);
      CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers);
      CREATE TABLE migrations (id int);
      INSERT INTO countries SELECT g FROM generate_series(1, 4) g;
      INSERT INTO holidays SELECT g, 1 + g % 4 FROM generate_series(0, 7) g;
      INSERT INTO customers SELECT g, 1 + g % 4 FROM generate_series(0, 7) g;
      INSERT INTO orders SELECT g, g % 8 FROM generate_series(0, 15) g;
      INSERT INTO migrations VALUES (1), (1), (2); ANALYZE`);
    const counts = async (choice: Choice) => {
      const chosen = await choose(connection, { 's.customers': { where: 'id = 5' } }, choice);
      for (const [table, { rows }] of chosen.report) expect(rows, table).toBe(chosen.rows.get(table)!.length);
      return Object.fromEntries(
        [...chosen.report].map(([table, { rows, kind }]) => [table.slice(2), `${kind} ${rows}`]),
      );
    };
    const fixed = { customers: 'chosen 1', orders: 'child 2' };
    expect(await counts({})).toEqual({ ...fixed, countries: 'parent 1', holidays: 'rest 2', migrations: 'rest 3' });
    expect(await counts({ others: 'none' })).toEqual({
      ...fixed,
      countries: 'parent 1',
      holidays: 'rest 0',
      migrations: 'rest 0',
    });
    expect(await counts({ others: 'all' })).toEqual({
      ...fixed,
      countries: 'parent 4',
      holidays: 'rest 8',
      migrations: 'rest 3',
    });
    expect(await counts({ children: false })).toEqual({
      customers: 'chosen 1',
      orders: 'child 0',
      countries: 'parent 1',
      holidays: 'rest 2',
      migrations: 'rest 3',
    });
    // Without a key equal rows stay or go together.
    const shared = await choose(connection, { 's.migrations': { share: 0.5 } }, { others: 'none' });
    expect([0, 1, 2, 3]).toContain(shared.rows.get('s.migrations')!.length);
    expect(ids(shared, 's.migrations').filter((id) => id === 1).length % 2).toBe(0);
  });

  it('links compare what can be compared, and leave out rows that lead nowhere', async () => {
    await fresh(`
      CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
      CREATE TABLE accounts (id bigint PRIMARY KEY, mail public.citext, login varchar(9) COLLATE "C");
      CREATE TABLE by_text (id int, account text);
      CREATE TABLE by_mail (id int, mail public.citext);
      CREATE TABLE by_login (id int, login text);
      INSERT INTO accounts VALUES (1, 'A@x', 'a'), (2, 'b@x', 'b'), (3, 'B@X', 'c');
      INSERT INTO by_text VALUES (1, '1'), (2, '2'), (3, '77'), (4, NULL);
      INSERT INTO by_mail VALUES (1, 'a@X'), (2, 'B@x');
      INSERT INTO by_login VALUES (1, 'a'), (2, 'b')`);
    const link = (table: string, column: string, parent: string): Link => ({
      table: `s.${table}`,
      columns: [column],
      parent: 's.accounts',
      parentColumns: [parent],
    });
    const links = [
      link('by_text', 'account', 'id'),
      link('by_mail', 'mail', 'mail'),
      link('by_login', 'login', 'login'),
    ];
    for (const limits of [lookUps, wholeReads]) {
      const chosen = await choose(connection, { 's.accounts': { where: 'id < 3' } }, { links, limits });
      expect(ids(chosen, 's.by_text')).toEqual([1, 2, 4]);
      // Two accounts have that address, and one of them does not stay.
      expect(ids(chosen, 's.by_mail')).toEqual([1]);
      expect(ids(chosen, 's.by_login')).toEqual([1, 2]);
      const up = await choose(connection, { 's.by_mail': { where: 'id = 2' } }, { links, limits });
      expect(ids(up, 's.accounts')).toEqual([2, 3]);
    }
    const wrong = choose(connection, { 's.accounts': { where: 'id < 3' } }, { links: [link('by_text', 'gone', 'id')] });
    await expect(wrong).rejects.toMatchObject({ code: 'config', why: 's.by_text has no column gone.' });
  });

  it('tables whose rows are left out take no part', async () => {
    await fresh(`
      CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
      INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (1, 1), (2, 2)`);
    const chosen = await choose(connection, { 's.a': { where: 'id = 1' } }, { emptied: ['s.b'] });
    expect(chosen.report.has('s.b')).toBe(false);
    await expect(choose(connection, { 's.b': { share: 0.5 } }, { emptied: ['s.b'] })).rejects.toMatchObject({
      code: 'config',
    });
  });

  it('refuses what it cannot use, and tells nothing of rows', async () => {
    await fresh(`
      CREATE TABLE a (id int PRIMARY KEY, name text); INSERT INTO a VALUES (1, 'Secretary'), (2, '2');
      CREATE FUNCTION tell(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it is %', $1; END $$;
      CREATE FUNCTION spill(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO s.a VALUES (3, $1); RETURN true; END $$`);
    const refusal = async (where: string, table = 's.a') => {
      const error = await choose(connection, { [table]: { where } }).then(
        () => undefined,
        (error: unknown) => error as Error & { code: string; why: string; hint: string },
      );
      expect(error, where).toMatchObject({ code: 'config' });
      expect(
        `${error!.message} ${error!.why} ${error!.hint} ${JSON.stringify(error)} ${error!.cause ?? ''}`,
      ).not.toMatch(/Secretary/);
      return error!.why;
    };
    expect(await refusal('true', 's.gone')).toBe('The database has no such table.');
    expect(await refusal('"nmae" = 1')).toContain('column "nmae" does not exist');
    expect(await refusal('id')).toContain('must be type boolean');
    expect(await refusal('id = 1 AND')).toContain('syntax error');
    expect(await refusal('true); DELETE FROM s.a; SELECT (true')).toContain('multiple commands');
    expect(await refusal('true) OR (COMMIT; true')).toContain('syntax error');
    expect(await refusal('name::int = 2')).toBe('The server reports SQLSTATE 22P02.');
    expect(await refusal('s.tell(name)')).toBe('The server reports SQLSTATE P0001.');
    expect(await refusal('s.spill(name)')).toBe('The server reports SQLSTATE 25006.');
    expect((await client.query('SELECT count(*)::int AS n FROM s.a')).rows).toEqual([{ n: 2 }]);
  });

  it('stops when it is told to', async () => {
    await fresh('CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)');
    const stopping = new AbortController();
    await using held = await hold(connection);
    const choosing = held.choose({ 's.a': { where: 'pg_sleep(30) IS NOT NULL' } }, { signal: stopping.signal });
    setTimeout(() => stopping.abort(new Error('enough')), 300);
    await expect(choosing).rejects.toThrow('enough');
  });
});
