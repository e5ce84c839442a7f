import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { type PartWanted, type Selection, selectEntries } from './archive-selection.ts';
import { describeEntry } from './archive-statements.ts';
import { type ArchiveToc, readToc, type TocEntry } from './archive-toc.ts';
import type { PostgresConnection } from './connection.ts';
import { dumpArchive, type Environment, findDump } from './dump-archive.ts';
import type { TableLine } from './manifest.ts';
import { type PostgresManifest, readManifest } from './manifest-read.ts';
import { type MovedTables, moveTables } from './move-tables.ts';
import { displayName, quoteIdentifier, quoteLiteral, quoteQualified } from './quote.ts';
import { buildDatabase } from './restore-build.ts';
import { createTarget } from './restore-target.ts';
import { openSession, type Session } from './session.ts';

export interface RestoreIntoSettings extends PartWanted {
  /** To the database that gets the tables; its role must be allowed to create schemas, and databases. */
  connection: PostgresConnection;
  /** Must not exist in it. */
  intoSchema: string;
  /** Path of the pg_dump to use; found by itself when left out. */
  pgDump?: string | undefined;
  env: Environment;
}

/** What would tie the copies to the tables beside them, or give others rights to them. */
const leftOut = new Set([
  'ACL',
  'DEFAULT ACL',
  'FK CONSTRAINT',
  'POLICY',
  'ROW SECURITY',
  'RULE',
  'SECURITY LABEL',
  'STATISTICS',
  'TRIGGER',
]);
/** Of those, what is told table by table; rights are always left to the one who restores. */
const told = /^(FK CONSTRAINT|POLICY|ROW SECURITY|RULE|STATISTICS|TRIGGER)$/;

/**
 * Restores tables into a database that exists, under a schema that does not: columns, defaults, primary keys, indexes
 * and checks, no foreign keys, triggers and rules. They belong to the role that restores.
 *
 * The server itself rewrites the definitions: they are restored without rows into a scratch database, moved to the new
 * schema there, and dumped again. Until all rows are in, the schema has another name.
 *
 * @throws HoldfastError `target-exists`, `not-found`, `usage`, `target-failed`
 */
export async function restoreTablesInto(
  context: RestoreContext,
  settings: RestoreIntoSettings,
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[] }> {
  const { connection, intoSchema } = settings;
  const manifest = await readManifest(context.lines());
  const toc = readToc(await context.reader.whole(manifest.archive.stream));
  const selection = selectEntries(toc, manifest.database, settings);
  const lines = selectedTables(manifest, selection);
  await using session = await openSession(connection, {
    applicationName: 'holdfast restore',
    failure: 'target-failed',
    signal: context.signal,
  });
  await prepareSchema(session, intoSchema);
  const hidden = hiddenName(intoSchema);
  const shortfalls = reportLeftOut(toc, selection);

  context.emit({ type: 'step', text: 'Preparing definitions' });
  const { moved, archive } = await rewriteDefinitions(context, settings, { manifest, toc, selection, hidden });
  for (const { table, reason } of moved.changed) shortfalls.push({ object: table, reason, degrades: false });

  try {
    await session.run(
      `CREATE SCHEMA ${quoteIdentifier(hidden)};
       COMMENT ON SCHEMA ${quoteIdentifier(hidden)} IS ${quoteLiteral(marker(intoSchema))}`,
      `Could not create a schema for ${JSON.stringify(intoSchema)}.`,
    );
    const built = await buildDatabase(context, {
      connection,
      place: { tablespaces: new Set(), withoutOwners: true },
      manifest: underSchema(manifest, lines, moved, hidden),
      toc: archive,
      selection: partOf((entry) => entry.namespace === hidden && entry.desc !== 'ACL', true),
      places: context.lanes.count,
      analyze: { schema: hidden },
    });
    shortfalls.push(...built.shortfalls);
    await assertAbsent(session, intoSchema);
    await session.run(
      `BEGIN; COMMENT ON SCHEMA ${quoteIdentifier(hidden)} IS NULL;
       ALTER SCHEMA ${quoteIdentifier(hidden)} RENAME TO ${quoteIdentifier(intoSchema)}; COMMIT`,
      `Could not give the restored schema its name ${JSON.stringify(intoSchema)}.`,
    );
    return { totals: built.totals, shortfalls };
  } catch (error) {
    // Without a connection the next restore finds it by its mark.
    await session.run(`ROLLBACK; DROP SCHEMA IF EXISTS ${quoteIdentifier(hidden)} CASCADE`).catch(() => {});
    throw error;
  }
}

