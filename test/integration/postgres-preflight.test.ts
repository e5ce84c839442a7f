import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readRelations } from '../../src/sources/postgres/catalog-relations.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { assertLockRoom, lockTableFull, readLockRoom } from '../../src/sources/postgres/preflight-locks.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { MemoryRepository } from '../support/memory-repository.ts';
import { useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';

/** 16 locks for each of 40 slots: room for 640 tables, so that it can be filled. */
const cluster = useCluster({
  settings: {
    max_locks_per_transaction: 16,
    max_connections: 20,
    max_worker_processes: 4,
    max_prepared_transactions: 10,
    autovacuum_max_workers: 5,
    wal_level: 'logical',
    max_wal_senders: 0,
    max_replication_slots: 4,
  },
});
const total = 640;

async function failure(connection: PostgresConnection, ...rest: unknown[]) {
  return makeBackup(connection, ...(rest as [])).then(
    () => 'no error',
    (error) => error,
  );
}

async function makeTables(client: Client, count: number): Promise<void> {
  // In pieces: each new table is a lock until its transaction ends.
  for (let at = 0; at < count; at += 100) {
    const names = Array.from({ length: Math.min(100, count - at) }, (_, i) => `CREATE TABLE t${at + i} ();`);
    await client.query(names.join(''));
  }
}

/** Takes advisory locks, which lie in the same table, until there is no room, or `most`. @returns how many */
async function fill(client: Client, most = Number.MAX_SAFE_INTEGER): Promise<number> {
  await client.query('BEGIN');
  let count = 0;
  for (let step = 64; step >= 1; step = Math.floor(step / 2)) {
    while (count + step <= most) {
      await client.query('SAVEPOINT s');
      try {
        await client.query(`SELECT pg_advisory_xact_lock(i) FROM generate_series(${count}, ${count + step - 1}) i`);
        count += step;
      } catch (error) {
        expect((error as { code: string }).code).toBe('53200');
        await client.query('ROLLBACK TO s');
        break;
      }
    }
  }
  return count;
}

const words = /^\d+ tables, views and sequences need \d+ locks, and the server has no room for them\.$/;

describe('the lock table', () => {
  it('is counted as the server counts it', async () => {
    await using session = await openSession(cluster.connection, { applicationName: 'test' });
    expect(await readLockRoom(session)).toMatchObject({ total, slots: 40, perTransaction: 16 });
  });

  it('that another session nearly fills is told in the same words', async () => {
    const connection = await cluster.createDatabase('filled');
    await (await cluster.client('filled')).query('CREATE TABLE t (a int)');
    const other = await cluster.client('filled');
    const count = await fill(other, 560);
    const error = await failure(connection);
    await other.query('ROLLBACK');
    expect(error).toMatchObject({ code: 'source-failed', message: expect.stringMatching(words) });
    const held = Number(/of which (\d+) were held/.exec(error.why)![1]);
    expect(held).toBeGreaterThanOrEqual(count);
    expect(held).toBeLessThan(count + 20);
    expect(error.hint).toContain('or run it when fewer locks are held');
    await makeBackup(connection);
  });

  it('that is too small is told before anything is locked, with the number to raise it to', async () => {
    const connection = await cluster.createDatabase('many');
    const client = await cluster.client('many');
    await makeTables(client, 600);
    const error = await failure(connection);
    expect(error).toMatchObject({
      code: 'source-failed',
      message: '600 tables, views and sequences need 700 locks, and the server has no room for them.',
    });
    expect(error.why).toMatch(/^Its lock table is made for 640, of which \d+ were held/);
    expect(error.hint).toBe('Raise max_locks_per_transaction from 16 to 32 and restart the server.');
    await client.query('DROP OWNED BY postgres').catch(() => {});
  });

  it('that the backup takes more than half of is worth a warning', async () => {
    const connection = await cluster.createDatabase('half');
    await makeTables(await cluster.client('half'), 300);
    const repository = await MemoryRepository.open();
    const { outcome } = await makeBackup(connection, {}, { repository });
    expect(outcome.totals.tables).toBe(300);
    expect(repository.events).toContainEqual({
      type: 'warning',
      source: 'test',
      text: expect.stringMatching(
        /^The backup takes 400 of the 640 locks .* raise max_locks_per_transaction to 16|^The backup takes 400 of the 640 locks/,
      ),
    });
  });

  it('that is full to the last lock, so that nobody can log in, is told with the setting to raise', async () => {
    const connection = await cluster.createDatabase('full');
    const other = await cluster.client('full');
    expect(await fill(other)).toBeGreaterThan(total);
    const error = await failure(connection);
    await other.query('ROLLBACK');
    expect(error).toMatchObject({ code: 'source-failed', hint: expect.stringContaining('max_locks_per_transaction') });
  });

  it('that fills up while the backup locks is told in the same words', async () => {
    const connection = await cluster.createDatabase('meanwhile');
    const client = await cluster.client('meanwhile');
    await client.query('CREATE TABLE first ()');
    await makeTables(client, 300);
    const [holder, other] = [await cluster.client('meanwhile'), await cluster.client('meanwhile')];
    await holder.query('BEGIN; LOCK TABLE first IN ACCESS EXCLUSIVE MODE');
    const making = failure(connection);
    const waits = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'meanwhile'`;
    await expect.poll(async () => (await client.query(waits)).rowCount, { interval: 5 }).toBe(1);
    await fill(other);
    await holder.query('ROLLBACK');
    const error = await making;
    await other.query('ROLLBACK');
    expect(error).toMatchObject({ code: 'source-failed', message: expect.stringMatching(words) });
    expect(error.cause.cause.code).toBe('53200');
  });

  it('that fills up before pg_dump has its locks: the hint is the same', async () => {
    const connection = await cluster.createDatabase('dumped');
    const client = await cluster.client('dumped');
    await makeTables(client, 300);
    // The real pg_dump, held up until the table is full.
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-dump-'));
    const real = join(cluster.throwaway.binaries.directory, 'pg_dump');
    const pgDump = join(directory, 'pg_dump');
    await writeFile(
      pgDump,
      `#!/bin/sh\nif [ "$1" != --version ]; then touch ${directory}/ready; while [ ! -e ${directory}/go ]; do sleep 0.02; done; fi\nexec ${real} "$@"\n`,
    );
    await chmod(pgDump, 0o755);
    const making = failure(connection, { pgDump }, { lanes: 1 });
    const { access } = await import('node:fs/promises');
    await expect
      .poll(
        () =>
          access(join(directory, 'ready')).then(
            () => true,
            () => false,
          ),
        { interval: 5 },
      )
      .toBe(true);
    const other = await cluster.client('dumped');
    await fill(other);
    await writeFile(join(directory, 'go'), '');
    const error = await making;
    await other.query('ROLLBACK');
    expect(error).toMatchObject({ code: 'source-failed' });
    expect(error.hint).toMatch(/[Rr]aise max_locks_per_transaction/);
  });

  it('says no less than what is set, however many tables there are', async () => {
    await using session = await openSession(cluster.connection, { applicationName: 'test' });
    const room = await readLockRoom(session);
    const relation = (
      await readRelations(await openSession({ ...cluster.connection, database: 'half' }, { applicationName: 'test' }))
    )[0]!;
    const relations = Array.from({ length: 9000 }, () => relation);
    expect(() => assertLockRoom(session, relations, room)).toThrow(/9 000 tables/);
    const raised = Number(/to (\d+) and/.exec(lockTableFull(session, relations, room).hint!)![1]);
    expect(raised * room.slots).toBeGreaterThan(9100);
  });
});

