import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { useCluster } from '../support/postgres.ts';
import { holdfast } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

const odd = 'a "b"; c=d\'e';
const oddSource = 'main/a%20%22b%22%3B%20c%3Dd%27e';

interface Report {
  outcome: string;
  sources: {
    source: string;
    outcome: string;
    totals: Record<string, number>;
    snapshot?: { sequence: number };
    error?: { message: string; why?: string; hint?: string };
  }[];
  clusters: {
    source: string;
    databases: number;
    added: string[];
    excluded: string[];
    notTaken: { database: string }[];
    dropped: { source: string; database: string; snapshot: { sequence: number } }[];
  }[];
}

const cluster = useCluster();
let setup: WorkingSetup;

/** Changes the configuration of the cluster, or more. */
function configure(
  change: (config: { sources: Record<string, unknown>[]; owners: Record<string, unknown>[] }) => void,
) {
  const path = join(setup.directory, 'holdfast.yaml');
  const config = parse(readFileSync(path, 'utf8'));
  change(config);
  writeFileSync(path, stringify(config), { mode: 0o644 });
}

function source(extra: object = {}): Record<string, unknown> {
  const { host, port, user } = cluster.connection;
  return { name: 'main', type: 'postgres', connection: { host, port, user }, databases: 'all', ...extra };
}

const sql = async (text: string) => void (await (await cluster.client()).query(text));
const backup = (status: number, ...args: string[]) => setup.json<Report>(['backup', ...args], status);
const outcomes = ({ sources }: Report) => sources.map((one) => [one.source, one.outcome]);

beforeAll(async () => {
  for (const name of ['app', 'crm', odd, 'scratch_1']) {
    await cluster.createDatabase(name);
    const client = new pg.Client({ ...cluster.connection, database: name });
    await client.connect();
    await client.query('CREATE TABLE people (id int PRIMARY KEY, name text)');
    await client.query(`INSERT INTO people SELECT i, 'x' || i FROM generate_series(1, ${name.length}) i`);
    await client.end();
  }
  await sql('CREATE DATABASE closed ALLOW_CONNECTIONS false');
  setup = await workingSetup();
  configure(({ sources, owners }) => {
    sources.push(source({ exclude: { databases: ['scratch_*', 'closed'] } }));
    // Bert may open everything, Anna one database of the cluster and the tree.
    owners[0]!.sources = ['documents', 'main/app'];
  });
});
afterAll(() => rmSync(setup.directory, { recursive: true, force: true }));

const bert = (...args: string[]) => setup.run('-i', join('owners', 'bert.key'), ...args);

