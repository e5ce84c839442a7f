import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import type { ByteRange, ListedObject, ObjectVersion, ObjectVersions, Site } from './site.ts';

/** Why an older version was read. */
export type Concealment = 'removed' | 'overwritten';

export interface OlderVersionsOptions {
  /** Whether versions of a name count at all. */
  isOurs: (name: string) => boolean;
  /** Whether a name tells its bytes: then the version that was there first is listed. */
  isHash: (name: string) => boolean;
  /** Whether bytes are what lay under the name. */
  isGenuine: (name: string, bytes: Buffer) => boolean;
  /** Told once for each way in which somebody has hidden objects, when what he hid is read. */
  onConcealed: (how: Concealment) => void;
  /** Told when versions cannot be listed, so that what is current is all that there is. */
  onUnable: (error: HoldfastError) => void;
}

/** Of a name with more versions, so many of the oldest and of the newest are looked at. */
const looked = 8;

/**
 * A site as readers see it who do not believe that what is current is all: what was removed, or written over, is there as
 * it was. Costs no more while nothing is wrong: versions are listed in place of objects, and a name with one version is
 * read as ever.
 */
export function throughVersions(site: Site, options: OlderVersionsOptions): Site {
  return site.versions ? new SiteThroughVersions(site, site.versions, options) : site;
}

class SiteThroughVersions implements Site {
  readonly name: string;
  readonly versions: ObjectVersions;
  readonly current: Site;
  readonly #options: OlderVersionsOptions;
  /** Names of which the current version need not be the right one. */
  readonly #contested = new Map<string, ObjectVersion[]>();
  /** Those of which this is known. */
  readonly #resolved = new Map<string, Promise<ObjectVersion | undefined>>();
  readonly #told = new Set<Concealment>();
  #unable = false;

  constructor(site: Site, versions: ObjectVersions, options: OlderVersionsOptions) {
    this.name = site.name;
    this.current = site;
    this.versions = versions;
    this.#options = options;
  }

  get capabilities() {
    return this.current.capabilities;
  }

  get locks() {
    return this.current.locks;
  }

  create(...args: Parameters<Site['create']>) {
    this.#forget(args[0]);
    return this.current.create(...args);
  }

  replace(...args: Parameters<Site['replace']>) {
    this.#forget(args[0]);
    return this.current.replace(...args);
  }

  remove(name: string) {
    this.#forget(name);
    return this.current.remove(name);
  }

  async read(name: string, range?: ByteRange): Promise<Buffer> {
    if (this.#unable || !this.#options.isOurs(name)) return this.current.read(name, range);
    if (range) {
      if (!this.#contested.has(name) && !this.#resolved.has(name)) {
        const bytes = await unlessLost(this.current.read(name, range));
        if (bytes instanceof Buffer) return bytes;
        return this.#readOlder(name, range, bytes);
      }
      return this.#readOlder(name, range);
    }
    const bytes = await unlessLost(this.current.read(name));
    if (bytes instanceof Buffer && this.#options.isGenuine(name, bytes)) return bytes;
    return this.#readOlder(name, undefined, bytes);
  }

  async stat(name: string) {
    const found = await this.current.stat(name);
    if (this.#unable || !this.#options.isOurs(name) || (found && !this.#contested.has(name))) return found;
    const version = await this.#right(name);
    return version ? { size: version.size } : found;
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    if (this.#unable) return yield* this.current.list(prefix);
    let group: ObjectVersion[] = [];
    const flush = () => {
      const object = this.#shown(group);
      group = [];
      return object ? [object] : [];
    };
    let begun = false;
    try {
      for await (const version of this.versions.list(prefix)) {
        begun = true;
        if (group[0] && group[0].name !== version.name) yield* flush();
        // Of thousands the first and the last ones do.
        if (group.length >= 2 * looked) group.splice(looked, 1);
        group.push(version);
      }
    } catch (error) {
      if (begun || !isHoldfastError(error, 'site-unavailable')) throw error;
      this.#giveUp(error);
      return yield* this.current.list(prefix);
    }
    yield* flush();
  }

  async directories(prefix: string): Promise<string[]> {
    const listed = () => this.current.directories?.(prefix) ?? this.versions.directories(prefix);
    if (this.#unable) return listed();
    try {
      return await this.versions.directories(prefix);
    } catch (error) {
      if (!isHoldfastError(error, 'site-unavailable')) throw error;
      this.#giveUp(error);
      return listed();
    }
  }

  close() {
    return this.current.close();
  }

  /** What is listed of a name. @param versions the newest first */
  #shown(versions: readonly ObjectVersion[]): ListedObject | undefined {
    const [newest] = versions;
    if (!newest) return undefined;
    const { name } = newest;
    const { isOurs, isHash } = this.#options;
    const current = versions.find((version) => version.current);
    if (!isOurs(name)) return current && { name, size: current.size };
    if (current && (versions.length === 1 || !isHash(name))) return { name, size: current.size };
    this.#contested.set(name, [...versions]);
    // It was there first; whether it is the right one is seen when it is read.
    return { name, size: (isHash(name) ? versions.at(-1)! : newest).size };
  }

  async #readOlder(name: string, range: ByteRange | undefined, found?: Buffer | HoldfastError): Promise<Buffer> {
    const version = await this.#right(name);
    if (version === undefined) {
      // Nothing better: as it is.
      if (found instanceof HoldfastError) throw found;
      return found ?? this.current.read(name, range);
    }
    if (version.current) return found instanceof Buffer ? found : this.current.read(name, range);
    this.#tell(found instanceof Buffer || (await this.current.stat(name)) !== undefined ? 'overwritten' : 'removed');
    return this.versions.read(version, range);
  }

  #right(name: string): Promise<ObjectVersion | undefined> {
    const known = this.#resolved.get(name);
    if (known) return known;
    const found = this.#resolve(name);
    found.catch(() => this.#resolved.delete(name));
    this.#resolved.set(name, found);
    return found;
  }

  /** The version that is what the name says: of hashes the oldest comes first, of what may change the newest. */
  async #resolve(name: string): Promise<ObjectVersion | undefined> {
    const { isHash, isGenuine } = this.#options;
    let versions = this.#contested.get(name);
    if (!versions) {
      versions = [];
      try {
        for await (const version of this.versions.of(name)) {
          if (versions.length >= 2 * looked) versions.splice(looked, 1);
          versions.push(version);
        }
      } catch (error) {
        if (!isHoldfastError(error, 'site-unavailable')) throw error;
        this.#giveUp(error);
        return undefined;
      }
    }
    const oldest = versions.at(-1);
    const inTurn = isHash(name) && oldest ? [oldest, ...versions.slice(0, -1)] : versions;
    for (const version of inTurn) {
      const bytes = await unlessLost(this.versions.read(version));
      if (bytes instanceof Buffer && isGenuine(name, bytes)) return version;
    }
    return undefined;
  }

  #forget(name: string): void {
    this.#contested.delete(name);
    this.#resolved.delete(name);
  }

  #tell(how: Concealment): void {
    if (this.#told.has(how)) return;
    this.#told.add(how);
    this.#options.onConcealed(how);
  }

  #giveUp(error: HoldfastError): void {
    if (!this.#unable) this.#options.onUnable(error);
    this.#unable = true;
  }
}

/** The error where an object is missing, or shorter than what was asked for. */
async function unlessLost(reading: Promise<Buffer>): Promise<Buffer | HoldfastError> {
  try {
    return await reading;
  } catch (error) {
    if (isHoldfastError(error, 'object-missing', 'object-damaged')) return error;
    throw error;
  }
}
