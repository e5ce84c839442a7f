/** The rows of a source whose originals are looked at: how they are cut into parts, and how a lane reads one. */
import { HoldfastError } from '../../base/errors.ts';
import type { LaneContext } from '../../repository/lane.ts';
import { copyOut } from '../../sources/postgres/copy-out.ts';
import { quoteIdentifier, quoteQualified } from '../../sources/postgres/quote.ts';
import { type BlockRange, type PartSizes, planParts } from '../../sources/postgres/table-parts.ts';
import { placesCondition } from '../copy/copy-table.ts';
import { encodingOf, type SharedSnapshot } from '../copy/kept.ts';
import { type PlannedCopy, placesOfPart } from '../copy/row-jobs.ts';
import type { TableTransform } from '../copy/table-transform.ts';
import { CopyColumns, type TakeColumns } from './copy-columns.ts';
import { searchParts } from './lane-jobs.ts';
import { originalsSession } from './lane-sessions.ts';
import { copyRows } from './search-rows.ts';
import type { SharedSketch } from './sketch.ts';

/** Rows of one table, or of a part of it. Survives structured cloning. */
export interface SourceRows {
  source: SharedSnapshot;
  sketch: SharedSketch;
  relation: { oid: number; schema: string; name: string };
  /** `WHERE …`, of the rows of an extension's table that are the user's. Not together with `blocks`. */
  condition: string | null;
  transform: TableTransform;
  /** A part of the table. */
  blocks?: BlockRange;
  /** Only these rows, by their places in the snapshot. */
  ctids?: readonly string[];
}

export interface PartOptions {
  source: SharedSnapshot;
  /** `server_version_num` of the source. */
  serverVersion: number;
  sketch: SharedSketch;
  parts?: PartSizes | undefined;
}

/** The rows of a table of the source, part by part; nothing of one whose rows are not copied, or copied as they are. */
export function partsOf(
  { planned, columns, transform }: PlannedCopy,
  { source, sketch, serverVersion, parts = searchParts }: PartOptions,
): { rows: SourceRows; weight: number; detail: string }[] {
  if (transform.emptied || transform.ruled.length === 0) return [];
  const { oid, schema, name, accessMethod, config } = planned.relation;
  const relation = { oid, schema, name };
  const rows: SourceRows = { source, sketch, relation, condition: config?.condition ?? null, transform };
  const isWhole = accessMethod !== 'heap' || config !== null;
  const ranges = isWhole ? [] : planParts(columns, serverVersion, parts);
  const all = ranges.length > 1 ? ranges.map((blocks) => ({ ...rows, blocks })) : [rows];
  const weight = Math.ceil(columns.size / all.length);
  return all.map((each) => ({ rows: each, weight, detail: transform.table }));
}

/** The same of those rows that the copy has: what rules make of others explains nothing in it. */
export function copiedPartsOf(
  planned: PlannedCopy,
  options: PartOptions,
): { rows: () => SourceRows; weight: number; detail: string }[] {
  const { ctids } = planned;
  const all = partsOf(planned, options);
  if (ctids === undefined) return all.map((part) => ({ ...part, rows: () => part.rows }));
  const [first] = all;
  if (first === undefined) return [];
  const { blocks: _, ...rows } = first.rows;
  const count = Math.ceil(ctids.length / placesOfPart);
  // Places are written out when it is their turn, as those of the copy.
  return Array.from({ length: count }, (_, at) => ({
    ...first,
    rows: () => ({ ...rows, ctids: ctids.slice(at * placesOfPart, (at + 1) * placesOfPart) }),
  }));
}

/** @param positions in the COPY of the columns that are read */
export async function readRows(
  lane: LaneContext,
  { source: snapshot, relation, condition, transform, blocks, ctids }: SourceRows,
  positions: readonly number[],
  take: TakeColumns,
): Promise<void> {
  const source = await originalsSession(lane, snapshot);
  const { table, columns, ruled } = transform;
  const before = (bytes: number) => lane.progress(bytes);
  const rows = new CopyColumns({ columns: positions.length, encoding: encodingOf(source), before, take });
  const expressions = new Map(ruled.map(({ at, expression }) => [at, expression]));
  const list = positions.map((at) => expressions.get(at) ?? quoteIdentifier(columns[at]!)).join(', ');
  const where = ctids === undefined ? (condition ?? '') : `WHERE ${placesCondition(ctids)}`;
  const from = `ONLY ${quoteQualified(relation.schema, relation.name)} ${where}`;
  const what = `Could not read the originals of ${table}.`;
  await copyOut(source, copyRows(list, from, blocks), rows).catch((error: unknown) =>
    Promise.reject(error instanceof HoldfastError ? error : source.fail(error, what)),
  );
}
