import { HoldfastError } from '../../base/errors.ts';
import type { BackupContext, BackupOutcome } from '../source.ts';
import { BackupAttempt, type PostgresBackupSettings } from './backup-attempt.ts';
import { Superseded } from './superseded.ts';

export type { PostgresBackupSettings } from './backup-attempt.ts';

/** How often a backup begins anew because the database changed under it in a way that locks do not hold back. */
const attempts = 12;
/** Milliseconds of a pause between two attempts, at most. */
const longestPause = 1_500;

/**
 * Makes a snapshot of a database: its schema by pg_dump, its rows by COPY in all lanes, all of one moment.
 *
 * The manifest's lines are written at the end, so an attempt that is given up leaves nothing but chunks, which the next
 * one finds stored.
 *
 * @throws HoldfastError; then no line was written
 */
export async function backupPostgres(context: BackupContext, settings: PostgresBackupSettings): Promise<BackupOutcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { lines, outcome } = await new BackupAttempt(context, settings).run();
      for (const line of lines) await context.writeLine(line);
      return outcome;
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      if (attempt === attempts) throw error.reason ?? givenUp(error);
      context.emit({ type: 'note', source: settings.name, text: `The backup begins anew: ${error.message}` });
      // Those who waited for us have their turn. Of random length, so that a loop elsewhere is not met at the same point.
      const pause = Math.min(100 * 2 ** (attempt - 1), longestPause) * (0.5 + Math.random() / 2);
      await context.clock.sleep(pause, context.signal);
    }
  }
}

function givenUp(error: Superseded): HoldfastError {
  return new HoldfastError('source-failed', 'The database changed under each attempt to back it up.', {
    why: error.message,
    hint: 'Run it when no schemas, tables and sequences are renamed or dropped.',
    cause: error,
  });
}
