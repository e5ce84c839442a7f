/**
 * A Site is a place where objects live: a directory, a bucket, a directory on another machine. Everything above it
 * relies on the guarantees below and on nothing else; test/contract/site.ts holds every implementation to them.
 *
 * Names are relative POSIX paths of ASCII letters, digits, `.`, `_`, `-` and `/`, without `.` or `..` segments.
 */
export interface Site {
  /** The name the configuration gives it, for messages. */
  readonly name: string;

  /**
   * Stores an object that did not exist. Atomic: at every moment, also after a crash, a reader sees nothing or all of
   * `body`. Exclusive: of several creators of one name, in any process, exactly one gets `created`, the others
   * `exists`, and what exists is never rewritten. Durable: when it resolves, the object survives a power cut.
   *
   * @throws HoldfastError `site-full` when there is no room, `site-unavailable` otherwise; a failed create leaves
   *   nothing under the name, or the whole object, never a part of it.
   */
  create(name: string, body: Uint8Array | readonly Uint8Array[]): Promise<'created' | 'exists'>;

  /** Stores or overwrites, with the same atomicity and durability. For the few objects that may change. */
  replace(name: string, body: Uint8Array): Promise<void>;

  /**
   * The object's bytes, or exactly `range` of them.
   *
   * @param range offset and length in bytes; a range that reaches past the end is an `object-damaged` error.
   * @throws HoldfastError `object-missing`, `object-damaged`, `site-unavailable`
   */
  read(name: string, range?: ByteRange): Promise<Buffer>;

  /** Size in bytes, or undefined when there is no such object. */
  stat(name: string): Promise<ObjectStat | undefined>;

  /**
   * Every object whose name starts with `prefix` (which ends in `/` or is empty), in no order, each once. What was
   * created before the call is listed. Unfinished uploads are not.
   */
  list(prefix: string): AsyncIterable<ListedObject>;

  /** Removes an object. Resolves also when there was none. */
  remove(name: string): Promise<void>;

  /** Frees connections. The site cannot be used afterwards. */
  close(): Promise<void>;
}

export interface ByteRange {
  offset: number;
  length: number;
}

export interface ObjectStat {
  size: number;
}

export interface ListedObject extends ObjectStat {
  name: string;
}
