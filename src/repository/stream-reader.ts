import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { free } from '../base/memory.ts';
import { headerPrefixBytes, Opener, type RangeReader } from '../crypt/age.ts';
import { type ChunkLocations, chunkMissing, nowhere, type ReadPort } from './chunk-locations.ts';
import { idLength, openFrame } from './frame.ts';
import { type AnyStream, partsFit, partsOf, type StoredStream } from './stored-stream.ts';

/** What a StreamReader needs to open packs; survives structured cloning. */
export interface ReadSettings {
  /** `AGE-SECRET-KEY-1…` of the data keys, one per generation. */
  dataIdentities: string[];
  /** 32 bytes, hex. */
  chunkIdSecret: string;
}

/** Plaintext of a pack is read and kept in aligned pieces of this size, so that small neighbours cost one read. */
const windowBytes = 1024 * 1024;
/** Windows kept; also bounds memory, with `aheadBytes`. */
const windowsKept = 8;
const packsKept = 256;
/** Bytes of chunks asked for before they are needed. */
const aheadBytes = 4 * 1024 * 1024;
/** Chunks located with one question. */
const locateBatch = 1024;

interface Located {
  id: Buffer;
  pack: string;
  packSize: number;
  offset: number;
  length: number;
  rawLength: number;
}

/** Reads stored streams, chunk by chunk, each one checked. */
export class StreamReader {
  readonly #port: ReadPort;
  readonly #opener: Opener;
  readonly #secret: Buffer;
  readonly #packs = new Map<string, Promise<RangeReader>>();
  readonly #windows = new Map<string, Promise<Buffer>>();

  constructor(settings: ReadSettings, port: ReadPort) {
    this.#port = port;
    this.#opener = new Opener(settings.dataIdentities);
    this.#secret = Buffer.from(settings.chunkIdSecret, 'hex');
  }

  /**
   * The bytes of a stream, in pieces. A piece stays valid, or with `transient` until the next one is asked for. Every chunk is checked against its id before it is given, and
   * the whole, or each part of it, against its size and SHA-256 when the last one has been taken.
   *
   * @throws HoldfastError `object-missing`, `object-damaged`, `wrong-key`, `site-unavailable`
   */
  async *read(stream: AnyStream, options: { transient?: boolean } = {}): AsyncGenerator<Buffer, void, undefined> {
    if (!partsFit(stream)) throw streamDamaged();
    for (const part of partsOf(stream)) yield* this.#readPart(part, options);
  }

