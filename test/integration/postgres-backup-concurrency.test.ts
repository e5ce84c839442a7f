import { createHash } from 'node:crypto';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import type { Lanes } from '../../src/repository/lanes.ts';
import { backupPostgres } from '../../src/sources/postgres/backup.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import type { PostgresLine } from '../../src/sources/postgres/manifest.ts';
import { MemoryRepository } from '../support/memory-repository.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup, psqlCopy } from '../support/postgres-backup.ts';

const cluster = useCluster();

/** Runs `step` over and over beside `work`, and makes sure that it ran while work did. */
async function beside<T>(client: pg.Client, step: (client: pg.Client) => Promise<unknown>, work: () => Promise<T>) {
  let going = true;
  let steps = 0;
  const loop = (async () => {
    while (going) {
      await step(client);
      steps++;
    }
  })();
  loop.catch(() => {});
  try {
    const result = await work();
    return { result, steps };
  } finally {
    going = false;
    await loop;
  }
}

async function rowsOf(made: MadeBackup, name: string): Promise<string[]> {
  const line = made.of('table').find((table) => table.name === name);
  if (line === undefined) throw new Error(`${name} was not copied`);
  return String(await made.content(line.stream))
    .split('\n')
    .slice(0, -1);
}

describe('writers', () => {
  it('change nothing in a backup, however long it takes', async () => {
    const connection = await cluster.createDatabase('written');
    const client = await cluster.client('written');
    await client.query(`
      CREATE TABLE debit (id int, v text); CREATE TABLE credit (id int, v text); CREATE SEQUENCE ids;
      CREATE TABLE ballast AS SELECT i, repeat(md5(i::text), 8) AS v FROM generate_series(1, 100000) i;
      INSERT INTO debit SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i; INSERT INTO credit SELECT * FROM debit;
      SELECT setval('ids', 5000);`);
    const writer = await cluster.client('written');
    const step = (each: pg.Client) =>
      each.query(`BEGIN; SELECT nextval('ids'); INSERT INTO debit SELECT currval('ids'), 'y';
        UPDATE credit SET v = 'z' WHERE id = currval('ids') % 1000;
        INSERT INTO credit SELECT currval('ids'), 'y'; COMMIT`);
    // Tables of this size travel alone, so the two are read by different sessions.
    const { result: made, steps } = await beside(writer, step, () => makeBackup(connection, {}, { lanes: 2 }));
    expect(steps).toBeGreaterThan(20);
    const ids = async (name: string) => (await rowsOf(made, name)).map((row) => Number(row.split('\t')[0])).sort();
    const debits = await ids('debit');
    expect(debits).toEqual(await ids('credit'));
    expect(debits.length).toBe(new Set(debits).size);
    // Sequences are read after the snapshot: never behind the rows that were numbered by them.
    expect(Number(made.of('sequence')[0]!.lastValue)).toBeGreaterThanOrEqual(debits.at(-1)!);
  });
});

describe('rows that come after the snapshot', () => {
  it('are in no part of it', async () => {
    const connection = await cluster.createDatabase('later');
    const client = await cluster.client('later');
    await client.query(`CREATE TABLE t AS SELECT 1 AS a; SELECT lo_from_bytea(70000, 'one')`);
    const repository = await MemoryRepository.open();
    await repository.backup((context) => {
      const { lanes } = context;
      const delayed: Lanes = {
        count: lanes.count,
        expect: (bytes) => lanes.expect(bytes),
        // The lanes are only asked once the snapshot is there.
        run: async (...task) => {
          await client.query(`INSERT INTO t VALUES (2); SELECT lo_put(70000, 0, 'two'), lo_from_bytea(0, 'new')`);
          return lanes.run(...task);
        },
        runInEach: (...task) => lanes.runInEach(...task),
        flush: () => lanes.flush(),
        [Symbol.asyncDispose]: () => lanes[Symbol.asyncDispose](),
      };
      const settings = { name: 'test', connection, excludeTables: [], env: process.env };
      return backupPostgres({ ...context, lanes: delayed }, settings);
    });
    const lines = repository.lines as PostgresLine[];
    const table = lines.find((line) => line.kind === 'table')!;
    expect(table.stream).toMatchObject({ size: 2, rows: { rows: 1 } });
    const objects = lines.find((line) => line.kind === 'large-objects')!;
    expect(objects.objects.map(({ sha256 }) => sha256)).toEqual([createHash('sha256').update('one').digest('hex')]);
    expect((await client.query('TABLE t')).rowCount).toBeGreaterThan(1);
  });
});

