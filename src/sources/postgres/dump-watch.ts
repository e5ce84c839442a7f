import type { Clock } from '../../base/clock.ts';
import type { Session } from './session.ts';
import { Superseded } from './superseded.ts';

/**
 * Looks after a pg_dump that may wait for a lock without an end. Somebody who wants an exclusive lock waits for the session
 * that holds our locks, pg_dump waits for them, and that session waits for pg_dump: the server sees no deadlock in it,
 * since our part of the ring lies outside. pg_dump's own --lock-wait-timeout covers LOCK TABLE alone, not what it reads of
 * sequences and views afterwards.
 */
export interface DumpWatchOptions {
  /** Opens a session to ask in; done only when pg_dump takes long enough to be looked after. */
  open: () => Promise<Session>;
  clock: Clock;
  /** Aborted when pg_dump has ended. */
  ended: AbortSignal;
  /** Backend of the session that holds the locks. */
  holder: number;
  /** Of pg_dump's session, which must be the only one in this database that has it. */
  applicationName: string;
  /** Milliseconds that pg_dump may wait for somebody who does not wait for us. */
  lockTimeout: number;
}

/** Milliseconds until the first look, and between looks. */
const firstLook = 300;
const pause = 150;

/**
 * Resolves when pg_dump has ended, or nothing more can be asked.
 *
 * @throws Superseded when pg_dump waits for somebody who waits for us, or for somebody else for too long
 */
export async function watchDump(options: DumpWatchOptions): Promise<void> {
  const { clock, ended, lockTimeout } = options;
  const sleep = (ms: number) =>
    clock.sleep(ms, ended).then(
      () => true,
      () => false,
    );
  if (!(await sleep(firstLook))) return;
  const session = await options.open().catch(() => undefined);
  if (session === undefined) return;
  await using _ = session;
  let doomed = 0;
  let since: number | undefined;
  do {
    const state = await look(session, options).catch(() => undefined);
    if (state === undefined) return;
    // Twice, because somebody ahead of us may just be about to get what they wait for.
    doomed = state.waits && state.forUs ? doomed + 1 : 0;
    if (doomed === 2) throw new Superseded('Somebody waits for a lock of ours, and pg_dump waits for them.');
    since = state.waits ? (since ?? clock.monotonic()) : undefined;
    if (since !== undefined && clock.monotonic() - since > lockTimeout) {
      throw new Superseded(`pg_dump waited ${lockTimeout / 1000} s for a lock that somebody holds.`);
    }
  } while (await sleep(pause));
}

/** Whether pg_dump waits for a lock, and whether those it waits for wait in their turn for the session with our locks. */
async function look(
  session: Session,
  { applicationName, holder }: DumpWatchOptions,
): Promise<{ waits: boolean; forUs: boolean }> {
  const [row] = await session.query<{ waits: boolean; forUs: boolean }>(
    `WITH RECURSIVE dump AS (
       SELECT pid FROM pg_catalog.pg_stat_activity
       WHERE application_name = $1 AND datname = current_database() AND wait_event_type = 'Lock'
     ), ahead AS (
       SELECT unnest(pg_blocking_pids(pid)) AS pid FROM dump
       UNION SELECT b.pid FROM ahead, unnest(pg_blocking_pids(ahead.pid)) AS b (pid)
     )
     SELECT EXISTS (SELECT FROM dump) AS waits, EXISTS (SELECT FROM ahead WHERE pid = $2) AS "forUs"`,
    [applicationName, holder],
  );
  return row!;
}
