/** What a lane does in the search for originals: large objects, and files. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { SharedSnapshot } from '../copy/kept.ts';
import { longestCell } from './columns.ts';
import { textsOf } from './file-text.ts';
import { countInto, type Hits, isNothing, noHits } from './hits.ts';
import { isGzip } from './inflate.ts';
import { copySession } from './lane-sessions.ts';
import { TextScanner } from './scan-text.ts';
import type { SharedSketch } from './sketch.ts';

export interface SearchObjectsInput {
  copy: SharedSnapshot;
  sketch: SharedSketch;
  objects: { oid: number; size: number }[];
}

export interface SearchFilesInput {
  sketch: SharedSketch;
  /** Absolute; paths are from there. */
  root: string;
  paths: string[];
}

export interface SearchContentsOutput {
  /** Of contents. */
  bytes: number;
  /** Of those in which there is something: `at` is the place in the list of the input. */
  found: { at: number; hits: Hits }[];
}

export const searchObjectsTask = 'pseudonymize-search-objects';
export const searchFilesTask = 'pseudonymize-search-files';

export const searchContentsTasks = {
  [searchObjectsTask]: searchObjects,
  [searchFilesTask]: searchFiles,
} satisfies Record<string, LaneTask>;

/** Read in pieces of this many bytes, each with the end of the one before. */
const pieceBytes = longestCell;
const overlapBytes = 4096;

type Read = (offset: number, length: number) => Promise<Buffer>;

async function searchObjects(
  lane: LaneContext,
  { copy, sketch, objects }: SearchObjectsInput,
): Promise<SearchContentsOutput> {
  const session = await copySession(lane, copy);
  const contents = new Contents(lane, sketch);
  for (const [at, { oid, size }] of objects.entries()) {
    await contents.search(at, size, async (offset, length) => {
      const [row] = await session.query<{ data: Buffer }>(
        'SELECT pg_catalog.lo_get($1, $2, $3) AS data',
        [oid, offset, length],
        'Could not search the large objects.',
      );
      return row!.data;
    });
  }
  return contents.output;
}

async function searchFiles(
  lane: LaneContext,
  { sketch, root, paths }: SearchFilesInput,
): Promise<SearchContentsOutput> {
  const contents = new Contents(lane, sketch);
  for (const [at, path] of paths.entries()) {
    try {
      await using handle = await open(join(root, path), 'r');
      const { size } = await handle.stat();
      await contents.search(at, size, async (offset, length) => {
        const buffer = Buffer.allocUnsafeSlow(length);
        const { bytesRead } = await handle.read(buffer, 0, length, offset);
        return buffer.subarray(0, bytesRead);
      });
    } catch (error) {
      throw unreadableFiles(error);
    }
  }
  return contents.output;
}

/** `could-not-verify` in place of an error of the system, which quotes paths. */
export function unreadableFiles(error: unknown): unknown {
  if (systemCode(error) === undefined || error instanceof HoldfastError) return error;
  return new HoldfastError('could-not-verify', 'Files of the copy could not be searched.', {
    why: `The system says ${systemCode(error)}.`,
    cause: error,
  });
}

class Contents {
  readonly output: SearchContentsOutput = { bytes: 0, found: [] };
  readonly #lane: LaneContext;
  readonly #scanner: TextScanner;

  constructor(lane: LaneContext, sketch: SharedSketch) {
    this.#lane = lane;
    this.#scanner = new TextScanner(sketch);
  }

  async search(at: number, size: number, read: Read): Promise<void> {
    const hits = noHits();
    const found = countInto(hits, false);
    for (let offset = 0; offset < size; offset += pieceBytes - overlapBytes) {
      const bytes = await read(offset, Math.min(pieceBytes, size - offset));
      this.output.bytes += bytes.length;
      this.#lane.progress(bytes.length);
      hits.unread += textsOf(bytes, (text, noise) => this.#scanner.value(text, found, { noise }));
      if (bytes.length < pieceBytes) break;
      // A document is read as a whole or not at all; of a larger one only what is not packed is seen.
      if (offset === 0 && isPacked(bytes)) hits.unread++;
    }
    if (!isNothing(hits)) this.output.found.push({ at, hits });
  }
}

function isPacked(bytes: Buffer): boolean {
  return bytes.subarray(0, 1024).includes('%PDF-') || bytes.readUInt32LE(0) === 0x04034b50 || isGzip(bytes);
}
