/**
 * What rewriting costs: the rows of one table with ten ruled columns as a pseudonymized copy, beside `COPY | COPY`, which is
 * what moves them at all. One run of each after the other, then all again.
 *
 *     node bench/pseudonymize-copy.ts --rows 1000000 --runs 3
 *
 * The server's own processor time is not in the figures of either; time and memory are those of all processes of a side.
 */
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { findBinaries } from '../src/sources/postgres/binaries.ts';
import { startThrowaway, type ThrowawayConnection } from '../src/sources/postgres/throwaway.ts';
import { copySettings, reviewDatabase, type ShortRule } from '../test/support/copied-database.ts';
import { type Measured, measure } from './measure.ts';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '3' },
    jobs: { type: 'string', default: '1,2' },
    work: { type: 'string', default: tmpdir() },
    /** Of a process that this one starts: what to copy. */
    copy: { type: 'string' },
  },
});

const project = join(import.meta.dirname, '..');
const program = join(project, 'dist', 'bin', 'holdfast.js');

interface Order {
  connection: ThrowawayConnection;
  lockFile: string;
  jobs: number;
  /** Gets the milliseconds for which rows moved. */
  report: string;
}

const definition = `
  id bigint NOT NULL, customer_id bigint NOT NULL, given_name text NOT NULL, family_name text NOT NULL, email text NOT NULL,
  phone text, iban text, born_on date, street text, city text, address inet, notes text,
  plan text NOT NULL, language char(2) NOT NULL, seats integer, created_at timestamptz NOT NULL`;

/** About 300 bytes of COPY text a row. */
const rowsSql = (count: number) => `
  INSERT INTO people SELECT i, i % 50000, 'Jean' || i % 500, 'Dupont' || i % 5000, 'jean.dupont' || i || '@customer.example',
    '06' || lpad((i % 100000000)::text, 8, '0'), 'FR763000600001' || lpad(i::text, 11, '0') || '89',
    date '1950-01-01' + (i % 18000)::int, (i % 180) || ' rue Victor Hugo', 'Lyon ' || i % 9,
    '10.0.0.0'::inet + i, 'A customer wrote about the delivery number ' || i || ' and was not content with it at all.',
    'business', 'fr', i % 250, timestamptz '2026-01-01' + i * interval '1 second'
  FROM generate_series(1, ${count}) i`;

const columns: Record<string, ShortRule> = {
  'public.people.given_name': 'first-name',
  'public.people.family_name': 'last-name',
  'public.people.email': 'email',
  'public.people.phone': 'phone',
  'public.people.iban': 'iban',
  'public.people.born_on': 'birth-date',
  'public.people.street': 'address',
  'public.people.city': { kind: 'city', by: 'id' },
  'public.people.address': 'ip',
  'public.people.notes': 'text',
};
const kept = ['id', 'customer_id', 'plan', 'language', 'seats', 'created_at'];

/** The other side: one copy in a process of its own, as an operator's run is one. */
async function copyOnce({ connection, lockFile, jobs, report }: Order): Promise<void> {
  // Worker threads as the program has them: built.
  process.env.HOLDFAST_PROGRAM = program;
  registerHooks({
    resolve: (specifier, context, next) =>
      next(
        specifier === './lane-entry.ts' ? import.meta.resolve('../test/support/built-lanes.ts') : specifier,
        context,
      ),
  });
  const { copyDatabase } = await import('../src/jobs/pseudonymize/copy-database.ts');
  let begun = 0;
  let moved = 0;
  await copyDatabase({
    ...copySettings({ connection, lockFile, database: 'preprod', jobs }),
    emit: (event) => {
      if (event.type !== 'step') return;
      if (event.text === 'Restoring rows') begun = performance.now();
      else if (begun > 0 && moved === 0) moved = performance.now() - begun;
    },
  });
  await writeFile(report, String(moved));
}

type Sample = Measured & { rows: number };

