/**
 * A site as a proof reads it: every pack that anything is asked of is read whole, once, and held against its name, so that
 * a flipped byte is found wherever it lies, in padding too, without reading anything twice.
 */

import { free } from '../../base/memory.ts';
import { sha256Hex } from '../../crypt/secrets.ts';
import { promisedHash } from '../../repository/layout.ts';
import { packSize } from '../../repository/parameters.ts';
import type { ByteRange, Site } from '../../sites/site.ts';

/** Packs that are kept for each lane, which asks for one in windows of 1 MiB: the one it reads, and the next. */
const packsKept = 2;

export interface WholePacks {
  readonly site: Site;
  /** Bytes that were read from the site. */
  readonly readBytes: number;
  /** Packs whose every byte was read and hashed to its name. */
  readonly authentic: ReadonlySet<string>;
  /** Packs whose bytes do not hash to their name: what was found → how many bytes there were. */
  readonly damaged: ReadonlyMap<string, number>;
  /** Reads and holds against its name what was not read yet. @throws as Site.read */
  examine(object: string): Promise<void>;
}

/** @param lanes how many read at the same time */
export function readWholePacks(inner: Site, lanes: number): WholePacks {
  return new Reading(inner, lanes * packsKept * packSize);
}

const isPack = (name: string) => /^sources\/[^/]+\/packs\//.test(name) && promisedHash(name) !== undefined;

class Reading implements WholePacks {
  readonly site: Site;
  readonly authentic = new Set<string>();
  readonly damaged = new Map<string, number>();
  readBytes = 0;
  readonly #inner: Site;
  readonly #kept = new Map<string, Buffer>();
  readonly #underWay = new Map<string, Promise<Buffer>>();
  readonly #mayKeep: number;
  #keptBytes = 0;

  constructor(inner: Site, mayKeep: number) {
    this.#inner = inner;
    this.#mayKeep = mayKeep;
    const { capabilities, directories, versions } = inner;
    this.site = {
      name: inner.name,
      ...(capabilities && { capabilities }),
      ...(versions && { versions }),
      ...(directories && { directories: (prefix) => inner.directories!(prefix) }),
      create: (...given) => inner.create(...given),
      replace: (...given) => inner.replace(...given),
      read: (name, range) => (isPack(name) ? this.#readPack(name, range) : this.#count(inner.read(name, range))),
      stat: (name) => inner.stat(name),
      list: (prefix) => inner.list(prefix),
      remove: (name) => inner.remove(name),
      // Whoever opened the site closes it.
      close: async () => {},
    };
  }

  async examine(object: string): Promise<void> {
    const pack = promisedHash(object)!;
    if (!this.authentic.has(pack) && !this.damaged.has(pack)) await this.#whole(object, pack);
  }

  async #count(reading: Promise<Buffer>): Promise<Buffer> {
    const bytes = await reading;
    this.readBytes += bytes.length;
    return bytes;
  }

  async #readPack(object: string, range?: ByteRange): Promise<Buffer> {
    const pack = promisedHash(object)!;
    // Read whole before, and no longer kept: what is asked for is authenticated by whoever opens it.
    const seen = this.authentic.has(pack) || this.damaged.has(pack);
    if (seen && !this.#kept.has(pack)) return this.#count(this.#inner.read(object, range));
    const bytes = this.#kept.get(pack) ?? (await this.#whole(object, pack));
    // Shorter than is asked for, or given back already while this waited for it.
    if (bytes.length < (range === undefined ? 1 : range.offset + range.length)) {
      return this.#count(this.#inner.read(object, range));
    }
    // Memory of its own: it is moved to another thread.
    const part = range === undefined ? bytes : bytes.subarray(range.offset, range.offset + range.length);
    const copy = Buffer.allocUnsafeSlow(part.length);
    part.copy(copy);
    return copy;
  }

  #whole(object: string, pack: string): Promise<Buffer> {
    let reading = this.#underWay.get(pack);
    if (reading === undefined) {
      reading = this.#readWhole(object, pack).finally(() => this.#underWay.delete(pack));
      this.#underWay.set(pack, reading);
    }
    return reading;
  }

  async #readWhole(object: string, pack: string): Promise<Buffer> {
    const bytes = await this.#count(this.#inner.read(object));
    // One that is damaged is given all the same: its chunks tell whether the restore can do without those bytes.
    if (sha256Hex(bytes) === pack) this.authentic.add(pack);
    else this.damaged.set(pack, bytes.length);
    this.#kept.set(pack, bytes);
    this.#keptBytes += bytes.length;
    for (const [oldest, held] of this.#kept) {
      if (this.#keptBytes <= this.#mayKeep || oldest === pack) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= held.length;
      free(held);
    }
    return bytes;
  }
}
