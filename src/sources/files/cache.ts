import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { KiB, MiB } from '../../base/units.ts';
import { type ByteText, walkKey } from './byte-text.ts';
import { type CacheRecord, isVersion, recordAt } from './cache-record.ts';
import type { Facts } from './posix.ts';

/**
 * What earlier runs stored of each file, so that an unchanged file is not read again. Records lie in walk order, in blocks
 * that each carry a SHA-256: the walk reads it from front to back beside the tree, in bounded memory, and whatever is damaged, cut
 * short or out of order counts as not known. Losing it only costs reading.
 *
 * Files: `files.cache`, and `files.cache.unfinished` while a run writes the next one. A run that was killed leaves the latter;
 * its whole blocks are as good as any, so the next run looks there as well.
 */

const finishedName = 'files.cache';
const unfinishedName = 'files.cache.unfinished';
const interruptedName = 'files.cache.interrupted';

const magic = Buffer.from('HFFCACHE1\n', 'latin1');
const digestLength = 32;
const blockHeaderLength = 4 + digestLength;
const blockBytes = 256 * KiB;
/** No block is larger than a block's fill and one record. */
const largestBlock = 64 * MiB;
/** Files with more ids than this are read again every time: their records would be too large to hold. */
export const largestRecord = 48 * MiB;

interface Header {
  /** Milliseconds since the epoch: a file touched at or after this may have changed within the same tick of its clock. */
  trustedBefore: number;
  /** The same for files on other devices than the root's. */
  trustedElsewhereBefore: number;
  deviceMajor: number;
  deviceMinor: number;
  /** Attributes that another user saw may be fewer. */
  user: number;
}

/** File systems whose stamps come from this machine's own clock, by `statfs` type. */
const localTypes = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x2fc12fc1, 0x794c7630, 0xf2f52010, 0xca451a4e,
]);
/** Milliseconds by which a stamp may lag behind the clock: some ticks of a local kernel, or the skew of a file server. */
const localMargin = 100;
const remoteMargin = 60_000;
const coarseMargin = 2500;

export class FilesCache {
  /** Why the next run will have no cache. The cache never fails a backup. */
  failure: { error: unknown } | undefined;
  readonly #directory: string;
  readonly #header: Header;
  readonly #earlier: CacheReader[];
  #writer: CacheWriter | undefined;

