import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { RepositoryAccess } from './access.ts';
import type { ReadPort } from './chunk-locations.ts';
import { ChunkSet } from './chunk-set.ts';
import type { ChunkTable } from './chunk-table.ts';
import { dataIdentitiesOf } from './index-load.ts';
import { linesOf } from './ndjson.ts';
import { isSiteFailure, type RunSites } from './run-sites.ts';
import { commitmentHolds, type KnownSnapshot } from './snapshot.ts';
import type { OpenedSource } from './source-record.ts';
import { type AnyStream, partsOf } from './stored-stream.ts';
import { StreamReader } from './stream-reader.ts';

export interface LiveChunks {
  /** Every chunk that a snapshot which could be read refers to. */
  chunks: ChunkSet;
  /** Ids of the snapshots that could be read. */
  read: Set<string>;
}

/**
 * Reads the manifests of snapshots, and collects what they refer to: chunks of the manifest, of the streams in it, and of
 * the lists that name them. A snapshot that cannot be read is reported and left out.
 *
 * @param table where all chunks lie
 * @throws HoldfastError `wrong-key` without an owner's identity, and when no site is left
 */
export async function liveChunks(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  snapshots: readonly KnownSnapshot[],
  table: ChunkTable,
  unreadable: (snapshot: KnownSnapshot, error: HoldfastError) => void,
): Promise<LiveChunks> {
  const settings = { dataIdentities: dataIdentitiesOf(source), chunkIdSecret: source.keys[0]!.chunkIdSecret };
  const reader = new StreamReader(settings, portOf(sites, source, table));
  const live: LiveChunks = { chunks: new ChunkSet(), read: new Set() };
  /** SHA-256 of lists that have been read: those of large files and old partitions are in every snapshot. */
  const known = new Set<string>();
  const add = async (stream: AnyStream) => {
    for (const part of partsOf(stream)) {
      if (part.list === undefined) live.chunks.addAll(Buffer.from((part.chunks ?? []).join(''), 'hex'));
      else {
        const name = sha256Hex(part.list.join(''));
        if (known.has(name)) continue;
        for await (const ids of reader.ids(part)) live.chunks.addAll(ids);
        known.add(name);
      }
    }
  };
  let done = 0;
  for (const snapshot of snapshots) {
    access.signal.throwIfAborted();
    try {
      if (!commitmentHolds(snapshot)) throw contradiction(snapshot);
      await add(snapshot.manifest);
      for await (const line of linesOf(reader.read(snapshot.manifest))) {
        for (const stream of streamsIn(JSON.parse(line))) await add(stream);
      }
      live.read.add(snapshot.id);
    } catch (error) {
      if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
      unreadable(snapshot, error);
    }
    access.emit({
      type: 'progress',
      activity: 'Reading manifests',
      done: ++done,
      total: snapshots.length,
      unit: 'items',
    });
  }
  return live;
}

function contradiction({ id }: KnownSnapshot): HoldfastError {
  return new HoldfastError('object-damaged', `Snapshot ${id} contradicts itself.`, {
    why: 'Its commitment is not the one to its manifest.',
  });
}

/**
 * The streams in a line of a manifest, wherever they stand: a field that a later version gives a line must not make what it
 * refers to look dead.
 */
export function* streamsIn(value: unknown): Generator<AnyStream, void, undefined> {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) yield* streamsIn(item);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if ((key === 'chunks' || key === 'list') && isTexts(item)) yield value as AnyStream;
    else yield* streamsIn(item);
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Reads from whichever site has it. */
function portOf(sites: RunSites, source: OpenedSource, table: ChunkTable): ReadPort {
  return {
    locate: async (ids) => table.locate(ids),
    async read(pack, offset, length) {
      let failure: unknown;
      for (const site of sites.live) {
        try {
          return await site.read(source.layout.pack(pack), { offset, length });
        } catch (error) {
          if (isSiteFailure(error)) sites.drop(site, error);
          else if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
          failure = error;
        }
      }
      if (sites.live.length === 0) void sites.primary;
      throw failure;
    },
  };
}
