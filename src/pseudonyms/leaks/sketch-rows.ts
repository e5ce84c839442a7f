/** What a lane does to learn what is looked for in a copy that was made before: the originals of a table, or of a part of one. */
import { HoldfastError } from '../../base/errors.ts';
import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import { copyOut } from '../../sources/postgres/copy-out.ts';
import { quoteIdentifier, quoteQualified } from '../../sources/postgres/quote.ts';
import { type BlockRange, planParts } from '../../sources/postgres/table-parts.ts';
import type { PlannedCopy } from '../copy/row-jobs.ts';
import type { TableTransform } from '../copy/table-transform.ts';
import { CopyColumns } from './copy-columns.ts';
import { type LaneJob, searchParts } from './lane-jobs.ts';
import { originalsSession, type SharedSnapshot } from './lane-sessions.ts';
import { copyRows } from './search-rows.ts';
import type { SharedSketch } from './sketch.ts';
import { sketchWatch } from './watch.ts';

interface SketchRowsInput {
  source: SharedSnapshot;
  sketch: SharedSketch;
  relation: { schema: string; name: string };
  /** `WHERE …`, of the rows of an extension's table that are the user's. Not together with `blocks`. */
  condition: string | null;
  transform: TableTransform;
  blocks?: BlockRange;
}

const sketchRowsTask = 'pseudonymize-sketch-rows';

export const sketchRowsTasks = { [sketchRowsTask]: sketchRows } satisfies Record<string, LaneTask>;

/**
 * Jobs that add the originals of ruled columns to a sketch.
 *
 * @param counted told of the rows of each table, or part
 */
export function sketchRowsJobs(
  { source, sketch, serverVersion }: { source: SharedSnapshot; sketch: SharedSketch; serverVersion: number },
  tables: readonly PlannedCopy[],
  counted: (rows: number) => void,
): LaneJob[] {
  return tables.flatMap(({ planned, columns, transform }) => {
    if (transform.emptied || transform.ruled.length === 0) return [];
    const { schema, name, accessMethod, config } = planned.relation;
    const common: SketchRowsInput = {
      source,
      sketch,
      relation: { schema, name },
      condition: config?.condition ?? null,
      transform,
    };
    const isWhole = accessMethod !== 'heap' || config !== null;
    const ranges = isWhole ? [] : planParts(columns, serverVersion, searchParts);
    const inputs = ranges.length > 1 ? ranges.map((blocks) => ({ ...common, blocks })) : [common];
    return inputs.map((input) => ({
      task: sketchRowsTask,
      weight: Math.ceil(columns.size / inputs.length),
      detail: transform.table,
      input: () => input,
      done: counted,
    }));
  });
}

async function sketchRows(lane: LaneContext, input: SketchRowsInput): Promise<number> {
  const { transform, relation, condition, blocks } = input;
  // What the source works out shows true values, which are no leak.
  const read = transform.ruled.filter(({ expression, whole }) => expression === undefined && whole === undefined);
  if (read.length === 0) return 0;
  const source = await originalsSession(lane, input.source);
  const watch = sketchWatch(input.sketch, { ruled: read });
  let rows = 0;
  const cells = new CopyColumns({
    columns: read.length,
    encoding: source.encoding === 'SQL_ASCII' ? 'latin1' : 'utf8',
    before: (bytes) => lane.progress(bytes),
    take: (batch, count) => {
      rows += count;
      for (const [at, { column }] of read.entries()) watch.originals(column, batch[at]!);
    },
  });
  const list = read.map(({ column }) => quoteIdentifier(column)).join(', ');
  const from = `ONLY ${quoteQualified(relation.schema, relation.name)} ${condition ?? ''}`;
  const what = `Could not read the originals of ${transform.table}.`;
  await copyOut(source, copyRows(list, from, blocks), cells).catch((error: unknown) =>
    Promise.reject(error instanceof HoldfastError ? error : source.fail(error, what)),
  );
  return rows;
}
