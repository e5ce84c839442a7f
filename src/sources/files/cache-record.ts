import type { EndedStream, StoredStream } from '../../repository/stored-stream.ts';
import type { Attributes } from './attributes.ts';
import type { ByteText } from './byte-text.ts';
import type { Facts } from './posix.ts';

/** One file in the cache: what identified its version, and what was stored of it. */
export interface CacheRecord {
  path: ByteText;
  /** The record as it lies in a block, to be copied into the next cache. */
  bytes: Buffer;
}

/** What a file of a known version needs for its manifest line. */
export interface KnownContent {
  stream?: StoredStream;
  /** Every chunk id behind `stream`. */
  ids: Uint8Array;
  xattrs?: Attributes;
  data?: [number, number][];
}

/**
 * Little-endian: u32 length of the record, u32 length of the path; size, mtime, ctime, inode, device as 8 bytes each and the nanoseconds of
 * both times as 4 each (48 bytes); SHA-256 of the content; u32 bytes of ids; u32 count of list ids, or 0xffffffff for a
 * file without a stream; u32 length of the JSON of `xattrs` and `data`; then path, ids, list, JSON.
 */
const factsAt = 8;
const hashAt = factsAt + 48;
const countsAt = hashAt + 32;
const pathAt = countsAt + 12;
const noStream = 0xffffffff;
const idLength = 32;

function putFacts(bytes: Buffer, facts: Facts): void {
  let at = factsAt;
  const put = (low: number, high: number) => {
    bytes.writeUInt32LE(low >>> 0, at);
    bytes.writeUInt32LE(high >>> 0, at + 4);
    at += 8;
  };
  const putWide = (value: number) => put(value % 2 ** 32, Math.floor(value / 2 ** 32));
  putWide(facts.size);
  putWide(facts.mtimeSeconds);
  putWide(facts.ctimeSeconds);
  put(facts.inodeLow, facts.inodeHigh);
  put(facts.deviceMajor, facts.deviceMinor);
  put(facts.mtimeNanos, facts.ctimeNanos);
}

const wanted = Buffer.alloc(hashAt);

/** Whether the record is about exactly this version of this inode. */
export function isVersion(record: CacheRecord, facts: Facts): boolean {
  putFacts(wanted, facts);
  return record.bytes.compare(wanted, factsAt, hashAt, factsAt, hashAt) === 0;
}

export function encodeRecord(path: ByteText, facts: Facts, content: KnownContent): Buffer {
  const { stream, ids, xattrs, data } = content;
  const extra = xattrs || data ? Buffer.from(JSON.stringify({ xattrs, data })) : Buffer.alloc(0);
  const list = Buffer.from((stream?.list ?? []).join(''), 'hex');
  const bytes = Buffer.allocUnsafe(pathAt + path.length + ids.length + list.length + extra.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(path.length, 4);
  putFacts(bytes, facts);
  if (stream) bytes.write(stream.sha256, hashAt, 'hex');
  else bytes.fill(0, hashAt, countsAt);
  bytes.writeUInt32LE(ids.length, countsAt);
  bytes.writeUInt32LE(stream ? list.length / idLength : noStream, countsAt + 4);
  bytes.writeUInt32LE(extra.length, countsAt + 8);
  let at = pathAt + bytes.write(path, pathAt, 'latin1');
  for (const part of [ids, list, extra]) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The record that begins at `at` of a block whose checksum held. */
export function recordAt(block: Buffer, at: number): CacheRecord {
  const bytes = block.subarray(at, at + block.readUInt32LE(at));
  return { path: bytes.toString('latin1', pathAt, pathAt + bytes.readUInt32LE(4)), bytes };
}

/** What was stored of the version that the record is about. */
export function contentOf({ bytes }: CacheRecord): KnownContent {
  const idsAt = pathAt + bytes.readUInt32LE(4);
  const listAt = idsAt + bytes.readUInt32LE(countsAt);
  const listCount = bytes.readUInt32LE(countsAt + 4);
  const extraLength = bytes.readUInt32LE(countsAt + 8);
  const content: KnownContent = { ids: bytes.subarray(idsAt, listAt) };
  if (listCount !== noStream) {
    const stream: StoredStream = {
      size: bytes.readUInt32LE(factsAt) + bytes.readUInt32LE(factsAt + 4) * 2 ** 32,
      sha256: bytes.toString('hex', hashAt, countsAt),
    };
    if (listCount > 0) stream.list = hexIds(bytes, listAt, listCount);
    else stream.chunks = hexIds(bytes, idsAt, (listAt - idsAt) / idLength);
    content.stream = stream;
  }
  if (extraLength > 0) Object.assign(content, JSON.parse(bytes.toString('utf8', bytes.length - extraLength)));
  return content;
}

function hexIds(bytes: Buffer, at: number, count: number): string[] {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push(bytes.toString('hex', at + i * idLength, at + (i + 1) * idLength));
  return ids;
}

/** As `KnownContent`, of a stream that a lane has just stored. */
export function knownContent(ended: EndedStream | undefined, rest: Omit<KnownContent, 'stream' | 'ids'>): KnownContent {
  return { ...rest, ids: ended?.ids ?? new Uint8Array(0), ...(ended ? { stream: ended.stored } : {}) };
}
