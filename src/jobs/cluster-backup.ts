import { HoldfastError, type PlainError, toPlainError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { databaseOf, memberName } from '../repository/source-name.ts';
import { type ClusterRoster, clusterRoster } from '../repository/source-roster.ts';
import {
  type ClusterDatabases,
  hasDatabase,
  type ListedDatabase,
  listDatabases,
  noSuchDatabase,
} from '../sources/postgres/cluster-databases.ts';
import { newestSnapshot } from './newest-snapshot.ts';
import type { ClusterSettings, PostgresSettings } from './source-settings.ts';

/** What a run found out about a cluster as a whole. */
export interface ClusterReport {
  /** Name of the cluster in the configuration. */
  source: string;
  /** How many of its databases were to be backed up. */
  databases: number;
  /** Sources that had no backup before this run. */
  added: string[];
  /** Databases that `exclude` leaves out. */
  excluded: string[];
  /** Databases that should be backed up and cannot be connected to by anybody. */
  notTaken: { database: string; reason: string; hint: string }[];
  /** Databases that the server no longer has, and of which there are backups. */
  dropped: { source: string; database: string; snapshot: { id: string; sequence: number; time: string } }[];
  /** Databases that were dropped while the run went on. */
  gone: string[];
}

/** What is done with each database; each gives a report. */
export interface MemberWork<Report extends { error?: PlainError }> {
  run(member: PostgresSettings): Promise<Report>;
  /** A report on what was not even begun. */
  fail(source: string, error: unknown): Report;
}

/**
 * Backs up the databases of a cluster, one after the other, as the server lists them now.
 *
 * @returns `cluster` is missing when the list could not be read; then `reports` says why
 */
export async function backupCluster<Report extends { error?: PlainError }>(
  access: RepositoryAccess,
  settings: ClusterSettings,
  { run, fail }: MemberWork<Report>,
): Promise<{ cluster?: ClusterReport; reports: Report[] }> {
  const { emit, signal } = access;
  const { name, connection } = settings;
  let listed: ClusterDatabases;
  let roster: ClusterRoster;
  try {
    const choice = { databases: settings.databases, exclude: settings.excludeDatabases };
    listed = await listDatabases(connection, choice, signal);
    roster = await clusterRoster(access, name);
  } catch (error) {
    signal.throwIfAborted();
    return { reports: [fail(name, error)] };
  }
  const known = new Set(roster.names);
  const wanted = settings.only ? namedOnes(settings, listed) : listed.chosen;
  const reports: Report[] = [];
  const cluster: ClusterReport = {
    source: name,
    databases: wanted.length,
    added: [],
    excluded: listed.excluded,
    notTaken: [],
    dropped: [],
    gone: [],
  };
  if (!settings.only) {
    for (const pattern of listed.unused) {
      emit({ type: 'warning', source: name, text: `The pattern ${pattern} fits no database.` });
    }
    cluster.dropped = await droppedOnes(access, name, roster, listed);
    // Named, and neither there nor ever backed up: a mistake, that nobody would notice otherwise.
    for (const database of listed.missing) {
      const source = memberName(name, database);
      if (!known.has(source)) reports.push(fail(source, noSuchDatabase(connection, database)));
    }
  }
  for (const [index, { name: database, obstacle }] of wanted.entries()) {
    signal.throwIfAborted();
    const source = memberName(name, database);
    if (obstacle?.kind === 'closed') {
      cluster.notTaken.push({ database, reason: obstacle.reason, hint: obstacle.hint });
      continue;
    }
    emit({
      type: 'progress',
      activity: `Backing up ${name}`,
      done: index,
      total: wanted.length,
      unit: 'items',
      detail: source,
    });
    if (obstacle) {
      const { reason: why, hint } = obstacle;
      const error = new HoldfastError('source-failed', `The database ${database} cannot be backed up.`, { why, hint });
      reports.push(fail(source, error));
      continue;
    }
    const { excludeTables, jobs } = settings;
    const report = await run({
      name: source,
      type: 'postgres',
      connection: { ...connection, database },
      excludeTables,
      sharedExcludes: true,
      ...(jobs && { jobs }),
    });
    signal.throwIfAborted();
    if (report.error && (await wasDropped(access, settings, database))) {
      cluster.gone.push(database);
      emit({ type: 'note', source, text: 'The database was dropped while the run went on.' });
      continue;
    }
    if (!report.error && !known.has(source)) cluster.added.push(source);
    reports.push(report);
  }
  return { cluster, reports };
}

/** Those that were asked for by name, whether `databases` wants them or not; what the server lacks fails at its turn. */
function namedOnes({ only }: ClusterSettings, listed: ClusterDatabases): ListedDatabase[] {
  const chosen = new Map(listed.chosen.map((database) => [database.name, database]));
  return [...new Set(only)].map((name) => chosen.get(name) ?? { name, obstacle: notChosen(name, listed) });
}

function notChosen(name: string, listed: ClusterDatabases): NonNullable<ListedDatabase['obstacle']> {
  if (!listed.has(name)) {
    return { kind: 'denied', reason: 'The server does not have it.', hint: '`psql -l` lists what it has.' };
  }
  const hint = 'Change `databases` or `exclude.databases` of the source.';
  return { kind: 'denied', reason: 'The configuration leaves it out.', hint };
}

async function droppedOnes(
  access: RepositoryAccess,
  cluster: string,
  roster: ClusterRoster,
  listed: ClusterDatabases,
): Promise<ClusterReport['dropped']> {
  const dropped: ClusterReport['dropped'] = [];
  for (const source of roster.names) {
    const database = databaseOf(source);
    if (database === undefined || listed.has(database) || !listed.wants(database)) continue;
    try {
      const snapshot = await newestSnapshot(access, source);
      if (snapshot) dropped.push({ source, database, snapshot });
    } catch (error) {
      access.signal.throwIfAborted();
      const { message, why } = toPlainError(error);
      access.emit({
        type: 'warning',
        source,
        text: `The server no longer has it, and its backups could not be looked at: ${why ?? message}`,
      });
    }
  }
  if (roster.closed.length > 0) {
    access.emit({
      type: 'warning',
      source: cluster,
      text: `Sources of this cluster at the site that no key of this host opens: ${roster.closed.length}.`,
      hint: 'holdfast check tells which.',
    });
  }
  return dropped;
}

/** Asked only after a failure, and the failure stays what it is when that cannot be found out. */
async function wasDropped(
  { signal }: RepositoryAccess,
  { connection }: ClusterSettings,
  database: string,
): Promise<boolean> {
  try {
    return !(await hasDatabase(connection, database, signal));
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
