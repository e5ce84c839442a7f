import { mkdtempSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { systemClock } from '../../src/base/clock.ts';
import type { HoldfastEvent } from '../../src/base/events.ts';
import { type ChunkLocations, emptyLocations, type ReadPort } from '../../src/repository/chunk-locations.ts';
import type { IngestPort, IngestSettings } from '../../src/repository/ingest.ts';
import { type Lanes, openLanes } from '../../src/repository/lanes.ts';
import type { SealedPack } from '../../src/repository/pack.ts';
import { type ReadSettings, StreamReader } from '../../src/repository/stream-reader.ts';
import type { BackupContext, ManifestLine, RestoreContext } from '../../src/sources/source.ts';
import { laneEntry } from './built-lanes.ts';

const entry = laneEntry();

/** A repository without a site: packs in memory. For tests of sources, through real worker threads. */
export class MemoryRepository implements IngestPort, ReadPort {
  readonly packs = new Map<string, SealedPack>();
  readonly lines: ManifestLine[] = [];
  readonly events: HoldfastEvent[] = [];
  readonly rowKey = '000102030405060708090a0b0c0d0e0f';
  readonly cacheDirectory = mkdtempSync(join(tmpdir(), 'holdfast-cache-'));
  readonly #claimed = new Set<string>();
  readonly #where = new Map<string, { pack: string; offset: number; length: number; rawLength: number }>();
  readonly #writing: IngestSettings;
  readonly #reading: ReadSettings;

  private constructor(identity: string, dataRecipient: string) {
    const chunkIdSecret = Buffer.alloc(32, 7).toString('hex');
    this.#writing = {
      chunkIdSecret,
      gearSecret: Buffer.alloc(32, 9).toString('hex'),
      dataRecipient,
      chunkSizes: { min: 32 * 1024, average: 128 * 1024, max: 512 * 1024 },
      packSize: 16 * 1024 * 1024,
    };
    this.#reading = { dataIdentities: [identity], chunkIdSecret };
  }

  static async open(): Promise<MemoryRepository> {
    const identity = await generateX25519Identity();
    return new MemoryRepository(identity, await identityToRecipient(identity));
  }

  async claim(ids: Buffer): Promise<Uint8Array> {
    const wanted = new Uint8Array(ids.length / 32);
    for (let i = 0; i < wanted.length; i++) {
      const id = ids.toString('hex', i * 32, i * 32 + 32);
      if (!this.#claimed.has(id)) wanted[i] = 1;
      this.#claimed.add(id);
    }
    return wanted;
  }

  async store(pack: SealedPack): Promise<void> {
    this.packs.set(pack.name, pack);
    let offset = 0;
    for (const { id, length, rawLength } of pack.entries) {
      this.#where.set(id.toString('hex'), { pack: pack.name, offset, length, rawLength });
      offset += length;
    }
  }

  async locate(ids: Buffer): Promise<ChunkLocations> {
    const found = emptyLocations(ids.length / 32);
    const seen = new Map<string, number>();
    for (let i = 0; i < ids.length / 32; i++) {
      const where = this.#where.get(ids.toString('hex', i * 32, i * 32 + 32));
      if (!where) continue;
      if (!seen.has(where.pack)) {
        seen.set(where.pack, found.packs.length);
        found.packs.push({ name: where.pack, size: this.packs.get(where.pack)!.bytes.length });
      }
      found.pack[i] = seen.get(where.pack)!;
      found.offset[i] = where.offset;
      found.length[i] = where.length;
      found.rawLength[i] = where.rawLength;
    }
    return found;
  }

  async read(pack: string, offset: number, length: number): Promise<Uint8Array> {
    return Uint8Array.from(this.packs.get(pack)!.bytes.subarray(offset, offset + length));
  }

  /** Stored bytes of all packs. */
  get bytes(): number {
    return [...this.packs.values()].reduce((sum, pack) => sum + pack.bytes.length, 0);
  }

  /** Runs `work` as a backup would; manifest lines are appended to `lines`. */
  async backup<T>(
    work: (context: BackupContext) => Promise<T>,
    options: { lanes?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    await using lanes = this.#open({ writing: this.#writing }, options);
    const outcome = await work({
      lanes,
      writeLine: async (line) => void this.lines.push(JSON.parse(JSON.stringify(line))),
      reuse: (ids) => {
        const hex = Buffer.from(ids).toString('hex');
        for (let at = 0; at < hex.length; at += 64) if (!this.#claimed.has(hex.slice(at, at + 64))) return false;
        return true;
      },
      ...this.#common(options.signal),
      cacheDirectory: this.cacheDirectory,
    });
    await lanes.flush();
    return outcome;
  }

  /** Runs `work` as a restore would, over `lines`. */
  async restore<T>(
    work: (context: RestoreContext) => Promise<T>,
    options: { lanes?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    await using lanes = this.#open({ reading: this.#reading }, options);
    const all = this.lines;
    return await work({
      lanes,
      lines: async function* () {
        yield* all;
      },
      reader: new StreamReader(this.#reading, this),
      ...this.#common(options.signal),
    });
  }

  #common(signal: AbortSignal | undefined) {
    return {
      rowKey: this.rowKey,
      emit: (event: HoldfastEvent) => void this.events.push(event),
      clock: systemClock,
      signal: signal ?? new AbortController().signal,
    };
  }

  #open(
    setup: { writing?: IngestSettings; reading?: ReadSettings },
    options: { lanes?: number; signal?: AbortSignal },
  ): Lanes {
    return openLanes({
      entry,
      count: options.lanes ?? availableParallelism(),
      port: this,
      ...setup,
      ...(options.signal ? { signal: options.signal } : {}),
    });
  }
}
