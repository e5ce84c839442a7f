import { beforeAll, describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { inspectReplaced } from '../../src/sources/postgres/restore-swap.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { fillNastyDatabase, setHostileDefaults } from '../support/nasty-database.ts';
import { useCluster } from '../support/postgres.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';

const cluster = useCluster({ settings: { max_prepared_transactions: '4', wal_level: 'logical' } });

const to = (database: string) => ({ ...cluster.connection, database });
const swap = { env: process.env };
const admin = () => cluster.client();

const databases = async (pattern: string) =>
  (
    await (
      await admin()
    ).query<{ name: string; open: boolean; comment: string | null }>(
      `SELECT datname AS name, datallowconn AS open, shobj_description(oid, 'pg_database') AS comment
       FROM pg_database WHERE datname ~ $1 ORDER BY 1`,
      [pattern],
    )
  ).rows;

/** A database with one table that says whether it is the old or the new one. */
async function said(database: string): Promise<string> {
  const client = await cluster.client(database);
  const { rows } = await client.query('SELECT what FROM said');
  await client.end();
  return rows[0].what;
}

async function make(database: string, what: string, more = ''): Promise<void> {
  await cluster.createDatabase(database);
  const client = await cluster.client(database);
  await client.query(`CREATE TABLE said (what text); INSERT INTO said VALUES ('${what}'); ${more}`);
  await client.end();
}

let backup: MadeBackup;
beforeAll(async () => {
  await make(
    'source',
    'new',
    `COMMENT ON DATABASE source IS 'of the snapshot'; ALTER DATABASE source SET work_mem = '5MB'`,
  );
  backup = await makeBackup(to('source'));
});

describe('a swap', () => {
  it('puts the new database in the place of the old one, which is kept and ended', async () => {
    await make('app', 'old');
    const inside = await cluster.client('app');
    const ended = new Promise((resolve) => inside.on('error', resolve));
    const { keptAs, shortfalls } = await restoreBackup(backup, cluster.connection, 'app', { swap });
    expect(keptAs).toMatch(/^app_before_\d{8}T\d{6}Z$/);
    expect(shortfalls).toEqual([]);
    expect(String(await ended)).toMatch(/terminat/);
    expect(await said('app')).toBe('new');
    expect(await said(keptAs!)).toBe('old');
    expect((await compareWith(backup, to('app'))).checks).toEqual([]);
    const [, old] = await databases('^app');
    expect(old).toMatchObject({ name: keptAs, open: true });
    expect(old!.comment).toMatch(/^Was "app" until .* when holdfast put a restored database in its place\.$/);
  });

  it('leaves a comment of the old one, its settings and that it lets nobody in', async () => {
    await make('quiet', 'old', `COMMENT ON DATABASE quiet IS 'mine'; ALTER DATABASE quiet SET work_mem = '7MB'`);
    await (await admin()).query('ALTER DATABASE quiet ALLOW_CONNECTIONS false');
    const { keptAs } = await restoreBackup(backup, cluster.connection, 'quiet', { swap });
    expect(await databases('^quiet')).toEqual([
      { name: 'quiet', open: true, comment: 'of the snapshot' },
      { name: keptAs, open: false, comment: 'mine' },
    ]);
    const { rows } = await (await admin()).query(
      `SELECT datname, setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname ~ '^quiet' ORDER BY 1`,
    );
    expect(rows.map(({ setconfig }) => setconfig)).toEqual([['work_mem=5MB'], ['work_mem=7MB']]);
  });

  it('of everything that a backup may lose', async () => {
    await cluster.createDatabase('nasty');
    const client = await cluster.client('nasty');
    await fillNastyDatabase(client);
    await setHostileDefaults(client);
    const nasty = await makeBackup(to('nasty'));
    await client.query(
      `ALTER DATABASE nasty SET default_transaction_read_only = off; DROP SUBSCRIPTION nasty_subscription`,
    );
    await client.end();
    const { keptAs } = await restoreBackup(nasty, cluster.connection, 'nasty', { swap });
    expect(keptAs).toBeDefined();
    expect((await compareWith(nasty, to('nasty'))).checks).toEqual([]);
  });

  it('just restores where the name is free', async () => {
    expect((await restoreBackup(backup, cluster.connection, 'free', { swap })).keptAs).toBeUndefined();
    expect(await said('free')).toBe('new');
  });

  it('keeps several old ones, and cuts long names', async () => {
    const name = `${'é'.repeat(31)}x`;
    await make(name, 'old');
    const first = await restoreBackup(backup, cluster.connection, name, { swap });
    const second = await restoreBackup(backup, cluster.connection, name, { swap });
    expect(Buffer.byteLength(first.keptAs!)).toBeLessThanOrEqual(63);
    expect(first.keptAs).toMatch(/^é+_before_\d{8}T\d{6}Z$/);
    expect(second.keptAs).not.toBe(first.keptAs);
    expect(await said(first.keptAs!)).toBe('old');
  });

  it('wins against clients that come back at once', async () => {
    await make('busy', 'old', 'CREATE TABLE written (n serial)');
    let stop = false;
    const hammer = async () => {
      while (!stop) {
        const client = await cluster.client('busy').catch(() => undefined);
        client?.on('error', () => {});
        for (let failed = false; !failed && !stop; ) {
          await client?.query('INSERT INTO written DEFAULT VALUES').catch(() => {
            failed = true;
          });
          if (client === undefined) failed = true;
        }
        await client?.end().catch(() => {});
      }
    };
    const hammers = [hammer(), hammer(), hammer(), hammer()];
    const { keptAs } = await restoreBackup(backup, cluster.connection, 'busy', { swap });
    const count = async () =>
      (await (await cluster.client(keptAs!)).query('SELECT count(*)::int AS n FROM written')).rows[0].n;
    const then = await count();
    await new Promise((resolve) => setTimeout(resolve, 300));
    stop = true;
    await Promise.all(hammers);
    expect(await count()).toBe(then);
    expect(await said('busy')).toBe('new');
    expect(then).toBeGreaterThan(0);
  });
});

describe('a swap that is refused or fails leaves the old database', () => {
  const refused = async (database: string, from: MadeBackup = backup, more = {}) => {
    const error = await restoreBackup(from, cluster.connection, database, { swap, ...more }).catch((caught) => caught);
    expect(isHoldfastError(error), String(error)).toBe(true);
    const left = await databases(`^${database}`);
    expect(left.map(({ name }) => name)).toEqual([database]);
    expect(left[0]!.open).toBe(true);
    expect(await said(database)).toBe('old');
    return error;
  };

  it('when anything differs', async () => {
    await make('differs', 'old');
    await make(
      'drifting',
      'x',
      `CREATE FUNCTION today() RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT clock_timestamp()::text$$;
       CREATE TABLE g (a int, t text GENERATED ALWAYS AS (today()) STORED); INSERT INTO g VALUES (1);`,
    );
    const error = await refused('differs', await makeBackup(to('drifting')));
    expect(error).toMatchObject({
      code: 'verification-failed',
      why: expect.stringContaining('public.g (t): The columns were worked out anew and came out otherwise'),
    });
  });

  it('when a setting is not taken', async () => {
    await make('unset', 'old');
    const lines = backup.repository.lines as { kind: string; settings: unknown }[];
    const database = lines.find(({ kind }) => kind === 'database')!;
    const before = database.settings;
    database.settings = [{ role: null, values: ['no_such_setting=1'] }];
    try {
      expect(await refused('unset')).toMatchObject({ code: 'verification-failed' });
    } finally {
      database.settings = before;
    }
  });

  it('for prepared transactions', async () => {
    await make('prepared', 'old');
    const client = await cluster.client('prepared');
    await client.query(`BEGIN; CREATE TABLE p (a int); PREPARE TRANSACTION 'half done'`);
    expect(await refused('prepared')).toMatchObject({ why: 'It has prepared transactions: "half done".' });
    await client.query(`ROLLBACK PREPARED 'half done'`);
    await client.end();
  });

  it('for an enabled subscription, and tells of what stays with it', async () => {
    await make('subscribed', 'old');
    const client = await cluster.client('subscribed');
    await client.query(`SELECT pg_create_logical_replication_slot('stays', 'pgoutput')`);
    await client.query(
      `CREATE SUBSCRIPTION sub CONNECTION 'host=192.0.2.1 connect_timeout=1' PUBLICATION p WITH (connect = false, slot_name = 'x');
       ALTER SUBSCRIPTION sub ENABLE`,
    );
    expect(await refused('subscribed')).toMatchObject({ why: expect.stringContaining('sub is enabled') });
    await client.query('ALTER SUBSCRIPTION sub DISABLE');
    await using session = await openSession(to('postgres'), { applicationName: 'test' });
    const replaced = await inspectReplaced(session, 'subscribed');
    expect(replaced).toMatchObject({
      database: 'subscribed',
      notes: ['The subscription sub stays with it.', 'The replication slot stays stays with it.'],
    });
    expect(replaced!.sizeBytes).toBeGreaterThan(1_000_000);
    expect(replaced!.sessions).toContainEqual({ user: 'postgres', application: '', client: 'local', count: 1 });
    await client.query(
      `ALTER SUBSCRIPTION sub SET (slot_name = NONE); DROP SUBSCRIPTION sub; SELECT pg_drop_replication_slot('stays')`,
    );
    await client.end();
  });

  it('for a part, definitions alone, or when reached through the old one', async () => {
    await make('whole', 'old');
    expect(await refused('whole', backup, { tables: [{ name: 'said' }] })).toMatchObject({ code: 'usage' });
    expect(await refused('whole', backup, { schemaOnly: true })).toMatchObject({ code: 'usage' });
    expect(await refused('whole', backup, { admin: to('whole') })).toMatchObject({ code: 'usage' });
  });
});