describe('a whole cluster', () => {
  it('is backed up, each database as a source', async () => {
    const report = await backup(0, 'main');
    expect(outcomes(report)).toEqual([
      [oddSource, 'done'],
      ['main/app', 'done'],
      ['main/crm', 'done'],
      ['main/postgres', 'done'],
    ]);
    expect(report.sources.map(({ totals }) => totals.rows ?? 0)).toEqual([odd.length, 3, 3, 0]);
    expect(report.clusters).toEqual([
      {
        source: 'main',
        databases: 4,
        added: report.sources.map((one) => one.source),
        excluded: ['closed', 'scratch_1'],
        notTaken: [],
        dropped: [],
        gone: [],
      },
    ]);
  });

  it('gives keys to those alone who may open a database', async () => {
    const ids = readdirSync(join(setup.site, 'sources'));
    const owners = ids.map((id) =>
      readdirSync(join(setup.site, 'sources', id, 'keys', '1'))
        .sort()
        .join(' '),
    );
    expect(owners.sort()).toEqual([
      'anna.age bert.age web1.age',
      'bert.age web1.age',
      'bert.age web1.age',
      'bert.age web1.age',
    ]);
    const denied = await setup.asOwner('ls', 'main/crm');
    expect(denied.stderr).toContain('The data of the source "main/crm" needs an owner\'s identity.');
    expect((await setup.asOwner('ls', 'main/app')).stdout).toContain('public.people');
    const tests = await setup.json<{ tests: { party: string; source: string; result: string }[] }>(['keys', 'test'], 5);
    expect(tests.tests.filter(({ source }) => source.startsWith('main'))).toEqual([
      { source: 'main/app', party: 'anna', result: 'opened' },
    ]);
  });

  it('tells of databases that are new, and of dropped ones, whose backups stay', async () => {
    await sql('DROP DATABASE crm');
    await sql('CREATE DATABASE fresh');
    const report = await backup(0, 'main');
    const [told] = report.clusters;
    expect(told!.added).toEqual(['main/fresh']);
    const dropped = [{ source: 'main/crm', database: 'crm', snapshot: expect.objectContaining({ sequence: 1 }) }];
    expect(told!.dropped).toEqual(dropped);

    // A machine that never saw any of it knows as much.
    configure((config) => Object.assign(config, { state: join(setup.directory, 'other-state') }));
    const { stdout, status } = await setup.run('backup', 'main');
    expect(status).toBe(0);
    expect(stdout).toMatch(/gone {3}main\/crm: dropped from the server; last snapshot [0-9a-f]{8} of .* kept until/);
    expect(stdout).not.toMatch(/^new /m);
    expect(stdout).toMatch(/^main: 4 databases +done/m);

    const names = async (...args: string[]) =>
      (await setup.json<{ sources: { source: string; snapshots: object[] }[] }>(['snapshots', ...args])).sources.map(
        (one) => [one.source, one.snapshots.length],
      );
    expect(await names('main')).toEqual([
      [oddSource, 3],
      ['main/app', 3],
      ['main/crm', 1],
      ['main/fresh', 2],
      ['main/postgres', 3],
    ]);
    expect(await names('main/crm')).toEqual([['main/crm', 1]]);
    expect((await bert('cat', 'main/crm', 'public.people')).stdout).toBe('1\tx1\n2\tx2\n3\tx3\n');
  });

  it('is restored one database at a time, under another name, after it was dropped too', async () => {
    for (const [from, to] of [
      [`${oddSource}@latest`, 'odd_again'],
      ['main/crm', 'crm_again'],
    ] as const) {
      const { status, stderr } = await bert('restore', from, '--to', to, '--yes');
      expect(status, stderr).toBe(0);
    }
    const client = await cluster.client('odd_again');
    expect((await client.query('SELECT count(*)::int AS count FROM people')).rows).toEqual([{ count: odd.length }]);
    await client.end();
    await sql('DROP DATABASE odd_again');
    await sql('DROP DATABASE crm_again');
  });

  it('has no snapshot of its own, and says what has', async () => {
    const { status, stderr } = await bert('ls', 'main');
    expect(status).toBe(1);
    expect(stderr).toContain('"main" is a whole cluster, and no single source.');
    expect(stderr).toContain('main/app');
    const wrong = await setup.run('backup', 'main/a "b"');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('hint: Write it main/a%20%22b%22');
    expect((await setup.run('backup', 'documents/app')).status).toBe(2);
  });

  it('is checked whole', async () => {
    const outcome = await bert('--json', 'check', 'main', '--read-data');
    const report = JSON.parse(outcome.stdout);
    expect(report.outcome).toBe('sound');
    expect(report.sources.map((one: { source: string }) => one.source)).toEqual([
      oddSource,
      'main/app',
      'main/crm',
      'main/fresh',
      'main/postgres',
    ]);
  });
});

describe('one database of a cluster', () => {
  it('is backed up alone', async () => {
    const report = await backup(0, 'main/app');
    expect(outcomes(report)).toEqual([['main/app', 'done']]);
    expect(report.clusters[0]!.dropped).toEqual([]);
  });

  it('that does not exist, or is left out, fails', async () => {
    const report = await backup(1, 'main/nowhere', 'main/scratch_1');
    expect(report.sources.map(({ error }) => error?.why)).toEqual([
      'The server does not have it.',
      'The configuration leaves it out.',
    ]);
  });
});

