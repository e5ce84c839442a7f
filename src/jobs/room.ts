import { HoldfastError } from '../base/errors.ts';
import { formatBytes, MiB } from '../base/units.ts';
import { almostNothing, freeBytes } from './doctor/room.ts';

/** Less than this holds not even what a run without any change writes. */
const nothing = MiB;

/** A directory that a backup writes to. */
export interface WrittenPlace {
  /** `the state directory`, `the site "vault"`. */
  what: string;
  path: string;
  /** `site-full` for a site. */
  code: 'failed' | 'site-full';
  /** Whether a backup can do without it. */
  optional: boolean;
}

/**
 * Looks for room before a backup begins, so that a full disk is told at once and not after an hour.
 *
 * @returns a warning for each place with little room
 * @throws HoldfastError when there is none where the backup cannot do without
 */
export async function lookForRoom(places: readonly WrittenPlace[]): Promise<{ text: string; hint: string }[]> {
  const warnings: { text: string; hint: string }[] = [];
  for (const { what, path, code, optional } of places) {
    // What cannot be looked at, or is not there, is told by whoever uses it.
    const free = await freeBytes(path).catch(() => undefined);
    if (free === undefined || free >= almostNothing) continue;
    const hint = `Make room on the disk of ${path}.`;
    if (free < nothing && !optional) {
      throw new HoldfastError(code, `There is no room for ${what}.`, { why: `${formatBytes(free)} are free.`, hint });
    }
    warnings.push({ text: `Only ${formatBytes(free)} are free for ${what}.`, hint });
  }
  return warnings;
}
