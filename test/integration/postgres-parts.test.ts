import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { joinStreams, type StoredStream } from '../../src/repository/stored-stream.ts';
import { backupPostgres } from '../../src/sources/postgres/backup.ts';
import { type CopyTablesInput, copyTablesTask, feedTask } from '../../src/sources/postgres/backup-tasks.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import type { TableLine } from '../../src/sources/postgres/manifest.ts';
import { restoreToDirectory } from '../../src/sources/postgres/restore-directory.ts';
import { catTable } from '../../src/sources/postgres/restore-listing.ts';
import { copyStatement } from '../../src/sources/postgres/table-copy.ts';
import { betweenTasks, type Step } from '../support/between-tasks.ts';
import { MemoryRepository } from '../support/memory-repository.ts';
import { useCluster } from '../support/postgres.ts';
import { fingerprintOf, type MadeBackup, makeBackup, psqlCopy } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

/** Tables that several lanes copy, each a part of it. */

const cluster = useCluster({ settings: { autovacuum: 'off' } });

/** Small, so that tables of a few hundred kilobytes have many. */
const partSizes = { above: 64 * 1024, part: 64 * 1024 };

const source = `
  CREATE SCHEMA app;
  -- Dead rows, updates within the page and out of it, pages that are empty in the middle and at the end.
  CREATE TABLE app.worn (id int, "a ""b" text, double int GENERATED ALWAYS AS (id * 2) STORED, note text) WITH (fillfactor = 80);
  INSERT INTO app.worn (id, "a ""b", note) SELECT i, repeat(chr(97 + i % 26), i % 300), CASE WHEN i % 7 > 0 THEN E'tab\\tnewline\\n\\\\' || i END
    FROM generate_series(1, 6000) i;
  UPDATE app.worn SET "a ""b" = upper("a ""b") WHERE id % 11 = 0;
  UPDATE app.worn SET "a ""b" = repeat('longer', 60) WHERE id % 97 = 0;
  DELETE FROM app.worn WHERE id % 5 = 0 OR id BETWEEN 2000 AND 2600;
  VACUUM app.worn;
  INSERT INTO app.worn (id, note) SELECT i, repeat('z', i % 200) FROM generate_series(10000, 10100) i;
  INSERT INTO app.worn (id, note) SELECT i, repeat('gone', 100) FROM generate_series(20000, 21000) i;
  DELETE FROM app.worn WHERE id >= 20000;
  -- A few blocks of heap with much beside them.
  CREATE TABLE app.toasted (id int, doc text);
  ALTER TABLE app.toasted ALTER doc SET STORAGE EXTERNAL;
  INSERT INTO app.toasted SELECT i, CASE i % 9 WHEN 0 THEN 'short' ELSE repeat(md5(i::text), 50 + i % 400) END FROM generate_series(1, 600) i;
  CREATE TABLE app.bare ();
  INSERT INTO app.bare SELECT FROM generate_series(1, 20000);
  CREATE TABLE app.hollow AS SELECT repeat('x', 500) AS x FROM generate_series(1, 2000);
  DELETE FROM app.hollow;
  CREATE TABLE app.parent AS SELECT i, repeat('p', 100) AS v FROM generate_series(1, 2000) i;
  CREATE TABLE app.child () INHERITS (app.parent);
  INSERT INTO app.child SELECT i, repeat('c', 100) FROM generate_series(1, 2000) i;
  CREATE TABLE app.small AS SELECT i FROM generate_series(1, 300) i;
  CREATE TYPE app.mood AS ENUM ('a', 'b');
  CREATE TABLE app.by_mood (m app.mood, v text) PARTITION BY HASH (m);
  CREATE TABLE app.by_mood_0 PARTITION OF app.by_mood FOR VALUES WITH (MODULUS 1, REMAINDER 0);
  INSERT INTO app.by_mood SELECT 'a', repeat('m', 100) FROM generate_series(1, 3000) i;
`;
const inParts = ['worn', 'toasted', 'bare', 'hollow', 'parent', 'child'];

let connection: PostgresConnection;
let made: MadeBackup;

beforeAll(async () => {
  connection = await cluster.createDatabase('parted');
  const client = await cluster.client('parted');
  for (const statement of source.split(/;\n/)) await client.query(statement);
  made = await makeBackup(connection, { partSizes }, { lanes: 2 });
});

const lineOf = (name: string, from = made) => from.table('app', name)!;
const partsIn = (line: TableLine): StoredStream[] => line.stream.parts ?? [];

