/**
 * Databases that are large in one way each, through the real program:
 *
 *   node test/soak/postgres-scale.ts [tables] [objects] [row] [limits] [gigabyte] [--profile DIRECTORY]
 *
 * All parts without arguments: 6 GB of temporary space. Ends with status 1 when a copy is not equal.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import pg from 'pg';
import { median, megabytes, seconds, table } from '../../bench/table.ts';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { copyOut } from '../../src/sources/postgres/copy-out.ts';
import { largeObjectsStatement } from '../../src/sources/postgres/large-objects.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import type { Throwaway, ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { startHoldfast } from '../cli/run-holdfast.ts';
import { type WorkingSetup, workingSetup } from '../cli/working-setup.ts';
import { findDifferences } from '../regression/independent.ts';
import { startTestCluster } from '../support/postgres.ts';

interface Figure {
  part: string;
  work: string;
  ms: number[];
  /** Bytes: the most that our process had in memory; pg_dump's own is not in it. */
  memory?: number;
  load: number;
  note?: string;
}

interface Scene {
  part: string;
  server: Throwaway;
  setup: WorkingSetup;
  source: ThrowawayConnection;
  client: pg.Client;
}

const { values, positionals } = parseArgs({
  options: { profile: { type: 'string' }, times: { type: 'string', default: '3' } },
  allowPositionals: true,
});
const times = Number(values.times);
const figures: Figure[] = [];
const wrong: string[] = [];

