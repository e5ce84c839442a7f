/** A pseudonymized copy of a database: definitions and rewritten rows, built beside and renamed when it is good. */
import { isoTime } from '../../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { copyLeaveTask } from '../../pseudonyms/copy/copy-table.ts';
import { copyRowJobs } from '../../pseudonyms/copy/row-jobs.ts';
import { openLanes } from '../../repository/lanes.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { type PropertyStatements, planProperties } from '../../sources/postgres/database-properties.ts';
import { quoteIdentifier } from '../../sources/postgres/quote.ts';
import { buildDatabase } from '../../sources/postgres/restore-build.ts';
import { createTarget } from '../../sources/postgres/restore-target.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import type { Shortfall } from '../../sources/source.ts';
import { reviewedLock } from './classify.ts';
import type { CopiedTable, CopyReport, CopySettings } from './copy-settings.ts';
import { type CopySource, holdSource } from './copy-source.ts';
import { copyLaneEntry } from './lane-entry.ts';

const applicationName = 'holdfast pseudonymize';

/**
 * Copies a database. Its name appears when everything is in it; until then the one that has the name stays as it is.
 *
 * @throws HoldfastError `config` when something is not decided, or a rule would break the copy; `target-exists`,
 *   `source-failed`, `target-failed`; then nothing of the copy is left
 */
export async function copyDatabase(settings: CopySettings): Promise<CopyReport> {
  const { clock, emit, signal, target } = settings;
  const started = clock.monotonic();
  const lock = await reviewedLock(settings);
  await using session = await openSession(settings.connection, { applicationName, signal });
  emit({ type: 'step', text: 'Locking tables' });
  const source = await holdSource(session, { ...settings, lock });
  await using lanes = openLanes({ entry: copyLaneEntry(), count: settings.jobs, port: {}, signal });
  lanes.expect(source.tables.reduce((sum, { columns }) => sum + columns.size, 0));
  const { admin, database, replace } = target;
  await assertReplaceable(settings);
  await using unfinished = await createTarget({ admin, database, replace, like: source.database, clock, signal });
  const { connection } = unfinished;
  const copied = new Map<string, CopiedTable>();
  const { sequences } = source;
  const built = await buildDatabase(
    { lanes, emit, signal },
    {
      connection,
      place: { tablespaces: unfinished.tablespaces, withoutOwners: true },
      manifest: { database: source.database, tables: [], sequences, largeObjects: undefined },
      toc: source.toc,
      selection: { entry: source.wanted, named: source.wanted, rows: () => true, whole: true, leftOut: [] },
      places: lanes.count,
      isolated: true,
      rows: (sessions, plan) =>
        copyRowJobs({ lanes, emit }, sessions, plan, {
          source: { connection: session.connection, exportedSnapshot: source.exportedSnapshot },
          target: connection,
          secret: settings.secret,
          serverVersion: session.serverVersion,
          tables: source.tables,
          sequences,
          toc: source.toc,
          copied: ({ transform }, { rows, bytes }) => add(copied, transform.table, rows, bytes),
        }),
    },
  );
  await lanes.runInEach(copyLeaveTask, undefined);
  await runAfter(connection, settings);
  const properties = await propertiesOf(unfinished.admin, source, connection.database, markOf(settings));
  const keptAs = await unfinished.finish(properties.statements);
  const keep = keptAs !== undefined && target.keepReplaced === true;
  if (keptAs !== undefined && !keep) {
    await unfinished.admin.run(`DROP DATABASE IF EXISTS ${quoteIdentifier(keptAs)} WITH (FORCE)`);
  }
  const shortfalls: Shortfall[] = [
    ...built.shortfalls,
    ...properties.shortfalls,
    ...source.omitted.map(({ object, reason }) => ({ object, reason, degrades: false })),
  ];
  const tables = tablesOf(source, copied);
  const sum = (of: (table: CopiedTable) => number) => tables.reduce((total, table) => total + of(table), 0);
  return {
    source: settings.source,
    keyFingerprint: settings.key.fingerprint,
    database,
    ...(keep && { keptAs }),
    tables,
    totals: {
      tables: tables.length,
      rows: sum(({ rows }) => rows),
      bytes: sum(({ bytes }) => bytes),
      sequences: sequences.length,
    },
    shortfalls,
    durationMs: clock.monotonic() - started,
  };
}

