import { availableParallelism } from 'node:os';
import { HoldfastError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { openLanes } from '../repository/lanes.ts';
import type { SourceType } from '../repository/snapshot.ts';
import { SnapshotReader } from '../repository/snapshot-reader.ts';
import type { PostgresConnection } from '../sources/postgres/connection.ts';
import type { Check, ManifestLine, RestoreContext, Shortfall } from '../sources/source.ts';
import { laneEntry } from './lane-entry.ts';
import { type FoundSnapshot, findSnapshot } from './snapshots.ts';
import type { Environment } from './source-settings.ts';

/** Where a restore goes. Nothing that exists is ever overwritten. */
export type RestoreTarget =
  /** A new database on a server. `admin` reaches the server through a database that exists. */
  | { kind: 'database'; admin: PostgresConnection; database: string }
  /** Tables into a database that exists, under a schema that does not. */
  | { kind: 'schema'; connection: PostgresConnection; intoSchema: string }
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
  env: Environment;
}

export interface RestorePlan {
  source: string;
  type: SourceType;
  snapshot: { id: string; sequence: number; time: string };
  target: RestoreTarget;
  totals: Record<string, number>;
  /** What the snapshot does not carry. */
  shortfalls: Shortfall[];
}

export interface RestoreReport extends RestorePlan {
  restored: Record<string, number>;
  durationMs: number;
}

/** A restore that has been looked at and not begun. */
export interface PreparedRestore {
  plan: RestorePlan;
  run(): Promise<RestoreReport>;
}

/**
 * Finds the snapshot, and everything it needs, and tells what a restore would do.
 *
 * @throws HoldfastError `usage` when the target does not suit the source, and what finding and opening throw
 */
export async function prepareRestore(access: RepositoryAccess, request: RestoreRequest): Promise<PreparedRestore> {
  const found = await findSnapshot(access, request.address);
  const { snapshot } = found;
  assertSuits(snapshot.type, request);
  const reader = await openReader(access, found);
  const plan: RestorePlan = {
    source: snapshot.name,
    type: snapshot.type,
    snapshot: { id: snapshot.id, sequence: snapshot.sequence, time: snapshot.time },
    target: request.target,
    totals: snapshot.totals,
    shortfalls: snapshot.shortfalls,
  };
  return {
    plan,
    run: async () => {
      const started = access.clock.monotonic();
      const { totals, shortfalls } = await withReading(access, reader, request.jobs, (context) =>
        restoreBy(snapshot.type, context, request),
      );
      return {
        ...plan,
        restored: totals,
        shortfalls: [...plan.shortfalls, ...shortfalls],
        durationMs: access.clock.monotonic() - started,
      };
    },
  };
}

/** Opens a snapshot for reading; objects that do not count are warned of. */
export function openReader(access: RepositoryAccess, { source, snapshot }: FoundSnapshot): Promise<SnapshotReader> {
  return SnapshotReader.open(access, source, snapshot, ({ object, why }) =>
    access.emit({ type: 'warning', source: source.name, text: `${object} does not count: ${why}` }),
  );
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
      const { restorePostgres } = await import('../sources/postgres/restore.ts');
      return restorePostgres(context, { ...target, tables, schemas, jobs });
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
  throw new HoldfastError('usage', 'Only a database can be restored into a database.');
}

/** @throws HoldfastError `usage` */
function assertSuits(type: SourceType, { target, tables, schemas, paths }: RestoreRequest): void {
  const wrong = (message: string, hint: string) => {
    throw new HoldfastError('usage', message, { hint });
  };
  if (type !== 'postgres' && target.kind !== 'directory') {
    wrong('This source is not a database.', 'Name a directory: --to /path');
  }
  if (type !== 'postgres' && (tables.length > 0 || schemas.length > 0)) {
    wrong('This source has no tables.', 'Use --path for parts of a tree.');
  }
  if (type !== 'files' && paths.length > 0) wrong('This source has no paths.', 'Use --table or --schema.');
  if (target.kind === 'schema' && tables.length === 0 && schemas.length === 0) {
    wrong('It is not said which tables go into that schema.', 'Name them: --table app.people');
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
