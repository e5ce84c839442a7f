/**
 * The performance budget, Holdfast beside its peers: one run of each task after the other, then all again, so that what
 * disturbs the machine disturbs everybody.
 *
 *     npm run bench -- --size 1g --runs 3 --only backup,restore,files,start --json --out bench.md
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { churnDemoDatabase } from '../src/jobs/demo/churn.ts';
import { fillDemoDatabase } from '../src/jobs/demo/database.ts';
import { fillDemoTree } from '../src/jobs/demo/tree.ts';
import { clientPrograms, findBinaries } from '../src/sources/postgres/binaries.ts';
import { removeLeakedThrowaways, startThrowaway } from '../src/sources/postgres/throwaway.ts';
import { holdfast } from './holdfast.ts';
import { holdfastSites, startSiteServers } from './holdfast-sites.ts';
import { measure, sizeOf } from './measure.ts';
import { borg } from './peers/borg.ts';
import { pgDump, pgRestore, readAlone } from './peers/postgres.ts';
import { restic } from './peers/restic.ts';
import { zstdAge } from './peers/zstd-age.ts';
import { asJson, asText, type Sample } from './report.ts';
import type { Repetition, Scene, Stage, Task } from './task.ts';

const usage = `usage: npm run bench -- [options]
  --size SIZE      of the database: 200m, 1g (default 1g)
  --runs N         of each task (default 3)
  --only WORDS     of backup, restore, verify, files, sites, start, or ids of tasks, with commas between (default: all)
  --pattern WORD   rows that change between two backups: scattered (default) or recent
  --work DIR       where to work; needs about six times the size (default: the system's temporary directory)
  --out FILE       write the tables there too
  --json           print JSON instead of tables`;

const { values: flags } = parseArgs({
  options: {
    size: { type: 'string', default: '1g' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string' },
    pattern: { type: 'string', default: 'scattered' },
    work: { type: 'string', default: tmpdir() },
    out: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** In the order in which they run. */
const stages: readonly Stage[] = [
  'first',
  'again',
  'changed',
  'restore',
  'verify',
  'files-first',
  'files-again',
  'files-restore',
  'sites',
  'start',
];
/** Stages, and tasks by their ids. */
const groups: Record<string, readonly string[]> = {
  backup: ['first', 'again', 'changed'],
  restore: ['restore'],
  // Beside what it is held against.
  verify: ['verify', 'pg-restore'],
  files: ['files-first', 'files-again', 'files-restore'],
  sites: ['sites'],
  start: ['start'],
};
const allTasks: readonly Task[] = [
  readAlone,
  ...restic,
  borg,
  zstdAge,
  pgDump,
  pgRestore,
  ...holdfast,
  ...holdfastSites,
];

/** Beside the database of 1.07 GB: 21,000 files of 890 MB. */
const fullSize = { database: 1070, files: 21_000, fileMegabytes: 890 };
const seed = 'bench';

class UsageError extends Error {}

function readSize(text: string): number {
  const [, number, unit] = /^([\d.]+)([mg])b?$/i.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`--size wants a number with m or g, not ${text}`);
  return text === '1g' ? fullSize.database : Number(number) * (unit!.toLowerCase() === 'g' ? 1000 : 1);
}

/** The tasks that were asked for, then those they need. */
function chooseTasks(only: string | undefined): { wanted: Task[]; run: Task[] } {
  const words = only?.split(',').filter(Boolean) ?? Object.keys(groups);
  const wanted = words.flatMap((word) => {
    const found = allTasks.filter(
      ({ id, stage }) => id === word || groups[word]?.some((each) => each === stage || each === id),
    );
    if (found.length === 0) {
      throw new UsageError(
        `--only knows ${[...Object.keys(groups), ...allTasks.map(({ id }) => id)].join(', ')}; not ${word}`,
      );
    }
    return found;
  });
  const run = new Set(wanted);
  for (const task of run) for (const id of task.needs ?? []) run.add(allTasks.find((other) => other.id === id)!);
  const inOrder = (tasks: Iterable<Task>) =>
    stages.flatMap((stage) => [...new Set(tasks)].filter((task) => task.stage === stage));
  return { wanted: inOrder(wanted), run: inOrder(run) };
}

/** A missing peer is an error: a table that silently lacks a row proves nothing. */
function assertPrograms(tasks: readonly Task[]): void {
  const missing = new Set<string>();
  for (const needed of tasks.flatMap(({ programs }) => programs)) {
    const { status } = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', needed.program]);
    if (status !== 0) missing.add(needed.package);
  }
  if (missing.size === 0) return;
  throw new UsageError(
    `missing programs; run as root: apt-get install --no-install-recommends ${[...missing].join(' ')}`,
  );
}

function versions(tasks: readonly Task[], postgres: string): Record<string, string> {
  const found: Record<string, string> = { node: process.versions.node, postgres };
  for (const { program } of tasks.flatMap(({ programs }) => programs)) {
    const flag = program === 'restic' ? 'version' : '--version';
    const { stdout } = spawnSync(program, [flag], { encoding: 'utf8' });
    found[program] = /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'unknown';
  }
  return found;
}