/** The comment by which a copy is known: only such a database is ever replaced. */
const copyMark = 'Pseudonymized copy made by holdfast';

/** @throws HoldfastError `target-exists` when what has the name is no copy, or the very database that is copied */
async function assertReplaceable({ target, connection, source, signal }: CopySettings): Promise<void> {
  const { admin, database } = target;
  if (admin.host === connection.host && admin.port === connection.port && database === connection.database) {
    throw new HoldfastError('usage', 'A copy cannot take the place of its own source.', {
      hint: 'Give it another name, or another server.',
    });
  }
  await using session = await openSession(admin, { applicationName, failure: 'target-failed', signal });
  const [row] = await session.query<{ comment: string | null }>(
    `SELECT pg_catalog.shobj_description(oid, 'pg_database') AS comment FROM pg_catalog.pg_database WHERE datname = $1`,
    [database],
  );
  if (row === undefined || row.comment?.startsWith(copyMark)) return;
  throw new HoldfastError('target-exists', `The database ${JSON.stringify(database)} is no copy made by Holdfast.`, {
    why: `Its comment does not begin with "${copyMark}", so it may be somebody's only one.`,
    hint: `Give the copy of ${source} another name; or, if it may go, run: COMMENT ON DATABASE "${database}" IS '${copyMark}';`,
  });
}

function add(copied: Map<string, CopiedTable>, table: string, rows: number, bytes: number): void {
  const before = copied.get(table);
  copied.set(table, {
    table,
    rows: (before?.rows ?? 0) + rows,
    bytes: (before?.bytes ?? 0) + bytes,
    ruled: 0,
    emptied: false,
  });
}

/** Every table once, partitions with their root, also those that had no row to copy. */
function tablesOf({ tables }: CopySource, copied: ReadonlyMap<string, CopiedTable>): CopiedTable[] {
  const listed = new Map<string, CopiedTable>();
  for (const { transform } of tables) {
    const { table, ruled, emptied } = transform;
    const found = copied.get(table) ?? { rows: 0, bytes: 0 };
    listed.set(table, { ...found, table, ruled: ruled.length, emptied });
  }
  return [...listed.values()].sort((a, b) => (a.table < b.table ? -1 : 1));
}

/** @throws HoldfastError `config` naming what was run, with the server's message: it is the operator's own text */
async function runAfter(connection: PostgresConnection, { after, emit, signal }: CopySettings): Promise<void> {
  if (after.length === 0) return;
  emit({ type: 'step', text: 'Running what comes after the rows' });
  await using session = await openSession(connection, { applicationName, failure: 'target-failed', signal });
  for (const { name, sql } of after) {
    const what = `Could not run ${name} in the copy.`;
    try {
      await session.run('BEGIN');
      await session.run(sql, what);
      await session.run('COMMIT', what);
    } catch (error) {
      if (isHoldfastError(error)) throw error;
      throw new HoldfastError('target-failed', what, { cause: error });
    }
  }
}

function markOf({ source, key, clock }: CopySettings): string {
  return `${copyMark} of ${source}, ${isoTime(clock.now())}, key ${key.fingerprint}. Still personal data.`;
}

/** Settings of the database itself, such as its search path; its owner, rights and comment are production's. */
async function propertiesOf(
  admin: Session,
  { database }: CopySource,
  name: string,
  comment: string,
): Promise<PropertyStatements> {
  const [row] = await admin.query<{ role: string }>('SELECT current_user::text AS role');
  const settings = database.settings.filter(({ role }) => role === null);
  const like = { ...database, owner: row!.role, acl: null, comment, settings, securityLabels: [] };
  return planProperties(
    admin,
    { ...like, connectionLimit: -1, isTemplate: false, allowConnections: true },
    quoteIdentifier(name),
  );
}
