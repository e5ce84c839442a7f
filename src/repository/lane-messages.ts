import type { PlainError } from '../base/errors.ts';
import type { ChunkLocations } from './chunk-locations.ts';
import type { PackEntry } from './directory.ts';
import { idLength } from './frame.ts';
import type { IngestSettings } from './ingest.ts';
import type { SealedPack } from './pack.ts';
import type { ReadSettings } from './stream-reader.ts';

/** What travels between the main thread and its lanes. */

export interface LaneSetup {
  /** For a lane that stores streams. */
  writing?: IngestSettings;
  /** For a lane that reads them. */
  reading?: ReadSettings;
}

export type ToLane =
  | { type: 'task'; task: number; name: string; input: unknown }
  | { type: 'answer'; ask: number; value: unknown }
  | { type: 'refusal'; ask: number; error: PlainError }
  /** From now on the lane works for another snapshot. */
  | { type: 'setup'; setup: LaneSetup }
  /** Memory of a pack that is stored, for the next one. */
  | { type: 'room'; room: ArrayBuffer }
  | { type: 'end' };

export type FromLane =
  | { type: 'ask'; ask: number; question: LaneQuestion }
  | { type: 'done'; task: number; output: unknown }
  | { type: 'failed'; task: number; error: PlainError }
  | { type: 'progress'; task: number; amount: number }
  | { type: 'ready' }
  | { type: 'ended' };

export type LaneQuestion =
  | { about: 'claim'; ids: Uint8Array }
  | { about: 'store'; pack: PlainPack }
  | { about: 'locate'; ids: Uint8Array }
  | { about: 'read'; pack: string; offset: number; length: number };

export interface LaneAnswers {
  claim: Uint8Array;
  store: undefined;
  locate: ChunkLocations;
  read: Uint8Array;
}

/** A SealedPack whose entries are columns: cheaper to clone than an object for every chunk. */
export interface PlainPack {
  name: string;
  bytes: Uint8Array;
  ids: Uint8Array;
  lengths: Uint32Array;
  rawLengths: Uint32Array;
}

export function toPlainPack(pack: SealedPack): PlainPack {
  return {
    name: pack.name,
    bytes: pack.bytes,
    ids: Buffer.concat(pack.entries.map((entry) => entry.id)),
    lengths: Uint32Array.from(pack.entries, (entry) => entry.length),
    rawLengths: Uint32Array.from(pack.entries, (entry) => entry.rawLength),
  };
}

export function fromPlainPack(plain: PlainPack): SealedPack {
  const ids = Buffer.from(plain.ids.buffer, plain.ids.byteOffset, plain.ids.byteLength);
  const entries = Array.from(plain.lengths, (length, i): PackEntry => {
    return { id: ids.subarray(i * idLength, (i + 1) * idLength), length, rawLength: plain.rawLengths[i]! };
  });
  const bytes = Buffer.from(plain.bytes.buffer, plain.bytes.byteOffset, plain.bytes.byteLength);
  return { name: plain.name, bytes, entries };
}
