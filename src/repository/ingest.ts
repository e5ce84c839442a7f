import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { Sealer } from '../crypt/age.ts';
import { Chunker, type ChunkSizes, gearTable } from './chunker.ts';
import { chunkId, idLength } from './frame.ts';
import { IdList } from './id-list.ts';
import { PackBuilder, type SealedPack } from './pack.ts';
import { RowHash } from './row-hash.ts';
import { type Slab, SlabPool } from './slab.ts';
import { directChunks, type EndedStream, type StoredStream } from './stored-stream.ts';

/**
 * Turns streams into packs: cut, name, ask which chunks are new, compress, read back, pack, seal. One Ingest belongs to
 * one thread and works on one stream at a time; several run beside each other in worker threads.
 */

/** What an Ingest needs to know; survives structured cloning. */
export interface IngestSettings {
  /** 32 bytes, hex. */
  chunkIdSecret: string;
  /** 32 bytes, hex. */
  gearSecret: string;
  /** `age1…` of the data key. */
  dataRecipient: string;
  chunkSizes: ChunkSizes;
  /** Bytes of frames after which a pack is sealed. */
  packSize: number;
}

/** The two questions an Ingest asks of whoever knows the whole repository. */
export interface IngestPort {
  /**
   * Tells which chunks must be stored, and makes their storage the caller's duty.
   *
   * @param ids ids of 32 bytes, back to back
   * @returns one byte for each: 1 to store it, 0 when it is stored or somebody else's duty
   */
  claim(ids: Buffer): Promise<Uint8Array>;
  /** Takes a pack over; resolves when the next one may come. */
  store(pack: SealedPack): Promise<void>;
  /** Memory of a pack that is stored, for the next one. */
  room?(): ArrayBuffer | undefined;
}

interface PendingChunk {
  id: Buffer;
  bytes: Uint8Array;
  slab: Slab | undefined;
}

/** A batch is asked about at once, and compressed while the next one is read. */
const batchBytes = 2 * 1024 * 1024;
const batchChunks = 512;
/**
 * The end of a stream that is copied rather than left in its slab: each of hundreds of short streams would otherwise keep
 * a slab of megabytes until their batch is full.
 */
const shortEnd = 32 * 1024;
/** Batches on their way, besides the one being gathered. */
const batchesUnderWay = 2;

export class Ingest {
  readonly #secret: Buffer;
  readonly #chunker: Chunker;
  readonly #sealer: Sealer;
  readonly #packSize: number;
  readonly #port: IngestPort;
  readonly #slabs: SlabPool;
  readonly #slabSize: number;
  readonly #pack: PackBuilder;
  #pending: PendingChunk[] = [];
  #pendingBytes = 0;
  /** The last batch; batches are worked on one after the other, so packs keep the order of the stream. */
  #tail: Promise<void> = Promise.resolve();
  #underWay = 0;
  #failure: { error: unknown } | undefined;

  constructor(settings: IngestSettings, port: IngestPort) {
    this.#secret = Buffer.from(settings.chunkIdSecret, 'hex');
    this.#chunker = new Chunker(gearTable(Buffer.from(settings.gearSecret, 'hex')), settings.chunkSizes);
    this.#sealer = new Sealer([settings.dataRecipient]);
    this.#packSize = settings.packSize;
    this.#pack = new PackBuilder(this.#secret, settings.packSize + settings.chunkSizes.max);
    this.#port = port;
    this.#slabSize = Math.max(batchBytes, 2 * settings.chunkSizes.max);
    this.#slabs = SlabPool.shared(this.#slabSize);
  }

  /**
   * Begins a stream.
   *
   * @param rowKey 16 bytes, hex: also take the fingerprint of its rows
   * @param direct chunks it may have before they are referred to by a list
   */
  stream(rowKey?: string, direct = directChunks): IngestStream {
    return new IngestStream(
      {
        take: () => this.#slabs.take(),
        release: (slab) => this.#slabs.release(slab),
        add: (bytes, slab) => this.#add(bytes, slab),
        ready: () => this.#ready(),
        finish: (stream, ids) => this.#finish(stream, ids, direct),
      },
      this.#chunker,
      rowKey === undefined ? undefined : new RowHash(Buffer.from(rowKey, 'hex')),
    );
  }

  /** A whole stream that is already in memory. `bytes` must not change before `flush`. */
  async whole(bytes: Uint8Array): Promise<EndedStream> {
    const ids = new IdList();
    for (let at = 0; at < bytes.length; ) {
      const length = this.#chunker.cut(bytes, at, bytes.length, true);
      ids.push(this.#add(bytes.subarray(at, at + length)));
      at += length;
    }
    await this.#ready();
    return this.#finish({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }, ids);
  }

  #add(bytes: Uint8Array, slab?: Slab): Buffer {
    const id = chunkId(this.#secret, bytes);
    if (slab !== undefined) slab.uses++;
    this.#pending.push({ id, bytes, slab });
    this.#pendingBytes += bytes.length;
    return id;
  }

  /** Refers to the chunks of a stream, by a list of its own when there are many. */
  async #finish(
    stream: Omit<StoredStream, 'chunks' | 'list'>,
    ids: IdList,
    direct = directChunks,
  ): Promise<EndedStream> {
    const all = ids.bytes();
    if (ids.count <= direct) return { stored: { ...stream, chunks: ids.hex() }, ids: all };
    const list = await this.whole(all);
    if (list.stored.chunks === undefined) {
      throw new HoldfastError('source-failed', 'A stream is too long to be stored.', {
        why: `It has ${all.length / idLength} chunks.`,
      });
    }
    return { stored: { ...stream, list: list.stored.chunks }, ids: Buffer.concat([all, list.ids]) };
  }

