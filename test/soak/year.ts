/**
 * A simulated year: every day a real backup of a small database and tree that change, to several sites with faults, pruned
 * and synced as it would be. At the end every site must have exactly what the policy promises, each snapshot holding that
 * day's data.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { backup } from '../../src/jobs/backup.ts';
import { initRepository } from '../../src/jobs/init.ts';
import { prune } from '../../src/jobs/prune.ts';
import type { SourceSettings } from '../../src/jobs/source-settings.ts';
import { sync } from '../../src/jobs/sync.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import type { Keep } from '../../src/repository/retention.ts';
import { type KnownSnapshot, listSnapshots } from '../../src/repository/snapshot.ts';
import { SnapshotReader } from '../../src/repository/snapshot-reader.ts';
import { openSource } from '../../src/repository/source-record.ts';
import type { AnyStream } from '../../src/repository/stored-stream.ts';
import type { Site } from '../../src/sites/site.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { FaultySite, unreachable } from '../support/faulty-site.ts';
import { clockAt, parties, RepositoryFixture } from '../support/repository-fixture.ts';

const dayMs = 86_400_000;
const timeZone = 'Europe/Paris';
export const promised: Keep = { last: 0, daily: 30, weekly: 0, monthly: 12, yearly: 0 };

export interface YearOptions {
  /** Days to live through, from 1 January 2026. */
  days: number;
  /** Without faults; made for this alone. */
  sites: readonly Site[];
  connection: ThrowawayConnection;
  /** Of the faults and changes. */
  seed: number;
  /** First and last day, from 0, on which nothing runs. */
  missing?: readonly [number, number];
  keep?: Keep;
  tell?: (text: string) => void;
}

export interface YearReport {
  /** Days on which something went wrong at a site, a run was killed, or nothing ran. */
  faults: { down: number; killed: number; missed: number };
  sources: {
    source: string;
    made: number;
    /** Snapshots that each site must have in the end, and has. */
    kept: number;
    /** What differs from what was promised, at which site. Empty: nothing. */
    differences: string[];
    /** Bytes of packs at the first site, and of one copy of the data of each kept snapshot, uncompressed. */
    storedBytes: number;
    copiesBytes: number;
  }[];
}

/** What a snapshot must hold: name of a table or path → SHA-256 and bytes. */
type Contents = Map<string, { sha256: string; size: number }>;

interface Made {
  snapshot: KnownSnapshot;
  contents: Contents;
}

export async function simulateYear(options: YearOptions): Promise<YearReport> {
  await using year = new Year(options);
  return await year.run();
}

class Year implements AsyncDisposable {
  readonly #options: YearOptions;
  readonly #fixture = new RepositoryFixture();
  readonly #sites: FaultySite[];
  readonly #client: pg.Client;
  readonly #clock = clockAt(Date.UTC(2026, 0, 1));
  readonly #random: () => number;
  readonly #tree: string;
  readonly #files = new Map<string, Buffer>();
  readonly #made = new Map<string, Made[]>();
  readonly #faults = { down: 0, killed: 0, missed: 0 };
  /** Sites that are down → the day on which they are back. */
  readonly #down = new Map<FaultySite, number>();

