import type { RepositoryAccess } from '../repository/access.ts';
import { type KnownSnapshot, listSnapshots } from '../repository/snapshot.ts';
import { openSource, readSourceRecord } from '../repository/source-record.ts';

/** How far clocks of hosts may be apart, in milliseconds. */
const clocksApart = 5 * 60_000;

/**
 * The newest snapshot of a source, when it was made at or after a moment: by its signed time, whoever of the trusted hosts
 * made it.
 *
 * @param since milliseconds since 1970
 */
export async function snapshotSince(
  access: RepositoryAccess,
  name: string,
  since: number,
): Promise<KnownSnapshot | undefined> {
  if ((await readSourceRecord(access, name)) === undefined) return undefined;
  const { snapshots } = await listSnapshots(access, await openSource(access, name));
  const newest = snapshots.at(-1);
  if (newest === undefined) return undefined;
  const made = Date.parse(newest.time);
  // A host whose clock is years ahead must not keep all the others from their backups until then.
  if (made > access.clock.now() + clocksApart) {
    access.emit({
      type: 'warning',
      source: name,
      text: `Its newest snapshot is from ${newest.time}, which is yet to come, so it does not count as today's.`,
      hint: `Look at the clock of ${newest.signer}.`,
    });
    return undefined;
  }
  return made >= since ? newest : undefined;
}