  /** Sends a full batch on its way, and waits while too many are. */
  async #ready(): Promise<void> {
    if (this.#pendingBytes >= batchBytes || this.#pending.length >= batchChunks) this.#send();
    while (this.#underWay > batchesUnderWay) await this.#tail;
    this.#throwFailure();
  }

  #send(): void {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#underWay++;
    // Asked at once, so that the answer travels while earlier batches are compressed.
    const answer = this.#port.claim(Buffer.concat(batch.map((chunk) => chunk.id)));
    answer.catch(() => {});
    this.#tail = this.#tail.then(async () => {
      try {
        if (this.#failure === undefined) await this.#store(batch, await answer);
      } catch (error) {
        this.#failure ??= { error };
      } finally {
        for (const { slab } of batch) if (slab !== undefined) this.#slabs.release(slab);
        this.#underWay--;
      }
    });
  }

  async #store(batch: PendingChunk[], wanted: Uint8Array): Promise<void> {
    for (const [i, { id, bytes }] of batch.entries()) {
      if (wanted[i] !== 1) continue;
      this.#pack.add(id, bytes);
      if (this.#pack.length >= this.#packSize) await this.#storePack();
    }
  }

  /** Resolves when everything so far has been handed to the port, the last pack included. */
  async flush(): Promise<void> {
    if (this.#pending.length > 0) this.#send();
    await this.#tail;
    this.#throwFailure();
    if (!this.#pack.empty) await this.#storePack();
  }

  async #storePack(): Promise<void> {
    await this.#port.store(await this.#pack.seal(this.#sealer, this.#port.room?.()));
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

interface StreamHost {
  take(): Slab;
  release(slab: Slab): void;
  /** Takes a chunk over and gives its id. */
  add(bytes: Uint8Array, slab?: Slab): Buffer;
  ready(): Promise<void>;
  finish(stream: Omit<StoredStream, 'chunks' | 'list'>, ids: IdList): Promise<EndedStream>;
}

/** One stream being read. Either `write` bytes, or fill `space()` and say how much with `filled`. */
export class IngestStream {
  readonly #host: StreamHost;
  readonly #chunker: Chunker;
  readonly #rowHash: RowHash | undefined;
  readonly #sha256 = createHash('sha256');
  readonly #ids = new IdList();
  #slab: Slab;
  /** Where the chunk under way begins, and one past the last byte. */
  #start = 0;
  #end = 0;
  #size = 0;

  constructor(host: StreamHost, chunker: Chunker, rowHash: RowHash | undefined) {
    this.#host = host;
    this.#chunker = chunker;
    this.#rowHash = rowHash;
    this.#slab = host.take();
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Room for the next bytes; never empty. Valid until the next call of `filled` or `write`. */
  space(): Buffer {
    if (this.#end === this.#slab.bytes.length) {
      // The chunk under way moves to the start of another slab; at most the largest chunk is copied.
      const next = this.#host.take();
      this.#slab.bytes.copy(next.bytes, 0, this.#start, this.#end);
      this.#host.release(this.#slab);
      this.#slab = next;
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.#slab.bytes.subarray(this.#end);
  }

  /** Takes the first `length` bytes of `space()`. Await it: this is how a slow site slows the reader down. */
  async filled(length: number): Promise<void> {
    const bytes = this.#slab.bytes.subarray(this.#end, this.#end + length);
    this.#sha256.update(bytes);
    this.#rowHash?.update(bytes);
    this.#end += length;
    this.#size += length;
    this.#cut(false);
    await this.#host.ready();
  }

  /** Takes bytes, which may be reused once it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const space = this.space();
      const part = bytes.subarray(at, at + space.length);
      space.set(part);
      at += part.length;
      await this.filled(part.length);
    }
  }

  #cut(last: boolean): void {
    // With a largest chunk's bytes at hand a cut point is certain: no byte is hashed twice.
    while (last || this.#end - this.#start >= this.#chunker.sizes.max) {
      const length = this.#chunker.cut(this.#slab.bytes, this.#start, this.#end, last);
      if (length === 0) return;
      const chunk = this.#slab.bytes.subarray(this.#start, this.#start + length);
      this.#ids.push(
        last && length <= shortEnd ? this.#host.add(Buffer.from(chunk)) : this.#host.add(chunk, this.#slab),
      );
      this.#start += length;
    }
  }

  /** Ends the stream. Its chunks are stored once the Ingest has been flushed. */
  async end(): Promise<EndedStream> {
    this.#cut(true);
    this.#host.release(this.#slab);
    await this.#host.ready();
    const stream = { size: this.#size, sha256: this.#sha256.digest('hex') };
    return this.#host.finish(this.#rowHash ? { ...stream, rows: this.#rowHash.digest() } : stream, this.#ids);
  }

  /** Gives a stream up in the middle; what of it was stored stays, unreferred to. */
  abandon(): void {
    this.#host.release(this.#slab);
  }
}
