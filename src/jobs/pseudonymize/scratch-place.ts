/** The private cluster that a copy is made from or in: of this machine, found and removed when its run was killed. */
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError, isHoldfastError, systemCode } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { formatBytes } from '../../base/units.ts';
import type { Environment } from '../../sources/postgres/dump-archive.ts';
import { freeBytes } from '../doctor/room.ts';
import type { DatabasePlace, OpenScratch, ScratchSettings } from '../verify/scratch.ts';
import { type ClusterWish, openClusterScratch } from '../verify/scratch-cluster.ts';
import { removeLeakedScratches } from '../verify/scratch-directory.ts';
import { assertRoom } from '../verify/scratch-room.ts';

export interface PlaceSettings {
  scratch: ScratchSettings;
  /** Bytes that a scratch may be expected to take; undefined: what is free. */
  scratchLimit?: number | undefined;
  env: Environment;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
}

export interface PrivateCluster extends AsyncDisposable {
  readonly place: DatabasePlace;
  /** What this cluster cannot show, such as that it is of a newer major than the source. */
  readonly notes: OpenScratch['notes'];
}

/**
 * Starts a cluster that nobody else reaches, after removing what killed runs left.
 *
 * @param needed bytes that it may take
 * @throws HoldfastError `usage` for a scratch on a server; `target-failed` without room, or when it cannot be made there;
 *   `tool-missing`
 */
export async function openPrivateCluster(
  settings: PlaceSettings,
  wish: ClusterWish,
  needed: number,
): Promise<PrivateCluster> {
  const { scratch, env, clock, emit, signal, scratchLimit } = settings;
  assertLocal(scratch);
  await removeLeakedScratches(scratch.directory, emit, clock.now());
  try {
    await assertRoom(scratch.directory, needed, scratchLimit);
    const opened = await openClusterScratch({ settings: scratch, env, clock, signal }, wish);
    return {
      place: opened.place as DatabasePlace,
      notes: opened.notes,
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  } catch (error) {
    throw ofCopy(error);
  }
}

/** Rows of production do not go to a server that others use. @throws HoldfastError `usage` */
export function assertLocal({ kind }: ScratchSettings): void {
  if (kind !== 'server') return;
  throw new HoldfastError('usage', 'A copy needs a scratch cluster of this machine.', {
    why: 'Rows of production would lie on a server that others use: the scratch is of the kind `server`.',
    hint: 'Use --scratch local, or --scratch embedded.',
  });
}

/** Nothing is verified here: what kept a scratch from being made is a failure like others. */
function ofCopy(error: unknown): unknown {
  if (!isHoldfastError(error, 'could-not-verify')) return error;
  const { message, why, hint } = error;
  return new HoldfastError('target-failed', message, {
    ...(why !== undefined && { why }),
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}

/**
 * Looks for room beside what a scratch will take, where both lie on one disk.
 *
 * @param file path of what is written; its directory exists
 * @param needed bytes that it takes at least
 * @param scratch directory of the scratch, and the bytes it may take
 * @throws HoldfastError `target-failed`
 */
export async function assertFileRoom(
  file: string,
  needed: number,
  scratch: { directory: string; needed: number },
): Promise<void> {
  const directory = dirname(file);
  const free = await freeBytes(directory).catch(() => undefined);
  const shared = (await deviceOf(directory)) === (await deviceOf(scratch.directory));
  const wanted = needed + (shared ? scratch.needed : 0);
  if (free === undefined || free >= wanted) return;
  throw new HoldfastError('target-failed', `There is no room for ${file}.`, {
    why: `It takes at least ${formatBytes(needed)}${shared ? `, its scratch up to ${formatBytes(scratch.needed)} of the same disk` : ''}, and ${formatBytes(free)} are free.`,
    hint: 'Make room there, or name another disk.',
  });
}

/** Of the nearest directory that is there. */
async function deviceOf(path: string): Promise<number | undefined> {
  for (let at = path; ; at = dirname(at)) {
    try {
      return (await lstat(at)).dev;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || dirname(at) === at) return undefined;
    }
  }
}
