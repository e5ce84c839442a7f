import { sha256Hex } from '../crypt/secrets.ts';
import { addRowSums, type RowSum } from './row-hash.ts';

/** A stream as a manifest refers to it. Exactly one of `chunks` and `list` is there. */
export interface StoredStream {
  /** Bytes. */
  size: number;
  /** SHA-256 of the bytes, lower-case hex. */
  sha256: string;
  /** Chunk ids in order, lower-case hex; at most `directChunks`. */
  chunks?: string[];
  /**
   * Of longer streams: the chunk ids, in order, of another stream that holds this one's ids as 32 raw bytes each. Keeps
   * manifest lines short: a table of a terabyte would have one of a gigabyte.
   */
  list?: string[];
  /** Of COPY text only: the fingerprint that does not depend on the order of rows. */
  rows?: RowSum;
  parts?: never;
}

/**
 * A stream whose parts were read side by side: its bytes are theirs, one after the other. A SHA-256 of the whole cannot be
 * put together from theirs, so there is none.
 */
export interface StreamInParts {
  /** Bytes of all parts. */
  size: number;
  /** At least two. */
  parts: StoredStream[];
  /** SHA-256 over the parts' SHA-256s, 32 bytes each, in their order; lower-case hex. */
  partsSha256: string;
  /** Of COPY text only: the sum over all parts. */
  rows?: RowSum;
  sha256?: never;
  chunks?: never;
  list?: never;
}

/** What the rows of a table may be. */
export type AnyStream = StoredStream | StreamInParts;

/** More chunks than this are referred to by a list. */
export const directChunks = 4096;

/** The same for a part: a table may have a thousand of them, all in one line. */
export const directChunksOfPart = 64;

/** What a lane knows of a stream it has just stored. */
export interface EndedStream {
  stored: StoredStream;
  /** Every chunk id of the stream and of its list, 32 bytes each: what must still be stored for it to be reused. */
  ids: Uint8Array;
}

/** The whole of streams that follow each other; of a single one, itself. */
export function joinStreams(parts: readonly StoredStream[]): AnyStream {
  if (parts.length === 1) return parts[0]!;
  const rows = parts.flatMap((part) => part.rows ?? []);
  return {
    size: sizeOf(parts),
    parts: [...parts],
    partsSha256: digestOf(parts),
    ...(rows.length === parts.length && { rows: rows.reduce(addRowSums) }),
  };
}

/** The streams that make up a stream, in order: itself unless it is in parts. */
export function partsOf(stream: AnyStream): readonly StoredStream[] {
  return stream.parts ?? [stream];
}

/** Whether what a stream in parts says of the whole fits its parts; of other streams, always. */
export function partsFit(stream: AnyStream): boolean {
  const { parts } = stream;
  if (parts === undefined) return true;
  return stream.size === sizeOf(parts) && stream.partsSha256 === digestOf(parts);
}

function sizeOf(parts: readonly StoredStream[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}

function digestOf(parts: readonly StoredStream[]): string {
  return partsDigest(parts.map(({ sha256 }) => sha256));
}

/** The `partsSha256` of parts. @param hashes their SHA-256s, hex, in their order */
export function partsDigest(hashes: readonly string[]): string {
  return sha256Hex(Buffer.from(hashes.join(''), 'hex'));
}
