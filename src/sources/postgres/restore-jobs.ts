import type { RestoreContext } from '../source.ts';
import type { ArchivePlan } from './archive-plan.ts';
import type { Selection } from './archive-selection.ts';
import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import type { PostgresConnection } from './connection.ts';
import type { SequenceLine, TableLine } from './manifest.ts';
import type { PostgresManifest } from './manifest-read.ts';
import { displayName, quoteQualified } from './quote.ts';
import type { Job } from './restore-schedule.ts';
import type { RestoreSessions } from './restore-sessions.ts';
import {
  type LoadLargeObjectsInput,
  type LoadTableInput,
  loadLargeObjectsTask,
  loadTableTask,
} from './restore-tasks.ts';

const usualRowBytes = 100;
/** What an index costs, beside loading its table. */
const indexWeight = 0.4;
/** Large objects are written twice. */
const largeObjectWeight = 3;
/** What a statement on a relation must not run beside. Other objects are only read. */
const lockable = /^(TABLE|VIEW|MATERIALIZED VIEW|FOREIGN TABLE|INDEX|CONSTRAINT)$/;

/** What jobs hold or use of a relation, by the dump id of its entry. */
export const relationKey = (dumpId: number) => `r${dumpId}`;
const entryId = (dumpId: number) => `e${dumpId}`;

/**
 * A job for each entry, after those it depends on, and never beside another one that would wait for its locks, or
 * deadlock with it.
 *
 * @param counts rows of tables by the dump ids of their entries
 */
export function entryJobs(
  sessions: RestoreSessions,
  entries: readonly TocEntry[],
  byId: ReadonlyMap<number, TocEntry>,
  counts: ReadonlyMap<number, number> = new Map(),
): Job[] {
  return entries.map((entry, at) => {
    const keys = new Set<string>();
    // Foreign keys are held against all rows of their table: what takes longest goes first.
    let weight = 0;
    for (const id of entry.dependencies) {
      if (entry.desc === 'FK CONSTRAINT') weight += counts.get(id) ?? 0;
      const other = byId.get(id);
      if (other === undefined || !lockable.test(other.desc)) continue;
      keys.add(relationKey(id));
      // Attaching an index locks the tables of both.
      if (entry.desc === 'INDEX ATTACH') {
        for (const table of other.dependencies) keys.add(relationKey(table));
      }
    }
    const shared = entry.desc === 'INDEX';
    return {
      id: entryId(entry.dumpId),
      // The archive's order is a good one.
      weight: weight - at,
      after: entry.dependencies.map(entryId),
      holds: shared ? [] : [...keys],
      uses: shared ? [...keys] : [],
      run: () => sessions.use((runner) => runner.run(entry)),
    };
  });
}

export interface RowJobs {
  jobs: Job[];
  /** By the dump ids of tables' entries. */
  rowCounts: ReadonlyMap<number, number>;
  sequences: SequenceLine[];
  totals: { tables: number; rows: number; bytes: number; sequences: number; largeObjects: number };
}

/** What of a manifest is about rows, and about what they go into. */
export type RowsManifest = Pick<PostgresManifest, 'database' | 'tables' | 'sequences' | 'largeObjects'>;

interface RowSettings {
  connection: PostgresConnection;
  manifest: RowsManifest;
  toc: ArchiveToc;
  selection: Selection;
  places: number;
}

/** The entries that make tables, by quoted name. */
export function tableEntries(toc: ArchiveToc): Map<string, TocEntry> {
  const entries = new Map<string, TocEntry>();
  for (const entry of toc.entries) {
    if (entry.desc === 'TABLE') entries.set(quoteQualified(entry.namespace, entry.tag), entry);
  }
  return entries;
}

/** How a table gets its rows: the jobs that load them, and what they weigh. */
export interface TableLoad {
  after: string[];
  weight: number;
  /** Where they are known. */
  rows?: number | undefined;
}

/** Rows of tables by the dump ids of their entries, or a guess; a partitioned one has those of its partitions. @param loads by quoted name */
export function rowCounts(
  toc: ArchiveToc,
  entries: ReadonlyMap<string, TocEntry>,
  loads: ReadonlyMap<string, TableLoad>,
): Map<number, number> {
  const own = new Map<number, number>();
  for (const [name, { dumpId }] of entries) {
    const { rows, weight = 0 } = loads.get(name) ?? {};
    own.set(dumpId, rows ?? weight / usualRowBytes);
  }
  const parents = new Map<number, number>();
  for (const { desc, dependencies } of toc.entries) {
    const [parent, partition] = dependencies;
    if (desc === 'TABLE ATTACH' && parent !== undefined && partition !== undefined) parents.set(partition, parent);
  }
  const counts = new Map(own);
  for (const [partition, parent] of parents) {
    const rows = own.get(partition) ?? 0;
    for (let up: number | undefined = parent; up !== undefined; up = parents.get(up)) {
      counts.set(up, (counts.get(up) ?? 0) + rows);
    }
  }
  return counts;
}

