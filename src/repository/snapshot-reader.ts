import { HoldfastError } from '../base/errors.ts';
import type { RepositoryAccess } from './access.ts';
import type { ChunkLocations, ReadPort } from './chunk-locations.ts';
import { ChunkTable } from './chunk-table.ts';
import { dataIdentitiesOf, listPacks, loadIndexes, PackOpener } from './index-load.ts';
import { linesOf } from './ndjson.ts';
import { neededPacks } from './replacements.ts';
import { listedAt, loadReplacements } from './replacements-load.ts';
import { commitmentHolds, type IgnoredObject, type KnownSnapshot } from './snapshot.ts';
import { rowKeyOf } from './source-keys.ts';
import type { OpenedSource } from './source-record.ts';
import { type ReadSettings, StreamReader } from './stream-reader.ts';

/** Reads one snapshot. Needs an owner's identity. */
export class SnapshotReader implements ReadPort {
  readonly snapshot: KnownSnapshot;
  readonly settings: ReadSettings;
  readonly streams: StreamReader;
  readonly rowKey: string;
  /** Every pack that it needs at this site: name → bytes of the object. */
  readonly packs: ReadonlyMap<string, number>;
  readonly #access: RepositoryAccess;
  readonly #source: OpenedSource;
  readonly #table: ChunkTable;

  private constructor(
    access: RepositoryAccess,
    source: OpenedSource,
    snapshot: KnownSnapshot,
    packs: ReadonlyMap<string, number>,
    table: ChunkTable,
  ) {
    this.packs = packs;
    this.#access = access;
    this.#source = source;
    this.snapshot = snapshot;
    this.#table = table;
    const { chunkIdSecret } = source.keys[0]!;
    this.settings = { dataIdentities: dataIdentitiesOf(source, snapshot.generation), chunkIdSecret };
    this.streams = new StreamReader(this.settings, this);
    this.rowKey = rowKeyOf(source.keys[0]!);
  }

  /**
   * Finds out where everything in the snapshot lies. Packs that no index describes are asked for their own directory.
   *
   * @throws HoldfastError `wrong-key` without an owner's identity, `object-missing` when packs of it are not there,
   *   `object-damaged` when one has another size or its commitment does not hold
   */
  static async open(
    access: RepositoryAccess,
    source: OpenedSource,
    snapshot: KnownSnapshot,
    ignore: (object: IgnoredObject) => void,
  ): Promise<SnapshotReader> {
    dataIdentitiesOf(source, snapshot.generation);
    if (!commitmentHolds(snapshot)) {
      throw new HoldfastError('object-damaged', `Snapshot ${snapshot.id} contradicts itself.`, {
        why: 'Its commitment is not the one to its manifest.',
      });
    }
    const packs = await listPacks(access.site, source);
    const needed = await packsOf(access, source, snapshot, packs);
    const table = new ChunkTable({ withLocations: true });
    for await (const index of loadIndexes(access, source, ignore)) {
      for (const pack of index.packs) {
        if (!needed.has(pack.pack)) continue;
        if (packs.get(pack.pack) !== pack.size) {
          throw new HoldfastError('object-damaged', `Pack ${pack.pack} has not the size its index tells.`, {
            why: `It has ${packs.get(pack.pack)} bytes instead of ${pack.size}.`,
            hint: 'Run `holdfast check`; restore from another site.',
          });
        }
        table.addPack(pack);
      }
    }
    const opener = new PackOpener(access, source, snapshot.generation);
    for (const pack of needed) if (!table.has(pack)) table.addPack(await opener.directory(pack, packs.get(pack)!));
    const sizes = new Map([...needed].map((pack) => [pack, packs.get(pack)!]));
    return new SnapshotReader(access, source, snapshot, sizes, table);
  }

  async locate(ids: Uint8Array): Promise<ChunkLocations> {
    return this.#table.locate(ids);
  }

  read(pack: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#access.site.read(this.#source.layout.pack(pack), { offset, length });
  }

  /** The manifest, line by line, from its beginning. @throws as StreamReader.read */
  async *lines<Line>(): AsyncGenerator<Line, void, undefined> {
    for await (const line of linesOf(this.streams.read(this.snapshot.manifest))) yield JSON.parse(line) as Line;
  }
}

/** The packs that the snapshot names, or what has taken the place of those that are gone. */
async function packsOf(
  access: RepositoryAccess,
  source: OpenedSource,
  snapshot: KnownSnapshot,
  packs: ReadonlyMap<string, number>,
): Promise<Set<string>> {
  if (snapshot.packs.every((pack) => packs.has(pack))) return new Set(snapshot.packs);
  const listed = listedAt(new Map([[access.site, packs]]));
  const needs = neededPacks(snapshot, await loadReplacements(access, source), listed, 'named');
  if (needs.missing.length > 0) throw packsMissing(access, snapshot, needs.missing);
  return needs.packs;
}

function packsMissing(access: RepositoryAccess, snapshot: KnownSnapshot, missing: string[]): HoldfastError {
  const named = missing.slice(0, 5).join(', ');
  return new HoldfastError(
    'object-missing',
    `Snapshot ${snapshot.id} is not whole at the site "${access.site.name}".`,
    {
      why: `${missing.length} of its packs are missing: ${named}${missing.length > 5 ? ', …' : ''}`,
      hint: 'Restore another snapshot, or from another site.',
    },
  );
}
