import { isoTime } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Party } from '../crypt/parties.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { sealCatalogObject } from './catalog-object.ts';
import { ChunkTable } from './chunk-table.ts';
import { completeSites } from './complete-sites.ts';
import { idLength } from './frame.ts';
import { listPacks, loadIndexes } from './index-load.ts';
import { type IndexedPack, type IndexPayload, indexedPack } from './index-object.ts';
import { Ingest, type IngestPort, type IngestSettings } from './ingest.ts';
import type { Lease } from './lease.ts';
import type { SealedPack } from './pack.ts';
import { chunkSizes, graceMs, packSize } from './parameters.ts';
import { neededPacks } from './replacements.ts';
import { listedAt, loadReplacements } from './replacements-load.ts';
import type { RunSites } from './run-sites.ts';
import {
  commitTo,
  type IgnoredObject,
  type KnownSnapshot,
  listSnapshots,
  rememberNewest,
  type SnapshotListing,
  type SnapshotPayload,
  type SourceType,
} from './snapshot.ts';
import { SourceLocks } from './source-locks.ts';
import { type OpenedSource, predecessorsOf } from './source-record.ts';

/** Packs on their way to the site at the same time. Each takes `packSize` of memory. */
const storesUnderWay = 3;
/** An index object is written after so many packs or so long: what a killed run had stored is then found again. */
const packsPerIndex = 64;
const indexEveryMs = 20_000;
/** Manifest lines are gathered to about this many bytes. */
const lineBatchBytes = 128 * 1024;

export interface SnapshotContent {
  type: SourceType;
  tags: string[];
  totals: Record<string, number>;
  shortfalls: SnapshotPayload['shortfalls'];
}

/**
 * Makes one snapshot of a source. Order of writing: packs, index, snapshot (docs/format.md §2); whatever interrupts it, the
 * repository is whole.
 */
export class SnapshotWriter implements IngestPort {
  readonly ingestSettings: IngestSettings;
  /** The snapshots that were there when the run began. */
  readonly before: SnapshotListing;
  /** Bytes of the packs stored in this run. */
  storedBytes = 0;
  readonly #access: RepositoryAccess;
  readonly #host: Party;
  readonly #source: OpenedSource;
  readonly #opened: { monotonic: number; wall: number };
  readonly #sites: RunSites;
  readonly #table: ChunkTable;
  readonly #locks: SourceLocks | undefined;
  readonly #manifest: Ingest;
  readonly #manifestStream: ReturnType<Ingest['stream']>;
  readonly #stores = new Set<Promise<void>>();
  #lines: string[] = [];
  #linesLength = 0;
  #unindexed: IndexedPack[] = [];
  #indexing: Promise<void> = Promise.resolve();
  #lastIndexAt: number;
  #failure: { error: unknown } | undefined;

  private constructor(
    access: RepositoryAccess,
    host: Party,
    source: OpenedSource,
    sites: RunSites,
    before: SnapshotListing,
    table: ChunkTable,
    locks: SourceLocks | undefined,
  ) {
    const [keys] = source.keys;
    if (keys === undefined) throw new HoldfastError('internal', 'A source has no keys.');
    this.#access = access;
    this.#host = host;
    this.#source = source;
    this.#sites = sites;
    this.#opened = { monotonic: access.clock.monotonic(), wall: access.clock.now() };
    this.before = before;
    this.#table = table;
    this.#locks = locks;
    this.ingestSettings = {
      chunkIdSecret: keys.chunkIdSecret,
      gearSecret: keys.gearSecret,
      dataRecipient: keys.dataRecipient,
      chunkSizes,
      packSize,
    };
    this.#manifest = new Ingest(this.ingestSettings, this);
    this.#manifestStream = this.#manifest.stream();
    this.#lastIndexAt = access.clock.monotonic();
  }

