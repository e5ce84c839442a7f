import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, connect as dialTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { startTestCluster, useCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';

const cluster = useCluster();

async function script(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'holdfast-script-')), 'pg_dump');
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

/** A database with one table that takes a while to copy. */
async function bigDatabase(name: string, rows = 400_000): Promise<PostgresConnection> {
  const connection = await cluster.createDatabase(name);
  const client = await cluster.client(name);
  await client.query(`CREATE TABLE big AS SELECT i, repeat(md5(i::text), 10) AS v FROM generate_series(1, ${rows}) i`);
  return connection;
}

/** So that a backup that should have failed does not fill the screen. */
async function failing(...of: Parameters<typeof makeBackup>) {
  return makeBackup(...of).then(
    () => 'no error',
    (error) => error,
  );
}

describe('logging in', () => {
  it('says that nothing listens', async () => {
    const made = makeBackup({ host: '127.0.0.1', port: 1, user: 'u', database: 'd', password: 'hunter2' });
    await expect(made).rejects.toMatchObject({
      code: 'source-failed',
      why: 'Nothing listens there.',
      hint: expect.stringContaining('pg_isready'),
    });
    expect(await failing({ ...cluster.connection, host: '/nowhere' })).toMatchObject({
      why: expect.stringContaining('no such socket'),
    });
    expect(await failing({ ...cluster.connection, host: 'no-such-host.invalid' })).toMatchObject({
      why: expect.stringContaining('name of the host'),
    });
  });

  it('says that there is no such database', async () => {
    expect(await failing({ ...cluster.connection, database: 'nowhere' })).toMatchObject({
      code: 'source-failed',
      why: 'There is no such database.',
    });
  });

  it('says that the password is wrong, or missing, and shows none', async () => {
    const client = await cluster.client();
    await client.query(`CREATE ROLE alice LOGIN PASSWORD 'right'; GRANT pg_read_all_data TO alice`);
    const { rows } = await client.query(`SELECT current_setting('hba_file') AS file`);
    const { readFile } = await import('node:fs/promises');
    const before = await readFile(rows[0].file, 'utf8');
    await writeFile(rows[0].file, `local all alice scram-sha-256\n${before}`);
    await client.query('SELECT pg_reload_conf()');
    const alice = { ...cluster.connection, user: 'alice' };
    await expect
      .poll(() =>
        openSession(alice, { applicationName: 'test' }).then(
          (s) => s.close(),
          () => 'asked',
        ),
      )
      .toBe('asked');

    const wrong = await makeBackup({ ...alice, password: 'hunter2' }).catch((error) => error);
    expect(wrong).toMatchObject({ code: 'source-failed', why: 'The server refused the password.' });
    expect(JSON.stringify([wrong.message, wrong.why, wrong.hint, wrong.stack])).not.toContain('hunter2');
    expect(await failing(alice)).toMatchObject({
      why: 'The server asks for a password, and none is configured.',
    });
    const made = await makeBackup({ ...alice, password: 'right' });
    expect(made.of('database')[0]!.name).toBe('postgres');
    await client.query('DROP OWNED BY alice; DROP ROLE alice');
  });

  it('refuses a connection pooler', async () => {
    const { connection, closed } = await poolerTo(cluster.connection);
    expect(await failing(connection)).toMatchObject({
      code: 'source-failed',
      why: expect.stringContaining('pooler'),
      hint: expect.stringContaining('own host and port'),
    });
    await closed();
  });
});

