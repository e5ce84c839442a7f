/** Whether a scratch will fit, looked at before anything is restored. */
import { HoldfastError } from '../../base/errors.ts';
import { formatBytes, MiB } from '../../base/units.ts';
import type { PostgresManifest } from '../../sources/postgres/manifest-read.ts';
import { freeBytes } from '../doctor/room.ts';

/** A fresh cluster, and the log that it keeps. */
export const clusterBytes = 256 * MiB;
/** Indexes take about as much again as the tables; sorting for them goes to disk. */
const indexFactor = 1.2;
/** A file of any size takes whole blocks. */
const entryBytes = 4096;

/** Bytes that a database may take when it is restored. */
export function databaseBytes({ tables, largeObjects }: PostgresManifest): number {
  const rows = tables.reduce((sum, { relationSize, stream }) => sum + Math.max(relationSize, stream.size), 0);
  return clusterBytes + rows * (1 + indexFactor) + (largeObjects?.stream.size ?? 0) * 1.5;
}

/** Bytes that a tree or an output may take. @param totals of the snapshot */
export function directoryBytes(totals: Readonly<Record<string, number>>): number {
  const { bytes = 0, files = 1, directories = 0, symlinks = 0 } = totals;
  return bytes + (files + directories + symlinks) * entryBytes;
}

/**
 * @param limit bytes that the configuration allows
 * @throws HoldfastError `could-not-verify` when it would not fit, or must not be so large
 */
export async function assertRoom(directory: string, needed: number, limit: number | undefined): Promise<void> {
  const wanted = formatBytes(needed);
  if (limit !== undefined && needed > limit) {
    throw new HoldfastError('could-not-verify', 'The scratch would be larger than it may be.', {
      why: `It may take ${wanted}, and ${formatBytes(limit)} are allowed.`,
      hint: 'Raise verify.limits.size in the configuration.',
    });
  }
  const free = await freeBytes(directory).catch(() => undefined);
  if (free === undefined || free >= needed) return;
  throw new HoldfastError('could-not-verify', 'There is no room for a scratch.', {
    why: `It may take ${wanted}, and ${formatBytes(free)} are free for ${directory}.`,
    hint: 'Make room there, or name a directory on a larger disk: --scratch-dir, or verify.scratch.directory.',
  });
}