const say = (text: string) => process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const megabytes = readSize(flags.size);
  const runs = Number(flags.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new UsageError('--runs wants a whole number above 0');
  if (flags.pattern !== 'scattered' && flags.pattern !== 'recent')
    throw new UsageError('--pattern is scattered or recent');
  const { wanted, run } = chooseTasks(flags.only);
  assertPrograms(run);
  const parent = join(flags.work, 'holdfast-bench');
  await mkdir(parent, { recursive: true });
  await removeLeakedThrowaways(parent);
  const directory = await mkdtemp(join(parent, 'run-'));
  // The server's account must be able to pass.
  await chmod(directory, 0o711);
  const interrupted = () => {
    // Its exit stops the server, whose directory the next run removes.
    rmSync(directory, { recursive: true, force: true });
    process.exit(130);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await using server = await startThrowaway({
      directory: join(parent, `server-${process.pid}`),
      environment: process.env,
      // As a server of this size is set up; the same for everybody.
      settings: { shared_buffers: '512MB', maintenance_work_mem: '256MB', max_wal_size: '8GB' },
    });
    await using servers = run.some(({ stage }) => stage === 'sites') ? await startSiteServers() : undefined;
    const { major, version } = server.binaries;
    const clients = await findBinaries({ programs: clientPrograms, major, path: process.env.PATH });
    const { host, port, user } = server.connection;
    const scene: Scene = {
      directory,
      tree: join(directory, 'tree'),
      database: 'bench',
      server: { host, port, user },
      binaries: clients.directory,
      ...(servers && { sites: servers }),
      createDatabase: async (name) => {
        await onServer(
          server.connection,
          `DROP DATABASE IF EXISTS "${name}"`,
          `CREATE DATABASE "${name}" TEMPLATE template0`,
        );
      },
      dropDatabase: (name) => onServer(server.connection, `DROP DATABASE IF EXISTS "${name}"`),
    };
    const data = await fillScene(scene, run, megabytes);
    const results = {
      started: Date.now(),
      data: { ...data, pattern: flags.pattern },
      versions: versions(run, version),
      samples: wanted.map((task) => ({ task, samples: [] as Sample[] })),
    };
    for (let number = 1; number <= runs; number++) {
      const repetition: Repetition = { scene, number, directory: join(directory, `repetition-${number}`) };
      await mkdir(repetition.directory);
      await repeat(repetition, run, (task, sample) => {
        results.samples.find((entry) => entry.task === task)?.samples.push(sample);
        say(`${number}/${runs}  ${(sample.time / 1000).toFixed(2).padStart(7)} s  ${task.title}`);
      });
      // All goes at the end: ext4 passes over inodes that were freed a moment ago, one by one, and whatever makes many
      // files after many were deleted pays for it.
    }
    const text = asText(results);
    if (flags.out !== undefined) await writeFile(flags.out, `${text}\n`);
    console.log(flags.json ? JSON.stringify(asJson(results), null, 2) : text);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs each task once, in order, and changes the database before the first one that wants it changed. */
async function repeat(
  repetition: Repetition,
  tasks: readonly Task[],
  done: (task: Task, sample: Sample) => void,
): Promise<void> {
  const { scene } = repetition;
  const { host, port, user } = scene.server;
  const environment = {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PATH: `${scene.binaries}:${process.env.PATH}`,
  };
  const connection = { ...scene.server, database: scene.database };
  const once = async (task: Task) => {
    const stores = task.stores?.(repetition);
    const before = stores === undefined ? 0 : await sizeOf(stores);
    // What earlier tasks wrote must not be written while this one runs.
    spawnSync('sync');
    const sample: Sample = await measure(task.command(repetition), environment);
    if (stores !== undefined) sample.stored = (await sizeOf(stores)) - before;
    done(task, sample);
  };
  for (const stage of stages) {
    const own = tasks.filter((task) => task.stage === stage);
    if (stage === 'changed' && own.length > 0) {
      const pattern = flags.pattern as 'scattered' | 'recent';
      await churnDemoDatabase(connection, { share: 0.01, seed: `run ${repetition.number}`, pattern });
      await onServer(connection, 'VACUUM ANALYZE');
    }
    for (const task of own) {
      if (task.times !== undefined) continue;
      await task.prepare?.(repetition);
      await once(task);
      await task.cleanUp?.(repetition);
    }
    const short = own.filter(({ times }) => times !== undefined);
    const times = Math.max(0, ...short.map((task) => task.times!));
    for (let i = 0; i < times; i++) for (const task of short) await once(task);
  }
}

async function fillScene(scene: Scene, tasks: readonly Task[], megabytes: number) {
  const data = { databaseBytes: 0, files: 0, fileBytes: 0 };
  if (tasks.some(({ stage }) => !stage.startsWith('files') && stage !== 'start')) {
    say(`filling a database of ${megabytes} MB`);
    await scene.createDatabase(scene.database);
    const connection = { ...scene.server, database: scene.database };
    await fillDemoDatabase(connection, { megabytes, seed });
    await onServer({ ...scene.server, database: scene.database }, 'VACUUM ANALYZE', 'CHECKPOINT');
    data.databaseBytes = await databaseSize(connection);
  }
  if (tasks.some(({ stage }) => stage.startsWith('files'))) {
    const scale = megabytes / fullSize.database;
    const files = Math.max(10, Math.round(fullSize.files * scale));
    say(`filling a tree of ${files} files`);
    const tree = await fillDemoTree(scene.tree, { files, megabytes: fullSize.fileMegabytes * scale, seed, odd: false });
    data.files = tree.files;
    data.fileBytes = tree.bytes;
  }
  return data;
}

async function onServer(connection: pg.ClientConfig, ...statements: string[]): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function databaseSize(connection: pg.ClientConfig): Promise<number> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query('SELECT pg_database_size(current_database())::float8 AS size');
    return rows[0].size;
  } finally {
    await client.end();
  }
}

if (flags.help) console.log(usage);
else {
  try {
    await main();
  } catch (error) {
    say(error instanceof UsageError ? `${error.message}\n${usage}` : String((error as Error).stack ?? error));
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
