/**
 * What a fleet of databases costs on an object store, in objects, requests, memory and hours: a few real databases are
 * backed up for the first time, unchanged, and with 1 % of their rows changed, through a site that counts; the rest is
 * arithmetic, and shown. Counts are exact on any machine, seconds are those of this one.
 *
 *     node bench/fleet.ts [--small 4] [--large 512] [--databases 2000] [--terabytes 10] [--hosts 4] [--out FILE]
 *         [--kept-share 0.15] [--put 5] [--get 0.4] [--list 5] [--storage 20]
 *
 * Prices are examples: of a million requests, and of a terabyte for a month, in whatever money.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pg from 'pg';
import { systemClock } from '../src/base/clock.ts';
import { HoldfastError } from '../src/base/errors.ts';
import { silent } from '../src/base/events.ts';
import { generateParty, type Party } from '../src/crypt/parties.ts';
import { backup } from '../src/jobs/backup.ts';
import { churnDemoDatabase } from '../src/jobs/demo/churn.ts';
import { fillDemoDatabase } from '../src/jobs/demo/database.ts';
import { initRepository } from '../src/jobs/init.ts';
import type { PostgresSettings } from '../src/jobs/source-settings.ts';
import type { RepositoryAccess } from '../src/repository/access.ts';
import { ChunkTable } from '../src/repository/chunk-table.ts';
import { loadIndexes } from '../src/repository/index-load.ts';
import { RunSites } from '../src/repository/run-sites.ts';
import { openSource } from '../src/repository/source-record.ts';
import { Trust } from '../src/repository/trust.ts';
import { openDiskSite } from '../src/sites/disk.ts';
import type { PostgresConnection } from '../src/sources/postgres/connection.ts';
import { startThrowaway } from '../src/sources/postgres/throwaway.ts';
import { countRequests, type Requests } from './counting-site.ts';
import { type FleetPlan, fleetText, type Measured, type RunKind, type UnitRun } from './fleet-model.ts';

const { values: flags } = parseArgs({
  options: {
    small: { type: 'string', default: '4' },
    large: { type: 'string', default: '512' },
    databases: { type: 'string', default: '2000' },
    terabytes: { type: 'string', default: '10' },
    hosts: { type: 'string', default: '4' },
    'kept-share': { type: 'string', default: '0.15' },
    put: { type: 'string', default: '5' },
    get: { type: 'string', default: '0.4' },
    list: { type: 'string', default: '5' },
    storage: { type: 'string', default: '20' },
    work: { type: 'string', default: tmpdir() },
    out: { type: 'string' },
  },
});
const smallMegabytes = 12;

const directory = await mkdtemp(join(flags.work, 'holdfast-fleet-'));
try {
  // The server of a throw-away cluster runs as another account when we are root.
  await chmod(directory, 0o755);
  await run();
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const small = Array.from({ length: Number(flags.small) }, (_, i) => `small${i + 1}`);
  await using server = await startThrowaway({
    directory: join(directory, 'server'),
    environment: { PATH: process.env.PATH },
  });
  const { connection } = server;
  for (const name of [...small, 'large']) {
    await query(connection, `CREATE DATABASE ${name}`);
    const megabytes = name === 'large' ? Number(flags.large) : smallMegabytes;
    await fillDemoDatabase({ ...connection, database: name }, { megabytes, seed: name });
    process.stderr.write(`${name} is filled\n`);
  }
  const { access, take } = await openRepository();
  await initRepository(access);
  take();
  const runs = {} as Record<RunKind, { small: UnitRun; large: UnitRun }>;
  for (const kind of ['first', 'unchanged', 'changed'] as const) {
    if (kind === 'changed') {
      for (const name of [...small, 'large']) {
        await churnDemoDatabase({ ...connection, database: name }, { share: 0.01, seed: 'day' });
      }
    }
    const ofSmall: UnitRun[] = [];
    for (const name of small) ofSmall.push(await backUp(access, take, connection, name));
    runs[kind] = { small: meanOf(ofSmall), large: await backUp(access, take, connection, 'large') };
    process.stderr.write(`${kind} is done\n`);
  }
  const measured: Measured = { runs, ...(await indexOf(access)), tableBytesPerChunk: tableBytesPerChunk() };
  const plan: FleetPlan = {
    databases: Number(flags.databases),
    bytes: Number(flags.terabytes) * 1e12,
    hosts: Number(flags.hosts),
    kept: 42,
    keptShare: Number(flags['kept-share']),
    prices: {
      put: Number(flags.put),
      get: Number(flags.get),
      list: Number(flags.list),
      storage: Number(flags.storage),
    },
    cores: availableParallelism(),
  };
  const text = fleetText(measured, plan);
  process.stdout.write(text);
  if (flags.out !== undefined) await writeFile(flags.out, text);
}

async function query(connection: pg.ClientConfig, text: string): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(text).finally(() => client.end());
}

async function openRepository(): Promise<{ access: RepositoryAccess; take(): Requests }> {
  const [anna, bert, host] = await Promise.all(
    ['anna', 'bert', 'web1'].map((name) => generateParty(name, systemClock)),
  );
  const publicOf = ({ name, recipient, publicSigningKey }: Party) => ({ name, recipient, publicSigningKey });
  const disk = await openDiskSite({ name: 'vault', path: join(directory, 'site'), create: true });
  const { site, take } = countRequests(disk);
  const access: RepositoryAccess = {
    site,
    sites: new RunSites([site], { clock: systemClock }),
    trust: new Trust('00112233445566778899aabbccddeeff', [
      { ...publicOf(anna!), role: 'owner' },
      { ...publicOf(bert!), role: 'owner' },
      { ...publicOf(host!), role: 'backup' },
    ]),
    host: host!,
    identities: [],
    dedupWith: [],
    stateDirectory: join(directory, 'state'),
    clock: systemClock,
    emit: silent,
    signal: new AbortController().signal,
  };
  return { access, take };
}

/** One source for each call, as `holdfast run` does them: what a run asks once over is counted with each. */
async function backUp(
  access: RepositoryAccess,
  take: () => Requests,
  server: pg.ClientConfig & { host: string; port: number; user: string },
  name: string,
): Promise<UnitRun> {
  const begun = performance.now();
  const connection: PostgresConnection = { host: server.host, port: server.port, user: server.user, database: name };
  const source: PostgresSettings = { name, type: 'postgres', connection, excludeTables: [] };
  const report = await backup(access, { sources: [source], tags: [], env: { PATH: process.env.PATH } });
  const [made] = report.sources;
  if (made?.outcome !== 'done') {
    const { error } = made ?? {};
    throw new HoldfastError('internal', `The backup of ${name} failed: ${error?.message} ${error?.why ?? ''}`);
  }
  return { ms: performance.now() - begun, bytes: made.totals.bytes ?? 0, requests: take() };
}