  /**
   * Reads what the site has, so that only what is new is stored.
   *
   * @param ignore told of objects that are not trusted or not readable
   */
  static async open(
    access: RepositoryAccess,
    source: OpenedSource,
    ignore: (object: IgnoredObject) => void,
  ): Promise<SnapshotWriter> {
    const { host, clock } = access;
    if (!host) throw new HoldfastError('wrong-key', 'A backup needs the host key of this machine.');
    const sites = sitesOf(access);
    const before = await listSnapshots(access, source, sites);
    for (const object of before.ignored) ignore(object);
    const packsAt = await sites.each((site) => listPacks(site, source));
    const listed = listedAt(packsAt);
    const replacements = await loadReplacements(access, source, sites);
    const live = new Set<string>();
    for (const snapshot of before.snapshots) {
      for (const pack of neededPacks(snapshot, replacements, listed, 'replacement').packs) live.add(pack);
    }
    const table = new ChunkTable({ withLocations: false });
    const trusted = new Set([...predecessorsOf(source.record, host.name), ...access.dedupWith]);
    // By a clock that has stopped, or was set back, everything would look young.
    const latest = [...before.snapshots, ...before.tombstoned].map(({ time }) => Date.parse(time));
    const youngest = latest.reduce((a, b) => Math.max(a, b), clock.now()) - graceMs / 2;
    const { snapshots, tombstones: dropped } = before;
    const locks = await SourceLocks.open(access, sites, source, { snapshots, dropped, replacements, packsAt });
    for await (const index of loadIndexes(access, source, ignore, sites)) {
      if (locks) {
        const about = index.packs.map(({ pack }) => pack);
        locks.index(index.id, about);
      }
      // A host that was stolen could register real ids over garbage; only trusted hosts' entries count, and those of
      // whoever has opened every chunk before.
      if (index.role === 'backup' && !trusted.has(index.signer)) continue;
      const young = Date.parse(index.time) > youngest;
      for (const pack of index.packs) {
        if (!listed.has(pack.pack, pack.size) || !(young || live.has(pack.pack))) continue;
        // What has been compacted would never go if new snapshots referred to it.
        if (!replacements.isReplaced(pack.pack, listed)) table.addPack(pack);
      }
    }
    return new SnapshotWriter(access, host, source, sites, before, table, locks);
  }

  /** See IngestPort. */
  async claim(ids: Buffer): Promise<Uint8Array> {
    this.#throwFailure();
    const wanted = new Uint8Array(ids.length / idLength);
    for (let i = 0; i < wanted.length; i++) wanted[i] = this.#table.claim(ids, i * idLength) ? 1 : 0;
    return wanted;
  }