describe('a connection pooler', () => {
  async function pgbouncer(mode: string, more: string): Promise<PostgresConnection> {
    const { host, port } = cluster.connection;
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-bouncer-'));
    await chmod(directory, 0o755);
    const own = 20_000 + Math.floor(Math.random() * 20_000);
    const config = join(directory, 'pgbouncer.ini');
    await writeFile(
      config,
      `[databases]\n* = host=${host} port=${port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${own}\n` +
        `unix_socket_dir =\nauth_type = any\npool_mode = ${mode}\nlogfile = /dev/null\n${more}\n`,
    );
    // It refuses root, as the server does, and the server's socket is for the server's account only.
    const account = process.getuid?.() === 0 ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];
    const [program = '', ...args] = [...account, 'pgbouncer', '-q', config];
    const child: ChildProcess = spawn(program, args, {
      stdio: 'ignore',
      env: { PATH: `${process.env.PATH}:/usr/sbin` },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const { connect } = await import('node:net');
    const listens = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(own, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
      });
    await expect.poll(listens, { interval: 20, timeout: 10_000 }).toBe(true);
    return { ...cluster.connection, host: '127.0.0.1', port: own, sslmode: 'disable' };
  }

  it.each([
    ['transaction', 'ignore_startup_parameters = options,extra_float_digits'],
    ['session', 'ignore_startup_parameters = options,extra_float_digits'],
    ['transaction', ''],
    ['session', ''],
  ])('is refused in words: pgbouncer, pool_mode %s, %s', async (mode, more) => {
    const error = await failure(await pgbouncer(mode, more));
    expect(error).toMatchObject({ code: 'source-failed' });
    expect(`${error.why} ${error.hint}`).toContain('pooler');
    expect(error.hint).toContain('own host and port');
  });
});

