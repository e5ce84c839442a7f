import { availableParallelism } from 'node:os';
import { HoldfastError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { openLanes } from '../repository/lanes.ts';
import type { SourceType } from '../repository/snapshot.ts';
import { SnapshotReader } from '../repository/snapshot-reader.ts';
import type { PostgresConnection } from '../sources/postgres/connection.ts';
import type { Outlook } from '../sources/postgres/restore-inspect.ts';
import type { ReplacedDatabase } from '../sources/postgres/restore-swap.ts';
import type { Check, ManifestLine, RestoreContext, Shortfall } from '../sources/source.ts';
import { IgnoredWarnings } from './ignored-warnings.ts';
import { laneEntry } from './lane-entry.ts';
import { type FoundSnapshot, findSnapshot } from './snapshots.ts';
import type { Environment } from './source-settings.ts';

/** Where a restore goes. Nothing that exists is ever overwritten. */
export type RestoreTarget =
  /** A new database on a server. `admin` reaches the server through a database that exists. */
  | { kind: 'database'; admin: PostgresConnection; database: string }
  /** Tables into a database that exists, under a schema that does not. */
  | { kind: 'schema'; connection: PostgresConnection; intoSchema: string }
  /** Roles, memberships, settings into a cluster that is reached through any of its databases. */
  | { kind: 'cluster'; connection: PostgresConnection }
  /** A tree of files; of a database its schema archive and one COPY file for each table; the file of a command. */
  | { kind: 'directory'; path: string };

export interface RestoreRequest {
  /** `source@…` */
  address: string;
  target: RestoreTarget;
  /** Of a database: only these tables. A table without a schema means every table of that name. */
  tables: { schema?: string; name: string }[];
  schemas: string[];
  /** Of a tree: only these paths and what is under them. */
  paths: string[];
  /** Of a tree: a directory in which a restore was interrupted is emptied, and begun again. Nothing else ever is. */
  overwrite?: boolean;
  /** Lanes; the number of cores unless given. */
  jobs?: number;
  /** Only of a database, like all below: built beside one that has the name, compared, and put in its place. */
  swap?: boolean;
  /** Rows and values of sequences alone, into a database that has the tables. */
  dataOnly?: boolean;
  /** Everything but rows, values of sequences, large objects, and content of materialized views. */
  schemaOnly?: boolean;
  /** New role by role of the snapshot. */
  roleMap?: ReadonlyMap<string, string>;
  /** New tablespace by tablespace of the snapshot; an empty new one is the default. Into a cluster: its new directory. */
  tablespaceMap?: ReadonlyMap<string, string>;
  env: Environment;
}

export interface RestorePlan {
  source: string;
  type: SourceType;
  snapshot: { id: string; sequence: number; time: string };
  target: RestoreTarget;
  totals: Record<string, number>;
  /** What the snapshot does not carry, and what the target cannot take as it was. */
  shortfalls: Shortfall[];
  /** The database that a swap takes the name of; undefined when none has it. */
  replaces: ReplacedDatabase | undefined;
}

export interface RestoreReport extends RestorePlan {
  restored: Record<string, number>;
  /** The name under which a swap keeps the database that was there. */
  keptAs: string | undefined;
  durationMs: number;
}

/** A restore that has been looked at and not begun. */
export interface PreparedRestore {
  plan: RestorePlan;
  run(): Promise<RestoreReport>;
}

/**
 * Finds the snapshot, and everything it needs, looks at the server that a database goes to, and tells what a restore
 * would do.
 *
 * @throws HoldfastError `usage` when the target does not suit the source; whatever would stop the restore on the server:
 *   `target-exists`, `target-failed`, `not-found`; and what finding and opening throw
 */
export async function prepareRestore(access: RepositoryAccess, request: RestoreRequest): Promise<PreparedRestore> {
  const found = await findSnapshot(access, request.address);
  const { snapshot } = found;
  assertSuits(snapshot.type, request);
  const reader = await openReader(access, found);
  const outlook = await inspect(snapshot.type, access, reader, request);
  const plan: RestorePlan = {
    source: snapshot.name,
    type: snapshot.type,
    snapshot: { id: snapshot.id, sequence: snapshot.sequence, time: snapshot.time },
    target: request.target,
    totals: snapshot.totals,
    shortfalls: [...snapshot.shortfalls, ...outlook.shortfalls],
    replaces: outlook.replaces,
  };
  return {
    plan,
    run: async () => {
      const started = access.clock.monotonic();
      const { totals, shortfalls, keptAs } = await withReading(access, reader, request.jobs, (context) =>
        restoreBy(snapshot.type, context, request),
      );
      return {
        ...plan,
        restored: totals,
        shortfalls: [...snapshot.shortfalls, ...shortfalls],
        keptAs,
        durationMs: access.clock.monotonic() - started,
      };
    },
  };
}

/** Opens a snapshot for reading; objects that do not count are warned of. */
export async function openReader(
  access: RepositoryAccess,
  { source, snapshot }: FoundSnapshot,
): Promise<SnapshotReader> {
  const warnings = new IgnoredWarnings(access.emit, source.name);
  const reader = await SnapshotReader.open(access, source, snapshot, warnings.ignore);
  warnings.rest();
  return reader;
}

/** Runs `work` with lanes that read a snapshot. */
export async function withReading<T>(
  access: RepositoryAccess,
  reader: SnapshotReader,
  jobs: number | undefined,
  work: (context: RestoreContext) => Promise<T>,
): Promise<T> {
  const { emit, clock, signal } = access;
  await using lanes = openLanes({
    entry: laneEntry(),
    count: jobs ?? availableParallelism(),
    reading: reader.settings,
    port: reader,
    signal,
  });
  lanes.expect([...reader.packs.values()].reduce((sum, size) => sum + size, 0));
  return await work({
    lanes,
    lines: () => reader.lines<ManifestLine>(),
    reader: reader.streams,
    rowKey: reader.rowKey,
    emit,
    clock,
    signal,
  });
}

interface Restored {
  totals: Record<string, number>;
  shortfalls: Shortfall[];
  keptAs?: string | undefined;
}

/** Looks at the server that a database, or its rows, go to. */
async function inspect(
  type: SourceType,
  { signal }: RepositoryAccess,
  reader: SnapshotReader,
  request: RestoreRequest,
): Promise<Outlook> {
  const { target, tables, schemas, dataOnly } = request;
  const nothing = { shortfalls: [], replaces: undefined };
  if (type !== 'postgres' || target.kind !== 'database') return nothing;
  const context = { lines: () => reader.lines<ManifestLine>(), reader: reader.streams, signal };
  if (dataOnly) {
    const { inspectDataTarget } = await import('../sources/postgres/restore-data-only.ts');
    await inspectDataTarget(context, { connection: databaseOf(target), tables, schemas });
    return nothing;
  }
  const { inspectTarget } = await import('../sources/postgres/restore-inspect.ts');
  return inspectTarget(context, { ...target, tables, schemas, ...choicesOf(request) });
}

function databaseOf({ admin, database }: Extract<RestoreTarget, { kind: 'database' }>): PostgresConnection {
  return { ...admin, database };
}

function choicesOf({ swap, schemaOnly, roleMap, tablespaceMap, env }: RestoreRequest) {
  return {
    swap: swap === true ? { env } : undefined,
    schemaOnly: schemaOnly === true,
    maps: { roles: roleMap, tablespaces: tablespaceMap },
  };
}

async function restoreBy(type: SourceType, context: RestoreContext, request: RestoreRequest): Promise<Restored> {
  const { target, env, tables, schemas, paths, jobs } = request;
  switch (type) {
    case 'postgres': {
      if (target.kind === 'directory') {
        const { restoreToDirectory } = await import('../sources/postgres/restore-directory.ts');
        return restoreToDirectory(context, { target: target.path, tables, schemas });
      }
      if (target.kind === 'schema') {
        const { restoreTablesInto } = await import('../sources/postgres/restore-into.ts');
        return restoreTablesInto(context, { ...target, tables, schemas, env });
      }
      if (target.kind === 'cluster') throw notADatabase();
      if (request.dataOnly === true) {
        const { restoreDataOnly } = await import('../sources/postgres/restore-data-only.ts');
        return restoreDataOnly(context, { connection: databaseOf(target), tables, schemas });
      }
      const { restorePostgres } = await import('../sources/postgres/restore.ts');
      return restorePostgres(context, { ...target, tables, schemas, jobs, ...choicesOf(request) });
    }
    case 'postgres-globals': {
      if (target.kind === 'cluster') {
        const { restoreGlobals } = await import('../sources/postgres-globals/restore.ts');
        return restoreGlobals(context, { connection: target.connection, tablespaceMap: request.tablespaceMap });
      }
      const { restoreGlobalsScript } = await import('../sources/postgres-globals/restore-script.ts');
      return restoreGlobalsScript(context, { target: directoryOf(target) });
    }
    case 'files': {
      const { restoreFiles } = await import('../sources/files/restore.ts');
      const { overwrite = false } = request;
      return restoreFiles(context, { target: directoryOf(target), overwrite, ...(paths.length > 0 && { paths }) });
    }
    case 'command': {
      const { restoreCommand } = await import('../sources/command/restore.ts');
      return restoreCommand(context, { target: directoryOf(target) });
    }
  }
}

function directoryOf(target: RestoreTarget): string {
  if (target.kind === 'directory') return target.path;
  throw notADatabase();
}

function notADatabase(): HoldfastError {
  return new HoldfastError('usage', 'Only a database can be restored into a database.');
}

/** @throws HoldfastError `usage` */
function assertSuits(type: SourceType, request: RestoreRequest): void {
  const { target, tables, schemas, paths } = request;
  const wrong = (message: string, hint: string) => {
    throw new HoldfastError('usage', message, { hint });
  };
  const isCluster = target.kind === 'cluster';
  if (type === 'postgres-globals' && !isCluster && target.kind !== 'directory') {
    wrong('This source is a whole cluster, no database.', 'Name a server: --to postgres://admin@host/');
  }
  if (isCluster && type !== 'postgres-globals') {
    wrong('Only globals go into a whole cluster.', 'Name the database: --to postgres://user@host/name');
  }
  if (type !== 'postgres' && !isCluster && target.kind !== 'directory') {
    wrong('This source is not a database.', 'Name a directory: --to /path');
  }
  if (type !== 'postgres' && (tables.length > 0 || schemas.length > 0)) {
    wrong('This source has no tables.', 'Use --path for parts of a tree.');
  }
  if (type !== 'files' && paths.length > 0) wrong('This source has no paths.', 'Use --table or --schema.');
  assertFit(type, request);
  if (target.kind === 'schema' && tables.length === 0 && schemas.length === 0) {
    wrong('It is not said which tables go into that schema.', 'Name them: --table app.people');
  }
}

/** Choices that only a new database has, or that exclude each other. @throws HoldfastError `usage` */
function assertFit(type: SourceType, request: RestoreRequest): void {
  const { target, swap, dataOnly, schemaOnly, roleMap, tablespaceMap, overwrite } = request;
  const part = request.tables.length > 0 || request.schemas.length > 0;
  const given = [
    ...(swap ? ['--swap'] : []),
    ...(dataOnly ? ['--data-only'] : []),
    ...(schemaOnly ? ['--schema-only'] : []),
    ...((roleMap?.size ?? 0) > 0 ? ['--role-map'] : []),
    ...((tablespaceMap?.size ?? 0) > 0 ? ['--tablespace-map'] : []),
  ];
  const wrong = (message: string, hint: string) => {
    throw new HoldfastError('usage', message, { hint });
  };
  const onlyTablespaces = given.length === 1 && given[0] === '--tablespace-map';
  if (target.kind === 'cluster' && onlyTablespaces) return;
  if (given.length > 0 && (type !== 'postgres' || target.kind !== 'database')) {
    const into = target.kind === 'schema' ? ', and not with --into-schema' : '';
    wrong(`${given.join(', ')}: only where a database is restored into a database${into}.`, 'Leave it out.');
  }
  if (dataOnly && given.length > 1) {
    wrong(`--data-only does not go with ${given.filter((flag) => flag !== '--data-only').join(', ')}.`, 'Choose one.');
  }
  if (swap && schemaOnly) wrong('--swap does not go with --schema-only: the rows would be gone.', 'Choose one.');
  if (swap && part) {
    wrong('Only a whole database can take the place of another.', 'Leave out --table and --schema, or --swap.');
  }
  if (overwrite && type !== 'files') {
    wrong('--overwrite is for trees of files.', 'A database is put in the place of another by --swap.');
  }
}

export interface ComparisonReport {
  source: string;
  snapshot: { id: string; sequence: number; time: string };
  /** Comparisons that came out equal. */
  equal: number;
  /** All others. */
  checks: Check[];
  durationMs: number;
}

/**
 * Compares what was restored with the snapshot, entry by entry.
 *
 * @param target a database, or the directory of a tree
 */
export async function compareRestored(
  access: RepositoryAccess,
  request: { address: string; target: { connection: PostgresConnection } | { directory: string }; env: Environment },
): Promise<ComparisonReport> {
  const started = access.clock.monotonic();
  const found = await findSnapshot(access, request.address);
  const { snapshot } = found;
  const reader = await openReader(access, found);
  const { target } = request;
  const { checks, equal } = await withReading(access, reader, undefined, async (context) => {
    if (snapshot.type === 'postgres' && 'connection' in target) {
      const { compareDatabase } = await import('../sources/postgres/compare.ts');
      return compareDatabase(context, { connection: target.connection, env: request.env });
    }
    if (snapshot.type === 'postgres-globals' && 'connection' in target) {
      const { compareGlobals } = await import('../sources/postgres-globals/compare.ts');
      return compareGlobals(context, { connection: target.connection });
    }
    if (snapshot.type === 'files' && 'directory' in target) {
      const { compareTree } = await import('../sources/files/compare.ts');
      return compareTree(context, target.directory);
    }
    throw new HoldfastError('usage', 'This source cannot be compared with that.');
  });
  return {
    source: snapshot.name,
    snapshot: { id: snapshot.id, sequence: snapshot.sequence, time: snapshot.time },
    equal,
    checks,
    durationMs: access.clock.monotonic() - started,
  };
}