  constructor(options: YearOptions) {
    this.#options = options;
    this.#sites = options.sites.map((site) => new FaultySite(site));
    this.#client = new pg.Client(options.connection);
    this.#random = generator(options.seed);
    this.#tree = join(this.#fixture.directory, 'tree');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
    await rm(this.#fixture.directory, { recursive: true, force: true });
  }

  async run(): Promise<YearReport> {
    const { days, missing = [-1, -1], tell = () => {} } = this.#options;
    await this.#begin();
    for (let day = 0; day < days; day++) {
      this.#clock.set(fourOClock(day));
      await this.#change();
      if (day >= missing[0] && day <= missing[1]) {
        this.#faults.missed++;
        continue;
      }
      await this.#live(day);
      if (day % 30 === 29) tell(`day ${day + 1} of ${days}`);
    }
    // All is well again; what was dropped must have had its grace period, and the tidying its two passes.
    for (const site of this.#sites) site.fault = undefined;
    this.#down.clear();
    this.#clock.set(fourOClock(days - 1) + dayMs / 2);
    await this.#care();
    for (const later of [8, 16]) {
      this.#clock.set(fourOClock(days - 1) + later * dayMs);
      await this.#care();
    }
    return { faults: this.#faults, sources: await this.#judge() };
  }

  async #begin(): Promise<void> {
    await this.#client.connect();
    await this.#client.query(`
      CREATE TABLE people (id int PRIMARY KEY, name text, note text);
      INSERT INTO people SELECT i, 'person ' || i, repeat(md5(i::text), 8) FROM generate_series(1, 5000) i;
      CREATE TABLE events (id int PRIMARY KEY, at date, payload text)`);
    await mkdir(this.#tree, { recursive: true });
    for (let i = 0; i < 40; i++) await this.#writeFile(`file ${i}`, 4000 + 700 * i);
    for (const site of this.#sites) await initRepository(await this.#access([site]));
  }

  async #writeFile(name: string, size: number): Promise<void> {
    const bytes = randomBytes(size);
    this.#files.set(name, bytes);
    await writeFile(join(this.#tree, name), bytes);
  }

  /** One in a hundred rows, and a file or two. */
  async #change(): Promise<void> {
    const from = Math.floor(this.#random() * 4950);
    await this.#client.query(
      `UPDATE people SET note = repeat(md5(random()::text), 8) WHERE id BETWEEN $1 AND $1 + 49`,
      [from],
    );
    await this.#client.query(
      `INSERT INTO events SELECT coalesce(max(id), 0) + 1, current_date, md5(random()::text) FROM events`,
    );
    await this.#writeFile(`file ${Math.floor(this.#random() * 40)}`, 4000 + Math.floor(this.#random() * 30_000));
  }

  /** A run of the day, whatever happens to it. */
  async #live(day: number): Promise<void> {
    this.#breakSites(day);
    const isKilled = this.#random() < 0.08;
    if (isKilled) this.#killAfter(1 + Math.floor(this.#random() * 30));
    try {
      await this.#backUp();
      await this.#care();
    } catch (error) {
      // A killed process does not tell anybody; the next day's finds what is there.
      if (!(error instanceof Killed)) throw error;
    }
    if (isKilled) {
      this.#faults.killed++;
      this.#breakSites(day);
      // Somebody, or a timer, starts it again, when the lease of the killed run has ended. How it ends has its own tests.
      this.#clock.set(this.#clock.now() + 120_000);
      await this.#endLeases();
      await this.#backUp();
    }
  }

  /** Each site is away for some days now and then; never all of them. */
  #breakSites(day: number): void {
    for (const [site, until] of this.#down) if (day >= until) this.#down.delete(site);
    for (const site of this.#sites) {
      if (this.#down.size < this.#sites.length - 1 && !this.#down.has(site) && this.#random() < 0.06) {
        this.#down.set(site, day + 1 + Math.floor(this.#random() * 6));
      }
      site.fault = this.#down.has(site) ? unreachable(site.name) : undefined;
    }
    if (this.#down.size > 0) this.#faults.down++;
  }

  /** From then on nothing of this run reaches any site. */
  #killAfter(operations: number): void {
    let left = operations;
    for (const site of this.#sites) {
      const before = site.fault;
      site.fault = (operation, name) => {
        if (operation !== 'list' && operation !== 'read' && --left < 0) throw new Killed();
        return before?.(operation, name);
      };
    }
  }

  async #endLeases(): Promise<void> {
    for (const { inner } of this.#sites) {
      for await (const { name } of inner.list('sources/')) if (name.includes('/leases/')) await inner.remove(name);
    }
  }

  async #backUp(): Promise<void> {
    const contents = { app: await this.#tables(), tree: this.#treeContents() };
    const access = await this.#access(this.#sites);
    const request = { sources: this.#settings(), tags: [], env: { PATH: process.env.PATH } };
    const report = await backup(access, request);
    for (const { source, snapshot, sites, error } of report.sources) {
      if (error?.message === killed) throw new Killed();
      if (error) throw new Error(`${source}: ${error.message} ${error.why ?? ''}`);
      if (!snapshot || sites.length === 0) throw new Error(`${source} has no snapshot`);
      const made = this.#made.get(source) ?? [];
      this.#made.set(source, made);
      made.push({ snapshot: { ...snapshot } as KnownSnapshot, contents: contents[source as 'app' | 'tree'] });
    }
  }

  async #care(): Promise<void> {
    const synced = await sync(await this.#access(this.#sites), { sources: ['app', 'tree'], dryRun: false });
    if (synced.problems.length > 0) throw new Error(`sync: ${JSON.stringify(synced.problems)}`);
    const keep = this.#options.keep ?? promised;
    const sources = ['app', 'tree'].map((name) => ({ name, keep }));
    const pruned = await prune(await this.#access(this.#sites), { sources, timeZone, dryRun: false });
    for (const { source, error, pause } of pruned.sources) {
      if (error?.message === killed) throw new Killed();
      if (error || pause) throw new Error(`prune ${source}: ${error?.message ?? pause?.why}`);
    }
  }

  #settings(): SourceSettings[] {
    return [
      {
        name: 'app',
        type: 'postgres',
        connection: { ...this.#options.connection, sslmode: 'disable' },
        excludeTables: [],
        jobs: 2,
      },
      { name: 'tree', type: 'files', path: this.#tree, exclude: [], oneFileSystem: false },
    ];
  }

  #access(sites: readonly FaultySite[]): Promise<RepositoryAccess> {
    return this.#fixture.accessTo(sites, { clock: this.#clock });
  }

  async #tables(): Promise<Contents> {
    const contents: Contents = new Map();
    for (const table of ['people', 'events']) {
      // As COPY writes plain values: no tab, no backslash is in them.
      const { rows } = await this.#client.query({ text: `SELECT * FROM ${table}`, rowMode: 'array' });
      const text = rows.map((row) => `${row.map(plain).join('\t')}\n`).join('');
      contents.set(table, digest(Buffer.from(text)));
    }
    return contents;
  }

  #treeContents(): Contents {
    return new Map([...this.#files].map(([name, bytes]) => [name, digest(bytes)]));
  }

  /** Each site alone, on a machine that has seen nothing. */
  async #judge(): Promise<YearReport['sources']> {
    const reports: YearReport['sources'] = [];
    for (const [source, made] of this.#made) {
      const kept = keptOf(made, this.#options.keep ?? promised);
      const report = {
        source,
        made: made.length,
        kept: kept.size,
        differences: [] as string[],
        storedBytes: 0,
        copiesBytes: 0,
      };
      for (const { inner } of this.#sites) {
        const reader = await this.#fixture.access({
          site: inner,
          clock: this.#clock,
          identities: [parties.anna],
          machine: `judge-${inner.name}`,
        });
        const opened = await openSource(reader, source);
        const { snapshots, ignored } = await listSnapshots(reader, opened);
        const shown = snapshots.map(({ id }) => id);
        if (ignored.length > 0) report.differences.push(`${inner.name}: ${ignored.length} objects do not count`);
        for (const { snapshot } of made) {
          const [has, should] = [shown.includes(snapshot.id), kept.has(snapshot.id)];
          if (has !== should)
            report.differences.push(`${inner.name}: ${snapshot.time} is ${has ? 'there' : 'missing'}`);
        }
        if (shown.some((id) => !made.some(({ snapshot }) => snapshot.id === id))) {
          report.differences.push(`${inner.name}: shows a snapshot that nobody made`);
        }
        for (const snapshot of snapshots) {
          const wanted = made.find(({ snapshot: { id } }) => id === snapshot.id)?.contents;
          const different = wanted
            ? await differenceOf(await SnapshotReader.open(reader, opened, snapshot, () => {}), wanted)
            : 'unknown';
          if (different) report.differences.push(`${inner.name}: ${snapshot.time}: ${different}`);
        }
      }
      for await (const { size } of this.#sites[0]!.inner.list(
        `sources/${(await this.#fixture.access()).trust.sourceId(source)}/packs/`,
      )) {
        report.storedBytes += size;
      }
      for (const { snapshot, contents } of made) {
        if (kept.has(snapshot.id)) for (const { size } of contents.values()) report.copiesBytes += size;
      }
      reports.push(report);
    }
    return reports;
  }
}

const killed = 'killed';
class Killed extends Error {
  constructor() {
    super(killed);
  }
}

/** Four in the morning in Paris, of a day since 1 January 2026. */
function fourOClock(day: number): number {
  const noon = Date.UTC(2026, 0, 1 + day, 12);
  const hour = Number(new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', hourCycle: 'h23' }).format(noon));
  return noon - (hour - 4) * 3600_000;
}

/** The policy once more, worked out in another way: by walking through the days and months that have a snapshot. */
function keptOf(made: readonly Made[], keep: Keep): Set<string> {
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  const days = new Map<string, string>();
  const months = new Map<string, string>();
  for (const { snapshot } of made) {
    const date = day.format(Date.parse(snapshot.time));
    days.set(date, snapshot.id);
    months.set(date.slice(0, 7), snapshot.id);
  }
  const newest = (periods: Map<string, string>, count: number) =>
    count === 0
      ? []
      : [...periods]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .slice(-count)
          .map(([, id]) => id);
  return new Set([...newest(days, keep.daily), ...newest(months, keep.monthly), made.at(-1)!.snapshot.id]);
}

interface ManifestEntry {
  kind: string;
  name?: string;
  path?: string;
  stream?: AnyStream;
}

/** What a snapshot holds that it should not, or not as it should; undefined when nothing. */
async function differenceOf(reader: SnapshotReader, wanted: Contents): Promise<string | undefined> {
  const found = new Set<string>();
  for await (const { kind, name, path, stream } of reader.lines<ManifestEntry>()) {
    if (kind !== 'table' && kind !== 'file') continue;
    const what = name ?? path ?? '';
    const bytes = stream ? await reader.streams.whole(stream) : Buffer.alloc(0);
    if (digest(bytes).sha256 !== wanted.get(what)?.sha256) return `${what} is not that day's`;
    found.add(what);
  }
  return found.size === wanted.size ? undefined : `${wanted.size - found.size} are missing`;
}

function digest(bytes: Buffer): { sha256: string; size: number } {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
}

function plain(value: unknown): string {
  return value instanceof Date
    ? `${value.getFullYear()}-${String(value.getMonth() + 1).padStart(2, '0')}-${String(value.getDate()).padStart(2, '0')}`
    : String(value);
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