async function run(): Promise<void> {
  const count = Number(flags.rows);
  const runs = Number(flags.runs);
  const jobs = flags.jobs.split(',').map(Number);
  if (![count, runs, ...jobs].every((each) => Number.isSafeInteger(each) && each > 0))
    throw new Error('--rows, --runs and --jobs want whole numbers');
  const { status } = spawnSync(process.execPath, [join(project, '.ci', 'build.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('the program could not be built');
  const work = await mkdtemp(join(flags.work, 'holdfast-bench-'));
  // The server's own account passes through it.
  await chmod(work, 0o711);
  const directory = join(work, 'server');
  // The figures are of what a server does with rows; so it has room for them.
  const settings = { shared_buffers: '512MB', max_wal_size: '8GB' };
  const server = await startThrowaway({ directory, environment: process.env, settings });
  const admin = new pg.Client(server.connection);
  // Told by what failed; without it the end of the server would hide that.
  admin.on('error', () => {});
  try {
    const { host, port, user } = server.connection;
    await admin.connect();
    await admin.query('CREATE DATABASE app');
    const connection = { ...server.connection, database: 'app' };
    const source = new pg.Client(connection);
    source.on('error', () => {});
    await source.connect();
    await source.query(`CREATE TABLE people (${definition})`);
    await source.query(rowsSql(count));
    for (const sql of ['VACUUM ANALYZE people', 'CHECKPOINT']) await source.query(sql);
    const [size] = (await source.query(`SELECT sum(length(p::text))::float8 AS bytes FROM people p`)).rows;
    await source.end();
    const lockFile = join(work, 'app.lock.yaml');
    await reviewDatabase(copySettings({ connection, lockFile, database: 'preprod' }), {
      columns: { ...columns, ...Object.fromEntries(kept.map((name) => [`public.people.${name}`, 'keep'] as const)) },
    });

    const { directory: binaries } = await findBinaries({ programs: ['psql'], path: process.env.PATH });
    const environment = { PATH: `${binaries}:${process.env.PATH}`, PGHOST: host, PGPORT: String(port), PGUSER: user };
    const samples = new Map<string, Sample[]>();
    const add = (title: string, sample: Sample) => samples.set(title, [...(samples.get(title) ?? []), sample]);
    for (let number = 0; number < runs; number++) {
      await admin.query('DROP DATABASE IF EXISTS plain');
      await admin.query('CREATE DATABASE plain');
      const target = new pg.Client({ ...connection, database: 'plain' });
      await target.connect();
      await target.query(`CREATE TABLE people (${definition})`);
      await target.end();
      const script = `psql -qXd app -c 'COPY people TO STDOUT' | psql -qXd plain -c 'COPY people FROM STDIN'`;
      const plain = await measure({ script }, environment);
      add('COPY | COPY', { ...plain, rows: plain.time });
      for (const each of jobs) {
        await admin.query('DROP DATABASE IF EXISTS preprod');
        const report = join(work, 'report');
        const order: Order = { connection, lockFile, jobs: each, report };
        await writeFile(join(work, 'order.json'), JSON.stringify(order));
        const copy = `"${process.execPath}" "${import.meta.filename}" --copy "${join(work, 'order.json')}"`;
        const measured = await measure({ script: copy }, environment);
        add(`copy, ${each} at a time`, { ...measured, rows: Number(await readFile(report, 'utf8')) });
      }
    }
    process.stdout.write(table(samples, count, size.bytes));
  } finally {
    await admin.end().catch(() => {});
    await server.remove();
    await rm(work, { recursive: true, force: true });
  }
}

const middle = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;

/** Medians; the ratio is that of the time in which rows move. */
function table(samples: ReadonlyMap<string, Sample[]>, rows: number, bytes: number): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(2).padStart(9);
  const of = (title: string, what: keyof Sample) => middle(samples.get(title)!.map((sample) => sample[what]));
  const lines = [...samples.keys()].map((title) => {
    const ratio = of(title, 'rows') / of('COPY | COPY', 'rows');
    const figures = [of(title, 'rows'), of(title, 'time'), of(title, 'cpu')].map(seconds).join('');
    return `${title.padEnd(20)}${figures}${(of(title, 'memory') / 1e6).toFixed(0).padStart(9)}${ratio.toFixed(2).padStart(9)}`;
  });
  const ruled = Object.keys(columns).length;
  return [
    `${rows} rows of ${(bytes / 1e6).toFixed(0)} MB, ${ruled} ruled columns, medians of ${[...samples.values()][0]!.length}`,
    `${''.padEnd(20)}${['rows s', 'all s', 'CPU s', 'peak MB', 'ratio'].map((text) => text.padStart(9)).join('')}`,
    ...lines,
    '',
  ].join('\n');
}

if (flags.copy === undefined) await run();
else await copyOnce(JSON.parse(await readFile(flags.copy, 'utf8')) as Order);