function meanOf(runs: readonly UnitRun[]): UnitRun {
  const mean = (of: (run: UnitRun) => number) => runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  const figures = ['put', 'get', 'head', 'list', 'remove', 'stored', 'read'] as const;
  const kinds = [...new Set(runs.flatMap(({ requests }) => Object.keys(requests.kinds)))];
  return {
    ms: mean(({ ms }) => ms),
    bytes: mean(({ bytes }) => bytes),
    requests: {
      ...(Object.fromEntries(figures.map((key) => [key, mean(({ requests }) => requests[key])])) as Omit<
        Requests,
        'kinds'
      >),
      kinds: Object.fromEntries(
        kinds.map((kind) => [
          kind,
          {
            objects: mean(({ requests }) => requests.kinds[kind]?.objects ?? 0),
            bytes: mean(({ requests }) => requests.kinds[kind]?.bytes ?? 0),
          },
        ]),
      ),
    },
  };
}

/** Of the large database after all runs. */
async function indexOf(
  access: RepositoryAccess,
): Promise<Pick<Measured, 'chunks' | 'packs' | 'packBytes' | 'indexBytes'>> {
  const source = await openSource(access, 'large');
  const found = { chunks: 0, packs: 0, packBytes: 0, indexBytes: 0 };
  for await (const { packs } of loadIndexes(access, source, () => {})) {
    for (const { size, lengths } of packs) {
      found.chunks += lengths.length;
      found.packs++;
      found.packBytes += size;
    }
  }
  for await (const { size } of access.site.list(source.layout.index)) found.indexBytes += size;
  return found;
}

/** Tables that were outgrown would be counted too. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

/** Memory of the table that knows every chunk of a source, with a million of them. */
function tableBytesPerChunk(): number {
  const chunks = 1_000_000;
  const each = 128;
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const table = new ChunkTable({ withLocations: false });
  for (let pack = 0; pack < chunks / each; pack++) {
    // As real ones are: the table relies on their bits being even.
    const ids = randomBytes(32 * each).toString('hex');
    const name = pack.toString(16).padStart(64, '0');
    const lengths = new Array<number>(each).fill(30_000);
    table.addPack({ pack: name, size: each * 30_000, ids, lengths, rawLengths: lengths });
  }
  collect();
  return (process.memoryUsage().arrayBuffers - before) / table.count;
}
