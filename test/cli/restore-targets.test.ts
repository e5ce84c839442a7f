import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useCluster } from '../support/postgres.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

const cluster = useCluster();
let setup: WorkingSetup;

async function query(database: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await cluster.client(database);
  client.on('error', () => {});
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

beforeAll(async () => {
  const connection = await cluster.createDatabase('app');
  await query(
    'app',
    `CREATE ROLE owner_1; CREATE ROLE owner_2; CREATE TABLE people (id serial PRIMARY KEY, name text);
     INSERT INTO people (name) SELECT 'p' || i FROM generate_series(1, 100) i; ALTER TABLE people OWNER TO owner_1;
     GRANT SELECT ON people TO owner_2`,
  );
  setup = await workingSetup(connection);
  await setup.json(['backup', 'app']);
});
afterAll(() => rmSync(setup.directory, { recursive: true, force: true }));

const restore = (...args: string[]) => setup.json<Record<string, unknown>>(['restore', 'app', '--yes', ...args]);

describe('restore', () => {
  it('--swap shows what it replaces, and replaces it', async () => {
    await query('app', `INSERT INTO people (name) VALUES ('after the backup')`);
    const inside = await cluster.client('app', { application_name: 'a web shop' });
    inside.on('error', () => {});
    const plan = await restore('--to', 'app', '--swap', '--dry-run');
    expect(plan).toMatchObject({
      swap: true,
      dataOnly: false,
      schemaOnly: false,
      roleMap: {},
      tablespaceMap: {},
      jobs: null,
      replaces: {
        database: 'app',
        sizeBytes: expect.any(Number),
        sessions: [{ user: 'postgres', application: 'a web shop', client: 'local', count: 1 }],
        notes: [],
      },
    });
    const { stdout } = await setup.asOwner('restore', 'app', '--to', 'app', '--swap', '--dry-run');
    expect(stdout).toMatch(/replaces +app \(.*\), kept as app_before_<time>/);
    expect(stdout).toMatch(/connected +1, ended for it: postgres \(a web shop\) from local/);
    expect(await query('app', 'SELECT count(*)::int AS n FROM people')).toEqual([{ n: 101 }]);
    const { keptAs, shortfalls } = await restore('--to', 'app', '--swap', '--jobs', '2');
    expect(keptAs).toMatch(/^app_before_\d{8}T\d{6}Z$/);
    expect(shortfalls).toEqual([]);
    expect(await query('app', 'SELECT count(*)::int AS n FROM people')).toEqual([{ n: 100 }]);
    expect(await query(String(keptAs), 'SELECT count(*)::int AS n FROM people')).toEqual([{ n: 101 }]);
  });

  it('--schema-only, then --data-only', async () => {
    const made = await restore(
      '--to',
      'halves',
      '--schema-only',
      '--role-map',
      'owner_1=postgres',
      '--tablespace-map',
      'pg_default=',
    );
    expect(made).toMatchObject({
      schemaOnly: true,
      roleMap: { owner_1: 'postgres' },
      tablespaceMap: { pg_default: '' },
      restored: { rows: 0 },
    });
    expect(
      await query(
        'halves',
        `SELECT relowner::regrole::text AS owner, relacl::text AS acl FROM pg_class WHERE relname = 'people'`,
      ),
    ).toEqual([{ owner: 'postgres', acl: '{postgres=arwdDxt/postgres,owner_2=r/postgres}' }]);
    const plan = await setup.asOwner('restore', 'app', '--to', 'halves', '--data-only', '--dry-run');
    expect(plan.stdout).toContain('the empty tables of halves');
    expect((await restore('--to', 'halves', '--data-only')).restored).toMatchObject({ rows: 100, sequences: 1 });
    expect(await query('halves', `INSERT INTO people (name) VALUES ('next') RETURNING id`)).toEqual([{ id: 101 }]);
    const again = await setup.asOwner('restore', 'app', '--to', 'halves', '--data-only', '--dry-run');
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('Not empty: public.people.');
  });

  it('tells before it begins that the name is taken', async () => {
    const { status, stderr } = await setup.asOwner('restore', 'app', '--to', 'app', '--dry-run');
    expect(status).toBe(1);
    expect(stderr).toMatch(/exists already[\s\S]*hint: .*--swap/);
  });

  it.each([
    [['--data-only', '--schema-only'], 'app'],
    [['--data-only', '--swap'], 'app'],
    [['--data-only', '--role-map', 'owner_1=owner_2'], 'app'],
    [['--data-only', '--overwrite'], 'app'],
    [['--swap', '--schema-only'], 'app'],
    [['--swap', '--table', 'people'], 'app'],
    [['--swap', '--into-schema', 'x', '--table', 'people'], 'app'],
    [['--schema-only', '--into-schema', 'x', '--table', 'people'], 'app'],
    [['--swap'], 'dir:/nowhere'],
    [['--role-map', 'owner_1'], 'x'],
    [['--role-map', 'nobody=owner_1'], 'x'],
    [['--tablespace-map', 'nowhere='], 'x'],
    [['--swap', '--role-map', 'owner_1=owner_2'], 'x'],
    [['--jobs', '0'], 'x'],
  ])('%j to %s is a usage error', async (flags, to) => {
    const { status, stdout, stderr } = await setup.asOwner('restore', 'app', '--yes', '--to', to, ...flags);
    expect(status, stderr).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: /m);
  });
});
