/** Looks in a database for tests for what is in production: whoever made it, and whatever was done to it since. */
import { dirname } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { giveBackFreedBuffers, smallYoungHeap } from '../../base/memory.ts';
import type { PseudonymKey } from '../../pseudonyms/keys.ts';
import type { QuasiIdentifiers } from '../../pseudonyms/leaks/groups.ts';
import { LaneJobs } from '../../pseudonyms/leaks/lane-jobs.ts';
import type { LeakReport } from '../../pseudonyms/leaks/report.ts';
import { sketchRowsJobs } from '../../pseudonyms/leaks/sketch-rows.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import type { Environment } from '../../sources/postgres/dump-archive.ts';
import { openSession } from '../../sources/postgres/session.ts';
import { type ClassifySettings, reviewedLock } from './classify.ts';
import { openCopyLanes } from './copy-lanes.ts';
import { holdSource, rowsOf } from './copy-source.ts';
import { checkLeaks, sketchFor } from './leak-check.ts';

const applicationName = 'holdfast pseudonymize';

export interface CheckCopySettings extends ClassifySettings {
  /** Of the pseudonyms of that copy: what the rules make is told apart from what was left. */
  key: PseudonymKey;
  /** The same key as bytes, for lanes. */
  secret: Uint8Array;
  /** The database that is searched. */
  copy: PostgresConnection;
  quasiIdentifiers?: readonly QuasiIdentifiers[] | undefined;
  /** Absolute paths of files that belong to it. */
  directories?: readonly string[] | undefined;
  /** How many tables are read at the same time. */
  jobs: number;
  pgDump?: string | undefined;
  env: Environment;
  clock: Clock;
}

export interface CheckedCopy {
  source: string;
  database: string;
  keyFingerprint: string;
  /** Of the lock file, hex. */
  lockSha256: string;
  /** Rows whose originals are looked for. */
  originals: { tables: number; rows: number };
  leaks: LeakReport;
  durationMs: number;
}

/**
 * Reads the originals of all ruled columns, as they are now, and searches a database for them. Nothing is written anywhere.
 *
 * @throws HoldfastError `config` when something is not decided, `usage` when the two are one database, `source-failed`,
 *   `could-not-verify` when the copy cannot be read
 */
export async function checkCopy(settings: CheckCopySettings): Promise<CheckedCopy> {
  const { connection, copy, clock, emit, signal, secret } = settings;
  giveBackFreedBuffers();
  using _small = smallYoungHeap();
  const started = clock.monotonic();
  if (copy.host === connection.host && copy.port === connection.port && copy.database === connection.database) {
    throw new HoldfastError('usage', 'A source is no copy of itself: everything in it is an original.', {
      hint: 'Name the database for tests with --to.',
    });
  }
  const lock = await reviewedLock(settings);
  // Reading all originals first, only to find nobody there, would be a waste.
  const there = await openSession(copy, { applicationName, failure: 'could-not-verify', signal });
  await there.close();
  await using session = await openSession(connection, { applicationName, signal });
  emit({ type: 'step', text: 'Locking tables' });
  const source = await holdSource(session, { ...settings, lock, baseDirectory: dirname(settings.lockFile) });
  await using lanes = openCopyLanes(settings.jobs, signal);
  const sketch = sketchFor(source.tables, rowsOf(source));
  emit({ type: 'step', text: 'Reading originals' });
  const snapshot = { connection: session.connection, exportedSnapshot: source.exportedSnapshot };
  let rows = 0;
  const jobs = sketchRowsJobs(
    { source: snapshot, sketch, serverVersion: session.serverVersion },
    source.tables,
    (count) => {
      rows += count;
    },
  );
  const total = jobs.reduce((sum, { weight }) => sum + weight, 0);
  await new LaneJobs({ lanes, emit, activity: 'originals', total }).run(jobs);
  emit({ type: 'step', text: 'Searching the copy for originals' });
  const leaks = await checkLeaks({
    lanes,
    source: session,
    target: copy,
    sketch,
    lock,
    tables: source.tables,
    secret,
    ...(settings.quasiIdentifiers && { quasiIdentifiers: settings.quasiIdentifiers }),
    ...(settings.directories && { directories: settings.directories }),
    emit,
    signal,
  });
  return {
    source: settings.source,
    database: copy.database,
    keyFingerprint: settings.key.fingerprint,
    lockSha256: lock.sha256 ?? '',
    originals: { tables: new Set(source.tables.map(({ transform }) => transform.table)).size, rows },
    leaks,
    durationMs: clock.monotonic() - started,
  };
}