/** Passes everything on but makes up process ids, as poolers do. */
async function poolerTo(to: PostgresConnection) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = dialTcp(`${to.host}/.s.PGSQL.${to.port}`);
    for (const socket of [near, far]) {
      sockets.add(socket.on('error', () => near.destroy()));
      socket.on('close', () => [near, far].map((each) => each.destroy()));
    }
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readUInt32BE(at + 1)) {
        if (bytes[at] === 0x4b) bytes.writeInt32BE(424242, at + 5);
      }
      near.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    connection: { ...to, host: '127.0.0.1', port, sslmode: 'disable' as const },
    closed: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('rights', () => {
  it('names the tables that a role may not read, before anything is read', async () => {
    const connection = await cluster.createDatabase('rights');
    const client = await cluster.client('rights');
    await client.query(`
      CREATE ROLE bob LOGIN;
      CREATE TABLE open (a int); INSERT INTO open VALUES (1); GRANT SELECT ON open TO bob;
      CREATE TABLE "Shut" (a int); INSERT INTO "Shut" VALUES (1);
      CREATE SCHEMA inner_room; CREATE TABLE inner_room.t (a int); GRANT SELECT ON inner_room.t TO bob;
      CREATE SEQUENCE counter;`);
    const bob = { ...connection, user: 'bob' };
    expect(await failing(bob)).toMatchObject({
      code: 'source-failed',
      message: 'This role may not read public."Shut", inner_room.t, public.counter.',
      hint: expect.stringContaining('exclude.tables'),
    });

    const made = await makeBackup(bob, { excludeTables: ['Shut', 'inner_room.*', 'public.count?r'] });
    expect(made.of('table').map(({ name }) => name)).toEqual(['open']);
    const omitted = made.of('omitted').map(({ object }) => object);
    expect(omitted.sort()).toEqual(['inner_room.t', 'public."Shut"', 'public.counter']);
    const archive = await made.content(made.of('archive')[0]!.stream);
    expect(archive.includes('CREATE TABLE public."Shut"')).toBe(false);
    expect(archive.includes('CREATE TABLE public.open')).toBe(true);
    await client.query('DROP OWNED BY bob; DROP ROLE bob');
  });

  it('backs up whole as a role that may only read', async () => {
    const connection = await cluster.createDatabase('only_read');
    const client = await cluster.client('only_read');
    await client.query(`CREATE ROLE carol LOGIN IN ROLE pg_read_all_data;
      CREATE TABLE t AS SELECT 1 AS a; CREATE SEQUENCE s;`);
    const made = await makeBackup({ ...connection, user: 'carol' });
    expect(made.outcome).toMatchObject({ totals: { tables: 1, rows: 1, sequences: 1 }, shortfalls: [] });
    await client.query(`SELECT lo_from_bytea(4711, 'x')`);
    expect(await failing({ ...connection, user: 'carol' })).toMatchObject({
      message: 'This role may not read 1 large objects.',
      why: expect.stringContaining('4711'),
    });
    await client.query('GRANT SELECT ON LARGE OBJECT 4711 TO carol');
    expect((await makeBackup({ ...connection, user: 'carol' })).outcome.totals.largeObjects).toBe(1);
    await client.query('DROP OWNED BY carol; DROP ROLE carol');
  });

  it('does not take the rows that row security leaves for all rows', async () => {
    const connection = await cluster.createDatabase('policies');
    const client = await cluster.client('policies');
    await client.query(`CREATE ROLE dave LOGIN IN ROLE pg_read_all_data;
      CREATE TABLE secret AS SELECT i AS a FROM generate_series(1, 10) i;
      ALTER TABLE secret ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON secret USING (a < 3);`);
    expect(await failing({ ...connection, user: 'dave' })).toMatchObject({
      code: 'source-failed',
      message: 'Row security hides rows of public.secret from this role.',
      hint: expect.stringContaining('BYPASSRLS'),
    });
    await client.query('ALTER ROLE dave BYPASSRLS');
    expect((await makeBackup({ ...connection, user: 'dave' })).outcome.totals.rows).toBe(10);
    await client.query('DROP OWNED BY dave; DROP ROLE dave');
  });
});

describe('pg_dump', () => {
  it('is refused when older than the server', async () => {
    const pgDump = await script('echo "pg_dump (PostgreSQL) 12.22"');
    expect(await failing(cluster.connection, { pgDump })).toMatchObject({
      code: 'tool-missing',
      message: expect.stringMatching(/^pg_dump 12 is older than the server, PostgreSQL \d+\.$/),
      hint: expect.stringContaining('postgresql-client-'),
    });
  });

  it('is named when it is not there, or is something else', async () => {
    expect(await failing(cluster.connection, { pgDump: '/no/such/pg_dump' })).toMatchObject({
      code: 'tool-missing',
    });
    const pgDump = await script('echo hello');
    expect(await failing(cluster.connection, { pgDump })).toMatchObject({ code: 'tool-missing' });
  });

  it('fails the backup when it fails, with its own words', async () => {
    const pgDump = await script(
      'if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 99.1"; exit; fi\n' +
        'echo PGDMPsome; echo "pg_dump: error: the disk of dreams is full" >&2; echo "pg_dump: detail: query" >&2; exit 1',
    );
    const connection = await bigDatabase('dump_fails', 1000);
    const { MemoryRepository } = await import('../support/memory-repository.ts');
    const repository = await MemoryRepository.open();
    expect(await failing(connection, { pgDump }, { repository })).toMatchObject({
      code: 'source-failed',
      message: 'pg_dump failed.',
      why: 'pg_dump: error: the disk of dreams is full',
    });
    expect(repository.lines).toEqual([]);
    expect(repository.events).toContainEqual(expect.objectContaining({ text: expect.stringContaining('newer') }));
  });

  it('fails the backup when it writes nothing', async () => {
    const pgDump = await script('if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 99.1"; fi');
    expect(await failing(cluster.connection, { pgDump })).toMatchObject({
      message: 'pg_dump wrote nothing.',
    });
  });
});

