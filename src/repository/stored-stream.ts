import type { RowSum } from './row-hash.ts';

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
}

/** More chunks than this are referred to by a list. */
export const directChunks = 4096;

/** What a lane knows of a stream it has just stored. */
export interface EndedStream {
  stored: StoredStream;
  /** Every chunk id of the stream and of its list, 32 bytes each: what must still be stored for it to be reused. */
  ids: Uint8Array;
}
