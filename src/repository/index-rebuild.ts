import { isoTime } from '../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import type { Party } from '../crypt/parties.ts';
import type { Site } from '../sites/site.ts';
import { accessAt, type RepositoryAccess, sitesOf } from './access.ts';
import { type NamedObject, sealCatalogObject } from './catalog-object.ts';
import { listPacks, loadIndexes, PackOpener } from './index-load.ts';
import type { IndexedPack, IndexPayload } from './index-object.ts';
import type { OpenedSource } from './source-record.ts';

const packsPerObject = 256;

/**
 * Writes index objects for packs that no trusted one describes, from the directories that end the packs.
 *
 * @returns how many index objects were written
 * @throws HoldfastError `wrong-key` without the host key, which signs them, or an owner's identity, which opens packs
 */
export async function rebuildIndex(access: RepositoryAccess, source: OpenedSource): Promise<number> {
  const { host, site } = access;
  if (!host) {
    throw new HoldfastError('wrong-key', 'Rebuilding the index needs the host key.', {
      why: 'Only hosts sign index objects.',
      hint: "Run it on a backup host, with an owner's identity: --identity FILE",
    });
  }
  const opener = new PackOpener(access, source);
  const missing = await listPacks(access.site, source);
  for await (const index of loadIndexes(access, source, () => {})) {
    for (const { pack, size } of index.packs) if (missing.get(pack) === size) missing.delete(pack);
  }
  let written = 0;
  let packs: IndexedPack[] = [];
  const write = async () => {
    if (packs.length === 0) return;
    const { name, bytes } = await sealIndex(access, host, source, packs);
    packs = [];
    await site.create(source.layout.index + name, bytes);
    written++;
  };
  let done = 0;
  for (const [pack, size] of missing) {
    access.signal.throwIfAborted();
    try {
      packs.push(await opener.directory(pack, size));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      access.emit({ type: 'warning', text: `Pack ${pack} has no readable directory: ${error.why ?? error.message}` });
    }
    access.emit({
      type: 'progress',
      activity: 'Rebuilding the index',
      done: ++done,
      total: missing.size,
      unit: 'items',
    });
    if (packs.length >= packsPerObject) await write();
  }
  await write();
  return written;
}

/**
 * Writes index objects for these packs to every live site, from the directories that end the packs, whatever other objects
 * tell of them. What an owner signs in this way every host relies on.
 *
 * @param signer an owner or verifier
 * @param wanted names of packs; those that no site lists are passed over
 * @returns how many packs are described now
 * @throws HoldfastError `wrong-key` without the data keys; when no site is left
 */
export async function indexPacks(
  access: RepositoryAccess,
  signer: Party,
  source: OpenedSource,
  wanted: ReadonlySet<string>,
): Promise<number> {
  const sites = sitesOf(access);
  const packsAt = await sites.each((site) => listPacks(site, source));
  let packs: IndexedPack[] = [];
  let described = 0;
  const write = async () => {
    if (packs.length === 0) return;
    const { name, bytes } = await sealIndex(access, signer, source, packs);
    described += packs.length;
    packs = [];
    await sites.each((site) => site.create(source.layout.index + name, bytes));
  };
  let done = 0;
  for (const pack of wanted) {
    access.signal.throwIfAborted();
    const entry = await directoryOf(access, source, pack, packsAt);
    if (entry) packs.push(entry);
    access.emit({ type: 'progress', activity: 'Reading packs', done: ++done, total: wanted.size, unit: 'items' });
    if (packs.length >= packsPerObject) await write();
  }
  await write();
  return described;
}

/** What a pack holds, from the first live site that gives it. */
async function directoryOf(
  access: RepositoryAccess,
  source: OpenedSource,
  pack: string,
  packsAt: ReadonlyMap<Site, ReadonlyMap<string, number>>,
): Promise<IndexedPack | undefined> {
  let why = 'No site lists it.';
  for (const [site, packs] of packsAt) {
    const size = packs.get(pack);
    if (size === undefined || !sitesOf(access).isLive(site)) continue;
    try {
      return await new PackOpener(accessAt(access, site), source).directory(pack, size);
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'object-missing')) throw error;
      why = error.why ?? error.message;
    }
  }
  access.emit({ type: 'warning', source: source.name, text: `Pack ${pack} has no readable directory: ${why}` });
  return undefined;
}

function sealIndex(
  { trust, clock }: RepositoryAccess,
  signer: Party,
  source: OpenedSource,
  packs: IndexedPack[],
): Promise<NamedObject> {
  const payload: IndexPayload = {
    kind: 'index',
    repository: trust.repositoryId,
    source: source.layout.id,
    signer: signer.name,
    time: isoTime(clock.now()),
    packs,
  };
  return sealCatalogObject(payload, signer, source.keys[0]!.catalogRecipient);
}