describe('a server that goes away', () => {
  it('ends the backup with an error that names the table when the backend is ended', async () => {
    const connection = await bigDatabase('terminated');
    const client = await cluster.client('terminated');
    const making = failing(connection, {}, { lanes: 1 });
    await expect
      .poll(
        async () =>
          (
            await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = 'terminated' AND query LIKE '%COPY %big%' AND pid <> pg_backend_pid()`)
          ).rowCount,
        { interval: 2, timeout: 20_000 },
      )
      .toBe(1);
    expect(await making).toMatchObject({
      code: 'source-failed',
      message: 'Could not copy table public.big.',
      // A backend that is busy sending cannot say why it ends.
      why: expect.stringMatching(/ended the connection|connection to the server was lost/),
    });
  });

  it('ends the backup within seconds when the server is killed in mid-COPY', async () => {
    await using server = await startTestCluster();
    const { default: pg } = await import('pg');
    const client = new pg.Client(server.connection);
    client.on('error', () => {});
    await client.connect();
    await client.query(`CREATE TABLE big AS SELECT i, repeat(md5(i::text), 10) AS v FROM generate_series(1, 400000) i`);
    const { rows } = await client.query(`SELECT 1`);
    expect(rows.length).toBe(1);
    const making = failing(server.connection, {}, { lanes: 1 });
    const copying = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%COPY %big%' AND pid <> pg_backend_pid()`;
    let pid = 0;
    await expect
      .poll(async () => (pid = (await client.query(copying)).rows[0]?.pid ?? 0), { interval: 2, timeout: 20_000 })
      .toBeGreaterThan(0);
    const begun = performance.now();
    // All at once, as when the machine's memory ran out: nobody says goodbye.
    process.kill(server.pid, 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    const error = await making;
    expect(error).toMatchObject({ code: 'source-failed', hint: expect.any(String) });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('says so when the server is shutting down already', async () => {
    const server = await startTestCluster();
    await server.stop();
    expect(await failing(server.connection)).toMatchObject({ code: 'source-failed' });
    await server.remove();
  });
});

describe('an interrupted backup', () => {
  it('ends at once and leaves no session and no pg_dump behind', async () => {
    const connection = await bigDatabase('interrupted');
    const client = await cluster.client('interrupted');
    const sleeper = await script(
      'if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 99.1"; exit; fi; echo $$ > "$(dirname "$0")/pid"; exec sleep 600',
    );
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const making = failing(connection, { pgDump: sleeper }, { signal: stop.signal });
    const sessions = `SELECT pid FROM pg_stat_activity WHERE datname = 'interrupted' AND application_name LIKE 'holdfast%'`;
    await expect
      .poll(async () => (await client.query(`${sessions} AND query LIKE '%COPY%'`)).rowCount, { timeout: 20_000 })
      .toBeGreaterThan(0);
    const { readFile } = await import('node:fs/promises');
    const pidFile = sleeper.replace(/pg_dump$/, 'pid');
    await expect.poll(() => readFile(pidFile, 'utf8').catch(() => '')).toMatch(/\d+\n/);
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(process.kill(pid, 0)).toBe(true);

    const reason = new Error('stop');
    const begun = performance.now();
    stop.abort(reason);
    expect(await making).toBe(reason);
    expect(performance.now() - begun).toBeLessThan(3000);
    await expect.poll(async () => (await client.query(sessions)).rows, { timeout: 10_000 }).toEqual([]);
    await expect
      .poll(() => {
        try {
          return process.kill(pid, 0);
        } catch {
          return 'gone';
        }
      })
      .toBe('gone');
  });

  it('does not begin when it is interrupted before', async () => {
    const reason = new Error('too late');
    await expect(makeBackup(cluster.connection, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
