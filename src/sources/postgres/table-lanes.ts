import type { Lanes } from '../../repository/lanes.ts';
import { addRowSums, type RowSum } from '../../repository/row-hash.ts';
import { type AnyStream, joinStreams, type StoredStream } from '../../repository/stored-stream.ts';
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
import type { LargeObjectContent } from './binary-copy.ts';
import type { TableColumns } from './catalog-relations.ts';
import { copyOut } from './copy-out.ts';
import type { CopyProgress } from './copy-progress.ts';
import { FeedSink } from './feed-sink.ts';
import type { LargeObjectRange } from './large-objects.ts';
import type { TableLine } from './manifest.ts';
import { displayName } from './quote.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';
import { Superseded } from './superseded.ts';
import { assertSameRelation, copyStatement, fingerprint, generatedStatement, rowsError } from './table-copy.ts';
import { type BlockRange, type PartSizes, planParts, usualParts } from './table-parts.ts';

/** A table on its way. */
export interface TableJob {
  planned: PlannedTable;
  columns: TableColumns;
}

/** What one lane copies at once: a table, or a part of it. */
interface Piece {
  job: TableJob;
  /** Of a part. */
  blocks?: BlockRange;
  /** Bytes on disk that it counts for. */
  size: number;
}

interface CopiedPiece {
  stream: StoredStream;
  generated?: RowSum | undefined;
}

/** What `assertSameRelation` ends in. */
const moved: readonly (string | undefined)[] = [
  sqlstate.divisionByZero,
  sqlstate.undefinedTable,
  sqlstate.undefinedSchema,
];

/** Tables up to this size travel together: asking a lane takes longer than reading one. */
const smallTable = 128 * 1024;
const groupBytes = 1024 * 1024;
const groupTables = 64;

interface LaneJob {
  /** Bytes on disk, the largest first: what is begun last must not take long. */
  size: number;
  run(): Promise<void>;
}

/** Of all ranges. */
export interface AllLargeObjects {
  stream: AnyStream;
  contents: LargeObjectContent[];
}

export class TableLanes {
  readonly #lanes: Lanes;
  readonly #source: SnapshotSource;
  readonly #rowKey: string;
  readonly #progress: CopyProgress;
  readonly #partSizes: PartSizes;

  /** @param partSizes which tables are read in parts; for tests */
  constructor(
    lanes: Lanes,
    source: SnapshotSource,
    rowKey: string,
    progress: CopyProgress,
    partSizes: PartSizes = usualParts,
  ) {
    this.#lanes = lanes;
    this.#source = source;
    this.#rowKey = rowKey;
    this.#progress = progress;
    this.#partSizes = partSizes;
  }