/** @throws HoldfastError `usage` when there are none, or two of one name */
function selectedTables(manifest: PostgresManifest, selection: Selection): TableLine[] {
  if (selection.whole) throw new HoldfastError('usage', 'It is not said which tables go into that schema.');
  const lines = manifest.tables.filter((line) => selection.rows(line) && line.extension === undefined);
  if (lines.length === 0) throw new HoldfastError('not-found', 'What was named holds no table with rows.');
  const names = new Map<string, TableLine>();
  for (const line of lines) {
    const other = names.get(line.name);
    names.set(line.name, line);
    if (other === undefined) continue;
    const both = [other, line].map(({ schema, name }) => displayName(schema, name)).join(' and ');
    throw new HoldfastError('usage', `Two tables would get the same name: ${both}.`, {
      hint: 'Restore them into two schemas.',
    });
  }
  return lines;
}

function marker(schema: string): string {
  return `Unfinished restore into ${JSON.stringify(schema)} by holdfast; dropped by the next one.`;
}

function hiddenName(schema: string): string {
  return `holdfast_${randomBytes(6).toString('hex')}_${Buffer.from(schema).subarray(0, 20).toString('hex')}`;
}

/** @throws HoldfastError `target-exists` */
async function prepareSchema(session: Session, schema: string): Promise<void> {
  if (schema === '' || Buffer.byteLength(schema) > 63) {
    throw new HoldfastError('usage', `${JSON.stringify(schema)} cannot be the name of a schema.`);
  }
  await assertAbsent(session, schema);
  const [lock] = await session.query<{ taken: boolean }>(
    `SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0)) AS taken`,
    [marker(schema)],
  );
  if (!lock!.taken) {
    throw new HoldfastError('target-exists', `Another restore is making the schema ${JSON.stringify(schema)}.`, {
      hint: 'Wait for it, or name another schema.',
    });
  }
  const leftovers = await session.query<{ name: string }>(
    `SELECT nspname::text AS name FROM pg_catalog.pg_namespace
     WHERE nspname LIKE 'holdfast\\_%' AND pg_catalog.obj_description(oid, 'pg_namespace') = $1`,
    [marker(schema)],
  );
  for (const { name } of leftovers) {
    await session.run(`DROP SCHEMA ${quoteIdentifier(name)} CASCADE`, 'Could not drop an unfinished schema.');
  }
}

async function assertAbsent(session: Session, schema: string): Promise<void> {
  const found = await session.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema]);
  if (found.length === 0) return;
  throw new HoldfastError('target-exists', `The schema ${JSON.stringify(schema)} exists already.`, {
    why: 'A restore never goes over something that is there.',
    hint: 'Name another schema.',
  });
}

function reportLeftOut(toc: ArchiveToc, selection: Selection): Shortfall[] {
  const reason = 'It is left out: it would tie the copy to what is beside it.';
  return toc.entries
    .filter((entry) => selection.entry(entry) && told.test(entry.desc))
    .map((entry) => ({ object: describeEntry(entry), reason, degrades: false }))
    .concat(selection.leftOut.map((left) => ({ ...left, degrades: false })))
    .concat(reportRights(toc, selection));
}

