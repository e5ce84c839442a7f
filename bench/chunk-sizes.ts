/**
 * The figures behind the sizes of chunks and packs: a demo database and a tree of files are backed up on simulated days
 * with 1 % of the rows (and of the files) changed between them, with the chunker and the frames of the product.
 *
 *     node bench/chunk-sizes.ts [--megabytes 200] [--days 30] [--pattern scattered|recent] [--out FILE]
 */
import { once } from 'node:events';
import { chmod, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { churnDemoDatabase } from '../src/jobs/demo/churn.ts';
import { fillDemoDatabase } from '../src/jobs/demo/database.ts';
import { incompressible, Random } from '../src/jobs/demo/random.ts';
import { fillDemoTree } from '../src/jobs/demo/tree.ts';
import { Chunker, type ChunkSizes, gearTable } from '../src/repository/chunker.ts';
import { padme } from '../src/repository/directory.ts';
import { chunkId, makeFrame } from '../src/repository/frame.ts';
import { startThrowaway } from '../src/sources/postgres/throwaway.ts';
import { megabytes, table } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '200' },
    days: { type: 'string', default: '30' },
    pattern: { type: 'string', default: 'scattered' },
    out: { type: 'string' },
  },
});
const days = Number(flags.days);
const pattern = flags.pattern === 'recent' ? 'recent' : 'scattered';
/** Snapshots of the last so many days are kept when it is asked what a sweep of dead packs gives back. */
const keptDays = 7;

const secret = Buffer.alloc(32, 1);
const gear = gearTable(Buffer.alloc(32, 2));
const KiB = 1024;
const sizes: ChunkSizes[] = [32, 64, 128, 256].map((average) => ({
  min: (average / 4) * KiB,
  average: average * KiB,
  max: average * 4 * KiB,
}));
const packSizes = [4, 8, 16, 32].map((size) => size * KiB * KiB);
/** Bytes in a pack's directory and, in hex and JSON before compression, in an index object. */
const directoryEntry = 40;
const memoryEntry = 20;

interface StoredChunk {
  /** Bytes of the frame. */
  length: number;
  lastDay: number;
}

/** One repository with one size of chunks. */
class Simulation {
  readonly sizes: ChunkSizes;
  readonly chunks = new Map<string, StoredChunk>();
  /** Of each day. */
  readonly raw: number[] = [];
  readonly stored: number[] = [];
  firstDayChunks = 0;
  /** Milliseconds of cutting and naming, and of compressing and reading back. */
  cutting = 0;
  compressing = 0;
  compressed = 0;
  readonly #chunker: Chunker;

  constructor(chunkSizes: ChunkSizes) {
    this.sizes = chunkSizes;
    this.#chunker = new Chunker(gear, chunkSizes);
  }