describe('versions of collations', () => {
  it('that changed under an index are told with what to do', async () => {
    const connection = await cluster.createDatabase('collations');
    const client = await cluster.client('collations');
    await client.query(`CREATE TABLE t (a text, b text COLLATE "de-x-icu");
      CREATE INDEX ON t (b); CREATE INDEX ON t (b, a); CREATE INDEX ON t (a)`);
    const warnings = async () => {
      const repository = await MemoryRepository.open();
      await makeBackup(connection, {}, { repository });
      return repository.events.filter((event) => event.type === 'warning');
    };
    expect(await warnings()).toEqual([]);
    await client.query(`UPDATE pg_collation SET collversion = '0' WHERE collname IN ('de-x-icu', 'fr-x-icu')`);
    const [warning, ...others] = await warnings();
    expect(others).toEqual([]);
    expect(warning).toMatchObject({
      text: expect.stringMatching(
        /^A collation has another version than before: pg_catalog\."de-x-icu" \(0, now [\d.]+\)\. 2 indexes .* may be corrupt\.$/,
      ),
      hint: 'REINDEX what uses them, then ALTER COLLATION … REFRESH VERSION.',
    });
    await client.query(`UPDATE pg_database SET datcollversion = '1' WHERE datname = 'collations'`);
    const [both] = await warnings();
    expect(both).toMatchObject({
      text: expect.stringContaining("the database's own (1, now none)"),
      hint: expect.stringContaining('ALTER DATABASE'),
    });
  });
});

describe('what is not carried', () => {
  it('is named: invalid indexes, labels, prepared transactions, slots, foreign tables', async () => {
    const connection = await cluster.createDatabase('lacking');
    const client = await cluster.client('lacking');
    await client.query(`CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);
      ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;
      CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE far (a int) SERVER s OPTIONS (filename '/nowhere');
      SET allow_system_table_mods = on;
      INSERT INTO pg_seclabel SELECT 't'::regclass, 'pg_class'::regclass, 0, 'nobody_has_it', 'x'`);
    await expect(client.query('CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)')).rejects.toMatchObject({
      code: '23505',
    });
    await client.query(`SELECT pg_create_logical_replication_slot('follower', 'pgoutput')`);
    await client.query(`BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'undecided'`);
    const repository = await MemoryRepository.open();
    const made = await makeBackup(connection, {}, { repository });
    await client.query(`ROLLBACK PREPARED 'undecided'`);
    await client.query(`SELECT pg_drop_replication_slot('follower')`);
    const objects = made.outcome.shortfalls.map(({ object }) => object);
    expect(objects).toEqual(
      expect.arrayContaining([
        'index public.broken',
        'replication slot follower',
        'one security label of nobody_has_it',
        'prepared transaction "undecided"',
        'public.far',
      ]),
    );
    expect(made.outcome.shortfalls.every(({ degrades }) => !degrades)).toBe(true);
    expect(repository.events).toContainEqual({
      type: 'note',
      source: 'test',
      text: 'One constraint is NOT VALID, and stays so: positive.',
    });
    const archive = await made.content(made.of('archive')[0]!.stream);
    expect(archive.includes('broken')).toBe(false);
    expect(archive.includes('NOT VALID')).toBe(true);
  });
});