describe('changes of the schema', () => {
  /** Each, as one transaction, keeps the rows of table t at 500 for everybody who looks at one moment. */
  const loops: [string, string][] = [
    ['TRUNCATE with a refill', 'TRUNCATE t; INSERT INTO t SELECT i, 1 FROM generate_series(1, 500) i'],
    [
      'a swap by renaming',
      `CREATE TABLE fresh AS SELECT i, 1 AS b FROM generate_series(1, 500) i;
       ALTER TABLE t RENAME TO stale; ALTER TABLE fresh RENAME TO t; DROP TABLE stale`,
    ],
    ['DROP and CREATE', 'DROP TABLE t; CREATE TABLE t AS SELECT i, 1 AS b FROM generate_series(1, 500) i'],
    ['an ALTER that rewrites', 'ALTER TABLE t ALTER b TYPE bigint; ALTER TABLE t ALTER b TYPE int'],
    ['tables that come and go', 'CREATE TABLE passing AS SELECT 1 AS a; DROP TABLE passing'],
  ];

  it.each(loops)('%s never makes a table look empty', { timeout: 120_000 }, async (name, sql) => {
    const database = name.replaceAll(/\W/g, '_');
    const connection = await cluster.createDatabase(database);
    const client = await cluster.client(database);
    await client.query('CREATE TABLE t AS SELECT i, 1 AS b FROM generate_series(1, 500) i');
    const looper = await cluster.client(database);
    let made = 0;
    for (let round = 0; round < 4; round++) {
      const { result } = await beside(
        looper,
        async (each) => {
          await each.query(`BEGIN; ${sql}`);
          // Long enough for the backup to come and wait for the lock; what it reads must be what it waited for.
          await new Promise((resolve) => setTimeout(resolve, 100));
          await each.query('COMMIT');
          // A loop without a pause is always first in the queue for a lock, before any pg_dump.
          await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 300));
        },
        () => makeBackup(connection, { lockTimeout: 500 }, { lanes: 1 }).catch((error) => error),
      );
      if (isHoldfastError(result, 'source-failed')) continue;
      made++;
      expect((await rowsOf(result, 't')).length).toBe(500);
      // The archive is of the same moment: it has the tables of the manifest.
      const archive = await result.content(result.of('archive')[0]!.stream);
      for (const table of result.of('table')) expect(archive.includes(`CREATE TABLE public.${table.name}`)).toBe(true);
    }
    expect(made).toBeGreaterThan(0);
  });

  it('that wait for a lock neither hang the backup nor get in between', async () => {
    const connection = await cluster.createDatabase('queued');
    const client = await cluster.client('queued');
    await client.query(`
      CREATE TABLE wanted (id int, double int GENERATED ALWAYS AS (id * 2) STORED);
      INSERT INTO wanted SELECT i FROM generate_series(1, 20000) i;
      CREATE TABLE ballast AS SELECT i, repeat(md5(i::text), 8) AS v FROM generate_series(1, 300000) i`);
    const before = await psqlCopy(connection, 'COPY (SELECT id FROM public.wanted) TO STDOUT');
    const alterer = await cluster.client('queued');
    // One lane, so that the large table is copied first and the other is still to come.
    const making = makeBackup(connection, {}, { lanes: 1 });
    const copying = `SELECT FROM pg_stat_activity WHERE datname = 'queued' AND query LIKE '%COPY %ballast%'
                     AND pid <> pg_backend_pid()`;
    await expect.poll(async () => (await client.query(copying)).rowCount, { interval: 2, timeout: 20_000 }).toBe(1);
    const altering = alterer.query('ALTER TABLE wanted ADD late int');
    const made = await making;
    await altering;
    const line = made.of('table').find(({ name }) => name === 'wanted')!;
    expect((await made.content(line.stream)).equals(before)).toBe(true);
    expect(line.stream.rows!.rows).toBe(20000);
    expect(line.generated!.rows.rows).toBe(20000);
    expect(String(await made.content(made.of('archive')[0]!.stream))).not.toContain('late integer');
  });

  it('that make pg_dump wait begin the backup anew', async () => {
    const connection: PostgresConnection = await cluster.createDatabase('overtaken');
    const client = await cluster.client('overtaken');
    await client.query('CREATE TABLE t AS SELECT i FROM generate_series(1, 500) i');
    const alterer = await cluster.client('overtaken');
    const { mkdtemp, writeFile, chmod } = await import('node:fs/promises');
    const directory = await mkdtemp('/tmp/holdfast-dump-');
    // Holds the real one back until somebody waits for a lock.
    const pgDump = `${directory}/pg_dump`;
    await writeFile(
      pgDump,
      `#!/bin/sh\n[ "$1" = --version ] || { [ -e ${directory}/second ] || { touch ${directory}/second; sleep 1; }; }\nexec pg_dump "$@"\n`,
    );
    await chmod(pgDump, 0o755);
    const making = makeBackup(connection, { pgDump, lockTimeout: 300 });
    const held = `SELECT FROM pg_locks WHERE relation = 't'::regclass AND granted AND pid <> pg_backend_pid()`;
    await expect
      .poll(async () => (await client.query(held)).rowCount, { interval: 2, timeout: 20_000 })
      .toBeGreaterThan(0);
    const altering = alterer.query('ALTER TABLE t ALTER i TYPE bigint');
    const made = await making;
    await altering;
    expect(made.repository.events).toContainEqual(
      expect.objectContaining({ type: 'note', text: expect.stringContaining('begins anew') }),
    );
    expect(made.of('table')[0]!.stream.rows!.rows).toBe(500);
    expect(String(await made.content(made.of('archive')[0]!.stream))).toContain('i bigint');
    expect(made.of('table').length).toBe(1);
  });

  it('that hold a lock for ever end the backup in words', async () => {
    const connection = await cluster.createDatabase('held');
    const client = await cluster.client('held');
    await client.query('CREATE TABLE t (a int)');
    await client.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const making = makeBackup(connection, { lockTimeout: 100 }).then(() => 'made');
    await expect(making).rejects.toMatchObject({
      code: 'source-failed',
      message: 'Could not lock public.t.',
      hint: expect.stringContaining('pg_locks'),
    });
    await client.query('ROLLBACK');
  });
});
