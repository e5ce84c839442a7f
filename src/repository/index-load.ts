import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import type { RangeReader } from '../crypt/age.ts';
import { headerPrefixBytes, Opener } from '../crypt/age.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { CatalogOpener } from './catalog-object.ts';
import { decodeDirectory, directoryLength, directoryTrailerLength, type PackEntry } from './directory.ts';
import type { IgnoredObject } from './ignored-object.ts';
import { assertIndexedPack, type IndexedPack, type IndexPayload, indexedPack } from './index-object.ts';
import { promisedHash } from './layout.ts';
import { listAcross, readAcross } from './objects-across-sites.ts';
import { readAhead } from './read-ahead.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';
import type { PartyRole } from './trust.ts';

/** Index objects that are read at the same time; each may be some megabytes. */
const readsUnderWay = 4;

/** Packs that a site lists: name (SHA-256) → size in bytes. */
export async function listPacks(site: Site, source: Pick<OpenedSource, 'layout'>): Promise<Map<string, number>> {
  const packs = new Map<string, number>();
  for await (const { name, size } of site.list(source.layout.packs)) {
    const hash = promisedHash(name);
    if (hash !== undefined && name === source.layout.pack(hash)) packs.set(hash, size);
  }
  return packs;
}

/** One trusted index object. */
export interface LoadedIndex extends IndexPayload {
  id: string;
  /** What its signer is. */
  role: PartyRole;
  /** Names of the sites that list it, of those that were asked. */
  sites: string[];
}

/**
 * Every index object that somebody signed who may, at whichever site. What cannot be trusted or read is reported and passed over: an
 * index entry is a hint, and whatever is missing can be read from the packs' own directories.
 */
export async function* loadIndexes(
  access: RepositoryAccess,
  source: OpenedSource,
  ignore: (object: IgnoredObject) => void,
  sites: RunSites = sitesOf(access),
  wanted: (id: string) => boolean = () => true,
): AsyncGenerator<LoadedIndex, void, undefined> {
  const opener = new CatalogOpener(
    source.keys.map(({ catalogIdentity }) => catalogIdentity),
    access.trust,
  );
  const expected = { kind: 'index', source: source.name, roles: ['backup', 'owner', 'verify'] } as const;
  const roles = new Map(access.trust.parties.map(({ name, role }) => [name, role]));
  const read = readAhead(await listAcross(sites, source.layout.index), readsUnderWay, async (object) => {
    access.signal.throwIfAborted();
    const id = promisedHash(object.name);
    if (id === undefined) return void ignore({ object: object.name, why: 'Its name is no SHA-256.' });
    if (!wanted(id)) return;
    try {
      const payload = await readAcross(sites, object, (bytes) => opener.open<IndexPayload>(id, bytes, expected));
      for (const pack of payload.packs) assertIndexedPack(pack);
      const role = roles.get(payload.signer)!;
      if (role !== 'backup' && !payload.replaces?.length) {
        const why = `${payload.signer} signed it, whose role ${role} does not count for this.`;
        return void ignore({ object: object.name, why });
      }
      return { ...payload, id, role, sites: object.sites.map(({ name }) => name) };
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'wrong-key', 'object-missing')) throw error;
      return void ignore({ object: object.name, why: error.why ?? error.message });
    }
  });
  for await (const index of read) if (index) yield index;
}

/** Opens packs by the data keys of a source. */
export class PackOpener {
  readonly #access: RepositoryAccess;
  readonly #source: OpenedSource;
  readonly #opener: Opener;

  /** @throws HoldfastError `wrong-key` when no owner's identity was at hand */
  constructor(access: RepositoryAccess, source: OpenedSource) {
    this.#access = access;
    this.#source = source;
    this.#opener = new Opener(dataIdentitiesOf(source));
  }

  /**
   * What a pack holds, from its own directory.
   *
   * @param size bytes of the object
   * @throws HoldfastError `object-damaged`, `object-missing`, `wrong-key`
   */
  async directory(pack: string, size: number): Promise<IndexedPack> {
    const name = this.#source.layout.pack(pack);
    const prefix = await this.#access.site.read(name, { offset: 0, length: Math.min(headerPrefixBytes, size) });
    const reader = await this.#opener.openPrefix(prefix, size);
    const read = (offset: number, length: number) => this.#range(name, reader, offset, length);
    const end = reader.plaintextSize;
    if (end < directoryTrailerLength) throw new HoldfastError('object-damaged', `Pack ${pack} has no directory.`);
    const length = directoryLength(await read(end - directoryTrailerLength, directoryTrailerLength));
    if (length > end) throw new HoldfastError('object-damaged', `Pack ${pack} has a directory longer than itself.`);
    const entries = decodeDirectory(await read(end - length, length), end - length);
    return indexedPack(pack, size, entries);
  }

  /** A whole pack object's plaintext: its entries, and its frames back to back. */
  async whole(pack: string, object: Uint8Array): Promise<{ entries: PackEntry[]; frames: Buffer }> {
    const plain = await this.#opener.open(object);
    if (plain.length < directoryTrailerLength) {
      throw new HoldfastError('object-damaged', `Pack ${pack} has no directory.`);
    }
    const length = directoryLength(plain.subarray(plain.length - directoryTrailerLength));
    if (length > plain.length)
      throw new HoldfastError('object-damaged', `Pack ${pack} has a directory longer than itself.`);
    const frames = plain.subarray(0, plain.length - length);
    return { entries: decodeDirectory(plain.subarray(frames.length), frames.length), frames };
  }

  async #range(name: string, reader: RangeReader, offset: number, length: number): Promise<Buffer> {
    const covering = reader.covering({ offset, length });
    return reader.open({ offset, length }, await this.#access.site.read(name, covering));
  }
}

/** @throws HoldfastError `wrong-key` when some generation's data key is not at hand */
export function dataIdentitiesOf(source: OpenedSource): string[] {
  return source.keys.map(({ dataIdentity, generation }) => {
    if (dataIdentity !== undefined) return dataIdentity;
    const owners = source.record.generations.find((record) => record.generation === generation)?.keys ?? [];
    const who = owners.filter(({ role }) => role !== 'backup').map(({ party }) => party);
    throw new HoldfastError('wrong-key', `The data of the source "${source.name}" needs an owner's identity.`, {
      why: `A host key opens the catalog only. Owners of this source: ${who.join(', ')}.`,
      hint: 'Give an identity file: --identity FILE',
    });
  });
}
