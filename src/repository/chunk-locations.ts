import { HoldfastError } from '../base/errors.ts';

/** Where chunks lie: columns, so that thousands travel between threads at once. Survives structured cloning. */
export interface ChunkLocations {
  /** Packs that are referred to, with the size of the object in bytes. */
  packs: { name: string; size: number }[];
  /** Per chunk: index into `packs`; `nowhere` when no index entry names it. */
  pack: Uint32Array;
  /** Per chunk: offset of its frame in the pack's plaintext, and its length; length of the chunk. Bytes. */
  offset: Uint32Array;
  length: Uint32Array;
  rawLength: Uint32Array;
}

export const nowhere = 0xffffffff;

/** What a StreamReader asks of whoever knows the whole repository. */
export interface ReadPort {
  /** @param ids ids of 32 bytes, back to back */
  locate(ids: Uint8Array): Promise<ChunkLocations>;
  /** A range of the bytes of a pack object. */
  read(pack: string, offset: number, length: number): Promise<Uint8Array>;
}

export function emptyLocations(count: number): ChunkLocations {
  return {
    packs: [],
    pack: new Uint32Array(count).fill(nowhere),
    offset: new Uint32Array(count),
    length: new Uint32Array(count),
    rawLength: new Uint32Array(count),
  };
}

export function chunkMissing(id: string): HoldfastError {
  return new HoldfastError('object-missing', `Chunk ${id.slice(0, 16)}… is in no pack of this site.`, {
    why: 'A pack, or the index that describes it, is missing or damaged.',
    hint: 'Run `holdfast check`, and restore from another site if there is one.',
  });
}
