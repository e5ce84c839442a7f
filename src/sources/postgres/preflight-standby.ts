import { HoldfastError } from '../../base/errors.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';

/** What a backup from a standby has to expect. */
export interface Standby {
  /** Queries of this database that recovery cancelled so far. */
  conflicts: number;
  feedback: boolean;
  /** Milliseconds that recovery waits for queries; -1 for ever. */
  patience: number;
}

/** Undefined when the server is none. @throws HoldfastError */
export async function readStandby(session: Session): Promise<Standby | undefined> {
  if (!session.inRecovery) return undefined;
  const [row] = await session.query<Omit<Standby, 'conflicts'> & { conflicts: string }>(
    `SELECT current_setting('hot_standby_feedback')::bool AS feedback,
            (SELECT setting::int4 FROM pg_settings WHERE name = 'max_standby_streaming_delay') AS patience,
            (SELECT confl_tablespace + confl_lock + confl_snapshot + confl_bufferpin + confl_deadlock
             FROM pg_stat_database_conflicts WHERE datname = current_database()) AS conflicts`,
    [],
    'Could not look at the settings of the standby.',
  );
  return { ...row!, conflicts: Number(row!.conflicts) };
}

export const standbyHint =
  'Set hot_standby_feedback = on at the standby, or raise its max_standby_streaming_delay (-1: wait for ever).';

/** A long backup is what recovery cancels first. */
export function standbyWarning({ feedback, patience }: Standby): { text: string; hint: string } | undefined {
  if (feedback || patience === -1) return undefined;
  return {
    text: `The standby cancels what reads longer than ${patience / 1000} s when the primary removes old rows.`,
    hint: standbyHint,
  };
}

/**
 * Tells an error that recovery caused from others. pg_dump's and those of a connection that was cut carry no SQLSTATE, so
 * the standby's own count decides.
 *
 * @param before as read when the backup began
 * @param now a session of its own
 */
export async function recoveryConflict(
  error: unknown,
  before: Standby,
  now: () => Promise<Session>,
): Promise<HoldfastError | undefined> {
  const isOne = sqlstateOf(error) === sqlstate.serializationFailure || (await haveRisen(before, now));
  if (!isOne) return undefined;
  const what = error instanceof HoldfastError ? error.message : 'The backup from a standby failed.';
  return new HoldfastError('source-failed', what, {
    why: 'Recovery cancelled it: the standby had to apply changes of the primary that what was being read stands against.',
    hint: standbyHint,
    cause: error,
  });
}

async function haveRisen(before: Standby, now: () => Promise<Session>): Promise<boolean> {
  try {
    await using session = await now();
    const standby = await readStandby(session);
    return standby !== undefined && standby.conflicts > before.conflicts;
  } catch {
    return false;
  }
}
