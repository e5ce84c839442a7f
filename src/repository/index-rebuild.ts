import { isoTime } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { RepositoryAccess } from './access.ts';
import { sealCatalogObject } from './catalog-object.ts';
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
  const { host, site, trust, clock } = access;
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
    const payload: IndexPayload = {
      kind: 'index',
      repository: trust.repositoryId,
      source: source.layout.id,
      signer: host.name,
      time: isoTime(clock.now()),
      packs,
    };
    packs = [];
    const { name, bytes } = await sealCatalogObject(payload, host, source.keys[0]!.catalogRecipient);
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