/** What is built on the rows of one table alone, as soon as it has them. @param loads by quoted name */
export function builtOnTables(
  sessions: RestoreSessions,
  plan: ArchivePlan,
  entries: ReadonlyMap<string, TocEntry>,
  loads: ReadonlyMap<string, TableLoad>,
): Job[] {
  return [...entries].flatMap(([name, entry]) => {
    const { after = [], weight = 0 } = loads.get(name) ?? {};
    return entryJobs(sessions, plan.withTable.get(entry.dumpId) ?? [], plan.byId).map((job) => ({
      ...job,
      weight: weight * indexWeight,
      after: [...job.after, ...after],
    }));
  });
}

/** Jobs that load tables and large objects in lanes, and build what needs the rows of one table only. */
export function rowJobs(
  context: Pick<RestoreContext, 'lanes' | 'emit'>,
  sessions: RestoreSessions,
  settings: RowSettings,
  plan: ArchivePlan,
): RowJobs {
  const { connection, manifest, toc, selection } = settings;
  const tables = manifest.tables.filter((line) => selection.rows(line));
  const largeObjects = selection.whole ? manifest.largeObjects : undefined;
  const bytes = tables.reduce((sum, { stream }) => sum + stream.size, 0) + (largeObjects?.stream.size ?? 0);
  const onProgress = progressOf(context, bytes);
  const entries = tableEntries(toc);

  const jobs: Job[] = [];
  const loadOf = new Map<TableLine, string>();
  const loadsThrough = new Map<string, string[]>();
  for (const [at, line] of tables.entries()) {
    if (isEmpty(line)) continue;
    const entry = entries.get(quoteQualified(line.schema, line.name));
    const indexes = entry === undefined ? 0 : (plan.withTable.get(entry.dumpId)?.length ?? 0);
    const id = `t${at}`;
    loadOf.set(line, id);
    if (line.loadThrough) {
      const root = quoteQualified(line.loadThrough.schema, line.loadThrough.name);
      loadsThrough.set(root, [...(loadsThrough.get(root) ?? []), id]);
    }
    const input = loadInput(connection, line);
    jobs.push({
      id,
      weight: weightOf(line) * (1 + indexWeight * indexes),
      after: [],
      holds: entry === undefined ? [] : [relationKey(entry.dumpId)],
      uses: [],
      run: () =>
        context.lanes.run(loadTableTask, input, { onProgress: onProgress(displayName(line.schema, line.name)) }),
    });
  }

  const loads = new Map<string, TableLoad>();
  for (const line of tables) {
    const after = loadOf.has(line) ? [loadOf.get(line)!] : [];
    // Rows that find their partition by themselves may come from any of its siblings' streams.
    const root = line.loadThrough && quoteQualified(line.loadThrough.schema, line.loadThrough.name);
    if (root !== undefined) after.push(...(loadsThrough.get(root) ?? []));
    const { rows } = line.stream.rows ?? {};
    loads.set(quoteQualified(line.schema, line.name), { after, weight: weightOf(line), rows });
  }
  jobs.push(...builtOnTables(sessions, plan, entries, loads));

  if (largeObjects !== undefined && largeObjects.objects.length > 0) {
    const input: LoadLargeObjectsInput = {
      connection,
      load: { stream: largeObjects.stream, objects: largeObjects.objects },
    };
    jobs.push({
      id: 'large objects',
      weight: largeObjects.stream.size * largeObjectWeight,
      after: [],
      holds: [],
      uses: [],
      run: () => context.lanes.run(loadLargeObjectsTask, input, { onProgress: onProgress('large objects') }),
    });
  }
  const wanted = new Set(
    toc.entries
      .filter((entry) => entry.desc === 'SEQUENCE' && selection.entry(entry))
      .map((entry) => quoteQualified(entry.namespace, entry.tag)),
  );
  const sequences = manifest.sequences.filter(
    ({ schema, name }) => selection.whole || wanted.has(quoteQualified(schema, name)),
  );
  return {
    jobs,
    rowCounts: rowCounts(toc, entries, loads),
    sequences,
    totals: {
      tables: tables.length,
      rows: tables.reduce((sum, { stream }) => sum + (stream.rows?.rows ?? 0), 0),
      bytes,
      sequences: sequences.length,
      largeObjects: largeObjects?.objects.length ?? 0,
    },
  };
}

/** A table that was just created needs nothing to be empty; one that an extension created may. */
function isEmpty(line: TableLine): boolean {
  return line.stream.size === 0 && line.extension === undefined;
}

function weightOf(line: TableLine): number {
  return Math.max(line.relationSize, line.stream.size);
}

function loadInput(connection: PostgresConnection, line: TableLine): LoadTableInput {
  const { schema, name, columns, stream, loadThrough, extension } = line;
  return {
    connection,
    schema,
    name,
    columns,
    stream,
    ...(loadThrough === undefined ? {} : { through: loadThrough }),
    ...(extension === undefined ? {} : { replace: { condition: extension.condition } }),
  };
}

/** Sums what lanes report. A table that is loaded again counts twice, so the sum is kept below the total. */
function progressOf(
  context: Pick<RestoreContext, 'emit'>,
  total: number,
): (detail: string) => (amount: number) => void {
  let done = 0;
  return (detail) => (amount) => {
    done = Math.min(total, done + amount);
    context.emit({ type: 'progress', activity: 'rows', done, total, unit: 'bytes', detail });
  };
}
