import type { Lanes } from '../../repository/lanes.ts';
import type { RowSum } from '../../repository/row-hash.ts';
import type { StoredStream } from '../../repository/stored-stream.ts';
import type { PlannedTable } from './backup-plan.ts';
import {
  type CopiedLargeObjects,
  type CopiedTable,
  type CopyTablesInput,
  copyTablesTask,
  type LargeObjectsInput,
  largeObjectsTask,
  type SnapshotSource,
  type TableToCopy,
} from './backup-tasks.ts';
import type { TableColumns } from './catalog-relations.ts';
import { copyOut } from './copy-out.ts';
import type { CopyProgress } from './copy-progress.ts';
import { FeedSink } from './feed-sink.ts';
import type { TableLine } from './manifest.ts';
import { displayName } from './quote.ts';
import type { Session } from './session.ts';
import { Superseded } from './superseded.ts';
import { copyStatement, fingerprint, generatedStatement, rowsError } from './table-copy.ts';

/** A table on its way. */
export interface TableJob {
  planned: PlannedTable;
  columns: TableColumns;
}

/** Tables up to this size travel together: asking a lane takes longer than reading one. */
const smallTable = 128 * 1024;
const groupBytes = 1024 * 1024;
const groupTables = 64;

interface LaneJob {
  /** Bytes on disk, the largest first: what is begun last must not take long. */
  size: number;
  run(): Promise<void>;
}

export class TableLanes {
  readonly #lanes: Lanes;
  readonly #source: SnapshotSource;
  readonly #rowKey: string;
  readonly #progress: CopyProgress;

  constructor(lanes: Lanes, source: SnapshotSource, rowKey: string, progress: CopyProgress) {
    this.#lanes = lanes;
    this.#source = source;
    this.#rowKey = rowKey;
    this.#progress = progress;
  }

  /**
   * Copies tables, and the large objects beside them, in all lanes.
   *
   * @param largeObjects bytes on disk of large objects; undefined when there are none
   * @param coordinator lends the session that holds the locks, once it is free
   * @throws HoldfastError, Superseded
   */
  async copy(
    jobs: readonly TableJob[],
    largeObjects: number | undefined,
    coordinator: () => Promise<Session>,
  ): Promise<{ tables: TableLine[]; largeObjects: CopiedLargeObjects | undefined }> {
    const lines = new Map<TableJob, TableLine>();
    const busy: TableJob[] = [];
    let objects: CopiedLargeObjects | undefined;
    const laneJobs: LaneJob[] = group(jobs).map((members) => ({
      size: sizeOf(members),
      run: async () => {
        for (const [i, copied] of (await this.#copyGroup(members)).entries()) {
          const job = members[i]!;
          if (copied.state === 'copied') lines.set(job, tableLine(job, copied.stream, copied.generated));
          else if (copied.state === 'busy') busy.push(job);
          else throw new Superseded(`Table ${nameOf(job)} was moved meanwhile.`);
        }
      },
    }));
    if (largeObjects !== undefined) {
      laneJobs.push({
        size: largeObjects,
        run: async () => {
          objects = await this.#copyLargeObjects(largeObjects);
        },
      });
    }
    await Promise.all(laneJobs.sort((a, b) => b.size - a.size).map((job) => job.run()));
    for (const job of busy) lines.set(job, await this.#copyByCoordinator(await coordinator(), job));
    return { tables: jobs.map((job) => lines.get(job)!), largeObjects: objects };
  }

  async #copyGroup(members: readonly TableJob[]): Promise<CopiedTable[]> {
    const size = sizeOf(members);
    const detail = members.length === 1 ? nameOf(members[0]!) : `${members.length} small tables`;
    const input: CopyTablesInput = { source: this.#source, rowKey: this.#rowKey, tables: members.map(toCopy) };
    const copied = await this.#lanes.run<CopiedTable[]>(copyTablesTask, input, {
      onProgress: (bytes) => this.#progress.advance(members, bytes, size, detail),
    });
    this.#progress.finish(members, size, detail);
    return copied;
  }

  async #copyLargeObjects(size: number): Promise<CopiedLargeObjects> {
    const input: LargeObjectsInput = { source: this.#source };
    const detail = 'large objects';
    const copied = await this.#lanes.run<CopiedLargeObjects>(largeObjectsTask, input, {
      onProgress: (bytes) => this.#progress.advance(input, bytes, size, detail),
    });
    this.#progress.finish(input, size, detail);
    return copied;
  }

  /** A table for whose lock somebody waits: only the session that has a lock already may read it now. */
  async #copyByCoordinator(session: Session, job: TableJob): Promise<TableLine> {
    const table = toCopy(job);
    const what = `Could not copy table ${nameOf(job)}.`;
    const sink = new FeedSink(this.#lanes, this.#rowKey);
    try {
      await copyOut(session, copyStatement(table), sink);
    } catch (error) {
      sink.fail();
      throw rowsError(session, error, what);
    }
    const stream = await sink.end();
    if (table.generated.length === 0) return tableLine(job, stream);
    const { rows } = await fingerprint(session, generatedStatement(table, table.generated), this.#rowKey, what);
    return tableLine(job, stream, rows);
  }
}

function nameOf({ planned: { relation } }: TableJob): string {
  return displayName(relation.schema, relation.name);
}

function sizeOf(jobs: readonly TableJob[]): number {
  return jobs.reduce((sum, { columns }) => sum + columns.size, 0);
}

function toCopy({ planned: { relation }, columns }: TableJob): TableToCopy {
  return {
    oid: relation.oid,
    schema: relation.schema,
    name: relation.name,
    columns: columns.plain,
    generated: columns.generated,
    condition: relation.config?.condition,
  };
}

function tableLine({ planned, columns }: TableJob, stream: StoredStream, generated?: RowSum): TableLine {
  const { relation, order, loadThrough } = planned;
  return {
    kind: 'table',
    schema: relation.schema,
    name: relation.name,
    columns: columns.plain,
    stream,
    order,
    ...(loadThrough && { loadThrough }),
    ...(generated && { generated: { columns: columns.generated, rows: generated } }),
    ...(relation.config && {
      extension: { name: relation.extension!, condition: relation.config.condition },
    }),
    relationSize: columns.size,
    ...(relation.unlogged && { unlogged: true }),
  };
}

/** Large tables alone, small ones together. */
function group(jobs: readonly TableJob[]): TableJob[][] {
  const groups: TableJob[][] = [];
  let current: TableJob[] = [];
  let bytes = 0;
  for (const job of jobs) {
    const { size } = job.columns;
    if (size > smallTable) {
      groups.push([job]);
      continue;
    }
    if (current.length === groupTables || bytes + size > groupBytes || current.length === 0) {
      current = [];
      bytes = 0;
      groups.push(current);
    }
    current.push(job);
    bytes += size;
  }
  return groups;
}