describe('what a cluster does not give', () => {
  it('a database without connections is named, and degrades the run', async () => {
    configure(({ sources }) => sources.splice(-1, 1, source({ databases: ['closed', 'app'] })));
    const report = await backup(3, 'main');
    expect(report.clusters[0]!.notTaken).toEqual([expect.objectContaining({ database: 'closed' })]);
    const { stderr, stdout } = await setup.run('backup', 'main');
    expect(stderr).toContain('warning: main: closed is not backed up. It allows no connections');
    expect(stdout).toMatch(/^main: 1 database +partial .*1 not taken/m);
  });

  it('a database that is named and was never there fails; one that was dropped does not', async () => {
    configure(({ sources }) => sources.splice(-1, 1, source({ databases: ['ap', 'crm', 'fre*'] })));
    const report = await backup(3, 'main');
    expect(outcomes(report)).toEqual([
      ['main/ap', 'failed'],
      ['main/fresh', 'done'],
    ]);
    expect(report.clusters[0]!.dropped.map((one) => one.source)).toEqual(['main/crm']);
  });

  it('a database that the role may not connect to fails by itself, with what to do', async () => {
    await sql('CREATE ROLE "back up" LOGIN; GRANT pg_read_all_data TO "back up"');
    await sql('REVOKE CONNECT ON DATABASE app FROM public');
    const { host, port } = cluster.connection;
    const connection = { host, port, user: 'back up' };
    configure(({ sources }) => sources.splice(-1, 1, source({ databases: ['app', 'fresh'], connection })));
    const report = await backup(3, 'main');
    expect(outcomes(report)).toEqual([
      ['main/app', 'failed'],
      ['main/fresh', 'done'],
    ]);
    expect(report.sources[0]!.error?.hint).toContain('GRANT CONNECT ON DATABASE "app" TO "back up"');
    await sql('GRANT CONNECT ON DATABASE app TO public');
  });

  it('a server out of reach fails the cluster, and not the other sources', async () => {
    configure(({ sources }) =>
      sources.splice(-1, 1, source({ connection: { host: setup.directory, user: 'postgres' } })),
    );
    const report = await backup(3);
    expect(outcomes(report)).toEqual([
      ['documents', 'done'],
      ['main', 'failed'],
    ]);
    expect(report.clusters).toEqual([]);
    // What there is of it is still told.
    expect((await setup.run('snapshots', 'main')).stdout).toContain('main/crm@');
  });
});

describe('with twenty databases', () => {
  it('only what is not as it should be is shown one by one', async () => {
    for (let i = 1; i <= 20; i++) await sql(`CREATE DATABASE tenant_${i}`);
    await sql('CREATE ROLE narrow LOGIN; GRANT pg_read_all_data TO narrow');
    await sql('REVOKE CONNECT ON DATABASE tenant_7 FROM public');
    const { host, port } = cluster.connection;
    const connection = { host, port, user: 'narrow' };
    configure(({ sources }) => sources.splice(-1, 1, source({ databases: ['tenant_*'], connection })));
    const { stdout, stderr, status } = await holdfast(['backup', 'main'], { cwd: setup.directory });
    expect(status).toBe(3);
    expect(stdout.trimEnd().split('\n').slice(1)).toEqual([
      expect.stringMatching(/^main\/tenant_7 +failed/),
      expect.stringMatching(/^main: 19 databases +partial .*1 failed/),
      '',
      'new    main: first backup of main/tenant_1, main/tenant_10, main/tenant_11 and 16 more',
    ]);
    expect(stderr.match(/warning: /g)).toHaveLength(1);
    expect(stderr).toContain('warning: main: 19 databases do not count as protected yet');
    const verbose = await holdfast(['-v', 'backup', 'main'], { cwd: setup.directory });
    expect(verbose.stdout.match(/^main\/tenant_/gm)).toHaveLength(20);
  });
});
