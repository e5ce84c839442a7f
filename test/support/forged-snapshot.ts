import type { Party } from '../../src/crypt/parties.ts';
import { type RepositoryAccess, sitesOf } from '../../src/repository/access.ts';
import { sealCatalogObject } from '../../src/repository/catalog-object.ts';
import { type KnownSnapshot, listSnapshots, type SnapshotPayload } from '../../src/repository/snapshot.ts';
import { SnapshotReader } from '../../src/repository/snapshot-reader.ts';
import { type SnapshotContent, SnapshotWriter } from '../../src/repository/snapshot-writer.ts';
import { openSource } from '../../src/repository/source-record.ts';
import type { ManifestLine } from '../../src/sources/source.ts';

/** Snapshots as a bug of the writer, or somebody with the host's key, would make them. */

/**
 * Makes a snapshot like the oldest one, with other lines in its manifest, signed by the host.
 *
 * @param access with the host's key and the identity of an owner
 * @param change of each line; undefined leaves it out
 */
export async function forgeManifest(
  access: RepositoryAccess,
  name: string,
  change: (line: ManifestLine) => ManifestLine | undefined,
  content: (genuine: KnownSnapshot) => Partial<SnapshotContent> = () => ({}),
): Promise<KnownSnapshot> {
  const source = await openSource(access, name);
  const [genuine] = (await listSnapshots(access, source)).snapshots;
  const reader = await SnapshotReader.open(access, source, genuine!, () => {});
  const writer = await SnapshotWriter.open(access, source, () => {});
  let changed = 0;
  for await (const line of reader.lines<ManifestLine>()) {
    const before = JSON.stringify(line);
    const forged = change(line);
    if (JSON.stringify(forged) !== before) changed++;
    if (forged === undefined) continue;
    const ids = JSON.stringify(forged).match(/(?<=[["])[0-9a-f]{64}(?=")/g) ?? [];
    // Those that are no chunks are not there.
    for (const id of ids) writer.reuse(Buffer.from(id, 'hex'));
    await writer.writeLine(forged);
  }
  if (changed === 0) throw new Error('nothing was forged');
  const { type, tags, totals, shortfalls } = genuine!;
  return writer.commit({ type, tags, totals, shortfalls, ...content(genuine!) });
}

/** Puts a snapshot object with other claims beside those that are there. @returns its name */
export async function forgeSnapshot(
  access: RepositoryAccess,
  name: string,
  signer: Party,
  change: (payload: SnapshotPayload) => SnapshotPayload,
): Promise<string> {
  const source = await openSource(access, name);
  const { id: _, sites: __, ...genuine } = (await listSnapshots(access, source)).snapshots.at(-1)!;
  const payload = change({ ...genuine, sequence: genuine.sequence + 1, previous: null, signer: signer.name });
  const sealed = await sealCatalogObject(payload, signer, source.keys[0]!.catalogRecipient);
  const object = source.layout.snapshots + sealed.name;
  await sitesOf(access).each((site) => site.create(object, sealed.bytes));
  return object;
}
