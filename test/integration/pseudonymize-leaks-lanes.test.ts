import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type HoldfastEvent, silent } from '../../src/base/events.ts';
import { holdSource } from '../../src/jobs/pseudonymize/copy-source.ts';
import { checkLeaks, type LeakCheckSettings, sketchFor } from '../../src/jobs/pseudonymize/leak-check.ts';
import { copyLeaveTask, copyTableTask } from '../../src/pseudonyms/copy/copy-table.ts';
import type { LeakReport } from '../../src/pseudonyms/leaks/report.ts';
import type { ColumnEntry, Lock, Rule } from '../../src/pseudonyms/lock.ts';
import { type Lanes, openLanes, type ReusableLanes } from '../../src/repository/lanes.ts';
import { openSession, type Session } from '../../src/sources/postgres/session.ts';
import { copyLaneEntry } from '../support/built-lanes.ts';
import { useCluster } from '../support/postgres.ts';

/** Rows in several blocks, and a rule that writes an original into every one of them: what it makes is no leak. */
const cluster = useCluster();
const signal = new AbortController().signal;
const secret = Buffer.alloc(32, 5);
const people = 400;
const visits = 600;
const original = 'person.11@firm.example';

const schema = `
  CREATE SCHEMA app;
  CREATE TABLE app.people (id bigint PRIMARY KEY, email text, handle text, contact text, notes text);
  CREATE TABLE app.visits (id bigint, comment text, padding text);
  CREATE TABLE app.late_visits () INHERITS (app.visits);
  CREATE TABLE app.days (day text, note text) PARTITION BY LIST (day);
  CREATE TABLE app.days_a PARTITION OF app.days FOR VALUES IN ('monday');
  CREATE TABLE app.days_b PARTITION OF app.days DEFAULT;`;

const rule = (kind: Rule['kind'], options: Rule['options'] = {}): ColumnEntry => ({
  rule: { kind, options },
  ...(kind === 'keep' && { reason: 'test' }),
  type: '',
  review: false,
});
const kept = (...columns: string[]) => new Map(columns.map((column) => [column, rule('keep')] as const));

const lock: Lock = {
  source: 'app',
  definitions: new Map(),
  links: [],
  tables: new Map([
    [
      'app.people',
      new Map([
        ['id', rule('id')],
        ['email', rule('email')],
        ['handle', rule('sql', { expression: "'h' || id" })],
        ['contact', rule('fixed', { value: original })],
        ['notes', rule('text')],
      ]),
    ],
    ['app.visits', kept('id', 'comment', 'padding')],
    ['app.late_visits', kept('id', 'comment', 'padding')],
    ['app.days', kept('day', 'note')],
  ]),
};

let holding: Session;
let lanes: ReusableLanes;
let settings: LeakCheckSettings;
let client: pg.Client;

beforeAll(async () => {
  const source = await cluster.createDatabase('app');
  const target = await cluster.createDatabase('copy');
  const from = await cluster.client('app');
  await from.query(schema);
  await from.query(`
    INSERT INTO app.people SELECT n, format('person.%s@firm.example', n), 'own handle', 'front desk', repeat('calm words of a day ', 10)
    FROM generate_series(1, ${people}) n;
    INSERT INTO app.visits SELECT n, 'came in', repeat('x', 100) FROM generate_series(1, ${visits}) n;
    INSERT INTO app.late_visits SELECT n, 'came late', 'x' FROM generate_series(1, 20) n;
    INSERT INTO app.days VALUES ('monday', 'nothing'), ('friday', 'little')`);
  client = await cluster.client('copy');
  await client.query(schema);

  holding = await openSession(source, { applicationName: 'test', signal });
  const held = await holdSource(holding, { lock, env: process.env, clock: systemClock, signal });
  const sketch = sketchFor(held.tables, () => people);
  lanes = openLanes({ entry: copyLaneEntry(), count: 2, port: {}, signal });
  for (const { planned, transform } of held.tables) {
    const { relation, loadThrough } = planned;
    await lanes.run(copyTableTask, {
      source: { connection: holding.connection, exportedSnapshot: held.exportedSnapshot },
      target,
      secret,
      relation: { oid: relation.oid, schema: relation.schema, name: relation.name },
      transform,
      sketch,
      ...(loadThrough && { through: loadThrough }),
    });
  }
  await lanes.runInEach(copyLeaveTask, undefined);
  settings = { lanes, source: holding, target, sketch, lock, tables: held.tables, secret, emit: silent, signal };
});

afterAll(async () => {
  await lanes?.[Symbol.asyncDispose]();
  await holding?.close();
});

/** The report of a copy with something planted, which is gone afterwards. */
async function planted(plant: string, undo: string, more: Partial<LeakCheckSettings> = {}): Promise<LeakReport> {
  await client.query(plant);
  try {
    return await checkLeaks({ ...settings, ...more });
  } finally {
    await client.query(undo);
  }
}

/** The lanes, and how often they ran each task. */
function counted(): { lanes: Lanes; runs: Map<string, number> } {
  const runs = new Map<string, number>();
  const counting: Lanes = {
    count: lanes.count,
    expect: (bytes) => lanes.expect(bytes),
    run: (task, input, options) => {
      runs.set(task, (runs.get(task) ?? 0) + 1);
      return lanes.run(task, input, options);
    },
    runInEach: (task, input) => lanes.runInEach(task, input),
    flush: () => lanes.flush(),
    [Symbol.asyncDispose]: async () => {},
  };
  return { lanes: counting, runs };
}