/** What one COPY of the whole table gives. */
function unsplit({ schema, name, columns }: TableLine): Promise<Buffer> {
  const list = columns.map((column) => `"${column.replaceAll('"', '""')}"`).join(', ');
  return psqlCopy(connection, `COPY (SELECT ${list} FROM ONLY "${schema}"."${name}") TO STDOUT`);
}

/** The same manifest with one line changed. */
function changed(name: string, change: (line: TableLine) => Partial<TableLine>): MadeBackup {
  const line = lineOf(name);
  const lines = made.repository.lines.map((each) =>
    (each as unknown as TableLine).kind === 'table' && (each as unknown as TableLine).name === name
      ? { ...line, ...change(line) }
      : each,
  );
  const repository = Object.create(made.repository, { lines: { value: lines } }) as MemoryRepository;
  repository.restore = (work, options) =>
    made.repository.restore(
      (context) =>
        work({
          ...context,
          async *lines() {
            yield* lines;
          },
        }),
      options,
    );
  return { ...made, repository };
}

function swapped(parts: readonly StoredStream[]): StoredStream[] {
  const [first, second, ...others] = parts;
  return [second!, first!, ...others];
}

describe('a table in parts', () => {
  it('is, one part after the other, what one COPY gives', async () => {
    for (const name of inParts) {
      const line = lineOf(name);
      const whole = await unsplit(line);
      const parts = partsIn(line);
      expect(parts.length, name).toBeGreaterThan(4);
      expect((await made.content(line.stream)).equals(whole), name).toBe(true);
      const { size, rows } = fingerprintOf(whole, made.repository.rowKey);
      expect(line.stream).toMatchObject({ size, rows });
      let at = 0;
      for (const part of parts) {
        const { chunks: _, list: __, ...said } = part;
        expect(said).toEqual(fingerprintOf(whole.subarray(at, at + part.size), made.repository.rowKey));
        at += part.size;
      }
      expect(at).toBe(whole.length);
    }
    // Dead rows at the end, pages that nobody has rows in.
    expect(partsIn(lineOf('worn')).at(-1)!.size).toBe(0);
    expect(lineOf('hollow').stream.size).toBe(0);
    expect(lineOf('parent').stream.rows!.rows).toBe(2000);
  });

  it('has the fingerprint of its generated columns from all of them', async () => {
    const { generated } = lineOf('worn');
    const whole = await psqlCopy(connection, 'COPY (SELECT double FROM ONLY app.worn) TO STDOUT');
    expect(generated).toEqual({ columns: ['double'], rows: fingerprintOf(whole, made.repository.rowKey).rows });
  });

  it('is none where it is small, or where the order of rows does not count', () => {
    for (const name of ['small', 'by_mood_0']) expect(lineOf(name).stream.parts).toBeUndefined();
    expect(lineOf('by_mood_0').relationSize).toBeGreaterThan(partSizes.above);
  });

  it('is shown as one table', () => {
    const events = made.repository.events.filter((event) => event.type === 'progress' && event.activity === 'tables');
    const last = events.at(-1) as { done: number; total: number };
    const total = made.of('table').reduce((sum, { relationSize }) => sum + relationSize, 0);
    expect(last).toMatchObject({ done: total, total });
    expect(made.outcome.totals).toMatchObject({ tables: made.of('table').length });
    for (const { detail } of events as { detail: string }[]) expect(detail).toMatch(/^app\.\w+$|small tables$/);
  });

  it('is stored again only where it changed, and read by its blocks whatever the database is set to', async () => {
    const client = await cluster.client('parted');
    const line = lineOf('worn');
    const blocks = { from: 8, to: 16 };
    await client.query('SET enable_tidscan = off; SET max_parallel_workers_per_gather = 0');
    const [settings, select] = /^(.*?)COPY \((.*)\) TO STDOUT$/s.exec(copyStatement({ ...line, blocks }))!.slice(1);
    const scanOf = async (sql: string) => {
      await client.query('BEGIN');
      if (sql === 'decided') await client.query(settings!);
      const { rows } = await client.query(`EXPLAIN (FORMAT json) ${select}`);
      await client.query('ROLLBACK');
      return rows[0]['QUERY PLAN'][0].Plan['Node Type'];
    };
    expect(await scanOf('decided')).toBe('Tid Range Scan');
    expect(await scanOf('left to the planner')).toBe('Seq Scan');
    const before = made.repository.bytes;
    await client.query('ALTER DATABASE parted SET enable_tidscan = off');
    try {
      const again = await makeBackup(connection, { partSizes }, { repository: made.repository, lanes: 2 });
      expect(lineOf('worn', again).stream).toEqual(line.stream);
      // The archive of pg_dump tells its time.
      expect(made.repository.bytes - before).toBeLessThan(64 * 1024);
    } finally {
      await client.query('ALTER DATABASE parted RESET enable_tidscan');
      made.repository.lines.length = made.lines.length;
    }
  });
});

