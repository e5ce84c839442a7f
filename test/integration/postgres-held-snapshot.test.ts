import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { holdSnapshot } from '../../src/sources/postgres/held-snapshot.ts';
import { openSession, type Session } from '../../src/sources/postgres/session.ts';
import { useCluster } from '../support/postgres.ts';
import { silentClock } from '../support/silent-clock.ts';

const cluster = useCluster();

/** A session in which `tamper` runs just before each LOCK: between the list and the lock. */
async function tampered(database: string, tamper: (lock: number) => Promise<unknown>) {
  const session = await openSession({ ...cluster.connection, database }, { applicationName: 'test' });
  let locks = 0;
  const between = {
    failure: session.failure,
    query: session.query.bind(session),
    run: async (text: string, what?: string) => {
      if (text.startsWith('LOCK')) await tamper(++locks);
      return session.run(text, what);
    },
  } as unknown as Session;
  return { session, between, locks: () => locks };
}

async function hold(session: Session, attempts?: number) {
  return holdSnapshot(session, {
    clock: silentClock,
    signal: new AbortController().signal,
    needsLock: ({ kind }) => kind === 'r',
    inspect: () => {},
    ...(attempts === undefined ? {} : { attempts }),
  });
}

async function prepared(name: string): Promise<pg.Client> {
  await cluster.createDatabase(name);
  const client = await cluster.client(name);
  await client.query('CREATE TABLE t AS SELECT generate_series(1, 5) AS a');
  return client;
}

const lockedNames = `SELECT array_agg(DISTINCT c.relname::text ORDER BY c.relname::text) AS names
  FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
  WHERE l.pid = pg_backend_pid() AND l.granted AND c.oid >= 16384 AND c.relkind = 'r'`;

describe('what happens between the list and the lock', () => {
  const changes: [string, string, string[]][] = [
    ['a new table', 'CREATE TABLE late AS SELECT 1 AS a', ['late', 't']],
    [
      'a swap by renaming',
      'CREATE TABLE u AS TABLE t; ALTER TABLE t RENAME TO s; ALTER TABLE u RENAME TO t',
      ['s', 't'],
    ],
    ['a drop', 'CREATE TABLE u (); DROP TABLE t', ['u']],
    ['a view in the place of the table', 'ALTER TABLE t RENAME TO s; CREATE VIEW t AS SELECT 1 AS a', ['s']],
    ['a renamed schema', 'CREATE SCHEMA p; ALTER TABLE t SET SCHEMA p; ALTER SCHEMA p RENAME TO q', ['t']],
  ];

  it.each(changes)('%s is noticed, and the list made anew', async (name, sql, expected) => {
    const database = name.replaceAll(' ', '_');
    const client = await prepared(database);
    const { session, between, locks } = await tampered(database, async (lock) => lock === 1 && client.query(sql));
    await using _ = session;
    const held = await hold(between);
    expect(locks()).toBe(2);
    const names = held.relations.filter(({ kind }) => kind === 'r').map((relation) => relation.name);
    expect(names.sort()).toEqual(expected);
    expect(await session.query(lockedNames)).toEqual([{ names: expected }]);
    expect(held.exportedSnapshot).toMatch(/^[0-9A-F-]+$/);
  });

  it('is given up when it never ends', async () => {
    const client = await prepared('restless');
    const { session, between, locks } = await tampered('restless', (lock) => client.query(`CREATE TABLE t${lock} ()`));
    await using _ = session;
    await expect(hold(between, 3)).rejects.toMatchObject({
      code: 'source-failed',
      message: 'Could not lock the tables of the database.',
    });
    expect(locks()).toBe(3);
  });

  it('of rows is seen: the snapshot comes after the lock', async () => {
    const client = await prepared('refilled');
    const { session, between } = await tampered('refilled', () =>
      client.query('TRUNCATE t; INSERT INTO t SELECT generate_series(1, 7)'),
    );
    await using _ = session;
    await hold(between);
    expect(await session.query('SELECT count(*)::int AS rows FROM public.t')).toEqual([{ rows: 7 }]);
  });
});
