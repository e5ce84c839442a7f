import { systemCode } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { LaneContext } from '../../repository/lane.ts';
import type { EndedStream } from '../../repository/stored-stream.ts';
import { type Attributes, readAttributes } from './attributes.ts';
import type { ByteText } from './byte-text.ts';
import { type KnownContent, knownContent } from './cache-record.ts';
import { sameVersion } from './kinds.ts';
import { closeDescriptor, type Facts, factsOf } from './posix.ts';
import { openRegular, readFully } from './reading.ts';
import { type DataRange, dataRanges, dataWithin } from './sparse.ts';
import { Trail } from './trail.ts';

/** The lane task that reads files and stores their content. */

export interface StoreBatchInput {
  /** Descriptor of the tree's root: threads share them. */
  root: number;
  paths: ByteText[];
}

/** Of each path, in order. */
export type StoredFile =
  | {
      outcome: 'stored';
      facts: Facts;
      content: KnownContent;
      /** It was written to while it was read, twice. */
      changed: boolean;
      /** Its extended attributes could not be read, and why. */
      attributesCode?: string;
    }
  | { outcome: 'failed'; code: string | undefined }
  /** It is no regular file any more. */
  | { outcome: 'replaced' };

/** Files up to this size are read whole; larger ones pass through in pieces. */
const wholeLimit = 1 * MiB;
/** How often a file that changes under the reader is read. */
const attempts = 2;

export async function storeBatch(lane: LaneContext, { root, paths }: StoreBatchInput): Promise<StoredFile[]> {
  using trail = new Trail(root);
  const arena = new Arena();
  const results: StoredFile[] = [];
  for (const path of paths) results.push(await storeFile(lane, trail, path, arena));
  return results;
}

async function storeFile(lane: LaneContext, trail: Trail, path: ByteText, arena: Arena): Promise<StoredFile> {
  for (let attempt = 1; ; attempt++) {
    let opened: ReturnType<typeof openRegular>;
    try {
      const { directory, name } = trail.parentOf(path);
      opened = openRegular(directory, name);
    } catch (error) {
      return { outcome: 'failed', code: systemCode(error) };
    }
    if (opened === undefined) return { outcome: 'replaced' };
    const { descriptor, facts } = opened;
    try {
      const result = await storeOpened(lane, descriptor, facts, arena);
      if (result.outcome !== 'stored' || !result.changed || attempt === attempts) return result;
    } finally {
      closeDescriptor(descriptor);
    }
  }
}

async function storeOpened(lane: LaneContext, descriptor: number, facts: Facts, arena: Arena): Promise<StoredFile> {
  const data = dataRanges(descriptor, facts);
  let ended: EndedStream | undefined;
  // Errors of the file are its own; those of storing end the run.
  const failed = (error: unknown): StoredFile => ({ outcome: 'failed', code: systemCode(error) });
  if (facts.size > wholeLimit) {
    const result = await storeInPieces(lane, descriptor, facts, data);
    if ('error' in result) return failed(result.error);
    ended = result.ended;
  } else if (facts.size > 0) {
    const room = arena.take(facts.size);
    let length: number;
    try {
      length = readFully(descriptor, room, 0);
    } catch (error) {
      return failed(error);
    }
    lane.progress(length);
    if (length > 0) ended = await lane.ingest.whole(room.subarray(0, length));
  }
  let xattrs: Attributes | undefined;
  let attributesCode: string | undefined;
  try {
    xattrs = readAttributes(descriptor);
  } catch (error) {
    attributesCode = systemCode(error) ?? 'unknown';
  }
  let after: Facts;
  try {
    after = factsOf(descriptor);
  } catch (error) {
    return failed(error);
  }
  const changed = !sameVersion(facts, after) || (ended?.stored.size ?? 0) !== facts.size;
  // Of a file that changed, the ranges may be of another version than the bytes.
  const content = knownContent(ended, { ...(xattrs ? { xattrs } : {}), ...(data && !changed ? { data } : {}) });
  return { outcome: 'stored', facts: after, content, changed, ...(attributesCode ? { attributesCode } : {}) };
}

async function storeInPieces(
  lane: LaneContext,
  descriptor: number,
  facts: Facts,
  data: DataRange[] | undefined,
): Promise<{ ended: EndedStream } | { error: unknown }> {
  const stream = lane.ingest.stream();
  for (let at = 0; at < facts.size; ) {
    const space = stream.space();
    const room = space.subarray(0, Math.min(space.length, 1 * MiB, facts.size - at));
    let length: number;
    try {
      length = data === undefined ? readFully(descriptor, room, at) : readAround(descriptor, room, at, data);
    } catch (error) {
      stream.abandon();
      return { error };
    }
    if (length > 0) await stream.filled(length);
    lane.progress(length);
    at += length;
    // It ends earlier than it did; the comparison afterwards says that it changed.
    if (length < room.length) break;
  }
  return { ended: await stream.end() };
}

/** Reads what holds data, and puts zeros where the holes are without reading them. */
function readAround(descriptor: number, room: Buffer, offset: number, data: DataRange[]): number {
  let at = offset;
  for (const [start, length] of dataWithin([offset, room.length], data)) {
    room.fill(0, at - offset, start - offset);
    const read = readFully(descriptor, room.subarray(start - offset, start - offset + length), start);
    if (read < length) return start - offset + read;
    at = start + length;
  }
  room.fill(0, at - offset);
  return room.length;
}

/**
 * Room for small files. It must not be reused before the Ingest has dealt with the bytes, so it is taken from large pieces
 * that the collector frees, rather than from one piece for every file.
 */
class Arena {
  #piece = Buffer.alloc(0);
  #at = 0;

  take(size: number): Buffer {
    if (this.#at + size > this.#piece.length) {
      this.#piece = Buffer.allocUnsafeSlow(Math.max(size, wholeLimit));
      this.#at = 0;
    }
    const room = this.#piece.subarray(this.#at, this.#at + size);
    this.#at += size;
    return room;
  }
}