  /** See IngestPort. Resolves while the pack may still be on its way; `commit` waits for all of them. */
  async store(pack: SealedPack): Promise<void> {
    this.#throwFailure();
    const store = this.#store(pack)
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#stores.delete(store));
    this.#stores.add(store);
    while (this.#stores.size > storesUnderWay) await Promise.race(this.#stores);
    this.#throwFailure();
  }

  async #store(pack: SealedPack): Promise<void> {
    const size = pack.bytes.length;
    await this.#createEverywhere(this.#source.layout.pack(pack.name), pack.bytes, () => pack.release?.());
    const entry = indexedPack(pack.name, size, pack.entries);
    this.#table.storedPack(entry);
    this.#unindexed.push(entry);
    this.storedBytes += size;
    const due = this.#access.clock.monotonic() - this.#lastIndexAt > indexEveryMs;
    if (due || this.#unindexed.length >= packsPerIndex) await this.#writeIndex();
  }

  /**
   * @param settled called when no site looks at `bytes` any more: later than this resolves when a site was given up that
   *   still sends them
   */
  async #createEverywhere(name: string, bytes: Uint8Array, settled?: () => void): Promise<void> {
    const works: Promise<unknown>[] = [];
    try {
      await this.#sites.each((site) => {
        const work = this.#create(site, name, bytes);
        works.push(work);
        return work;
      });
    } finally {
      void Promise.allSettled(works).then(settled);
    }
  }

  /** Where objects are locked, for as long as the coming snapshot is promised to be kept. */
  async #create(site: Site, name: string, bytes: Uint8Array): Promise<void> {
    const retainUntil = this.#locks?.untilAt(site);
    await site.create(name, bytes, retainUntil === undefined ? {} : { retainUntil });
    if (retainUntil !== undefined) this.#locks?.stored(site, name, retainUntil);
  }

  /** Index objects are written one after the other, each about packs that are stored. */
  #writeIndex(): Promise<void> {
    this.#indexing = this.#indexing.then(async () => {
      const packs = this.#unindexed.splice(0);
      if (packs.length === 0) return;
      this.#lastIndexAt = this.#access.clock.monotonic();
      const payload: IndexPayload = {
        kind: 'index',
        repository: this.#access.trust.repositoryId,
        source: this.#source.layout.id,
        signer: this.#host.name,
        time: isoTime(this.#access.clock.now()),
        packs,
      };
      const { name, bytes } = await sealCatalogObject(payload, this.#host, this.#source.keys[0]!.catalogRecipient);
      await this.#createEverywhere(this.#source.layout.index + name, bytes);
      const about = packs.map(({ pack }) => pack);
      this.#locks?.index(name, about);
    });
    return this.#indexing;
  }

  /** Whether all of these chunks are stored, or about to be; then the snapshot may refer to them. */
  reuse(ids: Uint8Array): boolean {
    return this.#table.use(ids);
  }

  /** Appends a line to the manifest. */
  async writeLine(line: object): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push(text);
    this.#linesLength += text.length;
    if (this.#linesLength >= lineBatchBytes) await this.#flushLines();
  }

  async #flushLines(): Promise<void> {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#linesLength = 0;
    await this.#manifestStream.write(Buffer.from(text));
  }

  /**
   * Makes the snapshot at every site that has, or gets now, everything it needs. Its object's creation is the commit.
   *
   * @throws HoldfastError `object-missing` when no site lists all the packs that it took, `lease-held` when another has
   *   taken over or too much time has passed
   */
  async commit(content: SnapshotContent, lease?: Lease): Promise<KnownSnapshot> {
    const { clock, signal, trust } = this.#access;
    await this.#flushLines();
    const { stored: manifest } = await this.#manifestStream.end();
    await this.#manifest.flush();
    await Promise.all(this.#stores);
    this.#throwFailure();
    if (this.#table.claims > 0) throw new HoldfastError('internal', 'Chunks were promised and not stored.');
    await this.#writeIndex();
    const used = this.#table.usedPacks();
    const whole = await completeSites(this.#sites, this.#source, used, signal);
    // Before the snapshot is there: once it is, nobody can take away what it needs.
    const names = used.map(({ name }) => name);
    await this.#locks?.extend(names, whole);
    const last = this.#last();
    const payload: SnapshotPayload = {
      kind: 'snapshot',
      repository: trust.repositoryId,
      source: this.#source.layout.id,
      signer: this.#host.name,
      sequence: (last?.sequence ?? 0) + 1,
      time: isoTime(Math.max(clock.now(), this.#latestTime() + 1)),
      previous: last?.id ?? null,
      name: this.#source.name,
      ...content,
      generation: this.#source.keys[0]!.generation,
      packs: used.map(({ name }) => name).sort(),
      manifest,
      commitment: commitTo(manifest.sha256),
    };
    const { name, bytes } = await sealCatalogObject(payload, this.#host, this.#source.keys[0]!.catalogRecipient);
    await this.#assertHeld(lease);
    this.#assertInTime();
    signal.throwIfAborted();
    const committed = await this.#sites.each(
      (site) => this.#create(site, this.#source.layout.snapshots + name, bytes),
      whole.filter((site) => this.#sites.isLive(site)),
    );
    const snapshot = { ...payload, id: name, sites: [...committed.keys()].map((site) => site.name) };
    await rememberNewest(this.#access, this.#source, snapshot);
    return snapshot;
  }

  /** Where the site with the lease is gone, nobody can hold one there, and safety does not rest on it. */
  async #assertHeld(lease: Lease | undefined): Promise<void> {
    if (!lease) return;
    // An access with one site has no other to go on with.
    if (!this.#sites.all.includes(lease.site)) return lease.assertHeld();
    await this.#sites.each(
      () => lease.assertHeld(),
      this.#sites.live.filter((site) => site === lease.site),
    );
  }

  /**
   * What was deduplicated against may be swept by a prune once the grace period is over (docs/format.md §2): a run that
   * was suspended for days must not refer to it. The wall clock sees suspensions, the monotonic one clocks set back.
   */
  #assertInTime(): void {
    const { clock } = this.#access;
    const { monotonic, wall } = this.#opened;
    if (Math.max(clock.monotonic() - monotonic, clock.now() - wall) < graceMs / 2) return;
    throw new HoldfastError('lease-held', 'This backup took too long to be finished.', {
      why: `It began more than ${graceMs / 2 / 86_400_000} days ago, and what it relied on may be removed by now.`,
      hint: 'Start it again; it goes on from what is stored.',
    });
  }

  /** The snapshot before this one: what the site shows, or what this machine knows when the site shows less. */
  #last(): { sequence: number; id: string; time: string } | undefined {
    const known = this.before.rollback?.known;
    if (known) return { ...known, id: known.snapshot };
    const { snapshots, tombstoned } = this.before;
    return [...snapshots, ...tombstoned].sort((a, b) => a.sequence - b.sequence).at(-1);
  }

  /**
   * Times rise, also where this clock is behind. One that was dropped is not counted: from a host whose clock was years
   * ahead all later snapshots would have its time, and nothing would ever be pruned again.
   */
  #latestTime(): number {
    const known = this.before.rollback?.known ?? this.before.snapshots.at(-1);
    return known ? Date.parse(known.time) : 0;
  }

  /** Gives up: what was stored is indexed if the site still takes it, so that the next run need not store it again. */
  async abandon(): Promise<void> {
    await Promise.all(this.#stores);
    await this.#writeIndex().catch(() => {});
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