describe('what happens meanwhile', () => {
  /** A database with one table of many parts, and what it holds before the backup. */
  async function withTable(name: string) {
    const there = await cluster.createDatabase(name);
    const client = await cluster.client(name);
    await client.query(`
      CREATE SCHEMA s;
      CREATE TABLE s.t (id int, v text, double int GENERATED ALWAYS AS (id * 2) STORED) WITH (fillfactor = 70);
      INSERT INTO s.t (id, v) SELECT i, repeat(md5(i::text), 1 + i % 8) FROM generate_series(1, 6000) i`);
    const before = await psqlCopy(there, 'COPY s.t (id, v) TO STDOUT');
    return { there, client, before };
  }

  async function backupBetween(there: PostgresConnection, lanes: number, step: Step, pgDump?: string) {
    const repository = await MemoryRepository.open();
    await repository.backup(
      (context) =>
        backupPostgres(
          { ...context, lanes: betweenTasks(context.lanes, step) },
          { name: 'test', connection: there, excludeTables: [], env: process.env, pgDump, partSizes },
        ),
      { lanes },
    );
    const line = repository.lines.find(({ kind }) => kind === 'table') as unknown as TableLine;
    const content = await repository.restore(({ reader }) => reader.whole(line.stream), { lanes: 1 });
    return { repository, line, content };
  }

  it('is in no part: every one is of the same moment', async () => {
    const { there, client, before } = await withTable('written');
    let steps = 0;
    const { line, content } = await backupBetween(there, 2, async (task) => {
      if (task !== copyTablesTask) return;
      steps++;
      await client.query(`INSERT INTO s.t (id, v) SELECT i, 'new' FROM generate_series(1, 500) i`);
      await client.query(`UPDATE s.t SET v = v || 'x' WHERE id % 13 = ${steps % 13}`);
      await client.query(`DELETE FROM s.t WHERE id % 17 = ${steps % 17}`);
      await client.query('VACUUM s.t');
    });
    expect(steps).toBeGreaterThan(10);
    expect(partsIn(line).length).toBe(steps);
    expect(content.equals(before)).toBe(true);
    expect(line.generated!.rows.rows).toBe(6000);
  });

  it('leaves the parts that others wait for to the session that has the lock', async () => {
    const { there, client, before } = await withTable('queued');
    const waiter = await cluster.client('queued');
    const double = fingerprintOf(
      await psqlCopy(there, 'COPY (SELECT double FROM s.t) TO STDOUT'),
      made.repository.rowKey,
    );
    const waits = `SELECT FROM pg_locks WHERE relation = 's.t'::regclass AND NOT granted`;
    let altering: Promise<unknown> | undefined;
    const asked: string[] = [];
    const { line, content } = await backupBetween(there, 1, async (task, input, finished) => {
      if (task === copyTablesTask) asked.push(task);
      else if ((input as { part?: boolean }).part) asked.push(feedTask);
      if (task !== copyTablesTask || asked.length !== 4) return;
      await expect.poll(finished, { interval: 2, timeout: 10_000 }).toBe(3);
      altering = waiter.query('ALTER TABLE s.t ADD late int');
      await expect.poll(async () => (await client.query(waits)).rowCount, { interval: 2, timeout: 10_000 }).toBe(1);
    });
    await altering;
    const fed = asked.filter((task) => task === feedTask).length;
    expect(fed).toBe(partsIn(line).length - 3);
    expect(content.equals(before)).toBe(true);
    expect(line.columns).toEqual(['id', 'v']);
    expect(line.generated!.rows).toEqual(double.rows);
    expect(line.stream.rows!.rows).toBe(6000);
  });

  it('begins the backup anew when a part is no longer under its name', async () => {
    const { there, client, before } = await withTable('moved');
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-parts-'));
    const pgDump = join(directory, 'pg_dump');
    await writeFile(pgDump, `#!/bin/sh\npg_dump "$@" && { [ "$1" = --version ] || touch ${directory}/dumped; }\n`);
    await chmod(pgDump, 0o755);
    let copies = 0;
    const step: Step = async (task, input, finished) => {
      if (task !== copyTablesTask) return;
      expect((input as CopyTablesInput).tables.length).toBe(1);
      if (++copies !== 5) return;
      await expect.poll(finished, { interval: 2, timeout: 10_000 }).toBe(4);
      await expect.poll(() => readdir(directory), { interval: 2, timeout: 10_000 }).toContain('dumped');
      // Renaming a schema waits for no lock on what is in it.
      await client.query('ALTER SCHEMA s RENAME TO renamed');
    };
    const { repository, line, content } = await backupBetween(there, 1, step, pgDump);
    await rm(directory, { recursive: true });
    expect(repository.events).toContainEqual(
      expect.objectContaining({ type: 'note', text: expect.stringContaining('begins anew') }),
    );
    expect(line.schema).toBe('renamed');
    expect(content.equals(before)).toBe(true);
  });
});

