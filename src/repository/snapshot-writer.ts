import { isoTime } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Party } from '../crypt/parties.ts';
import type { RepositoryAccess } from './access.ts';
import { sealCatalogObject } from './catalog-object.ts';
import { ChunkTable } from './chunk-table.ts';
import { idLength } from './frame.ts';
import { listPacks, loadIndexes } from './index-load.ts';
import { type IndexedPack, type IndexPayload, indexedPack } from './index-object.ts';
import { Ingest, type IngestPort, type IngestSettings } from './ingest.ts';
import type { Lease } from './lease.ts';
import type { SealedPack } from './pack.ts';
import { chunkSizes, graceMs, packSize } from './parameters.ts';
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
import type { OpenedSource } from './source-record.ts';

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
  readonly #table: ChunkTable;
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
    before: SnapshotListing,
    table: ChunkTable,
  ) {
    const [keys] = source.keys;
    if (keys === undefined) throw new HoldfastError('internal', 'A source has no keys.');
    this.#access = access;
    this.#host = host;
    this.#source = source;
    this.before = before;
    this.#table = table;
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
    const before = await listSnapshots(access, source);
    for (const object of before.ignored) ignore(object);
    const packs = await listPacks(access, source);
    const live = new Set(before.snapshots.flatMap((snapshot) => snapshot.packs));
    const table = new ChunkTable({ withLocations: false });
    const trusted = new Set([host.name, ...access.dedupWith]);
    const youngest = clock.now() - graceMs / 2;
    for await (const index of loadIndexes(access, source, ignore)) {
      // A host that was stolen could register real ids over garbage; only trusted hosts' entries count.
      if (!trusted.has(index.signer)) continue;
      const young = Date.parse(index.time) > youngest;
      for (const pack of index.packs) {
        if (packs.get(pack.pack) === pack.size && (young || live.has(pack.pack))) table.addPack(pack);
      }
    }
    return new SnapshotWriter(access, host, source, before, table);
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
    await this.#access.site.create(this.#source.layout.pack(pack.name), pack.bytes);
    const size = pack.bytes.length;
    pack.release?.();
    const entry = indexedPack(pack.name, size, pack.entries);
    this.#table.storedPack(entry);
    this.#unindexed.push(entry);
    this.storedBytes += size;
    const due = this.#access.clock.monotonic() - this.#lastIndexAt > indexEveryMs;
    if (due || this.#unindexed.length >= packsPerIndex) await this.#writeIndex();
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
      await this.#access.site.create(this.#source.layout.index + name, bytes);
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
   * Makes the snapshot, once everything it needs is on the site. Its object's creation is the commit.
   *
   * @throws HoldfastError `object-missing` when the site does not list a pack that it took
   */
  async commit(content: SnapshotContent, lease?: Lease): Promise<KnownSnapshot> {
    const { site, clock, signal, trust } = this.#access;
    await this.#flushLines();
    const { stored: manifest } = await this.#manifestStream.end();
    await this.#manifest.flush();
    await Promise.all(this.#stores);
    this.#throwFailure();
    if (this.#table.claims > 0) throw new HoldfastError('internal', 'Chunks were promised and not stored.');
    await this.#writeIndex();
    const used = this.#table.usedPacks();
    await this.#assertListed(used);
    const last = this.#last();
    const payload: SnapshotPayload = {
      kind: 'snapshot',
      repository: trust.repositoryId,
      source: this.#source.layout.id,
      signer: this.#host.name,
      sequence: (last?.sequence ?? 0) + 1,
      time: isoTime(Math.max(clock.now(), last ? Date.parse(last.time) + 1 : 0)),
      previous: last?.id ?? null,
      name: this.#source.name,
      ...content,
      generation: this.#source.keys[0]!.generation,
      packs: used.map(({ name }) => name).sort(),
      manifest,
      commitment: commitTo(manifest.sha256),
    };
    const { name, bytes } = await sealCatalogObject(payload, this.#host, this.#source.keys[0]!.catalogRecipient);
    await lease?.assertHeld();
    signal.throwIfAborted();
    await site.create(this.#source.layout.snapshots + name, bytes);
    const snapshot = { ...payload, id: name };
    await rememberNewest(this.#access, this.#source, snapshot);
    return snapshot;
  }

  /** The snapshot before this one: what the site shows, or what this machine knows when the site shows less. */
  #last(): { sequence: number; id: string; time: string } | undefined {
    const known = this.before.rollback?.known;
    return known ? { ...known, id: known.snapshot } : this.before.snapshots.at(-1);
  }

  async #assertListed(used: { name: string; size: number }[]): Promise<void> {
    const listed = await listPacks(this.#access, this.#source);
    for (const { name, size } of used) {
      if (listed.get(name) === size) continue;
      throw new HoldfastError('object-missing', `Pack ${name} vanished from the site "${this.#access.site.name}".`, {
        why: 'The snapshot needs it, and the site no longer lists it with its size.',
        hint: 'Find out what deletes objects there. The next backup stores its content again.',
      });
    }
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