  add(stream: Buffer, day: number): void {
    this.raw[day] = (this.raw[day] ?? 0) + stream.length;
    this.stored[day] ??= 0;
    const started = performance.now();
    const cuts: { id: Buffer; bytes: Buffer }[] = [];
    for (let at = 0; at < stream.length; ) {
      const length = this.#chunker.cut(stream, at, stream.length, true);
      const bytes = stream.subarray(at, at + length);
      cuts.push({ id: chunkId(secret, bytes), bytes });
      at += length;
    }
    const cut = performance.now();
    this.cutting += cut - started;
    if (day === 0) this.firstDayChunks += cuts.length;
    for (const { id, bytes } of cuts) {
      const key = id.toString('latin1');
      const known = this.chunks.get(key);
      if (known !== undefined) known.lastDay = day;
      else {
        const { length } = makeFrame(secret, id, bytes);
        this.chunks.set(key, { length, lastDay: day });
        this.stored[day]! += length;
        this.compressed += bytes.length;
      }
    }
    this.compressing += performance.now() - cut;
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** What packs of this size weigh when a sweep has removed those in which nothing is needed any more. */
function packs(simulation: Simulation, packSize: number) {
  const all: { length: number; live: number; count: number }[] = [];
  let pack = { length: 0, live: 0, count: 0 };
  for (const { length, lastDay } of simulation.chunks.values()) {
    pack.length += length;
    pack.count++;
    if (lastDay > days - keptDays) pack.live += length;
    if (pack.length >= packSize) {
      all.push(pack);
      pack = { length: 0, live: 0, count: 0 };
    }
  }
  if (pack.count > 0) all.push(pack);
  const size = ({ length, count }: typeof pack) => padme(length + count * directoryEntry + 24);
  const kept = all.filter(({ live }) => live > 0);
  return {
    objects: all.length,
    padding: sum(all.map(size)) / sum(all.map(({ length, count }) => length + count * directoryEntry + 24)) - 1,
    kept: sum(kept.map(size)),
    live: sum(all.map(({ live }) => live)),
  };
}

async function streamsOfDatabase(connection: pg.ClientConfig, use: (stream: Buffer) => void): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information_schema$' ORDER BY 1`,
  );
  for (const { name } of rows) {
    const parts: Buffer[] = [];
    const stream = client.query(copyTo(`COPY ${name} TO STDOUT`));
    stream.on('data', (part: Buffer) => parts.push(part));
    await once(stream, 'end');
    use(Buffer.concat(parts));
  }
  await client.end();
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** One file of a hundred is changed: half of them grow, half have a block in the middle replaced. */
async function churnTree(files: readonly string[], day: number): Promise<Set<string>> {
  const random = new Random(`tree/${day}`);
  const changed = new Set(files.filter(() => random.chance(0.01)));
  for (const path of changed) {
    const bytes = incompressible(`${day}/${path}`, random.between(100, 8000));
    const file = await open(path, 'r+');
    const { size } = await file.stat();
    await file.write(bytes, 0, bytes.length, random.chance(0.5) ? size : Math.floor(size / 2));
    await file.close();
  }
  return changed;
}

const work = await mkdtemp(join(tmpdir(), 'holdfast-chunk-sizes-'));
try {
  const database = sizes.map((chunkSizes) => new Simulation(chunkSizes));
  const files = sizes.map((chunkSizes) => new Simulation(chunkSizes));
  const tree = join(work, 'tree');
  await fillDemoTree(tree, {
    files: Number(flags.megabytes) * 20,
    megabytes: Number(flags.megabytes),
    seed: 'bench',
    odd: false,
  });
  const paths = await listFiles(tree);

  await chmod(work, 0o711);
  await using server = await startThrowaway({ directory: join(work, 'server'), environment: process.env });
  await fillDemoDatabase(server.connection, { megabytes: Number(flags.megabytes), seed: 'bench' });
  for (let day = 0; day <= days; day++) {
    if (day > 0) {
      const seed = `day ${day}`;
      await churnDemoDatabase(server.connection, { share: 0.01, seed, pattern });
      if (day % 7 === 0) await vacuum(server.connection);
    }
    await streamsOfDatabase(server.connection, (stream) => {
      for (const simulation of database) simulation.add(stream, day);
    });
    const changed = day === 0 ? undefined : await churnTree(paths, day);
    for (const path of paths) {
      // What did not change is not read again; its chunks are still needed.
      if (changed !== undefined && !changed.has(path) && day < days) continue;
      const content = await readFile(path);
      for (const simulation of files) simulation.add(content, day);
    }
    process.stderr.write(`day ${day} of ${days}\r`);
  }
  const report = [
    `# Chunk and pack sizes: ${flags.megabytes} MB of database, ${flags.megabytes} MB of files, ${days} days, ${pattern} changes`,
    ...[['database', database] as const, ['files', files] as const].flatMap(([name, simulations]) => [
      `## Chunks, ${name}`,
      chunkTable(simulations),
      `## Packs, ${name}`,
      packTable(simulations),
    ]),
  ].join('\n\n');
  console.log(report);
  if (flags.out !== undefined) await writeFile(flags.out, `${report}\n`);
} finally {
  await rm(work, { recursive: true, force: true });
}

async function vacuum(connection: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query('VACUUM');
  await client.end();
}

function chunkTable(simulations: readonly Simulation[]): string {
  const columns = [
    { title: 'average', value: (s: Simulation) => `${s.sizes.average / KiB} KiB`, right: true },
    { title: 'one copy, raw MB', value: (s: Simulation) => megabytes(s.raw[0]!), right: true },
    { title: 'compressed MB', value: (s: Simulation) => megabytes(s.stored[0]!), right: true },
    { title: 'ratio', value: (s: Simulation) => (s.stored[0]! / s.raw[0]!).toFixed(3), right: true },
    {
      title: 'chunks per GB',
      value: (s: Simulation) => (s.firstDayChunks / (s.raw[0]! / 1e9)).toFixed(0),
      right: true,
    },
    { title: 'new MB a day', value: (s: Simulation) => megabytes(sum(s.stored.slice(1)) / days), right: true },
    { title: `MB after ${days} days`, value: (s: Simulation) => megabytes(sum(s.stored)), right: true },
    {
      title: 'of full copies',
      value: (s: Simulation) => (sum(s.stored) / (s.stored[0]! * (days + 1))).toFixed(3),
      right: true,
    },
    {
      title: 'directories MB',
      value: (s: Simulation) => ((s.chunks.size * directoryEntry) / 1e6 || 0).toFixed(2),
      right: true,
    },
    { title: 'memory MB', value: (s: Simulation) => ((s.chunks.size * memoryEntry) / 1e6).toFixed(2), right: true },
    { title: 'cut and name MB/s', value: (s: Simulation) => (sum(s.raw) / s.cutting / 1000).toFixed(0), right: true },
    {
      title: 'compress and read back MB/s',
      value: (s: Simulation) => (s.compressed / s.compressing / 1000).toFixed(0),
      right: true,
    },
  ];
  return table(columns, simulations);
}

function packTable(simulations: readonly Simulation[]): string {
  const rows = simulations.flatMap((simulation) =>
    packSizes.map((packSize) => ({ simulation, packSize, result: packs(simulation, packSize) })),
  );
  type Row = (typeof rows)[number];
  const columns = [
    { title: 'chunks', value: ({ simulation }: Row) => `${simulation.sizes.average / KiB} KiB`, right: true },
    { title: 'pack', value: ({ packSize }: Row) => `${packSize / KiB / KiB} MiB`, right: true },
    {
      title: 'objects per stored TB',
      value: ({ simulation, result }: Row) => ((result.objects / sum(simulation.stored)) * 1e12).toFixed(0),
      right: true,
    },
    { title: 'padding', value: ({ result }: Row) => `${(result.padding * 100).toFixed(1)} %`, right: true },
    {
      title: `needed by the last ${keptDays} days MB`,
      value: ({ result }: Row) => megabytes(result.live),
      right: true,
    },
    { title: 'kept after sweep MB', value: ({ result }: Row) => megabytes(result.kept), right: true },
    { title: 'kept/needed', value: ({ result }: Row) => (result.kept / result.live).toFixed(2), right: true },
  ];
  return table(columns, rows);
}
