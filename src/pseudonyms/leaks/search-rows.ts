/** What a lane does in the search for originals: the rows of a table, or of a part of one. */
import { HoldfastError } from '../../base/errors.ts';
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import { copyOut } from '../../sources/postgres/copy-out.ts';
import { quoteQualified } from '../../sources/postgres/quote.ts';
import { type BlockRange, blocksCondition, withTidScan } from '../../sources/postgres/table-parts.ts';
import { encodingOf, type SharedSnapshot } from '../copy/kept.ts';
import type { CatalogColumn } from '../discovery-catalog.ts';
import { readingOf, scanCells } from './columns.ts';
import { CopyColumns } from './copy-columns.ts';
import { countInto, type Hits, noHits } from './hits.ts';
import { copySession } from './lane-sessions.ts';
import { TextScanner } from './scan-text.ts';
import type { SharedSketch } from './sketch.ts';

export interface SearchRowsInput {
  copy: SharedSnapshot;
  sketch: SharedSketch;
  /** Rows of its own; those of partitions are read from these. */
  relation: { schema: string; name: string };
  /** Those that `readingOf` reads. */
  columns: { column: Pick<CatalogColumn, 'name' | 'class' | 'type'>; ofDictionaries: boolean }[];
  /** A part of the table. */
  blocks?: BlockRange;
  /** One sentence for an error. */
  what: string;
}

export interface SearchRowsOutput {
  rows: number;
  /** Of COPY text. */
  bytes: number;
  /** Of each column. */
  hits: Hits[];
}

export const searchRowsTask = 'pseudonymize-search-rows';

export const searchRowsTasks = { [searchRowsTask]: searchRows } satisfies Record<string, LaneTask>;

async function searchRows(lane: LaneContext, input: SearchRowsInput): Promise<SearchRowsOutput> {
  const session = await copySession(lane, input.copy);
  const scanner = new TextScanner(input.sketch);
  const columns = input.columns.map(({ column, ofDictionaries }) => {
    const hits = noHits();
    return { reading: readingOf(column)!, hits, found: countInto(hits, ofDictionaries) };
  });
  const output: SearchRowsOutput = { rows: 0, bytes: 0, hits: columns.map(({ hits }) => hits) };
  const cells = new CopyColumns({
    columns: columns.length,
    encoding: encodingOf(session),
    before: (bytes) => {
      output.bytes += bytes;
      lane.progress(bytes);
    },
    take: (batch, rows) => {
      output.rows += rows;
      for (const [at, { reading, hits, found }] of columns.entries()) {
        hits.unread += scanCells(reading, scanner, batch[at]!, found);
      }
    },
  });
  const list = columns.map(({ reading }) => reading.expression).join(', ');
  const statement = copyRows(list, `ONLY ${quoteQualified(input.relation.schema, input.relation.name)}`, input.blocks);
  await copyOut(session, statement, cells).catch((error: unknown) =>
    Promise.reject(error instanceof HoldfastError ? error : session.fail(error, input.what)),
  );
  return output;
}

/** @param from what follows FROM; without a condition when only some blocks are read */
export function copyRows(list: string, from: string, blocks: BlockRange | undefined): string {
  if (blocks === undefined) return `COPY (SELECT ${list} FROM ${from}) TO STDOUT`;
  const copy = withTidScan(`COPY (SELECT ${list} FROM ${from} WHERE ${blocksCondition(blocks)}) TO STDOUT`);
  return `SAVEPOINT holdfast; ${copy}; ROLLBACK TO SAVEPOINT holdfast; RELEASE SAVEPOINT holdfast`;
}
