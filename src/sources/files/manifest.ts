import type { StoredStream } from '../../repository/stored-stream.ts';

/**
 * The lines of a files manifest: one `root`, then the entries of the tree, every directory before what it holds, in the
 * byte order of names. Described in docs/format.md §9.
 */
export type FilesLine = RootLine | EntryLine;

export interface RootLine {
  kind: 'root';
  /** The directory as configured. */
  path: PathText;
  exclude: string[];
}

/**
 * A path is JSON text when its bytes are valid UTF-8, otherwise `{"base64": …}` of its bytes. Relative to the root,
 * which itself is `.`.
 */
export type PathText = string | { base64: string };

interface EntryBase {
  path: PathText;
  /** Permission bits with setuid, setgid and sticky, as a number. */
  mode: number;
  uid: number;
  gid: number;
  /** Names at the time, when the machine knew them. */
  user?: string;
  group?: string;
  /** Nanoseconds since the epoch, as text. */
  mtime: string;
  /** Extended attributes, ACLs among them: name → base64. Left out when there are none. */
  xattrs?: Record<string, string>;
}

export type EntryLine = EntryBase &
  (
    | { kind: 'directory' }
    | {
        kind: 'file';
        /** Left out for 0 bytes and for all but the first of a set of hard links. */
        stream?: StoredStream;
        /** Ranges that hold data, `[offset, length]` in bytes; the rest are holes. Only of sparse files. `stream` is the whole content, holes as zeros. */
        data?: [number, number][];
        size: number;
        /** Path of the first entry of this set of hard links; then there is no stream. */
        hardLinkOf?: PathText;
      }
    | { kind: 'symlink'; target: PathText }
    | { kind: 'fifo' }
    | { kind: 'socket' }
    | { kind: 'device'; deviceType: 'block' | 'character'; major: number; minor: number }
  );
