import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { nowhere, type ReadPort } from '../repository/chunk-locations.ts';
import { ChunkTable } from '../repository/chunk-table.ts';
import type { ExaminedSource } from '../repository/examine-source.ts';
import { dataIdentitiesOf, loadIndexes } from '../repository/index-load.ts';
import { linesOf } from '../repository/ndjson.ts';
import type { KnownSnapshot } from '../repository/snapshot.ts';
import type { OpenedSource } from '../repository/source-record.ts';
import type { AnyStream } from '../repository/stored-stream.ts';
import { StreamReader } from '../repository/stream-reader.ts';
import { contentName } from './contents.ts';

/**
 * What in a snapshot cannot be restored any more, since these packs are whole at no site: `table public.people`, `file a/b`.
 * Needs an owner's identity. Reads the manifest from whatever sites have left.
 *
 * @param needed packs that the snapshot is restored from
 * @param lost hashes of packs
 * @returns undefined when the manifest itself cannot be read
 */
export async function lostContents(
  access: RepositoryAccess,
  { layout, listed }: ExaminedSource,
  source: OpenedSource,
  snapshot: KnownSnapshot,
  needed: ReadonlySet<string>,
  lost: ReadonlySet<string>,
): Promise<string[] | undefined> {
  const sites = sitesOf(access);
  const table = new ChunkTable({ withLocations: true });
  for await (const { packs } of loadIndexes(access, source, () => {})) {
    for (const pack of packs) if (needed.has(pack.pack)) table.addPack(pack);
  }
  const port: ReadPort = {
    locate: async (ids) => table.locate(ids),
    read: async (pack, offset, length) => {
      let failure: unknown = new HoldfastError('object-missing', `Pack ${pack} is whole nowhere.`);
      for (const { site, packs } of lost.has(pack) ? [] : listed) {
        if (!sites.isLive(site) || !packs.has(pack)) continue;
        try {
          return await site.read(layout.pack(pack), { offset, length });
        } catch (error) {
          if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
          failure = error;
        }
      }
      throw failure;
    },
  };
  const { chunkIdSecret } = source.keys[0]!;
  const streams = new StreamReader({ dataIdentities: dataIdentitiesOf(source), chunkIdSecret }, port);
  const names: string[] = [];
  try {
    for await (const text of linesOf(streams.read(snapshot.manifest))) {
      const line = JSON.parse(text) as { kind: string; stream?: AnyStream };
      if (line.stream && (await isLost(streams, port, line.stream, lost))) names.push(contentName(line));
    }
  } catch (error) {
    if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
    return undefined;
  }
  return names;
}

async function isLost(
  streams: StreamReader,
  port: ReadPort,
  stream: AnyStream,
  lost: ReadonlySet<string>,
): Promise<boolean> {
  try {
    for await (const ids of streams.ids(stream)) {
      const { pack, packs } = await port.locate(ids);
      const gone = packs.map(({ name }) => lost.has(name));
      if (pack.some((index) => index === nowhere || gone[index])) return true;
    }
    return false;
  } catch (error) {
    // The list of its chunks is lost.
    if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
    return true;
  }
}