/** Runs the program. @returns milliseconds, and the peak of its memory, which the kernel keeps */
async function measured({ setup }: Scene, args: string[], name: string): Promise<{ ms: number; memory: number }> {
  const { profile } = values;
  const nodeArguments = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}/${name.replaceAll(/\W+/g, '-')}`] : [];
  const begun = performance.now();
  const running = startHoldfast(['-i', 'owners/anna.key', ...args], { cwd: setup.directory, nodeArguments });
  let memory = 0;
  const look = async () => {
    const status = await readFile(`/proc/${running.child.pid}/status`, 'utf8').catch(() => '');
    memory = Math.max(memory, Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024);
  };
  const timer = setInterval(look, 20);
  const { status, stderr } = await running.ended;
  clearInterval(timer);
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return { ms: performance.now() - begun, memory };
}

/** Repeats a piece of work, and enters what it took. */
async function figure(
  { part }: Scene,
  work: string,
  once: (round: number) => Promise<{ ms: number; memory?: number }>,
  { rounds = times, note }: { rounds?: number; note?: string } = {},
): Promise<number> {
  const ms: number[] = [];
  let memory = 0;
  for (let round = 0; round < rounds; round++) {
    const result = await once(round);
    ms.push(result.ms);
    memory = Math.max(memory, result.memory ?? 0);
  }
  const entry = { part, work, ms, load: loadavg()[0]!, ...(memory > 0 && { memory }), ...(note && { note }) };
  figures.push(entry);
  console.error(line(entry).join('  '));
  return median(ms);
}

function line({ part, work, ms, memory, load, note }: Figure): string[] {
  return [
    part,
    work,
    seconds(median(ms)),
    seconds(Math.min(...ms)),
    memory === undefined ? '' : megabytes(memory),
    load.toFixed(1),
    note ?? '',
  ];
}

async function timed(work: () => Promise<unknown>): Promise<{ ms: number }> {
  const begun = performance.now();
  await work();
  return { ms: performance.now() - begun };
}

/** A server, a database in it that `fill` fills, and a configuration with it as the source `app`. */
async function withScene(
  part: string,
  settings: Record<string, string | number>,
  work: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using server = await startTestCluster({ settings });
  const admin = new pg.Client(server.connection);
  await admin.connect();
  await admin.query('CREATE DATABASE app TEMPLATE template0');
  await admin.end();
  const source = { ...server.connection, database: 'app' };
  const client = new pg.Client(source);
  await client.connect();
  const scene: Scene = { part, server, setup: await workingSetup(source), source, client };
  try {
    await work(scene);
  } finally {
    await client.end();
    await rm(scene.setup.directory, { recursive: true });
  }
}

/** Each first backup goes into a repository of its own, which costs an `init` outside of the measured time. */
async function backups(scene: Scene): Promise<number> {
  const first = await figure(scene, 'first backup', async (round) => {
    if (round > 0) {
      await rm(scene.setup.directory, { recursive: true });
      scene.setup = await workingSetup(scene.source);
    }
    return measured(scene, ['backup', 'app', '-q'], `${scene.part} first`);
  });
  await figure(scene, 'unchanged', () => measured(scene, ['backup', 'app', '-q'], `${scene.part} again`));
  return first;
}

const restored = (scene: Scene): ThrowawayConnection => ({ ...scene.server.connection, database: 'copy' });

async function restores(scene: Scene, rounds = times): Promise<void> {
  await figure(
    scene,
    'restore',
    async () => {
      await dropCopy(scene);
      return measured(scene, ['restore', 'app', '--to', 'copy', '--yes', '-q'], `${scene.part} restore`);
    },
    { rounds },
  );
}

async function dropCopy({ server }: Scene): Promise<void> {
  const admin = new pg.Client(server.connection);
  await admin.connect();
  await admin.query('DROP DATABASE IF EXISTS copy WITH (FORCE)');
  await admin.end();
}

/** By means that share no code with the program. */
async function expectEqual(scene: Scene): Promise<void> {
  const differences = await findDifferences(scene.source, restored(scene));
  const objects = `SELECT count(*) || ' ' || coalesce(md5(string_agg(oid || md5(lo_get(oid)), '' ORDER BY oid)), '') AS all
    FROM pg_largeobject_metadata`;
  const copy = new pg.Client(restored(scene));
  await copy.connect();
  const [ours, theirs] = await Promise.all([scene.client.query(objects), copy.query(objects)]);
  await copy.end();
  if (ours.rows[0].all !== theirs.rows[0].all) differences.push('large objects');
  if (differences.length > 0)
    wrong.push(...differences.slice(0, 20).map((difference) => `${scene.part}: ${difference}`));
}

/** Runs one of PostgreSQL's own programs. */
function client({ source: { host, port, user } }: Scene, program: string, args: string[]): Promise<{ ms: number }> {
  const env = { PGHOST: host, PGPORT: String(port), PGUSER: user };
  return timed(() => execa(program, args, { env, stdout: 'ignore' }));
}

/** The same for thousands of tables, some hundred in each statement: all of them would be more than can be locked. */
async function expectEqualTables(scene: Scene): Promise<void> {
  const hashes = async (connection: ThrowawayConnection) => {
    const reader = new pg.Client(connection);
    await reader.connect();
    const found: string[] = [];
    for (let part = 0; part < 40; part++) {
      const { rows } = await reader.query<{ table: string }>(
        `SELECT relname || ' ' || query_to_xml(format('SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM %I t',
           relname), true, true, '') AS table
         FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND abs(hashtext(relname) % 40) = $1::int
         UNION ALL SELECT 'none' ORDER BY 1`,
        [part],
      );
      found.push(...rows.map(({ table: text }) => text));
    }
    await reader.end();
    return found.join('\n');
  };
  const [ours, theirs] = [await hashes(scene.source), await hashes(restored(scene))];
  if (ours !== theirs || ours.split('\n').length < 8_000) wrong.push(`${scene.part}: rows`);
}

/** As many locks as `doctor` asks for: 8,000 tables need more than the 64 × 112 that a server has room for. */
const locks = { max_locks_per_transaction: 96 };

async function tables(): Promise<void> {
  await withScene('8,000 tables', locks, async (scene) => {
    for (let from = 0; from < 8_000; from += 400) {
      const statements = Array.from({ length: 400 }, (_, i) => from + i).map(
        (n) => `CREATE TABLE t${n} (id int PRIMARY KEY, v text);
          INSERT INTO t${n} SELECT i, md5(i::text) FROM generate_series(1, ${n % 40}) i`,
      );
      await scene.client.query(statements.join(';'));
    }
    await backups(scene);
    await restores(scene, 1);
    const directory = join(scene.setup.directory, 'plain');
    const dump = ['-Fd', '-j2', '-Z0', '-f', directory, 'app'];
    await figure(scene, '`pg_dump -Fd -j2 -Z0`', () => client(scene, 'pg_dump', dump), { rounds: 1 });
    await scene.client.query('CREATE DATABASE plain TEMPLATE template0');
    const restore = ['-j2', '-d', 'plain', directory];
    await figure(scene, '`pg_restore -j2` of it', () => client(scene, 'pg_restore', restore), { rounds: 1 });
    await expectEqualTables(scene);
    await figure(
      scene,
      'restore and compare (`--swap`)',
      () => measured(scene, ['restore', 'app', '--to', 'copy', '--swap', '--yes', '-q'], 'tables swap'),
      { rounds: 1 },
    );
  });
}

async function objects(): Promise<void> {
  await withScene('3,000 large objects, 307 MB', {}, async (scene) => {
    for (let i = 0; i < 3_000; i++) {
      // Half of it compresses.
      const content = Buffer.concat([randomBytes(51_200), Buffer.alloc(51_200, `object ${i} `)]);
      await scene.client.query('SELECT lo_from_bytea(0, $1)', [content]);
    }
    await using session = await openSession(scene.source, { applicationName: 'scale' });
    const nothing = Buffer.allocUnsafeSlow(256 * 1024);
    const sink = { space: () => nothing, filled: async () => {} };
    const alone = await figure(scene, 'one binary COPY to nothing', () =>
      timed(() => copyOut(session, largeObjectsStatement(), sink)),
    );
    const first = await backups(scene);
    figures.at(-2)!.note = `${(first / alone).toFixed(2)} × the COPY`;
    await restores(scene);
    await expectEqual(scene);
  });
}

async function row(): Promise<void> {
  await withScene('a row of 200 MB', {}, async (scene) => {
    await scene.client.query(`CREATE TABLE t (id int, v text); ALTER TABLE t ALTER v SET STORAGE EXTERNAL;
      INSERT INTO t SELECT 1, string_agg(md5(i::text), '') FROM generate_series(1, 6553600) i`);
    await backups(scene);
    await restores(scene);
    const hash = 'SELECT md5(v) AS hash FROM t';
    const copy = new pg.Client(restored(scene));
    await copy.connect();
    const [ours, theirs] = [await scene.client.query(hash), await copy.query(hash)];
    await copy.end();
    if (ours.rows[0].hash !== theirs.rows[0].hash) wrong.push('the row of 200 MB');
  });
}

const hundreds = Array.from({ length: 12 }, (_, i) => `c${i}`);

/** Rows that PostgreSQL itself cannot send as text; what they compress to on disk is little. */
const overLong: Record<string, string> = {
  text: `CREATE TABLE long AS SELECT repeat(E'\\n', 600000000) AS v`,
  bytea: `CREATE TABLE long AS SELECT convert_to(repeat('x', 600000000), 'UTF8') AS v`,
  // Each value lies in TOAST before the next one comes: a row is never whole in the server's memory while it is made.
  'many columns': `CREATE TABLE long (${hundreds.map((name) => `${name} text`).join(', ')}); INSERT INTO long DEFAULT VALUES;
    ${hundreds.map((name) => `UPDATE long SET ${name} = repeat('x', 100000000)`).join('; ')}`,
};

async function limits(): Promise<void> {
  await withScene('a row over 1 GB as text', {}, async (scene) => {
    for (const [kind, sql] of Object.entries(overLong)) {
      await scene.client.query(`${sql}; CREATE TABLE IF NOT EXISTS other AS SELECT 1 AS a`);
      await figure(
        scene,
        `refused: ${kind}`,
        async () => {
          const begun = performance.now();
          const { status, stderr } = await scene.setup.run('backup', 'app', '-q');
          const ms = performance.now() - begun;
          if (status !== 1 || !/public\.long[\s\S]*over 1 GB/.test(stderr)) wrong.push(`${kind}: ${status} ${stderr}`);
          return { ms };
        },
        { rounds: 1 },
      );
      await scene.client.query('DROP TABLE long');
    }
  });
}

async function gigabyte(): Promise<void> {
  await withScene('the demo database at 1 GB', {}, async (scene) => {
    await fillDemoDatabase(scene.source, { megabytes: 1_000, seed: 'scale' });
    await backups(scene);
    await restores(scene);
    await expectEqual(scene);
    await figure(
      scene,
      'restore and compare (`--swap`)',
      () => measured(scene, ['restore', 'app', '--to', 'copy', '--swap', '--yes', '-q'], 'gigabyte swap'),
      { rounds: 1 },
    );
  });
}

const parts: Record<string, () => Promise<void>> = { tables, objects, row, limits, gigabyte };
for (const name of positionals) if (!(name in parts)) throw new Error(`the parts are ${Object.keys(parts).join(', ')}`);
for (const [name, part] of Object.entries(parts)) {
  if (positionals.length === 0 || positionals.includes(name)) await part();
}
const titles = ['data', 'work', 'median s', 'best s', 'peak MB', 'load', ''];
const columns = titles.map((title, i) => ({
  title,
  right: i >= 2 && i <= 5,
  value: (entry: Figure) => line(entry)[i]!,
}));
console.log(table(columns, figures));
for (const difference of wrong) console.log(`NOT AS IT SHOULD BE: ${difference}`);
process.exitCode = wrong.length > 0 ? 1 : 0;
