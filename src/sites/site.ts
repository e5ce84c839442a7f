/**
 * A Site is a place where objects live: a directory, a bucket, a directory on another machine. Everything above it
 * relies on the guarantees below and on nothing else; test/contract/site.ts holds every implementation to them.
 *
 * Names are relative POSIX paths of ASCII letters, digits, `.`, `_`, `-` and `/`, without `.` or `..` segments.
 */
export interface Site {
  /** The name the configuration gives it, for messages. */
  readonly name: string;

  /** What this site can do beyond, or short of, the rest. Without: all that Site promises, and no more. */
  readonly capabilities?: SiteCapabilities;

  /** For reading what was overwritten or removed, where the site keeps it. */
  readonly versions?: ObjectVersions;

  /** What is locked, and for how long at least; present where the configuration wants locks. See `lockingSite`. */
  readonly locks?: LockTerms;

  /** The site as it shows itself now, where this one looks at older versions too. See `throughVersions`. */
  readonly current?: Site;

  /**
   * Stores an object that did not exist. Atomic: at every moment, also after a crash, a reader sees nothing or all of
   * `body`. Exclusive: of several creators of one name, in any process, exactly one gets `created`, the others
   * `exists`, and what exists is never rewritten. Durable: when it resolves, the object survives a power cut.
   *
   * @throws HoldfastError `site-full` when there is no room, `site-unavailable` otherwise; a failed create leaves
   *   nothing under the name, or the whole object, never a part of it.
   */
  create(
    name: string,
    body: Uint8Array | readonly Uint8Array[],
    options?: CreateOptions,
  ): Promise<'created' | 'exists'>;

  /** Stores or overwrites, with the same atomicity and durability. For the few objects that may change. */
  replace(name: string, body: Uint8Array, options?: CreateOptions): Promise<void>;

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

  /**
   * First segments of the names below `prefix` that have a `/` after them, each once, in no order: what `list` would
   * tell at the cost of every object there is. May name one below which nothing is left. Left out where a site has no
   * quick way.
   */
  directories?(prefix: string): Promise<string[]>;

  /** Removes an object. Resolves also when there was none, and when it is locked: then it stays. */
  remove(name: string): Promise<void>;

  /**
   * Sees to it that nobody can remove a version of an object before `until`, milliseconds since the epoch. Never shortens:
   * a later date stays. Only where `capabilities` tells `objectLock`.
   *
   * @param version its id; default: the current one
   * @throws HoldfastError `object-missing`, `site-unavailable` when it is refused
   */
  retain?(name: string, until: number, version?: string): Promise<void>;

  /** The latest date until when some version of an object is locked, in milliseconds; undefined when none is. */
  lockedUntil?(name: string): Promise<number | undefined>;

  /** Frees connections. The site cannot be used afterwards. */
  close(): Promise<void>;
}

export interface SiteCapabilities {
  /**
   * Create is exclusive. Where it is not (S3 servers without conditional requests), it looks first and writes then: of
   * creators that race, several can be told `created`, and the last one's bytes stay. Harmless for objects named by
   * their hash; such a site cannot hold leases.
   */
  conditionalCreate: boolean;
  /** What is stored survives a power cut of the server as soon as the call resolves. */
  durable: boolean;
  /** What is overwritten or removed stays readable through `versions`. */
  versioning: boolean;
  /** `retainUntil` of create is kept. */
  objectLock: boolean;
}

export interface CreateOptions {
  /**
   * Milliseconds since the epoch until when nobody, whatever his rights, may remove these bytes. An object that existed
   * keeps its own date. Only for a site with the capability `objectLock`; others refuse it, or do not look at it.
   */
  retainUntil?: number;
}

/** For how long a site locks what is written to it, in milliseconds from then. */
export interface LockTerms {
  /** `GOVERNANCE` binds only those who have no right to bypass it. */
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE';
  /** New snapshots and what they need, at least. */
  readonly minimumMs: number;
}

/** Older versions, so that what an attacker overwrote or deleted can still be read. */
export interface ObjectVersions {
  /** The versions of one object, newest first, read page by page. Deletion markers are left out. */
  of(name: string): AsyncIterable<ObjectVersion>;
  /** The versions of every object whose name starts with `prefix`, also of those that look removed; by name. */
  list(prefix: string): AsyncIterable<ObjectVersion>;
  /** As Site.read. */
  read(version: ObjectVersion, range?: ByteRange): Promise<Buffer>;
  /** As Site.directories, of what looks removed too. */
  directories(prefix: string): Promise<string[]>;
  /**
   * Removes every version of an object, and what hides it: so that its bytes are freed. Resolves also when there was none.
   *
   * @throws HoldfastError `site-unavailable` when one is locked, or may not be removed
   */
  removeAll(name: string): Promise<void>;
}

export interface ObjectVersion extends ListedObject {
  /** The site's own name for the version. */
  id: string;
  /** Whether this is what Site.read gives. */
  current: boolean;
  /** Milliseconds since the epoch, by the site's clock. */
  storedAt: number;
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