  private constructor(directory: string, header: Header) {
    this.#directory = directory;
    this.#header = header;
    this.#guarded(() => {
      try {
        renameSync(this.#path(unfinishedName), this.#path(interruptedName));
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error;
      }
    });
    this.#earlier = [interruptedName, finishedName]
      .map((name) => CacheReader.open(this.#path(name), header.user))
      .filter((reader) => reader !== undefined);
    this.#guarded(() => {
      this.#writer = new CacheWriter(this.#path(unfinishedName), header);
    });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #guarded(work: () => void): void {
    if (this.failure !== undefined) return;
    try {
      work();
    } catch (error) {
      this.failure = { error };
    }
  }

  /**
   * Opens what earlier runs left, and begins the next one.
   *
   * @param started milliseconds since the epoch, before the walk looks at the first file
   */
  static open(directory: string, root: { descriptor: number; facts: Facts }, started: number): FilesCache {
    const user = process.geteuid?.() ?? -1;
    const local = localTypes.has(statfsSync(`/proc/self/fd/${root.descriptor}`).type);
    const header: Header = {
      trustedBefore: started - (local ? localMargin : remoteMargin),
      trustedElsewhereBefore: started - remoteMargin,
      deviceMajor: root.facts.deviceMajor,
      deviceMinor: root.facts.deviceMinor,
      user,
    };
    return new FilesCache(directory, header);
  }

  /** What is known of this version of a file. To be asked in walk order. */
  find(path: ByteText, facts: Facts): CacheRecord | undefined {
    const key = walkKey(path);
    let found: CacheRecord | undefined;
    for (const reader of this.#earlier) {
      const record = reader.advanceTo(key);
      if (found === undefined && record !== undefined && isVersion(record, facts) && trusts(reader.header, facts)) {
        found = record;
      }
    }
    return found;
  }

  /** Whether the next run may rely on a version that this run saw. */
  keeps(facts: Facts): boolean {
    return trusts(this.#header, facts);
  }

  /** Adds a record to the next cache. To be called in walk order. */
  add(record: Buffer): void {
    this.#guarded(() => this.#writer?.add(record));
  }

  /** Puts the next cache in the place of the last one. */
  finish(): void {
    this.#guarded(() => {
      this.#writer?.finish();
      renameSync(this.#path(unfinishedName), this.#path(finishedName));
      rmSync(this.#path(interruptedName), { force: true });
    });
  }

  /** Closes the files. Without `finish`, what was written stays for the next run to look into. */
  [Symbol.dispose](): void {
    this.#writer?.close();
    for (const reader of this.#earlier) reader.close();
  }
}

function trusts(header: Header, facts: Facts): boolean {
  const sameDevice = facts.deviceMajor === header.deviceMajor && facts.deviceMinor === header.deviceMinor;
  let before = sameDevice ? header.trustedBefore : header.trustedElsewhereBefore;
  // Whole seconds: a file system whose clock ticks that slowly.
  if (facts.ctimeNanos === 0 || facts.mtimeNanos === 0) before -= coarseMargin;
  const milliseconds = (seconds: number, nanos: number) => seconds * 1000 + nanos / 1e6;
  return (
    milliseconds(facts.ctimeSeconds, facts.ctimeNanos) < before &&
    milliseconds(facts.mtimeSeconds, facts.mtimeNanos) < before
  );
}

class CacheReader {
  readonly header: Header;
  readonly #descriptor: number;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;
  #record: CacheRecord | undefined;
  #key = '';
  #ended = false;

  private constructor(descriptor: number, header: Header) {
    this.#descriptor = descriptor;
    this.header = header;
  }

  /** Undefined when there is none, or none that this run may use. */
  static open(path: string, user: number): CacheReader | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch {
      return undefined;
    }
    try {
      const start = Buffer.alloc(magic.length);
      const whole = readSync(descriptor, start) === start.length && start.equals(magic);
      const block = whole ? readBlock(descriptor) : undefined;
      const header = block && (JSON.parse(block.toString('utf8')) as Header);
      if (header?.user === user) return new CacheReader(descriptor, header);
    } catch {
      // A damaged cache is no cache.
    }
    closeSync(descriptor);
    return undefined;
  }

  /** Goes on to the given key; its record, if there is one. Keys must not fall. */
  advanceTo(key: string): CacheRecord | undefined {
    while (!this.#ended && (this.#record === undefined || this.#key < key)) this.#next();
    return !this.#ended && this.#key === key ? this.#record : undefined;
  }

  #next(): void {
    try {
      if (this.#at >= this.#block.length) {
        const block = readBlock(this.#descriptor);
        if (block === undefined || block.length === 0) {
          this.#end();
          return;
        }
        this.#block = block;
        this.#at = 0;
      }
      const record = recordAt(this.#block, this.#at);
      this.#at += record.bytes.length;
      this.#record = record;
      this.#key = walkKey(record.path);
    } catch {
      this.#end();
    }
  }

  #end(): void {
    this.#ended = true;
    this.#record = undefined;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The next block; undefined at the end, and where the file is damaged or cut short. */
function readBlock(descriptor: number): Buffer | undefined {
  const header = Buffer.alloc(blockHeaderLength);
  if (readSync(descriptor, header) !== blockHeaderLength) return undefined;
  const length = header.readUInt32LE(0);
  if (length > largestBlock) return undefined;
  const block = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const read = readSync(descriptor, block, at, length - at, null);
    if (read === 0) return undefined;
    at += read;
  }
  return digest(block).equals(header.subarray(4)) ? block : undefined;
}

class CacheWriter {
  #descriptor: number | undefined;
  #records: Buffer[] = [];
  #length = 0;

  constructor(path: string, header: Header) {
    rmSync(path, { force: true });
    this.#descriptor = openSync(path, 'wx', 0o600);
    writeAll(this.#descriptor, magic);
    this.#writeBlock(Buffer.from(JSON.stringify(header)));
  }

  add(record: Buffer): void {
    if (record.length > largestRecord) return;
    this.#records.push(record);
    this.#length += record.length;
    if (this.#length >= blockBytes) this.#flush();
  }

  #flush(): void {
    if (this.#length > 0) this.#writeBlock(Buffer.concat(this.#records, this.#length));
    this.#records = [];
    this.#length = 0;
  }

  #writeBlock(block: Buffer): void {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(block.length, 0);
    writeAll(this.#descriptor!, Buffer.concat([header, digest(block), block]));
  }

  finish(): void {
    this.#flush();
    fsyncSync(this.#descriptor!);
    this.close();
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function digest(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}
