import { createHash } from 'node:crypto';
import { systemCode } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { LaneContext } from '../../repository/lane.ts';
import { type Attributes, readAttributes } from './attributes.ts';
import type { ByteText } from './byte-text.ts';
import { closeDescriptor, type Facts } from './posix.ts';
import { openRegular, readFully } from './reading.ts';
import { type DataRange, dataRanges, dataWithin } from './sparse.ts';
import { Trail } from './trail.ts';

/** The lane task that hashes files of a tree, to be compared with a snapshot. */

export interface ExamineBatchInput {
  root: number;
  paths: ByteText[];
}

/** Of each path, in order. */
export type ExaminedFile =
  | {
      outcome: 'read';
      facts: Facts;
      /** Bytes read. */
      size: number;
      /** SHA-256 of them, lower-case hex. */
      sha256: string;
      xattrs?: Attributes;
      data?: DataRange[];
    }
  | { outcome: 'failed'; code: string | undefined }
  | { outcome: 'replaced' };

let room: Buffer | undefined;

export async function examineBatch(lane: LaneContext, { root, paths }: ExamineBatchInput): Promise<ExaminedFile[]> {
  using trail = new Trail(root);
  return paths.map((path) => examine(lane, trail, path));
}

function examine(lane: LaneContext, trail: Trail, path: ByteText): ExaminedFile {
  let descriptor: number | undefined;
  try {
    const { directory, name } = trail.parentOf(path);
    const opened = openRegular(directory, name);
    if (opened === undefined) return { outcome: 'replaced' };
    descriptor = opened.descriptor;
    const { facts } = opened;
    const data = dataRanges(descriptor, facts);
    const { size, sha256 } = hash(lane, descriptor, facts.size, data);
    const xattrs = readAttributes(descriptor);
    return { outcome: 'read', facts, size, sha256, ...(xattrs && { xattrs }), ...(data && { data }) };
  } catch (error) {
    return { outcome: 'failed', code: systemCode(error) };
  } finally {
    if (descriptor !== undefined) closeDescriptor(descriptor);
  }
}

function hash(lane: LaneContext, descriptor: number, size: number, data: DataRange[] | undefined) {
  room ??= Buffer.allocUnsafeSlow(1 * MiB);
  const sum = createHash('sha256');
  let at = 0;
  while (at < size) {
    const piece = room.subarray(0, Math.min(room.length, size - at));
    const [first] = dataWithin([at, piece.length], data);
    // A piece that lies in a hole is not worth reading.
    const length = first === undefined ? piece.fill(0).length : readFully(descriptor, piece, at);
    if (length === 0) break;
    sum.update(piece.subarray(0, length));
    lane.progress(length);
    at += length;
  }
  return { size: at, sha256: sum.digest('hex') };
}