  async *#readPart(stream: StoredStream, options: { transient?: boolean }): AsyncGenerator<Buffer, void, undefined> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of this.#chunks(await this.#idsOf(stream))) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
      if (options.transient) free(chunk);
    }
    if (size !== stream.size || hash.digest('hex') !== stream.sha256) {
      throw streamDamaged();
    }
  }

  /** A stream that is known to be small, whole. @throws as `read` */
  async whole(stream: AnyStream): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.read(stream)) parts.push(part);
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /**
   * Small streams, each one whole, in order. Where their chunks lie is asked once for all of them: asked one by one, the
   * questions take longer than the answers. A piece stays valid.
   *
   * @param streams none with a `list`
   * @throws as `read`, before or after the stream that is damaged: read them one by one then
   */
  async *each(streams: readonly StoredStream[]): AsyncGenerator<Buffer, void, undefined> {
    const chunks = this.#chunks(Buffer.from(streams.flatMap(({ chunks }) => chunks ?? []).join(''), 'hex'));
    try {
      for (const stream of streams) {
        const parts: Buffer[] = [];
        for (let i = stream.chunks?.length ?? 0; i > 0; i--) parts.push((await chunks.next()).value as Buffer);
        const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        if (parts.length > 1) for (const part of parts) free(part);
        if (whole.length !== stream.size || createHash('sha256').update(whole).digest('hex') !== stream.sha256) {
          throw streamDamaged();
        }
        yield whole;
      }
    } finally {
      await chunks.return();
    }
  }

  /**
   * The ids of every chunk that a stream refers to, 32 bytes each and in their order: those of lists, then those in them.
   *
   * @throws as `read`, when a list cannot be read
   */
  async *ids(stream: AnyStream): AsyncGenerator<Uint8Array, void, undefined> {
    for (const part of partsOf(stream)) {
      if (part.list !== undefined) yield Buffer.from(part.list.join(''), 'hex');
      yield await this.#idsOf(part);
    }
  }

  async #idsOf(stream: StoredStream): Promise<Uint8Array> {
    if (stream.chunks !== undefined) return Buffer.from(stream.chunks.join(''), 'hex');
    const parts: Buffer[] = [];
    for await (const part of this.#chunks(Buffer.from((stream.list ?? []).join(''), 'hex'))) parts.push(part);
    const ids = Buffer.concat(parts);
    if (ids.length % idLength !== 0) throw new HoldfastError('object-damaged', 'A list of chunks is cut short.');
    return ids;
  }

  async *#chunks(ids: Uint8Array): AsyncGenerator<Buffer, void, undefined> {
    const ahead: { frame: Promise<Buffer>; chunk: Located }[] = [];
    let aheadSum = 0;
    const take = async () => {
      const { frame, chunk } = ahead.shift()!;
      aheadSum -= chunk.length;
      const bytes = await frame;
      const opened = openFrame(this.#secret, chunk.id, bytes, chunk.rawLength);
      // Does nothing to a frame inside a window, which may be wanted again.
      free(bytes);
      return opened;
    };
    for await (const chunk of this.#located(ids)) {
      const frame = this.#frame(chunk);
      frame.catch(() => {});
      ahead.push({ frame, chunk });
      aheadSum += chunk.length;
      while (aheadSum > aheadBytes) yield await take();
    }
    while (ahead.length > 0) yield await take();
  }

  async *#located(ids: Uint8Array): AsyncGenerator<Located, void, undefined> {
    for (let at = 0; at < ids.length; at += locateBatch * idLength) {
      const batch = ids.subarray(at, at + locateBatch * idLength);
      const found: ChunkLocations = await this.#port.locate(batch);
      for (let i = 0; i < batch.length / idLength; i++) {
        const id = Buffer.from(batch.subarray(i * idLength, (i + 1) * idLength));
        if (found.pack[i] === nowhere) throw chunkMissing(id.toString('hex'));
        const { name, size } = found.packs[found.pack[i]!]!;
        yield {
          id,
          pack: name,
          packSize: size,
          offset: found.offset[i]!,
          length: found.length[i]!,
          rawLength: found.rawLength[i]!,
        };
      }
    }
  }

  async #frame({ pack, packSize, offset, length }: Located): Promise<Buffer> {
    const first = Math.floor(offset / windowBytes);
    const last = Math.floor((offset + length - 1) / windowBytes);
    const windows: Promise<Buffer>[] = [];
    for (let index = first; index <= last; index++) windows.push(this.#window(pack, packSize, index));
    const start = offset - first * windowBytes;
    const parts = await Promise.all(windows);
    const frame = parts.length === 1 ? parts[0]!.subarray(start, start + length) : joined(parts, start, length);
    if (frame.length !== length)
      throw new HoldfastError('object-damaged', `Pack ${pack} ends before a chunk in it does.`);
    return frame;
  }

  #window(pack: string, packSize: number, index: number): Promise<Buffer> {
    const key = `${pack}/${index}`;
    const known = this.#windows.get(key);
    if (known !== undefined) {
      // Moved to the end: the first of a Map is the one not used for longest.
      this.#windows.delete(key);
      this.#windows.set(key, known);
      return known;
    }
    const window = this.#readWindow(pack, packSize, index);
    window.catch(() => this.#windows.delete(key));
    keepNewest(this.#windows, key, window, windowsKept);
    return window;
  }

  async #readWindow(pack: string, packSize: number, index: number): Promise<Buffer> {
    let reader = this.#packs.get(pack);
    if (reader === undefined) {
      reader = this.#port
        .read(pack, 0, Math.min(headerPrefixBytes, packSize))
        .then((prefix) => this.#opener.openPrefix(prefix, packSize));
      reader.catch(() => this.#packs.delete(pack));
      keepNewest(this.#packs, pack, reader, packsKept);
    }
    try {
      const opened = await reader;
      const offset = index * windowBytes;
      const range = { offset, length: Math.min(windowBytes, Math.max(0, opened.plaintextSize - offset)) };
      const covering = opened.covering(range);
      const sealed = await this.#port.read(pack, covering.offset, covering.length);
      const window = opened.open(range, sealed);
      free(sealed);
      return window;
    } catch (error) {
      throw naming(pack, error);
    }
  }
}

/** `length` bytes from `start` of several buffers, and no others: windows are much larger than what lies across two of them. */
function joined(parts: readonly Buffer[], start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let [at, skip] = [0, start];
  for (const part of parts) {
    at += part.copy(bytes, at, Math.min(skip, part.length));
    skip = Math.max(0, skip - part.length);
  }
  return bytes.subarray(0, at);
}

function streamDamaged(): HoldfastError {
  return new HoldfastError('object-damaged', 'A stored stream is not what was backed up.', {
    why: 'Its chunks are genuine, but together they are not the stream its manifest describes.',
  });
}

function keepNewest<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.set(key, value);
  if (map.size > limit) map.delete(map.keys().next().value!);
}

/** The same error, telling which object it is about. */
function naming(pack: string, error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'object-damaged') return error;
  return new HoldfastError('object-damaged', `Pack ${pack} is damaged.`, {
    why: error.why ?? error.message,
    hint: 'Run `holdfast check --read-data`; another site may hold an intact copy.',
    cause: error,
  });
}
