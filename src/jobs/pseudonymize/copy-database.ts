/** A pseudonymized copy of a database: definitions and rewritten rows, built beside and renamed when it is good. */

import { dirname } from 'node:path';
import { isoTime } from '../../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { giveBackFreedBuffers, smallYoungHeap } from '../../base/memory.ts';
import { copyLeaveTask } from '../../pseudonyms/copy/copy-table.ts';
import { copyRowJobs, type PlannedCopy, prepareCopy } from '../../pseudonyms/copy/row-jobs.ts';
import type { Lock } from '../../pseudonyms/lock.ts';
import { selectSubset } from '../../pseudonyms/subset/select.ts';
import type { SubsetTable } from '../../pseudonyms/subset/settings.ts';
import { tryRules } from '../../pseudonyms/try-rules.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { type PropertyStatements, planProperties } from '../../sources/postgres/database-properties.ts';
import { quoteIdentifier, quoteLiteral } from '../../sources/postgres/quote.ts';
import { buildDatabase } from '../../sources/postgres/restore-build.ts';
import { createMissingRoles } from '../../sources/postgres/restore-roles.ts';
import { createTarget } from '../../sources/postgres/restore-target.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import type { Shortfall } from '../../sources/source.ts';
import { assertNothingAgainst, reviewedLock } from './classify.ts';
import { type PreparedTree, prepareTree } from './copy-files.ts';
import { openCopyLanes } from './copy-lanes.ts';
import { copyLargeObjects, type LargeObjectRule } from './copy-large-objects.ts';
import type { CopiedTable, CopyReport, CopySettings } from './copy-settings.ts';
import { type CopySource, holdSource, rowsOf } from './copy-source.ts';
import { checkLeaks, sketchFor } from './leak-check.ts';

const applicationName = 'holdfast pseudonymize';

/**
 * Copies a database. Its name appears when everything is in it; until then the one that has the name stays as it is.
 *
 * @throws HoldfastError `config` when something is not decided, or a rule would break the copy; `target-exists`,
 *   `source-failed`, `target-failed`; then nothing of the copy is left
 */
export async function copyDatabase(settings: CopySettings): Promise<CopyReport> {
  const { clock, emit, signal, target } = settings;
  giveBackFreedBuffers();
  using _small = smallYoungHeap();
  const started = clock.monotonic();
  const lock = await reviewedLock(settings);
  await using session = await openSession(settings.connection, { applicationName, signal });
  emit({ type: 'step', text: 'Locking tables' });
  const source = await holdSource(session, { ...settings, lock, baseDirectory: dirname(settings.lockFile) });
  const { admin, database, replace } = target;
  const doomed = await assertReplaceable(settings);
  // They start while this thread and the servers have other things to do.
  await using lanes = openCopyLanes(settings.jobs, signal);
  if (settings.subset === undefined) lanes.expect(source.tables.reduce((sum, { columns }) => sum + columns.size, 0));
  await assertRulesHold(session, source, lock, settings);
  using trees = await prepareTrees(settings);
  const chosen = await chosenRows(session, source, lock, settings);
  const { tables: planned } = chosen;
  lanes.expect(planned.reduce((sum, { columns }) => sum + columns.size, 0));
  const sketch = sketchFor(planned, rowsOf(source));
  const shared = { connection: session.connection, exportedSnapshot: source.exportedSnapshot };
  prepareCopy(lanes, { source: shared, secret: settings.secret, tables: planned, sketch });
  await using unfinished = await createTarget({
    admin,
    database,
    replace: replace && doomed,
    like: source.database,
    clock,
    signal,
  });
  const { connection } = unfinished;
  const roles = await createMissingRoles(unfinished.admin, rolesOf(source));
  const copied = new Map<string, CopiedTable>();
  const { sequences } = source;
  const built = await buildDatabase(
    { lanes, emit, signal },
    {
      connection,
      place: { tablespaces: unfinished.tablespaces, withoutOwners: true, quiet: true },
      manifest: { database: source.database, tables: [], sequences, largeObjects: undefined },
      toc: source.toc,
      selection: { entry: source.wanted, named: source.wanted, rows: () => true, whole: true, leftOut: [] },
      places: lanes.count,
      isolated: true,
      rows: (sessions, plan) =>
        copyRowJobs({ lanes, emit }, sessions, plan, {
          source: shared,
          target: connection,
          secret: settings.secret,
          serverVersion: session.serverVersion,
          tables: planned,
          sequences,
          toc: source.toc,
          sketch,
          copied: ({ transform }, { rows, bytes }) => add(copied, transform.table, rows, bytes),
        }),
    },
  );
  await lanes.runInEach(copyLeaveTask, undefined);
  const rule = largeObjectRule(lock);
  const largeObjects =
    rule === undefined
      ? { objects: 0, bytes: 0 }
      : await copyLargeObjects({ source: session, target: connection, rule, key: settings.key, emit, signal });
  await runAfter(connection, settings);
  emit({ type: 'step', text: 'Searching the copy for originals' });
  const leaks = await checkLeaks({
    lanes,
    source: session,
    target: connection,
    sketch,
    lock,
    tables: planned,
    secret: settings.secret,
    quasiIdentifiers: settings.quasiIdentifiers,
    directories: trees.prepared.map(({ path }) => path),
    emit,
    signal,
  });
  const published =
    leaks.verdict === 'pass' || (leaks.verdict === 'could-not-verify' && settings.acceptUnread === true);
  const properties = await propertiesOf(unfinished.admin, source, connection.database, markOf(settings));
  const kept = target.keepReplaced === true;
  const keptAs = published
    ? await unfinished.finish((name) => [
        ...properties.statements(name),
        // In the same transaction: a kill before it is dropped leaves something that the next run knows.
        ...(doomed && !kept
          ? [`COMMENT ON DATABASE ${quoteIdentifier(database)} IS ${quoteLiteral(replacedMark)}`]
          : []),
      ])
    : undefined;
  if (keptAs !== undefined && !kept) await dropReplaced(unfinished.admin);
  if (published) for (const tree of trees.prepared) await tree.publish();
  const keep = keptAs !== undefined && kept;
  const shortfalls: Shortfall[] = [
    ...roles,
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
    lockSha256: lock.sha256 ?? '',
    published,
    ...(keep && { keptAs }),
    tables,
    totals: {
      tables: tables.length,
      rows: sum(({ rows }) => rows),
      bytes: sum(({ bytes }) => bytes),
      sequences: sequences.length,
    },
    ...(chosen.report && { subset: chosen.report }),
    largeObjects,
    trees: published ? trees.prepared.map(({ report }) => report) : [],
    leaks,
    shortfalls,
    durationMs: clock.monotonic() - started,
  };
}

