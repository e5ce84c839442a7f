import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { free } from '../base/memory.ts';
import type { RangeReader } from '../crypt/age.ts';
import { headerPrefixBytes, Opener } from '../crypt/age.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { CatalogOpener } from './catalog-object.ts';
import { decodeDirectory, directoryLength, directoryTrailerLength, type PackEntry } from './directory.ts';
import { withoutStatements } from './distrusted.ts';
import type { HashTexts } from './hash-texts.ts';
import type { IgnoredObject } from './ignored-object.ts';
import { assertIndexedPack, type IndexedPack, type IndexPayload, indexedPack } from './index-object.ts';
import { parseIndex, type WantedChunks } from './large-payloads.ts';
import { promisedHash } from './layout.ts';
import { listAcross, readAcross } from './objects-across-sites.ts';
import { readAhead } from './read-ahead.ts';
import type { RunSites } from './run-sites.ts';
import { closedGenerations, type OpenedSource } from './source-record.ts';
import { ignoreDisowned } from './tombstones.ts';
import type { PartyRole } from './trust.ts';

/** Index objects that are read at the same time; each may be some megabytes. */
const readsUnderWay = 4;

/** Packs that a site lists: name (SHA-256) → size in bytes. */
export async function listPacks(
  site: Site,
  source: Pick<OpenedSource, 'layout'>,
  texts?: HashTexts,
): Promise<Map<string, number>> {
  const packs = new Map<string, number>();
  for await (const { name, size } of site.list(source.layout.packs)) {
    const hash = promisedHash(name);
    if (hash !== undefined && name === source.layout.pack(hash)) packs.set(texts?.of(hash) ?? hash, size);
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
 *
 * @param chunks which are told; default: all
 */
export async function* loadIndexes(
  access: RepositoryAccess,
  source: OpenedSource,
  ignore: (object: IgnoredObject) => void,
  sites: RunSites = sitesOf(access),
  wanted: (id: string) => boolean = () => true,
  chunks?: WantedChunks,
): AsyncGenerator<LoadedIndex, void, undefined> {
  const opener = new CatalogOpener(
    source.keys.map(({ catalogIdentity }) => catalogIdentity),
    access.trust,
  );
  const roleNames = ['backup', 'owner', 'verify'] as const;
  const expected = { kind: 'index', source: source.name, roles: roleNames, distrusted: true };
  const parsed = { ...expected, ...(chunks && { parse: (bytes: Buffer) => parseIndex(bytes, chunks) }) };
  const distrusted = source.distrusted ?? withoutStatements(access.trust, source.record);
  const disowned = new Map<string, number>();
  const isClosed = closedGenerations(source).length > 0;
  const roles = new Map(access.trust.parties.map(({ name, role }) => [name, role]));
  const read = readAhead(await listAcross(sites, source.layout.index), readsUnderWay, async (object) => {
    access.signal.throwIfAborted();
    const id = promisedHash(object.name);
    if (id === undefined) return void ignore({ object: object.name, why: 'Its name is no SHA-256.' });
    if (!wanted(id)) return;
    try {
      const payload = await readAcross(sites, object, async (bytes) => {
        const opened = await opener.open<IndexPayload>(id, bytes, parsed);
        free(bytes);
        return opened;
      });
      if (chunks === undefined) for (const pack of payload.packs) assertIndexedPack(pack);
      if (distrusted.has(payload.signer)) {
        return void disowned.set(payload.signer, (disowned.get(payload.signer) ?? 0) + 1);
      }
      const role = roles.get(payload.signer)!;
      return { ...payload, id, role, sites: object.sites.map(({ name }) => name) };
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'wrong-key', 'object-missing')) throw error;
      // Of generations that are not at hand; packs tell what they hold themselves.
      if (isClosed && isHoldfastError(error, 'wrong-key')) return;
      return void ignore({ object: object.name, why: error.why ?? error.message });
    }
  });
  for await (const index of read) if (index) yield index;
  const told: IgnoredObject[] = [];
  ignoreDisowned(disowned, source.layout.index, told);
  for (const object of told) ignore(object);
}

/** Opens packs by the data keys of a source. */
export class PackOpener {
  readonly #access: RepositoryAccess;
  readonly #source: OpenedSource;
  readonly #opener: Opener;

  /**
   * @param upTo as for `dataIdentitiesOf`
   * @throws HoldfastError `wrong-key` when no owner's identity was at hand
   */
  constructor(access: RepositoryAccess, source: OpenedSource, upTo?: number) {
    this.#access = access;
    this.#source = source;
    this.#opener = new Opener(dataIdentitiesOf(source, upTo));
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

/**
 * The identities that open packs of a source.
 *
 * @param upTo the generation of what is read: it may refer to packs of that one and of those before; default: all
 * @throws HoldfastError `wrong-key` when the data key of a needed generation is not at hand
 */
export function dataIdentitiesOf(source: OpenedSource, upTo = Number.POSITIVE_INFINITY): string[] {
  const { keys, record, name } = source;
  for (const { generation, keys: entries } of record.generations) {
    if (generation > upTo || keys.some((one) => one.generation === generation && one.dataIdentity !== undefined))
      continue;
    const who = entries.filter(({ role }) => role !== 'backup').map(({ party }) => party);
    const which = record.generations.length > 1 ? ` with the keys of generation ${generation}` : '';
    throw new HoldfastError('wrong-key', `The data of the source "${name}" needs an owner's identity${which}.`, {
      why: `A host key opens the catalog only. Owners of this source: ${who.join(', ')}.`,
      hint: 'Give an identity file: --identity FILE. Who joined later needs keys: holdfast keys grant',
    });
  }
  return keys.flatMap(({ dataIdentity }) => dataIdentity ?? []);
}