/** One block in each. */
const smallest = { above: 0, part: 1 };

const [plant, undo] = [
  `INSERT INTO app.people (id, contact) VALUES (-1, '${original}');
   INSERT INTO app.visits SELECT 10000 + n, 'asked by ${original}', repeat('y', 500) FROM generate_series(1, 50) n;
   INSERT INTO app.days VALUES ('monday', '${original}'), ('sunday', '${original}')`,
  `DELETE FROM app.people WHERE id < 0; DELETE FROM app.visits WHERE id > 10000; DELETE FROM app.days WHERE note LIKE '%@%'`,
];

describe('the search in lanes', () => {
  it('finds in the parts of a table what it finds in the whole, and counts it once', async () => {
    const whole = await planted(plant, undo);
    expect(whole.findings.map(({ name, what, count, originals }) => [name, what, count, originals])).toEqual([
      ['app.days.note', 'identifier', 2, ['app.people.email']],
      ['app.people.contact', 'identifier', 1, ['app.people.email']],
      ['app.visits.comment', 'identifier', 50, ['app.people.email']],
    ]);
    const { lanes: counting, runs } = counted();
    const events: HoldfastEvent[] = [];
    const parts = await planted(plant, undo, {
      lanes: counting,
      parts: smallest,
      emit: (event) => void events.push(event),
    });
    expect(parts).toEqual(whole);
    expect(runs.get('pseudonymize-search-rows')).toBeGreaterThan(20);
    for (const task of ['pseudonymize-originals', 'pseudonymize-made']) expect(runs.get(task)).toBeGreaterThan(5);

    for (const activity of ['search', 'originals', 'rules']) {
      const progress = events.flatMap((event) =>
        event.type === 'progress' && event.activity === activity ? [event] : [],
      );
      expect(progress.length).toBeGreaterThan(5);
      const done = progress.map((event) => event.done);
      expect(done).toEqual([...done].sort((a, b) => a - b));
      expect(progress.at(-1)).toMatchObject({ unit: 'bytes', total: done.at(-1) });
      expect(progress.every((event) => Number.isInteger(event.done))).toBe(true);
    }
  });

  it('finds the same without lanes of others', async () => {
    const whole = await planted(plant, undo);
    const { lanes: _, ...without } = settings;
    await client.query(plant);
    const own = await checkLeaks(without).finally(() => client.query(undo));
    expect(own).toEqual(whole);
  });

  it('reads rows of a table that inherits once, and those of partitions with their root', async () => {
    const report = await planted(
      `INSERT INTO app.late_visits VALUES (-1, '${original}')`,
      'DELETE FROM app.late_visits WHERE id < 0',
    );
    expect(report.findings.map(({ name, count }) => [name, count])).toEqual([['app.late_visits.comment', 1]]);
    expect(report.scanned).toMatchObject({ tables: 4, rows: people + visits + 21 + 2 });
  });

  it('tells of a column that the source works out', async () => {
    const report = await planted(
      `INSERT INTO app.people (id, handle) VALUES (-1, '${original}')`,
      'DELETE FROM app.people WHERE id < 0',
    );
    expect(report.findings.map(({ name, count }) => [name, count])).toEqual([['app.people.handle', 1]]);
  });

  it('leaves no connection to the copy, so that it can get its name', async () => {
    await checkLeaks({ ...settings, parts: smallest });
    const { rows } = await client.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND application_name = 'holdfast pseudonymize'`,
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('finds what large objects of any size hold', async () => {
    const bytes = (length: number) => `convert_to(repeat('calm words ', ${length}) || '${original}', 'UTF8')`;
    const report = await planted(
      `SELECT lo_from_bytea(oid, ${bytes(10)}) FROM generate_series(5000, 5300) oid;
       SELECT lo_from_bytea(6001, ${bytes(200_000)}), lo_from_bytea(6002, ${bytes(800_000)})`,
      'SELECT lo_unlink(oid) FROM pg_largeobject_metadata',
    );
    expect(report.scanned.largeObjects).toBe(303);
    expect(report.findings).toHaveLength(303);
    expect(new Set(report.findings.map(({ count }) => count))).toEqual(new Set([1]));
  });

  it('ends at once when it is told to', async () => {
    const controller = new AbortController();
    const { lanes: _, ...without } = settings;
    const reason = new Error('enough');
    const check = checkLeaks({
      ...without,
      parts: smallest,
      signal: controller.signal,
      emit: (event) => {
        if (event.type === 'progress') controller.abort(reason);
      },
    });
    await expect(check).rejects.toBe(reason);
  });
});

it('credits rules of a subset with the rows that the copy has, and no others', async () => {
  const rows = await holding.query<{ ctid: string }>('SELECT ctid::text FROM app.people ORDER BY ctid', []);
  const of = (count: number) => ({
    tables: settings.tables.map((table) =>
      table.transform.table === 'app.people'
        ? { ...table, ctids: rows.slice(0, count).map(({ ctid }) => ctid) }
        : table,
    ),
  });
  // Every row of the copy has the original, by the rule; were one of them not from the subset, nothing would explain it.
  expect((await checkLeaks({ ...settings, ...of(people) })).findings).toEqual([]);
  const { findings } = await checkLeaks({ ...settings, ...of(people - 1) });
  expect(findings).toEqual([expect.objectContaining({ name: 'app.people.contact', what: 'identifier', count: 1 })]);
});