/** Trees that are whole and have no name yet; gone when disposed of, but for those that were published. @throws as `prepareTree` */
async function prepareTrees({
  trees = [],
  key,
  emit,
  signal,
}: CopySettings): Promise<Disposable & { prepared: PreparedTree[] }> {
  const prepared: PreparedTree[] = [];
  const release = () => {
    for (const tree of prepared) tree[Symbol.dispose]();
  };
  try {
    for (const tree of trees) prepared.push(await prepareTree({ ...tree, replace: true, key, emit, signal }));
    return { prepared, [Symbol.dispose]: release };
  } catch (error) {
    release();
    throw error;
  }
}

/** @throws HoldfastError `config` naming the rules that a check, a domain or a bound of the copy refuses */
async function assertRulesHold(
  session: Session,
  source: CopySource,
  lock: Lock,
  settings: CopySettings,
): Promise<void> {
  settings.emit({ type: 'step', text: 'Trying the rules on some rows' });
  const { problems } = await tryRules({
    source: session,
    toc: source.toc,
    like: source.database,
    scratch: settings.target.admin,
    lock,
    catalog: source.catalog,
    facts: source.facts,
    key: settings.key,
    sampleRows: settings.sampleRows,
    baseDirectory: dirname(settings.lockFile),
    clock: settings.clock,
    signal: settings.signal,
  });
  assertNothingAgainst(settings.source, problems);
}

/** The tables with the places of the rows that they have in the copy. */
async function chosenRows(
  session: Session,
  { tables, catalog, exportedSnapshot }: CopySource,
  lock: Lock,
  { subset, emit, signal }: CopySettings,
): Promise<{ tables: PlannedCopy[]; report?: SubsetTable[] }> {
  if (subset === undefined) return { tables };
  const { connection } = session;
  const { ctids, report } = await selectSubset({
    connection,
    exportedSnapshot,
    catalog,
    links: lock.links,
    tables,
    subset,
    emit,
    signal,
  });
  const chosen = tables.map((table) => {
    const places = ctids.get(table.planned.relation.oid);
    return places === undefined ? table : { ...table, ctids: places };
  });
  return { tables: chosen, report };
}

/** The roles that policies need, without any right: who has them at the source is no matter of the copy. */
function rolesOf({ database, policyRoles }: CopySource): CopySource['database'] {
  const roles = policyRoles.map((name) => ({ ...powerlessRole, name }));
  return { ...database, roles, memberships: [] };
}

const powerlessRole = {
  superuser: false,
  inherit: true,
  createRole: false,
  createDatabase: false,
  login: false,
  replication: false,
  bypassRls: false,
  connectionLimit: -1,
  validUntil: null,
  settings: null,
  comment: null,
};

/** What the lock says of large objects; undefined when there are none. */
function largeObjectRule({ definitions }: Lock): LargeObjectRule | undefined {
  const rule = definitions.get('large objects')?.rule;
  return rule === 'keep' || rule === 'drop' || rule === 'file' ? rule : undefined;
}

/** The comment by which a copy is known: only such a database is ever replaced. */
const copyMark = 'Pseudonymized copy made by holdfast';
/** Of one that gave up its name and is not to stay. */
const replacedMark = `${copyMark}, replaced by a newer one; dropped by it or by the next run.`;

/** Drops copies that were replaced, those of killed runs too: their comment tells them, and the name that a swap gives. */
async function dropReplaced(admin: Session): Promise<void> {
  const rows = await admin.query<{ name: string }>(
    `SELECT datname::text AS name FROM pg_catalog.pg_database
     WHERE pg_catalog.shobj_description(oid, 'pg_database') = $1 AND datname ~ '_before_[0-9]{8}T[0-9]{6}Z(_[0-9]+)?$'`,
    [replacedMark],
    'Could not look for copies that were replaced.',
  );
  for (const { name } of rows) {
    await admin.run(
      `DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`,
      `Could not drop the database ${name}.`,
    );
  }
}

/**
 * @returns whether there is a copy that gives up its name
 * @throws HoldfastError `target-exists` when what has the name is no copy, or the very database that is copied
 */
async function assertReplaceable({ target, connection, source, signal }: CopySettings): Promise<boolean> {
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
  await dropReplaced(session);
  if (row === undefined || row.comment?.startsWith(copyMark)) return row !== undefined;
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
