import type { RowSum } from './row-hash.ts';

/** A stream as a manifest refers to it. */
export interface StoredStream {
  /** Bytes. */
  size: number;
  /** SHA-256 of the bytes, lower-case hex. */
  sha256: string;
  /** Chunk ids in order, lower-case hex. */
  chunks: string[];
  /** Of COPY text only: the fingerprint that does not depend on the order of rows. */
  rows?: RowSum;
}