  /**
   * Copies tables, and the large objects beside them, in all lanes. Of large tables several lanes copy a part each.
   *
   * @param largeObjects where there are any: bytes on disk, and the ranges to read side by side
   * @param serverVersion `server_version_num`
   * @param coordinator lends the session that holds the locks, once it is free
   * @throws HoldfastError, Superseded
   */
  async copy(
    jobs: readonly TableJob[],
    largeObjects: { size: number; ranges: LargeObjectRange[] } | undefined,
    serverVersion: number,
    coordinator: () => Promise<Session>,
  ): Promise<{ tables: TableLine[]; largeObjects: AllLargeObjects | undefined }> {
    const pieces = new Map(jobs.map((job) => [job, cut(job, serverVersion, this.#partSizes)]));
    const done = new Map<Piece, CopiedPiece>();
    const busy: Piece[] = [];
    const objects: CopiedLargeObjects[] = [];
    const laneJobs: LaneJob[] = group([...pieces.values()].flat()).map((members) => ({
      size: sizeOf(members),
      run: async () => {
        for (const [i, copied] of (await this.#copyGroup(members)).entries()) {
          const piece = members[i]!;
          if (copied.state === 'copied') done.set(piece, copied);
          else if (copied.state === 'busy') busy.push(piece);
          else throw new Superseded(`Table ${nameOf(piece.job)} was moved meanwhile.`);
        }
      },
    }));
    const { size: objectsSize = 0, ranges = [] } = largeObjects ?? {};
    for (const [i, range] of ranges.entries()) {
      const size = objectsSize / ranges.length;
      laneJobs.push({
        size,
        run: async () => {
          objects[i] = await this.#copyLargeObjects(range, size);
        },
      });
    }
    await Promise.all(laneJobs.sort((a, b) => b.size - a.size).map((job) => job.run()));
    for (const piece of busy) done.set(piece, await this.#copyByCoordinator(await coordinator(), piece));
    const tables = jobs.map((job) => {
      const copied = pieces.get(job)!.map((piece) => done.get(piece)!);
      return tableLine(job, copied);
    });
    if (objects.length === 0) return { tables, largeObjects: undefined };
    const stream = joinStreams(objects.map((part) => part.stream));
    return { tables, largeObjects: { stream, contents: objects.flatMap(({ contents }) => contents) } };
  }

  async #copyGroup(members: readonly Piece[]): Promise<CopiedTable[]> {
    const size = sizeOf(members);
    const detail = members.length === 1 ? nameOf(members[0]!.job) : `${members.length} small tables`;
    const input: CopyTablesInput = { source: this.#source, rowKey: this.#rowKey, tables: members.map(toCopy) };
    const copied = await this.#lanes.run<CopiedTable[]>(copyTablesTask, input, {
      onProgress: (bytes) => this.#progress.advance(members, bytes, size, detail),
    });
    this.#progress.finish(members, size, detail);
    return copied;
  }

  async #copyLargeObjects(range: LargeObjectRange, size: number): Promise<CopiedLargeObjects> {
    const input: LargeObjectsInput = { source: this.#source, range };
    const detail = 'large objects';
    const copied = await this.#lanes.run<CopiedLargeObjects>(largeObjectsTask, input, {
      onProgress: (bytes) => this.#progress.advance(input, bytes, size, detail),
    });
    this.#progress.finish(input, size, detail);
    return copied;
  }

  /** A table for whose lock somebody waits: only the session that has a lock already may read it now. */
  async #copyByCoordinator(session: Session, piece: Piece): Promise<CopiedPiece> {
    const table = toCopy(piece);
    const what = `Could not copy table ${nameOf(piece.job)}.`;
    const sink = new FeedSink(this.#lanes, { rowKey: this.#rowKey, part: piece.blocks !== undefined });
    const { oid } = piece.job.planned.relation;
    // A lock does not hold the name of its schema; looked at on both sides, since the copy finds the table by name.
    const same = assertSameRelation(table.schema, table.name, oid);
    // Locks taken before the savepoint stay.
    const inSubtransaction = (statement: string) =>
      `SAVEPOINT holdfast; ${same}; ${statement}; ${same}; ROLLBACK TO SAVEPOINT holdfast; RELEASE SAVEPOINT holdfast`;
    try {
      await copyOut(session, inSubtransaction(copyStatement(table)), sink);
    } catch (error) {
      sink.fail();
      if (moved.includes(sqlstateOf(error))) throw new Superseded(`Table ${nameOf(piece.job)} was moved.`);
      throw rowsError(session, error, what);
    }
    const stream = await sink.end();
    if (table.generated.length === 0) return { stream };
    const statement = inSubtransaction(generatedStatement(table, table.generated));
    return { stream, generated: (await fingerprint(session, statement, this.#rowKey, what)).rows };
  }
}

/** The pieces of a table, in the order of its rows. */
function cut(job: TableJob, serverVersion: number, sizes: PartSizes): Piece[] {
  const { size, blocks } = job.columns;
  // Where the order of rows counts for nothing, ctid may mean something else, or a condition choose the rows.
  const ranges = job.planned.order === 'heap' ? planParts(job.columns, serverVersion, sizes) : [];
  if (ranges.length < 2) return [{ job, size }];
  const upTo = (block: number) => Math.floor((size * block) / blocks);
  return ranges.map((range) => ({ job, blocks: range, size: upTo(range.to ?? blocks) - upTo(range.from) }));
}

function nameOf({ planned: { relation } }: TableJob): string {
  return displayName(relation.schema, relation.name);
}

function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { size }) => sum + size, 0);
}

function toCopy({ job: { planned, columns }, blocks }: Piece): TableToCopy {
  const { relation } = planned;
  return {
    oid: relation.oid,
    schema: relation.schema,
    name: relation.name,
    columns: columns.plain,
    generated: columns.generated,
    condition: relation.config?.condition,
    blocks,
  };
}

/** @param copied its pieces, in the order of its rows */
function tableLine({ planned, columns }: TableJob, copied: readonly CopiedPiece[]): TableLine {
  const { relation, order, loadThrough } = planned;
  const stream = joinStreams(copied.map((piece) => piece.stream));
  const sums = copied.flatMap(({ generated }) => generated ?? []);
  return {
    kind: 'table',
    schema: relation.schema,
    name: relation.name,
    columns: columns.plain,
    stream,
    order,
    ...(loadThrough && { loadThrough }),
    ...(sums.length > 0 && { generated: { columns: columns.generated, rows: sums.reduce(addRowSums) } }),
    ...(relation.config && {
      extension: { name: relation.extension!, condition: relation.config.condition },
    }),
    relationSize: columns.size,
    ...(relation.unlogged && { unlogged: true }),
  };
}

/** Large tables and parts alone, small tables together. */
function group(pieces: readonly Piece[]): Piece[][] {
  const groups: Piece[][] = [];
  let current: Piece[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    const { size } = piece;
    if (size > smallTable || piece.blocks !== undefined) {
      groups.push([piece]);
      continue;
    }
    if (current.length === groupTables || bytes + size > groupBytes || current.length === 0) {
      current = [];
      bytes = 0;
      groups.push(current);
    }
    current.push(piece);
    bytes += size;
  }
  return groups;
}