describe('restoring and comparing', () => {
  const restored = () => ({ ...cluster.connection, database: 'back' });

  it('brings a table in parts back as it was, and finds it equal', async () => {
    await restoreBackup(made, cluster.connection, 'back');
    const { checks } = await compareWith(made, restored());
    expect(checks).toEqual([]);
    const both = await Promise.all(
      [connection, restored()].map((each) => psqlCopy(each, 'COPY app.worn (id, "a ""b", note) TO STDOUT')),
    );
    expect(both[0]!.equals(both[1]!)).toBe(true);
  });

  it('writes one file with the SHA-256 of all of it, and shows it whole', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-parts-'));
    try {
      const target = join(directory, 'plain');
      await made.repository.restore((context) =>
        restoreToDirectory(context, { target, tables: [{ schema: 'app', name: 'toasted' }], schemas: [] }),
      );
      const [described] = JSON.parse(await readFile(join(target, 'tables.json'), 'utf8'));
      const whole = await unsplit(lineOf('toasted'));
      expect((await readFile(join(target, described.file))).equals(whole)).toBe(true);
      expect(described).toMatchObject({
        bytes: whole.length,
        sha256: createHash('sha256').update(whole).digest('hex'),
      });
      const shown = await made.repository.restore(async (context) => {
        const pieces: Buffer[] = [];
        for await (const piece of await catTable(context, 'app.toasted')) pieces.push(Buffer.from(piece));
        return Buffer.concat(pieces);
      });
      expect(shown.equals(whole)).toBe(true);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('refuses parts that are not those, or not in the order, that were backed up', async () => {
    const changes: ((parts: StoredStream[]) => StoredStream[])[] = [
      swapped,
      (parts) => parts.slice(1),
      (parts) => parts.slice(0, -1),
      (parts) => [...parts.slice(1), parts[0]!],
      ([first, second, ...others]) => [{ ...first!, chunks: second!.chunks, list: second!.list }, second!, ...others],
    ];
    for (const change of changes) {
      const wrong = changed('toasted', ({ stream }) => ({
        stream: { ...stream, parts: change(stream.parts!) } as TableLine['stream'],
      }));
      const restoring = restoreBackup(wrong, cluster.connection, 'wrong', {
        tables: [{ schema: 'app', name: 'toasted' }],
      });
      await expect(restoring).rejects.toMatchObject({ code: 'object-damaged' });
    }
  });

  it('finds parts in another order, and parts that are missing, in what was restored', async () => {
    const detailOf = async (change: (parts: StoredStream[]) => StoredStream[]) => {
      const wrong = changed('toasted', ({ stream }) => ({ stream: joinStreams(change(stream.parts!)) }));
      return (await compareWith(wrong, restored())).checks.map(({ object, detail }) => `${object}: ${detail}`);
    };
    expect(await detailOf(swapped)).toEqual(['app.toasted: It has the same rows in another order.']);
    const missing = partsIn(lineOf('toasted'))[0]!.rows!.rows;
    expect(await detailOf((parts) => parts.slice(1))).toEqual([
      `app.toasted: It has 600 rows instead of ${600 - missing}.`,
    ]);
    expect(await detailOf((parts) => parts)).toEqual([]);
  });

  it('finds a changed row, and rows in another order', async () => {
    const client = await cluster.client('back');
    await client.query(`UPDATE app.toasted SET doc = 'other' WHERE id = 9; CREATE TABLE app.turned AS TABLE app.parent;
      TRUNCATE ONLY app.parent; INSERT INTO app.parent SELECT * FROM app.turned ORDER BY i DESC; DROP TABLE app.turned`);
    const { checks } = await compareWith(made, restored());
    // The child's rows are in the other order too, as the copy of the parent took them along.
    expect(checks.map(({ object, detail }) => `${object}: ${detail}`)).toEqual(
      expect.arrayContaining(['app.toasted: It has as many rows, but not the same.']),
    );
    expect(checks.some(({ object }) => object === 'app.parent')).toBe(true);
  });
});
