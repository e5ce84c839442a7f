import type { Clock } from '../../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import type { Lanes } from '../../repository/lanes.ts';
import { hasDrifted } from './catalog-drift.ts';
import { type DumpOptions, dumpArchive } from './dump-archive.ts';
import { watchDump } from './dump-watch.ts';
import { FeedSink } from './feed-sink.ts';
import { hasLockWaiters } from './held-snapshot.ts';
import type { ArchiveLine } from './manifest.ts';
import type { Session } from './session.ts';
import { Superseded } from './superseded.ts';

export interface SchemaDumpSettings extends DumpOptions {
  lanes: Lanes;
  clock: Clock;
  /** A session beside the one that holds the locks, which may be in the middle of a table. */
  open: () => Promise<Session>;
  /** The tables that the session holds locks on. */
  locked: readonly { oid: number }[];
  /** Told of each warning of pg_dump. */
  warned: (text: string) => void;
}

/**
 * Stores the schema as pg_dump writes it under the snapshot that `holder` exported, and makes sure that it is of that
 * moment.
 *
 * @param holder the session that holds the locks; nothing is asked in it
 * @throws Superseded when the schema changed meanwhile, or pg_dump cannot get a lock; HoldfastError `source-failed`
 */
export async function dumpSchema(holder: Session, settings: SchemaDumpSettings): Promise<ArchiveLine> {
  const { lanes, clock, open, signal } = settings;
  const sink = new FeedSink(lanes);
  const doomed = new AbortController();
  const ended = new AbortController();
  const applicationName = `holdfast backup dump ${holder.pid}`;
  const watched = watchDump({
    open,
    clock,
    ended: ended.signal,
    holder: holder.pid,
    applicationName,
    lockTimeout: settings.lockTimeout,
  }).catch((error) => doomed.abort(error));
  try {
    const options = { ...settings, applicationName, signal: AbortSignal.any([signal, doomed.signal]) };
    const warnings = await dumpArchive(holder, options, (bytes) => sink.write(bytes));
    ended.abort();
    if (await moved(settings, false)) {
      throw new Superseded('Something was renamed or dropped while pg_dump read the schema.');
    }
    for (const text of warnings) settings.warned(text);
    const stream = await sink.end();
    if (stream.size === 0) throw new HoldfastError('source-failed', 'pg_dump wrote nothing.');
    return { kind: 'archive', stream };
  } catch (error) {
    sink.fail();
    if (isHoldfastError(error, 'source-failed') && !signal.aborted && !holder.lost) {
      if (await moved(settings, true).catch(() => false)) {
        throw new Superseded('The schema changed, or somebody waited for a lock, while pg_dump read it.', error);
      }
    }
    throw error;
  } finally {
    ended.abort();
    await watched;
  }
}

async function moved(settings: SchemaDumpSettings, failed: boolean): Promise<boolean> {
  await using session = await settings.open();
  if (failed && (await hasLockWaiters(session, settings.locked))) return true;
  // Awaited here, before the session closes.
  return await hasDrifted(session, settings.exportedSnapshot);
}