/** One line for all: there may be hundreds. */
function reportRights(toc: ArchiveToc, selection: Selection): Shortfall[] {
  const copied = new Set(
    toc.entries
      .filter((entry) => /^(TABLE|SEQUENCE)$/.test(entry.desc) && selection.entry(entry))
      .map(({ dumpId }) => dumpId),
  );
  const about = (desc: string) =>
    toc.entries.filter((entry) => entry.desc === desc && entry.dependencies.some((id) => copied.has(id))).length;
  const [lists, labels] = [about('ACL'), about('SECURITY LABEL')];
  const line = (object: string, count: number) => ({
    object,
    reason: `${count} left out: everything in the copy belongs to the role that restores, and to nobody else.`,
    degrades: false,
  });
  return [
    ...(lists > 0 ? [line('privileges of its tables, columns and sequences', lists)] : []),
    ...(labels > 0 ? [line('security labels', labels)] : []),
  ];
}

interface Wanted {
  manifest: PostgresManifest;
  toc: ArchiveToc;
  selection: Selection;
  hidden: string;
}

/** The definitions of the wanted tables as they are in the schema `hidden`, by way of a scratch database. */
async function rewriteDefinitions(
  context: RestoreContext,
  settings: RestoreIntoSettings,
  { manifest, toc, selection, hidden }: Wanted,
): Promise<{ moved: MovedTables; archive: ArchiveToc }> {
  await using scratch = await createTarget({
    admin: settings.connection,
    // Never given its name: it is dropped at the end, or by the next restore into that schema.
    database: `scratch_${Buffer.from(settings.intoSchema).subarray(0, 20).toString('hex')}`,
    like: manifest.database,
    clock: context.clock,
    signal: context.signal,
  });
  await buildDatabase(context, {
    connection: scratch.connection,
    place: { tablespaces: new Set(), withoutOwners: true },
    manifest,
    toc,
    selection: partOf((entry) => selection.entry(entry) && !leftOut.has(entry.desc), false),
    places: context.lanes.count,
    withoutRows: true,
    isolated: true,
  });
  await using session = await openSession(scratch.connection, {
    applicationName: 'holdfast restore',
    failure: 'target-failed',
    signal: context.signal,
  });
  const tables = toc.entries
    .filter((entry) => entry.desc === 'TABLE' && selection.named(entry))
    .map(({ namespace, tag }) => ({ schema: namespace, name: tag }));
  const moved = await moveTables(session, tables, hidden);
  const program = await findDump(session.serverVersion, settings.env, settings.pgDump);
  await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const [exported] = await session.query<{ id: string }>('SELECT pg_catalog.pg_export_snapshot() AS id');
  const pieces: Uint8Array[] = [];
  await dumpArchive(
    session,
    {
      program,
      exportedSnapshot: exported!.id,
      lockTimeout: 30_000,
      exclude: [],
      environment: settings.env,
      signal: context.signal,
    },
    async (bytes) => void pieces.push(Buffer.from(bytes)),
  );
  await session.run('COMMIT');
  return { moved, archive: readToc(Buffer.concat(pieces)) };
}

function partOf(entry: (entry: TocEntry) => boolean, rows: boolean): Selection {
  return { whole: false, leftOut: [], named: entry, entry, rows: () => rows };
}

/** The manifest of the wanted tables as if they had always been in that schema. */
function underSchema(
  manifest: PostgresManifest,
  lines: readonly TableLine[],
  moved: MovedTables,
  schema: string,
): PostgresManifest {
  const sequences = new Set(moved.sequences.map((sequence) => quoteQualified(sequence.schema, sequence.name)));
  return {
    ...manifest,
    database: { ...manifest.database, hasPublicSchema: true },
    tables: lines.map((line) => ({
      ...line,
      schema,
      ...(line.loadThrough === undefined ? {} : { loadThrough: { schema, name: line.loadThrough.name } }),
    })),
    sequences: manifest.sequences
      .filter((line) => sequences.has(quoteQualified(line.schema, line.name)))
      .map((line) => ({ ...line, schema })),
    largeObjects: undefined,
    omitted: [],
  };
}
